"""The source's thread: it looks, names what is wrong, and brings a silent source back."""

from collections.abc import Iterable

import pytest

from eyespot.domain.errors import CameraError, CameraStuck, InputError
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.notice import NOTICE, Notice, Told
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock
from eyespot.ports import View
from eyespot.supervisor.health import Health
from eyespot.supervisor.mailbox import Mailbox
from eyespot.supervisor.source_worker import SourceWorker
from fakes.script import Script, seen

EVERY_STEP = (Step.RESTART, Step.RELOAD, Step.RENEW, Step.REBOOT)


class Ledger:
    """Allows what is written: seconds to wait."""

    def __init__(self, waits: Iterable[float]) -> None:
        self._waits = iter(waits)
        self.asked = 0

    def power_up(self) -> float:
        self.asked += 1
        return next(self._waits, 0.0)

    def reboot(self) -> float:
        raise AssertionError


class Stage:
    """A worker whose waits pass at once."""

    def __init__(
        self,
        *script: Observation | Exception | None,
        steps: tuple[Step, ...] = (),
        opening: Iterable[Exception | None] = (),
        ledger: Ledger | None = None,
        replaceable: bool = False,
    ) -> None:
        self.clock = ManualClock()
        self.health = Health(self.clock)
        self.mailbox = Mailbox(overwrites=True)
        self.source = Script(self.clock, script, steps, opening)
        self.reboots, self.no_reboot = 0, ""
        self.troubled: list[tuple[str, str]] = []
        self.told: list[str] = []
        self.waits_left = 10_000
        self.worker = SourceWorker(
            self.source,
            self.mailbox,
            self.health,
            self.clock,
            stall_s=20 if steps else None,
            reboot=self._reboot,
            replaceable=replaceable,
            leave=ledger.power_up if ledger else None,
        )
        self.worker._stopping.wait = self._wait

    def run(self) -> "Stage":
        self.worker.run(self._beat)
        return self

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.troubled))

    def _beat(self) -> None:
        new = [(t.name, t.reason) for t in self.health.troubles()]
        self.troubled += [trouble for trouble in new if trouble not in self.troubled]
        self.told.append(self.worker.readings.doing)

    def _reboot(self) -> str:
        self.reboots += 1
        return self.no_reboot

    def _wait(self, seconds: float) -> bool:
        self.clock.sleep(seconds)
        self.waits_left -= 1
        if not self.waits_left:
            self.worker.stop()
        return self.worker.stopped


def test_what_was_seen_goes_into_the_mailbox_which_is_closed_at_the_end() -> None:
    stage = Stage(seen(1), seen(2)).run()
    assert (stage.mailbox.received, stage.mailbox.dropped, stage.source.closed) == (2, 1, 1)
    assert stage.mailbox.take(0) is not None
    assert stage.mailbox.exhausted()


def test_a_camera_that_fails_is_named_and_opened_again_until_it_works() -> None:
    stage = Stage(CameraError("unplugged"), CameraError("unplugged"), seen(1)).run()
    assert (stage.source.opened, stage.mailbox.received, stage.names) == (3, 1, ["source_failed"])
    assert stage.health.troubles() == []


def test_a_camera_that_worked_for_a_while_is_tried_again_soon() -> None:
    script: list[Observation | Exception] = []
    for number in range(8):
        script += [CameraError("unplugged"), seen(number)]
    stage = Stage(*script).run()
    assert stage.clock.now_ns() == 8 * SECOND_NS  # a second each time, not more and more


def test_long_silence_is_named_and_taken_back_when_it_ends() -> None:
    stage = Stage(seen(1), *[None] * 12, seen(2)).run()
    assert stage.names == ["source_silent"]
    assert stage.health.troubles() == []


def test_a_file_that_cannot_be_read_on_ends_it() -> None:
    with pytest.raises(InputError):
        Stage(seen(1), InputError("clip.avi: cut off")).run()


def test_what_takes_long_is_told_while_it_does() -> None:
    stage = Stage(seen(1)).run()
    assert stage.told[0] == "opening"
    assert stage.told[-1] == ""


