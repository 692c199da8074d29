"""What `eyespot watch` shows, as rows of text: never wider, never more than the terminal has room for."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from eyespot.app.watched_device import Device
from eyespot.commands.watch_scene import draw
from eyespot.domain.shown import shown

_WIDE, _SIDE = 90, 36  # from there on facts stand beside the scene, in so many cells
_MOST_LISTED = 6
_MOST_LINES = 4
_HELP = "tab: next device   n: next line   t: tally it   q: end"
_TALLY_HELP = "i: somebody went in   o: out   u: take it back   t: done"


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody looks at.

    Attributes:
        device: its id; another one is shown where there is no such.
        rule: the line that `t` would tally; empty where there is none.
        tally: what was seen so far, in words; empty where nobody tallies. What the line counts is hidden
            then, lest it be what is seen.
        said: what came of the last tally.
        trouble: why nothing is heard; empty where all is well.
    """

    device: str = ""
    rule: str = ""
    tally: str = ""
    said: tuple[str, ...] = ()
    trouble: str = ""


def screen(
    devices: Mapping[str, Device],
    choice: Choice,
    size: tuple[int, int],
    *,
    ascii_only: bool,
    keys: bool = True,
) -> list[Text]:
    """Return the rows of the whole screen.

    Args:
        devices: what is known of each, by its id.
        choice: what to show of it.
        size: cells of a row, and rows; each 1 or more.
        ascii_only: the terminal has nothing else.
        keys: whether there are any, and so to be explained.
    """
    width, height = size
    name = choice.device if choice.device in devices else next(iter(devices), "")
    device = devices.get(name, Device())
    top = _listed(devices, name, min(_MOST_LISTED, max(1, height // 4)))
    foot = [Text(_TALLY_HELP if choice.tally else _HELP, "dim")] if keys else []
    if choice.trouble:
        foot.insert(0, Text(shown(choice.trouble, width), "red"))
    facts = _facts(device, choice, _SIDE if width >= _WIDE else width)
    room = max(1, height - len(top) - len(foot))
    if width >= _WIDE:
        middle = _beside(device, facts, (width, room), ascii_only=ascii_only)
    else:
        # what somebody waited for goes before the scene
        facts = facts[: room * (4 if choice.said else 2) // 5]
        middle = [*_scene(device, (width, max(1, room - len(facts))), ascii_only=ascii_only), *facts]
    return [_fitted(row, width, ascii_only=ascii_only) for row in [*top, *middle, *foot]][:height]


def _listed(devices: Mapping[str, Device], chosen: str, most: int) -> list[Text]:
    """Return a row for each device, or for so many of them around the chosen one."""
    if not devices:
        return [Text("no device has said anything yet: is it on, and may this login read?", "yellow")]
    names = list(devices)
    first = max(0, min(names.index(chosen) - most // 2, len(names) - most))
    rows = [_row(name, devices[name], chosen=name == chosen) for name in names[first : first + most]]
    if len(names) > len(rows):
        rows[-1].append(f"   {names.index(chosen) + 1} of {len(names)} devices", "dim")
    return rows


def _row(name: str, device: Device, *, chosen: bool) -> Text:
    row = Text.assemble("> " if chosen else "  ", (name, "bold" if chosen else ""))
    if device.name and device.name != name:
        row.append(f" {device.name}")
    row.append(f"  {device.state or 'unknown'}", "green" if device.state == "online" else "red")
    if device.rate_hz is not None and device.state == "online":
        row.append(f"  {device.rate_hz:.4g}/s")
    if device.troubles:
        row.append(f"  {' '.join(trouble for trouble, _ in device.troubles)}", "red")
    return row


def _beside(device: Device, facts: Sequence[Text], size: tuple[int, int], *, ascii_only: bool) -> list[Text]:
    width, height = size
    rows = _scene(device, (width - _SIDE - 1, height), ascii_only=ascii_only)
    for place, row in enumerate(rows):
        row.append(" ")
        row.append_text(facts[place] if place < len(facts) else Text())
    return rows


def _scene(device: Device, size: tuple[int, int], *, ascii_only: bool) -> list[Text]:
    """Return the scene in a frame, or as it is where a frame would leave nothing."""
    width, height = size
    if width < 3 or height < 3:  # noqa: PLR2004 - two sides, and something between
        return draw(device.places, device.seen, size, ascii_only=ascii_only)
    side, edge, corners = (
        ("|", "-", (("+", "+"), ("+", "+"))) if ascii_only else ("│", "─", (("┌", "┐"), ("└", "┘")))
    )
    rows = draw(device.places, device.seen, (width - 2, height - 2), ascii_only=ascii_only)
    inner = [Text.assemble((side, "dim"), row, (side, "dim")) for row in rows]
    edges = [Text(f"{one}{edge * (width - 2)}{other}", "dim") for one, other in corners]
    return [edges[0], *inner, edges[1]]


def _facts(device: Device, choice: Choice, width: int) -> list[Text]:
    """Return rules, health, model and rates, a row each, the more important first."""
    said = [line for one in (choice.tally, *choice.said) for line in _wrapped(one, width)]
    rows = [Text(one, "bold") for one in said]
    for rule, words in device.rules.items():
        mark = "* " if rule == choice.rule else "  "
        if choice.tally and rule == choice.rule:
            words = ("not shown while you count",)  # noqa: PLW2901 - lest it be what is seen
        rows += [Text.assemble(mark, (rule, "bold"), f" {words[0] if words else 'nothing yet'}")]
        rows += [Text(f"    {one}") for one in words[1:]]
    for name, reason in device.troubles:
        rows += [Text(one, "red") for one in _wrapped(f"{name}: {reason}", width)]
    if device.state == "online":
        rows += [Text("health ok", "green")] if device.ok else []
        rows += [Text(one) for one in _wrapped(_rates(device), width)]
    else:
        rows.append(Text("not there: its last words", "red"))
    rows.append(Text(f"model {device.model}" if device.model else "model unknown", "dim"))
    return rows


def _wrapped(text: str, width: int) -> list[str]:
    """Return it as lines; a table keeps the spaces between its columns where it fits."""
    return [text] if 0 < len(text) <= width else textwrap.wrap(text, width)[:_MOST_LINES]


def _rates(device: Device) -> str:
    looks = "" if device.rate_hz is None else f"{device.rate_hz:.4g} looks/s"
    warm = "" if device.temperature_c is None else f"{device.temperature_c:.0f} C"
    if device.shows_frames is False:
        boxes = "no boxes: [topics] frame is off"
    else:
        boxes = f"{device.frames_hz:.1f} frames/s heard" if device.frames_s else "no boxes heard"
    return ", ".join(one for one in (looks, boxes, warm) if one)


def _fitted(row: Text, width: int, *, ascii_only: bool) -> Text:
    """Return it cut and padded to so many cells; nothing in it moves the cursor, wherever it came from."""
    if not row.plain.isprintable():
        row.plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in row.plain)
    if ascii_only:
        row.plain = row.plain.encode("ascii", "replace").decode("ascii")
    row.truncate(width, overflow="crop", pad=True)
    row.no_wrap, row.end = True, "\n"
    return row
