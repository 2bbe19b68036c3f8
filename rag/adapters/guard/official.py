"""Text → spans of numbers that an authority gave to a person, and of secrets. Pure. Run by the guard.

Presidio takes the ninth place of an identity card for a check digit. It is part of the number; the check digit is a tenth
place that is printed in the machine-readable zone, so most real cards fail Presidio's test. Here the label decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.adapters.guard.prefilter import has_any, lines_with, searched
from rag.adapters.guard.settings import NumberKind
from rag.adapters.guard.spans import Span

_DOCUMENT = r"(?-i:[CFGHJKLMNPRTVWXYZ])[ ]?(?-i:[CFGHJKLMNPRTVWXYZ0-9][ ]?){7,8}\d?"
DOCUMENTS = (
    NumberKind(
        entity="DE_ID_CARD", value=_DOCUMENT,
        labels=("Personalausweis", "Personalausweisnummer", "Personalausweis-Nr", "Personalausweises Nr", "Ausweisnummer", "Ausweis-Nr", "Ausweis", "Perso",
                "Aufenthaltstitel", "Dokumentennummer", "identity card", "identity card number", "ID card", "ID card number", "ID card no",
                "national ID", "ID-Nr"),
    ),
    NumberKind(
        entity="DE_PASSPORT", value=rf"(?:{_DOCUMENT}|(?-i:[A-Z]{{0,2}})\d{{6,9}})",
        labels=("Reisepass", "Reisepassnummer", "Reisepass-Nr", "Reisepasses Nr", "Passnummer", "Pass-Nr", "passport", "passport number", "passport no"),
    ),
    NumberKind(
        entity="DE_DRIVING_LICENCE", value=r"(?-i:[A-Z0-9]{10,11})",
        labels=("Führerschein", "Führerscheinnummer", "Führerschein-Nr", "driving licence", "driving licence number", "driver's license",
                "driver's license number", "driver license"),
    ),
)  # fmt: skip
"""Found behind one of their labels, or below it in a table."""

_PENSION = re.compile(
    r"(?<![\w-])(?P<area>\d{2})[ ]?(?P<birth>\d{6})[ ]?(?P<letter>[A-Z])[ ]?(?P<serial>\d{2})[ ]?(?P<check>\d)(?![\w-])"
)
_FACTORS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


class PensionFinder:
    """Implements `Finder` for German social security numbers, § 2 VKVV: also grouped; date and check digit must hold."""

    def find(self, text: str) -> Iterator[Span]:
        for found in _PENSION.finditer(text):
            if _is_pension(found["area"] + found["birth"], found["letter"], found["serial"], found["check"]):
                yield Span("DE_SOCIAL_SECURITY", found.start(), found.end(), 0.9, "pension")


def _is_pension(before: str, letter: str, serial: str, check: str) -> bool:
    day, month = int(before[2:4]), int(before[4:6])
    if not (1 <= day <= 31 or 51 <= day <= 81) or not 1 <= month <= 12:
        return False
    digits = f"{before}{ord(letter) - 64:02}{serial}"
    return sum(sum(divmod(int(d) * f, 10)) for d, f in zip(digits, _FACTORS, strict=True)) % 10 == int(check)


# --- licence plates -------------------------------------------------------------------------------------------

_PLATE = re.compile(r"(?<![\w-])[A-ZÄÖÜ]{1,3}(?P<joint>[- ]{1,3})[A-Z]{1,2}[ -]?[1-9]\d{0,3}[EH]?(?![\w-])")
_VEHICLE = re.compile(
    r"(?i)(?:kennzeichen|fahrzeugs?|wagens?|nummernschild|zugelassen|(?<!\w)(?:kfz|pkw|lkw|autos?|halterin?|unfall|number plate|"
    r"license plate|registration|vehicle|car))(?!\w)[^\n]{0,40}$"
)


class PlateFinder:
    """Implements `Finder`. Part numbers look the same, so a word for a vehicle has to stand before it in the line."""

    def find(self, text: str) -> Iterator[Span]:
        for found in _PLATE.finditer(text):
            if _VEHICLE.search(text[max(0, found.start() - 60) : found.start()].rpartition("\n")[2]):
                yield Span("LICENSE_PLATE", found.start(), found.end(), 0.75, "plate")


# --- secrets --------------------------------------------------------------------------------------------------

_SECRETS = re.compile(
    r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,8000}(?:-----END (?:[A-Z]{2,12} ){0,2}PRIVATE KEY-----)?"
    r"|(?<![\w-])(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)"
    r"|(?<![\w-])(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|rk_live_|hf_|npm_|pypi-|AIza|blg_)[A-Za-z0-9_-]{16,200}"
    r"|(?<![\w-])eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"
)
_SECRET_MARKS = (
    "-----begin", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk-", "sk_live_",
    "rk_live_", "hf_", "npm_", "pypi-", "aiza", "blg_", "eyj",
)  # fmt: skip
_NAMED = re.compile(
    r"(?i)(?<!\w)(?:passwor[dt]|kennwort|passwd|pwd|api[-_ ]?key|api[-_ ]?schlüssel|secret(?:[-_ ]?key)?|access[-_ ]?token|token|bearer|"
    r"zugangscode|pin)(?:[ \t]+(?:lautet|ist|is|for \w+))?[ \t]*[:=][ \t]*[\"']?(?P<value>[^\s\"'|<>]{4,200})"
)
_NAMED_MARKS = ("passwor", "kennwort", "passwd", "pwd", "api", "secret", "token", "bearer", "zugangscode", "pin")


class SecretFinder:
    """Implements `Finder` for keys and passwords: by the prefix that their issuer gives them, or behind their name."""

    def find(self, text: str) -> Iterator[Span]:
        if has_any(text, _SECRET_MARKS):
            for found in _SECRETS.finditer(text):
                yield Span("SECRET", found.start(), found.end(), 0.9, "secret")
        for found in searched(_NAMED, text, lines_with(text, _NAMED_MARKS)):
            value = found["value"].rstrip(".,;)")
            if len(value) >= 4 and any(c.isdigit() or not c.isalnum() for c in value):
                yield Span("SECRET", found.start("value"), found.start("value") + len(value), 0.7, "secret.named")
