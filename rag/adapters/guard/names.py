"""Text → spans of persons, without a model. Pure. Run by the guard.

A capitalised word alone says nothing in German. So a name needs a witness: a title or salutation before it, a listed
first name or surname, a label such as "Ansprechpartner:", a greeting, or the closing of a letter. What is found this
way is then found again wherever the surname stands alone (`repeats`).
"""

# ruff: noqa: SIM905  patterns and word lists read better unbroken
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rag.adapters.guard import words
from rag.adapters.guard.spans import Span
from rag.adapters.guard.witnesses import WITNESSES
from rag.compounds import split

_ENTITY = "PERSON"
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")
_SALUTATIONS = frozenset("herr herrn frau fräulein hr. fr. mr mr. mrs mrs. ms ms. miss mx mx. sir dame".split())
_TITLES = frozenset(
    "dr dr. prof prof. professor professorin doktor doctor dipl.-ing. dipl. ing. pd privatdozent pater schwester"
    " oberarzt oberärztin chefarzt chefärztin stationsarzt stationsärztin".split()
)
_TITLE_PARTS = frozenset("med. med rer. nat. phil. jur. h. c. mult. habil. ing ing. dent. vet. b.sc. m.sc.".split())
_NEEDS_CAPITAL = frozenset("ms mr mrs miss sir dame fr. hr. ing. pater schwester".split())
_PARTICLES = frozenset(
    "von van vom zu zur zum der den de del della di da dos du la le ten ter bin ibn al el und".split()
)
_AFTER = frozenset(
    "gmbh ag kg kgaa se ohg gbr mbh inc inc. ltd ltd. llc corp corp. e.v. stiftung straße strasse str. str platz allee weg"
    " gasse ring klinik klinikum krankenhaus hospital universität university hochschule institut institute gymnasium"
    " schule school preis prize award street road avenue lane museum bank verlag & co co. gesellschaft foundation"
    " river county island bay lake valley city beach park tower cup church kirche feb mar apr jun jul aug sep sept oct okt nov dec dez".split()
)
_NOUN_ENDINGS = (
    "heit", "keit", "schaft", "tion", "tionen", "tät", "ment", "ismus", "ierung", "lichkeit", "gerät", "geräte", "anlage",
    "plan", "dienst", "service", "abteilung", "verwaltung", "leitung", "technik", "system", "station", "klinik",
    "zentrum", "handbuch", "richtlinie", "nummer", "konto", "stelle", "portal", "büro", "ordnung", "management", "wesen",
    "vertrieb", "einkauf", "versand", "team", "teams", "gruppe", "verzeichnis", "bericht", "protokoll", "vertrag", "amt",
)  # fmt: skip
_NOBLE = frozenset("von van de del della di da dos du el al la le ten ter".split())
_NAME_ENDINGS = frozenset(
    "mann bach müller huber berg burg wald bauer feld stein dorf meier mayer maier egger hauser knecht meister schmidt schmied"
    " thal tal hof bruck brück brink kamp horst loh rode reuter weber becker koch vogel stock baum busch born berger bacher"
    " hofer felder steiner brunner reiter gruber lehner auer wieser moser kirch beck haus macher wirth richter fischer"
    " schneider fleischer jäger krämer kramer wagner schuster schäfer schreiber förster töpfer glaser metzger bäcker maurer"
    " zimmerer köhler krüger schröder lechner schuh wolf fuchs hahn".split()
)
_ROMAN = re.compile(r"[IVX]+")
_BEFORE_A_NAME = _TITLES | _SALUTATIONS | _TITLE_PARTS
_ON_BEHALF = frozenset("i. a. v. ppa.".split())
_MOST_TITLES = 8
"""`Herr Univ.-Prof. Dr. Dr. med. h. c.`; of a longer row the last ones lead to the name just as well. Without an end,
"Herr Herr Herr ..." would be read once from each of its words."""
_LONGEST_NAME = 5

_LETTERS = re.compile(r"[^\W\d_]+")
_PARTED = re.compile(r"(?<=[^\w. \t])\n|\n(?=[^\w \t])")
"""Line breaks over which no name reaches: `_near` says what joins two words."""
_INITIAL = re.compile(r"(?<![^\W\d_])[^\W\d_]\.")


_AUXILIARIES = frozenset({"can", "may", "will"})
"""First names that also begin an English question."""


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    lower: str


