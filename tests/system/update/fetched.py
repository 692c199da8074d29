"""What an update costs: requests, processor, memory, time, bytes over a bad line. Asserts the limits.

    python tests/system/update/fetched.py

Needs tests/ on PYTHONPATH and a `python` that has eyespot with tuf and an engine. The bundle is the factory's
with a network of 20 MB, or 100 MB: what follows behind a network's end no engine looks at.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from eyespot.trust.archive import pack
from eyespot.trust.packed import check_packed
from fakes.bundles import FACTORY
from fakes.mirrors import Mirror, serving
from fakes.repository import FakeRepository
from fakes.updates import Fitted

MB = 1_000_000
CUTS, RATE_BYTES_S = 10, 200_000
MOST_EXTRA, MOST_PEAK_MB, MOST_IDLE_CPU_S, MOST_STAGING_S = 0.02, 70.0, 1.0, 1.0

# What the child says at its end of itself, its own children apart.
_CHILD = """
import json, re, resource, sys
from eyespot.__main__ import main
code = main(sys.argv[1:])
own = resource.getrusage(resource.RUSAGE_SELF)
status = open("/proc/self/status").read()  # ru_maxrss counts the memory of who forked us, too
peak_kb = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
print(json.dumps({"code": code, "peak_mb": peak_kb / 1024, "cpu_s": own.ru_utime + own.ru_stime}))
"""


@dataclass
class Run:
    """How a run of the worker went: exit code, memory, processor time, when each of its words came, in s."""

    code: int = 0
    peak_mb: float = 0.0
    cpu_s: float = 0.0
    words: dict[str, float] = field(default_factory=dict)


def bundle_of(folder: Path, version: str, size: int) -> tuple[str, bytes]:
    """Return id and archive of the factory's bundle under another version, its network made so large."""
    shutil.copytree(FACTORY, folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    network = folder / manifest["network"]["file"]
    data = network.read_bytes()
    network.write_bytes(data + os.urandom(max(0, size - len(data))))
    data = network.read_bytes()
    manifest["network"] |= {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest |= {"version": version, "needs": {"memory_mb": 1024}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    out = io.BytesIO()
    pack(folder, out)
    return check_packed(folder).identity(()).bundle, out.getvalue()


def update(config: Path) -> Run:
    """Run the worker once."""
    run = Run()
    begun = time.monotonic()
    command = [sys.executable, "-c", _CHILD, "update", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            run.words[line.split()[0]] = time.monotonic() - begun
            if line.startswith("{"):
                told = json.loads(line)
                run.code, run.peak_mb, run.cpu_s = told["code"], told["peak_mb"], told["cpu_s"]
            else:
                print("   ", line, end="")
    return run


class Trial:
    """A device with a repository behind a server; the work is done in a folder.

    Args:
        folder: for everything.
        mirror: serves what is in `repository` there.
    """

    def __init__(self, folder: Path, mirror: Mirror) -> None:
        self._folder = folder
        self._mirror = mirror
        self._repository = FakeRepository(folder / "repository")
        (folder / "root.json").write_bytes(self._repository.root)
        self._config = folder / "eyespot.toml"
        self._config.write_text(
            f'[camera]\nsource = "scene"\n[mqtt]\nurl = "mqtt://localhost"\n'
            f'[state]\ndir = "{folder}/state"\n[update]\nurl = "{mirror.url}"\n'
        )

    def offers(self, version: str, size: int) -> int:
        """Offer a bundle; return how large its archive is."""
        bundle, archive = bundle_of(self._folder / version, version, size)
        self._repository.add(archive, bundle)
        self._repository.release(bundle)
        return len(archive)

    def runs(self) -> Run:
        self._mirror.requests.clear()
        self._mirror.sent_bytes = 0
        return update(self._config)


def idle(trial: Trial, mirror: Mirror) -> None:
    trial.runs()
    run = trial.runs()
    told("idle poll: requests", len(mirror.requests), 2)
    told("idle poll: processor time, s", run.cpu_s, MOST_IDLE_CPU_S)
    told("idle poll: peak memory, MB", run.peak_mb, MOST_PEAK_MB)


def staging(trial: Trial) -> None:
    trial.offers("9.0.1", 20 * MB)
    run = trial.runs()
    end_s = run.words["ssd-mobilenet-v2-oidv4"]
    told(
        "20 MB: from its last byte to staged, with the trial of its network, s",
        end_s - run.words["verifying"],
        None,
    )
    told("20 MB: peak memory, MB", run.peak_mb, MOST_PEAK_MB)


def staging_alone(folder: Path) -> None:
    """Measure what verifying and staging take: the bytes are on a stick, and nobody tries the network."""
    repository = FakeRepository(folder / "on-a-stick")
    bundle, archive = bundle_of(folder / "1.2.3", "1.2.3", 20 * MB)
    repository.add(archive, bundle)
    repository.release(bundle)
    device = Fitted(folder / "models", repository)
    device.device = replace(device.device, memory_mb=100_000)
    begun = time.monotonic()
    assert device.update().state == "staged"
    told("20 MB: copied, verified and staged, without the trial, s", time.monotonic() - begun, MOST_STAGING_S)


def large(trial: Trial) -> None:
    trial.offers("9.0.2", 100 * MB)
    told("100 MB: peak memory, MB", trial.runs().peak_mb, MOST_PEAK_MB)


def bad_line(trial: Trial, mirror: Mirror) -> None:
    size = trial.offers("9.0.3", 20 * MB)
    mirror.cuts = [size // (CUTS + 2)] * CUTS
    mirror.rate_bytes_s = RATE_BYTES_S
    begun = time.monotonic()
    run = trial.runs()
    took_s = time.monotonic() - begun
    mirror.rate_bytes_s = 0
    assert "ssd-mobilenet-v2-oidv4" in run.words, "it did not come through"
    assert len(mirror.of_bundles()) == CUTS + 1, mirror.of_bundles()
    extra = mirror.sent_bytes / size - 1
    told(f"200 kB/s, cut {CUTS} times: bytes more than the bundle, and metadata", extra, MOST_EXTRA)
    told(f"200 kB/s, cut {CUTS} times: longer than without cuts, s", took_s - size / RATE_BYTES_S, None)


def told(what: str, figure: float, most: float | None) -> None:
    """Print a figure; end where it is above the most that it may be."""
    print(f"{what:64} {figure:8.3f}" + ("" if most is None else f"   of {most:g} at most"), flush=True)
    if most is not None and figure > most:
        sys.exit(f"{what}: {figure:.3f}, more than {most:g}")


def main() -> None:
    """Measure everything."""
    with TemporaryDirectory(prefix="eyespot-fetched-") as name:
        folder = Path(name)
        with serving(folder / "repository") as mirror:
            trial = Trial(folder, mirror)
            idle(trial, mirror)
            staging(trial)
            staging_alone(folder)
            large(trial)
            bad_line(trial, mirror)


if __name__ == "__main__":
    main()
