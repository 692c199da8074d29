"""What `config/desired` holds: bytes become an id and tables, or are refused."""

from collections.abc import Mapping
from typing import Any

import msgspec

from eyespot.domain.errors import one_line
from eyespot.topics.commands import MOST_BYTES, InvalidCommandError, ReqId, req_id_in
from eyespot.topics.plain_json import plain

DESIRED_CONFIG = "config/desired"
# Whole tables, or single keys of them. All else is who the device is, whom it trusts, and what it costs.
MAY_BE_DESIRED: Mapping[str, tuple[str, ...]] = {
    "rules": (),
    "camera": ("mount",),
    "model": ("min_score",),
    "topics": ("frame", "health_s"),
    "trajectories": ("keep", "hours", "aim"),
}


class DesiredConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration that somebody desires: it lies over the device's file.

    Attributes:
        config: tables as in the file: `rules` instead of all rules there, of other tables single keys. What
            tells or keeps more of where people are can be switched off here, and on in the file only.
        req_id: what `config/reported` names when it says what became of it.
    """

    config: dict[str, Any]
    req_id: ReqId | None = None


def parse_desired(payload: bytes) -> DesiredConfig:
    """Return what is desired.

    Raises:
        InvalidCommandError: it is not as it should be.
    """
    if len(payload) > MOST_BYTES:
        raise InvalidCommandError(f"larger than {MOST_BYTES} bytes")
    try:
        return msgspec.convert(plain(payload), DesiredConfig)
    except (ValueError, RecursionError) as error:
        raise InvalidCommandError(f"not as it should be: {one_line(error)}", req_id_in(payload)) from error
