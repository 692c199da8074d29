"""Probes whether the users of the service may reach what they need."""

import grp
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import BODY, EYE, World, listed, user_id

_NODES = ("video*", "media*", "v4l-subdev*", "dma_heap/*")


def permissions(world: World) -> Finding:
    """Tell whether cameras and files are within reach: of the service for root, else of who asks."""
    nodes = [node for pattern in _NODES for node in sorted((world.root / "dev").glob(pattern))]
    as_service = os.geteuid() == 0 and user_id(EYE) is not None
    who = EYE if as_service else "this user"
    denied = [node for node in nodes if not _may_use(node, as_service=as_service)]
    closed = list(_out_of_reach(world)) if as_service else []
    facts = {
        "user": who,
        "groups": sorted(_groups(EYE) if as_service else _own_groups()),
        "nodes": [str(node) for node in nodes],
        "denied": [str(node) for node in denied],
        "out_of_reach": closed,
        "upload_progress": os.access(world.root / "sys/kernel/debug", os.R_OK | os.X_OK),
    }
    if closed:
        return Finding(
            "permissions", "fail", f"{listed(closed)}; chmod a+rX them, or move them to /srv", facts
        )
    if denied:
        words = f"{who} may not use {listed(denied)}; {_remedy(denied[0], who)}"
        return Finding("permissions", "fail" if world.wants_camera else "warn", words, facts)
    if not nodes:
        return Finding("permissions", "skip", "there are no camera devices to be allowed", facts)
    return Finding("permissions", "ok", f"{who} may use all {len(nodes)} camera devices", facts)


def _may_use(node: Path, *, as_service: bool) -> bool:
    if not as_service:
        return os.access(node, os.R_OK | os.W_OK)
    return _allowed(node.stat(), EYE, 6)


def _allowed(status: os.stat_result, user: str, bits: int) -> bool:
    """Whether a user has rights (4 read, 2 write, 1 enter) as owner, by a group, or as anybody."""
    if status.st_uid == user_id(user):
        return status.st_mode >> 6 & bits == bits
    if _group(status.st_gid) in _groups(user):
        return status.st_mode >> 3 & bits == bits
    return status.st_mode & bits == bits


def _out_of_reach(world: World) -> Iterator[str]:
    """Yield what the configuration names and a user of the service cannot read."""
    if world.loaded is None:
        return
    config = world.loaded.config
    wanted = [(EYE, config.camera.file)] if config.camera.file else []
    if config.model.bundle != "factory":
        wanted += [(user, f"{config.model.bundle}/manifest.json") for user in (BODY, EYE)]
    for user, name in wanted:
        path = Path(name).expanduser().absolute()
        with suppress(FileNotFoundError):  # others tell that it is missing
            entered = [_allowed(above.stat(), user, 1) for above in path.parents]
            if not all(entered) or not _allowed(path.stat(), user, 4):
                yield f"{user} cannot read {path}"


def _groups(user: str) -> set[str]:
    """Return the groups that the unit and the system give to a user of the service."""
    own = {"video"} if user == EYE else set()
    return own | {group.gr_name for group in grp.getgrall() if user in group.gr_mem} | {user}


def _own_groups() -> set[str]:
    return {_group(number) for number in os.getgroups()}


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _remedy(node: Path, who: str) -> str:
    if _group(node.stat().st_gid) != "video":
        return f'a udev rule has to give it away: SUBSYSTEM=="{_subsystem(node)}", GROUP="video", MODE="0660"'
    return "sudo usermod -aG video $USER, and log in anew" if who != EYE else "its mode has to be 0660"


def _subsystem(node: Path) -> str:
    if node.parent.name == "dma_heap":
        return "dma_heap"
    return "media" if node.name.startswith("media") else "video4linux"
