"""A question → what it asks about and which kind of thing would answer it. Pure. Called by `rag.answerability`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rag import compounds
from rag.concepts import concepts
from rag.figures import Figure, figures
from rag.kinds import Kind, kind_of
from rag.stems import STOPWORDS, stem


@dataclass(frozen=True, slots=True)
class Term:
    """A content word of a question.

    Attributes:
        parts: stems of its parts, if it is a German compound; head: of the last one, which names the thing.
        weight: 0.2 for an everyday word to 1.0 for a rare one, by its frequency in the language at large; half of
            that if it is probably not a noun.
        is_noun: as far as spelling tells. is_name: no other word may stand for it.
    """

    stem: str
    parts: frozenset[str]
    head: str
    weight: float
    is_noun: bool
    is_name: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, taken apart.

    Attributes:
        exact: codes, dates, years and numbered things ("level 1") that it names: an answer is about just these.
        focus: stems of the noun that is asked for ("Welche *Raumhöhe* …"); empty if that cannot be told.
        figures: all figures of the question: not news in an answer.
        kind: what an answer must hold; `None` if that cannot be told.
        text: the question itself.
    """

    terms: tuple[Term, ...]
    exact: frozenset[Figure]
    focus: frozenset[str]
    figures: frozenset[Figure]
    kind: Kind | None
    text: str = field(repr=False)


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLITIC = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$")
_ACRONYM = re.compile(r"[A-ZÄÖÜ]{2,6}\Z")
_NUMBERED = re.compile(r"\b([^\W\d_]{3,})\s(\d{1,4}(?:[.,]\d{1,3})*)(?![\d.,]*[\d%€])(?:\s+([^\W\d_]+))?")
"""A number behind a word, and the word after it: "Stufe 1", "version 3.8?", but not "nach 30 Tagen"."""

_CUES = {
    "de": (
        "viel viele vielen vieler lange lang hoch groß oft weit art arten heißt heißen bedeutet bedeuten gibt geben"
        " gelten gilt gehört gehören besteht stehen steht findet finden bitte sagen sage nennen nenne erklären erkläre"
        " beschreiben beschreibe zeigen zeige möchte würde eigentlich genau geht gehen macht machen passiert bekomme"
        " bekommt bekommen erhalte erhält erhalten brauche braucht genannt lautet liegt laut uhr tun dürfte darfst"
        " frage wissen bedeutung"
    ),
    "en": (
        "many much long often far high large big kind kinds type types called mean means tell give gives list name"
        " describe explain show please would like need needs get gets happen happens exactly according there one"
        " make makes go goes take takes say says apply applies know meaning"
    ),
}
"""Words that say how something is asked, not what about."""

_ENGLISH_VERBS = (
    "accept achieve act add allow answer appear appoint approve arrive ask assign attend become begin belong book"
    " borrow break bring build buy calculate call cancel carry cause change charge check choose claim clean close"
    " collect come complete connect consider contain continue contribute cost count cover create cut decide define"
    " deliver deserve determine develop die discover do draw drive drop earn eat employ enable encourage end ensure"
    " enter establish exceed exist expand expect experience explain face fail fall feel fight fill find finish fit fix"
    " follow force form found fund gain generate grow hand handle hang hear help hire hold identify improve include"
    " increase inform install intend introduce invest involve issue join keep kill lead learn leave lend lie lift"
    " limit live look lose lower maintain manage marry measure meet miss move notice obtain occur offer open operate"
    " order organise organize own pass pay perform plan play prefer prepare prevent produce promote propose protect"
    " prove provide publish pull push put raise reach react read receive recognise recognize recommend record reduce"
    " refer refuse reject relate release remain remember remove repair repeat replace report represent request require"
    " respond rest result return rise run save see seek seem sell send serve set share sign sit sleep speak spend"
    " stand start state stay stop study submit suffer suggest supply support suppose talk teach tell test think throw"
    " touch train travel treat try turn understand use visit wait walk want watch win wish work write written given"
    " taken made done gone"
)
"""Any other word of an English question is taken for a noun."""
_COMMON, _RARE = 6.5, 3.5
"""Zipf frequencies (log10 of occurrences in a billion words) between which a term's weight rises."""
_OTHER_THAN_NOUN = 0.5
_BEFORE_THE_QUESTION = 0.5

