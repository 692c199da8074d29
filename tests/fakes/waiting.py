"""Waiting for what nobody announces."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0  # of a machine that has much else to do


def until(
    true: Callable[[], object], what: str = "what was waited for", timeout_s: float = PATIENCE_S
) -> None:
    """Wait for something to become true, and fail with its name if it does not."""
    give_up = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < give_up, f"never: {what}"
        time.sleep(0.01)
