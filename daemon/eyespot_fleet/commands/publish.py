"""`eyespot-fleet publish`: models for devices. Each of its commands has a file of its own."""

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands import (
    publish_add,
    publish_import,
    publish_init,
    publish_keys,
    publish_pack,
    publish_refresh,
    publish_serve,
    publish_show,
    publish_site,
)

_COMMANDS = (
    *(publish_import, publish_pack, publish_init, publish_add, publish_show, publish_refresh),
    *(publish_keys, publish_site, publish_serve),
)
_TEXT = """\
Models for devices: makes bundles of them, and a repository of The Update Framework for the bundles. That is
plain files, for any web server, bucket, mirror or USB stick. Whoever holds the files cannot change what
devices take from them; whoever holds the keys can.
"""


def add_to(commands: Subparsers) -> None:
    """Add the commands to the command line."""
    parser = commands.add_parser(
        "publish", help="models for devices: bundles, and a signed repository of them", description=_TEXT
    )
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(group)