_HOW_DE = (
    r"[Ww]ie (?:hoch|groß|lang|weit|heißt|lautet) (?:ist|sind|war|waren|darf|dürfen|kann|muss)?"
    r" ?(?:der|die|das|den|ein|eine)?"
)
_FOCUS_DE = re.compile(
    rf"\b(?:[Ww]elche[mnrs]?|[Ww]ie ?viele?n?|{_HOW_DE}|[Ww]as (?:ist|sind) (?:der|die|das))"
    r"\s+(?:[a-zäöüß]+\s+){0,2}([A-ZÄÖÜ][\w-]+)"
)
_FOCUS_EN = re.compile(
    r"\b(?:which|what|how many|how much|whose)\s+(?:(?:is|are|was|were)\s+)?(?:(?:the|our|a|an|its|their"
    r"|your)\s+)?(.+)",
    re.IGNORECASE,
)
_UNIT_LIKE = re.compile(
    r"(?:arbeits|werk|kalender)?tage?n?|wochen?|monate?n?|jahre?n?|stunden?|minuten?|sekunden?|prozent"
    r"|euro|uhr|mal|grad"
    r"|days?|weeks?|months?|years?|hours?|minutes?|seconds?|percent|euros|times?|betrag|zeitpunkt|datum"
    r"|date|amount|höhe"
    r"|dauer|duration|anzahl|zahl|number|wochentag|weekday|wert|value"
)
"""Nouns that only say in what to measure: the kind of the answer, not its subject."""

_SAYS_ONLY_KIND = re.compile(r"dauer|duration|anzahl|number|zeitpunkt|wochentag|weekday|betrag|amount")

_FOLLOWS = re.compile(
    r"\s*(?:und|and|aber|but|what about|how about|was ist mit|wie (?:ist|sieht) (?:es|das) (?:mit|bei)|also)\b"
    r"|.*\b(?:davon|dafür|damit|dabei|darüber|dies|er|sie|es|it|that|they|them|those)\b",
    re.IGNORECASE,
)
_CARRIED_OVER = 0.6
"""Weight of a term of the previous question in a follow-up."""


@lru_cache(maxsize=1024)
def asked(question: str, language: str, *, before: str = "") -> Asked:
    """The question taken apart. A question of cue words alone keeps them as terms.

    If it leaves things out that the asker has said `before`, those count too, with less weight.
    """
    named, rest = figures(question, language)
    rest = rest if len(rest) == len(question) else question
    exact = _exact(question, named, language)
    terms = _terms(rest, language, _left_out(language))
    if before and (len(terms) + len(named) < 2 or _FOLLOWS.match(question)):
        earlier = asked(before, language)
        known = {term.stem for term in terms}
        terms += [replace(t, weight=t.weight * _CARRIED_OVER) for t in earlier.terms if t.stem not in known]
        exact = exact or earlier.exact
        named |= earlier.figures
    if not terms and not named:
        terms = _terms(rest, language, frozenset())
    return Asked(
        terms=tuple(terms),
        exact=exact,
        focus=_focus(rest, language),
        figures=named,
        kind=kind_of(question),
        text=question,
    )


def _focus(question: str, language: str) -> frozenset[str]:
    if language == "de":
        match = _FOCUS_DE.search(question)
        word = match[1].lower() if match else ""
        return frozenset() if not match or _UNIT_LIKE.fullmatch(word) else frozenset({stem(word, "de")})
    match = _FOCUS_EN.search(question)
    words: list[str] = []
    for word in _WORD.findall(match[1])[:4] if match else []:
        if word.lower() in _left_out("en") or (words and stem(word.lower(), "en") in _verbs()):
            break
        words.append(word.lower())
    return frozenset(stem(word, "en") for word in words[-2:] if not _UNIT_LIKE.fullmatch(word))


