"""A draft for a network on the sensor: the file's intrinsics say most of it by themselves."""

from collections.abc import Sequence

from eyespot.domain.errors import InputError
from eyespot.trust.rpk import check_rpk
from eyespot_fleet.disk import read_file
from eyespot_fleet.packing.draft import Draft, ask_for_roles, given_roles
from eyespot_fleet.packing.wishes import Wishes

_KEYPOINTS = 17
_BY_DEPTH = {_KEYPOINTS: "heatmaps", 2 * _KEYPOINTS: "offsets", 64: "displacements"}


def draft_rpk(data: bytes, wishes: Wishes) -> Draft:
    """Return what can be said of an .rpk file.

    Raises:
        ModelError: the file is damaged, or the sensor must not have it.
        InputError: something has to be said that the file does not.
    """
    if wishes.pictures or wishes.range or wishes.order != "rgb":
        raise InputError(
            "--picture, --range and --order are not for the sensor: only it can run its networks"
        )
    rpk = check_rpk(data)
    task = rpk.intrinsics.task if rpk.intrinsics else None
    shapes = [output.shape for output in rpk.network.outputs]
    roles = given_roles(wishes.roles, len(shapes)) or _roles(shapes, task)
    if not roles:
        raise ask_for_roles([list(shape) for shape in shapes])
    width, height = rpk.network.input.width, rpk.network.input.height
    fields = {
        "runtime": "imx500",
        "input": {"width": width, "height": height, "resize": wishes.resize},
        "outputs": [{"role": role, "shape": list(shape)} for role, shape in zip(roles, shapes, strict=True)],
        **({"decoder": dict(wishes.decoder)} if wishes.decoder else {}),
    }
    labels = read_file(wishes.labels) if wishes.labels is not None else None
    return Draft(fields, labels, provenance=rpk.network.name)


def _roles(shapes: Sequence[tuple[int, ...]], task: str | None) -> tuple[str, ...]:
    """Return what outputs are in the zoo's networks, by their shapes and the task; empty where unclear."""
    match [list(shape) for shape in shapes]:
        case [[count, 4], [scores], [classes], [1]] if count == scores == classes:
            return ("boxes", "scores", "classes", "count")
        case [[_]]:
            return ("scores",)
        case [[_, _]]:
            return ("classes",) if task == "segmentation" else ("predictions",)
        case [[_, 17], [_, 17], [_, 17]]:
            return ("tags", "places", "scores")
        case [[_, _, first], [_, _, second], [_, _, third]]:
            roles = tuple(_BY_DEPTH.get(depth, "") for depth in (first, second, third))
            return roles if len(set(roles)) == len(roles) and all(roles) else ()
    return ()
