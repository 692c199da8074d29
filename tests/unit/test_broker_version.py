"""MQTT 5 is spoken, and 3.1.1 where a broker knows no better, or might not."""

from eyespot.broker.session import Ending
from eyespot.broker.version import Version

UNSUPPORTED, SILENCE = Ending("unsupported", unsupported=True), Ending("it closed", unanswered=True)
REFUSED = Ending("login denied")


def spoken(*endings: Ending, opened: bool = False) -> list[int]:
    version = Version()
    told = [int(version.now)]
    for ending in endings:
        version.learn(ending, opened=opened)
        told.append(int(version.now))
    return told


def test_a_broker_that_refuses_mqtt_5_is_asked_with_3_1_1_at_once() -> None:
    assert Version().learn(UNSUPPORTED, opened=False)
    assert spoken(UNSUPPORTED, UNSUPPORTED) == [5, 4, 4]


def test_one_that_refuses_both_is_not_asked_at_once_again_and_again() -> None:
    version = Version()
    assert [version.learn(UNSUPPORTED, opened=False) for _ in range(3)] == [True, False, False]


def test_silence_may_be_for_the_version() -> None:
    assert spoken(SILENCE, SILENCE, SILENCE, SILENCE) == [5, 5, 4, 4, 5]


def test_what_has_nothing_to_do_with_the_version_changes_nothing() -> None:
    assert spoken(REFUSED, REFUSED, REFUSED) == [5, 5, 5, 5]


def test_after_a_connection_that_was_open_the_broker_may_have_learnt_mqtt_5() -> None:
    version = Version()
    version.learn(UNSUPPORTED, opened=False)
    assert not version.learn(Ending("the broker is restarted"), opened=True)
    assert int(version.now) == 5
