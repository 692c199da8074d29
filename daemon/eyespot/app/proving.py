"""What a process does that was begun to try a network: limits itself, loads it, looks, and says one line."""

import os
import re
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from eyespot.app.anatomy import read_usable
from eyespot.app.golden import CPU_S, Verdict
from eyespot.decoders import Decoder, build
from eyespot.domain.errors import ModelError, foreign, one_line
from eyespot.domain.observation import Found
from eyespot.domain.paths import small_text
from eyespot.engines.litert import LiteRtEngine, find_runtime, output_shapes
from eyespot.frames import Engine, Pixels
from eyespot.trust.bundle import CpuBundle
from eyespot.trust.golden import as_wanted, difference, floor
from eyespot.trust.packed import check_packed

_NICE = 10
_COLOURS = 3
_STATUS = Path("/proc/self/status")  # Linux; elsewhere memory is neither limited nor told


class Look:
    """Shows pictures to a network.

    Args:
        bundle: of the network.
        engine: runs it.

    Attributes:
        times_s: how long each inference took.

    Raises:
        ModelError: its decoder does not fit it.
    """

    def __init__(self, bundle: CpuBundle, engine: Engine) -> None:
        manifest = bundle.manifest
        self.times_s: list[float] = []
        self._engine = engine
        least = floor(manifest.golden, manifest.min_score) if manifest.golden else manifest.min_score
        self._decoder: Decoder[Found] = build(
            bundle.decoder, bundle.layout, floor=least, nms_iou=manifest.nms_iou
        )

    def at(self, picture: Path) -> Found:
        """Return what is found in a picture.

        Raises:
            ModelError: it is none, or the runtime gave up.
        """
        pixels = _pixels(picture)
        begun = time.perf_counter()
        tensors = self._engine.infer(pixels)
        self.times_s.append(time.perf_counter() - begun)
        return self._decoder.decode(tensors)


def differences(bundle: CpuBundle, look: Look, folder: Path) -> Iterator[str]:
    """Yield for each golden picture in what the outcome differs from what it has to be.

    Raises:
        ModelError: the bundle has no golden vectors, a picture is none, or the runtime gave up.
    """
    golden, min_score = bundle.manifest.golden, bundle.manifest.min_score
    if golden is None:
        raise ModelError("the bundle has no golden vectors; add `golden` to its manifest")
    for vector in golden.vectors:
        found = look.at(folder / vector.picture)
        words = difference(found, bundle.labels, vector.detections, golden, min_score)
        if words:
            yield f"{vector.picture}: {words}"


def answer(path: Path, pictures: Sequence[Path]) -> None:
    """Try a bundle, and write a `Verdict` to stdout, one line of JSON.

    Args:
        path: of its folder; or a .tflite file, of which the outputs are told.
        pictures: to look at instead of judging by the golden vectors.
    """
    with os.fdopen(os.dup(1), "wb") as out:
        _confine()
        out.write(msgspec.json.encode(_verdict(path, pictures)) + b"\n")


def _confine() -> None:
    """Be silent but for the verdict, yield to others, and leave no core behind."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # runtimes write what they like
    os.dup2(nowhere, 2)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, CPU_S)
    with suppress(PermissionError):  # a unit may forbid it, and see to that itself
        os.nice(_NICE)


def _limit(what: int, most: int) -> None:
    """Set a limit, unless there is a lower one already."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, hard))


def _verdict(folder: Path, pictures: Sequence[Path]) -> Verdict:
    try:
        if folder.is_file():
            return Verdict(outputs=tuple(output_shapes(folder.read_bytes())))
        if not pictures:
            check_packed(folder)
        bundle = read_usable(folder)
        if isinstance(bundle, CpuBundle):
            return _on_processor(bundle, folder, pictures)
    except MemoryError:
        return Verdict(refusal="there is not enough memory to try it; take a smaller network")
    except ModelError as error:
        return Verdict(refusal=one_line(error))
    if pictures:
        return Verdict(refusal="a network for the sensor runs there only; nothing can be looked at here")
    return Verdict()


def _on_processor(bundle: CpuBundle, folder: Path, pictures: Sequence[Path]) -> Verdict:
    find_runtime()  # what it takes is not the network's
    before_kb = _memory_kb("VmSize")
    if before_kb is not None:
        _limit(resource.RLIMIT_AS, (before_kb + bundle.manifest.needs.memory_mb * 1024) * 1024)
    engine = LiteRtEngine(bundle)
    look = Look(bundle, engine)
    if not pictures:
        for words in differences(bundle, look, folder):
            raise ModelError(f"its network does not do what its golden vectors say: {words}")
    found = tuple(as_wanted(look.at(picture), bundle.labels) for picture in pictures)
    after_kb = _memory_kb("VmPeak")
    return Verdict(
        runtime=engine.runtime,
        pictures=len(look.times_s),
        p50_ms=round(1000 * statistics.median(look.times_s), 2),
        memory_mb=None if before_kb is None or after_kb is None else -(-(after_kb - before_kb) // 1024),
        found=found,
    )


def _pixels(picture: Path) -> Pixels:
    with foreign(ModelError, f"{picture} is no picture that numpy has saved"):
        pixels = np.load(picture, allow_pickle=False)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != _COLOURS:
        raise ModelError(f"{picture} is no picture: want (height, width, 3) of uint8")
    if pixels.shape[2] != _COLOURS or not pixels.size:
        raise ModelError(f"{picture} has the shape {list(pixels.shape)}: want (height, width, 3)")
    return pixels


def _memory_kb(field: str) -> int | None:
    """Return a figure that Linux has of this process."""
    found = re.search(rf"^{field}:\s+(\d+) kB", small_text(_STATUS), re.MULTILINE)
    return int(found[1]) if found else None
