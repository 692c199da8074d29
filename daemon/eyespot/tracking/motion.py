"""How boxes move: constant velocity, by a Kalman filter whose noise is measured in box sizes.

Prediction and correction follow SORT (Bewley et al., "Simple Online and Realtime Tracking", 2016).
Lengths along x are counted in box widths and along y in box heights, so that neither the distance
of an object nor the shape of the picture matters. In these units both axes have the same noise,
hence the same gains, and three numbers are the covariance of both.
"""

import numpy as np

from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Indexes
from eyespot.domain.track import Mask
from eyespot.tracking.tables import Table

MEASURING_VARIANCE = 0.08**2  # how well a small network places a box
_FIRST_VELOCITY_VARIANCE = 2.0**2  # somebody who walks makes one to three widths a second
_ACCELERATION_DENSITY = 1.0  # and stops or turns within about a second
_SIZE_MEMORY_S = 0.4
_HIDDEN_SIZE_MEMORY_S = 2.0  # who is hidden in part for longer has become smaller
_SHRUNK, _EDGE = 0.75, 0.2  # of the size along an axis: what is left at most, and how far its edge may be off
_COASTING_MEMORY_S = 0.8  # somebody hidden for longer may have stopped


def start(tracks: Table, found: Table) -> None:
    """Set new tracks, in place, to where they were found: at rest, of unknown velocity."""
    tracks["centre"], tracks["size"] = found["centre"], found["size"]
    tracks["position_variance"] = MEASURING_VARIANCE
    tracks["velocity_variance"] = _FIRST_VELOCITY_VARIANCE


def predict(tracks: Table, elapsed_s: float, coasting: Mask) -> None:
    """Move tracks on in place; those that coast slow down meanwhile."""
    noise = _ACCELERATION_DENSITY * elapsed_s
    tracks["centre"] += tracks["velocity"] * elapsed_s
    tracks["velocity"][coasting] *= np.exp(-elapsed_s / _COASTING_MEMORY_S)
    covariance, velocity_variance = tracks["covariance"], tracks["velocity_variance"]
    tracks["position_variance"] += elapsed_s * (2 * covariance + elapsed_s * (velocity_variance + noise / 3))
    covariance += elapsed_s * (velocity_variance + noise / 2)
    velocity_variance += noise


def correct(tracks: Table, rows: Indexes, found: Table) -> None:
    """Pull the tracks in `rows`, in place, towards where they were found."""
    own = tracks[rows]
    place, hidden = _completed(own, found)
    total = own["position_variance"] + MEASURING_VARIANCE
    gain, velocity_gain = own["position_variance"] / total, own["covariance"] / total
    surprise = place - own["centre"]
    own["centre"] += gain[:, None] * surprise
    own["velocity"] += velocity_gain[:, None] * surprise
    own["velocity_variance"] -= velocity_gain * own["covariance"]
    own["position_variance"] *= 1 - gain
    own["covariance"] *= 1 - gain
    memory = np.where(hidden, _HIDDEN_SIZE_MEMORY_S, _SIZE_MEMORY_S)
    learned = 1 - np.exp(-own["unseen_s"][:, None] / memory)
    own["size"] += learned * (found["size"] - own["size"])
    tracks[rows] = own


def _completed(tracks: Table, found: Table) -> tuple[Reals, Mask]:
    """Return the centres of what was found, and along which axes a part of it seems to be hidden.

    Of somebody whose legs are behind a counter the network sees the upper half. Then the box is much
    shorter than it was, while one edge is where it was expected: what is beyond the other is hidden.
    """
    known, size = tracks["size"], found["size"]
    low = (found["centre"] - size / 2) - (tracks["centre"] - known / 2)
    high = low + size - known
    at_low = np.abs(low) < np.abs(high)
    hidden: Mask = (size < _SHRUNK * known) & (np.where(at_low, np.abs(low), np.abs(high)) < _EDGE * known)
    whole = tracks["centre"] + np.where(at_low, low, high)
    centres: Reals = np.where(hidden, whole, found["centre"])
    return centres, hidden
