"""What kind of thing a question asks for, and whether a text holds one. Pure. Called by `rag.answerability`.

By cue words and patterns, German and English: transparent, and wrong now and then; a feature among others, no verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rag.figures import Figure

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]+>")
_PERIODS = frozenset({"minute", "hour", "second", "day", "week", "month", "year", "quarter", "ms"})
_MONEY = frozenset({"€", "$", "£", "chf", "cent"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of answer.

    Attributes:
        cue: in the question. units: of a figure that would answer.
        also: other signs of it in a text. figure: a further test of a figure. words: that stand for it in a header.
        says: words of a question that such a thing answers by itself: "15 Euro" says "kostet".
        is_strict: whether hardly any answer does without it.
        is_personal: whether it is what the guard hides, so that a placeholder stands in its place.
    """

    name: str
    cue: re.Pattern[str]
    units: frozenset[str] = frozenset()
    also: re.Pattern[str] | None = None
    figure: Callable[[Figure], bool] | None = None
    words: frozenset[str] = frozenset()
    says: str = ""
    is_strict: bool = False
    is_personal: bool = False

    def is_hidden_in(self, text: str) -> bool:
        """Whether the guard has taken the answer out of the text."""
        return self.is_personal and _PLACEHOLDER.search(text) is not None

    def is_held_by(self, text: str, new: frozenset[Figure], *, header: str, question: str = "") -> bool:
        """Whether the text holds such a thing. `new`: its figures that the question does not name itself; `header`: of
        its table, which may name the unit that a cell leaves out. What stands in the `question` is no news.
        """
        if self.also is not None and any(match[0] not in question for match in self.also.finditer(text)):
            return True
        if any(figure.unit in self.units or (self.figure is not None and self.figure(figure)) for figure in new):
            return True
        in_header = bool(header) and any(word in header.lower() for word in self.words)
        return in_header and any(figure.kind == "number" for figure in new)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_MONTHS = "januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember"
_ENGLISH_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_WEEKDAYS = "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_SPANS = "zeichen|characters|tage?n?|wochen?|monate?n?|jahre?n?|stunden?|minuten?|days?|weeks?|months?|years?|hours?|minutes?"
_COUNTS = (
    r"\d+|ein|eine|einen|einem|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|dreizehn|vierzehn|fünfzehn"
    r"|zwanzig|dreißig|vierzig|fünfzig|sechzig|neunzig|hundert|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve|thirteen|fourteen|fifteen|sixteen|eighteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|an?"
)
_PROVIDERS = (
    "bank|firma|company|law firm|kanzlei|agency|agentur|supplier|lieferant|provider|anbieter|hersteller|manufacturer"
    "|versicherung|insurance|insurer|hotel|stadt|city|land|country|partner|software"
)

_CAPITAL = rf"(?<=[a-zäöüß,;:|] )(?!(?i:{_ENGLISH_MONTHS})\b)[A-ZÄÖÜ][\w-]+"
_NAME_IN_PROSE = re.compile(_CAPITAL)
_TWO_CAPITALS = r"\b[A-ZÄÖÜ][\w'’-]+ (?:(?:von|van|de|of|the) )?[A-ZÄÖÜ][\w'’-]+"
"""A name of two words. One capital says nothing in German, where every noun has it."""
_ROLE = _any(
    r"\b\w*(?:leit(?:er|erin|ung)|abteilung|vorstand|führung|führungskraft|beauftragte[rn]?|service|dienst|rat|ausschuss)\b",
    r"\b\w*(?:personal|kraft|kräfte|arzt|ärztin|ärzte|pflege|mitarbeit\w+|beschäftigte[rn]?|kolleg\w+|chef\w*|team|gruppe)\b",
    r"\b\w*(?:buchhaltung|controlling|einkauf|vertrieb|verwaltung|technik\w*|kommunikation|marketing|qualität\w*|sicherheit|sekretariat|empfang|wache?|wehr|behörde|amt)\b",
    r"\b\w*(?:kund(?:e|en|in)|lieferant\w*|bediener\w*|personen?|jeder|niemand|eltern|hersteller|firma)\b",
    r"\b(?:head|manager|director|board|committee|officer|desk|department|team|staff|employees?|technicians?|operators?)\b",
    r"\b(?:service|purchasing|compliance|legal|finance|controlling|treasury|logistics|management|communications|marketing|quality|security|administrators?|owners?)\b",
    r"\b(?:everybody|everyone|anybody|nobody|persons?|people|suppliers?|customers?|visitors?|company|provider)\b",
    r"\b(?:frau|herr|dr\.|mr|ms|mrs)\b",
)
"""Words for people, offices and bodies: who does or decides something."""

