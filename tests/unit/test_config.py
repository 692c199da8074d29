"""Every mistake in a configuration is told at once, with its line and what was probably meant."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.config import Loaded, load, load_for_replay, parse, problems_with_model, warnings
from eyespot.domain.errors import ConfigError
from eyespot.domain.observation import Tells
from eyespot.host import settings

EXAMPLE = Path(__file__).parents[2] / "config" / "eyespot.toml"
CAMERA = '[camera]\nsource = "scene"\n'
MQTT = '[mqtt]\nurl = "mqtt://localhost"\n'
GOOD = CAMERA + MQTT  # four lines: what follows begins in line 5
LINE = '[[rules]]\nkind = "line"\nid = "door"\na = [0.1, 0.6]\nb = [0.9, 0.6]\n'


SHARE = '[[rules]]\nkind = "share"\nid = "scale"\n'


def refusal(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    return str(caught.value).splitlines()


def test_the_example_is_good_and_nothing_is_to_be_said_against_it() -> None:
    assert warnings(load(EXAMPLE)) == []


def test_what_is_left_out_has_its_default() -> None:
    config = parse(GOOD, "f").config
    assert (config.device.id, config.model.bundle, config.topics.frame, config.rules) == (
        None,
        "factory",
        False,
        (),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("source = scene", "f:1: Invalid value in column 10; text wants double quotes"),
        ("[camera]\n= 3", "f:2: Invalid statement in column 1"),
        (GOOD + "[mqtt]", "f:5: Cannot declare ('mqtt',) twice in column 6"),
        (GOOD + '[device]\nname = """x\n', "f:7: Unterminated string at the end of the file"),
        ("[camera", "f:1: Expected ']' at the end of a table declaration at the end of the file"),
    ],
)
def test_a_text_that_is_not_toml_is_told_with_its_line(text: str, line: str) -> None:
    assert refusal(text) == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[device]\nnmae = "x"', 'f:6: unknown key "nmae" in [device]; did you mean "name"?'),
        ("[device]\nqq = 1", 'f:6: unknown key "qq" in [device]; known: id, name, timezone'),
        ("[topic]\nframe = true", 'f:5: unknown section [topic]; did you mean "topics"?'),
        (
            '[update]\nurl = "https://me:secret@models.example/x"',
            "f:6: url: want text of the form",
        ),
        ("[topics]\nframe = 1", "f:6: frame: want true or false, got 1"),
        ("[topics]\n\n'frame' = 'no'", 'f:7: frame: want true or false, got "no"'),
        ("[model]\nmin_score = 2", "f:6: min_score: want a number from 0.01 to 0.99, got 2"),
        ("[model]\nmin_score = nan", "f:6: min_score: want a number from 0.01 to 0.99, got NaN"),
        ("[model]\nmin_score = 1979-05-27", "f:6: min_score: want a number from 0.01 to 0.99, got"),
        ('[model]\nbundle = ""', "f:6: bundle: want text of 1 to 4096 characters, got"),
        ('[model]\nbundle = "a\\nb"', 'f:6: bundle: want no control characters, got "a\\nb"'),
        (
            '[device]\nid = "Hall"',
            'f:6: id: want text of the form ^[a-z0-9][a-z0-9-]{0,62}$, got "Hall"; did',
        ),
        ('[device]\nid = "hall\\n"', "f:6: id: want no control characters"),
        ('[device]\ntimezone = "Europe/Berln"', 'f:6: timezone: unknown time zone "Europe/Berln"; did you'),
        ('[device]\ntimezone = "Europe"', 'f:6: timezone: unknown time zone "Europe"'),
        ('[device]\ntimezone = "../../x"', 'f:6: timezone: unknown time zone "../../x"'),
        ("[[device]]", "f:5: device: want one table that begins with [device]"),
        ("[rules]", "f:5: rules: want tables that begin with [[rules]]"),
        ("[[rules]]\nid = 'x'", "f:5: [[rules]] lacks kind; known: line, share"),
        (LINE.replace('"line"', '"lien"'), 'f:6: unknown kind "lien"; did you mean "line"?'),
        (LINE.replace('"line"', "[]"), "f:6: unknown kind []; known: line, share"),
        (LINE.replace("0.1, 0.6", "0.1, 1.6"), "f:8: a: want a list of 2, each a number from 0 to 1, got"),
        (LINE.replace("0.1, 0.6", "0.1"), "f:8: a: want a list of 2"),
        (LINE.replace("0.1,", "nan,"), "f:8: a: want"),
        (LINE.replace("0.1,", "0.9,"), "f:5: [[rules]]: a and b are the same point"),
        (LINE + 'classes = ["Person"]', "f:10: classes: want a list of 1 to 100 items"),
        (LINE + 'classes = "person"', "f:10: classes: want a list of 1 to 100 items"),
        (SHARE + "over_s = 0", "f:8: over_s: want a number from 0.1 to 600, got 0"),
        (SHARE + "change = 5", "f:8: change: want a number from 0.001 to 1, got 5"),
        (SHARE + "every_s = 0", "f:8: every_s: want a number from 0.1 to 3600, got 0"),
        (SHARE + "most = 101", "f:8: most: want a whole number from 1 to 100, got 101"),
        (SHARE + "a = [0, 0]", 'f:8: unknown key "a" in [[rules]]'),
        (SHARE + "chnge = 0.1", 'f:8: unknown key "chnge" in [[rules]]; did you mean "change"?'),
        (LINE + SHARE.replace("scale", "door"), 'f:12: id: "door" is taken by the rule in line 7'),
        (LINE + LINE, 'f:12: id: "door" is taken by the rule in line 7'),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: str) -> None:
    told = refusal(GOOD + text)
    assert any(one.startswith(line) for one in told), told


