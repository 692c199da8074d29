"""`eyespot-fleet publish rotate ROLE…` and `revoke KEY…`: new keys in the place of old ones."""

import argparse
import json

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands.repository_options import add_keys, working
from eyespot_fleet.commands.repository_view import as_object
from eyespot_fleet.publishing.renewing import find_key, keys_of, replace
from eyespot_fleet.publishing.repository import Repository

_SIGNERS = """\
It takes two of the keys of root for root, targets, snapshot and timestamp, the key of targets for the others,
and the online keys. A device takes nothing more from the old keys once it has seen the new root.
"""
_ROTATE = f"""\
Puts new keys in the place of all those of a role, and signs anew what they had signed.
{_SIGNERS}"""
_REVOKE = f"""\
Puts a new key in the place of one that was stolen or lost, and signs anew what it had signed.
{_SIGNERS}
After a break-in where the online keys are, revoke all of them in one go: devices then also forget version
numbers that were driven up with them.
"""


def add_to(commands: Subparsers) -> None:
    """Add the commands to the command line."""
    rotate = commands.add_parser("rotate", help="new keys for a role", description=_ROTATE)
    rotate.add_argument("roles", nargs="+", metavar="ROLE", help="root, targets, snapshot, timestamp, …")
    rotate.set_defaults(command=_rotate)
    revoke = commands.add_parser(
        "revoke", help="another key for one that is stolen or lost", description=_REVOKE
    )
    revoke.add_argument("key", nargs="+", metavar="KEY", help="its file, timestamp-0a1b2c3d.pem say")
    revoke.set_defaults(command=_revoke)
    for parser in (rotate, revoke):
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add_keys(parser)


def _rotate(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        replaced = [key for role in dict.fromkeys(arguments.roles) for key in keys_of(repository, role)]
        return _replace(repository, replaced, as_json=arguments.json)


def _revoke(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        replaced = [find_key(repository, name) for name in dict.fromkeys(arguments.key)]
        return _replace(repository, replaced, as_json=arguments.json)


def _replace(repository: Repository, replaced: list[tuple[str, str]], *, as_json: bool) -> int:
    before = {one.role: set(one.keys) for one in repository.standings()}
    replace(repository, replaced)
    if as_json:
        print(json.dumps(as_object(repository)))
        return 0
    for one in repository.standings():
        gone, new = sorted(before[one.role] - set(one.keys)), sorted(set(one.keys) - before[one.role])
        if gone:
            print(f"{one.role}: {', '.join(new)} in the place of {', '.join(gone)}")
    return 0
