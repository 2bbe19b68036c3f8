"""A spreadsheet's value and its number format → what the cell shows. Pure.

A quote must read as the reader sees it in the sheet: 0.19 under `0%` is "19%". The file does not say whether its readers
write a decimal comma; its language does.
"""

from __future__ import annotations

import datetime as dt
import re

_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
           "Dezember"),
}  # fmt: skip
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}  # fmt: skip
_LITERAL = re.compile(r"\"([^\"]*)\"|\\(.)|_(?:.)|\*(?:.)|\[\$([^\-\]]*)(?:-[^\]]*)?\]|\[[^\]]*\]")
_DIGITS = re.compile(r"[#0?](?:[#0?,. ]*[#0?])?,*")
_DATE = re.compile(r"am/pm|a/p|y+|m+|d+|h+|s+(?:\.0+)?|[^ymdhsa]+|a", re.IGNORECASE)
_MOST_DIGITS = 15
"""A binary number holds no more; what comes behind is noise."""


def shown(value: object, number_format: str, *, german: bool) -> str:
    """Raises nothing: what a format cannot say is said plainly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper() if not german else ("WAHR" if value else "FALSCH")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return _date(value, number_format, german=german)
    if isinstance(value, dt.timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600}:{seconds % 3600 // 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
    if isinstance(value, int | float):
        return _number(value, number_format, german=german)
    return str(value)


def _number(value: float, number_format: str, *, german: bool) -> str:
    sections = number_format.split(";")
    negative_section = len(sections) > 1 and value < 0
    section = sections[1] if negative_section else sections[0]
    parts = _parts(section)
    pattern = next((part for part, is_pattern in parts if is_pattern), None)
    if pattern is None or re.search(r"E[+-]|/", section, re.IGNORECASE) or section == "General":
        return _plain(value, german=german)
    before, after = _around(parts, pattern)
    percent = "%" in before + after
    whole = (
        (abs(value) if negative_section else value)
        * (100 if percent else 1)
        / 1000 ** (len(pattern) - len(pattern.rstrip(",")))
    )
    pattern = pattern.rstrip(",")
    before_point, _, behind_point = pattern.partition(".")
    decimals, optional = len(re.sub(r"[^0#?]", "", behind_point)), behind_point.count("#")
    grouping = "," if "," in before_point else ""
    text = f"{whole:{grouping}.{decimals}f}"
    for _ in range(optional):
        text = text[:-1] if "." in text and text.endswith("0") else text
    return " ".join(f"{before}{_localised(text.rstrip('.'), german=german)}{after}".split())


def _parts(section: str) -> list[tuple[str, bool]]:
    """Literal text, and the pattern of digits (marked), in order."""
    parts: list[tuple[str, bool]] = []
    at = 0
    for match in _LITERAL.finditer(section):
        parts += _bare(section[at : match.start()])
        spaced = " " if match[0][0] == "_" else ""
        parts.append((match[1] or match[2] or match[3] or spaced, False))
        at = match.end()
    return parts + _bare(section[at:])


def _bare(text: str) -> list[tuple[str, bool]]:
    match = _DIGITS.search(text)
    if match is None:
        return [(text, False)] if text else []
    return [(text[: match.start()], False), (match[0], True), (text[match.end() :], False)]


def _around(parts: list[tuple[str, bool]], pattern: str) -> tuple[str, str]:
    at = next(i for i, (part, is_pattern) in enumerate(parts) if is_pattern and part == pattern)
    return "".join(p for p, _ in parts[:at]), "".join(p for p, is_pattern in parts[at + 1 :] if not is_pattern)


def _plain(value: float, *, german: bool) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < 10**_MOST_DIGITS):
        return str(int(value))
    return _localised(f"{value:.{_MOST_DIGITS}g}", german=german)


def _localised(text: str, *, german: bool) -> str:
    return text.translate(str.maketrans(",.", ".,")) if german else text


def _date(value: dt.date | dt.time, number_format: str, *, german: bool) -> str:
    """By its format; plainly (2026-02-01) where the format is the reader's own, as Excel's default is."""
    section = _LITERAL.sub(
        lambda m: f"\0{m[1] or m[2] or ''}\0" if m[1] or m[2] else "", number_format.split(";", maxsplit=1)[0]
    )
    if number_format in {"General", "mm-dd-yy", "@", ""} or not re.search(r"[ymdhs]", section, re.IGNORECASE):
        return _plain_date(value)
    tokens = [
        (token, number % 2 == 0)
        for number, part in enumerate(section.split("\0"))
        for token in (_DATE.findall(part) if number % 2 == 0 else [part])
    ]
    half_day = any(is_code and token.lower() in {"am/pm", "a/p"} for token, is_code in tokens)
    out: list[str] = []
    last = ""
    for number, (token, is_code) in enumerate(tokens):
        following = next((t.lower()[0] for t, code in tokens[number + 1 :] if code and t[0].isalpha()), "")
        said = _said(value, token.lower(), last, following, german=german, half_day=half_day) if is_code else token
        out.append(token if said is None else said)
        last = token.lower()[0] if is_code and token[:1].isalpha() else last
    return "".join(out).strip()


def _said(  # noqa: PLR0911 - one line a code
    value: dt.date | dt.time, code: str, last: str, following: str, *, german: bool, half_day: bool
) -> str | None:
    """One code of a date format; `None` for what is no code. An `m` beside hours or seconds is minutes."""
    width = len(code)
    hour, minute, second = (getattr(value, name, 0) for name in ("hour", "minute", "second"))
    if code in {"am/pm", "a/p"}:
        return "PM" if hour >= 12 else "AM"
    if code[0] == "h":
        return f"{(hour % 12 or 12) if half_day else hour:0{min(width, 2)}}"
    if code[0] == "s":
        return f"{second:0{min(width, 2)}}"
    if code[0] == "m" and (last == "h" or following == "s"):
        return f"{minute:0{min(width, 2)}}"
    if not isinstance(value, dt.date) or code[0] not in "ymd":
        return None
    if code[0] == "y":
        return f"{value.year:04}" if width > 2 else f"{value.year % 100:02}"
    number, names = (value.month, _MONTHS["de" if german else "en"]) if code[0] == "m" else (value.day, ())
    if width <= 2:
        return f"{number:0{width}}"
    name = names[number - 1] if names else _DAYS["de" if german else "en"][value.weekday()]
    return name if width > 3 else name[: 3 if names else (2 if german else 3)]


def _plain_date(value: dt.date | dt.time) -> str:
    if isinstance(value, dt.datetime):
        day, time = value.date().isoformat(), value.time().isoformat("seconds").removesuffix(":00")
        return day if time == "00:00" else f"{day} {time}"
    return value.isoformat("seconds").removesuffix(":00") if isinstance(value, dt.time) else value.isoformat()
