"""The model slots, killed wherever Python changes the disk; `tests/run ci` does so with strace, anywhere."""

import os
import subprocess
import sys
from pathlib import Path

KILLED = """
from pathlib import Path
from tempfile import TemporaryDirectory
from fakes.killing import calls_of, dies
from fakes.slot_life import Life

memory = Path("/dev/shm")  # who is killed loses nothing that is written, so that no disk is waited for
with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
    cut = lambda calls, work: dies(calls, lambda: (work(), 0)[1])
    steps = Life(Path(name)).cut_everywhere(Path(name), calls_of, cut)
    print(sum(step.cut for step in steps))
"""


def test_killed_anywhere_the_slots_hold_a_whole_model_and_all_that_was_acknowledged() -> None:
    told = subprocess.run(
        [sys.executable, "-c", KILLED],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) > 100, told.stdout