def test_what_only_follows_from_a_mistake_is_not_told() -> None:
    assert len(refusal(GOOD + LINE.replace("0.1, 0.6", "0.1, 1.6"))) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (CAMERA, "f:1: section [mqtt] is missing"),
        (MQTT + "[camera]", "f:3: [camera] lacks source"),
        (
            MQTT + '[camera]\nsource = "scnee"',
            'f:4: source: want "imx500" or "picamera" or "replay" or "scene" or "video", got "scnee"; did',
        ),
        (MQTT + '[camera]\nsource = "webcam"\nloop = true', 'f:4: source: want "imx500" or "picamera" or'),
        ("device = 3\n" + GOOD, "f:1: device: want one table that begins with [device]"),
        ("rules = [3]\n" + GOOD, "f:1: want a table that begins with [[rules]], got 3"),
        (MQTT + '[camera]\nsource = "video"', 'f:3: file: the source "video" needs a file'),
        (CAMERA + '[mqtt]\nurl = "http://x"', "f:4: url: want mqtt://host[:port]"),
        (
            CAMERA + '[mqtt]\nurl = [["mqtt://me:secret@x"]]',
            (
                "f:4: url: want text of 1 to 512 characters or a list of 1 to 16 items, "
                'each text of 1 to 512 characters, got [["mqtt://…@'
            ),
        ),
        ("source = 1\n" + GOOD, 'f:1: unknown key "source" outside of all sections; known: device, camera'),
    ],
)
def test_a_mistake_in_what_is_required_is_told_with_its_line(text: str, line: str) -> None:
    told = refusal(text)
    assert len(told) == 1
    assert told[0].startswith(line)


def test_all_mistakes_of_all_sections_are_told_in_the_order_of_the_file() -> None:
    text = """\
[device]
id = "Hall 1"
nmae = "x"
timezone = "Mars/Olympus"
[camera]
source = "vidoe"
rate_hz = 500
pase = "fast"
[mqtt]
url = "http://broker"
key_file = 3
usrname = "x"
[modell]
[[rules]]
kind = "line"
id = "door"
a = [
  0.1,
  "x",
]
classes = []
"""
    told = refusal(text)
    assert [int(line.split(":")[1]) for line in told] == [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 21]
    assert 'f:5: file: the source "video" needs a file' in told  # as it was meant


def test_a_key_that_is_nearly_right_causes_no_second_complaint() -> None:
    text = MQTT + '[camera]\nsorce = "video"\nfle = "x.mp4"'
    assert [line.split(":")[1] for line in refusal(text)] == ["4", "5"]


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin"])
def test_a_time_zone_may_be_named(name: str) -> None:
    assert parse(f'{GOOD}[device]\ntimezone = "{name}"', "f").config.device.timezone == name


def test_a_machine_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "available_timezones", set)
    told = refusal(GOOD + '[device]\ntimezone = "Nowhere"')
    assert told == ["f:6: timezone: this machine has no time zone database: apt install tzdata"]


