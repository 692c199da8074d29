"""What no command foresaw still ends with the right exit code, and at once."""

import argparse
import os
import subprocess
import sys

import pytest

from eyespot import __main__ as program


def test_a_bug_shows_its_traceback_and_is_exit_code_70(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError

    class Broken:
        def parse_args(self, _: object) -> argparse.Namespace:
            return argparse.Namespace(command=broken)

    monkeypatch.setattr(program, "parser", Broken)
    assert program.main([]) == 70
    assert "ZeroDivisionError" in caplog.text


_STARTS_OTHERS = """
def starts_others():
    while True:
        threading.Thread(target=int, daemon=True).start()

threading.Thread(target=starts_others, daemon=True).start()
"""
_IS_STUCK = "threading.Thread(target=threading.Event().wait).start()"
_HOLDS_BACK = """
class HoldsBack(logging.StreamHandler):
    def close(self):
        print("what was held back", file=sys.stderr)

held = HoldsBack()
"""


@pytest.mark.parametrize("threads", ["", _IS_STUCK, _STARTS_OTHERS], ids=["none", "stuck", "starting others"])
def test_a_program_ends_with_its_exit_code_whatever_threads_are_left(threads: str) -> None:
    lines = (
        "import logging, sys, threading",
        "from eyespot.commands.program import leave",
        _HOLDS_BACK,
        threads,
        "print('done')",
        "leave(3)",
    )
    begun = [_program("\n".join(lines)) for _ in range(8)]  # one of two ended in a crash without care
    for process in begun:
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (3, "done\n", "what was held back\n")


def _program(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONMALLOC": "debug"},  # what is used after it was freed is a crash
    )
