"""TOML to typed, bounded settings."""

from eyespot.config.address import load_address
from eyespot.config.desired import DesiredRefusedError, lay_over, to_report
from eyespot.config.judging import doubts_of_rules, problems_with_model, problems_with_rules, warnings
from eyespot.config.loading import Loaded, load, load_for_replay, parse
from eyespot.config.settings import Config, TopicsSettings

__all__ = [
    "Config",
    "DesiredRefusedError",
    "Loaded",
    "TopicsSettings",
    "doubts_of_rules",
    "lay_over",
    "load",
    "load_address",
    "load_for_replay",
    "parse",
    "problems_with_model",
    "problems_with_rules",
    "to_report",
    "warnings",
]
