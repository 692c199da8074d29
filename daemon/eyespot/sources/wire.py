"""What crosses the socket between eye and body: one message a datagram, MessagePack, strictly typed.

There is no field for bytes, every text and list is bounded, and every number has its range: a picture has
no form in which to cross. Both ends refuse whatever else arrives.
"""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from eyespot.domain.errors import one_line
from eyespot.domain.observation import KEYPOINTS, Sight
from eyespot.domain.recovery import Step
from eyespot.ports import SensorMode
from eyespot.sources.settings import CameraSettings

MOST_REAL = 1e6
MOST_BYTES = 40 * 1024  # 15 kB of what is seen, or an order with two long paths
_MOST_OBJECTS = 300
_MOST_PERSONS = 30
_MOST_CLASSES = 1024

# one line: no control characters, no separators of lines, nothing that turns the direction of writing
_Text = Annotated[str, Meta(max_length=320, pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\Z")]
_Name = Annotated[str, Meta(max_length=160, pattern=r"\A[\x20-\x7e]*\Z")]
_Word = Annotated[str, Meta(max_length=64, pattern=r"\A[\x20-\x7e]*\Z")]  # as payloads take it
_Path = Annotated[str, Meta(min_length=1, max_length=4096)]
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Instant = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Side = Annotated[int, Meta(ge=1, le=65_535)]
_Index = Annotated[int, Meta(ge=0, lt=_MOST_CLASSES)]
_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Real = Annotated[float, Meta(ge=-MOST_REAL, le=MOST_REAL)]
_Positive = Annotated[float, Meta(ge=0, le=MOST_REAL)]
_Box = tuple[_Fraction, _Fraction, _Fraction, _Fraction]
_Keypoint = tuple[_Fraction, _Fraction, _Fraction]
TroubleName = Literal["source_failed", "swap_refused"]
_Objects = Meta(max_length=_MOST_OBJECTS)
_Persons = Meta(max_length=_MOST_PERSONS)
_Classes = Meta(max_length=_MOST_CLASSES)


class _Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One datagram."""


class SeenObjects(_Message, frozen=True, tag="objects"):
    """Detections; see `domain.observation`."""

    boxes: Annotated[list[_Box], _Objects]
    scores: Annotated[list[_Fraction], _Objects]
    classes: Annotated[list[_Index], _Objects]


class SeenLabels(_Message, frozen=True, tag="labels"):
    """Labels; see `domain.observation`."""

    scores: Annotated[list[_Fraction], _Classes]
    classes: Annotated[list[_Index], _Classes]


class SeenShares(_Message, frozen=True, tag="shares"):
    """Shares; see `domain.observation`."""

    shares: Annotated[list[_Fraction], _Classes]


class SeenPoses(_Message, frozen=True, tag="poses"):
    """Poses; see `domain.observation`."""

    keypoints: Annotated[
        list[Annotated[list[_Keypoint], Meta(min_length=KEYPOINTS, max_length=KEYPOINTS)]], _Persons
    ]
    scores: Annotated[list[_Fraction], _Persons]


class Hello(_Message, frozen=True, tag="hello"):
    """The eye's first message."""

    version: Literal[1] = 1


class MayPowerUp(_Message, frozen=True, tag="may_power_up"):
    """The eye asks whether it may power the camera up; see `ports.CameraLedger`."""


class Opened(_Message, frozen=True, tag="opened"):
    """The source looks; the camera as in force, see `ports.View`."""

    source: _Word
    width: _Side
    height: _Side
    rate_hz: Annotated[float, Meta(ge=0, le=1e6)]
    engine: _Word | None
    mode: SensorMode | None
    roi: _Box


class Optics(_Message, frozen=True):
    """See `domain.observation`; about once a second: the body takes two at most, and two digits of each."""

    lux: _Positive | None
    exposure_ms: _Positive | None
    gain: _Positive | None
    focus: _Positive | None
    brightness: Annotated[float, Meta(ge=0, le=100)] | None
    sharpness: _Positive | None


class Seen(_Message, frozen=True, tag="seen"):
    """An observation."""

    taken_ns: _Instant
    bundle: _Name
    found: SeenObjects | SeenLabels | SeenShares | SeenPoses
    sight: Sight = "clear"
    optics: Optics | None = None


class Sensor(_Message, frozen=True):
    """See `ports.SensorReadings`."""

    dnn_ms: _Real | None
    dsp_ms: _Real | None
    temperature_c: _Real | None
    exposure_ms: _Real | None
    gain: _Real | None
    lux: _Real | None
    without_tensor: _Count
    repeated: _Count
    missed: _Count
    inputs: _Count
    focus: _Real | None = None


class Status(_Message, frozen=True, tag="status"):
    """How the eye does; see `ports.Readings`. Sent at least every second."""

    inference_ms: tuple[_Real, _Real] | None
    sensor: Sensor | None
    dropped: _Count
    doing: _Text
    model_error: _Text = ""
    memory_mb: _Real | None = None


class Trouble(_Message, frozen=True, tag="trouble"):
    """A health state of the source: its reason, or None when it is over."""

    name: TroubleName
    reason: _Text | None


class Ended(_Message, frozen=True, tag="ended"):
    """There will be nothing more: a file is over, or, with a reason, cannot be read."""

    reason: _Text | None


class Look(_Message, frozen=True, tag="look"):
    """What to look at, and with what. An order like the one in force changes nothing.

    Attributes:
        camera: see `sources.settings`.
        bundle: "factory", or a folder.
        min_score: the configured one.
        manifest: sha256 of the bundle's, as the body read it: another one makes it another order.
    """

    camera: CameraSettings
    bundle: _Path
    min_score: Annotated[float, Meta(gt=0, lt=1)] | None
    manifest: _Word = ""


class Recover(_Message, frozen=True, tag="recover"):
    """Leave to take a step of recovery."""

    step: Step


class Leave(_Message, frozen=True, tag="leave"):
    """The answer: 0, or the seconds to wait before asking again."""

    wait_s: Annotated[float, Meta(ge=0, le=1e9)]


FromEye = Hello | MayPowerUp | Opened | Seen | Status | Trouble | Ended
FromBody = Look | Recover | Leave

_M = TypeVar("_M", bound=_Message)
_encoder = msgspec.msgpack.Encoder()
_from_eye: msgspec.msgpack.Decoder[FromEye] = msgspec.msgpack.Decoder(FromEye)
_from_body: msgspec.msgpack.Decoder[FromBody] = msgspec.msgpack.Decoder(FromBody)


class WireError(ValueError):
    """What arrived is no message."""


def encode(message: FromEye | FromBody) -> bytes:
    """Return the datagram of a message."""
    return _encoder.encode(message)


def decode_from_eye(data: bytes) -> FromEye:
    """Return what the eye says.

    Raises:
        WireError: it is no message of the eye's.
    """
    return _decode(_from_eye, data)


def decode_from_body(data: bytes) -> FromBody:
    """Return what the body says.

    Raises:
        WireError: it is no message of the body's.
    """
    return _decode(_from_body, data)


def _decode(decoder: msgspec.msgpack.Decoder[_M], data: bytes) -> _M:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(one_line(error)) from error  # it quotes what arrived
