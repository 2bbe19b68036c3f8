"""What goes into a template's slots: names, streets and numbers of nobody, with valid check digits. Deterministic by seed.

Names come from Faker's lists of many countries, because people in German and English texts have names from everywhere.
Some are kept from training altogether, so that an evaluation sees names that the model has never read.
"""

from __future__ import annotations

import hashlib
import random
import re
import string
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TypeVar

import wordfreq
from faker import Faker

from rag.adapters.guard import words

T = TypeVar("T")

_COUNTRIES = {
    "de": (("de_DE", 14), ("de_AT", 3), ("de_CH", 2), ("tr_TR", 2), ("pl_PL", 2), ("it_IT", 1), ("es_ES", 1), ("fr_FR", 1),
           ("ro_RO", 1), ("hr_HR", 1), ("nl_NL", 1), ("cs_CZ", 1)),
    "en": (("en_US", 9), ("en_GB", 7), ("en_IN", 2), ("en_IE", 1), ("es_MX", 1), ("fr_FR", 1), ("de_DE", 1), ("it_IT", 1), ("nl_NL", 1)),
}  # fmt: skip
_KEPT_BACK = 3
"""Of ten names, how many no training text may hold."""
_PARTICLES = ("von", "von der", "van", "van der", "de", "zu", "El", "Al-")
_PLATES = (
    "B",
    "M",
    "HH",
    "K",
    "F",
    "S",
    "L",
    "DD",
    "HB",
    "KI",
    "MD",
    "EF",
    "P",
    "BI",
    "OL",
    "GÖ",
    "TÜ",
    "ROW",
    "LDK",
    "FDS",
)


