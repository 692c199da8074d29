"""The mailbox between the source and the vision thread."""

import threading

import pytest

from eyespot.domain.observation import Observation, no_detections
from eyespot.supervisor.mailbox import Mailbox


def seen(taken_ns: int) -> Observation:
    return Observation(taken_ns, "m", no_detections())


def test_a_paced_source_overwrites_what_nobody_took_and_says_how_much() -> None:
    mailbox = Mailbox(overwrites=True)
    for taken_ns in (1, 2, 3):
        assert mailbox.put(seen(taken_ns), 0)
    newest = mailbox.take(0)
    assert newest is not None
    assert newest.taken_ns == 3
    assert (mailbox.received, mailbox.dropped) == (3, 2)


def test_an_unpaced_source_loses_nothing() -> None:
    mailbox = Mailbox(overwrites=False)
    assert mailbox.put(seen(1), 0)
    assert not mailbox.put(seen(2), 0)
    assert mailbox.take(0) is not None
    assert mailbox.put(seen(2), 0)
    assert mailbox.dropped == 0


def test_an_unpaced_source_goes_on_as_soon_as_there_is_room() -> None:
    mailbox = Mailbox(overwrites=False)
    taken: list[int] = []

    def read() -> None:
        while not mailbox.exhausted():
            observation = mailbox.take(5)
            if observation is not None:
                taken.append(observation.taken_ns)

    reader = threading.Thread(target=read)
    reader.start()
    for taken_ns in range(200):
        assert mailbox.put(seen(taken_ns), 5)
    mailbox.close()
    reader.join(5)
    assert taken == list(range(200))


@pytest.mark.parametrize("overwrites", [True, False])
def test_what_was_left_before_the_end_can_still_be_taken(overwrites: bool) -> None:
    mailbox = Mailbox(overwrites=overwrites)
    mailbox.put(seen(1), 0)
    mailbox.close()
    assert not mailbox.exhausted()
    assert mailbox.take(0) is not None
    assert mailbox.exhausted()
    assert mailbox.take(0) is None
