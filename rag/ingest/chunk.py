"""Cleared text → chunks. Pure. Called by `Batch`. Structure first; tokens of the embedding model are the measure."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from rag.chunking import cells_of
from rag.ingest import cut
from rag.ingest.cut import Count
from rag.language import REVISION as LANGUAGE_REVISION
from rag.language import detect
from rag.types import Chunk, ChunkRule, ChunkRules, ChunkSetting, Cleared, Element, Place

_HEADING_TOKENS = 24
"""Kept free in a text that fills a chunk, for the heading above it: a chunk of a heading alone answers nothing."""

_REVISION = 4
"""Raised by one whenever the code below cuts the same text differently."""
CODE = f"{_REVISION}+{LANGUAGE_REVISION}+{_HEADING_TOKENS}"
"""Revision of the code that cuts, whatever the rules."""

_BY_LINE = frozenset({"table", "slide", "message"})
_ALONE_KINDS = frozenset({"table", "slide"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Part of a chunk to be. `header`: of a table whose rows these are. `alone`: joins nothing but its heading."""

    start: int
    end: int
    headings: tuple[str, ...]
    header: str = ""
    alone: bool = False
    is_title: bool = False


def revision(rules: ChunkRules, *, code: str = CODE) -> str:
    """Changes whenever these rules or the code that follows them would cut some document differently."""
    return _digest([asdict(rule) for rule in rules.rules], code)


def snapshot(rules: ChunkRules) -> tuple[ChunkSetting, ...]:
    """Every cell of the table, for an index to remember."""
    cells = ((rule.kind, key, value) for rule in rules.rules for key, value in cells_of(rule).items())
    return tuple(ChunkSetting(kind=kind, key=key, value=value) for kind, key, value in cells)


def chunk(cleared: Cleared, *, rules: ChunkRules, count_tokens: Count) -> list[Chunk]:
    """In reading order. Every character of the elements that is not white space is in exactly one chunk.

    No chunk is empty, or longer than its rule's `most`; the same text gives the same chunks.
    """
    rule = rules.of(cleared.media_type)
    count = cut.measured(count_tokens)
    pieces = [piece for element in cleared.elements for piece in _pieces(cleared.text, element, rule, count)]
    merged = _merged(cleared.text, pieces, rule, count)
    places = _Places(cleared.places)
    rule_set = _digest(cells_of(rule))
    return [
        _chunk(cleared, piece, places, rule=rule, rule_set=rule_set, position=position, count=count)
        for position, piece in enumerate(merged)
    ]


def _digest(of: object, code: str = CODE) -> str:
    return hashlib.sha256(json.dumps([code, of]).encode()).hexdigest()[:12]


def _pieces(text: str, element: Element, rule: ChunkRule, count: Count) -> Iterator[_Piece]:
    """An element whole, or in parts that fit: a table by rows under its header, prose by sentences."""
    whole = _Piece(
        start=element.start, end=element.end, headings=element.headings, alone=element.kind in _ALONE_KINDS,
        is_title=element.kind == "title",
    )  # fmt: skip
    said = text[element.start : element.end]
    most = rule.most - _HEADING_TOKENS
    if count(said) <= most:
        yield whole
        return
    header = text[element.start : element.header_end] if element.kind == "table" and element.header_end else ""
    header = header if count(header) <= min(rule.header, rule.most // 2) else ""
    room = most - count(header) if header else most
    spans = cut.lines(said, room, count) if element.kind in _BY_LINE else cut.prose(said, min(rule.target, room), count)
    for start, end in spans:
        is_below = element.start + start >= (element.header_end or 0)
        yield replace(
            whole, start=element.start + start, end=element.start + end, header=header if is_below else "",
            alone=element.kind in _BY_LINE,
        )  # fmt: skip


def _merged(text: str, pieces: Sequence[_Piece], rule: ChunkRule, count: Count) -> Iterator[_Piece]:
    """Neighbours up to the target, never over a heading unless the first of them is only headings so far."""
    current: _Piece | None = None
    for piece in filter(None, (_trimmed(text, piece) for piece in pieces)):
        if current is None:
            current = piece
        elif _joins(text, current, piece, rule, count):
            current = replace(piece, start=current.start)
        else:
            yield current
            current = piece
    if current is not None:
        yield current


def _trimmed(text: str, piece: _Piece) -> _Piece | None:
    """Without white space at its ends; `None` if there is nothing else."""
    said = text[piece.start : piece.end]
    left, right = len(said) - len(said.lstrip()), len(said.rstrip())
    return replace(piece, start=piece.start + left, end=piece.start + right) if left < right else None


def _joins(text: str, current: _Piece, piece: _Piece, rule: ChunkRule, count: Count) -> bool:
    if current.is_title:
        is_below = piece.headings[: len(current.headings)] == current.headings and len(piece.headings) > len(
            current.headings
        )
        return is_below and not piece.header and count(text[current.start : piece.end]) <= rule.most
    fits = rule.merges and not piece.is_title and not current.alone and not piece.alone
    together = fits and current.headings == piece.headings
    return together and count(text[current.start : piece.end]) <= rule.target


class _Places:
    """Of a document, found by their spans; a long one has tens of thousands."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._starts = [place.start for place in places]
        self._ends = [place.end for place in places]

    def within(self, start: int, end: int) -> tuple[Place, ...]:
        """Those that overlap the span; they are sorted and do not overlap one another."""
        return tuple(self._places[bisect_right(self._ends, start) : bisect_left(self._starts, end)])


def _chunk(
    cleared: Cleared, piece: _Piece, places: _Places, *, rule: ChunkRule, rule_set: str, position: int, count: Count
) -> Chunk:
    document = cleared.document
    text = cleared.text[piece.start : piece.end]
    identity = "\n".join((document.id, document.version, rule_set, str(position)))
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
        context=_context(cleared.title, piece, rule.context, count),
        places=places.within(piece.start, piece.end),
        language=detect(text, ("de", "en")) if len(text.split()) >= 8 else cleared.language,
        labels=document.labels,
    )


def _context(title: str, piece: _Piece, most: int, count: Count) -> str:
    """Title and headings, each once, then the table's header; the outer ones go first if it is too much."""
    path = list(dict.fromkeys((title, *piece.headings)))
    while len(path) > 1 and count(" › ".join(path)) > most:
        path.pop(1 if len(path) > 2 else 0)
    context = " › ".join(path)
    return f"{context}\n{piece.header}" if piece.header else context
