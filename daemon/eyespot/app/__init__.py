"""The composition root: configuration to objects. The only place that names concrete classes."""

from eyespot.app.anatomy import ModelFile, show_model
from eyespot.app.daemon import run
from eyespot.app.demo import demo
from eyespot.app.keep import record
from eyespot.app.plan import eye_socket
from eyespot.app.provision import provision
from eyespot.app.recount import replay
from eyespot.app.selftest import Finding, selftest
from eyespot.app.sight import eye
from eyespot.app.verdict import Verdict, check

__all__ = [
    "Finding",
    "ModelFile",
    "Verdict",
    "check",
    "demo",
    "eye",
    "eye_socket",
    "provision",
    "record",
    "replay",
    "run",
    "selftest",
    "show_model",
]
