"""What the page says of trails that the device keeps; its JavaScript is run by node, without a browser."""

from pathlib import Path
from typing import Any

import pytest

from fakes.scripts import NODE, copied, evaluate

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node, to run the page's JavaScript")

ASKED = """await (async () => {
  const asked = [], loaded = [], place = { textContent: "" }, button = { disabled: false };
  globalThis.fetch = async (path, { body }) => {
    asked.push([path, JSON.parse(body), button.disabled]);
    if (given.fails) throw new Error(given.fails);
    return { ok: given.ok, json: async () => given.told, text: async () => given.told };
  };
  const aiming = new m.Aiming(place, [button], (device) => loaded.push(device));
  const turn = given.load ? aiming.load("door", 24) : aiming.aim("door", 60);
  if (given.leaves) aiming.clear();
  await turn;
  return { asked, loaded, said: place.textContent, disabled: button.disabled };
})()"""


@pytest.fixture(name="page", scope="module")
def a_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize(
    ("given", "said", "loaded"),
    [
        ({"ok": True, "told": "until 12:00"}, "The device says: until 12:00", []),
        ({"ok": False, "told": "it does not answer"}, "That did not work: it does not answer", []),
        ({"fails": "gone"}, "That did not work: gone", []),
        ({"load": True, "ok": True, "told": 7}, "7 looks of the last 24 h are here now.", ["door"]),
        ({"load": True, "ok": True, "told": 0}, "The device has kept nothing: let it keep trails first.", []),
        ({"ok": True, "told": "late", "leaves": True}, "", []),
    ],
)
def test_what_came_of_it_is_said(page: Path, given: dict[str, Any], said: str, loaded: list[str]) -> None:
    told = evaluate(page, "aiming", ASKED, given)
    assert (told["said"], told["loaded"], told["disabled"]) == (said, loaded, False)
    wish = (
        ["/devices/door/load", {"hours": 24}] if given.get("load") else ["/devices/door/aim", {"minutes": 60}]
    )
    assert told["asked"] == [[*wish, True]]
