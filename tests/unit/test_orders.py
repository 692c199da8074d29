"""What the eye is told to look at follows the configuration, and the bundle that it names."""

import json
from pathlib import Path

from eyespot.app.plan import plan
from eyespot.config import parse
from eyespot.host.clock import ManualClock
from eyespot.sources.eye import EyeSource
from eyespot.sources.wire import Look
from eyespot.supervisor.health import Health
from eyespot.trust.bundle import find_bundle
from fakes.eyes import Ledger

TEXT = """
[camera]
source = "scene"
[mqtt]
url = "mqtt://localhost"
[model]
bundle = "{bundle}"
"""


def ordered(folder: Path, bundle: Path) -> Look:
    """Return the order that an eye would get."""
    clock = ManualClock()
    planned = plan(parse(TEXT.format(bundle=bundle), "f"), clock, folder / "eye.sock")
    source = planned.source(Health(clock), Ledger())
    assert isinstance(source, EyeSource)
    return source.order


def test_a_bundle_that_is_changed_in_place_is_another_order(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for file in find_bundle("factory").iterdir():
        if file.is_file():
            (bundle / file.name).symlink_to(file)
    before = ordered(tmp_path, bundle)
    assert ordered(tmp_path, bundle) == before
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").unlink()
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "nms_iou": 0.9}))
    assert ordered(tmp_path, bundle) != before
