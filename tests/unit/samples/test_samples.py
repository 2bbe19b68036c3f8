"""The samples are what they are said to be: rebuilt from their texts, of every format, with every fault that is planted."""

from __future__ import annotations

import email
import email.policy
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from guards import policy, presidio_guard, screened
from sample_files import TODAY, Sample, folded

from rag.adapters.landing.folder_landing import FolderLanding
from rag.errors import HeldBack
from rag.ingest.clear import clear
from rag.language import detect
from rag.types import Action, Classification, Parsed
from samples.make import build, landing_zone, texts
from samples.make.pdf import PASSWORD

Samples = dict[str, Sample]

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": "text/html",
    ".eml": "message/rfc822",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".csv": "text/csv",
}
UNREADABLE = {
    "finanzen/jahresabschluss-entwurf.pdf": "password_protected",
    "finanzen/lieferantenbewertung.pdf": "broken_file",
    "klinik/notizen-uebergabe.txt": "empty_file",
}
LYING = {
    "handbuch/datenblatt-lx9.docx": (b"%PDF-", "application/pdf"),
    "klinik/parkordnung.pdf": (b"<!DOCTYPE html>", "text/html"),
}
OLD, NEW = "personal/reisekostenrichtlinie-2024.docx", "personal/reisekostenrichtlinie-2026.docx"
PERSONAL, PATIENT = "personal/vermerk-standortumzug-jena.pdf", "klinik/entlassbrief-station-2.docx"


# --- built from texts -------------------------------------------------------------------------------------------


def files_below(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def unpacked(content: bytes) -> object:
    """What an archive holds, in order: another release of zlib packs the same content into other bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(entry.filename, entry.date_time, archive.read(entry)) for entry in archive.infolist()]


def mail_parts(content: bytes) -> object:
    """Headers, body and attachments, the attached archives unpacked."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    parts = [(part.get_content_type(), part.get_filename(), part.get_content()) for part in message.iter_parts()]
    return message.items(), [(t, n, unpacked(c) if isinstance(c, bytes) else c) for t, n, c in parts]


def drawn(content: bytes) -> object:
    """Size and words of every page."""
    with pypdfium2.PdfDocument(content, password=PASSWORD) as file:
        return [(page.get_size(), page.get_textpage().get_text_range()) for page in file]


PACKED: dict[str, Callable[[bytes], object]] = {
    ".docx": unpacked, ".pptx": unpacked, ".xlsx": unpacked, ".eml": mail_parts, ".pdf": drawn,
}  # fmt: skip


def is_same(name: str, made: bytes, kept: bytes) -> bool:
    """Equal bytes; or, of a packed format, equal content."""
    if made == kept:
        return True
    look = drawn if kept.startswith(b"%PDF-") else PACKED.get(Path(name).suffix)
    broken = UNREADABLE.get(name) == "broken_file"  # cut off in the middle of a stream: only its head can be compared
    return made[:200] == kept[:200] if broken else look is not None and look(made) == look(kept)


def test_the_committed_files_are_what_the_texts_say(tmp_path: Path) -> None:
    """Building writes exactly the committed files: whoever edits one kind without the other is told."""
    build(texts, tmp_path)
    made, kept = files_below(tmp_path), files_below(landing_zone)
    assert set(made) == set(kept)
    assert not [name for name in kept if not is_same(name, made[name].read_bytes(), kept[name].read_bytes())]


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """No clock, no random boundary, no order of a folder gets into a file."""
    for name in ("one", "two"):
        build(texts, tmp_path / name)
    one, two = files_below(tmp_path / "one"), files_below(tmp_path / "two")
    assert set(one) == set(two)
    assert not [name for name in one if one[name].read_bytes() != two[name].read_bytes()]


def test_building_removes_what_has_no_text_any_more(tmp_path: Path) -> None:
    """A file of a deleted text would be ingested for ever."""
    build(texts, tmp_path)
    stale = tmp_path / "personal" / "stale.pdf"
    stale.write_bytes(b"x")
    build(texts, tmp_path)
    assert not stale.exists()


@pytest.mark.parametrize("change", [b"x", b""])
def test_a_changed_file_is_noticed(change: bytes) -> None:
    """The comparison above is not always true: other words in a format that is compared by content are a difference."""
    kept = (landing_zone / OLD).read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(kept)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry, data + change if entry.filename == "word/document.xml" else data)
    assert is_same(OLD, out.getvalue(), kept) == (change == b"")
    assert not is_same("personal/urlaubsordnung.md", kept + b"x", kept)


# --- what there is ----------------------------------------------------------------------------------------------


