"""What the core asks of the world: each Protocol here has a real implementation and a fake that ships."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from eyespot.domain.instants import Timeline
from eyespot.domain.message import Heard, Message
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step

SensorMode = Literal["binned", "full"]
Beat = Callable[[], None]
Tell = Callable[[str], None]  # is told, at least every 5 s, how far something is that may take minutes


class SourceEnded(Exception):  # noqa: N818 - not an error: a file that is over
    """The source has nothing more to give."""


class Clock(Protocol):
    """Time, passed in. A manual one in tests and replays."""

    def now_ns(self) -> int:
        """Return CLOCK_BOOTTIME in ns."""

    def timeline(self) -> Timeline:
        """Return how CLOCK_BOOTTIME maps to UTC just now, and whether UTC is synchronised."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What is known of the model behind the observations.

    Attributes:
        bundle: `name@version-sha12`, as every number that it made names it.
        sha256: of the network file; None for a recording, which has none.
        labels: class names in lower case, by class index.
        min_score: the score from which on a detection can start a track.
    """

    bundle: str
    name: str
    version: str
    sha256: str | None
    labels: tuple[str, ...]
    min_score: float


@dataclass(frozen=True, slots=True)
class View:
    """The camera as in force.

    Attributes:
        source: as the configuration calls it.
        width: of the full frame, in pixels.
        height: of the full frame, in pixels.
        rate_hz: observations per second that it is asked for.
        engine: what runs the model, with its version; None where nothing is inferred.
        mode: how the sensor is read, "binned" or "full"; None where it has no modes.
        roi_xyxy_n: the part of the full frame that the model looks at, in fractions.
    """

    source: str
    width: int
    height: int
    rate_hz: float
    engine: str | None = None
    mode: SensorMode | None = None
    roi_xyxy_n: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class SensorReadings:
    """What a camera says of itself; None where it says nothing of it.

    Attributes:
        dnn_ms: time that the network took on the sensor, in ms.
        dsp_ms: time that the sensor took for what comes before and after it, in ms.
        temperature_c: of the sensor.
        exposure_ms: of the newest frame.
        gain: of the newest frame, analogue.
        lux: of the scene, as the camera's software thinks.
        without_tensor: frames for which the network had no time; normal where it is slower than the camera.
        repeated: frames that brought a tensor which had been counted already.
        missed: tensors that the sensor made and nobody got.
        inputs: frames that brought what the network was given, which is a picture; none is asked for.
        focus: libcamera's figure of merit, FocusFoM: how much detail there is.
    """

    dnn_ms: float | None = None
    dsp_ms: float | None = None
    temperature_c: float | None = None
    exposure_ms: float | None = None
    gain: float | None = None
    lux: float | None = None
    without_tensor: int = 0
    repeated: int = 0
    missed: int = 0
    inputs: int = 0
    focus: float | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """How a source does just now.

    Attributes:
        inference_ms: p50 and p95 of the last hundred inferences on the processor; None before the first.
        sensor: what the camera says; None where there is none.
        dropped: observations that gave way on the way here, as nobody took them in time.
        doing: what takes long just now, as the start of a camera may; empty when nothing does.
        model_error: the last error of the model since it looks; empty where there was none.
        memory_mb: what the process that looks holds in memory, where that is another one.
    """

    inference_ms: tuple[float, float] | None = None
    sensor: SensorReadings | None = None
    dropped: int = 0
    doing: str = ""
    model_error: str = ""
    memory_mb: float | None = None


def silent(_: str) -> None:
    """Tell nobody."""


class ObservationSource(Protocol):
    """Where observations come from. Opened, asked and closed by one thread.

    Attributes:
        model: what makes the observations; known before the source is opened.
        paced: True where time does not wait: an observation that nobody took in time is overwritten.
            False where the next one waits until the last one was taken.
        steps: what can be tried when nothing comes, the gentlest first; none for files.
        view: the camera as in force; None until that is known. From any thread.
        readings: how it does just now. From any thread.
    """

    @property
    def model(self) -> ModelIdentity: ...  # noqa: D102

    @property
    def paced(self) -> bool: ...  # noqa: D102

    @property
    def steps(self) -> tuple[Step, ...]: ...  # noqa: D102

    @property
    def view(self) -> View | None: ...  # noqa: D102

    @property
    def readings(self) -> Readings: ...  # noqa: D102

    def open(self, tell: Tell = silent) -> None:
        """Start to look; also again, after an error.

        Args:
            tell: is told how far it is.

        Raises:
            CameraError: the camera does not deliver; worth another try later.
            CameraStuck: it hangs, and only a new process can help.
            InputError: the file cannot be read; final.
            ModelError: the model cannot be loaded.
        """

    def take(self, timeout_s: float) -> Observation | None:
        """Return the next observation, or None if there was none within the time.

        Raises:
            SourceEnded: a file is over.
            CameraError, InputError, ModelError: as `open`.
        """

    def recover(self, step: Step, tell: Tell = silent) -> None:
        """Do something so that observations come again; one of `steps`.

        Raises:
            CameraError, ModelError: as `open`.
        """

    def close(self) -> None:
        """Stop looking. Harmless when not open."""


class CameraLedger(Protocol):
    """Keeps, over restarts, how often a camera was powered up and the machine asked to reboot."""

    def power_up(self) -> float:
        """Note that a camera is powered up, if that is allowed by now.

        Returns:
            0 where it is; else the seconds to wait before asking again, and nothing was noted.
        """

    def reboot(self) -> float:
        """Note that the machine is asked to reboot, if that is allowed by now; as `power_up`."""


class BrokerEvents(Protocol):
    """What a broker tells. Called from the broker's thread: takes note and returns at once."""

    def connected(self) -> None:
        """Tell that messages can leave now; all that was under way before is to be sent again."""

    def disconnected(self, reason: str) -> None:
        """Tell that they cannot, and why, in words for people; also when all nodes have refused."""

    def replaced(self, reason: str) -> None:
        """Tell that another client seems to use our id: each connection of the one ends that of the other."""

    def renewed(self, refusal: str) -> None:
        """Tell that the newest certificates and passwords are in force, or why they are not."""

    def acknowledged(self, token: int) -> None:
        """Tell that the broker has taken over the message with this token."""

    def refused(self, token: int, reason: str) -> None:
        """Tell that the broker answered and will not have the message with this token."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is listened to.

    Attributes:
        topic_filter: as MQTT has them, with + and #.
        kept: whether what the broker keeps is wanted: then `retain` tells old from new. Else all that
            somebody wanted kept comes with `retain`, or not at all, as far as the broker knows MQTT 5.
        qos: 0 or 1. Of more than a thousand messages that are kept, and wanted at once, brokers may drop
            some with either.
    """

    topic_filter: str
    kept: bool
    qos: int = 1


