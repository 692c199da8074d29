"""`eyespot models show`: what a model file says of itself, or a bundle as a whole, without running it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from eyespot.decoders import build
from eyespot.domain.errors import InputError, ModelError, foreign
from eyespot.domain.paths import is_folder
from eyespot.trust import rpk, tflite
from eyespot.trust.bundle import Bundle, read_bundle

_FIRST_BYTES = 8


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file.

    Attributes:
        says: what is in it.
        refusal: why it may not come near the sensor; None where nothing is known against it.
    """

    sha256: str
    says: rpk.Rpk | tflite.Tflite
    refusal: str | None


def show_model(path: Path) -> ModelFile | Bundle:
    """Read an .rpk or .tflite file, or a bundle's folder; what a file is tells its beginning, not its name.

    Raises:
        InputError: it cannot be read, or is none of them; a bundle whose parts do not fit is none.
    """
    return _bundle(path) if is_folder(path, InputError) else _file(path)


def read_usable(folder: Path) -> Bundle:
    """Return the bundle in a folder, after its decoder was found to fit, too.

    Raises:
        ModelError: it cannot be used.
    """
    bundle = read_bundle(folder)
    manifest = bundle.manifest
    build(bundle.decoder, bundle.layout, floor=manifest.min_score / 2, nms_iou=manifest.nms_iou)
    return bundle


def _bundle(folder: Path) -> Bundle:
    try:
        return read_usable(folder)
    except ModelError as error:
        raise InputError(str(error)) from error


def _file(file: Path) -> ModelFile:
    data = _read(file)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if not rpk.is_rpk(data):
            return ModelFile(sha256, tflite.read_tflite(data), None)
        read = rpk.read_rpk(data)
    except ModelError as error:
        raise InputError(f"{file}: {error}") from error
    return ModelFile(sha256, read, _refusal(read))


def _read(file: Path) -> bytes:
    """Return the file, or a byte more than one of its kind may have."""
    with foreign(InputError, f"cannot read {file}; name a model file"):
        if not file.is_file():
            raise InputError(f"{file} is no file; name a .rpk or .tflite file, or a bundle's folder")
        with file.open("rb") as stream:
            first = stream.read(_FIRST_BYTES)
            if not (rpk.is_rpk(first) or tflite.is_tflite(first)):
                raise InputError(f"{file} is neither a .rpk nor a .tflite file; name one")
            most = rpk.MOST_BYTES if rpk.is_rpk(first) else tflite.MOST_BYTES
            return first + stream.read(most + 1 - len(first))


def _refusal(read: rpk.Rpk) -> str | None:
    try:
        rpk.check_parts(read)
    except ModelError as error:
        return str(error)
    return None
