"""Text → its numbers with units, dates, times and codes, normalised so that they can be compared. Pure.

`1.000,50 €` in German and `EUR 1,000.50` in English are one figure, as are `1. Januar 2026` and `2026-01-01`.
Called by `rag.support` and by the embedded model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """Something exact in a text.

    Attributes:
        value: canonical: a decimal, `2026-01-31` or `--01-31`, `14:30`, or a code without joints in lower case.
        unit: canonical name, or `None` where none of the known ones stands by the number.
        is_spelled: whether it stood there as a word: "three wards" are not "ward 3".
    """

    kind: Literal["number", "date", "time", "code"]
    value: str
    unit: str | None = None
    is_spelled: bool = field(default=False, compare=False)

    def agrees(self, other: Figure) -> bool:
        """Whether `other` says at least this. A unit or year that only one of them has is no contradiction for a claim
        that leaves it out; a year that only the claim has is.
        """
        if self.kind != other.kind:
            return False
        if self.kind == "date" and self.value.startswith("--"):
            return other.value.endswith(self.value[1:])
        units_agree = self.unit == other.unit or self.unit is None or other.unit is None
        return self.value == other.value and units_agree


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januar jänner january jan", "februar february feb", "märz march mär mrz mar", "april apr", "mai may",
            "juni june jun", "juli july jul", "august aug", "september sep sept", "oktober october okt oct",
            "november nov", "dezember december dez dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_UNITS = {
    spelling: unit
    for unit, spellings in {
        "%": "% prozent percent", "€": "€ eur euro euros", "$": "$ usd dollar dollars", "£": "£ gbp pfund",
        "chf": "chf franken", "cent": "cent cents ct",
        "minute": "min minute minuten minutes", "hour": "h std stunde stunden hour hours hrs",
        "second": "s sek sekunde sekunden sec second seconds", "ms": "ms millisekunden milliseconds",
        "day": "tag tage tagen arbeitstag arbeitstage arbeitstagen werktag werktage werktagen kalendertage"
               " urlaubstage day days", "week": "woche wochen week weeks",
        "month": "monat monate monaten month months", "year": "jahr jahre jahren year years",
        "quarter": "quartal quartale quarter quarters", "mm": "mm millimeter", "cm": "cm zentimeter",
        "m": "m meter metern metres meters", "km": "km kilometer kilometern", "m²": "m² qm quadratmeter",
        "kg": "kg kilogramm kilo", "g": "g gramm", "mg": "mg milligramm", "t": "t tonne tonnen",
        "l": "l liter litre litres", "ml": "ml milliliter", "bar": "bar", "v": "v volt", "a": "a ampere", "w": "w watt",
        "kw": "kw kilowatt", "kwh": "kwh kilowattstunden", "°c": "°c grad", "hz": "hz hertz", "db": "db dezibel",
        "mb": "mb megabyte", "gb": "gb gigabyte", "tb": "tb terabyte", "rpm": "rpm u/min",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip
_UNITS_AS_WORDS = frozenset({"minute", "hour", "day", "week", "month", "year", "quarter"})
"""Left in the text for its words: "30 Tage Urlaub" should still meet "Urlaubstage"."""
_SCALES = {
    "mio": 10**6, "million": 10**6, "millionen": 10**6, "millions": 10**6, "mrd": 10**9, "milliarde": 10**9,
    "milliarden": 10**9, "billion": 10**9, "tsd": 10**3, "tausend": 10**3, "thousand": 10**3,
}  # fmt: skip
_NUMBER_WORDS = {
    word: value
    for value, words in {
        0: "null zero", 2: "zwei two", 3: "drei three", 4: "vier four", 5: "fünf five", 6: "sechs six",
        7: "sieben seven", 8: "acht eight", 9: "neun nine", 10: "zehn ten", 11: "elf eleven", 12: "zwölf twelve",
        14: "vierzehn fourteen", 15: "fünfzehn fifteen", 20: "zwanzig twenty", 24: "vierundzwanzig",
        30: "dreißig thirty", 40: "vierzig forty", 50: "fünfzig fifty", 60: "sechzig sixty", 90: "neunzig ninety",
        100: "hundert hundred",
    }.items()
    for word in words.split()
}  # fmt: skip
"""Without "one" and "ein", which are mostly articles and pronouns."""

_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_TH = r"(?:\.|st|nd|rd|th)"
_YEAR = r"(?:,?\s+(?P<y>\d{4}))"
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4}|\d{2})\b"),
    re.compile(rf"\b(?P<d>\d{{1,2}}){_TH}?\s+(?:of\s+)?(?P<m>{_MONTH})\b\.?{_YEAR}?", re.IGNORECASE),
    re.compile(rf"\b(?P<m>{_MONTH})\b\.?\s+(?P<d>\d{{1,2}}){_TH}?\b(?!\d){_YEAR}?", re.IGNORECASE),
)
_TIME = re.compile(
    r"\b(?P<h>\d{1,2}):(?P<m>\d{2})(?::\d{2})?(?:\s?(?:Uhr|h)\b)?|\b(?P<h2>\d{1,2})(?:\.(?P<m2>\d{2}))?\s?Uhr\b",
    re.IGNORECASE,
)
_HALF_DAY = re.compile(
    r"\b(?P<h>\d{1,2}):(?P<m>\d{2})(?::\d{2})?(?:\s?(?P<half>[ap])\.?m\b\.?|\s?h\b)?"
    r"|\b(?P<h2>\d{1,2})(?:\.(?P<m2>\d{2}))?\s?(?:(?P<half2>[ap])\.?m\b\.?|o'clock\b)",
    re.IGNORECASE,
)
"""In English alone: "am" is a German preposition."""
_CODE = re.compile(
    r"(?<![\w-])(?:[^\W\d_]{1,8}(?:[-/.][^\W\d_]{1,8})?[-/.]?\d[\w]*(?:[-/.]\w+)*|\d+(?:[-/.]?[A-Z]+\d+[\w-]*|(?![AP]M\b)[A-Z]{1,3}(?![\w])))"
)
_NUMBER = re.compile(
    rf"(?:(?P<prefix>[€$£]|\bEUR|\bUSD|\bCHF)\s?)?(?<![\w.,])(?P<sign>(?<!\d\s)[-−](?=\d))?"
    rf"(?P<digits>\d+(?:[.,'’\u202f\u00a0]\d+)*)"
    rf"(?:\s?(?P<scale>Mio|Mrd|Tsd|Millionen|Million|Milliarden|Milliarde|millions|billion|thousand|Tausend)\b\.?)?"
    rf"(?:[\s\u00a0\u202f-]?(?P<unit>{_UNIT})(?![\w²]))?",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    rf"\b(?P<word>{'|'.join(_NUMBER_WORDS)})\b(?:[\s-](?P<unit>{_UNIT})(?![\w²]))?", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def figures(text: str, language: str) -> tuple[frozenset[Figure], str]:
    """The figures of a text, and the text with them blanked out (same length). `language` says what `1.000` means."""
    found: set[Figure] = set()
    for pattern in _DATES:
        text = _take(pattern, text, found, _date)
    text = _take(_CODE, text, found, _code)
    text = _take(_HALF_DAY if language == "en" else _TIME, text, found, _time)
    text = _take(_NUMBER, text, found, lambda match: _number(match, language))
    text = _take(_NUMBER_WORD, text, found, _number_word)
    return frozenset(found), text


def _take(
    pattern: re.Pattern[str], text: str, found: set[Figure], read: Callable[[re.Match[str]], Figure | None]
) -> str:
    """Adds what `read` makes of each match, and blanks it out so that no later pattern sees it."""

    def blank(match: re.Match[str]) -> str:
        figure = read(match)
        if figure is None:
            return match.group()
        found.add(figure)
        if figure.unit not in _UNITS_AS_WORDS or not match["unit"]:
            return " " * len(match.group())
        unit_at = match.start("unit") - match.start()
        return " " * unit_at + match.group()[unit_at:]

    return pattern.sub(blank, text)


def _date(match: re.Match[str]) -> Figure | None:
    month = _MONTHS.get(match["m"].lower()) or int(match["m"] if match["m"].isdigit() else 0)
    day = int(match["d"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    year = match["y"]
    if year and len(year) == 2:
        year = f"20{year}"
    return Figure("date", f"{year or '-'}-{month:02}-{day:02}")


def _time(match: re.Match[str]) -> Figure | None:
    hour, minute = int(match["h"] or match["h2"]), int(match["m"] or match["m2"] or 0)
    groups = match.groupdict()
    half = (groups.get("half") or groups.get("half2") or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return Figure("time", f"{hour}:{minute:02}") if hour <= 24 and minute < 60 else None


def _code(match: re.Match[str]) -> Figure | None:
    text = match.group()
    number = _NUMBER.fullmatch(text)
    if number is not None and number["unit"]:
        return None  # "5kg", "12V": a number, read later
    return Figure("code", re.sub(r"[\W_]", "", text).lower())


def _number(match: re.Match[str], language: str) -> Figure | None:
    value = _value(match["digits"], language)
    if value is None:
        return None
    value *= _SCALES.get((match["scale"] or "").lower(), 1)
    if match["sign"]:
        value = -value
    unit = _UNITS.get((match["unit"] or "").lower()) or _UNITS.get((match["prefix"] or "").lower())
    return Figure("number", _canonical(value), unit)


def _number_word(match: re.Match[str]) -> Figure:
    unit = _UNITS.get((match["unit"] or "").lower())
    return Figure("number", str(_NUMBER_WORDS[match["word"].lower()]), unit, is_spelled=True)


def _value(digits: str, language: str) -> Decimal | None:
    """`1.000` is a thousand in German and one in English; two kinds of separators, or groups, leave no doubt."""
    digits = re.sub(r"['’\u202f\u00a0]", "", digits)
    marks = [mark for mark in digits if not mark.isdigit()]
    decimal = "," if language == "de" else "."
    if len(set(marks)) == 2:
        decimal = marks[-1]
    elif len(marks) > 1:
        decimal = ""
    elif len(marks) == 1 and not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits):
        decimal = marks[0]
    for mark in set(marks) - {decimal}:
        digits = digits.replace(mark, "")
    try:
        return Decimal(digits.replace(decimal, ".") if decimal else digits)
    except InvalidOperation:
        return None  # "1,2,3.4": an enumeration, not a number


def _canonical(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
