"""`eyespot replay FILE`: run the rules over a recording."""

import argparse
from functools import lru_cache
from pathlib import Path

import msgspec

from eyespot import app
from eyespot.commands.options import Subparsers, add_config
from eyespot.domain.message import Message


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    text = "run the rules over a recording; prints one JSON line a message, the same each time"
    parser = commands.add_parser("replay", help=text, description=text)
    parser.add_argument("file", type=Path, metavar="FILE", help="the recording, .jsonl or .jsonl.zst")
    add_config(parser)
    parser.add_argument(
        "--no-cache", action="store_true", help="follow everybody anew, and keep nothing for the next replay"
    )
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    for message in app.replay(arguments.config, arguments.file, cached=not arguments.no_cache):
        print(_line(message))
    return 0


def _line(message: Message) -> str:
    head, tail = _around(message.topic, retain=message.retain, qos=message.qos)
    return f"{head}{message.payload.decode() or 'null'}{tail}"


@lru_cache(maxsize=1024)
def _around(topic: str, *, retain: bool, qos: int) -> tuple[str, str]:
    """Return what stands before and behind the payload in a line: the same for all messages of a topic."""
    payload = b"payload"
    line = {"topic": topic, "payload": msgspec.Raw(payload), "retain": retain, "qos": qos}
    head, _, tail = msgspec.json.encode(line).rpartition(payload)
    return head.decode(), tail.decode()
