"""A table in a PDF comes out with the rows and cells that were put in, with lines or without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper import check, document, drawn, flowing, prose, rows, said, style, uncovered
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

from rag.adapters.parsers.pdf import parse

GRID = [("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]
PLAIN = [("VALIGN", (0, 0), (-1, -1), "TOP")]
ZEBRA = [*PLAIN, ("ROWBACKGROUNDS", (0, 0), (-1, -1), [colors.HexColor("#dddddd"), None])]
WORDS = st.sampled_from(["Gerät", "Öffnung", "jährlich", "Prüfung", "Kosten", "14", "7,50", "Euro", "über", "bis", "und", "Straße"])  # fmt: skip
CELLS = st.lists(WORDS, min_size=1, max_size=7).map(" ".join)


def table(cells: list[list[str]], look: list[Any], widths: list[float], **more: Any) -> Table:
    made = [[Paragraph(cell, style(9, "VeraBd" if n == 0 else "Vera")) for cell in row] for n, row in enumerate(cells)]
    return Table(made, colWidths=widths, style=TableStyle(look), **more)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], list[float]]:
    width, height = draw(st.integers(2, 5)), draw(st.integers(2, 8))
    header = [f"Spalte{column}" for column in range(width)]
    body = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=height, max_size=height))
    return [header, *body], draw(st.lists(st.integers(62, 90), min_size=width, max_size=width))


@settings(deadline=None, max_examples=40, derandomize=True)
@given(tables(), st.sampled_from(["TOP", "MIDDLE", "BOTTOM"]))
def test_a_drawn_table_comes_out_as_it_went_in(made: tuple[list[list[str]], list[float]], align: str) -> None:
    """Whatever wraps in whatever cell, and however cells are aligned: rows stay rows, and every word has its box."""
    cells, widths = made
    content = flowing(
        prose("Vorher steht ein Satz."), table(cells, [GRID[0], ("VALIGN", (0, 0), (-1, -1), align)], widths)
    )
    parsed = parse(document(content, "a.pdf"))
    check(parsed)
    assert rows(parsed) == [cells]
    assert parsed.elements[-1].header_end is not None
    boxes = [place.box for place in parsed.places if place.box]
    assert len(boxes) == len(parsed.places)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(tables(), st.sampled_from([PLAIN, ZEBRA]))
def test_a_table_without_lines_has_the_same_rows(made: tuple[list[list[str]], list[float]], look: list[Any]) -> None:
    """Rows that are set apart by room alone, or by a shade, are told from lines that wrap."""
    cells, widths = made
    padded = [*look, ("TOPPADDING", (0, 0), (-1, -1), 5), ("BOTTOMPADDING", (0, 0), (-1, -1), 5), ("RIGHTPADDING", (0, 0), (-1, -1), 12)]  # fmt: skip
    parsed = parse(document(flowing(table(cells, padded, [w + 18 for w in widths])), "a.pdf"))
    check(parsed)
    assert rows(parsed) == [cells]


def text_at(*placed: tuple[float, float, str]) -> bytes:
    def draw(canvas: Canvas) -> None:
        for x, y, text in placed:
            canvas.drawString(x, y, text)

    return drawn(draw)


def test_a_line_with_an_empty_first_column_goes_on_with_the_row_above() -> None:
    """Where all lines are equally far apart, the key tells where a row begins."""
    content = text_at(
        (72, 700, "Code"), (160, 700, "Bedeutung"), (330, 700, "Abhilfe"),
        (72, 687, "E-11"), (160, 687, "Deckel offen"), (330, 687, "Deckel schließen und"),
        (330, 674, "Lauf neu starten"),
        (72, 661, "E-14"), (160, 661, "Übertemperatur im"), (330, 661, "abkühlen lassen"),
        (160, 648, "Rotorraum"),
        (72, 635, "E-21"), (160, 635, "Unwucht"), (330, 635, "auswiegen"),
    )  # fmt: skip
    assert rows(parse(document(content))) == [[
        ["Code", "Bedeutung", "Abhilfe"],
        ["E-11", "Deckel offen", "Deckel schließen und Lauf neu starten"],
        ["E-14", "Übertemperatur im Rotorraum", "abkühlen lassen"],
        ["E-21", "Unwucht", "auswiegen"],
    ]]  # fmt: skip


def test_figures_under_figures_are_rows() -> None:
    """Close lines of numbers are no wrapped cells, even where groups of them are set apart."""
    lines = [("BM25", "50,0", "64,3"), ("Gold", "42,6", "63,1"), ("Alle", "51,1", "69,1"), ("Zwei", "52,1", "70,8")]
    placed = [(72.0, 700.0, "Typ"), (160.0, 700.0, "Top-5"), (230.0, 700.0, "Top-20")]
    for y, line in zip((680, 668, 648, 636), lines, strict=True):
        placed += [(x, y, text) for x, text in zip((72, 160, 230), line, strict=True)]
    assert rows(parse(document(text_at(*placed)))) == [[["Typ", "Top-5", "Top-20"], *map(list, lines)]]


def test_cells_over_several_rows_and_columns() -> None:
    """A key over two rows is said in both; a head over two columns once."""
    cells = [["Gerät", "Wartung", ""], ["AL-200", "jährlich", "420 Euro"], ["", "alle zwei Jahre", "690 Euro"], ["DS-75", "monatlich", "960 Euro"]]  # fmt: skip
    look = [*GRID, ("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 1), (0, 2))]
    parsed = parse(document(flowing(table(cells, look, [80, 120, 90])), "a.pdf"))
    assert rows(parsed) == [[["Gerät", "Wartung"], cells[1], ["AL-200", *cells[2][1:]], cells[3]]]


def test_a_table_over_two_pages_is_one() -> None:
    """Its header is said once, and its rows stand on their pages."""
    cells = [["Teil", "Preis"], *[[f"Teil Nummer {n}", f"{n},50 Euro"] for n in range(70)]]
    parsed = parse(document(flowing(table(cells, GRID, [160, 120], repeatRows=1)), "a.pdf"))
    assert rows(parsed) == [cells]
    assert {place.page for place in parsed.places} == {1, 2}


def test_a_frame_around_prose_is_no_table() -> None:
    """A box with a paragraph in it, and a rule under a heading."""
    boxed = Table([[Paragraph("Ein Hinweis im Kasten, der über mehrere Zeilen geht. " * 4, style())]], style=TableStyle([("BOX", (0, 0), (-1, -1), 1, colors.black)]))  # fmt: skip
    parsed = parse(document(flowing(prose("Vorher."), boxed, Spacer(1, 20), prose("Nachher.")), "a.pdf"))
    assert not said(parsed, "table")
    assert len(said(parsed, "paragraph")) == 3


def test_a_row_of_its_own_above_the_header_is_a_caption() -> None:
    """A title over all columns does not stand in for the header."""
    cells = [["Stufen der Mahnung", ""], ["Stufe", "Gebühr"], ["eins", "5 Euro"], ["zwei", "9 Euro"]]
    parsed = parse(document(flowing(table(cells, [*GRID, ("SPAN", (0, 0), (1, 0))], [120, 120])), "a.pdf"))
    assert said(parsed) == ["Stufen der Mahnung", "Stufe | Gebühr\neins | 5 Euro\nzwei | 9 Euro"]


def test_a_word_that_is_torn_by_its_narrow_cell_is_whole() -> None:
    """Without a hyphen only the rest of the document can tell."""
    cells = [["Stufe", "Zielbonus"], ["AT 1", "6 Prozent"]]
    content = flowing(prose("Der Zielbonus wird im April gezahlt."), table(cells, GRID, [60, 52]))
    assert rows(parse(document(content, "a.pdf"))) == [cells]


@pytest.mark.parametrize("align", ["left", "right"])
def test_columns_of_figures(align: str) -> None:
    """Numbers stand in columns whichever way they are aligned."""

    def draw(canvas: Canvas) -> None:
        put = canvas.drawString if align == "left" else canvas.drawRightString
        for row, (name, *figures) in enumerate([("Jahr", "2024", "2025"), ("Umsatz", "41.250", "9.320"), ("Kosten", "900", "12.345")]):  # fmt: skip
            canvas.drawString(72, 700 - 16 * row, name)
            for x, figure in zip((220, 320), figures, strict=True):
                put(x, 700 - 16 * row, figure)

    assert rows(parse(document(drawn(draw)))) == [[["Jahr", "2024", "2025"], ["Umsatz", "41.250", "9.320"], ["Kosten", "900", "12.345"]]]  # fmt: skip


def test_every_word_of_a_table_lies_in_a_box() -> None:
    """What is cited or masked is covered wholly, in wrapped cells too."""
    cells = [
        ["Gerät", "Bemerkung"],
        ["AL-200", "muss jährlich geprüft und danach gereinigt werden"],
        ["DS-75", "keine"],
    ]
    content = flowing(table(cells, PLAIN, [90, 110]))
    assert uncovered(content, parse(document(content))) == 0
