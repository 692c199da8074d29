"""The composition root: configuration to objects. The only place that names concrete classes.

Commands take `run`, `demo` and `selftest` out of their modules when they are called: the update worker, which
is to be small, does without them.
"""

from eyespot.app.anatomy import ModelFile, show_model
from eyespot.app.backup import STDIO, backup
from eyespot.app.golden import prove
from eyespot.app.keep import record
from eyespot.app.model_slots import (
    Installed,
    SlotsView,
    install_model,
    list_models,
    roll_back_model,
    update_models,
)
from eyespot.app.plan import eye_socket
from eyespot.app.proving import answer
from eyespot.app.provision import provision
from eyespot.app.recount import replay
from eyespot.app.restore import Restored, look_through, restore
from eyespot.app.sight import eye
from eyespot.app.tally import Tally, tally
from eyespot.app.updating import update
from eyespot.app.verdict import Verdict, check
from eyespot.app.verifying import Verified, verify
from eyespot.app.watch import Post
from eyespot.app.why import Explained, Explanation, Question, why
from eyespot.host.identity import board
from eyespot.trust.notes import WorkerNote

__all__ = [
    "STDIO",
    "Explained",
    "Explanation",
    "Installed",
    "ModelFile",
    "Post",
    "Question",
    "Restored",
    "SlotsView",
    "Tally",
    "Verdict",
    "Verified",
    "WorkerNote",
    "answer",
    "backup",
    "board",
    "check",
    "eye",
    "eye_socket",
    "install_model",
    "list_models",
    "look_through",
    "prove",
    "provision",
    "record",
    "replay",
    "restore",
    "roll_back_model",
    "show_model",
    "tally",
    "update",
    "update_models",
    "verify",
    "why",
]
