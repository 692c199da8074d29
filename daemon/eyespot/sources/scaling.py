"""Sizes that frames are scaled to before an engine gets them."""

from eyespot.domain.geometry import Resize


def scaled_size(size: tuple[int, int], target: tuple[int, int], resize: Resize) -> tuple[int, int]:
    """Return width and height to scale a picture to, so that padding or cutting alone is left to do.

    Args:
        size: width and height of the picture.
        target: width and height of the model's input.
        resize: "stretch" gives the target; "letterbox" fits inside it; "crop" covers it.
    """
    if resize == "stretch":
        return target
    ratios = (target[0] / size[0], target[1] / size[1])
    scale = min(ratios) if resize == "letterbox" else max(ratios)
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
