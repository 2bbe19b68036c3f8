"""The table of chunk rules: read, overridden cell by cell, and refused where it cannot be cut by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.chunking import BUILT_IN, Chunking, built_in, parse_settings, read_chunking
from rag.errors import Permanent
from rag.testing import zone
from rag.types import ChunkSetting, Zone


def zone_with(*said: str) -> Zone:
    return replace(zone(), chunking=parse_settings(said))


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("text/csv", "table"), ("application/vnd.oasis.opendocument.presentation", "slides"), ("image/png", "picture"),
        ("application/pdf", "pdf"), ("application/vnd.ms-outlook", "mail"), ("text/markdown", "prose"),
        ("application/x-something-new", "prose"), ("", "prose"),
    ],
)  # fmt: skip
def test_every_type_has_a_rule(media_type: str, kind: str) -> None:
    """What nobody has thought of is prose."""
    assert built_in().of(media_type).kind == kind


def test_the_zone_wins_over_the_operator_over_the_table(tmp_path: Path) -> None:
    """Cell by cell, and each cell says where it comes from."""
    path = tmp_path / "chunking.yaml"
    path.write_text("slides: {target: 60, most: 150}\nprose: {most: 150}\n", encoding="utf-8")
    chunking = read_chunking(path)
    own = zone_with("slides.target=80", "slides.merges=true")
    slides, prose = chunking.of(own).of(_SLIDES), chunking.of(own).of("text/plain")
    assert (slides.target, slides.most, slides.merges, slides.header) == (80, 150, True, 100)
    assert (prose.target, prose.most) == (120, 150)
    origins = chunking.origins(own)
    assert origins["slides", "target"] == f"zone {own.name}"
    assert origins["slides", "most"] == str(path)
    assert origins["slides", "header"] == BUILT_IN
    assert chunking.of() != chunking.of(own) != Chunking().of(own)


_SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("slide: {target: 80}", "slide: .*one of prose, pdf"),
        ("slides: {size: 80}", "slides.size"),
        ("slides: {target: eighty}", "slides.target"),
        ("slides: {target: true}", "slides.target"),
        ("slides: {merges: 1}", "slides.merges"),
        ("slides: {target: 5}", "slides.target"),
        ("slides: {most: 100000000000000000000}", "slides.most"),
        ("slides: {media_types: [text/html]}", "slides.media_types"),
        ("slides: 80", "slides"),
        ("[slides]", "the file"),
        ("slides: {target: 190, most: 180}", "slides.target 190 is above slides.most 180"),
        ("folien: {target: 80}\nGröße: {target: 1}", "folien"),
        ("a: [", "cannot be read"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_bad_table_is_refused_by_the_name_of_its_cell(tmp_path: Path, content: str, named: str) -> None:
    """With the kinds and keys that there are, or with what does not go together."""
    path = tmp_path / "chunking.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Permanent, match=named) as caught:
        read_chunking(path)
    assert caught.value.code == "bad_chunking"
    assert caught.value.hint


@pytest.mark.parametrize(
    "said", ["slides", "slides.target", "=80", "slides.target=", "slides.target=a: [", ".=1", "x.y=1"]
)
def test_a_bad_cell_on_the_command_line_is_refused(said: str) -> None:
    """Half a cell is no cell; one without a value is none, too."""
    with pytest.raises(Permanent) as caught:
        parse_settings([said])
    assert caught.value.code == "bad_chunking"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """An operator's file that is not there is a mistake, not an empty table."""
    with pytest.raises(Permanent, match="BELEG_CHUNKING"):
        read_chunking(tmp_path / "none.yaml")


def test_no_chunk_is_more_than_the_model_reads() -> None:
    """With its context; the sentence names both cells, and the zone."""
    with pytest.raises(Permanent, match=r"acme|sheet\.most 240 and sheet\.context 50"):
        Chunking().readable(zone_with("sheet.most=240"), 254)
    rules = Chunking().readable(zone_with("sheet.most=240", "sheet.context=14"), 254)
    assert rules.of("application/vnd.oasis.opendocument.spreadsheet").most == 240
    Chunking().readable(None, 254)


def test_cells_are_sorted() -> None:
    """A zone file that only changes its order is no change."""
    assert parse_settings(["web.most=90", "mail.most=90"]) == parse_settings(["mail.most=90", "web.most=90"])
    assert parse_settings(["web.most=90"]) == (ChunkSetting(kind="web", key="most", value=90),)
