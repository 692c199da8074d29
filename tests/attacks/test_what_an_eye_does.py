"""How a broken or hostile eye may behave: it is cut off or waited for, and the body goes on."""

import array
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock, SystemClock
from eyespot.ports import SourceEnded
from eyespot.sources import crossing, eye, wire
from eyespot.sources.datagrams import Gone
from eyespot.supervisor.mailbox import Mailbox
from eyespot.supervisor.source_worker import SourceWorker
from eyespot.supervisor.threads import Watched
from fakes.eyes import CLIP, Body, Ledger, look
from fakes.peers import Peer, is_cut_off, sees
from fakes.script import seen

NOW_NS = 10**12
STATUS = wire.Status(None, None, 0, "")


def flood(body: Body, peer: Peer, message: Callable[[], wire.FromEye]) -> int:
    """Say something thousands of times; return how many times until it was cut off."""
    for count in range(5000):
        try:
            peer.say(message())
        except Gone:
            return count
        body.take()
    raise AssertionError("never cut off")


@pytest.mark.parametrize("seen_only", [True, False], ids=["observations", "all else"])
def test_a_flood_is_cut_off(body: Body, *, seen_only: bool) -> None:
    peer = Peer.ordered(body)
    count = flood(
        body, peer, lambda: crossing.seen(seen(body.clock.now_ns() - 20 * 10**9)) if seen_only else STATUS
    )
    assert count < (450 if seen_only else 60)
    assert is_cut_off(body, peer).endswith("more messages than anybody can need")


def test_the_longer_it_floods_the_longer_it_is_not_listened_to_until_it_has_behaved(body: Body) -> None:
    waits = []
    for _ in range(8):
        peer = Peer.ordered(body)
        flood(body, peer, lambda: STATUS)
        peer.close()
        cut_ns = body.clock.now_ns()
        peer = Peer(body, wire.Hello())
        while body.source._peer is None:
            body.take()
            body.clock.sleep(0.25)
        waits.append(round((body.clock.now_ns() - cut_ns) / 10**9))
        peer.close()
        body.turn()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    sees(body)
    assert body.source._conduct._delay_s == 1


def test_while_it_is_flooded_the_body_still_beats_stops_and_hardly_works(
    make_body: Callable[..., Body],
) -> None:
    body = make_body(clock=SystemClock())
    worker = SourceWorker(body.source, Mailbox(overwrites=True), body.health, body.clock)
    thread = Watched("source", worker, body.clock)
    thread.start()
    begun, spent = time.monotonic(), time.process_time()
    status, longest_s = wire.encode(STATUS), 0.0
    while time.monotonic() - begun < 0.7:
        longest_s = max(longest_s, thread.silent_s())
        try:
            peer = Peer(body, wire.Hello())
            while peer.end.send(status):
                pass
        except Gone:
            body.clock.sleep(0.01)
    worker.stop()
    assert thread.join(1)
    assert (thread.bug, longest_s < 2) == (False, True)
    assert time.process_time() - spent < 0.4  # what floods included
    assert "eye_refused" in body.troubles


def test_whoever_connects_and_never_speaks_keeps_the_eye_out_for_ten_seconds_only(body: Body) -> None:
    mute = Peer(body)
    body.passes(9)
    assert body.source._peer is not None
    body.passes(3)
    assert list(body.troubles) == ["eye_absent"]
    with pytest.raises(Gone):
        mute.heard()
    mute.close()
    sees(body)


def test_whoever_waits_behind_another_is_not_lost_and_does_not_hang(body: Body) -> None:
    first, second = Peer(body, wire.Hello()), Peer(body, wire.Hello())
    with pytest.raises(Gone):
        Peer(body)  # the queue is full; told at once, not after a while
    body.turn()
    first.close()
    body.turn()
    body.clock.sleep(0.3)
    body.turn()
    assert isinstance(second.heard(), wire.Look)


def test_an_eye_that_never_reads_does_not_hold_the_body_up(
    body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eye, "_SEND_WITHIN_S", 0.05)
    peer = Peer.ordered(body)
    begun = time.monotonic()
    for _ in range(2000):
        body.source.recover(Step.RESTART)
    assert time.monotonic() - begun < 1
    peer.close()
    body.turn()
    sees(body)


def test_an_eye_that_closes_in_the_middle_is_gone_and_another_may_come(body: Body) -> None:
    for _ in range(20):
        peer = Peer.ordered(body)
        peer.say(STATUS)
        peer.close()
        body.turn()
    assert set(body.troubles) <= {"eye_absent"}
    sees(body)


