"""What is read from a PDF reads as it was written: order, headings, paragraphs, whole words, and a box for every word."""

from __future__ import annotations

import asyncio
import io
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper import check, document, drawn, flowing, in_columns, prose, said, style, turned, uncovered
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from rag.adapters.parsers.pdf import parse
from rag.errors import Permanent
from rag.ingest.clear import clear
from rag.testing import FixedPolicy, decision
from rag.types import Action, Classification, Finding, Screened, Zone

NOUNS = ["Antrag", "Frist", "Vertrag", "Gerät", "Prüfung", "Abteilung", "Zahlung", "Übergabe", "Straße", "Leitung"]
VERBS = ["gilt", "endet", "beginnt", "läuft", "zählt", "verfällt"]


def sentences(seed: int, count: int) -> str:
    chance = random.Random(seed)  # noqa: S311 - texts, no secrets
    return " ".join(
        f"{chance.choice(['Der', 'Ein', 'Jeder'])} {chance.choice(NOUNS)} der {chance.choice(NOUNS)} {chance.choice(VERBS)} "
        f"ab dem {chance.randint(1, 28)}. Mai für {chance.randint(2, 90)} Tage."
        for _ in range(count)
    )  # fmt: skip


PARAGRAPHS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(2, 5)), min_size=2, max_size=6).map(
    lambda made: [sentences(seed, count) for seed, count in made]
)


def text_at(*placed: tuple[float, float, str]) -> bytes:
    def draw(canvas: Canvas) -> None:
        for x, y, text in placed:
            canvas.drawString(x, y, text)

    return drawn(draw)


# --- order --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25, derandomize=True)
@given(PARAGRAPHS, st.sampled_from(["left", "justify"]))
def test_paragraphs_come_out_whole_and_in_order(texts: list[str], align: str) -> None:
    """Line breaks are not seen, paragraphs are; "am / 3. Mai" begins no list."""
    more = {"alignment": 4 if align == "justify" else 0, "spaceAfter": 6}
    parsed = parse(document(flowing(*[prose(text, **more) for text in texts])))
    check(parsed)
    assert said(parsed, "paragraph") == texts


@pytest.mark.parametrize("align", ["left", "justify"])
@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_columns_are_read_one_after_the_other(seed: int, columns: int, align: str) -> None:
    """A page in columns reads like one without; a heading over all of them comes first."""
    more = {"alignment": 4 if align == "justify" else 0, "spaceAfter": 6}
    texts = [sentences(100 * seed + at, 3 + (at * (seed + 3)) % 7) for at in range(4 + 2 * seed)]
    head = "Eine Überschrift, die über alle Spalten der ganzen Seite geht"

    def above(canvas: Canvas, _: Any) -> None:
        if canvas.getPageNumber() == 1:
            canvas.setFont("Vera", 15)
            canvas.drawString(40, 720, head)

    parsed = parse(document(in_columns(*[prose(text, **more) for text in texts], count=columns, above=above)))
    assert said(parsed, "title") == [head]
    assert " ".join(said(parsed, "paragraph")) == " ".join(texts)


def test_a_side_note_does_not_run_through_the_text() -> None:
    """What stands across the page comes last, and a watermark too."""

    def draw(canvas: Canvas) -> None:
        for line in range(12):
            canvas.drawString(72, 700 - 13 * line, f"Zeile {line} des Textes geht hier weiter und")
        canvas.saveState()
        canvas.translate(30, 500)
        canvas.rotate(90)
        canvas.drawString(0, 0, "Entwurf vom Rand")
        canvas.rotate(-45)
        canvas.drawString(90, 90, "VERTRAULICH")
        canvas.restoreState()

    parsed = parse(document(drawn(draw)))
    texts = said(parsed)
    assert texts[0] == " ".join(f"Zeile {line} des Textes geht hier weiter und" for line in range(12))
    assert sorted(texts[1:]) == ["Entwurf vom Rand", "VERTRAULICH"]


def test_words_that_are_drawn_twice_are_read_once() -> None:
    """Bold is faked by drawing again, a hair apart."""
    parsed = parse(document(text_at((72, 700, "Wichtiger Hinweis"), (72.4, 700, "Wichtiger Hinweis"))))
    assert parsed.text == "Wichtiger Hinweis"


def test_what_lies_outside_the_page_is_not_read() -> None:
    """What no reader can see is no evidence."""
    parsed = parse(document(text_at((72, 700, "Zu sehen."), (-400, 700, "Versteckt."), (72, 900, "Auch versteckt."))))
    assert parsed.text == "Zu sehen."


# --- headings -----------------------------------------------------------------------------------------------------


