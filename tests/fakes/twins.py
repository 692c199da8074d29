"""A daemon's lives as far as the configuration twin knows them, without threads."""

import json
from pathlib import Path
from typing import Any

from eyespot.app.plan import Plan, plan
from eyespot.app.twin import Life, Twin
from eyespot.config import Loaded
from eyespot.domain.errors import ConfigError, EyespotError
from eyespot.domain.message import Heard
from eyespot.host.clock import ManualClock
from fakes.brokers import ROOT
from fakes.daemon import LINE, write_config
from fakes.troubles import Troubles
from fakes.tuned import Tuned

WINDOW = {**LINE, "id": "window"}


def desired(rule: dict[str, Any] = WINDOW, req_id: str = "1") -> bytes:
    return json.dumps({"req_id": req_id, "config": {"rules": [rule]}}).encode()


class Device:
    """A daemon's lives as far as the twin knows them.

    Attributes:
        answers: whether the broker does.
        sees: whether anything is inferred.
        lives: how many there were.
        unplannable: rules that cannot be lived by.
        fails: what any plan ends with.
    """

    def __init__(self, folder: Path) -> None:
        self.unplannable: set[str] = set()
        self.fails: EyespotError | None = None
        self.folder = folder
        self.config = folder / "eyespot.toml"
        if not self.config.exists():
            write_config(folder, camera={"source": "scene"}, url="mqtt://localhost")
        self.clock = ManualClock(0)
        self.health = Troubles()
        self.answers = self.sees = True
        self.lives = 0
        self.twin = Twin(self.config, self.clock)
        self.live()

    def live(self) -> None:
        self.life = Tuned(self.twin.prepared(self._plan), self.clock)
        self.lives += 1
        self.posted = self.life.posted
        self.twin.begin(
            Life(
                self.life.native,
                self.life.post,
                self.life.retuning,
                answers=lambda: self.clock.now_ns() if self.answers else 0,
                seen=lambda: self.clock.now_ns() if self.sees else 0,
            )
        )

    def _plan(self, loaded: Loaded) -> Plan:
        if self.fails is not None:
            raise self.fails
        for rule in loaded.config.rules:
            if rule.id in self.unplannable:
                raise ConfigError(f"no room for {rule.id}")
        return plan(loaded, self.clock)

    def hears(self, payload: bytes, *, repeated: bool = False) -> None:
        """Hear what is desired, anew or repeated by the broker, and take it up."""
        self.twin.hear(Heard(f"{ROOT}/config/desired", payload, retain=repeated, qos=1))
        self.turn()

    def turn(self, seconds: float = 0) -> None:
        self.clock.sleep(seconds)
        self.twin.tick(self.health)
        self.twin.tick(self.health)

    @property
    def rules(self) -> list[str]:
        return [rule["id"] for rule in self.report["config"]["rules"]]

    @property
    def told(self) -> tuple[str | None, str]:
        return self.report["req_id"], self.report["code"]

    @property
    def report(self) -> dict[str, Any]:
        [*_, newest] = (message for message in self.posted if message.topic.endswith("/config/reported"))
        return json.loads(newest.payload)  # type: ignore[no-any-return]
