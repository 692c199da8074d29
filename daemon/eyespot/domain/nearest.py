"""Guesses what somebody meant to write."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 64
_ALIKE = 0.6


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like this one; None where none is much like it."""
    by_lowered = {name.lower(): name for name in known}
    found = get_close_matches(word[:_LONGEST].lower(), by_lowered, n=1, cutoff=_ALIKE)
    return by_lowered[found[0]] if found else None


def hint(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "…"?`, or what is known where nothing is much like the word."""
    names = list(known)
    guess = nearest(word, names)
    if guess is not None:
        return f'; did you mean "{guess}"?'
    return f"; known: {', '.join(names)}" if names else ""