def test_headings_by_size_weight_and_number() -> None:
    """Larger is higher; bold of the body's size below; section numbers below that; a bold word in a sentence is none."""
    texts = [
        Paragraph("Handbuch", style(20)), Paragraph("1 Betrieb und eine Überschrift, die so lang ist, dass sie sich umbricht", style(14)),
        prose(sentences(1, 3)), Paragraph("1.1 Einschalten", style(10, "VeraBd", spaceBefore=8, spaceAfter=4)), prose(sentences(2, 2)),
        Paragraph("1.1.1 Taste", style(10, "VeraBd", spaceBefore=8, spaceAfter=4)),
        prose('<font name="VeraBd">Achtung</font> das ist ein Satz.'), prose(sentences(3, 2), spaceBefore=8),
    ]  # fmt: skip
    parsed = parse(document(flowing(*texts)))
    assert [(e.level, parsed.text[e.start : e.end]) for e in parsed.elements if e.kind == "title"] == [
        (1, "Handbuch"),
        (2, "1 Betrieb und eine Überschrift, die so lang ist, dass sie sich umbricht"),
        (3, "1.1 Einschalten"),
        (4, "1.1.1 Taste"),
    ]
    assert parsed.elements[-1].headings[-2:] == ("1.1 Einschalten", "1.1.1 Taste")


@pytest.mark.parametrize(("stored", "title"), [("Preisliste 2026", "Preisliste 2026"), ("untitled", "Überschrift"), ("Microsoft Word - alt.docx", "Überschrift")])  # fmt: skip
def test_a_title_that_a_program_made_up_is_none(stored: str, title: str) -> None:
    """Then the first heading is."""
    content = flowing(Paragraph("Überschrift", style(20)), prose(sentences(1, 3)), title=stored)
    assert parse(document(content)).title == title


# --- lists --------------------------------------------------------------------------------------------------------


def test_lists() -> None:
    """Bullets go, numbers stay, and items that wrap stay whole."""
    long = "ein Punkt, der so lang ist, dass er in der nächsten Zeile weitergeht und dort unter dem Text steht"
    texts = [prose("Zu beachten:"), *[prose(text, leftIndent=18, bulletText="•") for text in ("kurz", long)]]
    texts += [prose(text, leftIndent=18, bulletText=f"{n}.") for n, text in enumerate(("erstens", long), start=1)]
    parsed = parse(document(flowing(*texts)))
    assert said(parsed, "list_item") == ["kurz", long, "1. erstens", f"2. {long}"]


# --- words at line ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "below", "joined"),
    [
        ("Die Versiche-", "rung zahlt.", "Die Versicherung zahlt."),
        ("Eine E-Mail-", "Adresse genügt.", "Eine E-Mail-Adresse genügt."),
        ("Der Ein-", "und Ausgang.", "Der Ein- und Ausgang."),
        ("Im Jahr 2024-", "2025 gilt das.", "Im Jahr 2024-2025 gilt das."),
        ("Ein 15-", "minütiger Lauf.", "Ein 15-minütiger Lauf."),
        ("A well-", "known rule.", "A well-known rule."),
        ("An e-", "mail will do.", "An e-mail will do."),
        ("Der LKW-Fah-", "rer wartet.", "Der LKW-Fahrer wartet."),
        ("Ein Strich -", "und weiter.", "Ein Strich - und weiter."),
        ("Mitarbeiterinnen/", "Mitarbeiter tun das.", "Mitarbeiterinnen/Mitarbeiter tun das."),
    ],
)
def test_words_cut_at_a_line_end(above: str, below: str, joined: str) -> None:
    """A hyphen that parts syllables goes, one that belongs to the word stays; both halves keep their boxes."""
    content = text_at((72, 700, above), (72, 687, below))
    parsed = parse(document(content))
    assert parsed.text == joined
    assert len(parsed.places) == 2
    assert uncovered(content, parsed) == 0


def test_the_document_decides_about_a_hyphen() -> None:
    """As it is written elsewhere, so it is here."""
    lines = ["Das Kosten-Nutzen wird geprüft.", "Vom Kosten-", "nutzen hängt es ab."]
    wholes = ["Der Kostennutzen wird geprüft.", "Vom Kosten-", "nutzen hängt es ab."]
    for texts, word in ((lines, "Kosten-nutzen"), (wholes, "Kostennutzen")):
        parsed = parse(document(text_at(*[(72.0, 700.0 - 13 * n, text) for n, text in enumerate(texts)])))
        assert f"Vom {word} hängt" in parsed.text


# --- running heads ------------------------------------------------------------------------------------------------


def with_heads(pages: int) -> bytes:
    def head(canvas: Canvas, _: Any) -> None:
        canvas.setFont("Vera", 8)
        canvas.drawString(72, A4[1] - 36, "Akte Lindemann")
        canvas.drawRightString(A4[0] - 72, A4[1] - 36, f"Stand {canvas.getPageNumber()}. Mai")
        canvas.drawString(72, 30, "gültig ab 1. Januar 2026")
        canvas.drawRightString(A4[0] - 72, 30, f"Seite {canvas.getPageNumber()} von {pages}")
        canvas.drawCentredString(A4[0] / 2, 30, str(canvas.getPageNumber() + 4))

    texts = [prose(sentences(seed, 8), spaceAfter=8) for seed in range(9 * pages - 4)]
    return flowing(*texts, on_page=head)


