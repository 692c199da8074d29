"""What is usual, as it is kept over a restart: bounded, and read as what it is, bytes from a disk."""

from typing import Annotated, Self

import msgspec
from msgspec import Meta

from eyespot.domain.kept import KeptBundle

# How much is learned, which is as much as is read again.
COLUMNS, ROWS, SIZES = 24, 18, 24
BINS = COLUMNS * ROWS * SIZES
SCORES = 52
HOURS_OF_DAY, HOURS_OF_WEEK = 24, 168
MOST_LEVELS = 40
MOST_MODELS = 2  # so that the way back to the one of before forgets nothing

Number = Annotated[int, Meta(ge=0, le=2**40)]
Log = Annotated[float, Meta(ge=-20, le=20)]


class KeptMean(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A mean that forgets slowly.

    Attributes:
        number: of values in it.
        mean: of these.
        spread: their mean distance from it.
    """

    number: Number
    mean: Log
    spread: Annotated[float, Meta(ge=0, le=40)] = 0.0

    def with_one(self, value: float, slow: int) -> Self:
        """Return it with one more value, which weighs as much as one in `slow` once there are as many."""
        number = min(self.number + 1, slow)
        mean = self.mean + (value - self.mean) / number
        spread = self.spread + (abs(value - mean) - self.spread) / number
        return type(self)(number, min(max(mean, -20.0), 20.0), min(spread, 40.0))


NOTHING = KeptMean(0, 0.0)


class Standing(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Something that is in doubt.

    Attributes:
        utc_s: since when; None where that was not known.
        now: the figure.
        usual: what it usually is.
    """

    utc_s: Annotated[int, Meta(ge=0, le=253_000_000_000)] | None
    now: Annotated[float, Meta(ge=0, le=1e9)]
    usual: Annotated[float, Meta(ge=0, le=1e9)]


class KeptFocus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """See `focus.Focus`: mean and spread of the logarithm by measure and level of light, in minutes."""

    levels: Annotated[dict[Annotated[str, Meta(max_length=4)], KeptMean], Meta(max_length=MOST_LEVELS)] = {}
    standing: Standing | None = None


class KeptPlaces(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """See `places.Places`.

    Attributes:
        tracks: that are learned.
        scores: how many of them were how familiar.
        looked_s: for how long was learned.
        bins: (bin, tracks that were there), ascending.
    """

    tracks: Number = 0
    scores: Annotated[list[Number], Meta(max_length=SCORES)] = []
    looked_s: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    bins: Annotated[list[tuple[Annotated[int, Meta(ge=0, lt=BINS)], Number]], Meta(max_length=BINS)] = []
    standing: Standing | None = None


class KeptFlow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """See `flow.Flow`: tracks by hour of the week."""

    hours: Annotated[
        list[tuple[Number, Annotated[float, Meta(ge=0, le=1e9)]]], Meta(max_length=HOURS_OF_WEEK)
    ] = []


class KeptModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is usual for a model."""

    bundle: KeptBundle
    focus: KeptFocus = KeptFocus()
    places: KeptPlaces = KeptPlaces()
    flow: KeptFlow = KeptFlow()


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that is usual: the light by hour of the day, and what models see; the one that looks last.

    Attributes:
        even: whether it is meant that the picture is the same everywhere.
    """

    light: Annotated[tuple[KeptMean, ...], Meta(max_length=HOURS_OF_DAY)] = ()
    models: Annotated[tuple[KeptModel, ...], Meta(max_length=MOST_MODELS)] = ()
    even: bool = False


def packed(kept: Kept) -> bytes:
    """Return it as bytes."""
    return msgspec.json.encode(kept)


def unpacked(data: bytes) -> Kept:
    """Return what was kept; nothing where these bytes are no such thing."""
    try:
        return msgspec.json.decode(data, type=Kept)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Kept()
