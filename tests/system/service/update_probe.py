"""Runs in the sandbox of the update worker: tries what it must not, tells each thing that works after all."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from eye_probe import nodes, writable_folders

_MODELS = Path("/var/lib/eyespot-models")
_ITS_OWN = (str(_MODELS), "/tmp", "/var/tmp")
_SECRETS = (
    "/etc/eyespot/eyespot.toml",
    "/etc/eyespot/credentials/mqtt-password",
    "/etc/eyespot/credentials/mqtt-key",
    "/var/lib/eyespot/eyespot.db",
    "/run/eyespot/eye.sock",
    "/run/credentials/eyespot.service/mqtt-password",
)


def strays() -> Iterator[str]:
    """Yield every folder beside its own in which a file can be made."""
    for said in writable_folders():
        folder = said.removeprefix("can write in ")
        if not any(folder == own or folder.startswith(f"{own}/") for own in _ITS_OWN):
            yield said


def secrets() -> Iterator[str]:
    """Yield what it can read of what it need not know."""
    for path in map(Path, _SECRETS):
        if os.access(path, os.R_OK):
            yield f"can read {path}"


def runs() -> Iterator[str]:
    """Yield where it can execute what it has written."""
    for folder in map(Path, _ITS_OWN):
        program = folder / "program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        try:
            if os.spawnl(os.P_WAIT, program, program) == 0:
                yield f"can execute what it has written in {folder}"
        finally:
            program.unlink()


def needs() -> Iterator[str]:
    """Yield what it needs and has not."""
    if not os.access(_MODELS, os.W_OK):
        yield f"cannot write in {_MODELS}"
    if not (Path(os.environ["CREDENTIALS_DIRECTORY"]) / "eyespot.toml").read_bytes():
        yield "was not handed the configuration"


sys.exit("\n".join((*strays(), *secrets(), *runs(), *nodes(), *needs())) or 0)
