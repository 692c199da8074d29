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
