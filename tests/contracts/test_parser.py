"""What every parser promises, and what ours reads out of each format."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hostile_files import HEADER, HONEST, PROSE, ROWS, document, mail, own, sheets, word
from parsed_checks import check, place_of, tables

from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent
from rag.ports import Parser
from rag.testing import PlainParser

CELLS = (" | ".join(HEADER), [" | ".join(row) for row in ROWS])


class ParserContract:
    """Subclass with a fixture `parser`."""

    async def test_the_text_is_all_there_and_every_span_points_into_it(self, parser: Parser) -> None:
        """In reading order, with elements and places that hold it."""
        given = document(PROSE)
        parsed = await parser.parse(given)
        check(parsed, given)
        said = [parsed.text[e.start : e.end] for e in parsed.elements]
        assert said[0].startswith("Prüfplan")
        assert said[-2:] == ["Die Prüfung ist jährlich fällig.", "Das ist alles."]

    async def test_the_same_bytes_are_read_alike(self, parser: Parser) -> None:
        """Now and after other files; whoever would read them otherwise has another revision."""
        before, revision = await parser.parse(document(PROSE)), parser.revision
        await parser.parse(document(b"Something else."))
        assert await parser.parse(document(PROSE)) == before
        assert parser.revision == revision != ""

    async def test_text_is_clean(self, parser: Parser) -> None:
        """Composed, without control characters, whatever line ends the file has."""
        text = "Gro\u0308ße\x07\r\n\r\nZwei\x1bte Zeile\r\n" + "Und viele weitere Worte. " * 10
        parsed = await parser.parse(given := document(text.encode()))
        check(parsed, given)
        assert "Größe" in parsed.text
        assert "Zweite Zeile" in parsed.text

    @pytest.mark.parametrize(
        "content", [b"", b" ", b"\n\n\t\n", b"\r\n", b"\xef\xbb\xbf", "\u200b\u00ad\ufeff".encode()]
    )
    async def test_nothing_is_never_a_success(self, parser: Parser, content: bytes) -> None:
        """A file without text is parked with a reason: it would be indexed as nothing and look done."""
        with pytest.raises(Permanent) as caught:
            await parser.parse(document(content))
        assert caught.value.code
        assert caught.value.hint

    @pytest.mark.parametrize(
        "content", [b"\x00\x01\x02\x03" * 400, bytes(range(256)) * 20, b"\xff" * 1000 + b"\x00" * 1000]
    )
    async def test_what_is_no_text_is_refused(self, parser: Parser, content: bytes) -> None:
        """Binary under the name of a text, with a code, a sentence and a hint, and none of the bytes."""
        with pytest.raises(Permanent) as caught:
            await parser.parse(document(content))
        assert caught.value.message.endswith(".")
        assert caught.value.hint.endswith(".")

    async def test_files_at_the_same_time_do_not_mix(self, parser: Parser) -> None:
        """Each caller gets its own file, the bad ones among them their refusal."""
        contents = [b"\x00\x01" * 500 if n % 3 == 0 else f"Datei Nummer {n}.".encode() for n in range(12)]
        read = await asyncio.gather(*(parser.parse(document(c)) for c in contents), return_exceptions=True)
        for number, result in enumerate(read):
            if number % 3 == 0:
                assert isinstance(result, Permanent)
            else:
                assert not isinstance(result, BaseException)
                assert result.text == f"Datei Nummer {number}."

    async def test_nothing_shows_in_a_repr(self, parser: Parser) -> None:
        """A parsed file can be logged by mistake without showing what it says."""
        assert "jährlich" not in repr(await parser.parse(document(PROSE)))


class TestPlainParser(ParserContract):
    @pytest.fixture
    def parser(self) -> Parser:
        return PlainParser()


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    made = IsolatedParser()
    yield made
    asyncio.run(made.aclose())


class TestIsolatedParser(ParserContract):
    """The same for every format that it reads."""

    @pytest.mark.parametrize("path", HONEST)
    async def test_every_format_holds_what_is_promised(self, parser: IsolatedParser, path: str) -> None:
        """Spans, headings, tables and places of each are as the types say, under any name."""
        for name in (path, f"Ordner/{path}", f"{path}.backup" if not path.endswith((".csv", ".md", ".eml")) else path):
            parsed = await parser.parse(given := document(HONEST[path], name))
            check(parsed, given)

    @pytest.mark.parametrize("path", ["a.docx", "a.xlsx", "a.html", "a.md", "a.csv", "a.pdf"])
    async def test_a_table_keeps_its_header_and_its_rows(self, parser: IsolatedParser, path: str) -> None:
        """Whatever the format, a cell is found beside its row's other cells, and under the header."""
        assert CELLS in tables(await parser.parse(document(HONEST[path], path)))

    @pytest.mark.parametrize("path", ["a.docx", "a.html", "a.md"])
    async def test_headings_stand_above_what_they_head(self, parser: IsolatedParser, path: str) -> None:
        """Of a table: the title and its section."""
        parsed = await parser.parse(document(HONEST[path], path))
        [table] = [e for e in parsed.elements if e.kind == "table"]
        assert table.headings == ("Prüfplan", "Teile")

    async def test_a_pdf_knows_page_and_place_of_each_line(self, parser: IsolatedParser) -> None:
        """Counted from one; further down is further down."""
        parsed = await parser.parse(document(HONEST["a.pdf"], "a.pdf"))
        assert parsed.pages == 3
        for number in (1, 2, 3):
            heading, line = place_of(parsed, f"Kapitel {own(number)}"), place_of(parsed, f"Der Wert {own(number)}")
            assert heading.page == line.page == number
            assert heading.box is not None
            assert line.box is not None
            assert 0 < heading.box.top < line.box.top < 0.5

    async def test_slides_are_numbered_and_whole(self, parser: IsolatedParser) -> None:
        """Title, text and notes of one slide are one element."""
        parsed = await parser.parse(document(HONEST["a.pptx"], "a.pptx"))
        assert parsed.pages == 3
        for number, element in enumerate([e for e in parsed.elements if e.kind == "slide"], start=1):
            text = parsed.text[element.start : element.end]
            assert f"Folie Nummer {number}" in text
            assert f"Inhalt der Folie {number}" in text
            assert f"Notiz zu {number}" in text
            assert place_of(parsed, f"Notiz zu {number}").slide == number

    async def test_sheets_and_cells_can_be_found_again(self, parser: IsolatedParser) -> None:
        """By the sheet's name and a range that really holds them, also where a sheet does not begin in its corner."""
        parsed = await parser.parse(document(sheets(), "a.xlsx"))
        assert parsed.pages == 2
        price, stock = place_of(parsed, "Ventil"), place_of(parsed, "Jena")
        assert (price.sheet, price.cells) == ("Preise", "A3:C3")
        assert stock.sheet == "Lager"
        assert stock.cells is not None
        assert stock.cells.endswith("D6")

    async def test_an_attachment_is_read_as_a_part(self, parser: IsolatedParser) -> None:
        """Its text says which file it comes from; its tables keep their headers; the mail's own text says nothing."""
        parsed = await parser.parse(document(HONEST["a.eml"], "a.eml"))
        assert place_of(parsed, "jährlich fällig").part == "plan.docx"
        assert place_of(parsed, "Dichtung").part == "liste.csv"
        assert tables(parsed).count(CELLS) == 2
        at = parsed.text.index("Anbei die Liste.")
        assert not [p for p in parsed.places if p.start <= at < p.end and p.part]

    async def test_an_attachment_that_cannot_be_read_is_named(self, parser: IsolatedParser) -> None:
        """The mail and its other attachments go on."""
        content = mail(("kaputt.docx", b"PK\x03\x04 rubbish"), ("gut.docx", word("Der Rest ist gut.")))
        parsed = await parser.parse(given := document(content, "a.eml"))
        check(parsed, given)
        assert "kaputt.docx" in parsed.text
        assert place_of(parsed, "Der Rest ist gut.").part == "gut.docx"
