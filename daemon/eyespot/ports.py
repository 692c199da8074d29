"""What the core asks of the world: each Protocol here has a real implementation and a fake that ships."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from eyespot.domain.instants import Timeline
from eyespot.domain.message import Message
from eyespot.domain.observation import Observation

Beat = Callable[[], None]


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
    """The camera as in force: size of the full frame in pixels, nominal rate."""

    source: str
    width: int
    height: int
    rate_hz: float


class ObservationSource(Protocol):
    """Where observations come from. Opened, asked and closed by one thread.

    Attributes:
        model: what makes the observations; known before the source is opened.
        paced: True where time does not wait: an observation that nobody took in time is overwritten.
            False where the next one waits until the last one was taken.
    """

    @property
    def model(self) -> ModelIdentity: ...  # noqa: D102

    @property
    def paced(self) -> bool: ...  # noqa: D102

    def open(self) -> View:
        """Start to look.

        Raises:
            CameraError: the camera does not deliver; worth another try later.
            InputError: the file cannot be read; final.
            ModelError: the model cannot be loaded.
        """

    def take(self, timeout_s: float) -> Observation | None:
        """Return the next observation, or None if there was none within the time.

        Raises:
            SourceEnded: a file is over.
            CameraError, InputError, ModelError: as `open`.
        """

    def close(self) -> None:
        """Stop looking. Harmless when not open."""


class BrokerEvents(Protocol):
    """What a broker tells. Called from the broker's thread: takes note and returns at once."""

    def connected(self) -> None:
        """Tell that messages can leave now; all that was under way before is to be sent again."""

    def disconnected(self, reason: str) -> None:
        """Tell that they cannot, and why, in words for people; also after each failed attempt."""

    def acknowledged(self, token: int) -> None:
        """Tell that the broker has taken over the message with this token."""

    def refused(self, token: int, reason: str) -> None:
        """Tell that the broker answered and will not have the message with this token."""


class Broker(Protocol):
    """The way out. `run` is the body of its thread."""

    def attach(self, events: BrokerEvents, will: Message) -> None:
        """Set whom to tell, and the message that the broker sends for us when we vanish; before `run`."""

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
        snapshots: rule id -> its state as bytes, of the rules that changed. They and the durable
            messages are kept in one transaction, so that no count is ever without its event.
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
