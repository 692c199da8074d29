"""`eyespot-fleet view`, and where its page is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def viewing(broker: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the page of a broker on a free port; yield the process and the page's address."""
    command = [sys.executable, "-m", "eyespot_fleet", "view", "--port", "0", "--broker", broker]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            shown = re.match(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert shown is not None
            yield process, shown[0]
        finally:
            process.kill()
