"""Text → spans of e-mail addresses, phone numbers and postal addresses. Pure. Run by the guard.

What belongs to a function or an organisation is not personal data and is left standing, because readers of a manual
need it: service mailboxes and hotlines, and addresses right below a company's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from rag.adapters.guard import words
from rag.adapters.guard.prefilter import Stretch, lines_with, lines_with_exactly, searched, with_a_digit
from rag.adapters.guard.spans import Span

# --- e-mail ---------------------------------------------------------------------------------------------------

_EMAIL = re.compile(
    r"(?<![\w.+%-])(?P<local>[^\W_][\w.+%-]{0,63})[ \t]{0,2}(?:@|\(at\)|\[at\]|\{at\})[ \t]{0,2}"
    r"(?:[^\W_][\w-]{0,62}(?:\.|[ \t]?(?:\(dot\)|\[dot\]|\(punkt\)|\[punkt\])[ \t]?)){1,6}[A-Za-z]{2,24}(?![\w-])",
    re.IGNORECASE,
)


class EmailFinder:
    """Implements `Finder`. `mailboxes`: words of functional mailboxes, lower case."""

    def __init__(self, mailboxes: Iterable[str]) -> None:
        self._functions = frozenset(mailboxes)
        self._names = words.first_names() | words.surnames()

    def find(self, text: str) -> Iterator[Span]:
        if "@" not in text and "at)" not in text.lower() and "at]" not in text.lower() and "at}" not in text.lower():
            return
        for found in _EMAIL.finditer(text):
            if not self._is_functional(found.group("local").lower()):
                yield Span("EMAIL_ADDRESS", found.start(), found.end(), 0.95, "email")

    def _is_functional(self, local: str) -> bool:
        parts = [p for p in re.split(r"[._+%-]", local) if p]
        return any(p in self._functions for p in parts) and not any(len(p) == 1 or p in self._names for p in parts)


# --- phone ----------------------------------------------------------------------------------------------------

_PHONE = re.compile(
    r"(?<![\w.,/+-])(?P<number>(?:\+|00)?\(?\d[\d()/.\u2013 \t-]{4,22}\d)(?P<extension>[ ]?(?:x|ext\.?)[ ]?\d{1,6})?(?![\w/-])(?![.,]\d)"
)
_PHONE_LABEL = re.compile(
    r"(?i)(?<!\w)(?:tel(?:efon|\.|:)|telefon\w*|fon|phone|mobil\w*|handy|cell|fax|durchwahl|ruf(?:nummer)?|anrufen|call|"
    r"reach|contact|erreichbar|erreichen)[^\n]{0,24}$"
)
_FUNCTION = re.compile(
    r"(?i)(?:hotline|zentrale|service|support|notruf|notfall|störung|empfang|helpdesk|sekretariat|kundendienst|pforte|"
    r"reception|switchboard|emergency|leitstelle|bestellung|orders|front desk)[^\n]{0,30}$"
)
_DATE_LIKE = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}\.\d{2}[ -]+\d{1,2}\.\d{2}"
)
_AMERICAN = re.compile(r"(?:1[ .-])?\(?[2-9]\d{2}\)?[ .-]?[2-9]?\d{2}[ .-]\d{4}")
_NOBODYS = {PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN}
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.PERSONAL_NUMBER}


class PhoneFinder:
    """Implements `Finder`. National numbers are read as German, Austrian or Swiss; others need a `+` or a label."""

    def find(self, text: str) -> Iterator[Span]:
        for found in _PHONE.finditer(text):
            raw = found.group("number").rstrip(" \t(")
            digits = sum(c.isdigit() for c in raw)
            if not 6 <= digits <= 16 or _DATE_LIKE.fullmatch(raw.strip("() ")):
                continue
            before = text[max(0, found.start() - 60) : found.start()].rpartition("\n")[2]
            score = self._score(raw, before, digits)
            if score:
                end = found.end() if found.group("extension") else found.start() + len(raw)
                yield Span("PHONE_NUMBER", found.start(), end, score, "phone")

    def _score(self, raw: str, before: str, digits: int) -> float:
        """0.0 if it is no number of a person."""
        labelled = bool(_PHONE_LABEL.search(before))
        number = _parsed(raw)
        if number is not None:
            kind = phonenumbers.number_type(number)
            if kind in _NOBODYS or (kind not in _MOBILE and _FUNCTION.search(before)):
                return 0.0
            if phonenumbers.is_valid_number(number) and (_is_written_as_phone(raw) or kind in _MOBILE or labelled):
                return 0.85 if labelled or raw.startswith("+") else 0.65
        if labelled and not _FUNCTION.search(before) and _is_plain_number(raw):
            return 0.6
        if raw.startswith("+") and digits >= 8:
            return 0.6
        return 0.55 if _AMERICAN.fullmatch(raw) else 0.0


def _parsed(raw: str) -> PhoneNumber | None:
    regions = (None,) if raw.startswith(("+", "00")) else ("DE", "AT", "CH") if raw.lstrip("(").startswith("0") else ()
    plain = f"+{raw[2:]}" if raw.startswith("00") else raw
    for region in regions:
        try:
            number = phonenumbers.parse(plain.replace("(0)", ""), region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None


def _is_written_as_phone(raw: str) -> bool:
    """Grouped as people write numbers to be dialled; a bare row of digits may be anything."""
    return raw.startswith(("+", "00")) or bool(re.match(r"\(?0\d{1,5}\)?[ \t]*[/ \u2013-]", raw))


def _is_plain_number(raw: str) -> bool:
    return not re.search(r"\d\.\d{1,2}$", raw) and sum(c.isdigit() for c in raw) >= 6


# --- postal addresses -----------------------------------------------------------------------------------------

_UP = r"[A-ZÄÖÜ]"
_HOUSE = r"\d{1,4}(?:[ ]?[a-hA-H](?![\w]))?(?:[ ]?[-/\u2013][ ]?\d{1,4}[a-h]?)?(?![\w.,]*\d)"
_STRONG = r"(?:straße|strasse|str\.|allee|gasse|chaussee|Straße|Strasse|Str\.|Allee|Gasse|Chaussee)"
_WEAK = r"(?:weg|platz|ring|damm|ufer|steig|pfad|promenade|hof|wall|graben|markt|berg|park|Weg|Platz|Ring|Damm|Ufer|Pfad|Promenade|Hof|Wall|Markt|Berg|Park)"
_REST = r"[\wäöüß-]{0,60}"
_NAME = rf"(?:{_UP}[\wäöüß.]{{0,60}}[ -]){{0,3}}"
"""Bounded, as every run here: `A.A.A.A. ...` would be read to its end from each of its letters."""
_GERMAN = re.compile(
    rf"(?<![\w-])(?:(?P<strong>{_NAME}(?:{_UP}{_REST})?{_STRONG})|(?P<weak>{_NAME}(?:{_UP}{_REST})?{_WEAK}|"
    rf"(?:Am|An der|An den|Auf dem|Auf der|Im|In der|In den|Unter den|Zum|Zur|Hinter der)[ ](?:{_UP}[\wäöüß-]+[ ]?){{1,2}}))"
    rf"[ ]+(?P<house>{_HOUSE})"
    rf"(?P<city>[ ]?[,\n|]?[ |]*(?:(?:D|A|CH|DE)[- ])?\d{{4,5}}[ ]+{_UP}(?:[\w-]|\.(?=\w))+(?:[ ](?:am|an der|im|in|bei|ob der|vor der)[ ]{_UP}[\wäöüß]+|[ ]\([^)\n]{{2,25}}\))?)?"
)
_ENGLISH = re.compile(
    r"(?<![\w.-])\d{1,5}[A-Za-z]?[ ](?:[A-Z][\w'.]*[ ]){1,4}"
    r"(?:(?P<strong>Street|St\.|Road|Rd\.?|Avenue|Ave\.?|Boulevard|Blvd\.?|Lane|Crescent|Terrace)|"
    r"(?P<weak>St|Drive|Dr\.?|Court|Ct\.?|Way|Place|Pl\.?|Square|Close|Gardens|Grove|Hill))(?![\w])"
    r"(?P<city>(?:,?[ \n](?:Apt|Suite|Unit|Flat)\.?[ ]\w{1,5})?,?[ \n](?:[A-Z][\w.]+,?[ ]){1,3}(?:[A-Z]{2}[ ])?(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2}))?"
)
_GERMAN_MARKS = (
    "straße", "strasse", "str.", "allee", "gasse", "chaussee", "Straße", "Strasse", "Str.", "Allee", "Gasse", "Chaussee",
    "weg", "platz", "ring", "damm", "ufer", "steig", "pfad", "promenade", "hof", "wall", "graben", "markt", "berg", "park",
    "Weg", "Platz", "Ring", "Damm", "Ufer", "Pfad", "Promenade", "Hof", "Wall", "Markt", "Berg", "Park",
    "Am ", "An der ", "An den ", "Auf dem ", "Auf der ", "Im ", "In der ", "In den ", "Unter den ", "Zum ", "Zur ", "Hinter der ",
)  # fmt: skip
_ENGLISH_MARKS = (
    " St", " Road", " Rd", " Ave", " Boulevard", " Blvd", " Lane", " Crescent", " Terrace", " Dr", " Court", " Ct", " Way", " Pl",
    " Square", " Close", " Gardens", " Grove", " Hill",
)  # fmt: skip
_CITY_ONLY = re.compile(
    rf"(?i:anschrift|adresse|wohnhaft|wohnt|wohnort|plz|address|zip)[^\n]{{0,40}}?(?P<city>\b\d{{5}}[ ]{_UP}[a-zäöüß-]+)"
)
_CITY_MARKS = ("anschrift", "adresse", "wohnhaft", "wohnt", "wohnort", "plz", "address", "zip")
_HOME = re.compile(
    r"(?i)(?:wohnhaft|wohnt|wohne|anschrift|adresse|address|lives? (?:at|in)|living at|resid\w+|privat\w*)[^\n]{0,40}\Z"
)
_ORGANISATION = re.compile(
    r"(?:\b(?:GmbH|AG|KG|OHG|mbH|SE|Inc\.?|Ltd\.?|LLC|e\. ?V\.|Klinik\w*|Krankenhaus|Universität\w*|University|Hospital|Amt|"
    r"Ministerium|Company|Corporation|Stadtwerke|Werk|Zentrale|Standort|Impressum|Hersteller|Manufacturer|Headquarters))\b"
    r"[^\n]*(?:\n[^\n]*){0,2}\Z"
)
_NO_STREET = re.compile(
    r"(?i)(?:fertigungs|montage|transfer|sortier|verpackungs|förder|lackier|wasch|prüf|produktions|daten|takt|walz|arbeits|"
    r"stell|park|steck|speicher|lade|liege|sitz|dicht|o-|lauf|kolben|spann|zahn|luft|fahr|ver|hub|signal|nach|mess|lager)"
    r"(?:straße|strasse|platz|ring|weg|hof|park)\Z"
)  # fmt: skip


def _german(text: str) -> list[Stretch]:
    return with_a_digit(text, lines_with_exactly(text, _GERMAN_MARKS, more=1))


def _english(text: str) -> list[Stretch]:
    """A flat may stand between the street's line and the city's."""
    return with_a_digit(text, lines_with_exactly(text, _ENGLISH_MARKS, more=2))


class AddressFinder:
    """Implements `Finder`. A street with house number, with postcode and city where they follow."""

    def find(self, text: str) -> Iterator[Span]:
        for pattern, stretches in ((_GERMAN, _german(text)), (_ENGLISH, _english(text))):
            for found in searched(pattern, text, stretches):
                if self._is_home(text, found):
                    yield Span("ADDRESS", found.start(), found.end(), 0.75 if found.group("city") else 0.6, "address")
        for found in searched(_CITY_ONLY, text, lines_with(text, _CITY_MARKS)):
            yield Span("ADDRESS", found.start("city"), found.end("city"), 0.6, "address.city")

    def _is_home(self, text: str, found: re.Match[str]) -> bool:
        street = found.group("strong") or found.group("weak") or ""
        before = text[max(0, found.start() - 120) : found.start()]
        if _NO_STREET.search(street.strip()):
            return False
        at_home = bool(_HOME.search(before[-60:]))
        if not at_home and _ORGANISATION.search(before):
            return False
        return bool(found.group("strong") or found.group("city") or at_home)
