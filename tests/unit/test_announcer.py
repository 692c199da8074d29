"""Home Assistant is told when there is news, again when it begins, and what it was told is taken back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from eyespot.config import load
from eyespot.domain.errors import ConfigError, StorageError
from eyespot.domain.message import Heard, Message
from eyespot.host.clock import ManualClock
from eyespot.store.memo import Memo
from eyespot.supervisor.announcer import LATEST_S, MOST_KEPT_BYTES, SOONEST_S, Announcer, BesideHomeAssistant
from eyespot.topics.gate import MOST_DISCOVERY, Gate
from eyespot.topics.home_assistant import Described
from eyespot.topics.home_assistant_entities import Abilities, Announced, Kind
from fakes.brokers import ROOT
from fakes.daemon import write_config

DOOR = Announced("door", "line", ("person",))
GATE = Announced("gate", "line", ("person",))
SHOP = Described(ROOT, "Shop", "0.1.0", "a machine", Abilities(asks=True, goes_back=True))
BIRTH = Heard("homeassistant/status", b"online", retain=False, qos=1)
TOPIC = f"homeassistant/device/{ROOT.rpartition('/')[2]}/config"


class Life:
    """One life of an announcer; the next one finds what this one kept.

    Attributes:
        answers: how many messages the broker has taken over.
        rules: that are there.
    """

    def __init__(
        self, folder: Path, *rules: Announced, prefix: str = "homeassistant", root: str = ROOT
    ) -> None:
        self.clock = ManualClock(0)
        self.answers = 0
        self.rules = rules
        self.posted: list[Message] = []
        self.memo = Memo(folder / "told.json", MOST_KEPT_BYTES)
        self.announcer = Announcer(
            prefix,
            replace(SHOP, root=root),
            lambda: self.rules,
            gate=Gate(root),
            memo=self.memo,
            post=lambda handover: self.posted.extend(handover.messages),
            answers=lambda: self.answers,
            clock=self.clock,
            between=lambda least, most: (least + most) / 2,
        )

    def turn(self, seconds: float = 1) -> list[Message]:
        """Let time go on; return what is posted then."""
        self.posted.clear()
        self.clock.sleep(seconds)
        self.announcer.tick()
        return list(self.posted)

    def components(self) -> dict[str, Any]:
        components: dict[str, Any] = json.loads(self.posted[-1].payload)["components"]
        return components


def gone(components: dict[str, Any]) -> list[str]:
    """The components that are to be removed."""
    return [key for key, component in components.items() if list(component) == ["platform"]]


def test_it_is_told_once_and_when_the_rules_change(tmp_path: Path) -> None:
    life = Life(tmp_path, DOOR)
    assert [message.topic for message in life.turn()] == [TOPIC]
    assert life.turn() == []
    life.rules = (DOOR, GATE)
    life.turn()
    assert "rule_gate_event" in life.components()


def test_a_rule_that_is_gone_is_taken_back_also_by_the_next_process(tmp_path: Path) -> None:
    life = Life(tmp_path, DOOR)
    life.turn()
    after = Life(tmp_path, GATE)
    after.turn()
    assert {"rule_door_event", "rule_door_reset"} <= set(gone(after.components()))
    later = Life(tmp_path, GATE)
    later.turn()
    assert "rule_door_event" in gone(later.components())
    later.rules = (DOOR,)
    later.turn()
    assert "rule_door_event" not in gone(later.components())


def test_what_is_taken_back_is_known_before_it_is_told(tmp_path: Path) -> None:
    def power_goes(_: object) -> None:
        raise StorageError("the power is gone")

    life = Life(tmp_path, DOOR)
    life.announcer._post = power_goes  # type: ignore[method-assign, assignment]
    with pytest.raises(StorageError):
        life.turn()
    after = Life(tmp_path)
    after.turn()
    assert "rule_door_event" in gone(after.components())


def test_what_is_remembered_of_rules_that_are_gone_is_bounded(tmp_path: Path) -> None:
    life = Life(tmp_path)
    for number in range(100):
        life.rules = (Announced(f"door-{number}", "line", ("person", "dog")),)
        life.turn()
    assert len(gone(life.components())) < 300
    assert "rule_door-98_event" in gone(life.components())


CJK = tuple(f"{number:03d}{'人' * 61}" for number in range(150))
LARGEST = [Announced(f"{number:03d}{'r' * 60}", "line", CJK if not number else ()) for number in range(100)]


def test_a_message_that_would_be_too_large_leaves_classes_out_and_that_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    life = Life(tmp_path, *LARGEST, root=f"{'e' * 128}/{'d' * 63}")
    life.turn()
    totals = [key for key, said in life.components().items() if said.get("state_class") and "rule" in key]
    assert len(totals) == 2 * 75
    assert all(f"rule_{rule.rule}_event" in life.components() for rule in LARGEST)
    assert [message.partition(": ")[0] for message in caplog.messages] == [
        "Home Assistant is told of the first 75 classes alone"
    ]
    life.rules = (*LARGEST[:-1], DOOR)
    life.turn()
    assert len(caplog.messages) == 1
    life.rules = (DOOR,)
    life.turn()
    life.rules = tuple(LARGEST)
    life.turn()
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("kind", get_args(Kind))
def test_without_classes_the_largest_message_fits(tmp_path: Path, kind: Kind) -> None:
    gone_by = {f"{number:_<160}": "binary_sensor" for number in range(1024)}
    told = {"prefix": "h" * 128, "components": gone_by}
    (tmp_path / "told.json").write_text(json.dumps(told))
    rules = [Announced(rule.rule, kind) for rule in LARGEST]
    life = Life(tmp_path, *rules, root=f"{'e' * 128}/{'d' * 63}", prefix="h" * 128)
    (message,) = life.turn()
    assert 200_000 < len(message.payload) < MOST_DISCOVERY
    assert len(gone(life.components())) == 1024


def test_when_home_assistant_begins_it_is_told_again_after_a_while(tmp_path: Path) -> None:
    life = Life(tmp_path, DOOR)
    (told,) = life.turn()
    for _ in range(3):
        life.announcer.hear(BIRTH)
    assert life.turn(SOONEST_S) == []
    assert life.turn(LATEST_S) == [told]
    assert life.turn(LATEST_S) == []


def test_its_end_is_no_reason_to_tell_it_anything(tmp_path: Path) -> None:
    life = Life(tmp_path, DOOR)
    life.turn()
    life.announcer.hear(Heard(BIRTH.topic, b"offline", retain=False, qos=1))
    assert life.turn(LATEST_S) == []


def test_where_it_was_never_told_anything_nothing_is_said(tmp_path: Path) -> None:
    life = Life(tmp_path, DOOR, prefix="")
    assert life.turn() == []
    assert life.announcer.birth_topic is None
    assert not list(tmp_path.iterdir())


def cleared(life: Life) -> list[str]:
    return [message.topic for message in life.posted if not message.payload and message.retain]


def test_switched_off_it_is_cleared_until_the_broker_has_that(tmp_path: Path) -> None:
    Life(tmp_path, DOOR).turn()
    away = Life(tmp_path, DOOR, prefix="")
    assert cleared(away) == [TOPIC]
    away.turn(3600)
    there = Life(tmp_path, DOOR, prefix="")
    assert cleared(there) == [TOPIC]
    there.answers = 1
    there.turn()
    there.turn(60)
    assert cleared(Life(tmp_path, DOOR, prefix="")) == []


def test_below_another_prefix_the_one_of_before_is_cleared(tmp_path: Path) -> None:
    Life(tmp_path, DOOR).turn()
    moved = Life(tmp_path, DOOR, prefix="home")
    assert cleared(moved) == [TOPIC]
    (told,) = moved.turn()
    assert (told.topic, gone(moved.components())) == (TOPIC.replace("homeassistant", "home"), [])
    back = Life(tmp_path, DOOR)
    assert cleared(back) == [TOPIC.replace("homeassistant", "home")]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"[",
        b'{"prefix": 1}',
        b"\xff",
        b'{"newer": 1}',
        b'{"left": ["#"]}',
        b'{"left": ["%s"]}' % (b"x" * 70_000),
        b'{"prefix": "eyespot/v1", "components": {}}',
        b'{"prefix": "homeassistant", "components": {"newer": "switch"}}',
        b'{"prefix": "homeassistant", "components": {"a b": "sensor"}}',
        b'{"prefix": "homeassistant", "components": {%s}}'
        % b",".join(b'"%d": "sensor"' % number for number in range(3_000)),
    ],
)
def test_a_damaged_memory_is_none_and_that_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    (tmp_path / "told.json").write_bytes(damaged)
    life = Life(tmp_path, DOOR)
    assert life.posted == []
    assert len(caplog.messages) == 1
    assert [message.topic for message in life.turn()] == [TOPIC]
    assert gone(life.components()) == []


def test_of_what_another_release_told_all_that_fits_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "told.json").write_text(
        '{"prefix": "homeassistant", "components": {"newer": "switch", "old": "sensor"},'
        ' "left": ["#", "home"]}'
    )
    life = Life(tmp_path, DOOR)
    assert cleared(life) == [TOPIC.replace("homeassistant", "home")]
    life.turn()
    assert gone(life.components()) == ["old"]


class Heeding:
    """An ear that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def hear(self, heard: Heard) -> None:
        self.told.append(heard.topic)

    def listening(self) -> None:
        self.told.append("listening")

    def deaf(self, topic_filter: str, _reason: str | None) -> None:
        self.told.append(("deaf", topic_filter))


