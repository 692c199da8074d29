"""The commit record: whatever is asked for, in whatever order, there is something good to go back to."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.trust.slots import (
    OutOfTurnError,
    Record,
    Staged,
    activate,
    commit,
    count_start,
    go_back,
    lose,
    refuse,
    roll_back,
    stage,
)

BUNDLES = [f"people@1.{n}.0-{n:012x}" for n in range(4)]
ROLLOUTS = ["first", "second", None]


def on_trial(bundle: str = BUNDLES[0]) -> Record:
    return activate(stage(Record(), Staged(bundle=bundle)))


def restarted(record: Record) -> Record:
    counted = count_start(record)
    return roll_back(record, "crashed", 0) if counted is None else counted


ACTS = st.one_of(
    st.builds(
        lambda bundle, rollout: lambda record: stage(record, Staged(bundle=bundle, rollout=rollout)),
        st.sampled_from(BUNDLES),
        st.sampled_from(ROLLOUTS),
    ),
    st.builds(lambda bundle: lambda record: lose(record, bundle, "gone", 1), st.sampled_from(BUNDLES)),
    st.sampled_from(
        [
            activate,
            restarted,
            lambda record: commit(record, 1),
            lambda record: roll_back(record, "worse", 1),
            lambda record: refuse(record, "lacks person", 1),
            lambda record: go_back(record, "asked for", 1),
        ]
    ),
)


@given(st.lists(ACTS, max_size=40))
def test_only_what_is_on_trial_is_not_known_to_be_good(acts: list) -> None:
    record, proven = Record(), {None}
    for act in acts:
        try:
            after = act(record)
        except OutOfTurnError:
            continue
        if after.trial is None and record.trial is not None and after.current == record.trial.bundle:
            proven.add(after.current)
        record = after
        assert record.good in proven
        assert record.previous in proven
        assert record.current == (record.trial.bundle if record.trial else record.good)
        assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


def test_a_bundle_that_crashes_at_each_start_is_left_after_two() -> None:
    record = on_trial()
    assert record.trial
    assert record.trial.starts == 1
    second = count_start(record)
    assert second
    assert second.trial
    assert second.trial.starts == 2
    assert count_start(second) is None


def test_what_was_rolled_back_is_tried_again_for_another_rollout_only() -> None:
    tried = activate(stage(Record(), Staged(bundle=BUNDLES[0], rollout="first")))
    left = roll_back(tried, "detects nothing", 7)
    with pytest.raises(OutOfTurnError, match="quarantined: detects nothing"):
        stage(left, Staged(bundle=BUNDLES[0], rollout="first"))
    assert stage(left, Staged(bundle=BUNDLES[0], rollout="second")).staged


def test_an_operator_goes_back_to_what_was_good_before_and_then_to_the_factory_model() -> None:
    first = commit(on_trial(BUNDLES[0]), 1)
    second = commit(activate(stage(first, Staged(bundle=BUNDLES[1]))), 2)
    back = go_back(second, "asked for", 3)
    assert (back.current, back.good) == (BUNDLES[0], BUNDLES[0])
    assert go_back(back, "asked for", 4).current is None
    with pytest.raises(OutOfTurnError, match="factory"):
        go_back(go_back(back, "asked for", 4), "asked for", 5)


def test_a_good_bundle_that_is_lost_on_the_disk_gives_way_to_the_factory_model() -> None:
    record = lose(commit(on_trial(), 1), BUNDLES[0], "damaged", 2)
    assert (record.current, record.good, record.trial) == (None, None, None)
