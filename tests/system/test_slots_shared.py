"""The model slots as body and update worker share them: two processes, two users, one group."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TWO_USERS = """
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from eyespot.update.slots import Slots
from fakes.slot_life import Life

GROUP, WORKER, BODY = 61000, 61001, 61002
THE_WORKERS = ("install", "stage", "collect", "raise", "trust")

def as_user(user, act):
    child = os.fork()
    if not child:
        os.setgroups([GROUP])
        os.setgid(user)
        os.setuid(user)
        os.umask(0o077)
        act()
        os._exit(0)
    assert not os.waitpid(child, 0)[1]

with TemporaryDirectory() as name:
    os.chmod(name, 0o711)
    models, life = Path(name) / "models", Life(Path(name) / "bundles")
    models.mkdir()
    os.chown(models, 0, GROUP)
    models.chmod(0o2770)
    for done, step in enumerate(life.steps):
        is_workers = step.name.startswith(THE_WORKERS)
        as_user(BODY if is_workers else WORKER, lambda: Slots.open(models))
        as_user(WORKER if is_workers else BODY, lambda: step.do(Slots.open(models)))
        assert life.judge(models, done + 1) == done + 1
    assert not models.stat().st_mode & 0o007
"""

MANY_WRITERS = """
import os, sys
from functools import partial
from pathlib import Path
from eyespot.trust.slots import Floor, raise_floor
from eyespot.update.slots import Slots

models = Path(sys.argv[1])
slots = Slots.open(models)
children = []
for writer in range(4):
    children.append(os.fork())
    if not children[-1]:
        for turn in range(1, 26):
            slots.change(partial(raise_floor, floor=Floor(targets=4 * turn + writer)))
        os._exit(0)
assert not any([os.waitpid(child, 0)[1] for child in children])
assert slots.record.generation == 100, slots.record
assert slots.record.floor.targets == 103
"""


def run(program: str, *arguments: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_body_and_worker_are_different_users_who_see_no_files_but_each_others() -> None:
    run(TWO_USERS)


def test_of_changes_by_several_processes_at_once_none_is_lost(tmp_path: os.PathLike[str]) -> None:
    run(MANY_WRITERS, os.fspath(tmp_path))