def _exact(question: str, named: frozenset[Figure], language: str) -> frozenset[Figure]:
    left_out = _left_out(language)
    numbers = [
        number
        for word, number, after in _NUMBERED.findall(question)
        if word.lower() not in left_out and _ends(after, left_out)
    ]
    numbered = frozenset().union(*(figures(number, language)[0] for number in numbers))
    return frozenset(
        figure
        for figure in named
        if figure.kind in {"code", "date"}
        or (figure.kind == "number" and figure.unit is None and (figure in numbered or _is_year(figure.value)))
    )


def _ends(after: str, left_out: frozenset[str]) -> bool:
    return not after or after.lower() in left_out or stem(after.lower(), "en") in _verbs()


def _is_year(value: str) -> bool:
    return len(value) == 4 and value[:2] in {"19", "20"}


@lru_cache(maxsize=32)
def _left_out(language: str) -> frozenset[str]:
    return STOPWORDS.get(language, frozenset()) | frozenset(_CUES.get(language, "").split())


def _terms(text: str, language: str, left_out: frozenset[str]) -> list[Term]:
    found: dict[str, Term] = {}
    asks_from = _asks_from(text)
    for match in _WORD.finditer(text):
        word = _CLITIC.sub("", match.group().lower())
        if word in left_out or len(word) < 2 or _SAYS_ONLY_KIND.fullmatch(word):
            continue
        parts = tuple(stem(part, language) for part in compounds.split(word)) if language == "de" else ()
        is_inside = bool(text[: match.start()].strip()) and text[: match.start()].rstrip()[-1] not in ".!?:"
        is_capital = match.group()[0].isupper()
        is_name = stem(word, language) in _places()
        if language == "de":
            is_noun = is_capital or not is_inside
        else:
            is_acronym = bool(_ACRONYM.match(match.group()))  # "SSO" may be written out in the documents
            is_noun = stem(word, "en") not in _verbs()
            is_name = is_name or (is_capital and is_inside and not is_acronym and not concepts(stem(word, "en")))
        weight = _weight(word, language) * (1.0 if is_noun or is_name else _OTHER_THAN_NOUN)
        if match.start() < asks_from:
            weight *= _BEFORE_THE_QUESTION
        head = parts[-1] if parts else ""
        found.setdefault(
            stem(word, language), Term(stem(word, language), frozenset(parts), head, weight, is_noun, is_name)
        )
    return list(found.values())


def _asks_from(text: str) -> int:
    """Where the last sentence begins, if it asks: what stands before tells the circumstances."""
    found = re.match(r"(.*[.!])\s+[^.!]+\?\s*\Z", text, re.DOTALL)
    return found.end(1) if found else 0


@lru_cache(maxsize=1)
def _verbs() -> frozenset[str]:
    return frozenset(stem(word, "en") for word in _ENGLISH_VERBS.split())


@lru_cache(maxsize=16384)
def _weight(word: str, language: str) -> float:
    import wordfreq  # 0.2 s to import

    if language not in wordfreq.available_languages("small"):
        language = "en"
    zipf = wordfreq.zipf_frequency(word, language, wordlist="small")
    return min(1.0, max(0.2, 1.0 - 0.8 * (zipf - _RARE) / (_COMMON - _RARE)))


_PLACES = (
    "deutschland österreich schweiz frankreich italien spanien portugal niederlande belgien luxemburg dänemark schweden"
    " norwegen finnland polen tschechien ungarn griechenland türkei großbritannien england irland usa kanada mexiko"
    " brasilien china japan indien korea australien russland ukraine bayern hessen sachsen thüringen berlin hamburg"
    " münchen köln frankfurt stuttgart leipzig dresden wien zürich basel bern paris london madrid rom amsterdam"
    " germany austria switzerland france italy spain netherlands belgium denmark sweden norway finland poland hungary"
    " greece turkey britain ireland canada mexico brazil japan india korea australia russia vienna zurich munich rome"
)


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    """Names that German spells like any noun. Only well-known ones; a full gazetteer would not pay."""
    return frozenset(stem(word, language) for word in _PLACES.split() for language in ("de", "en"))
