"""A life of the model slots, step by step, to be cut off anywhere: what may be found then is known."""

import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from eyespot.trust.bundle import read_bundle
from eyespot.trust.notes import Request, parse_request
from eyespot.trust.slots import (
    Floor,
    Record,
    Staged,
    activate,
    commit,
    count_start,
    go_back,
    raise_floor,
    roll_back,
    stage,
)
from eyespot.update.commit import storing
from eyespot.update.shelf import remove
from eyespot.update.slots import Slots
from eyespot.update.trust_cache import renewed
from fakes.bundles import write_bundle

Transition = Callable[[Record], Record]
Work = Callable[[], object]
Point = TypeVar("Point")

_NAMES = "abcd"
_TRUST_FILES = ("root.json", "timestamp.json")
_NETWORK_BYTES = 20_000


class Step(NamedTuple):
    """One step of the life.

    Attributes:
        name: for people.
        do: does it with the slots, once more where it was done already or cut off.
        after: what becomes of the record.
        leaves: the bundles that are installed for sure once it is done.
        trusted: which version of the repository is trusted once it is done.
    """

    name: str
    do: Callable[[Slots], object]
    after: Transition
    leaves: frozenset[str]
    trusted: int


class Cuts(NamedTuple):
    """How often a step was cut off.

    Attributes:
        points: where it was to be.
        cut: where it was before it was through.
    """

    step: str
    points: int
    cut: int