_KINDS = (
    Kind(
        "contact",
        cue=_any("telefon", "durchwahl", "rufnummer", "e-?mail-?adresse", "phone number", "email address", r"\biban\b"),
        also=_any(
            r"\+\d[\d /()-]{5,}\d", r"\b0\d[\d /()-]{4,}\d", r"\S+@\S+", r"\bdurchwahl \d", r"\bext(?:\.|ension) \d"
        ),
        is_strict=True,
        is_personal=True,
    ),
    Kind(
        "noise",
        cue=_any(r"\bwie laut\b", r"\bhow (?:loud|noisy)\b", r"\b(?:geräusch|lautst|schallpegel)", r"\bnoise\b"),
        units=frozenset({"db"}),
        words=frozenset({"geräusch", "noise", "schall"}),
        says="lautstärke",
        is_strict=True,
    ),
    Kind(
        "percent",
        cue=_any(r"\bprozent", r"\bpercent", r"\banteil\b", r"\bquote\b", r"\bmarge\b", r"\bmargin\b", r"\bmark-?up\b"),
        units=frozenset({"%"}),
        says="prozent anteil",
    ),
    Kind(
        "frequency",
        cue=_any(
            r"\bwie (?:oft|häufig)\b",
            r"\bhow (?:often|frequently)\b",
            r"\bin welchen abständen\b",
            r"\bwhat interval\b",
        ),
        also=_any(
            r"\b(?:alle|jede[nrsm]?|je|pro|vor|nach|every|each|per|before|after)\b",
            r"\b(?:täglich|wöchentlich|monatlich|jährlich|\w+jährlich|stündlich|daily|weekly|monthly|yearly|annual\w*|quarterly)\b",
            r"\b(?:\w+mal|mal|times?|once|twice|never|nie|always|immer)\b",
        ),
        figure=lambda figure: figure.kind == "number" and figure.unit not in _MONEY | {"%"},
        says="häufig",
    ),
    Kind(
        "duration",
        cue=_any(
            r"\bwie lange?\b",
            r"\bwie viele? \w*(?:tage?n?|wochen|monate|jahre|stunden|minuten)\b",
            r"\bwelche[rn]? \w*frist",
            r"\b(?:welche|what) (?:dauer|duration)",
            r"\bwie (?:schnell|kurzfristig)\b",
            r"\bhow (?:long|soon|quickly|fast)\b",
            r"\b(?:how many|how much) (?:\w+ )?(?:days|weeks|months|years|hours|minutes|time)\b",
        ),
        units=_PERIODS,
        also=_any(rf"\b(?:{_COUNTS}) (?:\w+ )?\w*(?:{_SPANS})\b"),
        figure=lambda figure: figure.kind == "date",
        words=frozenset({"tage", "wochen", "monate", "jahre", "frist", "dauer", "days", "weeks", "months", "duration"}),
        says="dauer frist",
        is_strict=True,
    ),
    Kind(
        "time",
        cue=_any(
            r"\bwann\b",
            r"(?:\A|[.!?] |\b(?:until|till|by|since|from|and) )when\b",
            r"\bum wie ?viel uhr",
            r"\bwhat time",
            r"\bstichtag",
            r"\bdeadline",
            r"\bwelche[mnrs]? (?:\w+ )?(?:jahr|datum|tag|monat|stichtag|wochentag)\b",
            r"\b(?:what|which) (?:\w+ )?(?:year|date|day|month|hours|weekday)\b",
        ),
        units=_PERIODS,
        also=_any(
            rf"\b(?:{_WEEKDAYS}|{_MONTHS}|{_ENGLISH_MONTHS})\b",
            rf"\b(?:{_MONTHS})gehalt",
            r"\b(?:jahresende|monatsende|quartal\w*|(?:19|20)\d\d)\b",
            r"\b[0-3]?\d\. jede[sn]\b",
            r"\d(?:st|nd|rd|th)\b",
        ),
        figure=lambda figure: figure.kind in {"date", "time"},
        words=frozenset({"datum", "date", "termin", "uhrzeit", "zeit", "time", "hours"}),
    ),
    Kind(
        "price",
        cue=_any(
            r"\bwie teuer\b",
            r"\bkostet\b",
            r"\b(?:preis|kaufpreis|listenpreis)\b",
            r"\bhow much (?:does|do|is|are|will|can|did) .*cost",
            r"\b(?:price|what does .* cost)\b",
        ),
        units=_MONEY,
        also=_any(
            r"\bkostenlos\b",
            r"\bkostenfrei\b",
            r"\bgratis\b",
            r"\bfree\b",
            r"prozent (?:des|der|vom)",
            r"percent (?:of|on)",
        ),
        words=frozenset({"euro", "eur", "€", "preis", "price", "kosten", "cost", "betrag", "amount", "gebühr", "fee"}),
        says="kosten",
        is_strict=True,
    ),
    Kind(
        "money",
        cue=_any(
            r"\bkosten\b",
            r"\bgehalt",
            r"\bwie viel (?:geld|euro)",
            r"\bwelche[rmn]? (?:betrag|preis|umsatz|prämie|zuschuss)",
            r"\bhow much (?:does|do|is|are|will|can|did) .*(?:pay|charge)",
            r"\b(?:costs?|fee|subsidy|budget)\b",
            r"\bwhat (?:amount|value|dividend|salary|revenue)",
        ),
        units=_MONEY | {"%"},
        words=frozenset({"euro", "eur", "€", "preis", "price", "kosten", "cost", "betrag", "amount", "gebühr", "fee"}),
        says="kosten",
        is_strict=True,
    ),
    Kind(
        "weight",
        cue=_any(r"\bwiegt\b", r"\bwiegen\b", r"\bgewicht\b", r"\bweigh", r"\bwie schwer\b", r"\bhow heavy\b"),
        units=frozenset({"kg", "g", "mg", "t"}),
        words=frozenset({"gewicht", "weight", "kg"}),
        says="gewicht",
        is_strict=True,
    ),
    Kind(
        "length",
        cue=_any(
            r"\b\w*(?:höhe|breite|länge|tiefe)\b",
            r"\b(?:height|width|length|depth)\b",
            r"\bwie (?:breit|lang|tief) (?:ist|sind)\b",
            r"\bhow (?:tall|wide|deep)\b",
            r"\babmessung",
            r"\bdimensions?\b",
        ),
        units=frozenset({"mm", "cm", "m", "km"}),
        words=frozenset({"höhe", "breite", "länge", "tiefe", "height", "width", "length"}),
    ),
    Kind(
        "temperature",
        cue=_any(r"\btemperatur", r"\btemperature", r"\bwie (?:warm|heiß|kalt)\b", r"\bhow (?:hot|cold|warm)\b"),
        units=frozenset({"°c"}),
        words=frozenset({"temperatur", "temperature", "°c"}),
        says="temperatur",
        is_strict=True,
    ),
    Kind(
        "count",
        cue=_any(r"\bwie ?vielen?\b", r"\bhow many\b", r"\bwelche anzahl", r"\bwhat number of"),
        figure=lambda figure: figure.kind == "number" and figure.unit not in _MONEY | {"%"},
        also=re.compile(r"\b(?:[Ee]ine[rnm]?|[Kk]eine?|[Oo]ne|[Nn]one?|[Bb]eide|[Bb]oth)\b"),
        is_strict=True,
    ),
    Kind(
        "number",
        cue=_any(
            r"\bwie ?viel\b",
            r"\bwie (?:hoch|groß|oft|weit|breit|lang|alt|stark)\b",
            r"\bwelche (?:menge|höhe|spannung|version|nummer|\w*länge|\w*höhe)",
            r"\bwelche[rmn]? drehzahl",
            r"\bhow (?:much|high|large|big|often|far|wide|old|tall|deep|strong)\b",
            r"\b(?:what|which) (?:\w+ )?(?:voltage|percentage|size|volume|height|width|speed|version|limit|rate|tolerance|temperature)",
            r"\bwelche[nrsm]? (?:\w+ )?\w*(?:limit|grenze|satz|rate|toleranz|temperatur|abstand|betrag)\b",
        ),
        figure=lambda figure: figure.kind in {"number", "code"},
    ),
    Kind(
        "provider",
        cue=_any(rf"\b(?:which|what|welche[rsmn]?) (?:\w+ )?(?:{_PROVIDERS})\b"),
        also=_NAME_IN_PROSE,
        is_strict=True,
    ),
    Kind(
        "name",
        cue=_any(
            r"\b(?:wer|wem|wen|wessen)\b",
            r"\bwho(?:m|se)?\b",
            r"\bname (?:of|des|der)\b",
            r"\bwie heißt\b",
            r"\b(?:which|what|welche[rsmn]?) (?:\w+ )?person\b",
        ),
        also=re.compile(rf"{_ROLE.pattern}|(?-i:{_TWO_CAPITALS})", re.IGNORECASE),
        is_personal=True,
    ),
)


def kind_of(question: str) -> Kind | None:
    """The first kind whose cue stands in the question."""
    return next((kind for kind in _KINDS if kind.cue.search(question)), None)