def test_a_value_of_the_wrong_type_causes_no_second_complaint() -> None:
    told = refusal(MQTT + '[camera]\nsource = "video"\nfile = 3')
    assert told == ["f:5: file: want text of 1 to 4096 characters, got 3"]


def test_very_many_mistakes_are_cut_short() -> None:
    told = refusal(GOOD + "[device]\n" + "".join(f"x{n} = 1\n" for n in range(500)))
    assert len(told) == 101
    assert told[-1] == "f: and 400 more"


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 100_000, "x" + ".x" * 3000 + " = 1", "x = " + "9" * 10_000, "[a" + ".a" * 3000 + "]"],
)
def test_monstrous_texts_are_refused_in_few_lines(text: str) -> None:
    assert len(refusal(text)) < 5


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff", "{}:1: not UTF-8"),
        (b"[camera]\n\xfe", "{}:2: not UTF-8"),
        (b"#" * 1_048_577, "{}: larger than 1 MiB"),
    ],
)
def test_a_file_of_another_kind_is_refused(data: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(told.format(path))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "a\0b"):
        with pytest.raises(ConfigError, match="name a configuration file"):
            load(path)


def test_marks_and_line_ends_of_other_systems_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b"[model]\r\nmin_score = 0\r\n")
    with pytest.raises(ConfigError, match=r"f\.toml:6: min_score"):
        load(path)


@given(
    st.one_of(
        st.text(),
        st.text("[]{}=.,\"'#\n\\ abru0123-_"),
        st.lists(
            st.sampled_from(
                [
                    *GOOD.splitlines(),
                    *LINE.splitlines(),
                    "[rules]",
                    'x = """',
                    "y = {a.b = [1, {c = 2}]}",
                    "rules.a.b = 1",
                ]
            )
        ).map("\n".join),
    )
)
def test_whatever_is_written_it_is_understood_or_refused(text: str) -> None:
    with suppress(ConfigError):
        warnings(parse(text, "f"))


def test_a_class_that_the_model_lacks_is_told_with_the_nearest_one() -> None:
    loaded = parse(GOOD + LINE + 'classes = [\n  "person",\n  "mgu",\n]', "f")
    with pytest.raises(ConfigError) as caught:
        problems_with_model(loaded, ("person", "mug"), "objects")
    assert str(caught.value) == 'f:12: classes: the model has no "mgu"; did you mean "mug"?'


def test_the_name_of_an_index_that_is_never_given_is_no_class() -> None:
    with pytest.raises(ConfigError, match='the model has no "-"'):
        problems_with_model(parse(GOOD + LINE + 'classes = ["-"]', "f"), ("-", "person"), "objects")


@pytest.mark.parametrize("tells", ["objects", "poses"])
def test_classes_that_the_model_has_are_no_problem(tells: Tells) -> None:
    problems_with_model(parse(GOOD + LINE + 'classes = ["person"]', "f"), ("person", "mug"), tells)


@pytest.mark.parametrize("tells", ["labels", "shares"])
def test_a_share_is_for_what_is_said_of_the_frame_as_a_whole(tells: Tells) -> None:
    problems_with_model(parse(GOOD + SHARE + 'classes = ["apple"]', "f"), ("apple",), tells)


@pytest.mark.parametrize(("tells", "does"), [("objects", "finds objects"), ("poses", "finds persons")])
def test_a_share_in_front_of_a_model_that_finds_objects_is_refused(tells: Tells, does: str) -> None:
    with pytest.raises(ConfigError) as caught:
        problems_with_model(parse(GOOD + LINE + SHARE, "f"), ("person",), tells)
    assert str(caught.value) == (
        f'f:11: kind: the model {does}; a rule of kind "share" needs one that classifies or segments'
    )


@pytest.mark.parametrize(("tells", "does"), [("labels", "classifies"), ("shares", "segments")])
def test_a_line_in_front_of_a_model_that_finds_no_objects_is_refused_once(tells: Tells, does: str) -> None:
    loaded = parse(GOOD + LINE + 'classes = ["nobody"]', "f")
    with pytest.raises(ConfigError) as caught:
        problems_with_model(loaded, ("apple",), tells)
    assert str(caught.value) == (
        f'f:6: kind: the model {does}; a rule of kind "line" needs one that finds objects or finds persons'
    )


def between(a: str, b: str, mount: str = "oblique") -> Loaded:
    camera = f'{CAMERA}mount = "{mount}"\n'
    return parse(camera + MQTT + LINE.replace("[0.1, 0.6]", a).replace("[0.9, 0.6]", b), "f")


