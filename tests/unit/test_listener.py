"""Where the body listens for the eye: one body at a path."""

from pathlib import Path

import pytest

from eyespot.sources.datagrams import Datagrams, Listener


def test_a_second_body_is_refused_while_the_first_listens(tmp_path: Path) -> None:
    first = Listener(tmp_path / "eye.sock", 100)
    with pytest.raises(FileExistsError, match="another process listens there"):
        Listener(tmp_path / "eye.sock", 100)
    first.close()
    Listener(tmp_path / "eye.sock", 100).close()


def test_a_socket_that_nobody_listens_at_any_more_makes_way(tmp_path: Path) -> None:
    left = Listener(tmp_path / "eye.sock", 100)
    left._socket.close()  # as a kill does
    listener = Listener(tmp_path / "eye.sock", 100)
    Datagrams.dial(tmp_path / "eye.sock", 100).close()
    listener.close()


def test_a_socket_that_took_the_place_of_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "eye.sock"
    first = Listener(path, 100)
    path.unlink()
    second = Listener(path, 100)
    first.close()
    Datagrams.dial(path, 100).close()
    second.close()
    assert not path.exists()