class PersonFinder:
    """Implements `Finder`. The lists are read when it is made."""

    def __init__(self) -> None:
        self._firsts = words.first_names()
        self._doubtful = words.doubtful_first_names()
        self._listed = self._firsts | self._doubtful
        self._surnames = words.surnames()
        self._surnames_or_words = self._surnames | words.doubtful_surnames()
        self._stop = words.not_names()
        self._common = words.common_words()
        beginnings = (*self._listed, *_SALUTATIONS, *_TITLES)
        self._beginnings = frozenset(part for word in beginnings for part in _LETTERS.findall(word))

    def find(self, text: str) -> Iterable[Span]:
        """Spans of whole names, without titles."""
        for start, end in self._promising(text):
            yield from self._running(text, _words(text, start, end))
        for witness in WITNESSES:
            for found in witness.testimonies(text):
                yield from self._valued(text, found, witness.by)

    def _promising(self, text: str) -> Iterator[tuple[int, int]]:
        """Parts of the text in which a word stands that a name can begin with; almost always, most have none."""
        start = 0
        for end in (*(found.start() for found in _PARTED.finditer(text)), len(text)):
            part = text[start:end]
            held = _LETTERS.findall(part.lower())
            if not self._beginnings.isdisjoint(held) or (_INITIAL.search(part) and not self._surnames.isdisjoint(held)):
                yield start, end
            start = end

    # --- in running text --------------------------------------------------------------------------------------

    def _running(self, text: str, tokens: Sequence[_Word]) -> Iterator[Span]:
        at = 0
        while at < len(tokens):
            word = tokens[at]
            found: tuple[int, int, float, str] | None = None
            if word.lower in _SALUTATIONS or word.lower in _TITLES:
                found = self._after_title(text, tokens, at)
            elif word.text[0].isupper():
                found = self._by_lists(text, tokens, at)
            if found is None:
                at += 1
                continue
            first, last, score, by = found
            yield Span(_ENTITY, tokens[first].start, _end(tokens[last]), score, f"name.{by}")
            at = last + 1

    def _after_title(self, text: str, tokens: Sequence[_Word], at: int) -> tuple[int, int, float, str] | None:
        """`Frau Prof. Dr. von Berg`: the first word after the titles needs no list, further ones do."""
        word = tokens[at]
        if word.lower in _NEEDS_CAPITAL and not (word.text[0].isupper() and word.text[1:].islower()):
            return None  # milliseconds, multiple sclerosis
        first = at + 1
        while (
            first < min(len(tokens), at + _MOST_TITLES)
            and tokens[first].lower in _BEFORE_A_NAME
            and _near(text, tokens, first)
        ):
            first += 1
        if first >= len(tokens) or not _near(text, tokens, first):
            return None
        start = first
        if tokens[first].lower in _NOBLE:  # not "Herr der Ringe"
            while first < len(tokens) - 1 and tokens[first].lower in _PARTICLES and _near(text, tokens, first + 1):
                first += 1
        if not self._can_be_name(tokens[first]):
            return None
        last = self._extend(text, tokens, first, after_title=True)
        return None if self._is_institution(text, tokens, last) else (start, last, 0.85, "title")

    def _by_lists(self, text: str, tokens: Sequence[_Word], at: int) -> tuple[int, int, float, str] | None:
        word = tokens[at]
        if self._is_first(word):
            last = self._extend(text, tokens, at, after_title=False)
            if last > at and not self._is_institution(text, tokens, last):
                listed = _bare(tokens[last]) in self._surnames
                if not listed and word.lower in _AUXILIARIES and _begins_sentence(text, word):
                    return None  # "Can LabConnect ...?"
                return at, last, 0.85 if listed else 0.7, "first_name"
            return self._comma_form(text, tokens, at)
        if len(word.text.rstrip(".")) == 1 and word.text.endswith("."):
            return self._initial(text, tokens, at)
        return self._comma_form(text, tokens, at)

    def _comma_form(self, text: str, tokens: Sequence[_Word], at: int) -> tuple[int, int, float, str] | None:
        """`Lindemann, Katharina`."""
        if text[tokens[at].end : tokens[at].end + 1] != "," or at + 1 >= len(tokens):
            return None
        if not re.fullmatch(r",[ \t]{0,2}", text[tokens[at].end : tokens[at + 1].start]):
            return None
        word, following = tokens[at], tokens[at + 1]
        if _bare(following) not in self._firsts or not _is_capitalised(following.text) or not self._can_be_name(word):
            return None
        known = _bare(word) in self._surnames
        if not known and (_bare(word) in self._common or _is_noun(_bare(word)) or _bare(word) in self._firsts):
            return None
        last = at + 1
        if last + 1 < len(tokens) and _near(text, tokens, last + 1) and _is_capitalised(tokens[last + 1].text):
            if _bare(tokens[last + 1]) not in self._firsts:
                return None  # an enumeration: "Ferramola, Jan Steen"
            last += 1
        return at, last, 0.8, "comma"

    def _initial(self, text: str, tokens: Sequence[_Word], at: int) -> tuple[int, int, float, str] | None:
        """`K. Lindemann`, `J. R. Brown`; not `z. B. Koch`."""
        if not tokens[at].text[0].isupper() or (at > 0 and _is_letter(tokens[at - 1]) and _near(text, tokens, at)):
            return None
        last = at + 1
        while last < len(tokens) and _is_letter(tokens[last]) and tokens[last].text[0].isupper():
            last += 1
        if last >= len(tokens) or not _near(text, tokens, last) or not _is_capitalised(tokens[last].text):
            return None
        bare = _bare(tokens[last])
        if bare not in self._surnames or (bare in self._common and tokens[at].lower in {"s.", "b.", "h.", "a.", "v."}):
            return None
        return (at, last, 0.6, "initial") if not self._is_institution(text, tokens, last) else None

    def _extend(self, text: str, tokens: Sequence[_Word], at: int, *, after_title: bool) -> int:
        """Index of the last word of the name that begins at `at`; `at` itself if nothing follows."""
        last = at
        strict = _bare(tokens[at]) in self._doubtful or (after_title and not self._is_first(tokens[at]))
        while last + 1 < len(tokens) and last - at < _LONGEST_NAME:
            nxt = last + 1
            while nxt < len(tokens) - 1 and tokens[nxt].lower in _PARTICLES and _near(text, tokens, nxt):
                nxt += 1
            if not _near(text, tokens, nxt) or (tokens[last].text.endswith(".") and len(tokens[last].text) > 2):
                break
            word = tokens[nxt]
            if "und" in {t.lower for t in tokens[last + 1 : nxt]} and not (
                self._is_first(word) and self._is_first(tokens[last])
            ):
                break
            if _is_letter(word) and word.text[0].isupper() and nxt + 1 < len(tokens) and _near(text, tokens, nxt + 1):
                if _bare(tokens[nxt + 1]) not in self._surnames:
                    break
                last = nxt
                continue
            if not self._goes_on(word, tokens[last], strict=strict, is_second=last == at):
                break
            last = nxt
        return at if _is_letter(tokens[last]) and last > at else last

    def _goes_on(self, word: _Word, before: _Word, *, strict: bool, is_second: bool) -> bool:
        bare = _bare(word)
        if not self._can_be_name(word) or (is_second is False and _bare(before) in self._surnames):
            return False
        if bare in (self._surnames_or_words if is_second and _bare(before) not in self._surnames else self._surnames):
            return True
        if bare in self._firsts:
            return not strict or is_second
        if _is_noun(bare) or bare in self._doubtful:
            return False
        if not is_second and not self._is_first(before):
            return False
        return not strict or not (bare in self._common or _is_compound(bare))

    def _is_institution(self, text: str, tokens: Sequence[_Word], last: int) -> bool:
        """`Carl Zeiss AG`, `Anna Weber Straße`, `Robert Koch-Institut`: no person."""
        if tokens[last].lower.rpartition("-")[2] in _AFTER:
            return True
        nxt = last + 1
        return nxt < len(tokens) and _near(text, tokens, nxt) and tokens[nxt].lower in _AFTER

    # --- behind labels, in greetings and closings -------------------------------------------------------------

    def _valued(self, text: str, found: re.Match[str], by: str) -> Iterator[Span]:
        start, end = found.span("value")
        tokens = _without_titles(_words(text, start, end))
        limit = next(
            (i for i, t in enumerate(tokens) if not self._can_be_name(t) and t.lower not in _PARTICLES), len(tokens)
        )
        if by == "closing" and limit < len(tokens):
            return  # a signature is nothing but a name
        names = tokens[: min(limit, _LONGEST_NAME)]
        while names and names[-1].lower in _PARTICLES:
            names.pop()
        is_single = by == "greeting" or (by == "label" and found.group("single") is not None)
        if not names or not self._is_name(names, is_single=is_single, by=by):
            return
        yield Span(_ENTITY, names[0].start, _end(names[-1]), 0.75, f"name.{by}")

    def _is_name(self, names: Sequence[_Word], *, is_single: bool, by: str) -> bool:
        bares = [_bare(n) for n in names]
        if any(_is_noun(b) for b in bares):
            return False
        if by == "greeting":
            return bares[0] in self._firsts
        if bares[0] in self._firsts or bares[-1] in self._firsts:
            return True
        if len(names) == 1:
            return bares[0] in self._surnames or (is_single and bares[0] not in self._stop)
        known = bares[-1] in self._surnames or bares[0] in self._surnames
        unknown = [b for b in bares if b not in self._surnames and b not in self._doubtful]
        if known and len(unknown) < len(bares):
            return True
        return not any(b in self._common or _is_compound(b) for b in bares if b not in _PARTICLES)

    def _is_first(self, word: _Word) -> bool:
        bare = _bare(word)
        parts = bare.split("-")
        return bare in self._listed or (len(parts) > 1 and all(p in self._listed for p in parts))

    def _can_be_name(self, word: _Word) -> bool:
        bare = _bare(word)
        if len(bare) < 2 or bare in self._stop or bare.endswith("straße") or _ROMAN.fullmatch(word.text.rstrip(".")):
            return False
        return _is_capitalised(word.text)

    # --- a second look ----------------------------------------------------------------------------------------

    def repeats(self, text: str, found: Iterable[Span]) -> Iterator[Span]:
        """Surnames of the persons found, wherever else they stand alone; not those that are everyday words."""
        surnames: set[str] = set()
        for span in found:
            if span.entity != _ENTITY:
                continue
            for word in _TOKEN.findall(text[span.start : span.end]):
                bare = word.rstrip(".").lower()
                if len(bare) > 2 and bare not in self._stop and bare not in _PARTICLES and self._is_telling(bare):
                    surnames.add(word.rstrip("."))
        for surname in sorted(surnames):
            for start, end in _standing_alone(text, surname):
                yield Span(_ENTITY, start, end, 0.6, "name.repeat")

    def _is_telling(self, bare: str) -> bool:
        return bare in self._firsts or (len(bare) > 3 and bare not in self._common)


