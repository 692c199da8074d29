"""The body looks at itself once a day, and tells what it finds."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from eyespot.app.privacy import Finding
from eyespot.app.self_audit import SelfAuditing, look_at_itself
from eyespot.host.clock import ManualClock
from eyespot.ports import Handover
from eyespot.topics.extent import extent
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from fakes.daemon import write_config
from fakes.waiting import until

OK, FAIL, SKIP = Finding("a", "ok", "x"), Finding("b", "fail", "y"), Finding("c", "skip", "z" * 400)


class Day:
    """A self-audit, and what it posts."""

    def __init__(self, look: Callable[[], Sequence[Finding]]) -> None:
        self.clock = ManualClock(10**12)
        self.posted: list[Handover] = []
        native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
        self._auditing = SelfAuditing(look, native=native, post=self.posted.append, clock=self.clock)

    def told(self, count: int) -> dict[str, Any]:
        """Return what was posted as the last of so many."""

        def comes() -> bool:
            self._auditing.tick()
            return len(self.posted) >= count

        until(comes)
        assert len(self.posted) == count
        (message,) = self.posted[-1].messages
        assert (message.topic, message.retain) == ("eyespot/v1/shop/privacy", True)
        payload: dict[str, Any] = json.loads(message.payload)
        return payload


@pytest.mark.parametrize(
    ("found", "verdict"), [([OK], "proved"), ([OK, SKIP], "unknown"), ([OK, FAIL, SKIP], "failed")]
)
def test_the_worst_probe_is_the_verdict(found: list[Finding], verdict: str) -> None:
    told = Day(lambda: found).told(1)
    assert told["verdict"] == verdict
    assert told["schemas_sha256"] == extent().digest
    assert [probe["name"] for probe in told["probes"]] == [one.name for one in found]


def test_it_is_told_again_after_a_day_and_not_before() -> None:
    day = Day(lambda: [OK])
    day.told(1)
    day.clock.sleep(86_399)
    day.told(1)
    day.clock.sleep(1)
    assert day.told(2)["seq"] == 2


def test_what_cannot_be_looked_at_is_unknown() -> None:
    def look() -> Sequence[Finding]:
        raise ZeroDivisionError("bang")

    assert Day(look).told(1)["verdict"] == "unknown"


def test_a_process_finds_no_camera_in_itself_and_claims_nothing_where_it_looks(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9")
    verdicts = {one.name: one.verdict for one in look_at_itself(config, looks=True)}
    assert verdicts == {
        "body's cameras": "skip", "body's sockets": "skip", "schemas": "ok", "files": "skip",
    }  # fmt: skip
    (sees, *_) = look_at_itself(config, looks=False)
    assert sees.facts["open"] == []