@pytest.fixture(name="heeding")
def an_ear() -> Heeding:
    return Heeding()


def test_what_home_assistant_does_not_say_goes_to_the_device(tmp_path: Path, heeding: Heeding) -> None:
    life = Life(tmp_path, DOOR)
    life.turn()
    ear = BesideHomeAssistant(heeding, life.announcer)
    ear.hear(Heard(f"{ROOT}/cmd/restart", b"{}", retain=False, qos=1))
    ear.hear(BIRTH)
    ear.listening()
    ear.deaf(f"{ROOT}/cmd/#", "not authorized")
    assert heeding.told == [f"{ROOT}/cmd/restart", "listening", ("deaf", f"{ROOT}/cmd/#")]
    assert len(life.turn(LATEST_S)) == 1


@pytest.mark.parametrize("reason", ["not authorized", None])
def test_that_home_assistant_cannot_be_heard_is_no_trouble_of_the_device(
    tmp_path: Path, heeding: Heeding, reason: str | None
) -> None:
    BesideHomeAssistant(heeding, Life(tmp_path).announcer).deaf("homeassistant/status", reason)
    assert heeding.told == ["listening"]


@pytest.mark.parametrize("prefix", ["eyespot/v1", "eyespot/v1/home"])
def test_home_assistant_cannot_be_told_among_the_topics_of_devices(tmp_path: Path, prefix: str) -> None:
    file = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://localhost")
    file.write_text(f'[home_assistant]\nprefix = "{prefix}"\n{file.read_text()}')
    with pytest.raises(
        ConfigError,
        match=rf"^{file}:1: home_assistant: prefix lies below \[mqtt\] prefix; they have to differ$",
    ):
        load(file)
