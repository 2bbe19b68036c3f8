"""Pages, mails and texts read as their readers see them."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper import check, document, rows, said

from rag.adapters.parsers.reading import read
from rag.errors import Permanent
from rag.types import Parsed


def parsed(content: bytes | str, path: str) -> Parsed:
    made = read(document(content, path))
    check(made)
    return made


def page(body: str) -> Parsed:
    return parsed(f"<!DOCTYPE html><html><head><title>T</title></head><body>{body}</body></html>", "a.html")


# --- HTML ---------------------------------------------------------------------------------------------------------


def test_the_main_part_of_a_page() -> None:
    """Menus, scripts and hidden parts are left out, wherever the text stands; its own header is not."""
    made = page(
        "<header><a>Logo</a></header><nav>Menü</nav><div class='x'>Text im <b>div</b>.<script>x()</script>"
        "<p>Absatz mit H<sub>2</sub>O.</p>Rest<br>zweite Zeile</div><div style='display: none'>versteckt</div>"
        "<p hidden>auch</p><form><p>Im Formular.</p><button>Los</button></form><footer>Impressum</footer>"
    )
    assert said(made) == ["Text im div.", "Absatz mit H2O.", "Rest\nzweite Zeile", "Im Formular."]
    made = page("<div>Davor</div><main><header><h1>Thema</h1></header><p>Inhalt.</p><aside>Hinweis</aside></main>")
    assert said(made) == ["Thema", "Inhalt.", "Hinweis"]


def test_lists_terms_and_code_of_a_page() -> None:
    """Items of lists within lists are items; a term stays with what explains it; code keeps its lines."""
    made = page("<ul><li>eins<ul><li>eins a</li></ul></li><li><p>zwei</p></li></ul><dl><dt>Frist</dt><dd>vier Wochen</dd></dl><pre>a = 1\n  b = 2</pre>")  # fmt: skip
    assert said(made, "list_item") == ["eins", "eins a"]
    assert said(made, "paragraph") == ["zwei", "Frist\nvier Wochen", "a = 1\n  b = 2"]


def test_tables_of_a_page() -> None:
    """Cells over rows and columns, captions, tables that only place things."""
    made = page(
        "<table><caption>Wartung</caption><thead><tr><th>Gerät</th><th colspan=2>Wartung</th></tr></thead>"
        "<tr><td rowspan=2>AL-200</td><td>jährlich</td><td>420</td></tr><tr><td>monatlich</td><td>690</td></tr></table>"
        "<table><tr><td><h2>Links</h2><p>Text.</p></td><td><p>Rechts.</p></td></tr></table>"
    )
    assert rows(made) == [[["Gerät", "Wartung"], ["AL-200", "jährlich", "420"], ["AL-200", "monatlich", "690"]]]
    assert said(made, "paragraph", "title") == ["Wartung", "Links", "Text.", "Rechts."]


WORDS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="<>&|", exclude_categories=["C", "Z"]),
    min_size=1,
    max_size=6,
)


@given(st.recursive(WORDS, lambda inner: st.tuples(st.sampled_from(["div", "p", "span", "b", "li", "section", "blockquote", "td"]), st.lists(inner, max_size=4)), max_leaves=12))  # fmt: skip
def test_no_word_of_a_page_is_lost_or_said_twice(tree: Any) -> None:
    """However tags are nested: the letters that are shown are read once."""

    def markup(node: Any) -> str:
        return f" {node} " if isinstance(node, str) else f"<{node[0]}>{''.join(map(markup, node[1]))}</{node[0]}>"

    content = markup(tree)
    words = re.sub(r"<[^<>]*>", " ", content).split()
    made = page(f"<p>Anfang</p>{content}")
    assert sorted("".join(made.text.split())) == sorted(
        "".join(["Anfang", *words]).replace("\xad", "")
    ) or not _is_plain(words)


def _is_plain(words: list[str]) -> bool:
    """Composition and unassigned characters may change letters; that is not what is tried here."""
    return all(word.isascii() for word in words)


# --- mail ---------------------------------------------------------------------------------------------------------


def mail(body: str, *, html: str | None = None, charset: str = "utf-8") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "Ada <a@example.org>", "b@example.org", "Frist für Anträge"
    message["Date"] = "Thu, 18 Jun 2026 15:25:00 +0200"
    message.set_content(body, charset=charset)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


THREADS = [
    "Am Mo., 15. Juni 2026 um 10:02 Uhr schrieb Ben Beispiel <\nben@example.org>:",
    "On Mon, Jun 15, 2026 at 10:02 AM Ben Example <ben@example.org> wrote:",
    "-----Ursprüngliche Nachricht-----\nVon: Ben Beispiel\nGesendet: Montag, 15. Juni 2026 10:02\nAn: Ada\nBetreff: Frist",
    "From: Ben Example\nSent: Monday, June 15, 2026 10:02 AM\nTo: Ada\nSubject: Deadline",
]


@pytest.mark.parametrize("head", THREADS)
@pytest.mark.parametrize("mark", ["", "> "])
def test_who_wrote_what_in_a_thread(head: str, mark: str) -> None:
    """Each older message stands under the lines that say whose it is, without the marks of quoting."""
    quoted = "\n".join(f"{mark}{line}".rstrip() for line in ["Bis wann?", "", "Gruß Ben"])
    made = parsed(mail(f"Bis Freitag.\n\n{head}\n{quoted}\n").as_bytes(), "a.eml")
    assert said(made, "title") == ["Frist für Anträge", " ".join(head.split())]
    assert said(made, "message")[1:] == ["Bis Freitag.", "Bis wann?", "Gruß Ben"]
    assert made.elements[-1].headings == ("Frist für Anträge", " ".join(head.split()))
    assert said(made)[1].startswith("From: Ada <a@example.org>\nTo: b@example.org\nDate: ")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-15", "cp1252"])
def test_charsets_of_mails(charset: str) -> None:
    """Declared ones, and one that is declared wrongly or unknown."""
    content = mail("Die Prüfung kostet 5 Euro für größere Geräte.\n", charset=charset).as_bytes()
    assert "Prüfung kostet 5 Euro für größere" in parsed(content, "a.eml").text
    wrong = b"From: a@b\r\nTo: c@d\r\nSubject: x\r\nContent-Type: text/plain; charset=%s\r\n\r\n" + "Die Prüfung der größeren Geräte.".encode("cp1252")  # fmt: skip
    for declared in (b"us-ascii", b"x-unknown", b"utf-8"):
        assert "Die Prüfung der größeren Geräte." in parsed(wrong % declared, "a.eml").text


def test_a_mail_of_html_alone() -> None:
    """Its structure is read, its styles are not."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "a@b.example", "c@d.example", "Angebot"
    message.set_content("<style>p {x}</style><p>Preise:</p><table><tr><th>Teil</th><th>Preis</th></tr><tr><td>A</td><td>5</td></tr></table>", subtype="html")  # fmt: skip
    made = parsed(message.as_bytes(), "a.eml")
    assert rows(made) == [[["Teil", "Preis"], ["A", "5"]]]
    assert said(made, "message")[1:] == ["Preise:"]


