"""Markdown → text with structure and without its marks. Line by line, so that nothing inside code is taken for a mark."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from rag.adapters.parsers.building import Building, Line, Row, row
from rag.adapters.parsers.text import decoded
from rag.types import Document, ElementKind, Parsed

MEDIA_TYPE = "text/markdown"
_FENCE = re.compile(r"\s{0,3}(?P<fence>`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}(?P<marks>#{1,6})(?:\s+(?P<text>.*?))?(?:\s+#+)?\s*")
_UNDERLINE = re.compile(r"\s{0,3}(?:=+|-{2,})\s*")
_RULE = re.compile(r"\s{0,3}([-*_])(?:\s*\1){2,}\s*")
_ITEM = re.compile(r"\s*(?:(?P<bullet>[-*+])|(?P<number>\d{1,9}[.)]))\s+(?:\[[ xX]\]\s+)?(?P<text>.*)")
_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_DEFINITION = re.compile(r"\s{0,3}\[[^\]]+\]:\s+\S+.*")
_TAG = re.compile(
    r"</?(?:a|abbr|b|br|center|code|details|div|em|font|hr|i|img|kbd|li|mark|ol|p|pre|small|span|strong|sub|summary|sup|"
    r"table|tbody|td|th|thead|tr|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)


def parse_markdown(document: Document) -> Parsed:
    text = re.sub(r"<!--.*?-->", "", decoded(document.content).replace("\r\n", "\n"), flags=re.DOTALL)
    front = re.match(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, flags=re.DOTALL)
    title = re.search(r"^title:[ \t]*[\"']?(.*?)[\"']?[ \t]*$", front[1], flags=re.MULTILINE) if front else None
    reading = _Reading((text[front.end() :] if front else text).split("\n"))
    reading.read()
    return reading.building.parsed(document, MEDIA_TYPE, title=title[1] if title else None)


class _Reading:
    """Where we are, and the lines of the block that has begun."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.building = Building()
        self._lines = lines
        self._pending: list[str] = []
        self._kind: ElementKind = "paragraph"

    def read(self) -> None:
        at = 0
        while at < len(self._lines):
            at = self._step(at)
        self._flush()

    def _step(self, at: int) -> int:
        """Takes the line, and those that belong to it; returns where to go on."""
        line = self._lines[at]
        if fence := _FENCE.match(line):
            return self._code(at, fence["fence"])
        if self._is_table(at):
            return self._table(at)
        line = re.sub(r"^\s{0,3}(?:>\s?)+", "", line)
        heading = _HEADING.fullmatch(line)
        if heading:
            self._flush()
            self.building.title(Line(text=unmarked(heading["text"] or "")), len(heading["marks"]))
        elif self._pending and self._kind == "paragraph" and _UNDERLINE.fullmatch(line):
            self.building.title(Line(text=" ".join(map(unmarked, self._pending))), 1 if "=" in line else 2)
            self._pending = []
        elif not line.strip() or _RULE.fullmatch(line) or _DEFINITION.fullmatch(line):
            self._flush()
        elif item := _ITEM.fullmatch(line):
            self._flush()
            self._kind = "list_item"
            self._pending = [f"{item['number']} {item['text']}" if item["number"] else item["text"]]
        else:
            self._pending.append(line)
        return at + 1

    def _flush(self) -> None:
        self.building.paragraph(
            [Line(text=text) for line in self._pending for text in unmarked(line).split("\n")], self._kind
        )
        self._pending, self._kind = [], "paragraph"

    def _code(self, at: int, fence: str) -> int:
        """Verbatim, to the closing fence or the end."""
        self._flush()
        end = at + 1
        while end < len(self._lines) and not re.fullmatch(
            rf"\s*{re.escape(fence[0])}{{{len(fence)},}}\s*", self._lines[end]
        ):
            end += 1
        self.building.paragraph([Line(text="\n".join(self._lines[at + 1 : end]))])
        return end + 1

    def _is_table(self, at: int) -> bool:
        below = self._lines[at + 1] if at + 1 < len(self._lines) else ""
        return "|" in self._lines[at] and "|" in below and _DELIMITER.fullmatch(below) is not None

    def _table(self, at: int) -> int:
        self._flush()
        rows = [_row(self._lines[at])]
        end = at + 2
        while end < len(self._lines) and "|" in self._lines[end]:
            rows.append(_row(self._lines[end]))
            end += 1
        self.building.table(rows)
        return end


def _row(line: str) -> Row:
    cells = re.split(r"(?<!\\)\|", re.sub(r"^\s*\||(?<!\\)\|\s*$", "", line))
    return row(unmarked(cell.replace("\\|", "|")) for cell in cells)


def unmarked(text: str) -> str:
    """Without marks; what stands in back ticks stays as it is."""
    parts = re.split(r"(`+)(.+?)\1(?!`)", text)
    plain = [_plain(part) if number % 3 == 0 else part for number, part in enumerate(parts) if number % 3 != 1]
    return "".join(plain).strip()


def _plain(text: str) -> str:
    text = re.sub(r"<br\s*/?>", "\n", text, flags=re.IGNORECASE)
    text = _TAG.sub("", text)
    text = re.sub(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])", r"\1", text)
    text = re.sub(r"<((?:https?|mailto):[^<>\s]+)>", r"\1", text)
    text = re.sub(r"(?<!\\)(\*{1,3})(?=\S)(.+?)(?<=[^\s\\])\1", r"\2", text)
    text = re.sub(r"(?<![\w\\])(_{1,3})(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)", r"\2", text)
    text = re.sub(r"~~(?=\S)(.+?)(?<=\S)~~", r"\1", text)
    return html.unescape(re.sub(r"\\([\\`*_{}\[\]()#+\-.!|~<>])", r"\1", text))
