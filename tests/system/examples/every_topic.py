"""Lets real daemons say everything they can, and prints one message of each kind as mosquitto_sub has it.

The examples in config/README.md were heard so, and are renewed so. Four minutes; the classifier is one of
EYESPOT_SHARED_MODELS.

    PYTHONPATH=daemon:tests python tests/system/examples/every_topic.py [config/README.md]
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Heard
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.topics.asyncapi import Said, declared_for, examples_in, message_id
from eyespot.topics.gate import DECLARED
from eyespot.update.slots import Slots
from fakes import contract
from fakes.brokers import say
from fakes.bundles import write_bundle
from fakes.daemon import LABELS, LINE, Daemon, write_config
from fakes.slots import factory_network, offer
from fakes.waiting import until
from fakes.walkers import Walker, film

ROOT = "eyespot/v1/entrance-1"
LONG_S = 120.0
NOBODY = "mqtt://127.0.0.1:9"
RATE_HZ = 10.0
DOOR = {**LINE, "a": [0.1, 0.6], "b": [0.9, 0.6], "classes": ["person"]}
SCALE = {"kind": "share", "id": "scale", "over_s": 1.0, "change": 0.1}
SHOP = (
    {"kind": "line", "id": "door", "a": [0.85, 1.0], "b": [0.85, 0.0], "classes": ["person"]},
    {
        "kind": "zone",
        "id": "hall",
        "points": [[0.4, 0.25], [0.8, 0.25], [0.8, 0.65], [0.4, 0.65]],
        "classes": ["person"],
        "loiter_s": 60,
        "armed": ["00:00-23:59"],
        "bucket_s": 900,
    },
    {
        "kind": "queue",
        "id": "till",
        "points": [[0.05, 0.6], [0.3, 0.6], [0.3, 0.95], [0.05, 0.95]],
        "classes": ["person"],
        "service": [2],
    },
    {"kind": "occupancy", "id": "inside", "from": ["door"], "classes": ["person"], "max_dwell_s": 3600},
    {
        "kind": "shelf",
        "id": "drinks",
        "classes": ["bottle"],
        "points": [[0.1, 0.0], [0.9, 0.0], [0.9, 0.25], [0.1, 0.25]],
        "low": 5,
        "hidden_by": ["person"],
        "settle_s": 5,
    },
    {"kind": "heatmap", "id": "floor", "grid": [8, 6], "classes": ["person"]},
)
IN_THE_SHOP = (
    *("entered", "left", "loitering", "intrusion", "zone_state", "joined", "left_queue", "queue_state"),
    *("occupancy_state", "shelf_state", "threshold", "heatmap", "bucket"),
)
CLASSIFIER = "coral_mobilenet_v1_0.25_128_quant.tflite"


class Ear:
    """What mosquitto_sub prints, while its context lasts.

    Attributes:
        said: the newest message of each kind, by the key of its payload; state folder and broker as an
            installed device has them.
    """

    def __init__(self, folder: Path, mosquitto: LocalMosquitto) -> None:
        self._lines = folder / "heard"
        self._here = {
            str(folder / "state"): "/var/lib/eyespot",
            f"127.0.0.1:{mosquitto.port}": "127.0.0.1:1883",
        }
        where = ["-h", "127.0.0.1", "-p", str(mosquitto.port), "-q", "1"]
        self._command = ["mosquitto_sub", "-v", *where, "-t", f"{ROOT}/#"]

    def __enter__(self) -> Self:
        with self._lines.open("wb") as lines:
            self._process = subprocess.Popen(self._command, stdout=lines)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def said(self) -> dict[str, Said]:
        newest, text = {}, self._lines.read_text()
        for here, installed in self._here.items():
            text = text.replace(here, installed)
        for said in examples_in(text):
            declared = declared_for(said.suffix, said.payload)
            if declared is not None:
                newest[message_id(declared)] = said
        return newest

    def until(self, *kinds: str, true: Callable[[dict[str, Any]], object] = bool) -> None:
        """Wait for messages of these kinds, the payload of each as wanted."""

        def heard() -> bool:
            said = self.said
            return all(kind in said and true(json.loads(said[kind].payload)) for kind in kinds)

        until(heard, " and ".join(kinds), LONG_S)


def configured(
    folder: Path, mosquitto: LocalMosquitto, camera: dict[str, Any], *rules: dict[str, Any]
) -> Path:
    file = write_config(folder, camera={"mount": "oblique", **camera}, url=mosquitto.url, rules=rules)
    told = 'id = "entrance-1"\nname = "Entrance"\ntimezone = "Europe/Berlin"'
    file.write_text(file.read_text().replace('id = "shop"', told))
    return file


def add(config: Path, *lines: str) -> None:
    config.write_text("\n".join([config.read_text(), *lines, ""]))


@contextmanager
def place(name: str) -> Iterator[tuple[Path, LocalMosquitto, Ear]]:
    """A folder, a broker and an ear there."""
    print(f"# {name}", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="eyespot-said-") as folder,
        LocalMosquitto() as mosquitto,
        Ear(Path(folder), mosquitto) as ear,
    ):
        yield Path(folder), mosquitto, ear


def a_day_at_the_door() -> dict[str, Said]:
    """People are counted, a configuration is desired, another model comes."""
    with place("a day at the door") as (folder, mosquitto, ear):
        config = configured(folder, mosquitto, {"source": "scene", "seed": 903}, DOOR)
        add(config, "[topics]", "frame = true", "onvif = true", "[update]", "probation_s = 10")
        with Daemon(config):
            ear.until("crossed", "frame", "config_reported")
            early = ear.said
            desired = {"req_id": "17", "config": {"model": {"min_score": 0.4}}}
            tell(mosquitto, "config/desired", desired, retain=True)
            ear.until("config_reported", true=lambda report: report["req_id"] == "17")
            tell(mosquitto, "cmd/model/update", {"req_id": "18"})
            ear.until("reply")
            stand_at_the_door(mosquitto, ear)
            offer(Slots(folder / "state" / "models"), "1.1.0", factory_network())
            ear.until("split", "model_event")
            ear.until("model_event", true=lambda event: event["kind"] == "committed")
            ear.until("health", true=lambda health: health["uptime_s"] > 10)
            ear.until("rule_state", true=lambda state: len(state["counts"]["person"]) == 2)
            early["rule_state"] = ear.said["rule_state"]
            tell(mosquitto, "cmd/aim", {})
            tell(mosquitto, "cmd/diagnose", {"req_id": "22"})
            tell(mosquitto, "cmd/counters/reset", {})
            ear.until("reset", "diagnosis")
            ear.until("trajectories_state", true=lambda state: state["keeps"] == "aim")
            tell(mosquitto, "cmd/trajectories", {"req_id": "25"})
            ear.until("trajectories")
            return early | ear.said | {kind: early[kind] for kind in ("crossed", "status", "rule_state")}


def stand_at_the_door(mosquitto: LocalMosquitto, ear: Ear) -> None:
    """Say of each who crosses that he does, and of one who does not."""
    tell(mosquitto, "cmd/tally", {"args": {"rule": "door", "press": "begin"}})
    for _ in range(3):
        before = ear.said["crossed"].payload
        until(lambda before=before: ear.said["crossed"].payload != before, "another crossing", LONG_S)
        direction = json.loads(ear.said["crossed"].payload)["direction"]
        tell(mosquitto, "cmd/tally", {"args": {"rule": "door", "press": direction}})
    tell(mosquitto, "cmd/tally", {"args": {"rule": "door", "press": "in"}})
    tell(mosquitto, "cmd/tally", {"args": {"rule": "door", "press": "end"}})
    ear.until("tallied")


def tell(mosquitto: LocalMosquitto, suffix: str, payload: dict[str, Any], *, retain: bool = False) -> None:
    say(mosquitto.url, Heard(f"{ROOT}/{suffix}", json.dumps(payload).encode(), retain=retain, qos=1))


def something_on_a_scale() -> dict[str, Said]:
    """A classifier looks at what happens to walk by."""
    shared = Path(os.environ["EYESPOT_SHARED_MODELS"])
    names = [line.split(",")[0] for line in (shared / "imagenet_labels.txt").read_text().splitlines()]
    with place("something on a scale") as (folder, mosquitto, ear):
        bundle = folder / "bundle"
        bundle.mkdir()
        write_bundle(
            bundle,
            (shared / CLASSIFIER).read_bytes(),
            "\n".join(names).encode(),
            name="mobilenet-v1",
            input={"width": 128, "height": 128, "dtype": "uint8", "order": "rgb", "resize": "stretch"},
            outputs=[{"role": "scores", "shape": [1, 1001], "dtype": "uint8"}],
            decoder={"kind": "classifier", "softmax": False},
            min_score=0.1,
        )
        config = configured(folder, mosquitto, {"source": "scene"}, SCALE)
        add(config, "[model]", f'bundle = "{bundle}"')
        with Daemon(config):
            ear.until("changed")
            ear.until("share_state", true=lambda state: state["top"] is not None)
            return {kind: ear.said[kind] for kind in ("changed", "share_state")}


def more_than_may_wait() -> dict[str, Said]:
    """Without a broker, more is counted than may wait for it."""
    with place("more than may wait") as (folder, mosquitto, ear):
        crowd = folder / "crowd.eyespot.jsonl"
        record_crowd(crowd, 700)
        config = configured(
            folder, mosquitto, {"source": "replay", "file": str(crowd), "pace": "fast", "loop": True}, LINE
        )
        text = config.read_text().replace("[state]", "[state]\noutbox_mb = 1")
        config.write_text(text.replace(mosquitto.url, NOBODY))
        with Daemon(config) as daemon:
            until(lambda: "store_overflowed" in daemon.stderr, "too much that waits", LONG_S)
        config.write_text(text)
        with Daemon(config):
            ear.until("dropped")
            return {"dropped": ear.said["dropped"]}


def an_hour_in_the_shop() -> dict[str, Said]:
    """People stay, queue and go past a shelf, in a recording that runs faster than time."""
    with place("an hour in the shop") as (folder, mosquitto, ear):
        shop = folder / "shop.eyespot.jsonl"
        record_shop(shop, 4800)
        camera = {"source": "replay", "file": str(shop), "pace": "fast", "loop": True}
        config = configured(folder, mosquitto, camera, *SHOP)
        with Daemon(config):
            ear.until(*IN_THE_SHOP)
            ear.until("heatmap", true=lambda heatmap: heatmap["cells"])
            return {kind: ear.said[kind] for kind in IN_THE_SHOP}


def record_shop(file: Path, seconds: int) -> None:
    """Write a recording of a shop: every five minutes somebody stays, and somebody queues; bottles go."""
    people = [
        walker
        for begin in range(0, seconds, 300)
        for walker in (
            Walker((0.25, 0.4), (0.6, 0.4), begin, begin + 10),
            Walker((0.6, 0.4), (0.6, 0.4), begin + 10, begin + 90),
            Walker((0.6, 0.4), (0.96, 0.4), begin + 90, begin + 100),
            Walker((0.15, 0.35), (0.15, 0.7), begin + 110, begin + 118),
            Walker((0.15, 0.7), (0.15, 0.7), begin + 118, begin + 150),
            Walker((0.15, 0.7), (0.6, 0.7), begin + 150, begin + 160),
        )
    ]
    bottles = [
        Walker((x / 10, 0.12), (x / 10, 0.12), 0, 400 if x > 5 else seconds, (0.04, 0.14), kind=1)
        for x in range(2, 8)
    ]
    started = "2026-01-01T00:00:00Z"
    labels = ("person", "bottle")
    header = Header(schema=SCHEMA, started=started, labels=labels, width=768, height=576, rate_hz=4)
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film([*people, *bottles], 4, seconds):
            writer.write(Observation(taken_ns, "recording", found))


def record_crowd(file: Path, rows: int) -> None:
    """Write a recording of rows of eight people who go from left to right, each row in two seconds."""
    row = [Walker((0.1, y / 9), (0.9, y / 9), 0.0, 1.8) for y in range(1, 9)]
    one = list(film(row, RATE_HZ, 1.9))
    started = "2026-01-01T00:00:00Z"
    header = Header(schema=SCHEMA, started=started, labels=LABELS, width=768, height=576, rate_hz=RATE_HZ)
    with RecordingWriter(file, header) as writer:
        for number in range(rows):
            for taken_ns, found in one:
                writer.write(Observation(taken_ns + number * 2 * SECOND_NS, "recording", found))


def renewed(text: str, said: dict[str, Said]) -> str:
    """Return a text whose topics are shown by what was heard now, each by one of its kind.

    What a device finds out about itself is left: here it is no service, and can prove but half of that.
    """
    before, heading, text = text.partition("\n## Topics\n")
    for old in examples_in(text):
        declared = declared_for(old.suffix, old.payload)
        new = said.get(message_id(declared)) if declared else None
        if new is not None and new.suffix != "privacy":
            text = text.replace(line(old), line(new))
    return before + heading + text


def line(said: Said) -> str:
    return f"{ROOT}/{said.suffix} {said.payload.decode()}"


def main(arguments: list[str]) -> None:
    """Print what was heard, or renew the examples in a file; end with 1 where something was not heard."""
    said = a_day_at_the_door() | an_hour_in_the_shop() | more_than_may_wait() | something_on_a_scale()
    told = [contract.why_unfit(f"{ROOT}/{one.suffix}", one.payload) for one in said.values()]
    wrong = [why for why in told if why]
    missing = [message_id(declared) for declared in DECLARED if message_id(declared) not in said]
    for name in arguments:
        Path(name).write_text(renewed(Path(name).read_text(), said))
    if not arguments:
        print("\n".join(line(said[kind]) for kind in map(message_id, DECLARED) if kind in said))
    if missing or wrong:
        sys.exit(f"never said: {missing}; unfit: {wrong}")


if __name__ == "__main__":
    main(sys.argv[1:])
