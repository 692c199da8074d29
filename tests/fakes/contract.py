"""Holds every message that a test sees against its schema, as a subscriber would.

Whoever sees messages calls `look_at`; it may be on any thread, so nothing is raised there. After each test
`tests/conftest.py` asks `unfit` what did not fit.
"""

import functools
import json
import re
from typing import Any

import jsonschema

from eyespot.topics.asyncapi import declared_for, document, message_id

_OURS = re.compile(r"eyespot/v1/[a-z0-9-]+/(?!cmd/|model/desired|config/desired)(.+)")
_unfit: list[str] = []


def look_at(topic: str, payload: bytes) -> None:
    """Note what is wrong with a message; one that clears a topic, or of somebody else, is passed over."""
    ours = _OURS.fullmatch(topic)
    if ours and payload and (wrong := why_unfit(ours[1], payload)):
        _unfit.append(f"{topic}: {wrong}")


def unfit() -> list[str]:
    """Return what did not fit since this was last asked."""
    found = list(_unfit)
    _unfit.clear()
    return found


def why_unfit(suffix: str, payload: bytes) -> str | None:
    """Return what is wrong with a payload, None where nothing is."""
    declared = declared_for(suffix, payload)
    if declared is None:
        return f"no schema for {payload[:200]!r}"
    try:
        value = json.loads(payload)
    except ValueError as error:
        return str(error)
    error = jsonschema.exceptions.best_match(_validators()[message_id(declared)].iter_errors(value))
    return error and f"{error.json_path}: {error.message[:200]}"


@functools.cache
def _validators() -> dict[str, Any]:
    whole = document(())
    components = {"components": {"schemas": whole["components"]["schemas"]}}
    return {
        name: jsonschema.Draft7Validator(message["payload"] | components)
        for name, message in whole["components"]["messages"].items()
    }
