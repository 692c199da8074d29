"""How the outputs of a network on the sensor are read: as the manifest says, and else as the file says.

A file's `network_intrinsics` tell of its outputs in words of picamera2. Where they say nothing, the
decoder's own defaults hold; where manifest and file differ, the manifest is right.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eyespot.domain.errors import ModelError
from eyespot.domain.observation import MOST_LABELS, UNUSED
from eyespot.trust.files import LONGEST_LABEL, is_class_name, shortened
from eyespot.trust.manifest import SensorManifest
from eyespot.trust.rpk import Intrinsics, Rpk
from eyespot.trust.rpk.intrinsics import Cpu

# task -> kinds of decoders and the roles of their outputs
_KINDS: Mapping[str, Mapping[str, set[str]]] = {
    "object detection": {
        "ssd_postprocess": {"boxes", "scores", "classes", "count"},
        "ssd_anchors": {"boxes", "scores"},
        "nanodet": {"predictions"},
        "yolov8": {"predictions"},
        "yolox": {"predictions"},
    },
    "classification": {"classifier": {"scores"}},
    "segmentation": {"segmentation": {"classes"}},
    "pose estimation": {
        "posenet": {"heatmaps", "offsets", "displacements"},
        "higherhrnet": {"tags", "places", "scores"},
    },
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How outputs are read.

    Attributes:
        decoder: kind and settings.
        labels: class names by class index, in lower case.
    """

    decoder: Mapping[str, object]
    labels: tuple[str, ...]


def reading_of(manifest: SensorManifest, rpk: Rpk, labels: tuple[str, ...] | None) -> Reading:
    """Return what is in force.

    Args:
        manifest: goes before everything else.
        rpk: fills what the manifest leaves open.
        labels: of the bundle; None where it has none.

    Raises:
        ModelError: decoder or labels are left open by both.
    """
    intrinsics = rpk.intrinsics or Intrinsics()
    table = manifest.decoder or {}
    roles = {output.role for output in manifest.outputs}
    kind = table["kind"] if "kind" in table else _kind(intrinsics, roles)
    said = _settings(kind, intrinsics.cpu or Cpu())
    if labels is None:
        labels = _labels(kind, intrinsics)
        if kind == "classifier" and len(labels) == rpk.network.outputs[0].elements + 1:
            said["class_offset"] = 1  # the first label is the background, which has no score
    return Reading({"kind": kind, **said, **table}, labels)


def contradictions(manifest: SensorManifest, rpk: Rpk, labels: tuple[str, ...]) -> Iterator[str]:
    """Yield in what manifest and file differ. The manifest is right; but maybe its writer was not.

    Args:
        manifest: of the bundle.
        rpk: of its network.
        labels: that are in force.
    """
    intrinsics, table = rpk.intrinsics or Intrinsics(), manifest.decoder or {}
    kind = table.get("kind", "")
    fitting = _KINDS.get(intrinsics.task or "")
    if kind and fitting is not None and kind not in fitting:
        yield f"its file is made for {intrinsics.task}, which the decoder {kind!a} is not for"
    for name, value in _settings(kind, intrinsics.cpu or Cpu()).items():
        if table.get(name, value) != value:
            yield f"its file says {value!a} for `{name}` of the decoder, the manifest {table[name]!a}"
    told = len(_labels(kind, intrinsics)) if intrinsics.labels else len(labels)
    if told != len(labels):
        yield f"its file has {told} labels, the bundle {len(labels)}"


def _kind(intrinsics: Intrinsics, roles: set[str]) -> str:
    """Return the one decoder that does the task and takes these outputs."""
    kinds = _KINDS.get(intrinsics.task or "", {})
    named = (intrinsics.cpu and intrinsics.cpu.post_processing) or None
    fitting = [kind for kind, wanted in kinds.items() if wanted == roles and named in {None, kind}]
    if len(fitting) == 1:
        return fitting[0]
    raise ModelError(
        "which decoder its outputs want is said neither by it nor by manifest.json; write it there, such as "
        '`"decoder": {"kind": "ssd_postprocess"}`; models/README.md lists them'
    )


def _settings(kind: object, cpu: Cpu) -> dict[str, object]:
    """Return the settings of a decoder that the file says."""
    boxes = None if cpu.bbox_normalization is None else "pixels" if cpu.bbox_normalization else "fractions"
    said: dict[str, object | None] = {}
    match kind:
        case "ssd_postprocess":
            said = {"order": cpu.bbox_order, "boxes": boxes}
        case "yolov8" | "yolox":
            said = {"boxes": boxes}
        case "classifier":
            said = {"softmax": cpu.softmax}
    return {name: value for name, value in said.items() if value is not None}


def _labels(kind: object, intrinsics: Intrinsics) -> tuple[str, ...]:
    """Return the class names that the file brings; of poses there are only persons, whatever it says."""
    if kind in ("posenet", "higherhrnet"):  # no set: a manifest may say anything, also what has no hash
        return ("person",)
    names = [shortened(name.strip().lower()) or UNUSED for name in intrinsics.labels]
    if intrinsics.classes and intrinsics.classes.ignore_undefined:
        names = [name for name in names if name != UNUSED]
    if len(names) > MOST_LABELS:
        raise ModelError(f"it brings {len(names)} labels; {MOST_LABELS} at most can be told")
    if not names:
        raise ModelError("it brings no labels; add a file with them to the bundle, as `labels`")
    for index, name in enumerate(names):
        if not is_class_name(name):
            raise ModelError(
                f"its label {index} is no class name of 1 to {LONGEST_LABEL} characters; "
                "add a file with better ones to the bundle, as `labels`"
            )
    return tuple(names)
