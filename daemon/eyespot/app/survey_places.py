"""What a recording says of zones and queues: does anybody come in, and is seen when coming and going?"""

from collections import Counter
from collections.abc import Iterable, Iterator

from eyespot.domain.account import Account, Fate

_ENOUGH = 5  # stays, before anything is said of them
_MANY = 0.2


class PlaceSurvey:
    """Counts what became of the tracks near a place.

    Args:
        classes: names of those that count; None for all.
    """

    def __init__(self, classes: Iterable[str] | None) -> None:
        self._classes = None if classes is None else set(classes)
        self._fates: Counter[Fate] = Counter()
        self._tracks = 0
        self._nearest = float("-inf")  # boxes inside

    def add(self, accounts: Iterable[Account]) -> None:
        """Count tracks."""
        for account in accounts:
            if self._classes is None or account.label in self._classes:
                self._tracks += 1
                self._nearest = max(self._nearest, float(account.distances.max()))
                self._fates.update(remark.fate for remark in account.remarks)

    def doubts(self) -> Iterator[str]:
        """Yield what is doubtful about the place, in words that go on after its name."""
        fates = self._fates
        came, went = fates["entered"] + fates["found"], fates["left"] + fates["lost"]
        if not came:
            yield self._nobody()
        if came < _ENOUGH:
            return
        if fates["found"] > _MANY * came:
            yield (
                f"has {fates['found']} of {came} stays that began unseen inside; people are not seen as they"
                " come: move its sides to where they are, away from edges"
            )
        if fates["lost"] > _MANY * went:
            yield (
                f"has {fates['lost']} of {went} stays that ended unseen inside; people are not seen as they"
                " go: move its sides to where they are, away from edges and from what hides them"
            )
        if fates["on_it"] > _MANY * (came + fates["on_it"]):
            yield (
                f"has {fates['on_it']} tracks on its sides that are neither in nor out, beside {came} stays;"
                " move the sides to where nobody stops"
            )

    def _nobody(self) -> str:
        if not self._tracks:
            return "has nothing to count: nobody is seen"
        if self._nearest < 0:
            far = f"{-self._nearest:.1f} boxes"
            return f"is entered by nobody: of {self._tracks} tracks none comes nearer than {far}"
        if self._fates["passed"]:
            return f"has nobody who queues: {self._fates['passed']} tracks walk through; see join_s and pace"
        return f"is entered by nobody: none of {self._tracks} tracks is far enough inside, and believed"
