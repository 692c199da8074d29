"""How the commands that are services end."""

import faulthandler
import logging
import os

import pytest

from eyespot.commands import service
from eyespot.domain.errors import CameraStuck, ConfigError
from eyespot.domain.notice import Notice, Told
from eyespot.host.journal import PlainLines
from eyespot.host.logs import LogHandler


@pytest.fixture(autouse=True)
def _nothing_global(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "set_up", lambda: LogHandler(PlainLines()))
    monkeypatch.setattr(faulthandler, "enable", lambda: None)


def test_what_ends_a_service_is_logged_with_its_exit_code(caplog: pytest.LogCaptureFixture) -> None:
    def work(_: LogHandler) -> int:
        raise ConfigError("a.toml:1: wrong\na.toml:2: wrong, too")

    assert service.serve(work) == 78
    [record] = caplog.records
    assert record.getMessage() == "a.toml:1: wrong\na.toml:2: wrong, too"
    reason = "a.toml:1: wrong a.toml:2: wrong, too"
    assert record.eyespot == Told(Notice.FAILED, {"reason": reason, "exit_code": 78})


def test_a_camera_that_hangs_does_not_keep_the_process_and_what_was_held_back_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    monkeypatch.setattr(logging, "shutdown", lambda: done.append("said"))
    monkeypatch.setattr(os, "_exit", done.append)

    def work(_: LogHandler) -> int:
        raise CameraStuck("it hangs")

    service.serve(work)
    assert done == ["said", 69]
