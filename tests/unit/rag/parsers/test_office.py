"""DOCX, PPTX and XLSX read as their readers see them."""
# ruff: noqa: DTZ001 - a cell knows no time zone

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st
from paper import check, document, rows, said
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from rag.adapters.parsers.reading import read
from rag.adapters.parsers.shown import shown
from rag.errors import Permanent
from rag.types import Parsed

NS = nsdecls("w")


def saved(file: Any) -> bytes:
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def parsed(file: Any, path: str = "a", **named: Any) -> Parsed:
    made = read(document(saved(file), path, **named))
    check(made)
    return made


# --- Word ---------------------------------------------------------------------------------------------------------


def word(*paragraphs: str) -> Any:
    """A document whose body is this WordprocessingML."""
    file = docx.Document()
    for xml in paragraphs:
        file.element.body.insert(len(file.element.body) - 1, parse_xml(xml))
    return file


def test_headings_lists_and_tables_of_word() -> None:
    """By style, in order, with levels below one another."""
    file = docx.Document()
    file.add_heading("Handbuch", 0)
    file.add_heading("Geräte", 1)
    file.add_paragraph("Ein Satz.")
    file.add_paragraph("ein Punkt", style="List Bullet")
    table = file.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Gerät", "Preis", "AL-200", "12,50 €"], strict=True):
        cell.text = text
    made = parsed(file)
    assert [(e.kind, e.level) for e in made.elements] == [("title", 1), ("title", 2), ("paragraph", None), ("list_item", None), ("table", None)]  # fmt: skip
    assert rows(made) == [[["Gerät", "Preis"], ["AL-200", "12,50 €"]]]
    assert made.elements[-1].headings == ("Handbuch", "Geräte")
    assert made.elements[-1].header_end is not None


def test_own_heading_styles_inherit_their_level() -> None:
    """An organisation's template names them as it likes; a German Word stores its own names."""
    file = docx.Document()
    own = file.styles.add_style("Firma Kapitel", 1)
    own.base_style = file.styles["Heading 2"]
    file.add_paragraph("Kapitel", style="Firma Kapitel")
    outlined = file.add_paragraph("Abschnitt")
    outlined._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {NS} w:val="3"/>'))
    made = parsed(file)
    assert [(e.kind, e.level) for e in made.elements] == [("title", 3), ("title", 5)]


def test_a_bold_line_is_a_heading_but_a_bold_sentence_is_none() -> None:
    """Who does not know styles makes headings bold."""
    file = docx.Document()
    for text in ("Zuständigkeit", "Achtung, das ist ein Satz."):
        file.add_paragraph().add_run(text).bold = True
    file.add_paragraph("Danach.")
    assert [e.kind for e in parsed(file).elements] == ["title", "paragraph", "paragraph"]


def test_what_stands_in_controls_revisions_and_boxes_is_read() -> None:
    """Forms hide half of their text in them; what was deleted or hidden is not read, and nothing is read twice."""
    box = f"<w:txbxContent><w:p><w:r><w:t>Kasten</w:t></w:r></w:p></w:txbxContent>"  # noqa: F541
    made = parsed(
        word(
            f"<w:sdt {NS}><w:sdtContent><w:p><w:r><w:t>Im Steuerelement</w:t></w:r></w:p></w:sdtContent></w:sdt>",
            f"<w:p {NS}><w:r><w:t xml:space='preserve'>Die Frist ist </w:t></w:r><w:del w:id='1'><w:r><w:delText>drei</w:delText></w:r></w:del>"
            "<w:ins w:id='2'><w:r><w:t>vier</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t> geheime</w:t></w:r>"
            "<w:hyperlink><w:r><w:t xml:space='preserve'> Wochen</w:t></w:r></w:hyperlink><w:r><w:noBreakHyphen/><w:t>lang</w:t></w:r></w:p>",
            f"<w:p {NS} xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'><w:r><w:t>Anker</w:t>"
            f"<mc:AlternateContent><mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>",
        )
    )
    assert said(made) == ["Im Steuerelement", "Die Frist ist vier Wochen-lang", "Anker", "Kasten"]


