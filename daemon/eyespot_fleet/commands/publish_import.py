"""`eyespot-fleet publish import FILE`: a bundle of a network's file."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eyespot.app.verifying import words
from eyespot.commands.options import Subparsers
from eyespot_fleet.packing.importing import Imported, import_network
from eyespot_fleet.packing.wishes import Wishes

_TEXT = """\
Makes a bundle of a .tflite or .rpk file: the manifest is filled from the TensorFlow Lite metadata, or from
the network's intrinsics; what these leave open is for the options to say, and is asked for. Of pictures
golden vectors are made: what the network finds in them today, each device has to find before it uses it.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("import", help="a bundle of a .tflite or .rpk file", description=_TEXT)
    parser.add_argument("file", type=Path, metavar="FILE", help="the network")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="a new folder, for the bundle"
    )
    _add_facts(parser)
    _add_reading(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line, for programs")
    parser.set_defaults(command=_run)


def _add_facts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it is")
    group.add_argument("--name", required=True, help="of the model: a-z, 0-9, -")
    group.add_argument("--version", default="1.0.0", metavar="N.N.N", help="(default: %(default)s)")
    group.add_argument("--licence", metavar="SPDX", help="such as Apache-2.0")
    group.add_argument("--provenance", default="", metavar="TEXT", help="where it comes from")
    group.add_argument("--model-card", type=Path, metavar="FILE", help="goes along as MODEL_CARD.md")
    group.add_argument("--notice", type=Path, metavar="FILE", help="goes along as NOTICE")


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it is fed and read; models/README.md explains each")
    group.add_argument("--labels", type=Path, metavar="FILE", help="class names, one a line")
    group.add_argument("--roles", default="", metavar="ROLE,...", help="of the outputs, in the file's order")
    group.add_argument("--decoder", type=_table, metavar="JSON", help="its settings, or some of them")
    group.add_argument("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="what 0 and 255 become")
    group.add_argument("--order", choices=("rgb", "bgr"), default="rgb", help="of the colours")
    group.add_argument("--resize", choices=("stretch", "letterbox", "crop"), default="stretch")
    group.add_argument("--min-score", type=float, metavar="S", help="from which on a detection counts")
    group.add_argument("--nms-iou", type=float, default=0.5, metavar="I", help="(default: %(default)s)")
    group.add_argument(
        "--picture",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="PNG, JPEG or .npy with something to find in it; may be given more than once",
    )


def _table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError:
        table = None
    if isinstance(table, dict):
        return table
    raise argparse.ArgumentTypeError(f'want a JSON object such as {{"softmax": true}}, got {text!r}')


def _run(arguments: argparse.Namespace) -> int:
    further = {"model_card": arguments.model_card, "notice": arguments.notice}
    wishes = Wishes(
        name=arguments.name,
        version=arguments.version,
        licence=arguments.licence,
        provenance=arguments.provenance,
        labels=arguments.labels,
        decoder=arguments.decoder,
        roles=tuple(filter(None, arguments.roles.split(","))),
        range=tuple(arguments.range) if arguments.range else None,
        order=arguments.order,
        resize=arguments.resize,
        min_score=arguments.min_score,
        nms_iou=arguments.nms_iou,
        pictures=tuple(arguments.picture),
        further={role: path for role, path in further.items() if path is not None},
    )
    imported = import_network(arguments.file, arguments.out, wishes, datetime.now(UTC).date())
    print(json.dumps(_as_object(imported)) if arguments.json else "\n".join(_lines(imported)))
    return 0


def _lines(imported: Imported) -> Iterator[str]:
    yield f"{imported.folder}: {imported.bundle}"
    for picture, wanted in imported.golden.items():
        listed = ", ".join(f"{one.class_name} {one.score:.2f}" for one in wanted)
        yield f"  {picture}: {listed or 'nothing'}"
    if imported.verdict is None:
        yield "  no golden vectors: give pictures with --picture before you pack it"
    else:
        yield f"  {words(imported.verdict)}"


def _as_object(imported: Imported) -> dict[str, Any]:
    return {
        "folder": str(imported.folder),
        "bundle": imported.bundle,
        "golden": {
            picture: [[one.class_name, one.score] for one in wanted]
            for picture, wanted in imported.golden.items()
        },
        "tried": imported.verdict is not None,
    }
