"""Cleared text → chunks. Pure. Called by `ingest_one`. Structure first; tokens of the embedding model are the measure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from uuid import NAMESPACE_URL, uuid5

from langchain_text_splitters import RecursiveCharacterTextSplitter

from rag.language import detect
from rag.types import Chunk, Cleared, Element

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one kind of document is cut.

    Attributes:
        target: tokens up to which neighbours are put together. most: tokens that no chunk exceeds.
        merges: whether elements under one heading may share a chunk; slides and mails stand alone.
    """

    target: int
    most: int
    merges: bool


_PROSE = Rule(target=120, most=200, merges=True)
_ALONE = Rule(target=200, most=200, merges=False)

RULES: dict[str, Rule] = {
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": _ALONE,
    "message/rfc822": _PROSE,
    "text/csv": _ALONE,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _ALONE,
}
"""By media type; all others are prose. The model reads 256 tokens: 200 leave room for title, headings and header."""

RULES_REVISION = hashlib.sha256(
    json.dumps([2, asdict(_PROSE), {name: asdict(rule) for name, rule in sorted(RULES.items())}]).encode()
).hexdigest()[:12]
_CONTEXT_TOKENS = 50
"""More of title, headings and header would push the text itself out of the model's sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    start: int
    end: int
    headings: tuple[str, ...]
    header: str = ""
    alone: bool = False


def chunk(cleared: Cleared, *, count_tokens: Count) -> list[Chunk]:
    """In reading order. Every character of text that is not white space is in exactly one chunk."""
    rule = RULES.get(cleared.media_type, _PROSE)
    pieces = [piece for element in cleared.elements for piece in _cut(cleared.text, element, rule, count_tokens)]
    merged = list(_merged(cleared.text, pieces, rule, count_tokens))
    return [_chunk(cleared, piece, position, count_tokens) for position, piece in enumerate(merged)]


def _cut(text: str, element: Element, rule: Rule, count: Count) -> Iterator[_Piece]:
    """An element whole, or in parts that fit: a table by rows under its header, prose by sentences."""
    whole = text[element.start : element.end]
    if count(whole) <= rule.most:
        yield _Piece(
            start=element.start, end=element.end, headings=element.headings, alone=element.kind in {"table", "slide"}
        )
        return
    header = text[element.start : element.header_end] if element.kind == "table" and element.header_end else ""
    lines = element.kind in {"table", "slide", "message"}
    room = max(40, rule.most - min(count(header), _CONTEXT_TOKENS))
    for start, end in _lines(whole, room, count) if lines else _sentences(whole, rule.target, count):
        below = element.start + start >= (element.header_end or 0)
        yield _Piece(
            start=element.start + start, end=element.start + end, headings=element.headings,
            header=header if header and below else "", alone=lines,
        )  # fmt: skip


def _lines(text: str, most: int, count: Count) -> Iterator[tuple[int, int]]:
    """Whole lines together up to `most` tokens; a line that is longer alone is cut like prose."""
    start = end = 0
    for line in text.splitlines(keepends=True):
        if end > start and count(text[start : end + len(line)]) > most:
            yield from _fit(text, start, end, most, count)
            start = end
        end += len(line)
    yield from _fit(text, start, end, most, count)


def _fit(text: str, start: int, end: int, most: int, count: Count) -> Iterator[tuple[int, int]]:
    if count(text[start:end]) <= most:
        yield start, end
    else:
        yield from ((start + a, start + b) for a, b in _sentences(text[start:end], most, count))


def _sentences(text: str, most: int, count: Count) -> Iterator[tuple[int, int]]:
    """LangChain's splitter, made to tile: a cut begins where the one before it ends."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=most, chunk_overlap=0, length_function=count, keep_separator="end", strip_whitespace=False,
        separators=["\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ", ""],
    )  # fmt: skip
    at = 0
    for part in splitter.split_text(text):
        found = text.find(part, at)
        if found < 0:
            break  # what is left goes into the last cut below
        if found + len(part) > at:
            yield at, found + len(part)
            at = found + len(part)
    if text[at:].strip():
        yield at, len(text)


def _merged(text: str, pieces: list[_Piece], rule: Rule, count: Count) -> Iterator[_Piece]:
    """Neighbours up to the target, never over a heading unless the first of them is only headings so far."""
    current: _Piece | None = None
    for piece in pieces:
        if not text[piece.start : piece.end].strip():
            continue
        if current is not None and _joins(text, current, piece, rule, count):
            current = _Piece(
                start=current.start, end=piece.end, headings=piece.headings, header=piece.header, alone=piece.alone
            )
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _joins(text: str, current: _Piece, piece: _Piece, rule: Rule, count: Count) -> bool:
    only_headings = _last_line(text, current) == (piece.headings[-1] if piece.headings else None)
    if only_headings and not piece.header:
        return count(text[current.start : piece.end]) <= rule.most
    fits = rule.merges and not current.alone and not piece.alone and current.headings == piece.headings
    return fits and count(text[current.start : piece.end]) <= rule.target


def _last_line(text: str, piece: _Piece) -> str:
    return text[piece.start : piece.end].rpartition("\n")[2]


def _chunk(cleared: Cleared, piece: _Piece, position: int, count: Count) -> Chunk:
    document = cleared.document
    text = cleared.text[piece.start : piece.end]
    identity = "\n".join((document.id, document.version, RULES_REVISION, str(position)))
    return Chunk(
        id=str(uuid5(NAMESPACE_URL, identity)),
        document_id=document.id,
        version=document.version,
        zone=document.zone,
        path=document.path,
        uri=document.uri,
        title=cleared.title,
        media_type=cleared.media_type,
        position=position,
        start=piece.start,
        end=piece.end,
        text=text,
        context=_context(cleared.title, piece, count),
        places=tuple(p for p in cleared.places if p.start < piece.end and p.end > piece.start),
        language=detect(text, ("de", "en")) if len(text.split()) >= 8 else cleared.language,
        labels=document.labels,
    )


def _context(title: str, piece: _Piece, count: Count) -> str:
    """Title and headings, each once, then the table's header; the outer ones go first if it is too much."""
    path = list(dict.fromkeys((title, *piece.headings)))
    while len(path) > 1 and count(" › ".join(path)) > _CONTEXT_TOKENS:
        path.pop(1 if len(path) > 2 else 0)
    context = " › ".join(path)
    return f"{context}\n{piece.header}" if piece.header and count(piece.header) <= 2 * _CONTEXT_TOKENS else context
