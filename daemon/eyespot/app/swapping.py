"""Goes over to another model while looking goes on: the new one is loaded beside, in a thread of its own."""

from collections.abc import Callable

from eyespot.app.eye import going_over
from eyespot.domain.errors import CameraError, ConfigError, EyespotError, InputError, ModelError
from eyespot.host.memory import give_back_what_is_free
from eyespot.ports import Beat, Clock, ObservationSource, Tell
from eyespot.sources.wire import Look
from eyespot.supervisor.source_worker import SourceWorker
from eyespot.supervisor.threads import Watched

Over = Callable[[Look], None]
Refused = Callable[[Look, EyespotError], None]


class Swapping:
    """Follows the newest of the orders that a source can go over to. One that fails changes nothing.

    Args:
        source: what looks.
        worker: what runs it.
        clock: for the thread that loads.
        over: is told that an order is followed from now on; from the source's thread.
        refused: is told that one cannot be followed, and why; from either thread.
    """

    def __init__(
        self, source: ObservationSource, worker: SourceWorker, clock: Clock, over: Over, refused: Refused
    ) -> None:
        self._source = source
        self._worker = worker
        self._clock = clock
        self._over = over
        self._refused = refused
        self._wanted: Look | None = None

    def begin(self, look: Look) -> None:
        """Go over to an order as soon as it is loaded; from any thread."""
        if look != self._wanted:
            self._wanted = look
            Watched("loader", _Loading(self, look), self._clock).start()

    def forget(self) -> None:
        """Stay with what looks; from any thread."""
        self._wanted = None

    def load(self, look: Look) -> None:
        """Load what an order wants; the body of the thread that does so."""
        try:
            go_over = going_over(self._source, look)
        except (ConfigError, InputError, ModelError) as error:
            self._refuse(look, error)
        else:
            self._worker.request(lambda tell: self._go_over(look, go_over, tell))

    def _go_over(self, look: Look, go_over: Callable[[Tell], None], tell: Tell) -> None:
        if look != self._wanted:
            return  # something else is wanted by now
        try:
            go_over(tell)
        except CameraError as error:
            self._refuse(look, error)  # who asked may know the way back
            raise
        except (InputError, ModelError) as error:
            self._refuse(look, error)
        else:
            self._wanted = None
            self._over(look)
            give_back_what_is_free()

    def _refuse(self, look: Look, error: EyespotError) -> None:
        if look == self._wanted:
            self._wanted = None
            self._refused(look, error)


class _Loading:
    """The loader's work, once."""

    def __init__(self, swapping: Swapping, look: Look) -> None:
        self._swapping = swapping
        self._look = look

    def run(self, beat: Beat) -> None:
        beat()
        self._swapping.load(self._look)
