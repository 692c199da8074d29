"""A backup in words."""

from collections.abc import Iterator

from eyespot.trust.backup import Manifest, Totals


def lines(manifest: Manifest) -> Iterator[str]:
    """Yield what a backup is: device, when, totals, and what it leaves out."""
    yield (
        f"{manifest.device}, {manifest.made}, by eyespot {manifest.eyespot} on {manifest.hardware}: "
        f"{manifest.seq} events, {manifest.waiting} of them not delivered yet"
    )
    for rule, totals in manifest.rules.items():
        yield f"  {rule}: {_in_words(totals)}"
    for words in manifest.left_out:
        yield f"not in it: {words}"


def _in_words(totals: Totals) -> str:
    counts = (f"{label} {way} {total}" for label, ways in totals.items() for way, total in ways.items())
    return ", ".join(counts) or "no totals"
