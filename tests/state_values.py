"""Values that the tests of state and lifecycle share. Every function takes what matters and invents the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lifecycle.recipes import make_recipe
from rag.types import (
    Action,
    AuditRow,
    Box,
    ChunkSetting,
    Classification,
    Cleared,
    Decision,
    Document,
    Element,
    Entry,
    Labels,
    Place,
    Principal,
    Prompt,
    Raised,
    Receipt,
    Recipe,
    RetrievalSettings,
    Sighting,
    State,
    Zone,
)

NOON = datetime(2026, 3, 14, 12, 0, 0, 123456, tzinfo=UTC)


def audit_row(number: int = 1, **facts: object) -> AuditRow:
    return AuditRow(
        id=f"req_{number}",
        at=NOON + timedelta(seconds=number),
        actor="anna",
        tenant="aurelia",
        action="answer",
        outcome="answered",
        facts={"hits": number, "cost_usd": 0.1 * number, "rule": "routing.größe"} | facts,
    )


def zone(name: str = "handbuch") -> Zone:
    return Zone(
        name=name,
        url="/landing/handbuch",
        tenant="aurelia",
        owner="qm@aurelia.example",
        classification=Classification.confidential,
        business_unit="service",
        valid_from=NOON,
        valid_until=None,
        readers=frozenset({"technik", "vertrieb"}),
        languages=("de", "en"),
        chunking=(
            ChunkSetting(kind="slides", key="merges", value=True),
            ChunkSetting(kind="slides", key="target", value=80),
        ),
    )


def sighting(path: str = "a/größe.pdf", *, zone: str = "handbuch") -> Sighting:
    return Sighting(zone=zone, path=path, size=2**33, modified_at=NOON, etag="e1|until=0001-01-01T00:00:00+00:00")


def receipt(
    path: str = "a/größe.pdf", *, zone: str = "handbuch", state: State = State.indexed, **changes: object
) -> Receipt:
    fields: dict[str, object] = {
        "zone": zone,
        "path": path,
        "document_id": f"doc-{path}",
        "version": "v1",
        "state": state,
        "code": "indexed_redacted",
        "reason": "Personal data was masked.",
        "hint": "",
        "chunks": 7,
        "counts": {"PERSON": 2},
    }
    return Receipt(**(fields | changes))  # type: ignore[arg-type]


def entry(of: Receipt | None = None, **changes: object) -> Entry:
    made = of or receipt()
    fields: dict[str, object] = {
        "receipt": made,
        "fingerprint": "f1",
        "sighting": sighting(made.path, zone=made.zone),
        "recorded_at": NOON,
    }
    return Entry(**(fields | changes))  # type: ignore[arg-type]


def cleared(
    document_id: str = "doc-1", version: str = "v1", text: str = "Höhe: 5 m.\nTab\there.", *, parser: str = ""
) -> Cleared:  # fmt: skip
    boxed = Place(start=0, end=10, page=3, box=Box(left=0.1, top=0.2, right=0.9, bottom=0.25))
    labels = Labels(
        tenant="aurelia",
        business_unit=None,
        classification=Classification.confidential,
        readers=frozenset({"technik"}),
        valid_from=NOON,
        valid_until=datetime.min.replace(tzinfo=UTC),
    )
    document = Document(
        id=document_id,
        version=version,
        zone="handbuch",
        path="a/größe.pdf",
        uri="file:///a/gr%C3%B6%C3%9Fe.pdf",
        content=b"",
        modified_at=NOON,
        labels=labels,
        title="Größe",
        language="de",
        supersedes="alt.pdf",
    )
    return Cleared(
        document=document,
        media_type="application/pdf",
        title="Größe",
        text=text,
        elements=(
            Element(kind="title", start=0, end=5, level=1),
            Element(kind="table", start=5, end=10, headings=("Höhe", "Maße"), header_end=7),
        ),
        places=(
            boxed,
            Place(start=10, end=20, sheet="Preise", cells="A1:B2"),
            Place(start=20, end=21, slide=4, part="x.eml"),
        ),
        pages=12,
        language="de",
        decision=Decision(action=Action.redact, rule="dlp.pii", reason="Personal data.", revision="r1"),
        counts={"PERSON": 2},
        masked=(boxed,),
        raised=Raised(before=Classification.internal, rule="ingest.identifiers", reason="Accounts of several people."),
        parser=parser,
    )


def principal(**changes: object) -> Principal:
    fields: dict[str, object] = {
        "subject": "anna",
        "tenant": "aurelia",
        "business_units": frozenset({"service"}),
        "roles": frozenset({"user"}),
        "groups": frozenset({"technik"}),
        "clearance": Classification.confidential,
    }
    return Principal(**(fields | changes))  # type: ignore[arg-type]


def recipe(number: int = 1, *, use_case: str = "assistant") -> Recipe:
    """Recipes of different numbers differ in their prompt and limit."""
    return make_recipe(
        use_case=use_case,
        endpoints=["embedded:extractive", "local:qwen"],
        prompt=Prompt(name=use_case, version=f"{number:012x}", template=f"Antworte mit Belegen. ({number})"),
        retrieval=RetrievalSettings(limit=7 + number),
        index_profile="minilm/384/rules-1",
        policy_revision="p1",
        guard_revision="g1",
    )
