"""How the last run ended, as its unit left it."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.host.last_run import NAME, LastRun, take_last_run


@pytest.mark.parametrize(
    ("left", "crashed", "words"),
    [
        ("signal killed SEGV\n", True, "killed by signal SEGV"),
        ("signal killed KILL\n", True, "killed by signal KILL"),
        ("core-dump dumped ABRT\n", True, "killed by signal ABRT"),
        ("watchdog killed ABRT\n", True, "it hung, so the watchdog ended it"),
        ("oom-kill killed KILL\n", True, "memory ran out, so the kernel ended it"),
        ("timeout exited 0\n", True, "it took too long to start or to stop"),
        ("protocol exited 0\n", True, "it ended before it was ready"),
        ("exit-code exited 70\n", True, "exit code 70"),
        ("exit-code exited 74\n", True, "exit code 74"),
        ("exit-code exited 203\n", True, "exit code 203"),
        ("resources\n", True, "systemd lacked the means to start it"),
        ("something-new\n", True, "something-new"),
        ("success exited 0\n", False, "exit code 0"),
        ("success exited 75\n", False, "exit code 75"),
        ("success killed TERM\n", False, "killed by signal TERM"),
        ("exec-condition exited 1\n", False, "exit code 1"),
        ("exit-code exited 64\n", False, "exit code 64"),
        ("exit-code exited 78\n", False, "exit code 78"),
    ],
)
def test_what_systemd_says_is_told_in_words(tmp_path: Path, left: str, crashed: bool, words: str) -> None:
    (tmp_path / NAME).write_text(left)
    assert take_last_run(tmp_path) == LastRun(crashed, words)


def test_an_ending_counts_once(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("signal killed SEGV\n")
    assert take_last_run(tmp_path) is not None
    assert take_last_run(tmp_path) is None


@settings(deadline=None)  # it waits for the disk
@given(st.binary(max_size=300))
def test_whatever_is_left_there_is_one_short_printable_line(
    tmp_path_factory: pytest.TempPathFactory, left: bytes
) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / NAME).write_bytes(left)
    last = take_last_run(folder)
    assert last is not None
    assert last.words.isprintable()
    assert 0 < len(last.words) < 80


def test_a_file_that_was_cut_off_is_a_crash(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    assert take_last_run(tmp_path) == LastRun(crashed=True, words="nobody knows how it ended")


def test_neither_a_pipe_nor_a_folder_nor_a_link_in_its_place_holds_up_the_start(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("success exited 0\n")
    for plant in (os.mkfifo, Path.mkdir, lambda place: place.symlink_to(tmp_path / "elsewhere")):
        plant(tmp_path / NAME)
        assert take_last_run(tmp_path) == LastRun(crashed=True, words="nobody knows how it ended")
        if (tmp_path / NAME).is_dir():
            (tmp_path / NAME).rmdir()
    assert (tmp_path / "elsewhere").exists()