def test_a_stalled_camera_climbs_the_ladder_with_reasons_and_counters_and_is_healed_by_a_tensor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(NOTICE):
        stage = Stage(seen(1), *[None] * 170, seen(2), steps=EVERY_STEP).run()
    assert stage.source.done == [
        "open",
        "restart_stream",
        "reload_network",
        "new_process",
        "open",  # after the request for a reboot
    ]
    assert stage.reboots == 1
    assert stage.worker.recoveries == dict.fromkeys(EVERY_STEP, 1)
    reasons = [reason for name, reason in stage.troubled if name == "camera_stalled"]
    assert reasons[0] == "nothing seen for 20 s; now trying restart_stream"
    assert reasons[2] == "nothing seen for 60 s; now trying new_process"
    assert stage.health.troubles() == []
    logged = [record.eyespot for record in caplog.records if record.eyespot.notice is Notice.RECOVERY_STEP]
    assert logged == [Told(Notice.RECOVERY_STEP, {"step": step.value}) for step in EVERY_STEP]


def test_a_step_that_fails_is_followed_by_opening_again_and_by_the_next_step() -> None:
    failing = [None, *[CameraError("EREMOTEIO")] * 12]
    stage = Stage(*[None] * 45, seen(1), steps=EVERY_STEP, opening=failing).run()
    assert stage.source.done[:3] == ["open", "restart_stream", "open"]
    assert "reload_network" in stage.source.done
    assert stage.health.troubles() == []


def test_no_step_is_taken_while_something_that_takes_its_time_is_under_way() -> None:
    stage = Stage(*[None] * 400, seen(1), steps=EVERY_STEP)
    stage.source.readings = stage.source.readings.__class__(doing="sending the network to the sensor: 3 %")
    stage.run()
    assert stage.source.done == ["open"]
    assert stage.names == []


def test_a_step_that_the_body_wants_is_taken_at_once_whether_anything_is_seen_or_not() -> None:
    stage = Stage(seen(1), seen(2))
    stage.worker.recover(Step.RELOAD)
    stage.run()
    assert stage.source.done == ["open", "reload_network"]


def test_what_is_asked_of_a_camera_that_could_not_be_opened_does_not_take_the_place_of_opening_it() -> None:
    stage = Stage(seen(1), opening=[CameraError("unplugged")])
    stage.worker.request(lambda tell: tell("thinking"))
    stage.run()
    assert stage.source.done == ["open", "open"]
    assert stage.mailbox.received == 1


def test_a_reboot_that_is_not_granted_is_said() -> None:
    stage = Stage(seen(1), *[None] * 90, seen(2), steps=(Step.REBOOT,))
    stage.no_reboot = "the next may be asked for in 3 h"
    stage.run()
    assert ("camera_stalled", "a reboot might help, but the next may be asked for in 3 h") in stage.troubled


def test_a_slow_source_is_silent_later_than_a_quick_one() -> None:
    stage = Stage(seen(1), *[None] * 20, seen(2))
    stage.source.view = View("slow", 640, 480, 0.2)
    assert stage.run().names == []


def test_a_camera_is_powered_up_only_once_the_ledger_allows_it() -> None:
    ledger = Ledger([120.0, 60.0, 0.0])
    stage = Stage(seen(1), ledger=ledger).run()
    assert ledger.asked == 3
    assert stage.names == ["camera_resting"]
    assert stage.clock.now_ns() == 120 * SECOND_NS
    assert stage.health.troubles() == []


def test_a_camera_that_waits_to_be_powered_up_is_not_opened_by_a_stop_and_does_what_is_asked_of_it() -> None:
    asked: list[str] = []
    stage = Stage(seen(1), ledger=Ledger([3600.0] * 1000))
    stage.worker.request(lambda _: asked.append("it"))
    stage.waits_left = 300
    stage.run()
    assert (stage.source.done, asked) == ([], ["it"])


def test_only_what_turns_the_power_off_asks_the_ledger_again() -> None:
    ledger = Ledger([])
    Stage(*[None] * 90, seen(1), CameraError("gone"), seen(2), steps=EVERY_STEP[:2], ledger=ledger).run()
    assert ledger.asked == 1
    ledger = Ledger([])
    Stage(*[None] * 130, seen(1), steps=EVERY_STEP[:3], ledger=ledger).run()
    assert ledger.asked == 2


def test_a_hang_ends_a_process_that_another_one_replaces() -> None:
    stage = Stage(opening=[CameraStuck("start() hangs")], replaceable=True)
    with pytest.raises(CameraStuck):
        stage.run()
    assert [trouble.name for trouble in stage.health.troubles()] == ["source_failed"]


def test_a_hang_is_a_lasting_state_of_the_only_process_there_is() -> None:
    stage = Stage(opening=[CameraStuck("start() hangs")])
    stage.waits_left = 50
    stage.run()
    assert stage.source.done == ["open"]
    assert [trouble.name for trouble in stage.health.troubles()] == ["source_failed"]
