"""Probes the walls between what sees and what talks."""

import json
from collections.abc import Callable, Container, Sequence
from functools import partial
from inspect import getsource

from eyespot.app.privacy import trespass
from eyespot.app.privacy.site import EYE, Site
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import listed
from eyespot.broker.settings import endpoints
from eyespot.host.processes import Outward, Process
from eyespot.host.sandbox import NoSandboxError, run_inside

_CAMERAS = ("/dev/video", "/dev/media", "/dev/v4l-subdev", "/dev/dma_heap")
_NAMES = 53  # DNS
_ABSENT = "it does not run as a service here"
Inside = Callable[[str, str], str]


def sandbox(site: Site, inside: Inside = run_inside) -> Finding:  # noqa: ARG001 - all probes take it
    """Tell whether a program in the eye's sandbox has a network, or anything to write to: by trying."""
    try:
        found = json.loads(inside(f"{EYE}.service", getsource(trespass)))
    except (NoSandboxError, ValueError) as error:
        return Finding("eye's sandbox", "skip", f"not entered ({error}); it takes root and systemd")
    works = [f"can write in {folder}" for folder in found["writable"]]
    works += [f"can make a socket of {family}" for family in found["families"]]
    works += [f"sees the network card {card}" for card in found["cards"]]
    if works:
        return Finding("eye's sandbox", "fail", f"a program in it {listed(works)}", found)
    words = "a program in it could make no network socket, saw no network card, and could write nowhere"
    return Finding("eye's sandbox", "ok", words, found)


def eye_sockets(site: Site) -> Finding:
    """Tell whether the running eye has a socket on a network."""
    return _of_process("eye's sockets", site.eye, _eye_sockets)


def body_cameras(site: Site) -> Finding:
    """Tell whether the running body holds a camera, or could open one."""
    return _of_process("body's cameras", site.body, _body_cameras)


def body_sockets(site: Site) -> Finding:
    """Tell which sockets on a network the running body has."""
    return _of_process("body's sockets", site.body, partial(_body_sockets, site))


def frames(site: Site) -> Finding:
    """Tell whether pictures are mapped into the eye's memory where the sensor runs the model."""
    if site.world.wants_sensor:
        return _of_process("frames", site.eye, _frames)
    words = "this source's pictures pass through the eye's memory, as its processor runs the model"
    return Finding("frames", "skip", f"{words}; nothing here can prove what happened to them there")


def _eye_sockets(eye: Sequence[Process]) -> Finding:
    facts = {"sockets": [_named(one) for process in eye for one in process.outward_sockets()]}
    if facts["sockets"]:
        return Finding("eye's sockets", "fail", f"it has {listed(facts['sockets'])}", facts)
    return Finding("eye's sockets", "ok", "all that it has just now are Unix sockets", facts)


def _body_cameras(body: Sequence[Process]) -> Finding:
    seen = sorted({node for process in body for node in process.camera_nodes()})
    held = [name for process in body for name in process.open_files() if name.startswith(_CAMERAS)]
    facts = {"open": held, "in its /dev": seen}
    if held:
        return Finding("body's cameras", "fail", f"it has opened {listed(held)}", facts)
    if seen:
        return Finding("body's cameras", "fail", f"there are {listed(seen)} in its /dev", facts)
    return Finding("body's cameras", "ok", "none is open, and there is none in its /dev", facts)


def _body_sockets(site: Site, body: Sequence[Process]) -> Finding:
    found = [one for process in body for one in process.outward_sockets()]
    loaded = site.world.loaded
    ports = {one.port for one in endpoints(loaded.config.mqtt)} if loaded else set()
    strange = [one for one in found if not _is_due(one, ports)]
    facts = {"sockets": [_named(one) for one in found]}
    if strange:
        words = listed(_named(one) for one in strange)
        return Finding("body's sockets", "fail", f"not to the broker's port: {words}", facts)
    return Finding("body's sockets", "ok", f"{len(found)}, none but to the broker's port", facts)


def _named(one: Outward) -> str:
    ends = [f"to port {one.remote_port}"] if one.remote_port else []
    ends += [f"at port {one.local_port}"] if one.local_port and not one.remote_port else []
    return ", ".join((" ".join((one.kind, *ends)), one.state))


def _is_due(one: Outward, ports: Container[int]) -> bool:
    """Whether it goes to a broker, or asks for a name."""
    asks = one.kind.startswith("udp") and one.remote_port == _NAMES
    return one.state != "listening" and (one.remote_port in ports or asks)


def _frames(eye: Sequence[Process]) -> Finding:
    found = [name for process in eye for name in process.frames_mapped()]
    facts = {"mapped": found}
    if found:  # libcamera maps statistics and tensors, too, and the kernel does not say which is which
        words = f"{len(found)} buffers of the camera are mapped into the eye: statistics, tensors or pictures"
        return Finding("frames", "skip", f"{words}, which cannot be told apart here", facts)
    return Finding("frames", "ok", "no buffer of a camera is mapped into the eye just now", facts)


def _of_process(
    name: str, processes: Sequence[Process], look: Callable[[Sequence[Process]], Finding]
) -> Finding:
    if not processes:
        return Finding(name, "skip", _ABSENT)
    try:
        return look(processes)
    except PermissionError:
        return Finding(name, "skip", "that is root's to see: sudo eyespot privacy audit")
    except FileNotFoundError:
        return Finding(name, "skip", "it ended meanwhile")
