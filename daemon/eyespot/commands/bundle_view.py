"""What is in force in a bundle, in words and as JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from eyespot.trust.bundle import Bundle
from eyespot.trust.sensor_bundle import SensorBundle

_MOST_LABELS = 8
_LONGEST_SETTING = 60


def as_object(bundle: Bundle) -> dict[str, Any]:
    """Return the bundle as an object for JSON."""
    layout, manifest = bundle.layout, bundle.manifest
    return {
        "format": "bundle",
        "bundle": bundle.identity.bundle,
        "licence": manifest.licence,
        "created": manifest.created and manifest.created.isoformat(),
        "provenance": manifest.provenance,
        "supersedes": manifest.supersedes,
        "min_daemon": manifest.min_daemon,
        "max_daemon": manifest.max_daemon,
        "memory_mb": manifest.needs.memory_mb,
        "golden": [vector.picture for vector in manifest.golden.vectors] if manifest.golden else [],
        "runtime": _runtime(bundle),
        "sha256": manifest.network.sha256,
        "input": {"width": layout.width, "height": layout.height, "resize": manifest.input.resize},
        "outputs": {role: list(shape) for role, shape in layout.outputs.items()},
        "decoder": dict(bundle.decoder),
        "labels": bundle.labels,
        "rate_hz": _rate_hz(bundle),
        "min_score": manifest.min_score,
        "nms_iou": manifest.nms_iou,
    }


def rows(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield name and words of each fact."""
    layout, manifest = bundle.layout, bundle.manifest
    yield "format", f"bundle for {_runtime(bundle)}"
    yield "id", bundle.identity.bundle
    yield "licence", f"{manifest.licence!a}"
    yield "input", f"{layout.width}x{layout.height}, {manifest.input.resize}"
    for place, (role, shape) in enumerate(layout.outputs.items()):
        yield f"output {place}", f"{list(shape)} {role}"
    yield "decoder", ", ".join(_decoder(bundle.decoder))
    yield "labels", _labels(bundle.labels)
    if (rate_hz := _rate_hz(bundle)) is not None:
        yield "rate", f"{rate_hz:g} inferences per second"
    yield (
        "scores",
        f"from {manifest.min_score:g}; boxes that overlap by more than {manifest.nms_iou:g} are one",
    )
    yield "golden", f"{len(manifest.golden.vectors)} pictures" if manifest.golden else "none"
    yield "sha256", manifest.network.sha256


def _runtime(bundle: Bundle) -> str:
    return "imx500" if isinstance(bundle, SensorBundle) else "tflite"


def _rate_hz(bundle: Bundle) -> float | None:
    return bundle.rate_hz if isinstance(bundle, SensorBundle) else None


def _decoder(table: Mapping[str, object]) -> Iterator[str]:
    """Yield the kind, then each setting; long ones are for `--json`."""
    yield str(table["kind"])
    for name, value in table.items():
        if name != "kind":
            text = json.dumps(value)
            yield f"{name} = {text if len(text) <= _LONGEST_SETTING else '…'}"


def _labels(labels: tuple[str, ...]) -> str:
    rest = ", …" if len(labels) > _MOST_LABELS else ""
    return f"{len(labels)}: {', '.join(labels[:_MOST_LABELS])}{rest}"
