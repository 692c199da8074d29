"""What an operator wants to find in the journal later: a small vocabulary, each word with an id for ever.

A notice is logged like anything else: `_log.warning("…", extra=Notice.STATE_RAISED.of(state=name))`. Where
the log does not go to the journal, that is a line like any other. `systemd/README.md` has all of them in a
table, `systemd/eyespot.catalog` says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypedDict, Unpack

NOTICE = 25
"""The level between INFO and WARNING that Python has no name for: normal, but worth keeping; syslog(3)."""


class Fields(TypedDict, total=False):
    """What a notice may be searched by. In the journal `state` is `EYESPOT_STATE`, and so on."""

    device: str
    model: str
    state: str
    reason: str
    rule: str
    step: str
    thread: str
    exit_code: int
    count: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a log record carries as its attribute `eyespot`."""

    notice: "Notice"
    fields: Fields


class Notice(Enum):
    """The words, each with its MESSAGE_ID: sd-id128(3), made once, never changed, never given to another."""

    READY = "01fdd4fa0bb446cbb86f02da33a45e17"
    STOPPING = "1e5d57129b7e4da6b4931ca0bae69196"
    FAILED = "389bbfc8f589459696cb0f9cde1862b6"
    CONFIGURATION_TAKEN_UP = "495d2e8312c741f3b8a4cbffb3fe20a9"
    CONFIGURATION_REFUSED = "01e835d6803247c5af1a24befd84f456"
    CREDENTIALS_RENEWED = "189c100f2a954221a39b7c5b35d09f8d"
    MODEL_CHANGED = "c7f0cc56d9d2488f8215e3f7c2c78e27"
    STATE_RAISED = "49e468e071fd4d5483624105f6c20ec9"
    STATE_OVER = "71385912a66f43d3a6fd8c346590e0ca"
    TOTALS_RESET = "754db04f6c7d43dbadf0611fdd8b8add"
    RECOVERY_STEP = "f6712c84b76b424ea067c785029b640c"
    REBOOT_ASKED = "842f35376ed4462d989b9f9ed1bcfbdb"
    THREAD_HANGS = "1c8af797f1ab42b6bc086506869a6273"
    BUG = "b4d5f0d7639b44d18710c0d644f5ea7e"
    LINES_LOST = "ea0ae5b21fe24068bfdb6268ed15ea8f"

    def of(self, **fields: Unpack[Fields]) -> Mapping[str, object]:
        """Return what a logging call takes as `extra`."""
        return {"eyespot": Told(self, fields)}


def names_in_journal(fields: Fields) -> dict[str, str]:
    """Return the fields as the journal has them."""
    return {f"EYESPOT_{name.upper()}": str(value) for name, value in fields.items()}
