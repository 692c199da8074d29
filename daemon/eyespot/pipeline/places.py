"""Where rules looked, as it is kept: beside their snapshots, in a row of its own.

So a snapshot stays in the form that versions before know, and one of these that is gone back to counts on
from it. To them the row is a rule that has gone, so its name is like the id of one.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from eyespot.pipeline.running import Running

ROW = "where-rules-look"


class Places:
    """Remembers of each rule where it looked, in a few letters."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def take_from(self, kept: Mapping[str, bytes]) -> dict[str, bytes]:
        """Remember what was kept, and return the snapshots of rules.

        A row that is something else is damaged, or the snapshot of a rule that is called like it.
        """
        try:
            self._known = msgspec.json.decode(kept.get(ROW, b"{}"), type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._known = {}
            return dict(kept)
        return {rule_id: snapshot for rule_id, snapshot in kept.items() if rule_id != ROW}

    def is_elsewhere(self, rule_id: str, place: str) -> bool:
        """Return whether a rule looked elsewhere before; no where that is not known."""
        return rule_id in self._known and self._known[rule_id] != _short(place)

    def renew(self, rules: Mapping[str, Running], kept: Mapping[str, bytes]) -> dict[str, bytes]:
        """Remember where rules look now, and return what is to be kept of that, if it is new.

        Args:
            rules: by id.
            kept: snapshots, also of rules that have gone; what has neither is forgotten.
        """
        gone = {rule_id: place for rule_id, place in self._known.items() if rule_id in kept.keys() - rules}
        places = {rule_id: running.rule.place for rule_id, running in rules.items()}
        known = gone | {rule_id: _short(place) for rule_id, place in places.items() if place}
        before, self._known = self._known, known
        return {} if known == before else {ROW: msgspec.json.encode(known)}


def _short(place: str) -> str:
    return hashlib.blake2b(place.encode(), digest_size=8).hexdigest()
