"""Harms model files by the hundred thousand: nothing but a verdict, in little time and memory.

    PYTHONPATH=tests python tests/attacks/harm_model_files.py [TIMES]

Files of EYESPOT_SHARED_RPK and EYESPOT_SHARED_MODELS are harmed as well, where these name folders.
"""

import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from eyespot.domain.errors import ModelError
from eyespot.trust.rpk import check_rpk
from eyespot.trust.tflite import read_tflite
from fakes.harm import harmed
from fakes.rpk import INPUT, INTRINSICS, SSD, make_rpk, network_table, pack_registers
from fakes.tflite import BOXES, PICTURE, make_tflite

_SEED = 1
_LARGE_BYTES = 200_000  # such a file is copied for each try, so it is tried less often


class Victim(NamedTuple):
    """Something to harm.

    Attributes:
        around: what makes a file of it.
        share: how much of the tries it gets, compared with others.
    """

    name: str
    whole: bytes
    around: Callable[[bytes], bytes]
    read: Callable[[bytes], object]
    share: float


def victims() -> Iterator[Victim]:
    """Yield whole files, and the parts that a file is made of, each within a good file."""
    yield Victim("synthetic rpk", make_rpk(), bytes, check_rpk, 3)
    yield Victim("tensor table", network_table(INPUT, SSD), lambda data: make_rpk(network=data), check_rpk, 3)
    parts = {
        "imx500_regs": pack_registers({0xD750: (1, 2), 0x305E: (2, 121), 0x3060: (2, 5)}),
        "network_info.txt": make_rpk().split(b"network_info.txt\0")[1].split(b"070701")[0].strip(b"\0"),
        "network_intrinsics": json.dumps(INTRINSICS).encode(),
    }
    for name, whole in parts.items():
        yield Victim(name, whole, lambda data, name=name: make_rpk(members={name: data}), check_rpk, 1)
    yield Victim("synthetic tflite", make_tflite(PICTURE, BOXES), bytes, read_tflite, 2)
    for variable, pattern, read in (
        ("EYESPOT_SHARED_RPK", "*.rpk", check_rpk),
        ("EYESPOT_SHARED_MODELS", "*.tflite", read_tflite),
    ):
        for file in sorted(Path(os.environ.get(variable, "/nowhere")).glob(pattern)):
            data = file.read_bytes()
            yield Victim(file.name, data, bytes, read, 1 if len(data) < _LARGE_BYTES else 0.01)


def _attack(victim: Victim, times: int) -> None:
    refused, slowest_s = 0, 0.0
    for data in harmed(victim.whole, random.Random(_SEED), times):
        file = victim.around(data)
        begun = time.perf_counter()
        try:
            victim.read(file)
        except ModelError:
            refused += 1
        slowest_s = max(slowest_s, time.perf_counter() - begun)
    sys.stdout.write(
        f"{victim.name:55}{times:8} tries {refused:8} refused, slowest {slowest_s * 1000:6.2f} ms, "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB\n"
    )


def main(times: int) -> None:
    """Share so many tries out among all."""
    begun, found = time.perf_counter(), list(victims())
    shares = sum(victim.share for victim in found)
    counts = [1 + int(times * victim.share / shares) for victim in found]
    for victim, count in zip(found, counts, strict=True):
        _attack(victim, count)
    sys.stdout.write(
        f"{sum(counts)} tries in {time.perf_counter() - begun:.0f} s, ModelError or none at all\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
