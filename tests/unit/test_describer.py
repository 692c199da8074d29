"""The line that `systemctl status` shows."""

from eyespot.host.clock import ManualClock
from eyespot.ports import Readings
from eyespot.supervisor.describer import Describer
from eyespot.supervisor.health import Health
from eyespot.supervisor.reporter import Rates


def test_the_line_tells_what_takes_long_the_rate_since_it_was_last_asked_tracks_and_troubles() -> None:
    clock = ManualClock()
    health, observations = Health(clock), 0
    doing = "sending the network to the sensor: 43 %"

    def rates() -> Rates:
        return Rates(observations, 0, 0, Readings(doing=doing), {})

    describer = Describer(rates, lambda: 3, health, clock)
    assert describer.describe() == f"{doing}; nothing observed yet"
    doing = ""
    assert describer.describe() == "nothing observed yet"
    clock.sleep(2)
    observations = 30
    assert describer.describe() == "15.0 observations/s, 3 tracks"
    clock.sleep(5)
    health.raise_state("source_silent", "is it connected?")
    assert describer.describe() == "0.0 observations/s, 3 tracks; source_silent: is it connected?"
