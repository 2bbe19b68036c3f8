"""A zone of as many mixed files as are asked for, German and English, the same ones every time: `write(folder, 2000)`.

Texts are sections of the sample texts, drawn and joined anew, with other figures, products and places; each is rendered by the
samples' own makers as PDF, DOCX, PPTX, XLSX, HTML, Markdown, text, CSV or mail, in the shares that offices have. No two files hold
the same text, so nothing is embedded once for two. Lengths spread as they do: most of one to three pages, some of thirty.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

from samples.make.build import content, texts
from samples.make.source import Source, _blocks, read

_SHARES = {"pdf": 28, "docx": 22, "eml": 14, "xlsx": 9, "html": 8, "md": 7, "txt": 6, "pptx": 4, "csv": 2}
_SECTIONS = (2, 3, 3, 4, 5, 6, 8, 12, 30)
_PLACES = ("Jena", "Freiburg", "Erfurt", "Basel", "Graz", "Leeds", "Utrecht", "Lyon", "Aarhus", "Brno")
_SECTION = re.compile(r"(?m)^(?=## )")
_FIGURE = re.compile(r"(?<![\w.,-])\d{1,4}(?![\w-])")


def write(folder: Path, number: int, *, seed: int = 0) -> list[Path]:
    """Makes the zone and returns its files. The first `n` of a larger zone are those of a zone of `n`."""
    sections = _sections()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "zone.yaml").write_text("tenant: acme\nowner: benchmark\nclassification: internal\n", encoding="utf-8")
    made = []
    for at in range(number):
        chance = random.Random(f"{seed}/{at}")
        path = folder / f"{at // 500:02}" / f"{at:05}.{chance.choices(list(_SHARES), list(_SHARES.values()))[0]}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_content(sections, path, chance))
        made.append(path)
    return made


def _sections() -> dict[str, list[tuple[Source, str]]]:
    """Language → sections with the text that they come from."""
    found: dict[str, list[tuple[Source, str]]] = {"de": [], "en": []}
    for path in sorted(texts.glob("*/*.md")):
        source = read(path)
        if source.mail is None and not source.fault and source.zone != "klinik":  # whose patients the guard keeps out
            found[source.language] += [(source, section) for section in _SECTION.split(source.body)[1:]]
    return found


def _content(sections: dict[str, list[tuple[Source, str]]], path: Path, chance: random.Random) -> bytes:
    language = chance.choice(["de", "de", "en"])
    drawn = chance.choices(sections[language], k=chance.choice(_SECTIONS))
    title = f"{chance.choice(_PLACES)} {chance.randrange(10**6)}"
    body = f"# {title}\n\n" + "\n".join(_varied(section, chance) for _, section in drawn)
    kind = path.suffix[1:]
    if kind == "eml":
        return _mail(title, body, chance)
    if kind in {"xlsx", "csv"}:
        body = f"# {title}\n" + "\n".join(_table(chance) for _ in (drawn if kind == "xlsx" else drawn[:1]))
    source = replace(
        drawn[0][0], file=path.name, render=kind, title=title, language=language, body=body, sidecar={}, encoding="utf-8",
        stamp=f"{chance.randrange(2015, 2027)}", blocks=tuple(block for block in _blocks(body) if block.kind != "note" or kind == "pptx"),
    )  # fmt: skip
    return content(source, texts)


def _varied(section: str, chance: random.Random) -> str:
    """Other figures; and a sentence of its own, so that no passage is found in two files."""
    section = _FIGURE.sub(lambda found: str(int(found.group()) + chance.randrange(1, 60)), section.strip())
    return f"{section}\n\n{chance.choice(_PLACES)}, {chance.randrange(10**9)}.\n"


def _table(chance: random.Random) -> str:
    rows = [f"| {chance.randrange(10**6)} | {chance.choice(_PLACES)} | {chance.randrange(9000)} |" for _ in range(30)]
    return "\n".join(["", f"## Los {chance.randrange(10**6)}", "", "| Nr. | Ort | Wert |", "|---|---|---|", *rows, ""])


def _mail(title: str, body: str, chance: random.Random) -> bytes:
    day, plain = chance.randrange(1, 28), re.sub(r"(?m)^#+ ", "", body)
    head = f"From: a@aurelia.example\r\nTo: b@aurelia.example\r\nSubject: {title}\r\nDate: Mon, {day} Jun 2026 09:00:00 +0200\r\n"
    kind = 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    return (head + kind + plain).encode()
