"""What a subscriber of one device has heard so far: counts, boxes, health."""

from collections import Counter, deque
from dataclasses import dataclass, field

import msgspec

from eyespot.domain.message import Heard
from eyespot.topics import payloads

_LATEST = 12


@dataclass(slots=True)
class Received:
    """Made from messages alone, as any other subscriber could.

    Attributes:
        frame: the newest boxes.
        health: the newest health.
        lines: rule id -> the newest totals of a line.
        heard: topic below the device's root -> how many messages.
        latest: the last few topics with what their payloads say beyond the envelope, as text, newest
            first; without `frame`.
    """

    frame: payloads.Frame | None = None
    health: payloads.Health | None = None
    lines: dict[str, payloads.LineState] = field(default_factory=dict)
    heard: Counter[str] = field(default_factory=Counter)
    latest: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def hear(self, heard: Heard) -> str:
        """Take a message in; return its topic below the device's root."""
        suffix = heard.topic.split("/", 3)[-1]
        self.heard[suffix] += 1
        if suffix == "frame":
            self.frame = msgspec.json.decode(heard.payload, type=payloads.Frame)
            return suffix
        self.latest.appendleft((suffix, _gist(heard.payload)))
        if suffix == "health":
            self.health = msgspec.json.decode(heard.payload, type=payloads.Health)
        elif suffix.startswith("rule/") and suffix.endswith("/state") and heard.payload:
            state = msgspec.json.decode(heard.payload, type=payloads.LineState)
            self.lines[state.rule] = state
        return suffix

    def counts(self) -> list[tuple[str, str, int, int]]:
        """Return rows of rule, class, in, out."""
        return [
            (rule, label, directions["in"], directions["out"])
            for rule, state in sorted(self.lines.items())
            for label, directions in state.counts.items()
        ]

    def summary(self) -> str:
        """Return what happened, in a few lines."""
        lines = [f"{rule}: {into} {label} in, {out} out" for rule, label, into, out in self.counts()]
        if self.health is not None:
            latency = self.health.inference_ms
            speed = f"; inference {latency.p50:.0f} ms (p50)" if latency else ""
            seen = f"{self.health.observations} observations in {self.health.uptime_s} s"
            lines.insert(0, f"{seen}, {self.health.dropped} dropped{speed}")
        topics = ", ".join(f"{count} {topic}" for topic, count in sorted(self.heard.items()))
        return "\n".join([*lines, f"published, as a subscriber received it: {topics or 'nothing'}"])


def _gist(payload: bytes) -> str:
    """Return a payload as text, without the fields that every one has."""
    fields = msgspec.json.decode(payload, type=dict[str, object]) if payload else {}
    gist = {name: value for name, value in fields.items() if name not in payloads.Envelope.__struct_fields__}
    return msgspec.json.encode(gist).decode()