def test_an_eye_that_greets_and_goes_before_it_is_told_anything_is_gone(body: Body) -> None:
    for _ in range(5):
        Peer(body, wire.Hello()).close()
        body.turn()
        body.clock.sleep(0.3)
    assert set(body.troubles) <= {"eye_absent"}
    sees(body)


def test_an_eye_that_dies_again_and_again_before_it_has_seen_anything_is_a_lasting_trouble(
    body: Body,
) -> None:
    for _ in range(8):
        Peer.ordered(body).close()
        body.turn()
    assert list(body.troubles) == ["eye_absent"]
    assert "comes and goes" in body.troubles["eye_absent"]
    sees(body)


def test_what_eyes_that_have_gone_dropped_stays_counted(body: Body) -> None:
    for dropped in (3, 4):
        peer = Peer.ordered(body)
        peer.say(wire.Status(None, None, dropped, ""))
        body.turn()
        peer.close()
        body.turn()
    assert body.source.readings.dropped == 7


def test_a_body_that_stood_still_does_not_take_its_own_silence_for_the_eyes(body: Body) -> None:
    peer = Peer.ordered(body)
    body.clock.sleep(60)
    body.turn()
    assert (body.troubles, body.source._peer is not None) == ({}, True)
    peer.close()


def test_an_eye_that_comes_and_goes_does_so_five_times_a_second_at_most(body: Body) -> None:
    begun_ns, comings = body.clock.now_ns(), 50
    for _ in range(comings):
        peer = Peer(body)
        while body.source._peer is None:
            body.take()
            body.clock.sleep(0.01)
        peer.close()
        body.turn(1)
    assert body.clock.now_ns() - begun_ns >= (comings - 1) * 0.2 * 10**9


@pytest.mark.parametrize("pauses", [False, True], ids=["always", "but for now and then"])
def test_being_busy_for_ever_does_not_stop_recovery_for_ever(
    make_body: Callable[..., Body], *, pauses: bool
) -> None:
    body = make_body()
    peer, busy = Peer.ordered(body), []
    for second in range(1, 1301, 2):
        peer.say(wire.Status(None, None, 0, "" if pauses and second % 9 == 0 else "busy"))
        body.turn(2)
        busy.append(body.source.readings.doing)
        body.clock.sleep(2)
    assert set(busy[:4]) == {"busy"}
    assert set(busy[602:]) == {""}
    body.source.recover(Step.RELOAD)
    peer.say(wire.Status(None, None, 0, "sending the network"))
    body.turn(2)
    assert body.source.readings.doing == "sending the network"


def test_an_eye_that_never_says_how_it_does_is_not_busy(body: Body) -> None:
    Peer.ordered(body)
    assert body.source.readings.doing == ""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no Path is needed


def test_descriptors_that_it_passes_are_not_taken(body: Body) -> None:
    peer = Peer.ordered(body)
    with Path("/dev/null").open("rb") as null:
        before = descriptors()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()] * 20))]
        for _ in range(10):
            peer.end._socket.sendmsg([wire.encode(STATUS)], rights)
        body.turn(20)
        assert body.source._conduct._heard_ns == body.clock.now_ns()
        assert (descriptors(), body.troubles) == (before, {})


def test_hundreds_of_eyes_leave_nothing_behind(body: Body) -> None:
    sees(body)
    before, threads = descriptors(), threading.active_count()
    for number in range(300):
        peer = Peer.ordered(body)
        if number % 3 == 0:
            peer.send(b"\xc1")
        body.turn()
        peer.close()
        body.clock.sleep(61)
        body.turn()
    assert (descriptors(), threading.active_count()) == (before, threads)


def test_of_a_file_it_cannot_put_off_the_end(make_body: Callable[..., Body]) -> None:
    body = make_body(look(CLIP))
    peer = Peer.ordered(body)
    peer.say(wire.Ended(None))
    with pytest.raises(SourceEnded):
        body.turn()
    with pytest.raises(SourceEnded):
        body.turn()
    with pytest.raises(Gone):
        peer.heard()


def test_a_camera_that_may_not_be_powered_up_climbs_no_ladder(make_body: Callable[..., Body]) -> None:
    clock = ManualClock(NOW_NS)
    body = make_body(clock=clock, ledger=Ledger([3600.0] * 1000))
    worker = SourceWorker(body.source, Mailbox(overwrites=True), body.health, clock, stall_s=20)
    peer = Peer(body, wire.Hello(), wire.MayPowerUp())
    for _ in range(1500):
        body.turn(3)
        worker._notice_silence()
        assert worker._next_act() is None
        clock.sleep(2)
        peer.say(STATUS)
    assert list(body.troubles) == ["camera_resting"]
    assert worker.recoveries == {}
