"""The `[update]` table: where models come from, and when they may be taken."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from eyespot.domain.windows import Window
from eyespot.trust.desired import CohortName

FOLDER = "EYESPOT_MODELS_DIR"

_STATE_OF_THE_SERVICE, _OF_THE_SERVICE = Path("/var/lib/eyespot"), Path("/var/lib/eyespot-models")
_Path = Annotated[str, Meta(min_length=1, max_length=4096)]
_URL = r"\A(https?|file)://[\x21-\x2e\x30-\x3f\x41-\x7e]*(/[\x21-\x7e]*)?\Z"  # no login: it would be told
_Url = Annotated[str, Meta(pattern=_URL, max_length=500)]


class UpdateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where models come from, and when they may be taken.

    Attributes:
        url: of a repository made by `eyespot-fleet publish`: https://, http:// or file://, without a login.
            Default: none is asked.
        root_file: the repository's first `root.json`. Default: the one beside the configuration.
        cohort: which devices this one goes with.
        window: only between these times of the device's day, "22:00-05:00". Default: at any time.
        approve: wait until somebody approves, at the device or over MQTT.
        allow_unsigned: also take bundles from local folders that nobody has signed. `info` says so.
        probation_s: how long a new model has to prove itself.
    """

    url: _Url | None = None
    root_file: _Path | None = None
    cohort: CohortName = "default"
    window: Window | None = None
    approve: bool = False
    allow_unsigned: bool = False
    probation_s: Annotated[int, Meta(ge=10, le=86400)] = 600


def models_dir(state: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder of the model slots: $EYESPOT_MODELS_DIR, as the units set it, else one in `state`.

    Three users share that of the service, and its state is for one of them alone: so it is not in there.
    """
    if given := environ.get(FOLDER):
        return Path(given)
    return _OF_THE_SERVICE if state == _STATE_OF_THE_SERVICE else state / "models"
