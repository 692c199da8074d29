"""Where a device would tell of itself, read from a configuration that may be broken elsewhere."""

import re
from functools import partial
from pathlib import Path

from eyespot.config.loading import Loaded, beside, parse
from eyespot.domain.errors import ConfigError, foreign

_MOST_CHARACTERS = 1024 * 1024
_TABLES = re.compile(r"^(?=[ \t]*\[)", re.MULTILINE)
_NEEDED = re.compile(r"[ \t]*\[+[ \t]*(?:device|mqtt|state)\b")
_CAMERA = '\n[camera]\nsource = "scene"\n'  # has to be named, and is not looked at


def load_address(path: Path) -> Loaded:
    """Return a configuration of which only [device], [mqtt] and [state] count, as written in a file.

    These tables are cut out, so that neither a rule nor a missing quote elsewhere is in the way.

    Raises:
        ConfigError: the file cannot be read, or one of these tables cannot be used.
    """
    with (
        foreign(ConfigError, f"cannot read {path}"),
        path.open(encoding="utf-8-sig", errors="replace") as file,
    ):
        text = file.read(_MOST_CHARACTERS)
    tables = (table for table in _TABLES.split(text) if _NEEDED.match(table))
    return parse("".join(tables) + _CAMERA, str(path), partial(beside, path.parent.absolute()))