class Values:
    """One language's values. `slot(name)` gives a text for a slot."""

    def __init__(self, language: str, seed: int, *, is_training: bool) -> None:
        self._random = random.Random(seed)  # noqa: S311 - invented people, no secret
        self._language, self._is_training = language, is_training
        names, weights = zip(*_COUNTRIES[language], strict=True)
        self._locales, self._weights = list(names), list(weights)
        self._fakers = {name: Faker(name) for name in {*names, "de_DE", "en_GB", "en_US"}}
        for at, faker in enumerate(self._fakers.values()):
            faker.seed_instance(seed * 100 + at)

    def slot(self, name: str) -> str:
        """Raises `KeyError` for a slot that nobody knows."""
        return self._slots[name]()

    @cached_property
    def _slots(self) -> dict[str, Callable[[], str]]:
        return {
            "first": self.first, "last": self.last, "person": self.person, "reversed": lambda: f"{self.last()}, {self.first()}",
            "initial": lambda: f"{self.first()[0]}. {self.last()}", "lastgen": lambda: _genitive(self.last()),
            "firstgen": lambda: _genitive(self.first()), "persongen": lambda: _genitive(self.person()),
            "street": self.street, "zip": self._zip, "city": self.city, "place": self.city, "address": self.address,
            "email": self.email, "phone": self.phone, "iban": self.iban, "card": self.card, "taxid": self.tax_id,
            "ssn": self.social_security, "idcard": self.id_card, "passport": self.passport, "kvnr": self.health_insurance,
            "plate": self.plate, "birth": self.birth, "customer": lambda: f"K-{self._digits(6)}",
            "employee": lambda: self._pick((f"P{self._digits(5)}", self._digits(6), f"PN-{self._digits(5)}")),
            "company": self.company, "date": self.date, "time": lambda: f"{self._number(6, 21):02}:{self._number(0, 59):02}",
            "noun": self.noun, "term": lambda: self._pick(_terms()).capitalize(), "amount": self.amount, "n": lambda: str(self._number(2, 480)), "code": self.code, "year": lambda: str(self._number(2019, 2027)),
        }  # fmt: skip

    # --- people -----------------------------------------------------------------------------------------------

    def first(self) -> str:
        name = self._known(lambda faker: faker.first_name())
        return f"{name}-{self._known(lambda faker: faker.first_name())}" if self._chance(0.05) else name

    def last(self) -> str:
        name = self._known(lambda faker: faker.last_name())
        if self._chance(0.06):
            return f"{name}-{self._known(lambda faker: faker.last_name())}"
        if self._chance(0.04):
            particle = self._pick(_PARTICLES)
            return f"{particle}{name}" if particle.endswith("-") else f"{particle} {name}"
        return name

    def person(self) -> str:
        middle = ""
        if self._chance(0.08):
            middle = f"{self.first()[0]}. " if self._chance(0.6) else f"{self.first()} "
        return f"{self.first()} {middle}{self.last()}"

    def _known(self, make: Callable[[Faker], str]) -> str:
        """A name that may be used here, without the titles that some of Faker's lists hold."""
        while True:
            faker = self._fakers[self._random.choices(self._locales, self._weights)[0]]
            name = make(faker).replace("\u00a0", " ").strip()
            is_kept_back = hashlib.sha256(name.encode()).digest()[0] % 10 < _KEPT_BACK
            if re.fullmatch(r"[^\W\d_]{2,}(?:[ '’-][^\W\d_]{2,})*", name) and not (self._is_training and is_kept_back):
                return name

    # --- where they live --------------------------------------------------------------------------------------

    def street(self) -> str:
        if self._language == "en":
            faker = self._fakers[self._pick(("en_US", "en_GB"))]
            return f"{self._number(1, 1999)} {faker.street_name()}"
        suffix = self._pick(("",) * 7 + ("a", "b", " c"))
        name = self._fakers["de_DE"].street_name()
        if self._chance(0.55):  # Faker's streets are all named after persons
            stem = self._pick(_STEMS)
            name = f"{stem}{self._pick(_KINDS)}"
        if self._chance(0.2):
            name = name.replace("straße", "str.").replace("Straße", "Str.")
        return f"{name} {self._number(1, 240)}{suffix}"

    def city(self) -> str:
        if self._language == "de":
            return str(self._fakers["de_DE"].city_name())
        return str(self._fakers[self._pick(("en_US", "en_GB"))].city())

    def address(self) -> str:
        if self._language == "de":
            return f"{self.street()}{self._pick((', ', ', ', chr(10)))}{self._zip()} {self.city()}"
        return f"{self.street()}, {self.city()}, {self._fakers['en_US'].state_abbr()} {self._zip()}"

    def _zip(self) -> str:
        return f"{self._number(1067, 99998):05}"

    # --- how they are reached ---------------------------------------------------------------------------------

    def email(self) -> str:
        first, last = _ascii(self.first()), _ascii(self.last())
        local = self._pick(
            (
                f"{first}.{last}",
                f"{first[0]}.{last}",
                f"{last}{self._number(1, 99)}",
                f"{first}_{last}",
                f"{first}{last}",
            )
        )
        return f"{local}@{self._pick(('gmx.de', 'web.de', 'gmail.com', 'outlook.com', 't-online.de', 'mailbox.org', 'posteo.net'))}"

    def phone(self) -> str:
        area = self._pick(("30", "89", "40", "221", "69", "711", "341", "351", "421", "5251", "7071"))
        mobile = self._pick(("151", "160", "170", "172", "176", "179"))
        if self._language == "en" and self._chance(0.6):
            exchange = f"{self._number(201, 989)}"
            return self._pick(
                (
                    f"({exchange}) 555-01{self._digits(2)}",
                    f"+1 {exchange} 555 01{self._digits(2)}",
                    f"+44 20 7946 0{self._digits(3)}",
                )
            )
        return self._pick((
            f"0{area} {self._digits(7)}", f"0{area}/{self._digits(6)}", f"+49 {area} {self._digits(4)} {self._digits(3)}",
            f"0{mobile} {self._digits(8)}", f"+49 {mobile} {self._digits(7)}", f"0{area} - {self._digits(6)}",
        ))  # fmt: skip

    # --- numbers with check digits ----------------------------------------------------------------------------

    def iban(self) -> str:
        """ISO 13616."""
        country, digits = self._pick((("DE", 18), ("DE", 18), ("DE", 18), ("AT", 16)))
        account = self._digits(digits)
        number = int(account + "".join(str(ord(letter) - 55) for letter in country) + "00")
        whole = f"{country}{98 - number % 97:02}{account}"
        return whole if self._chance(0.4) else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))

    def card(self) -> str:
        """ISO/IEC 7812, Luhn."""
        start = self._pick(("4", "51", "52", "53", "54", "55"))
        body = start + self._digits(15 - len(start))
        doubled = sum(sum(divmod(2 * int(d), 10)) if at % 2 == 0 else int(d) for at, d in enumerate(body))
        whole = f"{body}{-doubled % 10}"
        return whole if self._chance(0.3) else " ".join(whole[i : i + 4] for i in range(0, 16, 4))

    def tax_id(self) -> str:
        """§ 139b AO: ten digits of which exactly one repeats, and ISO 7064 MOD 11,10."""
        digits = self._random.sample("0123456789", 9)
        digits.append(self._pick(digits))
        while True:
            self._random.shuffle(digits)
            if digits[0] != "0" and all(a != b for a, b in pairwise(digits)):
                break
        product = 10
        for digit in digits:
            product = ((int(digit) + product) % 10 or 10) * 2 % 11
        whole = "".join(digits) + str((11 - product) % 10)
        return whole if self._chance(0.5) else f"{whole[:2]} {whole[2:5]} {whole[5:8]} {whole[8:]}"

    def social_security(self) -> str:
        """§ 2 VKVV: area, birth date, letter, serial, check digit."""
        letter = self._pick(string.ascii_uppercase)
        area = self._pick(("02", "08", "12", "15", "53", "65"))
        body = f"{area}{self._number(1, 28):02}{self._number(1, 12):02}{self._number(50, 99)}{letter}{self._digits(2)}"
        numeric = body.replace(letter, f"{ord(letter) - 64:02}")
        factors = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
        check = sum(sum(divmod(int(d) * f, 10)) for d, f in zip(numeric, factors, strict=True)) % 10
        whole = f"{body}{check}"
        return whole if self._chance(0.5) else f"{whole[:2]} {whole[2:8]} {whole[8]} {whole[9:]}"

    def id_card(self) -> str:
        """Nine places as printed on the front; with the check digit of ICAO 9303 as in the machine-readable zone."""
        whole = self._travel("LMNPRTVWXYZ")
        return whole if self._chance(0.5) else whole[:9]

    def passport(self) -> str:
        return self._travel("CFGHJK")[:9]

    def _travel(self, letters: str) -> str:
        body = self._pick(letters) + "".join(self._pick("CFGHJKLMNPRTVWXYZ0123456789") for _ in range(8))
        value = sum((int(c) if c.isdigit() else ord(c) - 55) * w for c, w in zip(body, (7, 3, 1) * 3, strict=True))
        return f"{body}{value % 10}"

    def health_insurance(self) -> str:
        """§ 290 SGB V: a letter, eight digits and a check digit (Luhn with the letter as two digits)."""
        letter, digits = self._pick(string.ascii_uppercase), self._digits(8)
        numeric = f"{ord(letter) - 64:02}{digits}"
        check = sum(sum(divmod(int(d) * (1 + at % 2), 10)) for at, d in enumerate(numeric)) % 10
        return f"{letter}{digits}{check}"

    def plate(self) -> str:
        letters = "".join(self._pick("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(self._number(1, 2)))
        joint = self._pick(("-", " "))
        return f"{self._pick(_PLATES)}{joint}{letters} {self._number(1, 9999)}"

    # --- what is no personal data -----------------------------------------------------------------------------

    def birth(self) -> str:
        return self._day(1935, 2008)

    def date(self) -> str:
        return self._day(2019, 2027)

    def _day(self, first: int, last: int) -> str:
        day, month, year = self._number(1, 28), self._number(1, 12), self._number(first, last)
        if self._language == "en":
            return self._pick(
                (f"{month}/{day}/{year}", f"{day} {_MONTHS[month - 1]} {year}", f"{year}-{month:02}-{day:02}")
            )
        return self._pick(
            (f"{day:02}.{month:02}.{year}", f"{day}.{month}.{year}", f"{day}. {_MONATE[month - 1]} {year}")
        )

    def company(self) -> str:
        """Often named after people, which makes it no person."""
        name, other = self.last(), self.last()
        if self._language == "de":
            return self._pick(
                (
                    f"{name} GmbH",
                    f"{name} & {other} KG",
                    f"{name} AG",
                    f"Gebrüder {name} OHG",
                    f"{name} und Söhne GmbH",
                    f"Autohaus {name}",
                    f"Bäckerei {name}",
                    f"Kanzlei {name} & Partner",
                    f"{name}-Stiftung",
                    f"{name} Logistik SE",
                )
            )
        return self._pick((f"{name} Ltd", f"{name} & {other} LLP", f"{name} Inc.", f"{name} Brothers", f"{name} and Sons Ltd",
                           f"{name} Group", f"{name} Foundation", f"{name} Holdings plc"))  # fmt: skip

    def amount(self) -> str:
        whole, cents = self._number(3, 99_999), self._number(0, 99)
        if self._language == "en":
            return f"{self._pick('$£€')}{whole:,}.{cents:02}"
        return f"{whole:,}".replace(",", ".") + f",{cents:02} {self._pick(('€', 'EUR', 'Euro'))}"

    def code(self) -> str:
        letters = "".join(self._pick(string.ascii_uppercase) for _ in range(self._number(2, 3)))
        return f"{letters}-{self._digits(self._number(3, 6))}"

    def noun(self) -> str:
        """Any everyday word, written like a name."""
        return self._pick(_everyday(self._language)).capitalize()

    # --- chance -----------------------------------------------------------------------------------------------

    def _pick(self, among: Sequence[T]) -> T:
        return self._random.choice(among)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def _digits(self, number: int) -> str:
        return "".join(self._random.choice(string.digits) for _ in range(number))


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MONATE = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
_STEMS = ("Garten", "Haupt", "Bahnhof", "Schul", "Kirch", "Linden", "Birken", "Wiesen", "Berg", "Mühlen", "Ring", "Rosen",
          "Goethe", "Schiller", "Mozart", "Eichen", "Kastanien", "Feld", "Wald", "Dorf", "Post", "Markt", "Brunnen", "Acker",
          "Ulmen", "Finken", "Amsel", "Lerchen", "Sonnen", "Hafen", "Ufer", "Kloster", "Schloss", "Park")  # fmt: skip
_KINDS = ("straße", "straße", "straße", "weg", "weg", "gasse", "allee", "platz", "ring", "damm", "steig")


@lru_cache
def _everyday(language: str) -> list[str]:
    """Frequent words that no list of names holds."""
    names = words.first_names() | words.doubtful_first_names() | words.surnames()
    return [w for w in wordfreq.top_n_list(language, 15_000) if w.isalpha() and len(w) > 3 and w not in names]


@lru_cache
def _terms() -> list[str]:
    """Medical ones."""
    lines = (words.LISTS / "medical.txt").read_text(encoding="utf-8").splitlines()
    terms = {term.strip() for line in lines if not line.startswith(("#", "[")) for term in line.split(",")}
    return sorted(term for term in terms if len(term) > 4 and "*" not in term)


def _genitive(name: str) -> str:
    """As German and English mark it: `Lindemanns`, `Marx'`."""
    return f"{name}'" if name[-1].lower() in "sxzß" else f"{name}s"


def _ascii(name: str) -> str:
    plain = name.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}))
    return re.sub(r"[^a-z]", "", plain) or "x"
