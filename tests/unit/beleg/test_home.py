"""The folder of an instance, and what has to be in order before one starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from beleg.home import held, is_held, prepared_home, writable_home
from beleg.up import require_startable
from rag.errors import Permanent
from rag.settings import Settings


def test_an_unwritable_home_is_one_sentence(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "home").write_text("", encoding="utf-8")
    with pytest.raises(Permanent, match=r"cannot be written.*BELEG_HOME"):
        prepared_home(Settings(home=tmp_path / "home"))


def test_home_is_private(tmp_path: Path) -> None:
    """Nobody else on the machine reads the state."""
    home = writable_home(Settings(home=tmp_path / "Beleg für alle"))
    assert home.stat().st_mode & 0o077 == 0
    assert not list((home / "run").iterdir())


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    """Until it is let go."""
    home = writable_home(Settings(home=tmp_path))
    assert not is_held(home)
    with held(home):
        assert is_held(home)
        with pytest.raises(Permanent, match="already up"), held(home):
            pass
    assert not is_held(home)


def test_a_second_start_is_told_of_the_first_and_not_of_a_taken_port(tmp_path: Path) -> None:
    """The port is taken by that very instance: another port would not help."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(home=tmp_path, port=other.getsockname()[1])
        with pytest.raises(Permanent, match="BELEG_PORT"):
            require_startable(settings)
        with held(writable_home(settings)), pytest.raises(Permanent, match=r"already up.*BELEG_HOME and ports"):
            require_startable(settings)


def test_two_parts_cannot_share_a_port(tmp_path: Path) -> None:
    """Each port alone is free, so that only one of the two would start."""
    with socket.socket() as probe, socket.socket() as beside:
        probe.bind(("127.0.0.1", 0))
        beside.bind(("127.0.0.1", 0))
        port, other = probe.getsockname()[1], beside.getsockname()[1]
    with pytest.raises(Permanent, match=f"BELEG_PORT and BELEG_MLFLOW_PORT are both {port}"):
        require_startable(Settings(home=tmp_path, port=port, mlflow_port=port, prefect_port=other))
