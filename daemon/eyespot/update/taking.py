"""A bundle's way from where it was put to the slots: unpacked, checked, tried, installed, staged."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from eyespot.domain.errors import ModelError, StoreError, foreign
from eyespot.trust.archive import unpack
from eyespot.trust.notes import WorkerState
from eyespot.trust.packed import check_fits, check_packed
from eyespot.trust.slots import Staged, stage
from eyespot.update.commit import storing
from eyespot.update.decision import Device
from eyespot.update.slots import Slots

Prove = Callable[[Path], object]
Say = Callable[[WorkerState], None]


class Taking:
    """Takes bundles.

    Args:
        slots: where they go.
        device: they have to fit.
        prove: tries a network in a process of its own; raises ModelError.
        say: is told how far it is: "verifying", "testing".
    """

    def __init__(self, slots: Slots, device: Device, prove: Prove, say: Say) -> None:
        self._slots = slots
        self._device = device
        self._prove = prove
        self._say = say

    def packed(self, file: BinaryIO, staged: Staged) -> None:
        """Take an archive that is vouched for, and stage it under the id that is expected.

        Raises:
            ModelError: it is refused.
            StoreError: the disk fails.
        """
        self._say("verifying")
        with self._slots.staging() as folder:
            with storing(folder):
                unpack(file, folder)
            found = self._checked(folder)
            if found != staged.bundle:
                raise ModelError(f"the archive holds {found}, not {staged.bundle}; publish it again")
            self._tried(folder, staged)

    def local(self, path: Path) -> Staged:
        """Take an archive that nobody has signed.

        Raises:
            ModelError: it is refused.
            StoreError: the disk fails, or it cannot be read.
        """
        self._say("verifying")
        with self._slots.staging() as folder:
            with storing(folder), _opened(path) as file:
                unpack(file, folder)
            staged = Staged(bundle=self._checked(folder), signed=False)
            self._tried(folder, staged)
        return staged

    def _checked(self, folder: Path) -> str:
        manifest = check_packed(folder)
        if self._device.runtime is None:
            raise ModelError("this device looks at a recording, which needs no model; set [camera] source")
        check_fits(manifest, self._device.runtime, self._device.memory_mb)
        return manifest.identity(()).bundle

    def _tried(self, folder: Path, staged: Staged) -> None:
        self._say("testing")
        self._prove(folder)
        self._slots.install(folder)
        self._slots.change(partial(stage, staged=staged))


def _opened(path: Path) -> BinaryIO:
    """Open a file that may be a pipe, which nobody shall wait for.

    Raises:
        StoreError: it cannot be read.
    """
    with foreign(StoreError, f"cannot read {path}; make the request again"):
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)
