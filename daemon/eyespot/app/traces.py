"""Tracks of a recording: followed anew, as they were left in the cache, or as a device has kept them."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

import eyespot
from eyespot.app.eye import order, smallest_score
from eyespot.config import Config
from eyespot.domain.errors import InputError
from eyespot.domain.instants import Timeline
from eyespot.domain.strip import Strip
from eyespot.drift import Drift
from eyespot.drift.cutting import doubted
from eyespot.host.timezone import zone_of
from eyespot.ports import ModelIdentity
from eyespot.recording import RecordingReader, digest
from eyespot.store.track_cache import TrackCache
from eyespot.store.trajectories.file import WaysFile, is_ways
from eyespot.tracking.tracing import trace

_MAKES_TRACKS = ("recording.py", "ports.py", "domain/*.py", "tracking/*.py", "drift/*.py")


class Traced(NamedTuple):
    """A recording as tracks.

    Attributes:
        sha256: of the recording, in hex.
        model: what made the observations.
        timeline: of its instants.
        rate_hz: observations per second, nominally.
        size: width and height of the frame, in pixels.
        strips: in order; see `trace_of`.
    """

    sha256: str
    model: ModelIdentity
    timeline: Timeline
    rate_hz: float
    size: tuple[float, float]
    strips: Iterator[Strip]


def trace_of(file: Path, config: Config, *, cached: bool = True, by_tracks: bool = True) -> Traced:
    """Return the tracks of a recording; those in the cache where they were followed before.

    Args:
        file: the recording; or trajectories, which are tracks already.
        config: says from which score on a detection can start a track, and has the device's zone.
        cached: whether the cache may be used.
        by_tracks: whether tracks are enough; else the observations are needed, too, and read again.

    Raises:
        InputError: the recording cannot be read, or has tracks alone where observations are needed; while
            strips are taken, also: it is damaged, or cut off.
    """
    min_score, zone = smallest_score(order(config)), zone_of(config.device)
    if not file.is_fifo() and is_ways(file):
        return _kept(file, min_score, zone, by_tracks=by_tracks)
    reader = RecordingReader(file)
    sha256, model = digest(file), reader.header.identity(min_score)
    timeline = Timeline(reader.header.started_utc_ns, synced=True)
    strips = _doubted(trace(reader, model, timeline), model, zone)
    if cached:
        cache = TrackCache(cache_folder(os.environ))
        key = _key(sha256, min_score, zone)
        found = cache.read(key, model.bundle, timeline) if by_tracks else None
        strips = cache.keep(key, strips) if found is None else found
    header = reader.header
    return Traced(sha256, model, timeline, header.rate_hz, (header.width, header.height), strips)


def _kept(file: Path, min_score: float, zone: ZoneInfo, *, by_tracks: bool) -> Traced:
    if not by_tracks:
        raise InputError(f"{file}: has tracks alone, and a rule looks at all that was observed: record that")
    ways = WaysFile(file)
    header = ways.header
    size = header.width, header.height
    model = header.identity(min_score)
    strips = _doubted(ways.strips(), model, zone)
    return Traced(digest(file), model, ways.timeline, header.rate_hz, size, strips)


def _doubted(strips: Iterator[Strip], model: ModelIdentity, zone: ZoneInfo) -> Iterator[Strip]:
    drift = Drift(zone)
    drift.begin(model.bundle, b"")
    return doubted(strips, drift)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where what can be made again is kept, by the XDG Base Directory Specification."""
    of_the_user = environ.get("XDG_CACHE_HOME", "")
    base = Path(of_the_user) if of_the_user.startswith("/") else Path(environ.get("HOME", "/")) / ".cache"
    return base / "eyespot" / "tracks"


def _key(sha256: str, min_score: float, zone: ZoneInfo) -> str:
    """Return a name for all that the tracks depend on: the recording, the score, the zone, and the code."""
    key = hashlib.sha256(f"{sha256} {min_score!r} {zone.key} {np.__version__}".encode())
    package = Path(eyespot.__file__).parent
    for pattern in _MAKES_TRACKS:
        for file in sorted(package.glob(pattern)):
            key.update(file.read_bytes())
    return key.hexdigest()
