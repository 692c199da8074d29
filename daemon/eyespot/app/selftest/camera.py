"""Probes of the camera, without opening it: devices, firmware, the sensor's network, picamera2."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import World, listed
from eyespot.domain.errors import ConfigError, ModelError, one_line
from eyespot.domain.paths import small_text
from eyespot.sources.camera_library import PACKAGES, load_picture_library, load_sensor_library
from eyespot.trust.bundle import find_bundle, read_bundle

_FIRMWARE = ("imx500_loader.fpk", "imx500_firmware.fpk")
_CABLE = (
    "look at the cable (contacts, right connector) and for camera_auto_detect=1 in "
    "/boot/firmware/config.txt, then reboot; `rpicam-hello --list-cameras` has to list it"
)


@dataclass(frozen=True, slots=True)
class Devices:
    """What the kernel knows of cameras.

    Attributes:
        sensors: where on the bus each IMX500 is, as "10-001a".
        names: of the video devices, by node.
        media: nodes of the media controller.
    """

    sensors: tuple[str, ...]
    names: Mapping[str, str]
    media: tuple[str, ...]


def devices(root: Path) -> Devices:
    """Ask the kernel."""
    found = sorted((root / "sys/class/video4linux").glob("*"))
    names = {path.name: small_text(path / "name") for path in found}
    media = tuple(path.name for path in sorted((root / "dev").glob("media*")))
    return Devices(tuple(_sensors(found)), names, media)


def _sensors(found: list[Path]) -> Iterator[str]:
    for path in found:
        with suppress(OSError):
            if "imx500" in str((path / "device/driver/module").readlink()):
                yield (path / "device").readlink().name


def camera(world: World) -> Finding:
    """Tell which camera is there."""
    has = devices(world.root)
    facts = {"imx500": list(has.sensors), "video": dict(has.names), "media": list(has.media)}
    if world.wants_sensor and not has.sensors:
        return Finding("camera", "fail", f"no AI camera (IMX500) was found; {_CABLE}", facts)
    if world.wants_camera and not has.names:
        return Finding("camera", "fail", f"no camera was found; {_CABLE}", facts)
    if len(has.sensors) > 1:
        words = f"{len(has.sensors)} AI cameras at {listed(has.sensors)}: one is used; two may fail"
        return Finding("camera", "warn", words, facts)
    aside = "" if world.wants_camera else "; the configuration does not look at it"
    if has.sensors:
        return Finding("camera", "ok", f"an AI camera (IMX500) at {has.sensors[0]}{aside}", facts)
    if has.names:
        return Finding("camera", "ok", f"video devices: {listed(has.names.values())}{aside}", facts)
    return Finding("camera", "skip", "none was found, and none is asked for", facts)


def firmware(world: World) -> Finding:
    """Tell whether the sensor's own programs are there."""
    folder = world.root / "lib/firmware"
    missing = [name for name in _FIRMWARE if not (folder / name).is_file()]
    facts = {"found": [path.name for path in sorted(folder.glob("imx500_*.fpk"))], "missing": missing}
    if not missing:
        return Finding("firmware", "ok", "the sensor's own programs are there", facts)
    words = f"{listed(missing)} missing in /lib/firmware; sudo apt install imx500-firmware"
    if world.wants_sensor:
        return Finding("firmware", "fail", words, facts)
    return Finding("firmware", "skip", "none for the AI camera, which is not asked for", facts)


def sensor_model(world: World) -> Finding:
    """Tell whether the factory model for the sensor is complete, and the one that Eyespot knows."""
    try:
        bundle = read_bundle(find_bundle("factory", on_sensor=True))
    except ModelError as error:
        needed = (
            world.loaded is not None and world.wants_sensor and world.loaded.config.model.bundle == "factory"
        )
        if needed:
            return Finding("sensor model", "fail", one_line(error))
        return Finding("sensor model", "skip", f"not asked for; {one_line(error)}")
    facts = {"bundle": bundle.identity.bundle, "sha256": bundle.identity.sha256}
    return Finding("sensor model", "ok", f"{bundle.identity.bundle} is complete", facts)


def library(world: World) -> Finding:
    """Tell whether picamera2 can be used, which apt has to bring."""
    on_sensor = world.wants_sensor or bool(devices(world.root).sensors)
    try:
        load = load_sensor_library if on_sensor else load_picture_library
        load()
    except ConfigError as error:
        if world.wants_camera:
            return Finding("library", "fail", one_line(error))
        return Finding("library", "skip", f"not asked for; {one_line(error)}")
    facts = {name: _version(name) for name in PACKAGES}
    told = ", ".join(f"{name} {version or 'of unknown version'}" for name, version in facts.items())
    shadows = [name for name in PACKAGES if _is_from_pip(name)]
    if shadows:
        words = (
            f"{listed(shadows)} came by pip and will break when apt upgrades libcamera; pip uninstall them"
        )
        return Finding("library", "warn", f"{told}; {words}", facts)
    return Finding("library", "ok", told, facts)


def _version(name: str) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    manager = getattr(sys.modules.get(name), "CameraManager", None)
    told = getattr(manager, "version", None) or getattr(sys.modules.get(name), "__version__", None)
    return told if isinstance(told, str) else None


def _is_from_pip(name: str) -> bool:
    """Whether a module lies in the virtual environment that we run in, and not in the system."""
    place = getattr(sys.modules.get(name), "__file__", None) or ""
    return sys.prefix != sys.base_prefix and place.startswith(sys.prefix)
