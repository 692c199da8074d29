"""The model slots as a folder: what is installed, recorded, collected and left for others."""

import errno
import json
import os
from functools import partial
from pathlib import Path

import pytest

from eyespot.domain import placing
from eyespot.domain.errors import ModelError, StoreError
from eyespot.trust.notes import Request, WorkerNote
from eyespot.trust.slots import OutOfTurnError, Record, Staged, activate, commit, roll_back, stage
from eyespot.update.slots import Slots
from fakes.bundles import write_bundle

NETWORK = b"\x1c\x00\x00\x00TFL3" + bytes(100)
A_WEEK_S = 7 * 86_400


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    return Slots.open(tmp_path / "models")


def install(slots: Slots, network: bytes = NETWORK, **changes: object) -> str:
    with slots.staging() as folder:
        return slots.install(write_bundle(folder, network, b"person\n", **changes))


def tried(slots: Slots, network: bytes = NETWORK) -> str:
    bundle = install(slots, network)
    slots.change(partial(stage, staged=Staged(bundle=bundle)))
    slots.change(activate)
    return bundle


def committed(slots: Slots, network: bytes = NETWORK) -> str:
    bundle = tried(slots, network)
    slots.change(partial(commit, at_s=1))
    return bundle


def test_without_a_record_the_factory_model_looks(slots: Slots) -> None:
    assert slots.record == Record()


def test_a_change_is_what_the_next_process_reads(slots: Slots) -> None:
    bundle = committed(slots)
    record = Slots.open(slots.folder).record
    assert (record.current, record.good, record.generation) == (bundle, bundle, 3)
    assert (slots.folder / "current").resolve() == slots.bundle_folder(bundle)


def test_an_installed_bundle_cannot_be_written(slots: Slots) -> None:
    place = slots.bundle_folder(install(slots))
    assert place.stat().st_mode & 0o777 == 0o555
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o444}
    assert list((slots.folder / "staging").iterdir()) == []


def test_the_same_bundle_again_is_used_again(slots: Slots) -> None:
    place = slots.bundle_folder(install(slots))
    before = place.stat().st_ino
    install(slots)
    assert place.stat().st_ino == before


def test_a_bundle_whose_move_was_cut_off_is_used_again(slots: Slots) -> None:
    place = slots.bundle_folder(install(slots))
    place.chmod(0o755)  # it was renamed, and no more
    before = place.stat().st_ino
    install(slots)
    assert (place.stat().st_ino, place.stat().st_mode & 0o777) == (before, 0o555)


def test_a_damaged_bundle_that_nobody_uses_gives_way_to_the_whole_one(slots: Slots) -> None:
    place = slots.bundle_folder(install(slots))
    (place / "labels.txt").chmod(0o644)
    (place / "labels.txt").write_bytes(b"")
    install(slots)
    assert (place / "labels.txt").read_bytes() == b"person\n"
    assert list((slots.folder / "trash").iterdir()) == []


def test_a_bundle_in_use_is_never_exchanged_for_another_of_its_name(slots: Slots) -> None:
    place = slots.bundle_folder(committed(slots))
    before = (place / "manifest.json").read_bytes()
    with pytest.raises(StoreError, match="as a new version"):
        install(slots, min_score=0.9)
    assert (place / "manifest.json").read_bytes() == before


def test_what_has_no_manifest_is_not_installed(slots: Slots) -> None:
    with slots.staging() as folder, pytest.raises(ModelError):
        slots.install(folder)
    assert list((slots.folder / "bundles").iterdir()) == []


def test_only_what_nobody_uses_is_collected(slots: Slots) -> None:
    good = committed(slots)
    waiting = install(slots, NETWORK + b"2")
    slots.change(partial(stage, staged=Staged(bundle=waiting)))
    install(slots, NETWORK + b"3")
    slots.collect()
    assert {path.name for path in (slots.folder / "bundles").iterdir()} == {good, waiting}


def test_a_change_out_of_turn_leaves_the_record_alone(slots: Slots) -> None:
    with pytest.raises(OutOfTurnError):
        slots.change(partial(roll_back, reason="", at_s=1))
    assert not (slots.folder / "state.json").exists()


def test_half_a_new_record_is_no_record(slots: Slots) -> None:
    bundle = committed(slots)
    (slots.folder / ".state.json.new").write_bytes(b'{"sha256": "')
    assert Slots.open(slots.folder).record.good == bundle
    assert committed(slots, NETWORK + b"2") == slots.record.good


@pytest.mark.parametrize("harm", [b"", b"{}", b'{"sha256": "', None])
def test_a_damaged_record_is_said_so_and_the_factory_model_looks(slots: Slots, harm: bytes | None) -> None:
    path = slots.folder / "state.json"
    bundle = committed(slots)
    if harm is None:  # one letter
        harm = path.read_bytes().replace(b'"generation":3', b'"generation":4')
    path.write_bytes(harm)
    with pytest.raises(StoreError, match="damaged"):
        _ = slots.record
    assert Slots.open(slots.folder).record == Record()
    assert path.with_name("state.json.damaged").read_bytes() == harm
    assert slots.bundle_folder(bundle).exists()


def test_a_bundle_that_is_gone_gives_way_to_what_was_good_before(slots: Slots) -> None:
    good = committed(slots)
    slots.bundle_folder(tried(slots, NETWORK + b"2")).rename(slots.folder / "elsewhere")
    record = Slots.open(slots.folder).record
    assert (record.current, record.good, record.trial) == (good, good, None)


