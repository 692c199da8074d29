"""The composition root: configuration to objects. The only place that names concrete classes."""

from eyespot.app.anatomy import ModelFile, show_model
from eyespot.app.daemon import run
from eyespot.app.demo import demo
from eyespot.app.keep import record
from eyespot.app.recount import replay
from eyespot.app.verdict import Verdict, check

__all__ = ["ModelFile", "Verdict", "check", "demo", "record", "replay", "run", "show_model"]
