"""`eyespot-fleet publish`: the repository that devices take their models from."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eyespot.commands.options import Subparsers
from eyespot_fleet.commands import publish_keys, publish_serve
from eyespot_fleet.commands.options import days
from eyespot_fleet.commands.repository_options import add_keys, keys, warn, working
from eyespot_fleet.commands.repository_view import as_object, as_text
from eyespot_fleet.publishing.founding import DAYS, OFFLINE_DAYS, Terms, add_site, found
from eyespot_fleet.publishing.releasing import add_bundle
from eyespot_fleet.publishing.renewing import WARN_DAYS, refresh
from eyespot_fleet.publishing.repository import opened

_TEXT = """\
A repository of The Update Framework: plain files, for any web server, bucket, mirror or USB stick. Whoever
holds the files cannot change what devices take from them; whoever holds the keys can.
"""
_INIT = """\
Makes a repository and new keys for each role. Of the three keys of root any two can replace every other key:
keep them apart, on media that lie in drawers, and the key of targets on another one. The keys in online/ sign
unattended; keep them where `publish refresh` runs. Devices begin with metadata/1.root.json.
"""
_ADD = """\
Checks a packed bundle as a device does, and adds it. Nobody runs it before it is released to a cohort.
Where the online keys are not at hand, `publish refresh` lets it be seen where they are.
"""
_REFRESH = f"""\
Signs anew what has less than half of its time left, and announces what was signed elsewhere. To be run by a
timer where the online keys are; what it cannot sign is left as it is. Ends with 1 when anything ends in less
than {WARN_DAYS} days all the same.
"""
_SITE = """\
Gives a cohort keys of its own: they alone say what its devices run, out of its own bundles and those for all;
neither the key of another site nor that of desired does.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command to the command line."""
    group = commands.add_parser("publish", help="the repository that models come from", description=_TEXT)
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    init = _verb(verbs, "init", "a new repository, with its keys", _INIT)
    init.add_argument(
        "--days",
        type=days,
        default=DAYS,
        metavar="N",
        help="what the online keys sign holds so long (default: %(default)s)",
    )
    init.add_argument(
        "--offline-days",
        type=days,
        default=OFFLINE_DAYS,
        metavar="N",
        help="what the others sign holds so long (default: %(default)s)",
    )
    init.set_defaults(command=_init)
    add = _verb(verbs, "add", "add a packed bundle", _ADD)
    add.add_argument("bundle", type=Path, metavar="BUNDLE", help="made by `publish pack`, .tar.zst")
    add.add_argument("--site", metavar="NAME", help="for this site alone, signed by its key")
    add.set_defaults(command=_add)
    _verb(verbs, "refresh", "sign anew what ends soon", _REFRESH).set_defaults(command=_refresh)
    site = _verb(verbs, "site", "give a cohort keys of its own", _SITE)
    site.add_argument("site", metavar="NAME", help="that of the cohort, as its devices are configured")
    site.set_defaults(command=_site)
    show = _verb(verbs, "show", "who signs until when, and what is released", None)
    show.set_defaults(command=_show)
    publish_keys.add_to(verbs)
    publish_serve.add_to(verbs)


def _verb(verbs: Any, name: str, summary: str, text: str | None) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=text or summary)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_keys(parser)
    return parser


def _init(arguments: argparse.Namespace) -> int:
    terms, now = Terms(arguments.days, arguments.offline_days), datetime.now(UTC)
    found(arguments.repository, keys(arguments), now, terms)
    with opened(arguments.repository, keys(arguments), now) as repository:
        if arguments.json:
            print(json.dumps(as_object(repository)))
            return 0
        print(f"{arguments.repository}: a new repository\n{as_text(repository)}")
    print("Take offline/ of the keys away from this machine, each key of root onto a medium of its own.")
    return 0


def _add(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        added = add_bundle(repository, arguments.bundle, arguments.site)
        announced = repository.announce()
        if arguments.json:
            told = {"bundle": added.packed.bundle, "target": added.target, "announced": announced}
            print(json.dumps(told))
        else:
            print(f"{added.target}: {'there already' if added.kept else 'added'}")
    return 0


def _refresh(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        warn(refresh(repository))
        ends = min(one.expires for one in repository.standings())
        if arguments.json:
            print(json.dumps(as_object(repository)))
        else:
            print(f"{arguments.repository}: signed; the first of it ends on {ends:%Y-%m-%d}")
        return int((ends - repository.now).days < WARN_DAYS)


def _site(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        add_site(repository, arguments.site)
        repository.announce()
        if arguments.json:
            print(json.dumps(as_object(repository)))
        else:
            print(f"{arguments.site}: has its own keys; devices with this cohort listen to them alone")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with working(arguments) as repository:
        print(json.dumps(as_object(repository)) if arguments.json else as_text(repository))
    return 0
