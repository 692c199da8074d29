"""`eyespot-fleet publish pack FOLDER`: a bundle into one file."""

import argparse
import json
from pathlib import Path

from eyespot.commands.options import Subparsers
from eyespot_fleet.packing.packing import pack

_TEXT = """\
Checks the bundle in FOLDER as a device will: its manifest, each file's size and sha256, its decoder. A
network for the processor is run on its golden vectors, one for the sensor is looked through. Then packs
it into one file.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("pack", help="a bundle into one file, tried first", description=_TEXT)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of the bundle")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to (default: <id>.tar.zst in this folder)"
    )
    parser.add_argument(
        "--despite-file",
        action="store_true",
        help="the manifest is right also where a network for the sensor says something else of itself",
    )
    parser.add_argument("--json", action="store_true", help="one JSON line, for programs")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    packed = pack(arguments.folder, arguments.output, despite_file=arguments.despite_file)
    if arguments.json:
        print(json.dumps(packed.as_object()))
    else:
        print(f"{packed.file}: {packed.bundle}, {packed.size_bytes} bytes")
        print(f"  {packed.tried}")
    return 0
