"""The folder that tells the camera of tests/system/camera what to do; README.md there has all of it."""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

AI_CAMERA = "/base/soc/i2c0mux/i2c@1/imx500@1a"
_TURNS = 4  # frames are served in turn


class Rig:
    """That folder.

    Args:
        folder: as given to `rig_exec`; inside the rig it is in the environment.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ["EYESPOT_CAMERA_RIG"])

    def serve(self, rpk: bytes, *frames: bytes) -> None:
        """Let the camera tell this, in turn, while the network is loaded; an empty frame has no tensors.

        Args:
            rpk: the network's file.
            frames: 1, 2 or 4, as of `fakes.tensors.frame_bytes`; none: the network never says anything.
        """
        served = self.folder / "networks" / f"{zlib.crc32(rpk):08x}"
        served.mkdir(parents=True, exist_ok=True)
        for turn in range(_TURNS):
            _replace(served / f"{turn}.bin", frames[turn % len(frames)] if frames else b"")

    def wish(self, name: str, value: object = "") -> None:
        """Let something be so from now on: `stall`, say, or `start-errno` with 22."""
        _replace(self.folder / name, str(value).encode())

    def unwish(self, *names: str) -> None:
        """Let it not be so any more."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def wire(self, cameras: Mapping[str, Mapping[str, Any]]) -> None:
        """Say which cameras there are, as libcamera's virtual.yaml does; before they are looked for."""
        _replace(self.folder / "virtual.yaml", json.dumps(cameras).encode())

    def heard(self) -> list[str]:
        """Return what the kernel was told: a line for each network and region of interest."""
        log = self.folder / "kernel.log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def streams(self) -> bool:
        """Whether a process streams."""
        told = self.folder / "streaming"
        return told.exists() and Path("/proc", told.read_text()).exists()


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    new.replace(path)
