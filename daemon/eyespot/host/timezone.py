"""By which clock the device's day goes."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eyespot.host.identity import system_timezone
from eyespot.host.settings import DeviceSettings


def zone_of(settings: DeviceSettings) -> ZoneInfo:
    """Return the time zone of the device: the configured one, else the system's, else UTC."""
    try:
        return ZoneInfo(settings.timezone or system_timezone())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
