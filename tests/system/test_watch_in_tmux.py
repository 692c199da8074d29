"""The picture of `eyespot-fleet watch` in README.md is what tmux shows of it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.entrance import FRAMES, KEPT, SIZE
from fakes.waiting import until

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TMUX = shutil.which("tmux")
MOST_REPEATS = 8  # more would push the beginning out of the trails
FRESH_S = 2.0  # boxes that are older than 3 s are not drawn
SETTINGS = f"set -g status off\nset -g default-size {SIZE[0]}x{SIZE[1]}\n"
PICTURE = README[README.index("> entrance-1 ") :].partition("\n```")[0].split("\n")
RATES = re.compile(r"\d+(\.\d+)? frames/s heard")

pytestmark = pytest.mark.skipif(TMUX is None, reason="needs tmux")
Tmux = Callable[..., str]


@pytest.fixture(name="tmux")
def a_tmux(tmp_path: Path) -> Iterator[Tmux]:
    """Yield how to command a tmux of our own."""
    settings = tmp_path / "tmux.conf"
    settings.write_text(SETTINGS)
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    for name in ("TMUX", "COLUMNS", "LINES"):
        environment.pop(name, None)

    def command(*arguments: str) -> str:
        whole = [str(TMUX), "-u", "-S", str(tmp_path / "socket"), "-f", str(settings), *arguments]
        return subprocess.run(
            whole, env=environment, capture_output=True, text=True, check=True, timeout=20
        ).stdout

    yield command
    with suppress(subprocess.CalledProcessError):  # it has ended with what ran in it
        command("kill-server")


def messages(said: tuple[tuple[str, dict[str, object]], ...], *, retain: bool) -> list[Heard]:
    return [
        Heard(f"eyespot/v1/{topic}", json.dumps(fields).encode(), retain=retain, qos=1)
        for topic, fields in said
    ]


def scene(rows: list[str]) -> list[str]:
    """Return the left part of each row: what stands beside it tells of rates, which differ."""
    return [row[:63].rstrip() for row in rows]


def test_tmux_shows_the_picture_of_the_readme(mosquitto: LocalMosquitto, tmux: Tmux, tmp_path: Path) -> None:
    say(mosquitto.url, *messages(KEPT, retain=True))
    ended = tmp_path / "exit code"
    watch = shlex.join([sys.executable, "-m", "eyespot_fleet", "watch", "--broker", mosquitto.url])
    tmux("new-session", "-d", f"{watch}; echo $? >{shlex.quote(str(ended))}")
    until(lambda: "person 214 in, 209 out" in tmux("capture-pane", "-p"), "the counts")

    def shown() -> list[str]:
        return tmux("capture-pane", "-p").rstrip().split("\n")

    for frames in (FRAMES, *[FRAMES[-1:]] * MOST_REPEATS):
        say(mosquitto.url, *messages(frames, retain=False))
        with suppress(AssertionError):
            until(lambda: scene(shown()) == scene(PICTURE), timeout_s=FRESH_S)
            break
    assert scene(shown()) == scene(PICTURE)
    assert RATES.search("\n".join(shown()))
    tmux("send-keys", "q")
    until(lambda: ended.exists() and ended.read_text() == "0\n", "the end")
