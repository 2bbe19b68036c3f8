"""Words beside which a name stands: labels, greetings, introductions, closings. Used by `names`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag.adapters.guard.prefilter import lines_with, searched


class Witness(NamedTuple):
    """A pattern whose group `value` may be a name.

    `marks`: one of them stands in whatever it matches; `more`: how many lines below that it reaches.
    """

    by: str
    pattern: re.Pattern[str]
    marks: tuple[str, ...]
    more: int = 0

    def testimonies(self, text: str) -> Iterator[re.Match[str]]:
        return searched(self.pattern, text, lines_with(text, self.marks, more=self.more))


_LABEL = re.compile(
    r"(?im)(?:^|[\s|(>*-])(?:(?P<single>vorname|nachname|familienname|geburtsname|first name|last name|surname|given name)|"
    r"(?P<whole>(?:vor- und nachname|name, vorname|(?:vollständiger |full )?name(?: de[rs] \w+)?|patientenname|patient name|"
    r"patient(?:in)?|versicherte[rs]?|(?:haupt)?ansprechpartner(?:in)?|sachbearbeiter(?:in)?|bearbeiter(?:in)?|"
    r"kontaktperson|kontakt|kontoinhaber(?:in)?|inhaber(?:in)?|unterzeichner(?:in)?|autor(?:in)?|verfasser(?:in)?|"
    r"mitarbeiter(?:in)?|(?:erstellt|geprüft|freigegeben|genehmigt|unterschrieben) von|vertretung|vorgesetzte[r]?|"
    r"von|an|cc|from|to|absender|empfänger|sender|recipient|employee(?: name)?|contact(?: person)?|attn\.?|author|"
    r"(?:prepared|reviewed|approved|signed|written) by|account holder|line manager|manager)))"
    r"[ \t]*[:|][ \t]*(?P<value>[^\n|;<(\d]{2,60})"
)
_CLOSING = re.compile(
    r"(?im)^[ \t]*(?:mit (?:freundlichen|besten|herzlichen|kollegialen|vielen) grü(?:ß|ss)en|(?:viele|beste|liebe|herzliche|"
    r"freundliche|schöne) grü(?:ß|ss)e|(?:viele|liebe|beste) gr(?:ü|ue)(?:ß|ss)e|hochachtungsvoll|mfg|vg|lg|gez\.|gruß|"
    r"(?:kind |best |warm )?regards|best wishes|yours (?:sincerely|faithfully|truly)|sincerely(?: yours)?|cheers|"
    r"many thanks|best)[ \t]*[,.!]?[ \t]*\n(?:[ \t]*\n){0,2}(?P<value>[^\n]{2,50})"
)
_INTRODUCED = re.compile(
    r"(?:(?i:my name is|name's|ich heiße|ich heisse|mein name ist|i am called|please call me|this is|hier ist|here is))"
    r"[ \t]+(?P<value>[^\n,!:;.?()]{2,40})"
)
_GREETING = re.compile(
    r"(?m)(?:^|(?<=[.!?] ))[ \t]*(?:Hallo|Hi|Hey|Liebe[rs]?|Dear|Hello|Moin|Servus|Guten (?:Tag|Morgen|Abend)|Good morning)"
    r"[ \t]+(?P<value>[^\n,!:;.]{2,40})[,!:\n]"
)
WITNESSES = (
    Witness("label", _LABEL, (":", "|")),
    Witness(
        "closing", _CLOSING,
        ("grü", "grue", "gruß", "hochachtungsvoll", "mfg", "vg", "lg", "gez.", "regards", "best", "yours", "sincerely",
         "cheers", "thanks"),
        more=3,
    ),
    Witness(
        "greeting", _GREETING,
        ("hallo", "hi ", "hi\t", "hey", "liebe", "dear", "hello", "moin", "servus", "guten ", "good m"),
    ),
    Witness(
        "greeting", _INTRODUCED,
        ("my name", "name's", "ich hei", "mein name", "i am called", "call me", "this is", "hier ist", "here is"),
    ),
)  # fmt: skip
