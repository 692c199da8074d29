from pathlib import Path

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust import bundle as module
from eyespot.trust.bundle import find_bundle, read_bundle
from fakes.bundles import write_bundle

NETWORK = b"\x1c\x00\x00\x00TFL3" + bytes(100)
LABELS = b"???\nPerson\nComputer mouse\n"


def test_the_factory_bundle_is_whole_and_knows_who_it_is() -> None:
    identity = read_bundle(find_bundle("factory")).identity
    assert identity.bundle == "ssd-mobilenet-v2-oidv4@1.0.0-d0a5255bf8c4"
    assert len(identity.labels) == 24
    assert identity.labels[4] == "person"
    assert identity.min_score == 0.35


def test_an_installed_wheel_has_the_factory_bundle_in_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models" / "factory").mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", tmp_path)
    assert find_bundle("factory") == tmp_path / "models" / "factory"


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert find_bundle(str(tmp_path)) == tmp_path


def test_a_path_from_home_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_bundle("~") == tmp_path


def test_a_home_that_nobody_knows_is_named() -> None:
    with pytest.raises(ModelError, match="full path"):
        find_bundle("~no-such-user/x")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is no folder"):
        find_bundle(str(tmp_path / "nowhere"))


def test_labels_are_lowered_and_may_contain_spaces(tmp_path: Path) -> None:
    assert read_bundle(write_bundle(tmp_path, NETWORK, LABELS)).labels == ("???", "person", "computer mouse")


def test_a_label_goes_by_its_alias(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, NETWORK, LABELS, aliases={"computer mouse": "mouse"})
    assert read_bundle(folder).labels == ("???", "person", "mouse")


def test_an_alias_for_a_label_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, NETWORK, LABELS, aliases={"rat": "mouse"})
    with pytest.raises(ModelError, match=r"labels\.txt has no 'rat'"):
        read_bundle(folder)


@pytest.mark.parametrize("labels", [b"person\n\ncar\n", b"\n", b"x" * 65, b"person\tcar"])
def test_a_label_that_is_none_is_refused_with_its_line(tmp_path: Path, labels: bytes) -> None:
    folder = write_bundle(tmp_path, NETWORK, labels)
    with pytest.raises(ModelError, match=r"labels\.txt:\d: want a class name"):
        read_bundle(folder)


def test_more_labels_than_can_be_told_are_refused(tmp_path: Path) -> None:
    names = "".join(f"thing {number}\n" for number in range(1025)).encode()
    with pytest.raises(ModelError, match="1024 at most"):
        read_bundle(write_bundle(tmp_path, NETWORK, names))


def test_labels_that_are_not_text_are_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, NETWORK, b"\xff\xfe")
    with pytest.raises(ModelError, match="not UTF-8"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["manifest.json", "model.tflite", "labels.txt"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path, NETWORK, LABELS)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (NETWORK[:-1], "only 107 bytes, the manifest says 108"),
        (NETWORK + b"x", "more bytes, the manifest says 108"),
        (NETWORK[:-1] + b"x", "its sha256 is [0-9a-f]{64}, the manifest says"),
        (b"", "only 0 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    ],
)
def test_a_network_that_is_not_the_manifests_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    folder = write_bundle(tmp_path, NETWORK, LABELS)
    (folder / "model.tflite").write_bytes(data)
    with pytest.raises(ModelError, match=says):
        read_bundle(folder)


def test_a_network_of_another_kind_is_refused_though_its_sum_is_right(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, b"<html>not found</html>", LABELS)
    with pytest.raises(ModelError, match="no TensorFlow Lite model"):
        read_bundle(folder)


def test_only_as_much_is_read_as_the_manifest_allows(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, NETWORK, LABELS)
    with (folder / "manifest.json").open("ab") as stream:
        stream.write(b" " * 300_000)
    with pytest.raises(ModelError, match=r"manifest\.json is larger than"):
        read_bundle(folder)


def test_the_layout_tells_roles_and_shapes_in_the_manifests_order(tmp_path: Path) -> None:
    layout = read_bundle(write_bundle(tmp_path, NETWORK, LABELS)).layout
    assert (layout.width, layout.height, layout.labels) == (300, 300, 3)
    assert list(layout.outputs.items()) == [("boxes", (1, 1917, 4)), ("scores", (1, 1917, 24))]
