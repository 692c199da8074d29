"""How the commands that are services end."""

import faulthandler

import pytest

from eyespot.commands import service
from eyespot.domain.errors import ConfigError
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