def test_a_start_wipes_staging_and_trash_and_mends_the_link(slots: Slots) -> None:
    bundle = committed(slots)
    for name in ("staging", "trash"):
        left = slots.folder / name / "left"
        left.mkdir()
        (left / "file").touch()
        left.chmod(0o555)
    (slots.folder / "current").unlink()
    Slots.open(slots.folder)
    assert not list((slots.folder / "staging").iterdir()) + list((slots.folder / "trash").iterdir())
    assert (slots.folder / "current").readlink() == Path(f"bundles/{bundle}")


def test_nobody_wipes_or_collects_what_another_is_at_work_on(slots: Slots) -> None:
    other = Slots(slots.folder)
    with other.staging() as folder:
        (folder / "half").touch()
        Slots.open(slots.folder)
        assert (folder / "half").exists()
        with pytest.raises(StoreError, match="another process"):
            slots.collect()


def test_more_room_than_there_is_is_not_begun_with(slots: Slots) -> None:
    slots.need_room(1)
    with pytest.raises(StoreError, match="make room"):
        slots.need_room(10**18)


def test_requests_are_taken_once_in_their_order_and_rubbish_is_dropped(slots: Slots) -> None:
    for req_id in ("1", "2"):
        slots.post_request("body", Request(kind="rollback", req_id=req_id))
    (slots.folder / "requests" / "body" / "0.json").write_text(json.dumps({"kind": "explode"}))
    assert [request.req_id for request in slots.take_requests("body")] == ["1", "2"]
    assert slots.take_requests("body") == []
    assert slots.take_requests("worker") == []


def test_half_a_request_is_not_heard(slots: Slots) -> None:
    (slots.folder / "requests" / ".body.new").write_bytes(b'{"kind"')
    assert slots.take_requests("body") == []
    slots.post_request("body", Request(kind="rollback"))
    assert len(slots.take_requests("body")) == 1


def test_requests_that_nobody_takes_are_bounded(slots: Slots) -> None:
    for _ in range(32):
        slots.post_request("worker", Request(kind="check"))
    with pytest.raises(StoreError, match="see whether the worker runs"):
        slots.post_request("worker", Request(kind="check"))


def test_the_workers_note_is_read_by_others(slots: Slots) -> None:
    assert slots.worker_note() is None
    slots.write_worker_note(WorkerNote(state="checking", at_s=1))
    assert Slots(slots.folder).worker_note() == WorkerNote(state="checking", at_s=1)


def test_a_change_that_may_not_have_reached_the_disk_is_taken_back(
    slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tried(slots)
    before = slots.record
    with monkeypatch.context() as patched:
        patched.setattr(placing, "sync_folder", fails)
        with pytest.raises(StoreError, match=r"state\.json: Input/output error"):
            slots.change(partial(commit, at_s=1))
    assert slots.record == before
    assert slots.change(partial(commit, at_s=2)).good == bundle


def test_a_reason_of_any_length_can_be_read_again(slots: Slots) -> None:
    tried(slots)
    slots.change(partial(roll_back, reason="worse " * 1000, at_s=1))
    assert slots.record.quarantine[0].reason.startswith("worse worse")


def test_what_nobody_could_read_is_not_written(slots: Slots) -> None:
    committed(slots)
    before = slots.record
    with pytest.raises(StoreError, match="nobody could read it"):
        slots.change(partial(stage, staged=Staged(bundle="../../etc")))
    with pytest.raises(StoreError, match="nobody could read it"):
        slots.write_worker_note(WorkerNote(at_s=-1))
    assert slots.record == before


def fails(folder: Path) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write") as caught:
        Slots.open(tmp_path / "file" / "models")
    assert "\n" not in str(caught.value)


def test_a_download_goes_on_in_the_same_file_until_it_is_a_week_old(tmp_path: Path) -> None:
    slots = Slots.open(tmp_path, utc_s=lambda: A_WEEK_S)
    old, young = slots.part("https://example.org/a"), slots.part("https://example.org/b")
    assert old == slots.part("https://example.org/a") != young
    for path, mtime_s in ((old, -1), (young, 0)):
        path.write_bytes(b"half")
        os.utime(path, (mtime_s, mtime_s))
    Slots.open(tmp_path, utc_s=lambda: A_WEEK_S)
    assert (old.exists(), young.exists()) == (False, True)


def test_of_downloads_that_are_too_much_the_oldest_go(tmp_path: Path) -> None:
    slots = Slots.open(tmp_path, utc_s=lambda: 10)
    paths = [slots.part(name) for name in "abc"]
    for mtime_s, path in enumerate(paths):
        with path.open("wb") as file:
            file.truncate(60 * 1024 * 1024)  # takes no room
        os.utime(path, (mtime_s, mtime_s))
    Slots.open(tmp_path, utc_s=lambda: 10)
    assert [path.exists() for path in paths] == [False, True, True]


def test_a_link_in_staging_is_not_installed(slots: Slots) -> None:
    with slots.staging() as folder:
        write_bundle(folder, NETWORK, b"person\n")
        (folder / "golden").symlink_to("/etc")
        with pytest.raises(StoreError, match="is a link"):
            slots.install(folder)
    assert list((slots.folder / "bundles").iterdir()) == []