def test_attachments_and_mails_within_mails() -> None:
    """Parts stand under their names, a mail that is passed on is read whole, what cannot be read is named."""
    inner = mail("Der innere Text.\n")
    inner.replace_header("Subject", "Innen")
    outer = mail("Siehe Anhang.\n")
    outer.add_attachment(b"Teil;Preis\nA;7,50\n", maintype="text", subtype="csv", filename="preise.csv")
    outer.add_attachment(b"\x00\x01" * 500, maintype="application", subtype="octet-stream", filename="kaputt.txt")
    outer.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    outer.add_attachment(inner)
    made = parsed(outer.as_bytes(), "a.eml")
    assert said(made, "title") == ["Frist für Anträge", "preise.csv", "kaputt.txt", "Innen"]
    assert rows(made) == [[["Teil", "Preis"], ["A", "7,50"]]]
    assert "Der innere Text." in made.text
    assert {place.part for place in made.places} == {"preise.csv"}


def test_an_encrypted_mail_is_said_to_be_one() -> None:
    """It is parked with its reason."""
    content = b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIAGCSqG"
    with pytest.raises(Permanent) as caught:
        parsed(content, "a.eml")
    assert caught.value.code == "encrypted_mail"


# --- Markdown, text, CSV ------------------------------------------------------------------------------------------