@pytest.mark.parametrize(
    ("a", "b", "mount", "words"),
    [
        ("[0.0, 0.08]", "[1.0, 0.08]", "oblique", ["top edge"]),
        ("[0.0, 0.08]", "[1.0, 0.08]", "overhead", []),
        ("[0.0, 0.02]", "[1.0, 0.02]", "overhead", ["top edge"]),
        ("[0.0, 0.98]", "[1.0, 1.0]", "oblique", ["bottom edge"]),
        ("[0.02, 0.1]", "[0.02, 0.9]", "oblique", ["left edge"]),
        ("[0.98, 0.1]", "[0.98, 0.9]", "oblique", ["right edge"]),
        ("[0.5, 0.5]", "[0.5, 0.53]", "oblique", ["0.03 of the frame long"]),
        ("[0.0, 0.0]", "[1.0, 1.0]", "oblique", []),
    ],
)
def test_a_line_that_cannot_work_is_warned_of(a: str, b: str, mount: str, words: list[str]) -> None:
    told = warnings(between(a, b, mount))
    assert len(told) == len(words)
    assert all(
        one.startswith('f:9: line "door" ') and word in one for one, word in zip(told, words, strict=True)
    )


def test_a_line_of_several_pieces_is_warned_of_where_its_points_stand() -> None:
    points = "points = [[0.01, 0.1], [0.02, 0.5], [0.01, 0.9]]"
    text = f'{CAMERA}{MQTT}[[rules]]\nkind = "line"\nid = "door"\n{points}\n'
    (told,) = warnings(parse(text, "f"))
    assert told.startswith('f:8: line "door" lies within 0.05 of the left edge')


def test_a_video_that_is_not_there_yet_is_warned_of(tmp_path: Path) -> None:
    video = tmp_path / "door.mp4"
    text = f'{MQTT}{LINE}[camera]\nsource = "video"\nfile = "{video}"\n'
    (told,) = warnings(parse(text, "f"))
    assert told.endswith(f"there is no file {video}; put it there before the start")
    video.touch()
    assert warnings(parse(text, "f")) == []


def test_nothing_is_to_be_said_against_a_share() -> None:
    assert warnings(parse(GOOD + SHARE, "f")) == []


def test_a_configuration_without_rules_is_warned_of() -> None:
    assert warnings(parse(GOOD, "f")) == ["f: there are no [[rules]]: nothing is counted"]


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("mqtt://broker", True),
        ("mqtt://192.168.1.2", True),
        ("mqtt://localhost", False),
        ("mqtt://[::1]:1883", False),
        ("mqtts://broker", False),
        ("unix:///run/mosquitto.sock", False),
    ],
)
def test_a_password_that_everybody_can_read_is_warned_of(url: str, *, warned: bool) -> None:
    told = warnings(parse(f'{CAMERA}{LINE}[mqtt]\nurl = "{url}"\nusername = "me"\n', "f"))
    assert [line.split(" ")[0] for line in told] == (["f:9:"] if warned else [])


def test_a_node_that_is_named_twice_is_warned_of() -> None:
    nodes = ["mqtt://a.example", "mqtt://b.example", "mqtt://A.example:1883/"]
    text = f'{LINE}[camera]\nsource = "scene"\n[mqtt]\nurl = {nodes}\n'
    (told,) = warnings(parse(text, "f"))
    assert "mqtt://A.example:1883/ is the same node as mqtt://a.example" in told


def test_for_a_replay_neither_source_nor_broker_counts(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    camera = '[camera]\nsource = "imx500"\nmode = "binned"\nmount = "overhead"\n'
    path.write_text(camera + '[mqtt]\nca_file = "/nonexistent"\nprefix = "shop"\n' + LINE)
    config = load_for_replay(path).config
    assert (config.camera.mount, config.mqtt.prefix, len(config.rules)) == ("overhead", "shop", 1)


def test_for_a_replay_rules_are_enough_and_must_be_right(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_text(LINE)
    assert load_for_replay(path).config.rules
    path.write_text('camera.mount = "x"\n' + LINE.replace("id", "idd"))
    with pytest.raises(ConfigError) as caught:
        load_for_replay(path)
    assert [line.rsplit("toml:")[1][:2] for line in str(caught.value).splitlines()] == ["1:", "4:"]
