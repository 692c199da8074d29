"""Runs the JavaScript of the page of `eyespot-fleet view` by node, without a browser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import eyespot_fleet.view

PAGE = Path(eyespot_fleet.view.__file__).parent / "page"
NODE = shutil.which("node")


def copied(folder: Path) -> Path:
    """Return a folder with the page's modules, as node takes them."""
    for module in PAGE.glob("*.js"):
        shutil.copy(module, folder)
    (folder / "package.json").write_text('{"type": "module"}')  # as the page's <script type="module"> says
    return folder


def evaluate(page: Path, module: str, expression: str, given: object = None) -> Any:
    """Return what an expression is of `m`, a module, and `given`."""
    program = (
        f"import * as m from './{module}.js';"
        "const given = JSON.parse(process.argv[1]);"
        f"console.log(JSON.stringify({expression}));"
    )
    command = [str(NODE), "--input-type=module", "-e", program, json.dumps(given)]
    done = subprocess.run(command, cwd=page, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