class Ear(Protocol):
    """Who is spoken to. Called from the broker's thread: takes note and returns at once."""

    def hear(self, heard: Heard) -> None:
        """Take note of a message. Nothing is known of it but that it is not beyond all bounds."""

    def listening(self) -> None:
        """Tell that the broker passes on what was subscribed to."""

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        """Tell that it does not, and why; None where it does not answer whether it will."""


class Broker(Protocol):
    """The way out, and the narrow one in. `run` is the body of its thread."""

    def attach(self, events: BrokerEvents, will: Message) -> None:
        """Set whom to tell, and the message that the broker sends for us when we vanish; before `run`."""

    def listen(self, ear: Ear, subscriptions: Sequence[Subscription]) -> None:
        """Set who listens, and to what, with each connection anew; before `run`."""

    def run(self, beat: Beat) -> None:
        """Connect, keep connected, carry messages, until stopped. Calls `beat` at least every 5 s."""

    def publish(self, message: Message, token: int) -> bool:
        """Hand a message over; from any thread. QoS 1 is answered with the token.

        Returns:
            False when not connected: then nothing was taken.
        """

    def stop(self, farewell: Message, timeout_s: float) -> None:
        """Send a last message, disconnect and let `run` return, within the time; from any thread."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What one step leaves behind for the store.

    Attributes:
        messages: in the order in which they are to leave.
        snapshots: rule id -> its state as bytes, of the rules that changed; empty: it is forgotten. They
            and the durable messages are kept in one transaction, so that no count is ever without its event.
        seq: the number of the newest durable message, for a restart to go on from; 0 when there is none.
    """

    messages: tuple[Message, ...]
    snapshots: Mapping[str, bytes]
    seq: int


class HealthBoard(Protocol):
    """Where troubles are named while they last. Thread-safe."""

    def raise_state(self, name: str, reason: str) -> None:
        """Name a trouble (snake_case), with one line that says what to do; again to renew the reason."""

    def clear_state(self, name: str) -> None:
        """Take it back. Harmless when it was not raised."""
