"""`eyespot-fleet view`, and where its page is."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Viewing = tuple[subprocess.Popen[str], str]


@contextmanager
def viewing(broker: str) -> Iterator[Viewing]:
    """Serve the page of a broker on a free port; yield the process and the page's address."""
    with served([sys.executable, "-m", "eyespot_fleet", "view", "--broker", broker]) as view:
        yield view


@contextmanager
def served(command: Sequence[str], folder: Path | None = None) -> Iterator[Viewing]:
    """Likewise, by what is typed in a folder, but for the port."""
    view = [*command, "--port", "0"]
    with subprocess.Popen(view, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            shown = re.match(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert shown is not None
            yield process, shown[0]
        finally:
            process.kill()
