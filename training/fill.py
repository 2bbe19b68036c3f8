"""Template + values → text with spans. Pure but for the values' chance.

A template is a text with slots such as `{person}` or `{street}`; several stand in a file, apart by a line of `---`.
`{person!u}` is written in capitals, `{person!l}` in small letters. What a slot fills is personal data if `ENTITIES` says so;
neighbours of one kind, such as `{first} {last}`, are one finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.values import Values

ENTITIES = {
    **dict.fromkeys(("first", "last", "person", "reversed", "initial", "lastgen", "firstgen", "persongen"), "PERSON"),
    **dict.fromkeys(("street", "address"), "ADDRESS"),
    "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "iban": "IBAN_CODE", "card": "CREDIT_CARD", "taxid": "DE_TAX_ID",
    "ssn": "DE_SOCIAL_SECURITY", "idcard": "DE_ID_CARD", "passport": "DE_PASSPORT", "kvnr": "DE_HEALTH_INSURANCE",
    "plate": "LICENSE_PLATE", "birth": "DATE_OF_BIRTH", "customer": "CUSTOMER_NUMBER", "employee": "EMPLOYEE_NUMBER",
}  # fmt: skip
"""Slot → what the guard has to find there. Every other slot, and all that a template says itself, is none."""

PLAIN = frozenset({"city", "place", "zip", "company", "date", "time", "amount", "n", "code", "year", "noun", "term"})
SLOT = re.compile(r"\{(?P<name>[a-z]+)(?:!(?P<case>[ul]))?\}")


@dataclass(frozen=True, slots=True)
class Marked:
    """Something to be found: half-open span in the text."""

    entity: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A filled template. `template` names it: file and number."""

    template: str
    language: str
    register: str
    text: str
    marked: tuple[Marked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """As it stands in a file `LANGUAGE_REGISTER.txt`."""

    name: str
    language: str
    register: str
    text: str

    def __post_init__(self) -> None:
        for found in re.findall(r"\{[^}]*\}?", self.text):
            slot = SLOT.fullmatch(found)
            if not slot or slot["name"] not in ENTITIES.keys() | PLAIN:
                message = f"{self.name}: {found} is no slot."
                raise ValueError(message)


def read_templates(folder: Path) -> list[Template]:
    """All of a folder, sorted. Raises `ValueError` that names the template whose slot nobody knows."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        language, _, register = path.stem.partition("_")
        parts = re.split(r"(?m)^---[ \t]*$\n?", path.read_text(encoding="utf-8"))
        texts = [part.strip("\n") for part in parts if part.strip()]
        found += [
            Template(name=f"{path.stem}:{at}", language=language, register=register, text=text)
            for at, text in enumerate(texts, start=1)
        ]
    return found


def fill(template: Template, values: Values) -> Text:
    """One text; another call gives another."""
    said: list[str] = []
    marked: list[Marked] = []
    at = end = 0
    for slot in SLOT.finditer(template.text):
        before = template.text[at : slot.start()]
        value = values.slot(slot["name"])
        value = value.upper() if slot["case"] == "u" else value.lower() if slot["case"] == "l" else value
        said += [before, value]
        start, end = end + len(before), end + len(before) + len(value)
        if entity := ENTITIES.get(slot["name"]):
            joins = (
                marked
                and marked[-1].entity == entity == "PERSON"
                and before in {" ", ", "}
                and marked[-1].end + len(before) == start
            )
            if joins:
                marked[-1] = Marked(entity, marked[-1].start, end)
            else:
                marked.append(Marked(entity, start, end))
        at = slot.end()
    said.append(template.text[at:])
    return Text(
        template=template.name, language=template.language, register=template.register, text="".join(said),
        marked=tuple(marked),
    )  # fmt: skip


def texts(folder: Path, *, each: int, seed: int, is_training: bool) -> Iterator[Text]:
    """Every template of a folder, filled `each` times with other values."""
    values = {language: Values(language, seed, is_training=is_training) for language in ("de", "en")}
    for template in read_templates(folder):
        for _ in range(each):
            yield fill(template, values[template.language])
