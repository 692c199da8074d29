"""What a device found when it looked at itself. As in `payloads`: what is not here cannot leave."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.topics.payloads import Envelope, Line, Sha256, Short

Proof = Literal["proved", "failed", "unknown"]


class Probed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one probe found, in words."""

    name: Short
    verdict: Proof
    words: Line


class SelfAudit(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether an image could leave, as far as the body can find out about itself.

    Attributes:
        verdict: "failed" where one probe failed, else "unknown" where one could not know, else "proved".
        schemas_sha256: of all that may leave: topics, schemas, bounds.
        probes: what each found.
    """

    verdict: Proof
    schemas_sha256: Sha256
    probes: Annotated[tuple[Probed, ...], Meta(max_length=32)]
