"""The `[device]` table: what the device is called and where it stands."""

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from eyespot.domain.names import DeviceId
from eyespot.domain.nearest import nearest


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the device is called.

    Attributes:
        id: name of the device in topics and its client id at the broker; lower-case letters, digits
            and hyphens. Default: made from the board's serial number, else from the machine id.
        name: what people call it. Default: the id.
        timezone: IANA name, as Europe/Berlin. Default: the system's.
    """

    id: DeviceId | None = None
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    timezone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


def problems(settings: DeviceSettings) -> list[tuple[str, str]]:
    """Return what is wrong beyond types and bounds, as pairs of key and message."""
    name = settings.timezone
    if name is None or _is_timezone(name):
        return []
    known = available_timezones()
    if not known:
        return [("timezone", "this machine has no time zone database: apt install tzdata")]
    guess = nearest(name, known)
    suggestion = f'; did you mean "{guess}"?' if guess else "; want an IANA name, as Europe/Berlin"
    return [("timezone", f'unknown time zone "{name}"{suggestion}')]


def _is_timezone(name: str) -> bool:
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there; not a name; a folder
        return False
    return True
