"""Inside Home Assistant: writes down what it shows, and calls the services that are asked for in a file."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.helpers import device_registry, entity_registry
from homeassistant.helpers.event import async_track_time_interval


async def async_setup(hass: Any, _config: Any) -> bool:
    """Look and call, twice a second."""
    folder = Path(hass.config.path())

    async def turn(_now: Any) -> None:
        shown = {}
        for entry in entity_registry.async_get(hass).entities.values():
            if entry.platform == "mqtt":
                state = hass.states.get(entry.entity_id)
                shown[entry.unique_id] = {
                    "entity_id": entry.entity_id,
                    "category": entry.entity_category,
                    "disabled": entry.disabled,
                    "state": state and state.state,
                    "attributes": dict(state.attributes) if state else {},
                }
        devices = [device.name for device in device_registry.async_get(hass).devices.values()]
        text = json.dumps({"entities": shown, "devices": devices}, default=str)
        calls = await hass.async_add_executor_job(_exchange, folder, text)
        for domain, service, data in calls:
            if (domain, service) == ("entity", "enable"):  # no service: only people can, on its page
                entity_registry.async_get(hass).async_update_entity(data["entity_id"], disabled_by=None)
                continue
            await hass.services.async_call(domain, service, data)

    async_track_time_interval(hass, turn, timedelta(seconds=0.5))
    return True


def _exchange(folder: Path, text: str) -> Any:
    """Leave what is shown, and take what is to be called."""
    (folder / "shown.new").write_text(text)
    (folder / "shown.new").rename(folder / "shown.json")
    try:
        calls = json.loads((folder / "calls.json").read_text())
    except FileNotFoundError:
        return []
    (folder / "calls.json").unlink()
    return calls
