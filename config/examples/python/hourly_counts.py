"""Counts who crossed which line, by the hour, into an SQLite file; nothing is lost, nothing counted twice.

    pip install "paho-mqtt>=2.1"
    python hourly_counts.py --host broker.example --database counts.db    # until Ctrl-C
    python hourly_counts.py --database counts.db --show                   # what was counted

The broker keeps a session of ours for a week, in which events wait while we are away. We acknowledge an
event once it is on our disk. So events may come again, and `boot_id` and `seq` tell which we have.
"""

import argparse
import json
import logging
import os
import sqlite3
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

SESSION_S = 7 * 86_400
REMEMBERED = timedelta(days=40)  # longer than events may wait on a device: [state] outbox_days, 30
FORGET_EVERY = 10_000  # events
OF_ALL = {"boot_id": str, "seq": int}
OF_KIND: dict[str, dict[str, type]] = {
    "crossed": {"t": str, "rule": str, "class": str, "direction": str},
    "dropped": {"since": str, "until": str, "messages": int, "reason": str},
}
TABLES = """
CREATE TABLE IF NOT EXISTS heard (
    device TEXT, boot_id TEXT, seq INTEGER, at TEXT, PRIMARY KEY (device, boot_id, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hourly (
    hour TEXT, device TEXT, rule TEXT, class TEXT, direction TEXT, crossings INTEGER,
    PRIMARY KEY (hour, device, rule, class, direction)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS missing (device TEXT, since TEXT, until TEXT, messages INTEGER, reason TEXT);
"""
log = logging.getLogger("hourly_counts")


class Counts:
    """The file with the counts.

    Args:
        path: of the file.
        mode: "rwc" makes it where it is not there, "ro" only reads.

    Raises:
        sqlite3.Error: that cannot be done, or it is no such file.
    """

    def __init__(self, path: str, mode: str = "rwc") -> None:
        self._database = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode={mode}", uri=True)
        if mode != "ro":
            self._database.executescript(TABLES)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def take(self, device: str, event: dict[str, Any]) -> bool:
        """Count an event, and return whether it was new.

        Args:
            device: who said it.
            event: the payload of `rule/<id>/event` or `dropped`.

        Raises:
            KeyError: it lacks what all of these have.
            TypeError, ValueError, OverflowError: what it has is something else.
        """
        check(event)
        with self._database:  # one transaction
            key = (device, event["boot_id"], event["seq"])
            now = datetime.now(UTC).isoformat(timespec="seconds")
            inserted = self._database.execute("INSERT OR IGNORE INTO heard VALUES (?, ?, ?, ?)", (*key, now))
            if not inserted.rowcount:
                return False
            if event["seq"] % FORGET_EVERY == 0:
                self._forget(datetime.now(UTC) - REMEMBERED)
            if event["kind"] == "crossed":
                self._count(device, event)
            elif event["kind"] == "dropped":
                self._miss(device, event)
        return True

    def _count(self, device: str, event: dict[str, Any]) -> None:
        hour = event["t"][:13] + ":00Z"  # 2026-11-26T06:34:26.588Z
        self._database.execute(
            "INSERT INTO hourly VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT DO UPDATE SET crossings = crossings + 1",
            (hour, device, event["rule"], event["class"], event["direction"]),
        )

    def _miss(self, device: str, event: dict[str, Any]) -> None:
        row = (device, event["since"], event["until"], event["messages"], event["reason"])
        self._database.execute("INSERT INTO missing VALUES (?, ?, ?, ?, ?)", row)
        log.warning("%s lost %d events between %s and %s: %s", device, row[3], row[1], row[2], row[4])

    def _forget(self, before: datetime) -> None:
        """Forget which events were heard before then; their counts stay."""
        self._database.execute("DELETE FROM heard WHERE at < ?", (before.isoformat(timespec="seconds"),))

    def rows(self) -> list[tuple[str, str, str, str, str, int]]:
        """Return hour, device, rule, class, direction and number of crossings, by hour."""
        return self._database.execute("SELECT * FROM hourly").fetchall()


def check(event: dict[str, Any]) -> None:
    """Raise KeyError where an event lacks a field that we read, TypeError where that is of another type."""
    for name, kind in (OF_ALL | OF_KIND.get(event["kind"], {})).items():
        if type(event[name]) is not kind:
            raise TypeError(f"{name} is no {kind.__name__}")


