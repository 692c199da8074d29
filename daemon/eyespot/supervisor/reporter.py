"""Says how the device is: `status`, `info`, `health`. Works in the main thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Message, Traffic
from eyespot.domain.recovery import Step
from eyespot.host.facts import HostFacts
from eyespot.ports import Clock, Handover, ModelIdentity, Readings, View
from eyespot.supervisor.health import Health
from eyespot.supervisor.host_watch import HostWatch
from eyespot.supervisor.voltage_watch import VoltageWatch
from eyespot.topics.native import Identity, Native, Stamp, Trouble, Vitals, stamp
from eyespot.topics.payloads import Presence
from eyespot.topics.traffic import THINNED_S

_AT_MOST_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What the threads know of themselves: see `payloads.Health`."""

    observations: int
    dropped: int
    backlog: int
    readings: Readings
    recoveries: Mapping[Step, int]
    bytes_today: Mapping[Traffic, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Where the reporter reads its figures."""

    model: Callable[[], ModelIdentity]
    view: Callable[[], View | None]
    rates: Callable[[], Rates]
    host: Callable[[], HostFacts]
    voltage_is_low: Callable[[], bool | None]


class Reporter:
    """Posts `status`, `info` and `health` when they change, `health` also again and again.

    Args:
        identity: what `info` says of the device.
        gauges: where the figures come from.
        native: makes the messages.
        health: the board of troubles.
        post: takes the messages.
        clock: for the time between, and for UTC.
        every_s: how often `health` is posted where nothing changes.
        note: is told the same as `health`.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        gauges: Gauges,
        native: Native,
        health: Health,
        post: Callable[[Handover], None],
        clock: Clock,
        every_s: int = 60,
        note: Callable[[Vitals, Sequence[Trouble]], None] = lambda *_: None,
    ) -> None:
        self._every_s = every_s
        self._note = note
        self._identity = identity
        self._gauges = gauges
        self._native = native
        self._health = health
        self._host = HostWatch(health)
        self._voltage = VoltageWatch(health, gauges.voltage_is_low, clock)
        self._post = post
        self._clock = clock
        self._begun_ns = clock.now_ns()
        self._told: tuple[View | None, ModelIdentity] = None, gauges.model()
        self._told_changes = -1
        self._told_ns = self._begun_ns
        self._told_observations = 0

    def status(self, state: Presence) -> Message:
        """Return a status message of now."""
        at = self._now()
        return self._native.status(state, at, at.utc_ns)

    def begin(self) -> None:
        """Post the birth of the device; what is not known yet follows."""
        self._send(self.status("online"), self._info(*self._told))

    def retune(self, identity: Identity, every_s: int) -> None:
        """Go on with what has changed of the device after all, and say so."""
        self._identity, self._every_s = identity, every_s
        self._told = self._gauges.view(), self._gauges.model()
        self._send(self._info(*self._told))

    def stopping(self) -> None:
        """Post that the end is near, and how it was until now."""
        self._tell_view()
        self._tell_health()
        self._send(self.status("stopping"))

    def tick(self) -> None:
        """Post what is new; cheap when nothing is."""
        self._tell_view()
        self._voltage.look()
        since_s = self._since_told_s()
        changed = self._health.changes != self._told_changes
        if since_s >= self._every_s or (changed and since_s >= _AT_MOST_EVERY_S) or self._told_changes < 0:
            self._tell_health()

    def _tell_view(self) -> None:
        told = self._gauges.view(), self._gauges.model()
        if told != self._told:
            self._told = told
            self._send(self._info(*told))

    def _since_told_s(self) -> float:
        return (self._clock.now_ns() - self._told_ns) / SECOND_NS

    def _tell_health(self) -> None:
        since_s = self._since_told_s()
        host = self._gauges.host()
        self._host.look(host)
        self._told_changes = self._health.changes
        rates = self._gauges.rates()
        new = rates.observations - self._told_observations
        self._told_ns, self._told_observations = self._clock.now_ns(), rates.observations
        troubles = self._health.troubles()
        vitals = Vitals(
            uptime_s=(self._told_ns - self._begun_ns) // SECOND_NS,
            observations=rates.observations,
            observations_hz=new / since_s if since_s > 0 else 0.0,
            dropped=rates.dropped,
            backlog=rates.backlog,
            readings=rates.readings,
            recoveries=rates.recoveries,
            memory_mb=host.memory_mb,
            disk_free_mb=host.disk_free_mb,
            temperature_c=host.temperature_c,
            under_voltage=self._voltage.told,
            bytes_today=rates.bytes_today,
            every_s=self._leaves_every_s(troubles),
        )
        self._note(vitals, troubles)
        self._send(self._native.health(vitals, troubles, self._now()))

    def _leaves_every_s(self, troubles: Sequence[Trouble]) -> int:
        thinned = any(trouble.name == "over_daily_cap" for trouble in troubles)
        return max(self._every_s, THINNED_S) if thinned else self._every_s

    def _info(self, view: View | None, model: ModelIdentity) -> Message:
        return self._native.info(self._identity, view, model, self._now())

    def _now(self) -> Stamp:
        return stamp(self._clock.timeline(), self._clock.now_ns())

    def _send(self, *messages: Message) -> None:
        self._post(Handover(messages, {}, 0))
