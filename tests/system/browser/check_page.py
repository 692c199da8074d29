"""The page of `eyespot-fleet view` in a real Chromium, a program beside this file each."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.chatter import Chatter
from fakes.daemon import Daemon, write_config, write_recording
from fakes.viewing import served, viewing

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
RUN = "tests/run browser"
ATTACK = (
    """"'><img src=x onerror="owned=1"><script>owned=1</script></title></script><svg onload="owned=1">"""
    "\u202e${owned=1}"
)

pytestmark = [
    pytest.mark.timeout(420),
    pytest.mark.skipif("EYESPOT_CHROMIUM" not in os.environ, reason=f"no browser is named: {RUN}"),
]


def play(program: str, *arguments: object) -> None:
    """Have one of the programs run to its end."""
    command = ["node", str(HERE / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def page_of_the_demo() -> Iterator[str]:
    """Type what README.md says; yield where the page is."""
    command = ["./install.sh", "demo"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as demo:
        try:
            last_row = next(row for row in demo.stdout or () if row.startswith("to draw lines: "))
            with served(shlex.split(last_row.removeprefix("to draw lines: ")), CHECKOUT) as (_, url):
                yield url
        finally:
            demo.terminate()


@pytest.fixture(name="page", scope="module")
def the_page_of_the_demo() -> Iterator[str]:
    with page_of_the_demo() as url:
        yield url


@pytest.mark.parametrize("way", ["mouse", "keyboard", "touch"])
def test_a_line_is_drawn_over_the_trails_and_the_next_crossing_counted(page: str, way: str) -> None:
    play(f"{way}.mjs", page)


def test_corners_come_and_go_and_a_line_is_suggested(page: str) -> None:
    play("corners.mjs", page)


def test_it_is_readable_and_usable_at_each_width_in_light_and_dark(page: str, tmp_path: Path) -> None:
    play("looks.mjs", page, tmp_path)


def test_trails_that_the_device_has_kept_are_drawn_on(tmp_path: Path) -> None:
    with LocalMosquitto() as mosquitto:
        recording = write_recording(tmp_path / "walk.eyespot.jsonl", 60)
        camera = {"source": "replay", "file": str(recording)}
        config = write_config(tmp_path, camera=camera, url=mosquitto.url)
        with Daemon(config), viewing(mosquitto.url) as (_, url):
            play("aim.mjs", url)


def test_nothing_that_devices_say_runs_in_the_page() -> None:
    no_words = {"valueOf": 0, "toString": 0}  # cannot even be compared
    with (
        LocalMosquitto() as mosquitto,
        Chatter(mosquitto.url, 2, ATTACK),
        Chatter(mosquitto.url, 1, no_words, first=2),
        viewing(mosquitto.url) as (_, url),
    ):
        named = Heard(
            "eyespot/v1/<img src=x onerror=owned=1>/status", b'{"state":"online"}', retain=True, qos=1
        )
        say(mosquitto.url, named)
        play("hostile.mjs", url, 3)


@pytest.mark.skipif("EYESPOT_RENEW_PICTURES" not in os.environ, reason=f"they are kept: {RUN} --renew")
def test_the_pictures_of_the_readme_are_renewed() -> None:
    with page_of_the_demo() as url:
        play("pictures.mjs", url, HERE / "pictures")
