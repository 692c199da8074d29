"""What `config/desired` holds: bytes become an id and tables, or are refused."""

from typing import Any

import msgspec

from eyespot.domain.errors import one_line
from eyespot.topics.commands import MOST_BYTES, InvalidCommandError, ReqId, req_id_in
from eyespot.topics.plain_json import refuse_ambiguous

DESIRED_CONFIG = "config/desired"


class DesiredConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration that somebody desires.

    Attributes:
        config: its tables, which are still to be judged.
        req_id: what the report names.
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
        refuse_ambiguous(payload)
        return msgspec.json.decode(payload, type=DesiredConfig)
    except (ValueError, RecursionError) as error:
        raise InvalidCommandError(f"not as it should be: {one_line(error)}", req_id_in(payload)) from error
