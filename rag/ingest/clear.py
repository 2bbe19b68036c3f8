"""Parsed document → cleared document, or a refusal. Called by `Batch`. Only what comes out here can be chunked.

Everything that could reach an index or a reader is screened in one go, so that a name in a title or file name and a
diagnosis on page nine meet in one decision: the text, and behind it the title, headings, sheet and attachment names
and the words of the path. Masked spans move elements and places along; the guard itself does not know of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from rag.allowing import ALLOWED
from rag.errors import HeldBack, Refused
from rag.ingest.admit import NO_VERDICT, Admitted, admit, facts_of, no_verdict
from rag.language import detect
from rag.ports import Guard, Policy
from rag.redaction import Moved, cut_out, redact
from rag.types import Action, Cleared, Direction, Element, Parsed, Place, Screened, Zone

_RULE_OFF = "\n\n* * *\n\n"
"""Between the text and what hangs behind it: a letter's closing must not take the title for its signature."""
_PATIENT_RULES = frozenset({"dlp.pii_with_medical_terms", "dlp.dense_medical_with_features", "dlp.patient_identifiers"})
_IN_FILE_NAME = "FILE_NAME_"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """The screened text: the document's, then one line per name. `lines`: name → span of its line."""

    text: str
    body: int
    lines: Mapping[str, tuple[int, int]]
    path: tuple[int, int]


async def clear(parsed: Parsed, *, guard: Guard, policy: Policy, zone: Zone, is_released: bool = False) -> Cleared:
    """What may be indexed, under which classification. Raises `HeldBack` if a policy keeps the document out, `Refused` if
    the guard cannot be relied on, `Temporary` if a policy has no verdict.

    `is_released`: a steward lets this version in. Everything that was found is masked all the same.
    """
    whole = _assembled(parsed)
    context = {"tenant": zone.tenant, "business_unit": zone.business_unit, "zone": zone.name}
    screened = await guard.screen(whole.text, direction=Direction.ingest, context=context)
    if screened.decision.rule.startswith(NO_VERDICT):
        raise no_verdict(screened.decision.reason)
    if screened.decision.action is Action.block and not is_released:
        raise _blocked(whole, screened)
    _require_consistent(whole, screened)
    language = parsed.document.language or detect(parsed.text, among=zone.languages or ("de", "en"))
    admitted = await _admitted(parsed, whole, screened, language, policy=policy, is_released=is_released)
    findings = screened.findings if admitted.decision.action is Action.redact else ()
    body = cut_out(findings, 0, whole.body)
    text = redact(parsed.text, body)
    moved = Moved(body)
    named = {name: redact(name, cut_out(findings, *span)) for name, span in whole.lines.items()}
    masked = [p for p in (*parsed.places, *parsed.echoes) if moved.touches(p.start, p.end)]
    labels = replace(parsed.document.labels, classification=admitted.classification)
    document = replace(parsed.document, labels=labels)
    if document.title is not None:
        document = replace(document, title=named[_line(document.title)])
    return Cleared(
        document=document,
        media_type=parsed.media_type,
        title=named[_line(parsed.title)],
        text=text,
        elements=tuple(_elements(parsed.elements, moved, named)),
        places=tuple(p for p in _places(parsed.places, moved, named) if p.start < p.end),
        pages=parsed.pages,
        language=language,
        decision=admitted.decision,
        counts=_counts(whole, screened),
        masked=tuple(_places(masked, moved, named)),
        raised=admitted.raised,
        parser=parsed.parser,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One finding, for a steward: `number` from 1, in the order of the text. `text` is for an entry of the allow-list."""

    number: int
    entity: str
    score: float
    where: str
    text: str = field(repr=False)


async def look(parsed: Parsed, *, guard: Guard, zone: Zone) -> list[Seen]:
    """What the guard finds in a document, whatever a policy makes of it. Raises `Refused`."""
    whole = _assembled(parsed)
    context = {"tenant": zone.tenant, "business_unit": zone.business_unit, "zone": zone.name}
    screened = await guard.screen(whole.text, direction=Direction.ingest, context=context)
    return [
        Seen(
            number=number, entity=f.entity, score=f.score, where=_where(parsed, whole, f.start),
            text=whole.text[f.start : f.end],
        )
        for number, f in enumerate(screened.findings, start=1)
    ]  # fmt: skip


def _where(parsed: Parsed, whole: _Whole, at: int) -> str:
    if at >= whole.body:
        return "file name" if at >= whole.path[0] else "title, heading or name of a part"
    page = next((p.page for p in parsed.places if p.start <= at < p.end and p.page), None)
    line = parsed.text.count("\n", 0, at) + 1
    return f"page {page}, line {line} of the text" if page else f"line {line} of the text"


async def _admitted(
    parsed: Parsed, whole: _Whole, screened: Screened, language: str, *, policy: Policy, is_released: bool
) -> Admitted:
    facts = facts_of(screened, whole.text, parsed, language=language)
    floor, labels = screened.decision, parsed.document.labels
    try:
        return await admit(facts, floor=floor, labels=labels, policy=policy, is_released=is_released)
    except HeldBack as error:
        counts = _counts(whole, screened)
        raise HeldBack(error.code, error.message, hint=error.hint, counts=counts) from None


def _assembled(parsed: Parsed) -> _Whole:
    names = [parsed.title, parsed.document.title or ""]
    names += [heading for element in parsed.elements for heading in element.headings]
    names += [name for place in parsed.places for name in (place.sheet, place.part) if name]
    parts, at = [parsed.text, _RULE_OFF], len(parsed.text) + len(_RULE_OFF)
    lines: dict[str, tuple[int, int]] = {}
    for name in dict.fromkeys(map(_line, names)):
        lines[name] = (at, at + len(name))
        parts += [name, "\n"]
        at += len(name) + 1
    words = _path_words(parsed.document.path)
    return _Whole(text="".join([*parts, words]), body=len(parsed.text), lines=lines, path=(at, at + len(words)))


def _line(name: str) -> str:
    return re.sub(r"\s", " ", name)


def _path_words(path: str) -> str:
    """`bewerbung_katharina-lindemann.pdf` as people would write it, so that the guard can read it."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", path)
    words = re.split(r"[\s_\-.+]+", stem.replace("/", " , "))
    return " ".join(word[:1].upper() + word[1:] for word in words if word)


