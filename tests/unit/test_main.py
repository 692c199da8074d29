"""What no command foresaw still ends with the right exit code."""

import argparse

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
