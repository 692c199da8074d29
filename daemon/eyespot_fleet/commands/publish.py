"""`eyespot-fleet publish`: models for devices. Each of its commands has a file of its own."""

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands import publish_pack

_COMMANDS = (publish_pack,)


def add_to(commands: Subparsers) -> None:
    """Add the commands to the command line."""
    text = "models for devices: make bundles of them, and a signed repository of the bundles"
    parser = commands.add_parser("publish", help=text, description=text)
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(group)
