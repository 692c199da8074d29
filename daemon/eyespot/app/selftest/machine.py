"""Probes of the machine itself: what it is, clock, disk, watchdogs, heat."""

import os
import platform
import re
import sys
from pathlib import Path

import eyespot
from eyespot.app.plan import given_id
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import BODY, World, user_id
from eyespot.domain.paths import small_text
from eyespot.host.clock import utc_is_synced
from eyespot.host.facts import HOT_C, WEAK_POWER, enough_disk_mb, read_facts, voltage_is_low
from eyespot.host.identity import hardware
from eyespot.host.volatility import GONE_WITH_THE_POWER, volatility
from eyespot.store.settings import StateSettings, state_dir

_KIB_MIB = 1024
_TOO_FEW = 0.2  # of what is enough
_WARM_C = 70
_RUNTIME_WATCHDOG = r"^\s*RuntimeWatchdogSec\s*=\s*(\S*)"
_WATCHDOG_FILE = "systemd/eyespot-hardware-watchdog.conf"  # in the checkout


def machine(world: World) -> Finding:
    """Tell what it is."""
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", small_text(world.root / "proc/meminfo"), re.MULTILINE))
    megabytes = {key: int(memory[key]) // _KIB_MIB for key in ("MemTotal", "CmaTotal") if key in memory}
    config = world.loaded.config if world.loaded else None
    state = config.state if config else StateSettings()
    device = given_id(config.device.id if config else None, state, world.environ, world.root)
    facts = {
        "device": device,
        "hardware": hardware(world.root),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "eyespot": eyespot.__version__,
        "memory_mb": megabytes.get("MemTotal"),
        "cma_mb": megabytes.get("CmaTotal"),
    }
    words = f"{facts['hardware']}; kernel {facts['kernel']}, Python {facts['python']}; its id is {device}"
    if sys.maxsize < 2**32:
        return Finding(
            "machine", "fail", f"{words}; there is no engine for 32 bits: use a 64-bit system", facts
        )
    return Finding("machine", "ok", words, facts)


def clock(_: World) -> Finding:
    """Tell whether UTC can be trusted."""
    if utc_is_synced():
        return Finding("clock", "ok", "UTC is synchronised", {"synced": True})
    words = (
        'UTC is not synchronised, and payloads say so ("clock"); see timedatectl, and whether NTP gets out'
    )
    return Finding("clock", "warn", words, {"synced": False})


def disk(world: World) -> Finding:
    """Tell whether counts can be kept."""
    settings = world.loaded.config.state if world.loaded else StateSettings()
    folder = state_dir(settings, world.environ)
    there = _nearest(folder)
    status = os.statvfs(there)
    free_mb = round(status.f_bavail * status.f_frsize / 2**20)
    enough_mb = enough_disk_mb(status.f_blocks * status.f_frsize / 2**20)
    why_volatile = volatility(folder, world.root)
    facts = {
        "folder": str(folder),
        "exists": there == folder,
        "free_mb": free_mb,
        "volatile": bool(why_volatile),
    }
    if status.f_flag & os.ST_RDONLY:
        return Finding("disk", "fail", f"{there} is read-only; set [state] dir to a disk that is not", facts)
    if free_mb < enough_mb * _TOO_FEW:
        return Finding("disk", "fail", f"{free_mb} MB free at {there}: make room", facts)
    if there == folder and (why := _not_writable(folder)):
        return Finding("disk", "fail", why, facts)
    words = f"{free_mb} MB free at {folder}{'' if there == folder else ', which the daemon will make'}"
    if free_mb < enough_mb:
        return Finding("disk", "warn", f"{words}: make room", facts)
    if why_volatile:
        return Finding("disk", "warn", f"{words}; {why_volatile}: {GONE_WITH_THE_POWER}", facts)
    return Finding("disk", "ok", words, facts)


def _nearest(folder: Path) -> Path:
    """Return the folder, or the one above it in which it will be made."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())


def _not_writable(folder: Path) -> str:
    """Return why a state folder cannot be used, by the service if we are root; empty if it can."""
    if os.geteuid() == 0:
        body = user_id(BODY)
        if body is not None and folder.stat().st_uid not in {body, 0}:
            return f"{folder} belongs to somebody else: sudo chown -R {BODY}: {folder}"
    elif not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} is not writable for this user; as root, the service's own is looked at"
    return ""


def watchdog(world: World) -> Finding:
    """Tell who watches over the machine, and over the service."""
    device = world.root / "sys/class/watchdog/watchdog0"
    units = [world.root / f"etc/systemd/system/{name}.service" for name in ("eyespot", "eyespot-eye")]
    watched = [unit.stem for unit in units if "WatchdogSec=" in small_text(unit)]
    facts = {
        "device": small_text(device / "identity") or None,
        "timeout_s": small_text(device / "timeout") or None,
        "state": small_text(device / "state") or None,
        "services": watched,
    }
    service = f"systemd watches {' and '.join(watched)}" if watched else "the service is not installed"
    if not device.exists():
        return Finding("watchdog", "ok" if watched else "skip", f"{service}; no hardware watchdog", facts)
    if facts["state"] == "active":
        return Finding("watchdog", "ok", f"{service}; the hardware watchdog is in use", facts)
    if asked := _runtime_watchdog(world.root):
        words = f"RuntimeWatchdogSec={asked} is set, but not in force: a Pi takes 15s at most; mend it, then"
    else:
        words = (
            "nobody uses the hardware watchdog, which would reset a machine that hangs: "
            f"sudo install -D -m 644 {_WATCHDOG_FILE} -t /etc/systemd/system.conf.d;"
        )
    words = f"{service}; {words} sudo systemctl daemon-reexec"
    return Finding("watchdog", "warn", words, facts)


def _runtime_watchdog(root: Path) -> str:
    """Return what systemd is asked for, as it is written; empty where it is not, or is turned off."""
    folder = root / "etc/systemd"
    files = [folder / "system.conf", *sorted((folder / "system.conf.d").glob("*.conf"))]
    texts = map(small_text, files)
    found = [value for text in texts for value in re.findall(_RUNTIME_WATCHDOG, text, re.MULTILINE)]
    return found[-1] if found and found[-1] not in {"0", "off"} else ""


def heat(world: World) -> Finding:
    """Tell how warm it is, and whether it suffers."""
    warm_c, is_low = read_facts(world.root, world.root).temperature_c, voltage_is_low(world.root)
    facts = {"temperature_c": warm_c, "voltage_is_low": is_low}
    if warm_c is None and is_low is None:
        return Finding("heat", "skip", "this machine does not say how warm it is", facts)
    parts = [f"{warm_c:.0f} °C"] if warm_c is not None else []
    if warm_c is not None and warm_c >= _WARM_C:
        parts.append("that is hot: cool it" if warm_c >= HOT_C else "that is warm: give it air")
    if is_low:
        parts.append(WEAK_POWER)
    bad = is_low or (warm_c or 0) >= HOT_C
    doubtful = (warm_c or 0) >= _WARM_C
    words = "; ".join(parts) or "the voltage is right"
    return Finding("heat", "fail" if bad else "warn" if doubtful else "ok", words, facts)