def _require_consistent(whole: _Whole, screened: Screened) -> None:
    """Raises `Refused` if the guard's text is not what its findings and decision make of ours."""
    masked = redact(whole.text, screened.findings)
    said = {Action.allow: whole.text, Action.redact: masked, Action.block: ""}[screened.decision.action]
    if said != screened.text:
        raise Refused("guard_inconsistent", "The guard's findings do not match its text, so it does not pass.")


def _elements(elements: Iterable[Element], moved: Moved, named: Mapping[str, str]) -> Iterable[Element]:
    for element in elements:
        start, end = moved.span(element.start, element.end)
        if start == end:
            continue  # wholly inside a finding that began earlier
        header_end = None if element.header_end is None else min(max(moved.point(element.header_end), start), end)
        headings = tuple(named[_line(heading)] for heading in element.headings)
        yield replace(element, start=start, end=end, headings=headings, header_end=header_end)


def _places(places: Iterable[Place], moved: Moved, named: Mapping[str, str]) -> Iterable[Place]:
    for place in places:
        start, end = moved.span(place.start, place.end)
        sheet = named[_line(place.sheet)] if place.sheet else place.sheet
        part = named[_line(place.part)] if place.part else place.part
        yield replace(place, start=start, end=end, sheet=sheet, part=part)


def _counts(whole: _Whole, screened: Screened) -> dict[str, int]:
    """Per entity: in the text, or in the names if only there; those in the path by themselves, as they stay there; and
    what was found and allowed.
    """
    text, names, path = Counter[str](), Counter[str](), Counter[str]()
    for finding in screened.findings:
        if finding.start < whole.body:
            text[finding.entity] += 1
        elif finding.start < whole.path[0]:
            names[finding.entity] += 1
        else:
            path[_IN_FILE_NAME + finding.entity] += 1
    allowed = {ALLOWED + entity: number for entity, number in screened.allowed.items()}
    return dict(sorted({**names, **text, **path, **allowed}.items()))


def _blocked(whole: _Whole, screened: Screened) -> HeldBack:
    """Types, counts and the rule, never content: the reason is stored and shown."""
    counts = _counts(whole, screened)
    found = ", ".join(f"{number} x {entity}" for entity, number in sorted(screened.counts.items())) or "none"
    medical = ", ".join(sorted(screened.medical_categories)) or "none"
    rule = screened.decision.rule
    if rule in _PATIENT_RULES:
        return HeldBack(
            "contains_patient_data",
            f"The file seems to hold data of patients. Personal: {found}. Medical: {medical}. Rule: {rule}.",
            hint="Remove it from this zone, or replace it by a version without names and other personal details.",
            counts=counts,
        )
    return HeldBack(
        "blocked_by_policy",
        f"The policy does not let this file in. {screened.decision.reason} Personal: {found}. Rule: {rule}.",
        hint="Ask the operator of the platform why this rule stands.",
        counts=counts,
    )