def test_there_are_enough_files_of_every_format(samples: Samples) -> None:
    """At least 24 files are read, and each of the nine formats really is what its name says at least once."""
    read = {name: sample.parsed for name, sample in samples.items() if sample.parsed is not None}
    assert len(read) >= 24
    for suffix, media_type in MEDIA_TYPES.items():
        assert [n for n, p in read.items() if n.endswith(suffix) and p.media_type == media_type], suffix


def test_all_other_files_are_readable(samples: Samples) -> None:
    """Only what is broken on purpose is refused, each for its own reason."""
    assert {name: sample.code for name, sample in samples.items() if sample.code} == UNREADABLE


def test_both_languages_are_there(samples: Samples) -> None:
    """A good part of the files each, in the language that the text really has."""
    found = [detect(sample.text) for sample in samples.values() if sample.parsed is not None]
    assert found.count("de") >= 8
    assert found.count("en") >= 8


def test_there_are_two_tenants_and_four_classifications(samples: Samples) -> None:
    """As the zones and sidecars really apply, not as a list somewhere says."""
    labels = [sample.document.labels for sample in samples.values() if sample.document is not None]
    assert {label.tenant for label in labels} == {"aurelia", "aurelia-klinik"}
    assert {label.classification for label in labels} == set(Classification)
    assert any(label.readers for label in labels)


def test_one_pdf_has_all_that_a_pdf_can_have(samples: Samples) -> None:
    """Several pages, headings, a table with its header, umlauts, and a place for every piece of text."""
    parsed = samples["handbuch/benutzerhandbuch-al200.pdf"].parsed
    assert parsed is not None
    assert (parsed.pages or 0) >= 3
    assert {place.page for place in parsed.places} == set(range(1, (parsed.pages or 0) + 1))
    assert sum(element.kind == "title" for element in parsed.elements) >= 5
    assert any(element.kind == "table" and element.header_end for element in parsed.elements)
    assert set("äöüß") <= set(parsed.text)


def kinds(parsed: Parsed | None) -> set[str]:
    return {element.kind for element in parsed.elements} if parsed is not None else set()


def test_office_files_have_the_structure_of_office_files(samples: Samples) -> None:
    """Word files with headings and tables, sheets with cells, slides with notes."""
    assert {"title", "table", "list_item"} <= kinds(samples[NEW].parsed)
    sheets, slides = samples["handbuch/ersatzteile.xlsx"].parsed, samples["handbuch/it-onboarding.pptx"].parsed
    assert sheets is not None
    assert slides is not None
    assert {place.sheet for place in sheets.places} - {None}
    assert all(place.cells for place in sheets.places if "|" in sheets.text[place.start : place.end])
    assert {place.slide for place in slides.places} == set(range(1, (slides.pages or 0) + 1))
    assert (slides.pages or 0) >= 3


def test_every_mail_has_an_attachment_that_is_read(samples: Samples) -> None:
    """Its text stands in the mail's, and says which file it comes from."""
    mails = [sample for name, sample in samples.items() if name.endswith(".eml")]
    assert len(mails) >= 2
    for sample in mails:
        message = email.message_from_bytes(sample.file.read_bytes(), policy=email.policy.default)
        names = {part.get_filename() for part in message.iter_attachments()}
        assert sample.parsed is not None
        assert names
        assert {place.part for place in sample.parsed.places if place.part} == names


def test_nobody_real_is_named(samples: Samples) -> None:
    """Addresses of mails and pages are of the reserved domains that can belong to nobody."""
    for sample in samples.values():
        if sample.parsed is not None:
            hosts = re.findall(r"(?:@|https?://|www\.)((?:[\w-]+\.)+[a-z]{2,})", sample.text)
            assert not [host for host in hosts if not host.endswith((".example", ".invalid", ".test"))], sample.name


# --- the planted cases ------------------------------------------------------------------------------------------


def test_the_protected_pdf_does_not_open(samples: Samples) -> None:
    """Without its password it is refused, with it there is text: it is protected, not broken."""
    content = samples["finanzen/jahresabschluss-entwurf.pdf"].file.read_bytes()
    for wrong in (None, "", "password", PASSWORD.upper()):
        with pytest.raises(pypdfium2.PdfiumError, match=r"[Pp]assword"):
            pypdfium2.PdfDocument(content, password=wrong)
    assert "Jahresabschluss" in str(drawn(content))


def test_the_broken_pdf_is_a_pdf_cut_off(samples: Samples) -> None:
    """It begins like one and never ends."""
    content = samples["finanzen/lieferantenbewertung.pdf"].file.read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"%%EOF" not in content
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(content)


