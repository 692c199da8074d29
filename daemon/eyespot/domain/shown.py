"""Text from devices, as a terminal may show it."""

import unicodedata
from typing import Final

_PILED: Final = frozenset({"Mn", "Me", "Mc"})  # what sits on the character before it


def shown(text: str, most: int) -> str:
    """Return text that moves no cursor, turns no direction and stays in its cells, cut to so many characters.

    What `str.isprintable` does not let pass are control and format characters (Unicode Cc, Cf), line ends,
    lone surrogates and what is not assigned; marks that pile up on one character go, too. What was cut ends
    with `…`.
    """
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    kept = (one for one in text if unicodedata.category(one) not in _PILED)
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in kept)