def _words(text: str, start: int, end: int) -> list[_Word]:
    return [_Word(m.start(), m.end(), m.group(), m.group().lower()) for m in _TOKEN.finditer(text, start, end)]


def _standing_alone(text: str, surname: str) -> Iterator[tuple[int, int]]:
    """As a word of its own, also in the genitive."""
    at = text.find(surname)
    while at >= 0:
        end = at + len(surname)
        if not _joins(text[at - 1 : at] if at else ""):
            if not _joins(text[end : end + 1]):
                yield at, end
            elif text[end] == "s" and not _joins(text[end + 1 : end + 2]):
                yield at, end + 1
        at = text.find(surname, end)


def _joins(sign: str) -> bool:
    return sign.isalnum() or sign in {"_", "-"}


def _bare(word: _Word) -> str:
    return word.lower.rstrip(".")


def _end(word: _Word) -> int:
    """Without the full stop of a sentence, but with that of an initial."""
    return word.end - 1 if word.text.endswith(".") and len(word.text) > 2 else word.end


def _is_letter(word: _Word) -> bool:
    return len(word.text) == 2 and word.text.endswith(".")


def _is_capitalised(text: str) -> bool:
    return text[0].isupper() and (
        text[1:2].islower() or text.isupper() or text[1:2] in "'’." or text.startswith(("Mc", "Mac"))
    )


def _is_noun(bare: str) -> bool:
    part = bare.rpartition("-")[2]
    return len(part) > 15 or part.endswith(_NOUN_ENDINGS) or (len(part) > 7 and part.endswith(("ung", "ungen")))


def _is_compound(bare: str) -> bool:
    """Built of German words and not ending as surnames do: `Betriebsferien`, not `Lindemann`."""
    parts = split(bare)
    return len(parts) > 1 and parts[-1] not in _NAME_ENDINGS


def _begins_sentence(text: str, word: _Word) -> bool:
    before = text[: word.start].rstrip(" \t\"'“„(")
    return not before or before[-1] in ".!?:\n"


def _near(text: str, tokens: Sequence[_Word], at: int) -> bool:
    """Whether a word stands right behind the one before: blanks, or one line break inside a paragraph."""
    between = text[tokens[at - 1].end : tokens[at].start]
    return between.strip(" \t") in {"", "\n"} and len(between) <= 4 and "\n\n" not in between


def _without_titles(tokens: list[_Word]) -> list[_Word]:
    at = 0
    while at < len(tokens) and tokens[at].lower in _BEFORE_A_NAME | _ON_BEHALF:
        at += 1
    return tokens[at:]
