"""Probes of what may leave, and of what was left: schemas, model, files, bytes."""

import math
from collections.abc import Mapping
from pathlib import Path

from eyespot.app.choice import order_of_now
from eyespot.app.eye import fitting_bundle
from eyespot.app.privacy.site import Site
from eyespot.app.selftest.finding import Finding
from eyespot.app.selftest.world import listed
from eyespot.domain.errors import InputError, ModelError, one_line
from eyespot.domain.message import Traffic
from eyespot.store.budget import NAME as TRAFFIC
from eyespot.store.budget import spent_on
from eyespot.store.memo import Memo
from eyespot.topics.extent import extent

_COLOURS = 3
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_FIRST_BYTES = 8


def schemas(_: Site) -> Finding:
    """Tell whether anything that may leave has room for an image."""
    found = extent()
    facts = {
        "sha256": found.digest,
        "schemas": found.schemas,
        "binary": found.binary,
        "endless": found.endless,
        "free": found.free,
        "longest_text": found.longest_text,
        "most_bytes": found.most_bytes,
    }
    if wide := (*found.binary, *found.endless):
        return Finding("schemas", "fail", f"room for an image: {listed(wide)}", facts)
    words = f"{found.schemas} kinds, no binary field, no text above {found.longest_text} characters"
    free = f"; {listed(found.free)} is the configuration as it is in force" if found.free else ""
    return Finding("schemas", "ok", f"{words}{free}; sha256 {found.digest}", facts)


def model(site: Site) -> Finding:
    """Tell whether the model gives its picture away: an output with as many values as its input has."""
    if site.world.loaded is None:
        return Finding("model", "skip", "no configuration says which")
    look = order_of_now(site.world.loaded.config)
    if look.camera.source == "replay":
        return Finding("model", "skip", "a recording is looked at, and no picture")
    try:
        bundle = fitting_bundle(look)
    except (ModelError, InputError) as error:
        return Finding("model", "fail", one_line(error))
    layout = bundle.layout
    pixels = layout.width * layout.height * _COLOURS
    sizes = {role: math.prod(shape) for role, shape in layout.outputs.items()}
    facts = {"bundle": bundle.identity.bundle, "input": pixels, "outputs": sizes}
    if large := [role for role, size in sizes.items() if size >= pixels]:
        return Finding("model", "fail", f"{listed(large)} could hold the picture it was made of", facts)
    words = (
        f"{bundle.identity.bundle}: a picture has {pixels} values, its largest output {max(sizes.values())}"
    )
    return Finding("model", "ok", words, facts)


def files(site: Site) -> Finding:
    """Tell what was written, and whether any of it begins as an image does."""
    try:
        paths = [path for path in sorted(site.state.rglob("*")) if path.is_file()]
        found = {str(path.relative_to(site.state)): path for path in paths}
        sizes = {name: path.stat().st_size for name, path in found.items()}
        images = [name for name, path in found.items() if _begins_as_image(path)]
    except PermissionError:
        return Finding("files", "skip", f"{site.state} is root's to read: sudo eyespot privacy audit")
    except FileNotFoundError:
        return Finding("files", "skip", f"{site.state} changes just now; try again")
    facts = {"folder": str(site.state), "sizes": sizes, "images": images}
    if images:
        return Finding("files", "fail", f"begin as images do: {listed(images)} in {site.state}", facts)
    words = f"{len(sizes)} in {site.state}, {sum(sizes.values())} bytes; none begins as an image does"
    return Finding("files", "ok" if sizes else "skip", words, facts)


def sent(site: Site) -> Finding:
    """Tell how many bytes left, by what they are for."""
    memo = Memo(site.state / TRAFFIC)
    days = {"today": spent_on(site.day, memo), "yesterday": spent_on(site.day - 1, memo)}
    facts = {name: spent for name, spent in days.items() if spent}
    if not facts:
        return Finding("bytes", "skip", "nobody has counted yet, or that is root's to read")
    words = "; ".join(f"{name} {by_kind(spent)}" for name, spent in facts.items())
    return Finding("bytes", "ok", f"as kept once an hour: {words}", facts)


def by_kind(spent: Mapping[Traffic, int]) -> str:
    """Return in words how many bytes left for what."""
    return ", ".join(f"{count} for {kind}" for kind, count in spent.items() if count) or "none"


def _begins_as_image(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_FIRST_BYTES).startswith(_IMAGES)
