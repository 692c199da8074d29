"""Cut-outs of pictures with free terms, and how they were made: see README.md beside this file."""

from pathlib import Path

import numpy as np

from eyespot.frames import Pixels

FILE = Path(__file__).with_name("cutouts.npz")


def cutouts() -> dict[str, Pixels]:
    """Return name -> (h, w, 4) uint8: red, green, blue, and how much it covers of what lies behind."""
    with np.load(FILE) as pictures:
        return dict(pictures)