def test_the_empty_file_is_empty(samples: Samples) -> None:
    """Not a blank in it."""
    assert samples["klinik/notizen-uebergabe.txt"].file.stat().st_size == 0


@pytest.mark.parametrize("name", LYING)
def test_extensions_lie(samples: Samples, name: str) -> None:
    """The bytes are of another format than the name says, and the file is read as what it is."""
    head, media_type = LYING[name]
    assert samples[name].file.read_bytes().startswith(head)
    parsed = samples[name].parsed
    assert parsed is not None
    assert parsed.media_type == media_type != MEDIA_TYPES[Path(name).suffix]


def test_no_other_extension_lies(samples: Samples) -> None:
    """So that the two are the case that is tried, and no accident."""
    for name, sample in samples.items():
        if sample.parsed is not None and name not in LYING:
            assert sample.parsed.media_type == MEDIA_TYPES[Path(name).suffix], name


def test_an_old_encoding_is_among_the_files(samples: Samples) -> None:
    """One file is no UTF-8, as spreadsheets of the last decades export them; its umlauts survive."""
    sample = samples["finanzen/kostenstellen.csv"]
    with pytest.raises(UnicodeDecodeError):
        sample.file.read_bytes().decode("utf-8")
    assert folded(sample.file.read_bytes().decode("cp1252")).count("ü") == sample.text.count("ü") > 0


def test_one_document_has_run_out(samples: Samples) -> None:
    """It was valid once and is not on the day of the questions; no other has ended."""
    ended = {
        name for name, sample in samples.items()
        if sample.document is not None and (sample.document.labels.valid_until or TODAY) < TODAY
    }  # fmt: skip
    assert ended == {"personal/essenszuschuss-2024.txt"}
    labels = samples["personal/essenszuschuss-2024.txt"].document
    assert labels is not None
    assert labels.labels.valid_from is not None
    assert labels.labels.valid_until is not None
    assert labels.labels.valid_from < labels.labels.valid_until


async def test_two_versions_of_a_policy_contradict_each_other(samples: Samples) -> None:
    """The same rule with other figures in both, and the newer one says whom it replaces and from when."""
    old, new = samples[OLD], samples[NEW]
    rules = [
        r"privaten Pkw beträgt ([\d,]+) Euro je Kilometer",
        r"Hotelkosten werden bis (\d+) Euro je Nacht",
        r"Die Abrechnung ist innerhalb von (\w+ \w+) nach Reiseende",
        r"ganzer Kalendertag \| (\d+) Euro",
    ]
    for rule in rules:
        before, after = re.findall(rule, old.text), re.findall(rule, new.text)
        assert len(before) == len(after) == 1, rule
        assert before != after
    assert new.document is not None
    assert new.document.labels.valid_from is not None
    ends = await FolderLanding().supersessions(old.zone)
    assert ends == {Path(OLD).name: new.document.labels.valid_from}
    assert new.document.labels.valid_from <= TODAY


async def test_personal_data_is_masked_and_patient_data_is_held_back(samples: Samples) -> None:
    """Under the policies that are shipped, on the text that the parser really reads."""
    for planted in ("Katharina Lindemann", "DE89 3704 0044 0532 0130 00", "posteo.example", "+49 171 3920012"):
        assert planted in samples[PERSONAL].text
    masked = await screened(samples[PERSONAL].text)
    assert masked.decision.action is Action.redact
    assert not [p for p in ("Lindemann", "DE89", "posteo", "3920012", "Lindenstraße") if p in masked.text]
    for planted in ("Hildegard Brenner", "Diabetes mellitus", "Ramipril"):
        assert planted in samples[PATIENT].text
    held = await screened(samples[PATIENT].text)
    assert (held.decision.action, held.text) == (Action.block, "")


async def test_the_ingest_policy_leaves_every_sample_where_its_owner_put_it(samples: Samples) -> None:
    """Nobody loses an answer by the rules that are shipped: one person's details in a note of the house are masked, and
    what is left of the note is for whom it was written. All others are clean.
    """
    for name, sample in samples.items():
        if sample.parsed is None or name == PATIENT:
            continue
        cleared = await clear(sample.parsed, guard=presidio_guard(), policy=policy(), zone=sample.zone)
        assert cleared.raised is None, name
        assert cleared.is_redacted == (name == PERSONAL), name
    held = samples[PATIENT]
    assert held.parsed is not None
    with pytest.raises(HeldBack, match="patients"):
        await clear(held.parsed, guard=presidio_guard(), policy=policy(), zone=held.zone)
