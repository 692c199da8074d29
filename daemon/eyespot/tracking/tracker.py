"""Detections to tracks: association in two stages, confirmation, coasting, death.

The two stages are those of ByteTrack (Zhang et al., "ByteTrack: Multi-Object Tracking by Associating
Every Detection Box", 2022): what the model is sure of goes to any track, what it is less sure of only
to confirmed ones that are still unseen. What would start a track is then offered to those once more,
further away: not before, or another box of somebody seen would lead them astray. All limits are in
seconds and box sizes.
"""

import numpy as np

from eyespot.domain.boxes import cover_matrix, iou_matrix
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Floats, Indexes, no_detections
from eyespot.domain.track import Mask, Tracks
from eyespot.tracking import motion
from eyespot.tracking.association import Gate, pair
from eyespot.tracking.tables import TRACK, Table, detection_table

_MOST_DETECTIONS = 300
_MOST_TRACKS = 600

_SURE = Gate(deviations=3.5, distance=1.5, growth=2.2)
_UNSURE = Gate(deviations=2.5, distance=0.7, growth=1.7)
_FAR = Gate(deviations=3.5, distance=3.0, growth=2.2, newcomer=5.0)

_CONFIRMING_HITS = 3
_CONFIRMING_SHARE = 0.4
_CONFIRMING_S = 0.3  # what stays for less may be a reflection, however often it is seen
_TENTATIVE_LIFE_S = 1.0
_CONFIRMED_LIFE_S = 1.5
_HIDDEN_AFTER_S = 0.3

_SAME_OVERLAP = 0.5
_SAME_COVER = 0.75


class Tracker:
    """Follows objects from one observation to the next. The same input gives the same tracks.

    Args:
        min_score: a detection from here on can start a track, one from half of it on can continue a
            confirmed one.
    """

    def __init__(self, min_score: float) -> None:
        self._min_score = min_score
        self._tracks = np.zeros(0, TRACK)
        self._newest_id = 0
        self._taken_ns: int | None = None
        self._elapsed_s = 0.0

    def step(self, taken_ns: int, detections: Detections | None) -> Tracks:
        """Return the tracks after one observation, or after its absence while the source is silent.

        While time stands still or goes back, nothing ages. Of more than 300 detections those with the
        best scores are looked at.
        """
        self._pass_time(taken_ns)
        self._tracks["looks"] += detections is not None
        found = detection_table(detections or no_detections(), self._min_score / 2, _MOST_DETECTIONS)
        sure = found["score"] >= self._min_score
        left = self._continue(self._tracks["id"] > 0, found[sure], _SURE)
        hidden = self._tracks["confirmed"] & ~self._tracks["seen"]
        self._continue(hidden, found[~sure], _UNSURE)
        if len(left):
            fresh = left[self._is_new(left)]
            self._start(self._continue(hidden & ~self._tracks["seen"], fresh, _FAR))
        self._confirm()
        self._keep(self._tracks["confirmed"] | (self._tracks["unseen_s"] < _TENTATIVE_LIFE_S))
        return self._columns()

    def relabel(self, places: Indexes, min_score: float) -> None:
        """Go on with another model; tracks of classes that it lacks end.

        Args:
            places: class index of the model before -> that of the other one; -1 where it lacks the class.
            min_score: as in the constructor.
        """
        self._min_score = min_score
        self._tracks["class"] = places[self._tracks["class"]]
        self._keep(self._tracks["class"] >= 0)

    def _pass_time(self, taken_ns: int) -> None:
        before, self._taken_ns = self._taken_ns, taken_ns
        self._elapsed_s = 0.0 if before is None else max(taken_ns - before, 0) / SECOND_NS
        self._tracks["age_s"] += self._elapsed_s
        self._tracks["unseen_s"] += self._elapsed_s
        self._tracks["seen"] = False
        self._keep(self._tracks["unseen_s"] <= _CONFIRMED_LIFE_S)
        motion.predict(self._tracks, self._elapsed_s, self._tracks["unseen_s"] > _HIDDEN_AFTER_S)

    def _keep(self, alive: Mask) -> None:
        if not alive.all():
            self._tracks = self._tracks[alive]

    def _continue(self, which: Mask, found: Table, gate: Gate) -> Table:
        """Give what was found to tracks, and return what none of them took."""
        candidates = np.flatnonzero(which)
        if not len(candidates) or not len(found):
            return found
        rows, taken = pair(self._tracks[candidates], found, gate, self._elapsed_s)
        rows, used = candidates[rows], found[taken]
        motion.correct(self._tracks, rows, used)
        self._record(rows, used)
        return np.delete(found, taken)

    def _record(self, rows: Indexes, found: Table) -> None:
        """Note what was found, and let the class be voted: Boyer and Moore's majority, by score."""
        tracks = self._tracks
        votes = np.where(tracks["class"][rows] == found["class"], found["score"], -found["score"])
        lead = tracks["class_lead"][rows] + votes
        tracks["class"][rows] = np.where(lead < 0, found["class"], tracks["class"][rows])
        tracks["class_lead"][rows] = np.abs(lead)
        tracks["box"][rows], tracks["score"][rows] = found["box"], found["score"]
        tracks["hits"][rows] += 1
        tracks["unseen_s"][rows] = 0
        tracks["seen"][rows] = True

    def _start(self, found: Table) -> None:
        if not len(found):
            return
        found = found[: _MOST_TRACKS - len(self._tracks)]
        fresh = np.zeros(len(found), TRACK)
        for field in ("class", "score", "box"):
            fresh[field] = found[field]
        fresh["class_lead"], fresh["hits"], fresh["looks"], fresh["seen"] = found["score"], 1, 1, True
        fresh["id"] = self._newest_id + 1 + np.arange(len(found))
        motion.start(fresh, found)
        self._newest_id += len(found)
        self._tracks = np.concatenate([self._tracks, fresh])

    def _is_new(self, found: Table) -> Mask:
        """Return which do not look like another box of something already seen."""
        seen = self._tracks[self._tracks["seen"]]
        boxes = np.concatenate([seen["box"], found["box"]])
        classes = np.concatenate([seen["class"], found["class"]])
        overlaps = iou_matrix(found["box"], boxes)
        covers = cover_matrix(found["box"], boxes)
        same_class = found["class"][:, None] == classes
        # Whatever their classes say, two boxes in one place are one object: classes flip.
        alike = (overlaps > _SAME_OVERLAP) | (same_class & (covers > _SAME_COVER))
        earlier = np.arange(len(boxes)) < len(seen) + np.arange(len(found))[:, None]
        new: Mask = ~(alike & earlier).any(axis=1)
        return new

    def _confirm(self) -> None:
        tracks = self._tracks
        often = tracks["hits"] >= np.maximum(_CONFIRMING_HITS, _CONFIRMING_SHARE * tracks["looks"])
        tracks["confirmed"] |= often & (tracks["age_s"] >= _CONFIRMING_S)

    def _columns(self) -> Tracks:
        tracks = self._tracks
        return Tracks(
            ids=tracks["id"].copy(),
            classes=tracks["class"].copy(),
            boxes_xyxy_n=self._boxes(),
            scores=tracks["score"].copy(),
            seen=tracks["seen"].copy(),
            confirmed=tracks["confirmed"].copy(),
        )

    def _boxes(self) -> Floats:
        tracks = self._tracks
        half = tracks["size"] / 2
        thought = np.concatenate([tracks["centre"] - half, tracks["centre"] + half], axis=1)
        boxes: Floats = np.clip(thought, 0, 1).astype(np.float32)
        return boxes
