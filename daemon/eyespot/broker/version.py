"""Which version of MQTT to speak: 5, and 3.1.1 with brokers that know no better."""

from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.session import Ending

_V5, _V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
_SILENCES_BEFORE_311 = 2


class Version:
    """The version for the next connection of somebody who comes back again and again.

    Attributes:
        now: that version.
    """

    def __init__(self) -> None:
        self.now = _V5
        self._silences = 0

    def learn(self, ending: Ending, *, opened: bool) -> bool:
        """Choose for the next connection.

        Args:
            ending: of the last one.
            opened: whether the broker had accepted it: by the next it may have learnt MQTT 5.

        Returns:
            Whether the broker is there, and may be asked at once with the other version.
        """
        if opened:
            self.now, self._silences = _V5, 0
        elif ending.unsupported and self.now is _V5:
            self.now = _V311
            return True
        elif ending.unanswered:
            self._silences += 1
            if self._silences % _SILENCES_BEFORE_311 == 0:
                self.now = _V311 if self.now is _V5 else _V5
        return False
