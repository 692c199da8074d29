"""Model bundles on disk, good ones and such as were tampered with."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FACTORY = Path(__file__).parents[2] / "models" / "factory"
SENSOR_FACTORY = FACTORY.with_name("factory-imx500")


def factory_manifest(**changes: Any) -> dict[str, Any]:
    """Return the factory model's manifest as a dict; a change replaces a field, None takes it out."""
    manifest = {**json.loads((FACTORY / "manifest.json").read_bytes()), **changes}
    return {name: value for name, value in manifest.items() if value is not None}


def write_bundle(folder: Path, network: bytes, names: bytes, /, **changes: Any) -> Path:
    """Write a bundle whose sizes and sums are right, the rest as the factory's but for the changes.

    Args:
        folder: where to.
        network: what model.tflite holds.
        names: what labels.txt holds.
        changes: to the manifest, as in `factory_manifest`; `aliases` are those of the labels.
    """
    aliases = changes.pop("aliases", {})
    files = {
        "network": _written(folder / "model.tflite", network),
        "labels": {**_written(folder / "labels.txt", names), "aliases": aliases},
        "golden": None,
        "files": None,
    }
    (folder / "manifest.json").write_text(json.dumps(factory_manifest(**{**files, **changes})))
    return folder


def picture(value: int, side: int = 16) -> bytes:
    """Return a picture of one grey, as `numpy.save` writes it."""
    out = io.BytesIO()
    np.save(out, np.full((side, side, 3), value, np.uint8))
    return out.getvalue()


NETWORK = b"\x1c\x00\x00\x00TFL3" + bytes(100)  # as good as any, until somebody loads it
FURTHER = {
    "golden/bright.npy": ("golden", picture(200)),
    "golden/dark.npy": ("golden", picture(10)),
    "NOTICE": ("notice", b"Made for tests.\n"),
}
PERSON = {"class": "person", "score": 0.75, "box": [0.25, 0.25, 0.75, 0.75]}
GOLDEN = {
    "score_tolerance": 0.02,
    "vectors": [
        {"picture": "golden/bright.npy", "detections": [PERSON]},
        {"picture": "golden/dark.npy", "detections": []},
    ],
}


def write_travelling(
    folder: Path,
    network: bytes = NETWORK,
    names: bytes = b"person\n",
    /,
    further: Mapping[str, tuple[str, bytes]] = FURTHER,
    **changes: Any,
) -> Path:
    """Write a bundle that may be packed: with golden vectors, and all files named.

    Args:
        folder: where to.
        network: what model.tflite holds.
        names: what labels.txt holds.
        further: path -> role and content of the other files.
        changes: to the manifest, as in `factory_manifest`.
    """
    files = []
    for path, (role, data) in further.items():
        (folder / path).parent.mkdir(exist_ok=True)
        files.append({**_written(folder / path, data), "file": path, "role": role})
    return write_bundle(folder, network, names, **{"files": files, "golden": GOLDEN, **changes})


def sensor_manifest(**changes: Any) -> dict[str, Any]:
    """Return the manifest of a bundle for the sensor that leaves to the network's file what it can.

    It is for the outputs of `fakes.rpk.SSD`; changes are as in `factory_manifest`.
    """
    manifest = {
        **json.loads((SENSOR_FACTORY / "manifest.json").read_bytes()),
        **dict.fromkeys(("labels", "decoder", "rate_hz", "files")),
        **changes,
    }
    return {name: value for name, value in manifest.items() if value is not None}


def write_sensor_bundle(folder: Path, network: bytes, names: bytes | None = None, /, **changes: Any) -> Path:
    """Write a bundle for the sensor whose sizes and sums are right; see `sensor_manifest`.

    Args:
        folder: where to.
        network: what network.rpk holds.
        names: what labels.txt holds; None for no such file.
        changes: to the manifest.
    """
    files = {"network": _written(folder / "network.rpk", network)}
    if names is not None:
        files["labels"] = _written(folder / "labels.txt", names)
    (folder / "manifest.json").write_text(json.dumps(sensor_manifest(**files, **changes)))
    return folder


def _written(path: Path, data: bytes) -> dict[str, Any]:
    path.write_bytes(data)
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