def test_markdown() -> None:
    """Marks go, code stays, and what looks like a mark inside code is none."""
    made = parsed(
        "---\ntitle: Titel\n---\n# Eins\nEin *wichtiger* Satz mit [Link](http://x.example), `a_b*c` und snake_case_name,\nder weitergeht.\n\n"
        "Zwei\n----\n- Punkt\n  geht weiter\n- [x] erledigt\n1. Schritt\n\n```sh\n# kein Titel\n\n| kein | Tisch |\n```\n\n"
        "A | B\n--|--\n`x|y` | 2 \\| 3\n\n> Zitat &amp; mehr\n\n<!-- # weg -->\n[ref]: http://x.example\n",
        "a.md",
    )  # fmt: skip
    assert said(made, "title") == ["Eins", "Zwei"]
    assert said(made, "list_item") == ["Punkt geht weiter", "erledigt", "1. Schritt"]
    assert said(made, "paragraph") == [
        "Ein wichtiger Satz mit Link, a_b*c und snake_case_name, der weitergeht.", "# kein Titel\n\n| kein | Tisch |", "Zitat & mehr",
    ]  # fmt: skip
    assert said(made, "table")[0].startswith("A | B\n")
    assert made.title == "Titel"


def test_plain_text() -> None:
    """Wrapped lines read on, short ones stay lines, labels make items, underlines make headings."""
    made = parsed(
        "Plan\n====\nDieser Plan hängt neben der Tür des Serverraums und gilt\nfür den Betrieb. Er wird jeden November geprüft, und zwar am\n"
        "3. Mai noch einmal.\n\nMusterweg 1\n79100 Freiburg\n\nReihenfolge:\n- zuerst Netz\n- danach Speicher\n1. eins\n",
        "a.txt",
    )
    assert said(made) == [
        "Plan",
        "Dieser Plan hängt neben der Tür des Serverraums und gilt für den Betrieb. Er wird jeden November geprüft, und zwar am 3. Mai noch einmal.",
        "Musterweg 1\n79100 Freiburg", "Reihenfolge:", "zuerst Netz", "danach Speicher", "1. eins",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("Teil;Preis\nA;7,50\nB;1.200,00\n", [["Teil", "Preis"], ["A", "7,50"], ["B", "1.200,00"]]),
        ('part,price\nA,7.50\n"B, blue",3\n', [["part", "price"], ["A", "7.50"], ["B, blue", "3"]]),
        ("sep=|\nTeil|Preis\nA|1;2;3\n", [["Teil", "Preis"], ["A", "1;2;3"]]),
        ("Teil\tPreis\nA\t7,50\n", [["Teil", "Preis"], ["A", "7,50"]]),
        ('Teil;Preis\n"A\nB";"sagt ""ja"""\n', [["Teil", "Preis"], ["A B", 'sagt "ja"']]),
    ],
)  # fmt: skip
def test_csv(content: str, cells: list[list[str]]) -> None:
    """Whatever parts the cells, and however decimals are written."""
    assert rows(parsed(content, "a.csv")) == [cells]


def test_csv_of_an_old_excel() -> None:
    """Windows' encoding is seen in a file of a few words; the row's number is the place."""
    made = parsed("Größe;Straße\nklein;Käfergasse\n".encode("cp1252"), "a.csv")
    assert rows(made) == [[["Größe", "Straße"], ["klein", "Käfergasse"]]]
    assert [place.cells for place in made.places] == ["A1:B1", "A2:B2"]


@given(st.lists(st.lists(st.from_regex(r"[A-Za-zäöüß]{1,8}|\d{1,3},\d\d", fullmatch=True), min_size=3, max_size=3), min_size=2, max_size=12))  # fmt: skip
def test_decimal_commas_do_not_part_cells(cells: list[list[str]]) -> None:
    """German tables are parted by semicolons, and full of commas."""
    header = ["Kopf", "Mitte", "Ende"]
    content = "\n".join(";".join(row) for row in [header, *cells])
    assert rows(parsed(content, "a.csv")) == [[header, *cells]]


@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.md", "a.csv", "a.html", "a.eml"]))
def test_no_bytes_break_a_text(content: bytes, path: str) -> None:
    """Every file is read or refused in words, and what is read keeps the invariants."""
    refused: Permanent | None = None
    try:
        check(read(document(content, path)))
    except Permanent as error:
        refused = error
    assert refused is None or refused.hint
