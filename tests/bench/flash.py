"""What the body writes: measured at a block device of its own, as root, as a card would see it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from eyespot.broker.local import LocalMosquitto
from fakes.crowd import write_crowd
from fakes.daemon import Daemon, write_config
from fakes.waiting import until

NOBODY = "mqtt://127.0.0.1:9"
SECTOR = 512  # bytes; the kernel's unit in /sys/block/*/stat, whatever the device has
# until the log of the database is full for the first time; it grows before, and is written anew after
SETTLED_S = 330.0
MEASURED_S = 270.0
MIB = 2**20
CASES = {
    "nobody": "nobody crosses the line",
    "all": "a crossing a second",
    "alone": "a crossing a second, no broker",
}


class Card:
    """An ext4 file system on a loop device, mounted as Raspberry Pi OS mounts its own.

    Args:
        folder: an empty one, for the image and the mount.
    """

    def __init__(self, folder: Path) -> None:
        image, self.root = folder / "image", folder / "root"
        image.touch()
        os.truncate(image, 512 * MIB)
        self.root.mkdir()
        run("mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        self._loop = run("losetup", "--find", "--show", image)
        run("mount", "-o", "noatime", self._loop, self.root)

    def close(self) -> None:
        run("umount", self.root)
        run("losetup", "--detach", self._loop)

    def written(self) -> int:
        """Return how many bytes the device has got so far; what waits in memory goes there first."""
        run("sync", "--file-system", self.root)
        stat = Path("/sys/block", Path(self._loop).name, "stat").read_text().split()
        return int(stat[6]) * SECTOR


def run(*command: object) -> str:
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def card(folder: Path) -> Iterator[Card]:
    folder.mkdir()
    card = Card(folder)
    try:
        yield card
    finally:
        card.close()


def written_bytes_s(seconds: float) -> dict[str, float]:
    """Return how many bytes a second three bodies write, measured for so long after they have settled.

    All see a person a second at 10 observations a second. One counts nobody, one everybody, one likewise
    while it has no broker.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = stack.enter_context(LocalMosquitto()).url
        cards = {}
        for name, crosses, where in (("nobody", False, url), ("all", True, url), ("alone", True, NOBODY)):
            (folder / name).mkdir()
            cards[name] = stack.enter_context(card(folder / name / "card"))
            stack.enter_context(body(folder / name, where, crosses=crosses))
        time.sleep(SETTLED_S)
        before = {name: card.written() for name, card in cards.items()}
        time.sleep(seconds)
        return {name: (card.written() - before[name]) / seconds for name, card in cards.items()}


@contextmanager
def body(folder: Path, url: str, *, crosses: bool) -> Iterator[None]:
    """Run one whose state folder is on the card."""
    recording = write_crowd(folder / "crowd.eyespot.jsonl", crosses=crosses)
    camera = {"source": "replay", "file": str(recording), "loop": True}
    config = write_config(folder, camera=camera, url=url, state=folder / "card/root/state")
    with Daemon(config) as daemon:
        until(daemon.ready, "READY=1")
        yield


def main() -> int:
    """Measure, and say it per hour."""
    table = Table("at 10 observations a second", "MiB an hour", title="Written to the card")
    for name, bytes_s in written_bytes_s(MEASURED_S).items():
        table.add_row(CASES[name], f"{bytes_s * 3600 / MIB:.1f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
