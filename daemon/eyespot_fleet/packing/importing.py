"""A network's file into a bundle: a draft of the manifest, golden vectors of pictures, and a trial."""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

import eyespot
from eyespot.app import prove
from eyespot.app.anatomy import read_usable
from eyespot.app.golden import Verdict, look, shapes_of
from eyespot.domain.errors import InputError, ModelError, StorageError
from eyespot.frames import Pixels
from eyespot.trust import rpk, tflite
from eyespot.trust.golden import Golden, Vector, Wanted
from eyespot.trust.manifest import SCHEMA
from eyespot_fleet.packing.draft import Draft
from eyespot_fleet.packing.draft_rpk import draft_rpk
from eyespot_fleet.packing.draft_tflite import draft_tflite
from eyespot_fleet.packing.pictures import emptiness, fitted
from eyespot_fleet.packing.wishes import Wishes

_MIN_SCORE = 0.5
_LEAST_IOU = 0.8
_MEMORY_FACTOR = 3  # tflite-runtime takes twice what ai-edge-litert does
_FILE_NAMES = {"model_card": "MODEL_CARD.md", "notice": "NOTICE", "licence": "LICENSE"}
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Imported:
    """A bundle that was made.

    Attributes:
        folder: of it.
        bundle: its id.
        verdict: how it was tried; None where it has no golden vectors yet, and so may not travel.
        golden: picture -> what was found in it, and is to be found from now on.
    """

    folder: Path
    bundle: str
    verdict: Verdict | None
    golden: Mapping[str, tuple[Wanted, ...]]


def import_network(file: Path, out: Path, wishes: Wishes, today: date) -> Imported:
    """Make a bundle of a network's file.

    Args:
        file: a .tflite or .rpk file; its beginning tells which.
        out: a new folder, which appears whole or not at all.
        wishes: what the operator says.
        today: goes into the manifest.

    Raises:
        InputError: the file is no network, or something has to be said that it does not say.
        StorageError: the folder cannot be written.
    """
    if out.exists():
        raise StorageError(f"{out} is there already; name another folder, or remove it")
    with _in_its_place(out) as folder:
        draft = _drafted(file, folder, wishes)
        return replace(_filled(folder, draft, wishes, today), folder=out)


@contextmanager
def _in_its_place(out: Path) -> Iterator[Path]:
    """Give a folder to work in that is renamed at the end."""
    try:
        with TemporaryDirectory(prefix=".eyespot-", dir=out.absolute().parent) as work:
            folder = Path(work) / "bundle"
            folder.mkdir()
            try:
                yield folder
            except ModelError as error:
                how = "; --decoder sets what is in there" if "`$.decoder" in str(error) else ""
                raise InputError(str(error).replace(str(folder), str(out)) + how) from error
            folder.rename(out)
    except OSError as error:
        raise StorageError(f"cannot write {out}: {error.strerror}; name another place") from error


def _drafted(file: Path, folder: Path, wishes: Wishes) -> Draft:
    """Copy what is in the file, and return the draft."""
    try:
        with file.open("rb") as stream:
            data = stream.read(tflite.MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}; name a .tflite or .rpk file") from error
    if not (rpk.is_rpk(data) or tflite.is_tflite(data)):
        raise InputError(f"{file} is neither a .rpk nor a .tflite file; name one")
    with _about(file):
        draft = draft_rpk(data, wishes) if rpk.is_rpk(data) else draft_tflite(data, wishes, shapes_of(file))
    (folder / ("network.rpk" if rpk.is_rpk(data) else "model.tflite")).write_bytes(data)
    if draft.labels is not None:
        (folder / "labels.txt").write_bytes(draft.labels)
    return draft


@contextmanager
def _about(file: Path) -> Iterator[None]:
    try:
        yield
    except (ModelError, InputError) as error:
        raise InputError(f"{file}: {error}") from error


