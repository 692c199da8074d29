"""What is told of an installation: on a door, and to a privacy officer."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eyespot.__main__ import main
from eyespot.app.privacy import Label, label
from eyespot.commands.label_view import as_html, as_text
from eyespot.domain.errors import ConfigError
from fakes.daemon import write_config

PRIVACY = """
[privacy]
purpose = "Opening hours"
controller = "<script>alert(1)</script> & Sons"
contact = "privacy@shop.example"
"""


@pytest.fixture(name="config")
def a_config(tmp_path: Path) -> Path:
    file = write_config(tmp_path, camera={"source": "scene"}, url="mqtts://broker.example")
    file.write_text(file.read_text() + PRIVACY)
    return file


@pytest.fixture(name="told")
def a_label(config: Path) -> Label:
    return label(config, {})


class Tags(HTMLParser):
    """Keeps what is in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_facts_are_those_of_the_configuration(told: Label) -> None:
    facts = dict(told.facts)
    assert facts["Purpose"] == "Opening hours"
    assert facts["Counted"] == "door (line)"
    assert facts["Encrypted on the way"] == "yes (TLS)"
    assert facts["Bytes sent yesterday"] == "not known"
    assert told.missing == ("retention",)
    assert "not filled in" in facts["Retention"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "only while an operator has it kept, a day at most each time, each 24 h at most"),
        ("keep = true\nhours = 48", "without a score or an image each 48 h at most"),
        ("aim = false", "on the disk the way of nobody"),
    ],
)
def test_for_how_long_it_is_kept_where_people_went_is_told(config: Path, table: str, words: str) -> None:
    config.write_text(f"{config.read_text()}[trajectories]\n{table}\n")
    told = label(config, {})
    assert words in dict(told.facts)["Kept on the device"]
    assert ("eyespot.trajectories/1" in told.fields) == any("walked" in one for one in told.notice)
    assert ("eyespot.trajectories/1" in told.fields) == ("aim" not in table)


def test_it_is_told_that_what_is_usual_is_kept_and_until_when(told: Label) -> None:
    assert (
        "how many walked where in the picture and in each hour of the week"
        in dict(told.facts)["Kept on the device"]
    )
    assert "on the disk until it is learned anew" in dict(told.facts)["Kept on the device"]


def test_boxes_of_frames_are_told_where_they_are_on_alone(config: Path, told: Label) -> None:
    assert "eyespot.frame/2" not in told.fields
    assert "where in the picture" not in told.notice[-1]
    config.write_text(config.read_text() + "[topics]\nframe = true\n")
    on = label(config, {})
    assert "boxes" in on.fields["eyespot.frame/2"]
    assert "where in the picture" in on.notice[-1]


def test_a_notice_hides_no_camera(told: Label) -> None:
    assert told.notice[0] == "A camera counts here."


@pytest.mark.parametrize("size", ["a4", "a6"])
def test_the_page_loads_nothing_and_runs_nothing(told: Label, size: str) -> None:
    page = as_html(told, size)
    found = Tags(page)
    assert not {"script", "img", "link", "iframe", "object", "form", "a"} & set(found.tags)
    assert not {"src", "href", "style", "onload"} & set(found.attributes)
    assert not re.search(r"url\(|@import|https?:", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons" in page
    assert f"size: {size.upper()}" in page


def test_text_has_notice_facts_and_fields(told: Label) -> None:
    text = as_text(told)
    assert all(sentence in text for sentence in told.notice)
    assert "eyespot.crossed/1: kind, rule, direction, class, track, model" in text


def test_the_command_says_what_is_to_be_filled_in(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "label", "--config", str(config), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["device"] == "shop"
    assert err == "to be filled in under [privacy]: retention\n"


def test_without_a_configuration_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        label(tmp_path / "none.toml", {})


def test_the_audit_exits_with_whether_something_failed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["privacy", "audit", "--config", str(config)]) == 0
    assert re.search(r"^proved +schemas ", capsys.readouterr().out, re.MULTILINE)
    state = config.parent / "state"
    state.mkdir()
    (state / "picture").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(["privacy", "audit", "--json", "--config", str(config)]) == 1
    found = {one["name"]: one["verdict"] for one in json.loads(capsys.readouterr().out)}
    assert (found["files"], found["schemas"]) == ("failed", "proved")
