"""Lists of devices, as people and spreadsheets write them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.errors import InputError
from eyespot_fleet.enrolment.roster import Device, read_roster

FORM = "want text of the form ^[a-z0-9][a-z0-9-]{0,62}$"
HOSTILE = ("../x", "/etc", "a/b", ".", "..", "a\\b", "-rf", "a b", "x" * 64, "a\0b", "é")


def roster(folder: Path, text: str | bytes) -> list[Device]:
    file = folder / "devices.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_roster(file)


def refusal(folder: Path, text: str | bytes) -> list[str]:
    """Return the lines of the refusal, without the folder."""
    with pytest.raises(InputError) as refused:
        roster(folder, text)
    return str(refused.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "id,name\ndoor-1,Süd\ndoor-2,\n",
        "\ufeffID;Name;;\r\ndoor-1;Süd;;\r\n;;;\r\ndoor-2;;;\r\n",
        "\n name \tid\nSüd\t door-1 \n\n\tdoor-2",
        'name,id\n"Süd","door-1"\n\n"",door-2\n',
    ],
    ids=["plain", "spreadsheet", "tabs", "quotes"],
)
def test_the_same_list_is_read_however_it_was_saved(tmp_path: Path, text: str) -> None:
    assert [device.device for device in roster(tmp_path, text)] == [
        {"id": "door-1", "name": "Süd"},
        {"id": "door-2"},
    ]


def test_each_cell_goes_to_its_section_and_a_password_keeps_its_spaces(tmp_path: Path) -> None:
    text = "id,timezone,url,username,password\nshop,Europe/Berlin,mqtts://b.example,me, a;b \n"
    (device,) = roster(tmp_path, text)
    assert device.device == {"id": "shop", "timezone": "Europe/Berlin"}
    assert device.mqtt == {"url": "mqtts://b.example", "username": "me"}
    assert (device.password, device.place) == (" a;b ", f"{tmp_path}/devices.csv:2")


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    text = 'id,name,timezone,url\n"shop\n",x,,\nShop,,Europe/Berlni,\n,y,,\nshop,,,http://b,extra\n'
    assert refusal(tmp_path, text) == [
        f'devices.csv:4: id: {FORM}, got "Shop"; did you mean "shop"?',
        'devices.csv:4: timezone: unknown time zone "Europe/Berlni"; did you mean "Europe/Berlin"?',
        "devices.csv:5: id: missing",
        "devices.csv:6: a cell stands in no column; is a separator too many, or are quotes missing?",
        "devices.csv:6: url: want mqtt://host[:port], mqtts://host[:port] or unix:///path",
        'devices.csv:6: id: "shop" is taken by line 2',
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_an_id_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    assert "devices.csv:2: id: want" in refusal(tmp_path, f"id\n{name}\n")[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "devices.csv: empty; want a first line with columns, such as id,name"),
        ("id\n", "devices.csv: there is no device in it: want a line for each"),
        ("name\nx\n", "devices.csv:1: there is no column id"),
        ("id,nmae\nx,y\n", 'devices.csv:1: unknown column "nmae"; did you mean "name"?'),
        ("id,id\nx,y\n", 'devices.csv:1: two columns are called "id"'),
        ('id\n"x\n', "devices.csv:2: unexpected end of data; are the quotes right?"),
        (b"id,name\nx,S\xfcd\n", 'devices.csv:2: not UTF-8; save it as "CSV UTF-8"'),
        ("id,password\nx,a\u2028b\n", "devices.csv:2: password: want one line without control characters"),
        ("id,password\nx," + "a" * 65_536, "devices.csv:2: password: longer than 65535 bytes"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert refusal(tmp_path, text) == [told]


def test_a_hundred_mistakes_are_enough(tmp_path: Path) -> None:
    told = refusal(tmp_path, "id\n" + "X Y\n" * 150)
    assert len(told) == 101
    assert told[-1] == "devices.csv: and 199 more"


@given(st.binary(max_size=200) | st.text(alphabet='id,;\t"\r\na', max_size=60).map(str.encode))
def test_any_bytes_are_devices_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(data)
    try:
        devices = read_roster(file)
    except InputError:
        return
    assert len({device.id for device in devices}) == len(devices) > 0