def test_merged_cells_of_word() -> None:
    """A key over two rows is said in both, a head over two columns once, a frame around text is no table."""
    file = docx.Document()
    table = file.add_table(rows=3, cols=3)
    for cell, text in zip(
        table._cells, ["Gerät", "Wartung", "", "AL-200", "jährlich", "420", "", "monatlich", "690"], strict=True
    ):
        cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2)).text = "Wartung"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "AL-200"
    frame = file.add_table(rows=1, cols=1)
    frame.cell(0, 0).text = "Ein Hinweis."
    made = parsed(file)
    assert rows(made) == [[["Gerät", "Wartung"], ["AL-200", "jährlich", "420"], ["AL-200", "monatlich", "690"]]]
    assert said(made, "paragraph") == ["Ein Hinweis."]


def test_heads_and_foots_of_word_are_said_once() -> None:
    """They may name the patient or the date from which a rule holds; page numbers say nothing."""
    file = docx.Document()
    file.add_heading("Bericht", 1)
    file.add_paragraph("Text.")
    file.sections[0].header.paragraphs[0].text = "Akte Lindemann"
    file.sections[0].footer.paragraphs[0].text = "Seite 1 von 3"
    file.add_section().footer.is_linked_to_previous = True
    made = parsed(file)
    assert said(made)[2:] == ["Akte Lindemann"]
    assert made.elements[-1].headings == ()


# --- PowerPoint ---------------------------------------------------------------------------------------------------


def test_a_slide_is_read_as_it_is_looked_at() -> None:
    """Title, then from top to bottom; groups, tables, charts and notes; not what stands on every slide."""
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    low = slide.shapes.add_textbox(Cm(1), Cm(15), Cm(5), Cm(1))
    low.text_frame.text = "unten"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Cm(1), Cm(5), Cm(5), Cm(1)).text_frame.text = "in der Gruppe"
    table = slide.shapes.add_table(2, 2, Cm(1), Cm(8), Cm(8), Cm(2)).table
    table.cell(0, 0).text, table.cell(1, 0).text, table.cell(1, 1).text = "Kopf", "a", "b"
    table.cell(0, 0).merge(table.cell(0, 1))
    data = CategoryChartData()
    data.categories = ["2024", "2025"]
    data.add_series("Umsatz", (12.5, 14))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(11), Cm(8), Cm(3), data)
    slide.shapes.title.text = "Ergebnis"
    slide.notes_slide.notes_text_frame.text = "Hier erklären."
    made = parsed(deck)
    assert said(made) == ["Ergebnis\nin der Gruppe\nKopf\na | b\nUmsatz\n2024 | 12.5\n2025 | 14\nunten\nHier erklären."]
    assert made.elements[0].headings == ("Ergebnis",)
    assert {place.slide for place in made.places} == {1}


# --- Excel --------------------------------------------------------------------------------------------------------


def book(*cells: list[Any], title: str = "Preise") -> Any:
    file = openpyxl.Workbook()
    file.active.title = title
    for row in cells:
        file.active.append(row)
    return file


def test_cells_are_read_as_they_are_shown() -> None:
    """Shares, money and dates as their format shows them, in the sheet's language; places are cell ranges."""
    file = book(["Leistung", "Anteil", "Preis", "ab"], ["Wartung der Geräte", 0.19, 1234.5, dt.datetime(2026, 2, 1)])
    sheet = file.active
    sheet["B2"].number_format, sheet["C2"].number_format, sheet["D2"].number_format = "0%", '#,##0.00 "€"', "dd.mm.yyyy"
    made = parsed(file)
    assert rows(made) == [
        [["Leistung", "Anteil", "Preis", "ab"], ["Wartung der Geräte", "19%", "1.234,50 €", "01.02.2026"]]
    ]
    assert [(p.sheet, p.cells) for p in made.places] == [("Preise", None), ("Preise", "A1:D1"), ("Preise", "A2:D2")]
    assert rows(parsed(file, language="en"))[0][1][2] == "1,234.50 €"