def test_running_heads_are_said_once_and_page_numbers_not_at_all() -> None:
    """A paragraph goes on over the page as if nothing stood between, and every place of a head is remembered."""
    content = with_heads(3)
    parsed = parse(document(content))
    check(parsed)
    assert parsed.pages == 3
    assert said(parsed)[:-3] == [sentences(seed, 8) for seed in range(23)]
    assert said(parsed)[-3:] == ["Akte Lindemann", "gültig ab 1. Januar 2026", "Stand 1. Mai"]
    assert all(element.headings == () for element in parsed.elements[-3:])
    assert sorted((parsed.text[e.start : e.end], e.page) for e in parsed.echoes) == [
        ("Akte Lindemann", 2), ("Akte Lindemann", 3), ("Stand 1. Mai", 2), ("Stand 1. Mai", 3),
        ("gültig ab 1. Januar 2026", 2), ("gültig ab 1. Januar 2026", 3),
    ]  # fmt: skip


def test_a_name_in_a_running_head_is_masked_on_every_page() -> None:
    """The text says it once; pictures of the pages must not show it anywhere."""

    class Names:
        revision = "names"

        async def screen(self, text: str, **_: Any) -> Screened:
            at = text.index("Lindemann")
            found = Finding(entity="PERSON", start=at, end=at + 9, score=1.0, recognizer="test")
            return Screened(text=f"{text[:at]}<PERSON>{text[at + 9 :]}", decision=decision(Action.redact), findings=(found,), counts={"PERSON": 1})  # fmt: skip

    zone = Zone(name="z", url="z", tenant="t", owner="o", classification=Classification.public)
    cleared = asyncio.run(clear(parse(document(with_heads(3))), guard=Names(), policy=FixedPolicy(), zone=zone))
    assert "Lindemann" not in cleared.text
    assert sorted(place.page or 0 for place in cleared.masked) == [1, 2, 3]


def test_content_that_comes_back_is_no_running_head() -> None:
    """A first line that goes straight on into the text belongs to it."""
    placed = [
        (72.0, 780.0 - 13 * n, text)
        for n, text in enumerate(["Sehr geehrte Damen und Herren,", "wir danken.", "Mit Gruß"])
    ]
    out = io.BytesIO()
    canvas = Canvas(out)
    for page in range(2):
        for x, y, text in placed:
            canvas.drawString(x, y, f"{text} {'ab'[page]}" if y < 760 else text)
        canvas.showPage()
    canvas.save()
    assert parse(document(out.getvalue())).text.count("Sehr geehrte Damen") == 2


# --- boxes --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20, derandomize=True)
@given(PARAGRAPHS, st.sampled_from([0, 90, 180, 270]), st.booleans())
def test_boxes_cover_the_words_as_the_page_is_shown(texts: list[str], rotate: int, is_cropped: bool) -> None:
    """No ink lies outside, no box lies on nothing, however the page is turned and cropped."""
    lines = [line for text in texts for line in (text[i : i + 60].strip() for i in range(0, len(text), 60))]
    content = text_at(*[(80.0, 740.0 - 14 * n, line) for n, line in enumerate(lines[:40])])
    content = turned(content, rotate, (40, 60, 560, 800) if is_cropped else None)
    parsed = parse(document(content))
    assert uncovered(content, parsed) == 0
    assert all(parsed.text[p.start : p.end] for p in parsed.places)


def test_a_page_that_is_written_across_is_read_along() -> None:
    """A wide table is often drawn sideways on an upright page, and nobody turns the page."""

    def draw(canvas: Canvas) -> None:
        canvas.rotate(90)
        for line in range(6):
            canvas.drawString(100, -100 - 13 * line, f"Zeile {line} des langen Textes geht")

    content = drawn(draw)
    parsed = parse(document(content))
    assert parsed.text == " ".join(f"Zeile {line} des langen Textes geht" for line in range(6))
    assert uncovered(content, parsed) == 0


def test_the_type_size_may_be_in_the_matrix() -> None:
    """Files that say size 1 and scale have headings too."""

    def draw(canvas: Canvas) -> None:
        for y, scale, text in (
            (700, 20, "Kapitel"),
            (670, 10, "Der Text des Kapitels steht hier."),
            (657, 10, "Er geht weiter."),
        ):
            canvas.saveState()
            canvas.translate(72, y)
            canvas.scale(scale, scale)
            canvas.setFont("Vera", 1)
            canvas.drawString(0, 0, text)
            canvas.restoreState()

    parsed = parse(document(drawn(draw)))
    assert said(parsed, "title") == ["Kapitel"]
    assert said(parsed, "paragraph") == ["Der Text des Kapitels steht hier. Er geht weiter."]


def test_an_empty_page_is_said_to_be_one() -> None:
    """A scan without text is not an empty success."""
    with pytest.raises(Permanent) as caught:
        parse(document(drawn(lambda canvas: canvas.rect(100, 100, 200, 200, fill=1))))
    assert caught.value.code == "no_text"
