"""A real daemon whose camera is covered or loses its focus: what a subscriber hears of it, over restarts."""

from pathlib import Path

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from eyespot.domain.observation import Optics
from fakes.brokers import say
from fakes.daemon import LINE, Daemon, Ear, write_config
from fakes.stretches import Stretch, recorded
from fakes.waiting import until

DAY = Optics(lux=220, exposure_ms=20, gain=1, focus=96, brightness=45)
LID = Optics(lux=0.04, exposure_ms=66, gain=16, focus=1, brightness=1)
BLUR = Optics(lux=220, focus=12)


def daemon_on(folder: Path, url: str, *stretches: Stretch) -> Daemon:
    """A daemon that looks at such a recording as fast as it can, and goes on from what was kept."""
    file = recorded(folder / "seen.eyespot.jsonl", stretches)
    camera = {"source": "replay", "file": str(file), "pace": "fast"}
    return Daemon(write_config(folder, camera=camera, url=url, rules=[LINE | {"bucket_s": 60}]))


def test_darkness_and_a_blur_are_told_on_health_and_no_bucket_says_nobody_came(tmp_path: Path) -> None:
    ear = Ear()
    with LocalMosquitto() as mosquitto, Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
        with daemon_on(tmp_path, mosquitto.url, Stretch(5, DAY), Stretch(5, LID, "dark")) as daemon:
            assert daemon.wait() == 0
        [state] = ear.newest("/health")["states"]
        assert state["name"] == "too_dark"
        assert "0.04 lux, brightness 1 %, exposure 66 ms, gain 16" in state["reason"]
        assert "too_dark: nothing can be seen" in daemon.stderr
        buckets = ear.on("/door/bucket")
        dark = [one for one in buckets if one["gaps"] and one["gaps"][0]["cause"] == "dark"]
        assert {one["counts"] for one in dark if one["coverage"] == 0} == {None}
        with daemon_on(tmp_path, mosquitto.url, Stretch(70, DAY), Stretch(10, BLUR)) as daemon:
            assert daemon.wait() == 0
        [state] = ear.newest("/health")["states"]
        assert (state["name"], "focus 12, usually 96 at this light" in state["reason"]) == ("defocused", True)
        with daemon_on(tmp_path, mosquitto.url, Stretch(2, BLUR)) as daemon:
            assert daemon.wait() == 0
        assert [one["name"] for one in ear.newest("/health")["states"]] == ["defocused"], "it was kept"
        blind = [one for one in ear.on("/door/bucket") if one["coverage"] == 0]
        assert {one["counts"] for one in blind} == {None}
        causes = [gap["cause"] for one in blind for gap in one["gaps"]]
        assert (set(causes), causes[-1]) == ({"dark", "defocused"}, "defocused")


def test_it_learns_anew_when_it_is_told_so(tmp_path: Path) -> None:
    ear = Ear()
    with LocalMosquitto() as mosquitto, Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
        with daemon_on(tmp_path, mosquitto.url, Stretch(70, DAY), Stretch(10, BLUR)) as daemon:
            assert daemon.wait() == 0
        assert [one["name"] for one in ear.newest("/health")["states"]] == ["defocused"]
        file = recorded(tmp_path / "seen.eyespot.jsonl", [Stretch(60, BLUR)])
        camera = {"source": "replay", "file": str(file), "pace": "real"}
        with Daemon(write_config(tmp_path, camera=camera, url=mosquitto.url)):
            until(lambda: ear.newest("/status").get("state") == "online", "online")
            say(
                mosquitto.url,
                Heard("eyespot/v1/shop/cmd/view/relearn", b'{"req_id": "17"}', retain=False, qos=1),
            )
            until(lambda: ear.newest("/health").get("ok"), "nothing in doubt")
            assert ear.newest("/reply/17")["code"] == "ok"
