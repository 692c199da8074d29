"""The line that `systemctl status` shows."""

from eyespot.host.clock import ManualClock
from eyespot.supervisor.describer import Describer
from eyespot.supervisor.health import Health
from eyespot.supervisor.reporter import Rates


def test_the_line_tells_the_rate_since_it_was_last_asked_the_tracks_and_every_trouble() -> None:
    clock = ManualClock()
    health, observations = Health(clock), 0
    describer = Describer(lambda: Rates(observations, 0, None, 0), lambda: 3, health, clock)
    assert describer.describe() == "nothing observed yet"
    clock.sleep(2)
    observations = 30
    assert describer.describe() == "15.0 observations/s, 3 tracks"
    clock.sleep(5)
    health.raise_state("source_silent", "is it connected?")
    assert describer.describe() == "0.0 observations/s, 3 tracks; source_silent: is it connected?"
