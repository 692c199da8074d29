"""Who is to be told is read from a configuration that is broken elsewhere."""

from pathlib import Path

import pytest

from eyespot.config import load, load_address
from eyespot.domain.errors import ConfigError

GOOD = """\
# our shop
[device]
id = "shop"  # on the wall

[camera]
source = "imx500"

[mqtt]
url = "mqtt://broker.example"
prefix = "ours"

[[rules]]
kind = "line"
id = "door"
a = [
  [0.1, 0.6],
]
"""


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace('kind = "line"', "kind = line"),
        GOOD.replace('source = "imx500"', 'source = "imx500'),
        GOOD.replace("[camera]", "[camera"),
        GOOD + "[state]\ndir = '/srv/x'\n[[rules",
        "nonsense = 1\n" + GOOD,
        "\ufeff" + GOOD,
        GOOD + "# \ud800",
    ],
    ids=[
        "rule",
        "no quotes",
        "half a quote",
        "half a header",
        "half a table",
        "stray key",
        "BOM",
        "not UTF-8",
    ],
)
def test_device_and_broker_are_found_whatever_else_is_broken(tmp_path: Path, text: str) -> None:
    file = tmp_path / "eyespot.toml"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ConfigError):
        load(file)
    config = load_address(file).config
    assert (config.device.id, config.mqtt.url, config.mqtt.prefix) == (
        "shop",
        "mqtt://broker.example",
        "ours",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace('url = "mqtt://broker.example"', ""),
        GOOD.replace('url = "mqtt://broker.example"', "url = mqtt"),
        GOOD.replace('id = "shop"', 'id = "shop'),
        GOOD.replace('id = "shop"', 'id = "Shop"'),
        GOOD.replace("[device]", "[device"),
    ],
    ids=["empty", "no url", "broken url", "half an id", "bad id", "half a header"],
)
def test_nobody_is_guessed_where_these_are_broken_themselves(tmp_path: Path, text: str) -> None:
    file = tmp_path / "eyespot.toml"
    file.write_text(text)
    with pytest.raises(ConfigError):
        load_address(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_address(tmp_path / "missing.toml")
