"""The composition root: configuration to objects. The only place that names concrete classes."""

from eyespot.app.anatomy import ModelFile, show_model
from eyespot.app.backup import STDIO, backup
from eyespot.app.daemon import run
from eyespot.app.demo import demo
from eyespot.app.golden import prove
from eyespot.app.keep import record
from eyespot.app.plan import eye_socket
from eyespot.app.proving import answer
from eyespot.app.provision import provision
from eyespot.app.recount import replay
from eyespot.app.restore import Restored, look_through, restore
from eyespot.app.selftest import Finding, selftest
from eyespot.app.sight import eye
from eyespot.app.verdict import Verdict, check
from eyespot.host.identity import board

__all__ = [
    "STDIO",
    "Finding",
    "ModelFile",
    "Restored",
    "Verdict",
    "answer",
    "backup",
    "board",
    "check",
    "demo",
    "eye",
    "eye_socket",
    "look_through",
    "prove",
    "provision",
    "record",
    "replay",
    "restore",
    "run",
    "selftest",
    "show_model",
]
