"""Text → sentences, list items and table rows, as spans that tile it. Pure. Called by citing and by the embedded model.

German and English rules together: most texts of an organisation mix both, and the abbreviations of one rarely end a
sentence of the other. A marker `[1]` after a full stop belongs to the sentence before it.
"""

# ruff: noqa: SIM905  a word list reads better as words than as a list of literals

from __future__ import annotations

import re
from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    "abb abf abk abs abschn abt allg anh anl anm art aufl az bd bearb bes best bez bspw bzgl bzw ca chr dgl dipl"
    " dr einschl entspr erg evtl ff geb gem gesch ges ggf ggü hbf hr hrn hrsg ing inkl insb insbes jhd jh kap kfm"
    " lfd lt max mind min mio mrd mtl nr o.g obj od pos prof rd rdnr reg s.o s.u sog spez st std str tab tel tsd"
    " u.a ua ugs urspr usf verf vgl vorl vs wg z.b zb zit zt ztr zzgl mr mrs ms messrs jr sr rev gen col capt lt"
    " hon fig figs eq sec ch vol approx dept est ext e.g i.e eg ie cf al viz jan feb mär mrz apr jun jul aug sep"
    " sept okt nov dez oct dec mo di mi fr sa so mon tue wed thu fri sat sun".split()
)
"""Lower-cased, without the last full stop; never end a sentence before a word, except as `_MAY_END` says."""

_MAY_END = frozenset("usw etc u.a inc ltd co corp plc a.m p.m am pm u.s u.k e.v ug kg min so mi di sat sun no".split())
"""Abbreviations, or words spelt like one, that also end sentences: then the next word tells."""

_STARTERS = frozenset(
    "der die das dem den ein eine einer es er sie wir ihr ich man dies diese dieser dieses bei beim für in im an"
    " am auf aus nach vor zu zum zur mit ohne wenn falls sofern danach dann dort hier jede jeder jedes alle bitte"
    " auch nur sowie wer wie was wo ab bis seit während wird werden ist sind hat haben kann können soll sollen"
    " darf muss müssen nicht kein keine the a an it he she we they you this that these those there here in on at"
    " for from to with without if when while after before as by each every all any no not please also only what"
    " who how where why is are was were".split()
)

_MONTHS = frozenset(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jan feb apr jun jul aug"
    " sep sept okt nov dez".split()
)
_ORDINAL_NOUNS = _MONTHS | frozenset(
    "quartal halbjahr stock stockwerk etage obergeschoss untergeschoss tag tage"
    " monat woche jahr lebensjahr jahrhundert auflage kapitel abschnitt mal platz schritt stufe mahnung person"
    " klasse instanz arbeitstag werktag kalendertag geburtstag".split()
)
_BEFORE_ORDINAL = frozenset(
    "der die das dem den des am zum zur im vom beim bis ab seit ein einen einem jeder jeden jedes und oder".split()
)

_MARKERS = r"(?:[ \t]*\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\])"
_END = re.compile(rf"(?P<stop>[.!?…]+)[\"'’”“»«)\]]*{_MARKERS}*(?=\s|\Z)|\n")
_WORD_BEFORE = re.compile(r"(?:[^\W\d_]\.\s?)*[^\W_]+\Z")
_NEXT_WORD = re.compile(r"[\"'„“”»«(\[]*([^\s]*)")
_BULLET = re.compile(r"[ \t]*(?:[-*•–·▪◦‣]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]")
_LIST_NUMBER = re.compile(r"[ \t]*\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})\Z")
_CELLS = " | "
_WRAPPED_FROM = 45
"""A line without an ending that is at least this long was wrapped by a layout; shorter, it is a heading or a field."""


def spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans that tile `text` in order, each with its trailing white space; none for an empty text."""
    ends = [*_ends(text, 0, is_whole=True)]
    starts = [0, *ends]
    return [(start, end) for start, end in zip(starts, [*ends, len(text)], strict=True) if start < end]


def units(text: str) -> list[tuple[int, int]]:
    """The spans of `spans` without surrounding white space; empty ones are left out."""
    trimmed = []
    for start, end in spans(text):
        unit = text[start:end]
        left = len(unit) - len(unit.lstrip())
        right = len(unit.rstrip())
        if left < right:
            trimmed.append((start + left, start + right))
    return trimmed


def is_row(unit: str) -> bool:
    """Whether the unit is a table row: cells joined by " | " on one line."""
    return _CELLS in unit


class SentenceStream:
    """Pieces of a text as they come → whole sentences, as soon as the next word shows that one has ended.

    However the text is cut into pieces, the sentences are the same, and joined they are the text.
    """

    def __init__(self) -> None:
        self._text = ""
        self._done = 0

    def feed(self, piece: str) -> list[str]:
        """Takes the next piece; returns the sentences that are now complete, with their trailing white space."""
        self._text += piece
        return self._cut(is_whole=False)

    def end(self) -> list[str]:
        """The text has ended: returns what is left. Nothing may be fed afterwards."""
        sentences = self._cut(is_whole=True)
        if self._done < len(self._text):
            sentences.append(self._text[self._done :])
            self._done = len(self._text)
        return sentences

    def _cut(self, *, is_whole: bool) -> list[str]:
        sentences = []
        for end in _ends(self._text, self._done, is_whole=is_whole):
            sentences.append(self._text[self._done : end])
            self._done = end
        return sentences


def _ends(text: str, start: int, *, is_whole: bool) -> Iterator[int]:
    """Ends of sentences after `start`, but not the end of the text. If more may follow, only those beyond doubt."""
    position = start
    while match := _END.search(text, position):
        if not match["stop"] and not text[start : match.start()].strip():
            position = match.end()  # empty lines belong to the sentence before
            continue
        after = match.end() if match["stop"] else match.start()
        end = after + len(text[after:]) - len(text[after:].lstrip())
        if end == len(text) or (not is_whole and not _next_is_known(text, end)):
            return
        position = match.end()
        if _is_end(text, start, match, after, end):
            yield end
            start = position = end


def _next_is_known(text: str, at: int) -> bool:
    """Whether the word at `at` is complete, and an opened bracket, which may become a marker, is closed."""
    rest = text[at : at + 40]
    if rest.startswith("[") and "]" not in rest and len(rest) < 16:
        return False
    return re.match(r"\S+\s", rest) is not None or len(rest) == 40


def _is_end(text: str, start: int, match: re.Match[str], after: int, end: int) -> bool:
    line_start = text.rfind("\n", 0, match.start()) + 1
    gap = text[after:end]
    if not match["stop"]:
        return _line_ends(text, line_start, match.start(), gap, end)
    if "\n" in gap:
        return True
    if _is_in_row(text, line_start, after):
        return False
    if match["stop"] != "." or match.end() != match.end("stop"):
        return not text[end].islower()
    return _full_stop_ends(text, max(start, line_start), match.start(), end)


def _is_in_row(text: str, line_start: int, at: int) -> bool:
    return _CELLS in text[line_start:at] or _CELLS in text[at : at + 400].split("\n", 1)[0]


def _line_ends(text: str, line_start: int, line_end: int, gap: str, following: int) -> bool:
    """Whether a line break ends a sentence: not if a layout has wrapped the line."""
    line = text[line_start:line_end].rstrip()
    if gap.count("\n") > 1 or _CELLS in line or line.endswith((":", ";")) or _begins_item(text, following):
        return True
    if text[following].islower():
        return False
    next_line = text[following:].split("\n", 1)[0]
    return _CELLS in next_line or len(line) < _WRAPPED_FROM


def _begins_item(text: str, at: int) -> bool:
    """Whether a list item begins here, and not the rest of a wrapped date: "am ⏎ 2. März"."""
    bullet = _BULLET.match(text, at)
    if bullet is None:
        return False
    following = _NEXT_WORD.match(text, bullet.end())
    word = following[1].rstrip(".,;:!?)").lower() if following else ""
    return not (bullet[0].strip()[:-1].isdigit() and word in _MONTHS)


def _full_stop_ends(text: str, start: int, stop: int, end: int) -> bool:
    following = _NEXT_WORD.match(text, end)
    word = following[1].rstrip(".,;:!?)\"'") if following else ""
    if text[end].islower() or _LIST_NUMBER.fullmatch(text, start, stop):
        return False  # "1. Anmelden": the number of a list item
    before = _WORD_BEFORE.search(text, start, stop)
    if before is None:
        return True
    last = before[0].lower().replace(" ", "")
    if last.isdigit():
        return not _is_ordinal(text, start, before.start(), last, word)
    return _word_ends(last, word.lower())


def _word_ends(last: str, following: str) -> bool:
    """Whether the full stop after `last` is more than that of an abbreviation or an initial."""
    if last in _MAY_END:
        return following in _STARTERS
    tail = last.rpartition(".")[2]
    if last in _ABBREVIATIONS or tail in _ABBREVIATIONS:
        return False
    is_initial = len(tail) == 1 and tail.isascii()
    return not is_initial or following in _STARTERS


def _is_ordinal(text: str, start: int, number_at: int, number: str, word: str) -> bool:
    """Whether "3." is "third": German writes ordinals so, and only the words around tell."""
    if len(number) > 2:
        return False
    if word.lower() in _ORDINAL_NOUNS:
        return True
    previous = text[start:number_at].rsplit(None, 1)
    return bool(previous) and previous[-1].lower() in _BEFORE_ORDINAL and word.lower() not in _STARTERS
