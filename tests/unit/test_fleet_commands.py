"""What an operator sees and is asked."""

import getpass
import sys
from argparse import Namespace
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from eyespot.domain.errors import InputError
from eyespot_fleet.__main__ import main
from eyespot_fleet.commands.options import Asked
from eyespot_fleet.commands.progress import Bar


def shown(times: Iterator[float], *, terminal: bool) -> str:
    out = StringIO()
    with Bar("enrolling", Console(file=out, force_terminal=terminal), lambda: next(times)) as bar:
        bar.tell(1, 500)
        bar.tell(2, 500)
    return out.getvalue()


def test_a_bar_is_there_once_it_takes_long_and_on_terminals_alone() -> None:
    assert "2/500" in shown(iter([0.0, 2.1]), terminal=True)
    assert shown(iter([0.0, 1.0, 1.9]), terminal=True) == ""
    assert shown(iter([0.0, 2.1]), terminal=False) == ""


@pytest.fixture(name="typed")
def what_is_typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    typed: list[str] = []
    monkeypatch.setattr(sys, "stdin", Namespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda _: typed.pop(0))
    return typed


def test_a_new_passphrase_is_asked_for_twice_and_a_known_one_once(typed: list[str]) -> None:
    asked = Asked(Namespace(passphrase_file=None, ask_passphrase=True))
    typed[:] = ["sesame", "sesame", "sesame"]
    assert (asked.chosen(), asked.known(), typed) == (b"sesame", b"sesame", [])
    for wrong in (["sesame", "barley"], ["", ""]):
        typed[:] = wrong
        with pytest.raises(InputError, match="was not the same twice; nothing was written"):
            asked.chosen()


def test_nobody_is_asked_who_did_not_want_to_be(typed: list[str], tmp_path: Path) -> None:
    assert Asked(Namespace(passphrase_file=None, ask_passphrase=False)).chosen() is None
    file = tmp_path / "passphrase"
    file.write_bytes(b"sesame\r\nmore\n")
    asked = Asked(Namespace(passphrase_file=file, ask_passphrase=False))
    assert (asked.chosen(), asked.known()) == (b"sesame", b"sesame")
    assert typed == []


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--seconds", "0", "--seconds for how long"),
        ("--connects", "0", "--connects how fast"),
        ("--devices", "00000000199999999", "want 1 to 20000"),
        ("--devices", "9" * 5000, "want 1 to 20000"),
    ],
)
def test_a_simulation_of_no_time_or_of_too_many_devices_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, words: str
) -> None:
    nobody = "mqtt://127.0.0.1:9"
    with pytest.raises(SystemExit, match="64"):
        main(["simulate", "--devices", "1", "--broker", nobody, option, value])
    assert words in capsys.readouterr().err
