"""Model bundles on disk, good ones and such as were tampered with."""

import hashlib
import json
from pathlib import Path
from typing import Any

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
