"""Attacks on the repository with some of its keys or none, each against a device that has seen it."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import (
    BadVersionNumberError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    UnsignedMetadataError,
)

from eyespot.domain.errors import InputError, TrustError
from fakes.repository import BUNDLE, FakeRepository

EVIL = "people@6.6.6-0123456789ab"
FAR = 2**30


@pytest.fixture(name="ours")
def a_repository_with_a_release(tmp_path: Path) -> FakeRepository:
    ours = FakeRepository(tmp_path / "ours")
    ours.add(b"network")
    ours.release(percent=5)
    return ours


@pytest.fixture(name="device")
def a_device_that_has_seen_it(ours: FakeRepository, tmp_path: Path) -> Path:
    assert ours.told(tmp_path / "device") is not None
    return tmp_path / "device"


def test_a_repository_replayed_from_yesterday_is_refused(
    ours: FakeRepository, device: Path, tmp_path: Path
) -> None:
    yesterday = ours.stolen(tmp_path / "yesterday")
    ours.release(percent=50)
    assert ours.told(device) is not None
    with pytest.raises(BadVersionNumberError):
        yesterday.told(device)


def test_a_repository_that_stands_still_is_refused_when_its_time_is_up(tmp_path: Path) -> None:
    ours = FakeRepository(tmp_path / "ours", datetime.now(UTC) - timedelta(days=61))
    with pytest.raises(ExpiredMetadataError):
        ours.told(tmp_path / "device")
    ours.now = datetime.now(UTC)
    ours.refresh()
    assert ours.told(tmp_path / "device") is None


def test_a_mix_of_new_and_old_metadata_is_refused(ours: FakeRepository, device: Path) -> None:
    metadata = ours.folder / "metadata"
    ours.release(percent=50)
    shutil.copy(metadata / "2.desired.json", metadata / "3.desired.json")
    with pytest.raises(BadVersionNumberError):
        ours.told(device)


def test_another_file_in_the_place_of_a_target_is_refused(ours: FakeRepository, device: Path) -> None:
    client = ours.updater(device)
    found = client.get_targetinfo(f"bundles/{BUNDLE}.tar.zst")
    assert found is not None
    (path,) = (ours.folder / "targets" / "bundles").iterdir()
    path.write_bytes(b"netwolf")
    with pytest.raises(LengthOrHashMismatchError):
        client.download_target(found)


def test_a_bundle_signed_with_the_key_for_what_is_desired_is_not_there(
    ours: FakeRepository, device: Path, tmp_path: Path
) -> None:
    thief = ours.stolen(tmp_path / "mirror", "desired", "snapshot", "timestamp")
    with pytest.raises(InputError, match="targets wants 1 of its keys"):
        thief.add(b"evil", EVIL)
    thief.smuggle("desired", {f"bundles/{EVIL}.tar.zst": b"evil"})
    assert thief.updater(device).get_targetinfo(f"bundles/{EVIL}.tar.zst") is None


def test_a_stolen_key_is_worth_nothing_once_it_is_revoked(
    ours: FakeRepository, device: Path, tmp_path: Path
) -> None:
    thief = ours.stolen(tmp_path / "mirror", "targets", "desired", "snapshot", "timestamp")
    thief.add(b"evil", EVIL)
    thief.release(EVIL)
    released = thief.told(tmp_path / "a device that nobody told")
    assert released is not None
    assert released.version == "6.6.6"

    ours.replace_keys("targets", "desired", "snapshot", "timestamp")
    assert ours.told(device) is not None
    shutil.copy(ours.folder / "metadata" / "2.root.json", thief.folder / "metadata")
    for there in (device, tmp_path / "a device that was never on"):
        with pytest.raises(UnsignedMetadataError):
            thief.told(there)


def test_keys_of_snapshot_and_timestamp_alone_cannot_change_what_is_released(
    ours: FakeRepository, device: Path, tmp_path: Path
) -> None:
    thief = ours.stolen(tmp_path / "mirror", "snapshot", "timestamp")
    thief.smuggle("desired", {"desired/default.json": b"{}"}, CryptoSigner.generate_ed25519())
    with pytest.raises(UnsignedMetadataError):
        thief.told(device)
    with pytest.raises(InputError, match=r"3.desired.json is not signed by the keys that it should be"):
        thief.refresh()


def test_who_can_write_to_the_folder_cannot_have_a_timestamp_signed_for_a_hundred_years(
    ours: FakeRepository,
) -> None:
    path = ours.folder / "metadata" / "timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"x-eyespot-days":60', b'"x-eyespot-days":36500'))
    with pytest.raises(InputError, match=r"timestamp\.json is not signed by the keys that it should be"):
        ours.refresh()


@pytest.mark.parametrize("stolen", [("timestamp",), ("snapshot", "timestamp")], ids=" and ".join)
def test_versions_driven_up_with_stolen_keys_are_forgotten_when_these_are_replaced(
    ours: FakeRepository, device: Path, tmp_path: Path, stolen: tuple[str, ...]
) -> None:
    thief = ours.stolen(tmp_path / "mirror", "snapshot", "timestamp")
    with thief.changed() as driven:
        for role in stolen:
            driven._signed[role].signed.version = FAR
        if "snapshot" in stolen:
            driven.sign("snapshot")
    assert thief.told(device) is not None
    with pytest.raises(BadVersionNumberError):
        ours.told(device)

    ours.replace_keys(*stolen)
    released = ours.release(percent=50)
    assert ours.told(device) == released


def test_a_repository_put_back_from_a_backup_is_taken_again_once_its_online_keys_are_new(
    ours: FakeRepository, device: Path, tmp_path: Path
) -> None:
    backup = shutil.copytree(ours.folder, tmp_path / "backup")
    for percent in (10, 20, 50):
        ours.release(percent=percent)
    assert ours.told(device) is not None
    ours.folder = backup
    ours.refresh()
    with pytest.raises(BadVersionNumberError):
        ours.told(device)
    ours.replace_keys("snapshot", "timestamp", "desired")
    released = ours.told(device)
    assert released is not None
    assert released.percent == 5


def test_a_root_that_one_of_three_has_signed_is_refused(
    ours: FakeRepository, device: Path, tmp_path: Path
) -> None:
    thief = ours.stolen(tmp_path / "mirror", "root", "targets", "snapshot", "timestamp")
    with thief.changed() as changed:
        changed.replace_key("targets", changed.root.roles["targets"].keyids[0])
        changed.sign("targets")
        changed.announce()
        changed.sign("root")
        metadata = changed._signed["root"]
        metadata.signatures = dict(list(metadata.signatures.items())[:1])
        changed.files.write("root", metadata)
    with pytest.raises(UnsignedMetadataError):
        thief.told(device)


@pytest.fixture(name="two_sites")
def a_repository_with_two_sites(ours: FakeRepository) -> FakeRepository:
    for site in ("north", "south"):
        ours.add_site(site)
        ours.add(site.encode(), f"{site}@1.0.0-0123456789ab", site)
        ours.release(f"{site}@1.0.0", site)
    return ours


def test_devices_of_a_site_listen_to_its_keys_alone(two_sites: FakeRepository, device: Path) -> None:
    for site in ("north", "south"):
        released = two_sites.told(device, site)
        assert released is not None
        assert released.target == f"{site}/{site}@1.0.0-0123456789ab.tar.zst"


def test_keys_of_one_site_move_no_device_of_another(
    two_sites: FakeRepository, device: Path, tmp_path: Path
) -> None:
    before = two_sites.told(device, "south")
    thief = two_sites.stolen(tmp_path / "mirror", "north", "north.desired", "snapshot", "timestamp")
    with pytest.raises(InputError, match=r"south.desired wants 1 of its keys"):
        thief.release(BUNDLE, "south")
    order = (thief.folder / "targets" / "desired").glob("*.north.json")
    forged = next(order).read_bytes().replace(b'"cohort":"north"', b'"cohort":"south"')

    files = {"south/evil@1.0.0-0123456789ab.tar.zst": b"evil", "desired/south.json": forged}
    for role in ("north", "north.desired"):
        thief.smuggle(role, files)
    assert thief.told(device, "south") == before
    assert thief.updater(device).get_targetinfo("south/evil@1.0.0-0123456789ab.tar.zst") is None


def test_the_word_of_a_site_signed_by_another_sites_key_is_refused(
    two_sites: FakeRepository, device: Path, tmp_path: Path
) -> None:
    key = next(iter(two_sites.stolen(tmp_path / "mirror", "north.desired").keys.signers.values()))
    two_sites.smuggle("south.desired", {}, key)
    with pytest.raises(UnsignedMetadataError):
        two_sites.told(device, "south")


def test_the_shared_key_for_what_is_desired_moves_no_device_of_a_site(
    two_sites: FakeRepository, device: Path, tmp_path: Path
) -> None:
    before = two_sites.told(device, "south")
    thief = two_sites.stolen(tmp_path / "mirror", "desired", "snapshot", "timestamp")
    evil = (thief.folder / "targets" / "desired").glob("*.default.json")
    forged = next(evil).read_bytes().replace(b'"cohort":"default"', b'"cohort":"south"')
    thief.smuggle("desired", {"desired/south.json": forged})
    assert thief.told(device, "south") == before


def test_a_site_that_has_released_nothing_yet_is_moved_by_nobody(ours: FakeRepository, device: Path) -> None:
    ours.release(cohort="west")
    assert ours.told(device, "west") is not None
    ours.add_site("west")
    assert ours.told(device, "west") is None


def test_a_device_is_never_sent_to_the_bundles_of_another_site(
    two_sites: FakeRepository, device: Path, tmp_path: Path
) -> None:
    (path,) = (two_sites.folder / "targets" / "desired").glob("*.south.json")
    order = path.read_bytes().replace(b"south/south@", b"north/north@")
    two_sites.smuggle("south.desired", {"desired/south.json": order})
    with pytest.raises(TrustError, match="names a bundle of the site north"):
        two_sites.told(device, "south")


@pytest.mark.parametrize(
    "name", ["root", "targets", "timestamp", "bundles", "north", "../x", "a.desired", "*"]
)
def test_no_site_is_called_like_what_is_there_or_like_a_path(two_sites: FakeRepository, name: str) -> None:
    with pytest.raises(InputError, match=re.escape(name)):
        two_sites.add_site(name)
