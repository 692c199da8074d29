"""Commands as people type them: what they print, and the exit codes when something is wrong."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.recording import RecordingReader
from fakes.bundles import write_bundle
from fakes.daemon import LINE, Daemon, eyespot, write_config, write_recording
from fakes.waiting import until

NOBODY = "mqtt://127.0.0.1:9"
SCENE = {"source": "scene"}
SHARE = {"kind": "share", "id": "scale"}


def replaying(folder: Path, crossings: int = 3) -> tuple[Path, Path]:
    recording = write_recording(folder / "walk.eyespot.jsonl", crossings)
    camera = {"source": "replay", "file": str(recording), "pace": "fast"}
    return write_config(folder, camera=camera, url=NOBODY), recording


def test_help_names_every_command_with_examples() -> None:
    told = eyespot("--help")
    assert told.returncode == 0
    assert all(f"eyespot {name}" in told.stdout for name in ("demo", "check", "run", "record", "replay"))


@pytest.mark.parametrize("arguments", [[], ["fly"], ["demo", "--seconds", "0"], ["demo", "--seconds", "x"]])
def test_wrong_usage_is_exit_code_64(arguments: list[str]) -> None:
    told = eyespot(*arguments)
    assert (told.returncode, told.stdout) == (64, "")
    assert "usage: eyespot" in told.stderr


def test_replay_prints_the_same_bytes_each_time_and_needs_no_broker(tmp_path: Path) -> None:
    config, recording = replaying(tmp_path)
    first, second = (eyespot("replay", "--config", config, recording) for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert all(set(line) == {"topic", "payload", "retain", "qos"} for line in lines)
    crossings = [line for line in lines if line["topic"] == "eyespot/v1/shop/rule/door/event"]
    assert [line["payload"]["direction"] for line in crossings] == ["in"] * 3
    assert lines[-1]["payload"]["counts"] == {"person": {"in": 3, "out": 0}}
    assert lines[0]["payload"]["t"] == "2026-01-01T00:00:00.000Z"


def test_what_was_recorded_is_replayed(tmp_path: Path) -> None:
    config, recording = replaying(tmp_path)
    copy = tmp_path / "copy.eyespot.jsonl.zst"
    told = eyespot("record", "--config", config, "-o", copy)
    assert told.returncode == 0, told.stderr
    assert len(list(RecordingReader(copy))) == len(list(RecordingReader(recording)))
    counts = [
        json.loads(eyespot("replay", "--config", config, file).stdout.splitlines()[-1])["payload"]["counts"]
        for file in (recording, copy)
    ]
    assert counts[0] == counts[1] == {"person": {"in": 3, "out": 0}}


def test_ctrl_c_ends_a_recording_with_whole_lines(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera=SCENE, url=NOBODY)
    output = tmp_path / "scene.eyespot.jsonl"
    command = [sys.executable, "-m", "eyespot", "record", "--config", str(config), "-o", str(output)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until(lambda: output.exists() and output.read_bytes().count(b"\n") > 5, "some observations")
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
    assert len(list(RecordingReader(output))) >= 5


def test_a_full_disk_while_recording_is_named(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera=SCENE, url=NOBODY)
    told = eyespot("record", "--config", config, "-o", "/dev/full", "--seconds", "5")
    assert told.returncode == 74
    assert "No space left on device; free some space" in told.stderr


def test_output_that_nobody_can_take_is_no_traceback(tmp_path: Path) -> None:
    config, recording = replaying(tmp_path)
    command = [sys.executable, "-m", "eyespot", "replay", "--config", str(config), str(recording)]
    for redirected, code, words in ((">/dev/full", 74, "cannot write the output"), (">&-", 0, "")):
        told = subprocess.run(
            ["sh", "-c", f'"$@" {redirected}', "sh", *command], capture_output=True, text=True, check=False
        )
        assert told.returncode == code
        assert told.stderr.startswith(words)
        assert told.stderr.count("\n") == bool(words)


def test_a_recording_is_not_recorded_over(tmp_path: Path) -> None:
    config, recording = replaying(tmp_path)
    before = recording.read_bytes()
    told = eyespot("record", "--config", config, "-o", recording)
    assert told.returncode == 74
    assert "is there already; name another file" in told.stderr
    assert recording.read_bytes() == before


def test_a_recording_that_is_cut_off_gives_all_whole_lines_and_then_65(tmp_path: Path) -> None:
    config, recording = replaying(tmp_path)
    whole = eyespot("replay", "--config", config, recording).stdout
    recording.write_bytes(recording.read_bytes()[:-20])
    told = eyespot("replay", "--config", config, recording)
    assert told.returncode == 65
    assert "walk.eyespot.jsonl:62: cut off here" in told.stderr
    # the boot id derives from the file, so counts are compared
    assert len(told.stdout.splitlines()) == len(whole.splitlines())


def test_a_configuration_with_many_errors_names_them_all(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(
        '[camera]\nsource = "scene"\nmont = "overhead"\n[mqtt]\nurl = "http://x"\n[[rules]]\nkind = "lin"\n'
    )
    for command in (["check", file], ["run", "--config", file], ["replay", "--config", file, "x"]):
        told = eyespot(*command)
        assert told.returncode == 78
        assert told.stderr.count(f"{file}:") >= 2, told.stderr
    told = eyespot("check", file)
    assert 'did you mean "mount"' in told.stderr
    assert 'did you mean "line"' in told.stderr


def test_a_rule_that_names_a_class_the_model_lacks_is_exit_code_78(tmp_path: Path) -> None:
    rule = {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5], "classes": ["persn"]}
    file = write_config(tmp_path, camera=SCENE, url=NOBODY, rules=[rule])
    told = eyespot("check", file)
    assert told.returncode == 78
    assert 'the model has no "persn"; did you mean "person"' in told.stderr


def test_a_broken_model_is_named_before_anything_runs(tmp_path: Path) -> None:
    factory = Path(__file__).parents[2] / "models" / "factory"
    bundle = shutil.copytree(factory, tmp_path / "bundle")
    network = bytearray((bundle / "model.tflite").read_bytes())
    network[5_000_000] ^= 1
    (bundle / "model.tflite").write_bytes(network)
    file = write_config(tmp_path, camera=SCENE, url=NOBODY)
    file.write_text(file.read_text() + f'[model]\nbundle = "{bundle}"\n')
    for command in (["run", "--config", file], ["check", file]):
        told = eyespot(*command)
        assert told.returncode == 78
        assert "model.tflite is damaged" in told.stderr
        assert told.stderr.count("\n") == 1


def test_check_refuses_a_model_whose_decoder_does_not_fit(tmp_path: Path) -> None:
    factory = Path(__file__).parents[2] / "models" / "factory"
    bundle = shutil.copytree(factory, tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["decoder"]["layers"].pop()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    file = write_config(tmp_path, camera=SCENE, url=NOBODY)
    file.write_text(file.read_text() + f'[model]\nbundle = "{bundle}"\n')
    told = eyespot("check", file)
    assert told.returncode == 78
    assert "the decoder wants the outputs boxes [" in told.stderr


def classifying(folder: Path, rule: dict[str, object]) -> Path:
    """Configure a bundle whose network is none: it is told what it would say without running it."""
    (folder / "bundle").mkdir()
    bundle = write_bundle(
        folder / "bundle",
        b"\x1c\x00\x00\x00TFL3",
        b"apple\npear\n",
        outputs=[{"role": "scores", "shape": [2], "dtype": "uint8"}],
        decoder={"kind": "classifier", "softmax": False},
    )
    file = write_config(folder, camera=SCENE, url=NOBODY, rules=[rule])
    file.write_text(f'{file.read_text()}[model]\nbundle = "{bundle}"\n')
    return file


def test_a_line_in_front_of_a_classifier_is_exit_code_78_with_the_line_of_the_file(tmp_path: Path) -> None:
    file = classifying(tmp_path, LINE)
    told = eyespot("check", file)
    place = file.read_text().splitlines().index('kind = "line"') + 1
    words = 'kind: the model classifies; a rule of kind "line" needs one that finds objects or finds persons'
    assert (told.returncode, told.stderr) == (78, f"{file}:{place}: {words}\n")


def test_check_finds_a_share_in_front_of_a_classifier_right(tmp_path: Path) -> None:
    told = eyespot("check", classifying(tmp_path, SHARE))
    assert (told.returncode, told.stderr) == (0, "")


def test_a_model_that_classifies_gives_nothing_to_record(tmp_path: Path) -> None:
    file = classifying(tmp_path, SHARE)
    output = tmp_path / "film.eyespot.jsonl"
    told = eyespot("record", "--config", file, "-o", output)
    place = len(file.read_text().splitlines())
    words = "bundle: the model finds no objects, and a recording holds nothing else; name one that does"
    assert (told.returncode, told.stderr) == (78, f"{file}:{place}: {words}\n")
    assert not output.exists()


def test_a_share_has_nothing_to_say_of_a_recording(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "walk.eyespot.jsonl", 1)
    camera = {"source": "replay", "file": str(recording)}
    file = write_config(tmp_path, camera=camera, url=NOBODY, rules=[SHARE])
    for command in (["replay", "--config", file, recording], ["check", file], ["run", "--config", file]):
        told = eyespot(*command)
        assert (told.returncode, told.stdout) == (78, "")
        assert 'kind: the model finds objects; a rule of kind "share" needs one that' in told.stderr


@pytest.mark.parametrize("content", [None, b"", b"this is no video" * 100])
def test_a_video_that_cannot_be_read_is_exit_code_65(tmp_path: Path, content: bytes | None) -> None:
    clip = tmp_path / "clip.avi"
    if content is not None:
        clip.write_bytes(content)
    file = write_config(tmp_path, camera={"source": "video", "file": str(clip)}, url=NOBODY)
    told = eyespot("run", "--config", file)
    assert told.returncode == 65, told.stderr
    assert "clip.avi" in told.stderr


def test_a_certificate_that_cannot_be_used_is_check_s_to_refuse_and_counting_goes_on(tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.touch()
    camera = {
        "source": "replay",
        "file": str(write_recording(tmp_path / "walk.eyespot.jsonl", 1)),
        "loop": True,
    }
    file = write_config(tmp_path, camera=camera, url=NOBODY)
    url = f'url = "{NOBODY}"'
    file.write_text(file.read_text().replace(url, f'url = "mqtts://127.0.0.1:9"\nca_file = "{authority}"'))
    told = eyespot("check", file)
    assert (told.returncode, told.stdout) == (78, "")
    assert told.stderr.startswith("cannot use ca_file")
    assert told.stderr.count("\n") == 1
    with Daemon(file) as daemon:
        until(lambda: "credentials_refused" in str(daemon.told), "STATUS says why")
        until(daemon.ready, "it counts")
        assert "cannot use ca_file" in daemon.stderr
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


def test_a_denied_login_is_named_and_counting_goes_on(tmp_path: Path) -> None:
    with LocalMosquitto(["allow_anonymous false"]) as mosquitto:
        file = write_config(tmp_path, camera=SCENE, url=mosquitto.url)
        with Daemon(file) as daemon:
            until(
                lambda: any("login denied" in t for t in daemon.told),
                "STATUS says why",
            )
            assert daemon.process.poll() is None


def test_the_demo_ends_by_itself_with_a_summary() -> None:
    begun = time.monotonic()
    told = eyespot("demo", "--seconds", "8")
    assert told.returncode == 0, told.stderr
    assert time.monotonic() - begun < 20
    assert "rule/middle/state" in told.stdout
    assert "published, as a subscriber received it" in told.stdout
    assert re.search(r"to draw lines: \S+/eyespot-fleet view --broker mqtt://127.0.0.1:\d+\n", told.stdout)


def test_the_demo_does_without_mosquitto_and_says_so() -> None:
    told = eyespot("demo", "--seconds", "3", EYESPOT_MOSQUITTO="/nonexistent")
    assert told.returncode == 0, told.stderr
    assert "one inside this process" in told.stdout
    assert "1 info" in told.stdout or "2 info" in told.stdout
