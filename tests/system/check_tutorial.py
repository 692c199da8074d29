"""models/TUTORIAL.md: types what it says, and compares what comes with what it shows. Five minutes."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "models" / "TUTORIAL.md"
MODEL = "ssd-mobilenet-v2-oidv4"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def typed_and_shown() -> list[tuple[str, list[str]]]:
    """Return each block of commands, with the lines that the page shows of what they print."""
    found: list[tuple[str, list[str]]] = []
    for kind, text in BLOCK.findall(TUTORIAL.read_text()):
        if kind == "sh":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def type_all(folder: Path, blocks: list[str]) -> list[str]:
    """Return what each block has printed."""
    tools = folder / "bin"
    tools.mkdir()
    for name, module in (("eyespot", "eyespot"), ("eyespot-fleet", "eyespot_fleet")):
        (tools / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        (tools / name).chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}:/usr/sbin"
    environ = os.environ | {"PATH": path, "MODELS": str(ROOT / "models"), "PYTHONUNBUFFERED": "1"}
    script = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n" + "\necho '# next'\n".join(blocks)
    for port in ("1884", "8084"):
        script = script.replace(port, free_port())
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=900,
    )
    return done.stdout.split("# next\n")


@pytest.mark.timeout(1000)
def test_what_the_tutorial_types_does_what_it_shows(tmp_path: Path) -> None:
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("there is no mosquitto here")
    blocks = typed_and_shown()
    printed = type_all(tmp_path, [typed for typed, _ in blocks])
    assert len(printed) == len(blocks)
    for (_, shown), came in zip(blocks, printed, strict=True):
        lines = iter(came.splitlines())
        for line in shown:
            assert line in lines, f"{line!r} did not come, or not in its place, in:\n{came}"
    assert "  door-2: rolled back: " in printed[-2]
    (shunned,) = [line for line in printed[-2].splitlines() if line.startswith("quarantine")]
    assert f"{MODEL}@1.2.0-" in shunned
    assert f"{MODEL} 1.2.0 to 0 % of the cohort default (halted), rollout worse" in printed[-2]
    parts = (tmp_path / "door-1" / "models" / "bundles").iterdir()
    assert not [part.name for part in parts if "@1.2.0-" in part.name], "it came to a device it was not for"
