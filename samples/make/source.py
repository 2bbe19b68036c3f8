"""Reads the sample texts: front matter plus a small dialect of Markdown that every format can carry.

One dialect for all formats keeps the texts readable side by side and the renderers small. It knows headings,
paragraphs, list items, numbered steps, tables and notes (`> `, shown as speaker notes on slides).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

Kind = Literal["heading", "paragraph", "item", "step", "table", "note"]
Rows = tuple[tuple[str, ...], ...]

FIXED = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)
"""The date that all file metadata carries, so that a build does not depend on the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a text. `level` is that of a heading; `rows` are those of a table, header first."""

    kind: Kind
    text: str = ""
    level: int = 0
    rows: Rows = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What only a message has. `attach` names a text in `attachments`."""

    sender: str
    recipient: str
    date: datetime
    attach: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One text and how it becomes a file.

    Attributes:
        zone: folder of the text and of the file.
        file: name of the file. render: format by content; differs from the name's where the extension lies.
        fault: what is broken on purpose: `password`, `truncated` or `empty`.
        stamp: edition, shown in footers.
        sidecar: content of `NAME.EXT.meta.yaml`; empty = no sidecar.
        encoding: of formats that are plain text.
    """

    zone: str
    file: str
    render: str
    title: str
    language: str
    stamp: str
    fault: str
    encoding: str
    sidecar: dict[str, Any]
    mail: Mail | None
    body: str
    blocks: tuple[Block, ...]

    @property
    def house(self) -> str:
        """The company that issued the text, as page headers name it."""
        return "Aurelia Klinik" if self.zone == "klinik" else "Aurelia Medizintechnik"


def read(path: Path) -> Source:
    """Read one text.

    Raises:
        ValueError: it has no front matter or does not begin with its title.
    """
    parts = re.fullmatch(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL)
    if parts is None:
        raise ValueError(f"{path}: no front matter")
    head: dict[str, Any] = yaml.safe_load(parts[1])
    file = str(head["file"])
    mail = _mail(head)
    blocks = () if mail else tuple(_blocks(parts[2]))
    if not mail and (not blocks or blocks[0].kind != "heading" or blocks[0].level != 1):
        raise ValueError(f"{path}: does not begin with its title")
    return Source(
        zone=path.parent.name,
        file=file,
        render=head.get("render", file.rsplit(".", 1)[1]),
        title=head["title"],
        language=head["language"],
        stamp=head["stamp"],
        fault=head.get("fault", ""),
        encoding=head.get("encoding", "utf-8"),
        sidecar=head.get("sidecar", {}),
        mail=mail,
        body=parts[2],
        blocks=blocks,
    )


def sections(source: Source) -> tuple[tuple[str, tuple[Block, ...]], ...]:
    """The text below its title, cut at second-level headings; what stands before the first has no heading."""
    found: list[tuple[str, list[Block]]] = [("", [])]
    for block in source.blocks[1:]:
        if block.kind == "heading" and block.level == 2:
            found.append((block.text, []))
        else:
            found[-1][1].append(block)
    return tuple((name, tuple(blocks)) for name, blocks in found if name or blocks)


def _mail(head: dict[str, Any]) -> Mail | None:
    if "sender" not in head:
        return None
    date = head["date"] if isinstance(head["date"], datetime) else datetime.fromisoformat(head["date"])
    return Mail(sender=head["sender"], recipient=head["recipient"], date=date, attach=head["attach"])


def _blocks(body: str) -> Iterator[Block]:
    """Cut at blank lines, then once more where list items follow each other."""
    for chunk in re.split(r"\n\s*\n", body.strip()):
        lines = chunk.splitlines()
        if lines[0].startswith("#"):
            marks, text = lines[0].split(" ", 1)
            yield Block(kind="heading", level=len(marks), text=text)
        elif lines[0].startswith("|"):
            rows = tuple(tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines)
            yield Block(kind="table", rows=(rows[0], *rows[2:]))
        elif lines[0].startswith("> "):
            yield Block(kind="note", text=" ".join(line.removeprefix("> ") for line in lines))
        elif re.match(r"- |\d+\. ", lines[0]):
            yield from _items(chunk)
        else:
            yield Block(kind="paragraph", text=" ".join(line.strip() for line in lines))


def _items(chunk: str) -> Iterator[Block]:
    """An item may go on over indented lines."""
    for entry in re.split(r"\n(?=- |\d+\. )", chunk):
        mark, text = entry.split(" ", 1)
        yield Block(kind="item" if mark == "-" else "step", text=" ".join(text.split()))
