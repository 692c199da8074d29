"""A backup in words."""

from collections.abc import Iterator

from eyespot.trust.backup import Manifest, Totals


def lines(manifest: Manifest, board: str) -> Iterator[str]:
    """Yield what a backup is: device, when, where, totals, and what it leaves out.

    Args:
        manifest: what it says of itself.
        board: the one that this is.
    """
    where = "this board" if manifest.board == board else f"another board, {manifest.hardware}"
    yield f"{manifest.device}, {manifest.made}, by eyespot {manifest.eyespot} on {where}"
    yield f"  {manifest.seq} events, {manifest.waiting} of them not delivered yet"
    for rule, totals in manifest.rules.items():
        yield f"  {rule}: {_in_words(totals)}"
    for words in manifest.left_out:
        yield f"not in it: {words}"


def _in_words(totals: Totals) -> str:
    counts = (f"{label} {way} {total}" for label, ways in totals.items() for way, total in ways.items())
    return ", ".join(counts) or "no totals"
