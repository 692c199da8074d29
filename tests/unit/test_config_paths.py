"""What a configuration names is where it says, from wherever the configuration is read."""

from pathlib import Path

import msgspec
import pytest

from eyespot.config import Config, load, loading
from eyespot.domain.errors import ConfigError

CAMERA = '[camera]\nsource = "scene"\n'
GOOD = CAMERA + '[mqtt]\nurl = "mqtt://localhost"\n'


def test_paths_count_from_the_folder_of_the_file_wherever_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "ca.crt").touch()
    monkeypatch.chdir(tmp_path)
    file = Path("etc", "eyespot.toml")
    tls = '[mqtt]\nurl = "mqtts://broker"\nca_file = "ca.crt"\n'
    file.write_text(CAMERA + tls + '[model]\nbundle = "m"\n[state]\ndir = "~/s"\n')
    config = load(file).config
    assert config.mqtt.ca_file == str(tmp_path / "etc" / "ca.crt")
    assert (config.model.bundle, config.state.dir) == (str(tmp_path / "etc" / "m"), "~/s")
    absolute = tmp_path / "ca.crt"
    file.write_text(CAMERA + tls.replace("ca.crt", str(absolute)))
    with pytest.raises(ConfigError, match=f"there is no file {absolute}$"):
        load(file)
    file.write_text(GOOD)
    assert load(file).config.model.bundle == "factory"


def test_every_path_of_the_types_counts_from_there() -> None:
    paths = {
        (section.name, field.name)
        for section in msgspec.structs.fields(Config)
        for field in (
            msgspec.structs.fields(section.type) if hasattr(section.type, "__struct_fields__") else ()
        )
        if field.name in {"file", "bundle", "dir"} or field.name.endswith("_file")
    }
    assert paths == {(section, key) for section, keys in loading._PATHS.items() for key in keys}
