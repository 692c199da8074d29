"""The page has a device keep where people go, and takes what it has kept into its history."""

import json

import msgspec
import numpy as np
import pytest

from eyespot.domain.errors import BrokerError
from eyespot.topics.trajectories import Piece
from eyespot_fleet.view.aiming import newest, put_into
from eyespot_fleet.view.bridge import Bridge
from eyespot_fleet.view.replaying import Device, config_of, counts_of, strip_of
from eyespot_fleet.view.seen import Sightings
from fakes.page import CHANGE, PAGE, Reply, ask, hear, piece

MIDDLE = {"kind": "line", "id": "door", "a": [0.5, 1.0], "b": [0.5, 0.0]}


@pytest.fixture(name="bridge")
def a_bridge() -> Bridge:
    bridge = Bridge("eyespot/v1")
    bridge.listening()
    for device in ("door", "deaf"):
        hear(bridge, f"{device}/status", {"state": "online"})
    return bridge


def said(bridge: Bridge, path: str, body: object, headers: dict[str, str] = CHANGE) -> Reply:
    return ask(bridge, f"/devices/{path}", headers, method="POST", body=json.dumps(body).encode())


def test_what_was_kept_counts_as_what_was_noticed(bridge: Bridge) -> None:
    assert said(bridge, "door/load", {"hours": 24}).body == b"20"
    told = json.loads(said(bridge, "door/what-if", {"rules": [MIDDLE]}).body)
    assert told["counts"] == {"door": {"in": 1, "out": 0}}
    assert told["span"]["tracks"] == 1


def test_a_device_is_asked_to_keep_it(bridge: Bridge) -> None:
    assert json.loads(said(bridge, "door/aim", {"minutes": 60}).body) == "kept for 60 minutes"
    reply = said(bridge, "deaf/aim", {"minutes": 60})
    assert (reply.status, reply.body) == (502, b"the device does not answer")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("door/aim", {"minutes": 1441}, 400),
        ("door/aim", {}, 400),
        ("door/load", {"hours": 0}, 400),
        ("door/load", {"hours": 1, "more": 1}, 400),
        ("other/load", {"hours": 1}, 404),
    ],
)
def test_what_is_no_such_wish_is_refused(bridge: Bridge, path: str, body: object, status: int) -> None:
    assert said(bridge, path, body).status == status


@pytest.mark.parametrize("path", ["aim", "load"])
def test_other_pages_may_not_ask(bridge: Bridge, path: str) -> None:
    elsewhere = CHANGE | {"origin": "http://elsewhere.example"}
    assert said(bridge, f"door/{path}", {"minutes": 1}, elsewhere).status == 403
    assert ask(bridge, f"/devices/door/{path}", PAGE).status == 404


def test_only_who_is_confirmed_and_seen_is_taken_over() -> None:
    history = Sightings()
    assert put_into(history, "door", [piece(1000)]) == 20
    seen = history.observations("door")
    assert seen.counts.tolist() == [0] * 3 + [1] * 7 + [0] + [1] * 9
    assert seen.rows["box"][0].tolist() == [220, 400, 280, 600]
    assert len(set(seen.rows["track"].tolist())) == 1
    assert seen.taken_ns.tolist() == [(1000 + 100 * step) * 10**6 for step in range(20)]


def test_what_nobody_saw_is_no_look_at_nobody() -> None:
    history = Sightings()
    blind = msgspec.structs.replace(piece(1000), blind=(3,))
    assert put_into(history, "door", [blind]) == 19
    assert put_into(history, "door", [piece(1000), piece(3_601_000)]) == 40


def test_nobody_there_is_told_once_a_second() -> None:
    empty = msgspec.structs.replace(piece(1000), ways=(), steps=(0, *[100] * 50))
    history = Sightings()
    assert put_into(history, "door", [empty]) == 6
    assert np.diff(history.observations("door").taken_ns).tolist() == [10**9] * 5


def test_a_piece_from_beyond_the_calendar_is_none() -> None:
    told = msgspec.json.encode(piece(1000)).replace(b'"begun":1000', b'"begun":%d')
    latest = msgspec.json.decode(told % 9_222_700_000_000, type=Piece)
    assert put_into(Sightings(), "door", [latest]) == 20
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(told % 253_402_300_799_000, type=Piece)


def test_of_too_much_the_newest_stay() -> None:
    history = Sightings(most_bytes=20_000)
    kept = [piece(second * 2000) for second in range(200)]
    assert put_into(history, "door", kept) == 4000
    seen = history.observations("door")
    assert seen.rows.nbytes < 40_000
    assert seen.taken_ns[-1] == (398_000 + 1900) * 10**6


def test_what_there_is_no_room_for_is_not_even_looked_at() -> None:
    kept = [piece(second * 2000) for second in range(10)]
    assert list(newest(iter(kept), 65)) == kept[7:]
    assert list(newest(kept, 10_000)) == kept
    assert list(newest(kept, 0)) == []
    named = msgspec.structs.replace(piece(1), labels=tuple(f"{n:064}" for n in range(1000)))
    assert list(newest([named] * 9, 10_000)) == [named] * 2


def test_what_does_not_fit_together_changes_nothing() -> None:
    history = Sightings()
    assert put_into(history, "door", [piece(1000)]) == 20
    with pytest.raises(BrokerError, match="not understood"):
        put_into(history, "door", [piece(5000), msgspec.structs.replace(piece(9000), labels=())])
    assert put_into(history, "door", []) == 0
    seen = history.observations("door")
    assert len(seen.taken_ns) == 20
    assert np.diff(seen.taken_ns).max() == 10**8
    config = config_of(Device(mount="overhead"), [MIDDLE])
    assert counts_of(config, seen, strip_of(seen)) == {"door": {"in": 1, "out": 0}}
