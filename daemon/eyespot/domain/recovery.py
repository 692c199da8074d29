"""What can be done for a camera that gives nothing."""

from enum import Enum


class Step(Enum):
    """A step of recovery, the gentlest first.

    RESTART: the stream is stopped and started. RELOAD: the network is loaded again, too. RENEW: the
    camera is closed and opened by a new process, which turns its power off and on. REBOOT: the machine
    is asked to start anew.
    """

    RESTART = "restart_stream"
    RELOAD = "reload_network"
    RENEW = "new_process"
    REBOOT = "reboot"


def too_often(wait_s: float) -> str:
    """Return in words that a camera may not be powered up, and when it may be again."""
    return f"powered up too often since the machine started; again in {wait_s / 60:.0f} min"