class Subscriber:
    """Hears events of all devices below a prefix, and has them counted.

    Args:
        counts: where to.
        prefix: of the topics.
        client: not yet connected; it acknowledges by hand.
    """

    def __init__(self, counts: Counts, prefix: str, client: mqtt.Client) -> None:
        self._counts = counts
        self._topics = [(f"{prefix}/+/rule/+/event", 1), (f"{prefix}/+/dropped", 1)]
        self._depth = prefix.count("/") + 1
        self._answered = False
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message

    def _on_connect(
        self,
        client: mqtt.Client,
        _: Any,
        flags: mqtt.ConnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        self._answered = True
        if code.is_failure:
            log.error("the broker refuses us: %s", code)
            return
        log.info(
            "connected; the broker %s", "kept our session" if flags.session_present else "begins a session"
        )
        client.subscribe(self._topics)  # each time: the broker may have forgotten

    def _on_connect_fail(self, _client: mqtt.Client, _: Any) -> None:
        reason = sys.exc_info()[1]  # paho calls us as it handles that
        log.error("no connection, and we try again: %s", reason)

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _: Any,
        _flags: mqtt.DisconnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        why = str(code) if self._answered else "no answer; does the broker want TLS, or a certificate?"
        log.warning("the connection has ended, and we try again: %s", why)
        self._answered = False

    def _on_message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        device = message.topic.split("/")[self._depth]
        try:
            if not self._counts.take(device, json.loads(message.payload)):
                log.info("%s: came again, not counted twice", message.topic)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            log.warning("%s: not understood: %r", message.topic, error)
        client.ack(message.mid, message.qos)  # where the disk is full we do not get here, and it comes again


def a_client(client_id: str) -> mqtt.Client:
    """Return a client that acknowledges by hand."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )
    client.reconnect_delay_set(1, 30)
    return client


def listen(options: argparse.Namespace) -> None:
    """Count until Ctrl-C."""
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own gap
    session.SessionExpiryInterval = SESSION_S
    client = a_client(options.client_id)
    if options.username:
        client.username_pw_set(options.username, os.environ.get("MQTT_PASSWORD"))
    if options.ca_file:
        use_tls(client, options)
    with closing(Counts(options.database)) as counts, suppress(KeyboardInterrupt):
        Subscriber(counts, options.prefix, client)
        client.connect_async(options.host, options.port, clean_start=False, properties=session)
        client.loop_forever(retry_first_connection=True)


def use_tls(client: mqtt.Client, options: argparse.Namespace) -> None:
    """Trust whom the command line says, and show a certificate if it names one; end where that cannot be."""
    try:
        client.tls_set(options.ca_file, options.cert_file, options.key_file)
    except OSError as error:  # ssl.SSLError, too
        files = (options.ca_file, options.cert_file, options.key_file)
        sys.exit(f"{', '.join(filter(None, files))}: {error}")


def show(options: argparse.Namespace) -> None:
    """Print what was counted."""
    with closing(Counts(options.database, "ro")) as counts:
        for hour, device, rule, kind, direction, crossings in counts.rows():
            print(f"{hour}  {device:<20} {rule:<12} {kind:<12} {direction:<3} {crossings:>6}")


def main() -> None:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser(description="Counts crossings by the hour.")
    parser.add_argument("--database", default="counts.db")
    parser.add_argument("--show", action="store_true", help="print what was counted, and end")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--prefix", default="eyespot/v1")
    parser.add_argument("--client-id", default="hourly-counts", help="each subscriber needs its own")
    parser.add_argument("--username", help="its password is taken from $MQTT_PASSWORD")
    parser.add_argument("--ca-file", help="whom to trust, for TLS (then --port 8883)")
    parser.add_argument("--cert-file", help="our certificate, where the broker wants one; needs --ca-file")
    parser.add_argument("--key-file", help="its key, if that is not in the same file")
    options = parser.parse_args()
    if (options.cert_file and not options.ca_file) or (options.key_file and not options.cert_file):
        parser.error("--key-file needs --cert-file, and that --ca-file")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        (show if options.show else listen)(options)
    except sqlite3.Error as error:
        sys.exit(f"{options.database}: {error}")


if __name__ == "__main__":
    main()
