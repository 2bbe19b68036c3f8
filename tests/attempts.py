"""Attempts at questions, invented, for the tests of the evaluation."""

from __future__ import annotations

from state_values import NOON

from lifecycle.types import Expected, Item
from rag.types import Answer, Chunk, Citation, Classification, Hit, Labels, Outcome, Usage


def item(
    name: str = "q1", *, answerable: bool = True, expected: tuple[Expected, ...] | None = None, **changes: object
) -> Item:
    fields: dict[str, object] = {
        "id": name,
        "split": "dev",
        "language": "de",
        "tenant": "aurelia",
        "clearance": Classification.internal,
        "groups": frozenset(),
        "question": "Wie hoch ist die Tagespauschale?",
        "history": (),
        "answerable": answerable,
        "expected": (Expected(document="handbuch/reise.pdf", quote="28 Euro"),) if expected is None else expected,
        "answer_contains": (),
        "tags": (),
    }
    return Item(**(fields | changes))  # type: ignore[arg-type]


def chunk(text: str, *, path: str = "reise.pdf", zone: str = "handbuch") -> Chunk:
    labels = Labels(
        tenant="aurelia",
        business_unit=None,
        classification=Classification.public,
        readers=frozenset(),
        valid_from=NOON,
        valid_until=None,
    )
    return Chunk(
        id="c", document_id="d", version="v", zone=zone, path=path, uri="u", title="t", media_type="m", position=0, start=0,
        end=len(text), text=text, context="", places=(), language="de", labels=labels,
    )  # fmt: skip


def hit(of: Chunk) -> Hit:
    return Hit(chunk=of, score=0.5)


def citation(quote: str, *, path: str = "reise.pdf", number: int = 1, support: float = 1.0) -> Citation:
    return Citation(
        number=number, start=0, end=len(quote), document_id="d", version="v", zone="handbuch", path=path, uri="u", title="t",
        media_type="m", chunk_id="c", quote=quote, quote_start=0, quote_end=len(quote), places=(), support=support,
    )  # fmt: skip


def answer(text: str, *citations: Citation, outcome: Outcome = Outcome.answered) -> Answer:
    return Answer(
        question_id="q", text=text, outcome=outcome, citations=citations, language="de", release="r", recipe_id="x", epoch=1,
        endpoint="embedded", decisions=(), usage=Usage(prompt_tokens=0, completion_tokens=0), cost_usd=0.0,
    )  # fmt: skip


def refusal(text: str = "Die Dokumente beantworten das nicht.") -> Answer:
    return answer(text, outcome=Outcome.not_answered)
