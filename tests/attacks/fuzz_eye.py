"""Harms an eye's messages by the hundred thousand, and says them to a real body through a real socket.

    PYTHONPATH=tests python tests/attacks/fuzz_eye.py [TIMES]

Nothing but a cut-off or an observation may come of it, in little time and memory.
"""

import logging
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from eyespot.domain.observation import Observation
from eyespot.host.clock import ManualClock
from eyespot.ports import ModelIdentity
from eyespot.sources import wire
from eyespot.sources.datagrams import Datagrams, Gone
from fakes.eyes import Body
from fakes.harm import harmed
from fakes.messages import EVERY_MESSAGE, NOW_NS

_SEED = 1
_LONGEST_REASON = 340
_MODEL = ModelIdentity("m", "m", "1", None, ("person", "dog", "cat"), 0.35)
_HELLO = wire.encode(wire.Hello())


class Fuzz:
    """A body, and an eye that says what it must not.

    Attributes:
        counts: what came of it.
        slowest_s: how long one message took at most.
    """

    def __init__(self, folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.slowest_s = 0.0
        self._clock = ManualClock(NOW_NS)
        self._body = Body(folder, model=_MODEL, clock=self._clock)
        self._end: Datagrams | None = None

    def say_harmed(self, message: wire.FromEye, chance: random.Random) -> None:
        """Say one message that came to harm, as an eye that has its order."""
        end = self._end or self._connect()
        self._clock.sleep(0.25)  # so that not the number of messages is what it is cut off for
        if isinstance(message, wire.Seen):
            message = msgspec.structs.replace(message, taken_ns=self._clock.now_ns())
        (data,) = harmed(wire.encode(message), chance, 1)
        end.send(data[: wire.MOST_BYTES * 2] or b"\0")
        begun = time.perf_counter()
        observation = self._body.source.take(0)
        self.slowest_s = max(self.slowest_s, time.perf_counter() - begun)
        self._judge(end, observation)

    def close(self) -> None:
        """Hang up."""
        if self._end is not None:
            self._end.close()
        self._body.close()

    def _connect(self) -> Datagrams:
        self._clock.sleep(61)
        self._end = Datagrams.dial(self._body.path, wire.MOST_BYTES)
        self._end.send(_HELLO)
        for _ in range(4):
            self._body.source.take(0)
        self._end.receive(0)  # the order
        return self._end

    def _judge(self, end: Datagrams, observation: Observation | None) -> None:
        try:
            end.receive(0)
        except Gone:
            end.close()
            self._end = None
            reason = self._body.troubles["eye_refused"]
            if not reason.isprintable() or len(reason) > _LONGEST_REASON:
                raise AssertionError(reason) from None
            self.counts["cut off"] += 1
            return
        self.counts["nothing" if observation is None else "an observation"] += 1
        if observation is not None:
            _check(observation)


def _check(observation: Observation) -> None:
    found = observation.found
    for name in type(found).__dataclass_fields__:
        column = getattr(found, name)
        if not np.isfinite(column).all() or (column < 0).any() or len(column) > len(EVERY_MESSAGE) * 100:
            raise AssertionError(found)


def main(times: int) -> None:
    """Harm each message that often."""
    logging.disable()
    begun, each = time.perf_counter(), times // len(EVERY_MESSAGE) + 1
    chance = random.Random(_SEED)
    with TemporaryDirectory() as folder:
        fuzz = Fuzz(Path(folder))
        for name, message in EVERY_MESSAGE.items():
            before = fuzz.counts.copy()
            for _ in range(each):
                fuzz.say_harmed(message, chance)
            new = ", ".join(f"{what} {count}" for what, count in sorted((fuzz.counts - before).items()))
            sys.stdout.write(f"{name:10}{each:8} times: {new}\n")
        fuzz.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"{sum(fuzz.counts.values())} messages in {time.perf_counter() - begun:.0f} s: {dict(fuzz.counts)}; "
        f"slowest {fuzz.slowest_s * 1000:.2f} ms, peak memory {peak_mb} MB\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