def _filled(folder: Path, draft: Draft, wishes: Wishes, today: date) -> Imported:
    manifest = _manifest(folder, draft, wishes, today)
    for role, path in (wishes.further or {}).items():
        (folder / _FILE_NAMES[role]).write_bytes(path.read_bytes())
        manifest["files"].append({"role": role, **_part(folder, _FILE_NAMES[role])})
    _write(folder, manifest)
    bundle = read_usable(folder).identity.bundle
    if draft.fields["runtime"] == "imx500":
        return Imported(folder, bundle, prove(folder), {})
    if not wishes.pictures:
        return Imported(folder, bundle, None, {})
    golden = _golden(folder, manifest, draft, wishes)
    _write(folder, manifest)
    return Imported(folder, bundle, prove(folder), golden)


def _manifest(folder: Path, draft: Draft, wishes: Wishes, today: date) -> dict[str, Any]:
    fields = dict(draft.fields)
    network = "network.rpk" if fields["runtime"] == "imx500" else "model.tflite"
    labels = {"labels": _part(folder, "labels.txt")} if draft.labels is not None else {}
    decoder = {"decoder": fields.pop("decoder")} if "decoder" in fields else {}
    return {
        "schema": SCHEMA,
        "name": wishes.name,
        "version": wishes.version,
        "licence": _licence(draft, wishes),
        "created": today.isoformat(),
        "provenance": wishes.provenance or draft.provenance,
        "min_daemon": eyespot.__version__,
        "runtime": fields.pop("runtime"),
        "network": _part(folder, network),
        **labels,
        **fields,
        **decoder,
        "min_score": wishes.min_score or draft.min_score or _MIN_SCORE,
        "nms_iou": wishes.nms_iou,
        "files": [],
    }


def _licence(draft: Draft, wishes: Wishes) -> str:
    if wishes.licence is None:
        said = f"; its metadata says {draft.licence[:80]!r}" if draft.licence else ""
        raise InputError(f"give its licence, as SPDX names it, with --licence{said}")
    return wishes.licence


def _part(folder: Path, name: str) -> dict[str, Any]:
    data = (folder / name).read_bytes()
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    short = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    (folder / _MANIFEST).write_text(f"{short}\n")


def _golden(
    folder: Path, manifest: dict[str, Any], draft: Draft, wishes: Wishes
) -> dict[str, tuple[Wanted, ...]]:
    """Show the network the pictures, note in the manifest what it finds, and return that."""
    (folder / "golden").mkdir()
    names = [
        _saved(folder, f"golden/{number}.npy", fitted(path, manifest["input"]))
        for number, path in enumerate(wishes.pictures, 1)
    ]
    names.append(_saved(folder, "golden/nothing.npy", emptiness(manifest["input"])))
    verdict = look(folder, [folder / name for name in names])
    found = dict(zip(names, verdict.found, strict=True))
    given = [found[name] for name in names[:-1]]
    if not any(given):
        raise InputError("it finds nothing in the pictures; give others, or a lower --min-score")
    if () in given:  # the operator has brought a better one
        (folder / names[-1]).unlink()
        del found[names[-1]]
    manifest["golden"] = _as_manifest_has_it(found, draft)
    manifest["files"] += [{"role": "golden", **_part(folder, name)} for name in found]
    if verdict.memory_mb is not None:
        manifest["needs"] = {"memory_mb": _rounded_up(_MEMORY_FACTOR * verdict.memory_mb)}
    return found


def _saved(folder: Path, name: str, pixels: Pixels) -> str:
    out = io.BytesIO()
    np.save(out, pixels)
    (folder / name).write_bytes(out.getvalue())
    return name


def _as_manifest_has_it(found: Mapping[str, tuple[Wanted, ...]], draft: Draft) -> dict[str, Any]:
    told = {
        "score_tolerance": draft.score_tolerance,
        "least_iou": _LEAST_IOU,
        "vectors": [Vector(picture=name, detections=wanted) for name, wanted in found.items()],
    }
    said: dict[str, Any] = msgspec.to_builtins(told)
    try:
        msgspec.convert(said, Golden)
    except msgspec.ValidationError as error:
        listed = ", ".join(f"{name}: {len(wanted) or 'nothing'}" for name, wanted in found.items())
        raise InputError(
            f"{error}; it finds {listed}; give other pictures, or another threshold with --min-score"
        ) from error
    return said


def _rounded_up(megabytes: int, step: int = 16) -> int:
    return max(-(-megabytes // step) * step, 4 * step)
