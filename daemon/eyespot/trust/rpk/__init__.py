"""Network files of the IMX500 sensor (.rpk), read without the sensor.

A file is a row of blocks of 1 MiB, opaque but for the tensor table at the beginning of the first, and
behind them a cpio archive with the registers to set, a description, and what the network's maker says of
its outputs. The kernel takes any bytes and frees the old network first, so `read_rpk` and `check_rpk`
come before it.
"""

from eyespot.trust.rpk.check import check_parts, check_rpk
from eyespot.trust.rpk.file import MOST_BYTES, Rpk, is_rpk, read_rpk
from eyespot.trust.rpk.intrinsics import Intrinsics
from eyespot.trust.rpk.tensors import InputTensor, OutputTensor

__all__ = [
    "MOST_BYTES",
    "InputTensor",
    "Intrinsics",
    "OutputTensor",
    "Rpk",
    "check_parts",
    "check_rpk",
    "is_rpk",
    "read_rpk",
]
