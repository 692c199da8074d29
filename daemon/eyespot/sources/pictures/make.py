"""Makes cutouts.npz from the pictures in a scikit-image wheel: see README.md."""

import io
import sys
import zipfile

import av
import numpy as np
from numpy.typing import NDArray

from eyespot.sources.pictures import FILE
from eyespot.sources.scene_art import resampled

_HEIGHT = 150

# name of the cut-out, picture in the wheel, and the outline as x,y in its pixels
_OUTLINES = """\
person_astronaut astronaut.png
153,95 160,60 190,25 230,14 270,25 298,60 302,95 290,125 272,140 268,175 290,195 306,240 330,255
350,285 360,330 362,352 330,365 300,395 282,440 278,511 28,511 20,420 22,350 30,300 60,250 112,215
115,185 135,158 180,150 178,125 158,115

person_camera camera.png
158,105 160,88 178,72 210,63 245,74 272,108 268,138 325,138 326,156 305,186 318,168 332,178 328,210
300,245 287,290 250,313 208,297 180,340 142,382 150,440 152,511 0,511 0,255 20,215 60,160 100,125
135,112

cat_chelsea chelsea.png
20,0 430,0 440,60 425,120 438,180 430,240 400,299 30,299 8,240 4,160 10,80

coffee_cup coffee.png
480,200 474,245 455,290 423,330 380,360 330,380 278,388 225,380 172,358 130,328 100,290 82,248
77,205 84,165 105,125 140,92 175,75 185,55 215,32 260,19 310,19 360,38 395,70 412,65 425,72 422,108
450,140 470,168
"""


def _decoded(png: bytes) -> NDArray[np.float64]:
    with av.open(io.BytesIO(png), "r") as container:
        pixels: NDArray[np.float64] = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    return pixels


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return (h, w): whether a ray to the right from each pixel meets the outline an odd number of times."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    inside = np.zeros(shape[:2], np.bool_)
    for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        if y0 != y1:
            spans = (rows >= min(y0, y1)) & (rows < max(y0, y1))
            inside ^= spans & (columns < x0 + (rows - y0) / (y1 - y0) * (x1 - x0))
    return inside


def _cut_out(picture: NDArray[np.float64], outline: list[str]) -> NDArray[np.uint8]:
    x, y = np.array([point.split(",") for point in outline], np.float64).T
    cover = 255.0 * _inside(x, y, picture.shape)
    cut = np.dstack([picture, cover])[int(y.min()) : int(y.max()), int(x.min()) : int(x.max())]
    width = round(_HEIGHT * cut.shape[1] / cut.shape[0])
    return resampled(cut, _HEIGHT, width).round().astype(np.uint8)


def main(wheel: str) -> None:
    """Write the file beside this one."""
    cuts = {}
    with zipfile.ZipFile(wheel) as archive:
        for paragraph in _OUTLINES.split("\n\n"):
            name, picture, *outline = paragraph.split()
            cuts[name] = _cut_out(_decoded(archive.read(f"skimage/data/{picture}")), outline)
    np.savez_compressed(FILE, **cuts)


if __name__ == "__main__":
    main(sys.argv[1])
