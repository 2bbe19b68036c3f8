"""What an operator may tell the guard. Read from `policies/dlp/recognizers.yaml`; everything has a default."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rag.errors import Permanent


def _compiles(pattern: str) -> str:
    """A pattern that matches nothing at all would match everywhere."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if compiled.match(""):
        raise ValueError("the pattern matches the empty text")
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberKind(_Group):
    """An organisation's own number of a person: found behind one of its labels, in a table column or by its shape."""

    entity: str = Field(pattern=r"^[A-Z][A-Z_]*$")
    labels: tuple[str, ...] = ()
    value: Pattern = r"[A-Z]{0,4}[-/]?\d[\d/-]{2,14}"
    """What may stand behind a label."""
    shape: Pattern | None = None
    """What is such a number anywhere, without a label."""


class Allowed(_Group):
    """What is never personal data."""

    mailboxes: tuple[str, ...] = (
        "abuse", "admin", "administration", "anfrage", "angebot", "bestellung", "bewerbung", "billing", "buchhaltung",
        "career", "careers", "compliance", "contact", "controlling", "customer", "datenschutz", "department",
        "einkauf", "empfang", "facility", "finance", "finanzen", "helpdesk", "hilfe", "hotline", "hr", "info",
        "invoice", "it", "jobs", "kanzlei", "karriere", "kontakt", "kundendienst", "kundenservice", "legal", "logistik",
        "mail", "marketing", "noreply", "no", "office", "orders", "personal", "postmaster", "poststelle", "praxis",
        "presse", "press", "privacy", "produktion", "qualitaet", "qualität", "qm", "rechnung", "reception", "recht",
        "redaktion", "sales", "security", "sekretariat", "service", "servicetechnik", "station", "support", "team",
        "technik", "verteiler", "vertrieb", "verwaltung", "webmaster", "zentrale",
    )  # fmt: skip
    """Mailboxes of a function: at least one part of the local part is such a word and none is a person's name."""
    texts: tuple[str, ...] = ()
    """Exact texts, e.g. a company that is named after a person. Case does not matter."""
    patterns: tuple[Pattern, ...] = ()
    """A finding that matches one of these from end to end is dropped, e.g. the company's own switchboard."""


class GuardSettings(_Group):
    """Everything that decides what is found, beside the code and the word lists."""

    allow: Allowed = Allowed()
    numbers: tuple[NumberKind, ...] = (
        NumberKind(
            entity="CUSTOMER_NUMBER",
            labels=("Kundennummer", "Kunden-Nr", "Kundennr", "Kd.-Nr", "customer number", "customer no", "customer id"),
        ),
        NumberKind(
            entity="EMPLOYEE_NUMBER",
            labels=("Personalnummer", "Personal-Nr", "Pers.-Nr", "Mitarbeiternummer", "employee number", "employee no",
                    "employee id", "staff number"),
        ),
        NumberKind(
            entity="PATIENT_NUMBER",
            labels=("Patientennummer", "Patienten-Nr", "Pat.-Nr", "Fallnummer", "Fall-Nr", "Patienten-ID", "patient id",
                    "patient number", "medical record number", "MRN"),
        ),
    )  # fmt: skip
    thresholds: dict[str, float] = {}
    """Score from which an entity counts; all others from `threshold`."""
    threshold: float = Field(0.5, ge=0, le=1)
    medical_ignore: tuple[str, ...] = ()
    """Medical terms that are everyday words in this organisation, e.g. names of its products. Lower case."""
    timeout_s: float = Field(60.0, gt=0)
    """Whole text. A document of 600 pages takes about 15 s."""

    @property
    def revision(self) -> str:
        """Short digest of what decides the findings."""
        shape = self.model_dump_json(exclude={"timeout_s"})
        return hashlib.sha256(shape.encode()).hexdigest()[:12]


def read_guard_settings(path: Path) -> GuardSettings:
    """Defaults where the file is silent or absent. Raises `Permanent("guard_invalid")` naming the field."""
    if not path.is_file():
        return GuardSettings()
    try:
        return GuardSettings.model_validate(yaml.safe_load(path.read_text()) or {})
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "somewhere"
        raise Permanent("guard_invalid", f"{path.name} is not valid YAML: {where}.") from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Permanent("guard_invalid", f"{path.name} is not usable: {said}.") from None
