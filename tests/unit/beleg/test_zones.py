"""Which folders may become a zone: none that takes away, doubles or shows what it should not."""

from __future__ import annotations

from pathlib import Path

import pytest
from state_values import NOON, entry

from beleg.zones import chosen, is_empty, require_addable, trouble
from rag.errors import Permanent
from rag.ingest.standing import zone_status
from rag.types import Classification, Receipt, State, Zone

HOME = Path("/srv/beleg")


def zone(name: str, url: str) -> Zone:
    return Zone(name=name, url=url, tenant="default", owner="mia", classification=Classification.internal)


KNOWN = {
    "handbuch": zone("handbuch", "/data/handbuch"),
    "personal": zone("personal", "file:///data/personal"),
    "cloud": zone("cloud", "abfs://docs/a/"),
}


@pytest.mark.parametrize(
    ("name", "url", "code"),
    [
        ("handbuch", "/data/anderes", "zone_exists"),  # its documents would leave the index with the next sweep
        ("neu", "/data/handbuch", "zone_overlaps"),
        ("neu", "/data/handbuch/unter", "zone_overlaps"),
        ("neu", "/data/personal/2026", "zone_overlaps"),
        ("neu", "az://docs/a", "zone_overlaps"),  # the same container by another of its names
        ("neu", "abfss://docs/", "zone_overlaps"),
        ("neu", "/data", "zone_overlaps"),
        ("neu", "/srv/beleg", "zone_is_home"),
        ("neu", "/srv/beleg/index", "zone_is_home"),
        ("neu", "/srv", "zone_is_home"),
        ("../neu", "/data/neu", "bad_zone_name"),
        ("a/b", "/data/neu", "bad_zone_name"),
        ("--all", "/data/neu", "bad_zone_name"),
    ],
)
def test_what_harms_is_refused(name: str, url: str, code: str) -> None:
    """With a sentence that says what to do instead."""
    with pytest.raises(Permanent) as error:
        require_addable(zone(name, url), KNOWN, home=HOME, move=False)
    assert error.value.code == code
    assert error.value.hint


@pytest.mark.parametrize(
    ("name", "url", "home"),
    [
        ("handbuch", "/data/handbuch", HOME),  # the same again: its settings change
        ("Zwei Wörter ß", "/data/Öffentlich und mehr", HOME),
        ("handbuch-2", "/data/handbuch-2", HOME),
        ("projekt", "/projekt", Path("/projekt/.beleg")),  # sweeps pass hidden folders by
    ],
)
def test_what_does_no_harm_is_not(name: str, url: str, home: Path) -> None:
    """Umlauts, spaces, names that only begin alike, and the default home inside the folder."""
    require_addable(zone(name, url), KNOWN, home=home, move=False)


def test_a_zone_moves_only_when_told_to() -> None:
    """A disk that is now mounted elsewhere."""
    require_addable(zone("handbuch", "/mnt/handbuch"), KNOWN, home=HOME, move=True)


def test_an_unknown_name_tells_the_known_ones() -> None:
    """No name means all, also when there are none."""
    assert chosen([], None) == []
    assert chosen(list(KNOWN.values()), "personal") == [KNOWN["personal"]]
    with pytest.raises(Permanent, match=r"no zone hanbuch.*handbuch, personal"):
        chosen(list(KNOWN.values()), "hanbuch")


def test_only_a_folder_that_is_there_is_empty(tmp_path: Path) -> None:
    """One that is gone is another matter, and told as such."""
    assert is_empty(zone("a", str(tmp_path)))
    assert not is_empty(zone("b", str(tmp_path / "gone")))
    (tmp_path / "x.txt").write_text("x", encoding="utf-8")
    assert not is_empty(zone("a", str(tmp_path)))


@pytest.mark.parametrize(("state", "is_told"), [(State.indexed, True), (State.deleted, False)])
def test_an_emptied_folder_is_told_while_its_documents_answer(tmp_path: Path, state: State, is_told: bool) -> None:
    """A sweep takes it for a disk that is not mounted, so the last deletion does nothing until somebody says so."""
    seen = Receipt(zone="a", path="x.txt", document_id="1", version="1", state=state, code=state.value)
    found = zone("a", str(tmp_path))
    assert bool(trouble(found, zone_status(found, [entry(seen)], sweep=None, at=NOON, sweep_s=300))) == is_told
    assert trouble(found, zone_status(found, [], sweep=None, at=NOON, sweep_s=300)) is None
