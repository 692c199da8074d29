"""The composition root: configuration to objects. The only place that names concrete classes.

Commands take what is not here out of its module when they are called: the update worker, which is to be
small, does without it.
"""

from eyespot.app.anatomy import ModelFile, show_model
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
from eyespot.app.recount import replay
from eyespot.app.sight import eye
from eyespot.app.updating import update
from eyespot.app.verifying import Verified, verify
from eyespot.app.why import Explained, Explanation, Question, why
from eyespot.host.identity import board
from eyespot.trust.notes import WorkerNote

__all__ = [
    "Explained",
    "Explanation",
    "Installed",
    "ModelFile",
    "Question",
    "SlotsView",
    "Verified",
    "WorkerNote",
    "answer",
    "board",
    "eye",
    "eye_socket",
    "install_model",
    "list_models",
    "prove",
    "record",
    "replay",
    "roll_back_model",
    "show_model",
    "update",
    "update_models",
    "verify",
    "why",
]
