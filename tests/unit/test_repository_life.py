"""Whatever an operator does, in whatever order, each device finds what was released last."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from eyespot.trust.desired import Desired
from eyespot_fleet.publishing.founding import add_site
from eyespot_fleet.publishing.renewing import keys_of, replace
from eyespot_fleet.publishing.roles import sites
from fakes.repository import FakeRepository

COHORTS = ("default", "north")


class Life(RuleBasedStateMachine):
    """A repository, a device that looks all the time, and one that is seldom on."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.ours = FakeRepository(self.folder / "ours")
        self.version = 0
        self.released: dict[str, Desired | None] = dict.fromkeys(COHORTS)

    @rule(cohort=st.sampled_from(COHORTS), percent=st.integers(0, 100), own=st.booleans())
    def release_the_next(self, cohort: str, percent: int, own: bool) -> None:
        self.version += 1
        bundle = f"people@1.0.{self.version}-0123456789ab"
        self.ours.add(bundle.encode(), bundle, cohort if own and self._is_site(cohort) else None)
        self.released[cohort] = self.ours.release(bundle, cohort, percent)

    @rule(percent=st.integers(0, 100))
    def widen(self, percent: int) -> None:
        for cohort in COHORTS:
            if self.released[cohort]:
                self.released[cohort] = self.ours.release(None, cohort, percent)

    @rule()
    def make_a_site(self) -> None:
        if not self._is_site("north"):
            with self.ours.changed() as repository:
                add_site(repository, "north")
            self.released["north"] = None

    @rule(lost=st.booleans(), data=st.data())
    def replace_some_keys(self, lost: bool, data: st.DataObject) -> None:
        with self.ours.changed() as repository:
            keys = [key for one in repository.standings() for key in keys_of(repository, one.role)]
            chosen = data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))
            roots = [key_id for role, key_id in chosen if role == "root"]
            for role, key_id in chosen:
                if lost and (role != "root" or len(roots) == 1):  # without two of root nobody could
                    self.ours.keys.signers.pop(key_id)
            replace(repository, chosen)

    @rule(days=st.integers(1, 59))
    def let_time_pass(self, days: int) -> None:
        self.ours.now += timedelta(days=days)
        self.ours.refresh()

    @rule()
    def look_after_a_long_time(self) -> None:
        self._look("seldom on")

    @invariant()
    def every_device_finds_what_was_released_last(self) -> None:
        self._look("always on")
        self._look("new")
        shutil.rmtree(self.folder / "new")

    def _look(self, device: str) -> None:
        for cohort in COHORTS:
            assert self.ours.told(self.folder / device, cohort) == self.released[cohort]

    def _is_site(self, cohort: str) -> bool:
        with self.ours.changed() as repository:
            return cohort in sites(repository.delegations)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


def test_every_device_finds_what_was_released_last() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=8, stateful_step_count=10, deadline=None, suppress_health_check=checks
        ),
    )