def test_blocks_captions_merged_cells_and_hidden_sheets() -> None:
    """Tables below one another each have their header; a title above is a caption; hidden sheets stay hidden."""
    file = book(
        ["Preise 2026"], [], ["Gerät", "Wartung", "Preis"], ["AL-200", "jährlich", 420], [None, "monatlich", 690], [],
        ["Summe", None, 1110], [], ["Stadt", "Zuschlag"], ["Jena", 5],
    )  # fmt: skip
    file.active.merge_cells("A4:A5")
    hidden = file.create_sheet("Gehälter")
    hidden.append(["geheim"])
    hidden.sheet_state = "hidden"
    made = parsed(file)
    assert "geheim" not in made.text
    assert said(made, "paragraph") == ["Preise 2026"]
    assert rows(made) == [
        [
            ["Gerät", "Wartung", "Preis"],
            ["AL-200", "jährlich", "420"],
            ["AL-200", "monatlich", "690"],
            ["Summe", "", "1110"],
        ],
        [["Stadt", "Zuschlag"], ["Jena", "5"]],
    ]
    assert [p.cells for p in made.places][-1] == "A10:B10"


def test_too_many_rows_are_said_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet beyond the limit is parked; half of it would answer wrongly."""
    from rag.adapters.parsers import sheets

    monkeypatch.setattr(sheets, "_MOST_ROWS", 3)
    with pytest.raises(Permanent) as caught:
        parsed(book(["a", "b"], [1, 2], [3, 4], [5, 6]))
    assert caught.value.code == "too_many_rows"


@pytest.mark.parametrize(
    ("value", "number_format", "german", "text"),
    [
        (1234.5, "General", True, "1234,5"), (1234.0, "General", True, "1234"), (0.1 + 0.2, "General", False, "0.3"),
        (1234567, "#,##0", True, "1.234.567"), (1234567, "#,##0", False, "1,234,567"), (0.125, "0.0%", True, "12,5%"),
        (0.125, "0.0 %", True, "12,5 %"), (-3.5, "0.00;-0.00", True, "-3,50"), (-3.5, "0.00;(0.00)", False, "(3.50)"),
        (5, '0 "Stück"', True, "5 Stück"), (7.5, "[$€-407] #,##0.00", True, "€ 7,50"), (2.5, "0.##", False, "2.5"), (2, "0.##", False, "2"),
        (1234567, '#,##0, "T€"', True, "1.235 T€"), (12, "@", True, "12"), (1e-7, "0.00E+00", False, "1e-07"),
        (True, "General", True, "WAHR"), (None, "General", True, ""), ("x", "0", True, "x"),
        (dt.datetime(2026, 2, 1), "mm-dd-yy", True, "2026-02-01"), (dt.datetime(2026, 2, 1, 14, 5), "dd.mm.yyyy hh:mm", True, "01.02.2026 14:05"),
        (dt.datetime(2026, 2, 1), "d. mmmm yyyy", True, "1. Februar 2026"), (dt.datetime(2026, 2, 1), "mmm d, yyyy", False, "Feb 1, 2026"),
        (dt.datetime(2026, 2, 1), "[$-407]dddd, d/m/yy", True, "Sonntag, 1/2/26"), (dt.time(14, 5), "h:mm AM/PM", False, "2:05 PM"),
        (dt.timedelta(hours=30, minutes=5), "[h]:mm", True, "30:05"), (dt.date(2026, 2, 1), "General", True, "2026-02-01"),
    ],
)  # fmt: skip
def test_what_a_cell_shows(value: object, number_format: str, german: bool, text: str) -> None:
    """By its number format; plainly where the format is the reader's own."""
    assert shown(value, number_format, german=german) == text


@given(
    st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.datetimes(), st.times(), st.dates(), st.text()),
    st.text(alphabet='0#,.%;"€ymdhs/-[]$E+ @\\_*aAPM()', max_size=12), st.booleans(),
)  # fmt: skip
def test_no_format_breaks_a_cell(value: object, number_format: str, german: bool) -> None:
    """Formats come from strangers: whatever they say, the cell says something."""
    assert isinstance(shown(value, number_format, german=german), str)
    assert shown(value, "General", german=False) or value == ""