class Life:
    """The steps, and what the record is after each of them.

    Args:
        bundles: a folder for the bundles that are installed; they are made there.
    """

    def __init__(self, bundles: Path) -> None:
        self._sources = {name: _write(bundles / name, name) for name in _NAMES}
        self._ids = {name: read_bundle(path).identity.bundle for name, path in self._sources.items()}
        self.steps = tuple(self._steps())
        self.records = [Record()]
        for step in self.steps:
            self.records.append(step.after(self.records[-1]))

    def live(self, folder: Path, begun: int = 0, done: Callable[[int], object] = lambda _: None) -> None:
        """Do the steps from one on; `done` hears of each how many are done by then."""
        slots = Slots.open(folder)
        for number, step in enumerate(self.steps[begun:], begun + 1):
            step.do(slots)
            done(number)

    def cut_everywhere(
        self, folder: Path, points: Callable[[Work], Iterable[Point]], cut: Callable[[Point, Work], bool]
    ) -> Iterator[Cuts]:
        """Cut each step off at each of its points, start anew and do it; yield how often that was.

        Args:
            folder: for what lies on the disk.
            points: does a piece of work in another process, and returns where it can be cut off.
            cut: the same, but cuts it off at a point; returns whether it got there.

        Raises:
            AssertionError: a start found what it may not find.
        """
        before, left = folder / "before", folder / "left"
        if before.exists():
            remove(before)
        Slots.open(before)
        for done, step in enumerate(self.steps):
            work = partial(step.do, Slots(left))
            _copy(before, left)
            tried = list(points(work))
            times = 0
            for point in tried:
                _copy(before, left)
                was_cut = cut(point, work)
                times += was_cut
                if self.judge(left, done if was_cut else done + 1) == done:
                    work()
                assert self.judge(left, done + 1) == done + 1
            yield Cuts(step.name, len(tried), times)
            step.do(Slots(before))

    def judge(self, folder: Path, done: int) -> int:
        """Start on what a cut has left, and return how many steps are done.

        Raises:
            AssertionError: it is none of what it may be.
        """
        slots = Slots.open(folder)
        record = slots.record
        allowed = self.records[done : done + 2]
        assert record in allowed, f"after {self._names(done)} the record is {record}"
        is_next = record != allowed[0]
        self._judge_bundles(slots, record, done, is_next)
        for name in ("staging", "trash"):
            assert not list((folder / name).iterdir()), f"{name} was not wiped"
        link = folder / "current"
        target = link.readlink().name if link.is_symlink() else None
        assert target == record.current, f"the link names {target}"
        for path in (folder / "requests").glob("*/*"):
            parse_request(path.read_bytes())
        self._judge_trust(folder, done)
        return done + is_next

    def finish(self, folder: Path, done: int) -> None:
        """Do what is left to do after a cut.

        Raises:
            AssertionError: it ends otherwise than without one.
        """
        self.live(folder, done)
        assert self.judge(folder, len(self.steps)) == len(self.steps)

    def _judge_bundles(self, slots: Slots, record: Record, done: int, is_next: bool) -> None:
        there = {path.name for path in (slots.folder / "bundles").iterdir()}
        for bundle in there:
            whole = read_bundle(slots.bundle_folder(bundle))
            assert whole.identity.bundle == bundle
        promised = self.steps[done - 1].leaves if done else frozenset()
        if not is_next and done < len(self.steps):
            promised &= self.steps[done].leaves  # it may be on its way out
        missing = (promised | record.in_use) - there
        assert not missing, f"after {self._names(done)} {sorted(missing)} are missing"

    def _judge_trust(self, folder: Path, done: int) -> None:
        """Look whether what is trusted is whole: tuf takes an empty cache for that of a new device."""
        versions = [0, *(step.trusted for step in self.steps)]
        found = [_version(folder / "tuf" / name) for name in _TRUST_FILES]
        allowed = [[version] * len(found) for version in versions[done : done + 2]]
        assert found in allowed, f"after {self._names(done)} the trust cache is of {found}"

    def _names(self, done: int) -> str:
        return f"{done} steps ({self.steps[done - 1].name if done else 'none'})"

    def _steps(self) -> Iterator[Step]:
        there: set[str] = set()
        trusted = 0

        def install(name: str) -> Step:
            there.add(self._ids[name])
            return Step(f"install {name}", partial(self._install, name), _same, frozenset(there), trusted)

        def change(label: str, transition: Transition) -> Step:
            return Step(label, lambda slots: slots.change(transition), transition, frozenset(there), trusted)

        def staging(name: str) -> Step:
            return change(f"stage {name}", partial(stage, staged=Staged(bundle=self._ids[name])))

        def act(label: str, do: Callable[[Slots], object]) -> Step:
            return Step(label, do, _same, frozenset(there), trusted)

        yield from (install("a"), staging("a"), change("activate a", activate))
        yield change("commit a", partial(commit, at_s=1))
        yield from (install("b"), staging("b"), change("activate b", activate))
        yield change("roll back b", partial(roll_back, reason="it detects nothing", at_s=2))
        yield act("leave rubbish", _leave_rubbish)
        yield act("start", lambda slots: Slots.open(slots.folder))
        for trusted in (1, 2):
            yield act(f"trust version {trusted}", partial(_trust, trusted))
        yield act("ask", lambda slots: slots.post_request("body", Request(kind="rollback")))
        yield act("hear", lambda slots: slots.take_requests("body"))
        yield from (install("c"), staging("c"), change("activate c", activate))
        yield change("start anew on probation", _count_start)
        yield change("commit c", partial(commit, at_s=3))
        there -= {self._ids["b"]}
        yield act("collect", lambda slots: slots.collect())
        yield change("raise the floor", partial(raise_floor, floor=Floor(timestamp=7)))
        yield change("go back to a", partial(go_back, reason="asked for", at_s=4))
        yield from (install("d"), staging("d"), change("activate d", activate))
        yield change("commit d", partial(commit, at_s=5))

    def _install(self, name: str, slots: Slots) -> None:
        with slots.staging() as folder:
            with storing(folder):
                for path in self._sources[name].iterdir():
                    (folder / path.name).write_bytes(path.read_bytes())
            assert slots.install(folder) == self._ids[name]


def _write(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    network = b"\x1c\x00\x00\x00TFL3" + random.Random(name).randbytes(_NETWORK_BYTES)
    return write_bundle(folder, network, b"person\n", name=name)


def _copy(folder: Path, to: Path) -> None:
    if to.exists():
        remove(to)
    shutil.copytree(folder, to, symlinks=True)


def _trust(version: int, slots: Slots) -> None:
    """Renew the cache the way tuf does, which syncs nothing."""
    with slots.working(), renewed(slots.folder) as cache:
        for name in _TRUST_FILES:
            (cache / f"{name}.new").write_bytes(b"%d" % version * 1000)
            (cache / f"{name}.new").replace(cache / name)


def _version(path: Path) -> int:
    """Return which version a file of the cache is of, 0 where there is none, -1 where it is not whole."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    return int(data[:1]) if len(data) == 1000 else -1


def _same(record: Record) -> Record:
    return record


def _count_start(record: Record) -> Record:
    counted = count_start(record)
    assert counted is not None
    return counted


def _leave_rubbish(slots: Slots) -> None:
    with storing(slots.folder):
        for place in (slots.folder / "staging" / "left", slots.folder / "trash" / "left"):
            place.mkdir(exist_ok=True)
            (place / "file").write_bytes(b"half")
        (slots.folder / "current").unlink(missing_ok=True)
