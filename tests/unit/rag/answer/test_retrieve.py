"""Retrieval as a step: what is searched for, with whose access, and how a follow-up gets its subject."""

from __future__ import annotations

import pytest
from index_scene import EMBEDDER, NOON, access, chunk

from rag.adapters.index.memory import InMemoryIndex
from rag.answer.retrieve import contextual_query, leans_on_context, retrieve
from rag.types import RetrievalSettings, Turn


def said(*texts: str) -> tuple[Turn, ...]:
    """Questions, each but the last followed by an answer."""
    turns = []
    for text in texts:
        turns += [Turn(role="user", content=text), Turn(role="assistant", content="An answer about parking.")]
    return tuple(turns[:-1])


@pytest.mark.parametrize(
    "question",
    [
        "Und in Teilzeit?", "Gilt das auch für Azubis?", "Warum?", "Wie lange dauert es?", "Was ist mit Werkstudenten?",
        "And for interns?", "What about part-time?", "Does that apply to contractors?", "Why?", "How long does it take?",
    ],
)  # fmt: skip
def test_a_follow_up_is_searched_with_what_was_asked_before(question: str) -> None:
    """Short, referring or opening with "and": the subject stands in the question before."""
    assert leans_on_context(question)
    assert contextual_query(said("Wie viele Urlaubstage habe ich?", question)) == (
        f"Wie viele Urlaubstage habe ich?\n{question}"
    )


@pytest.mark.parametrize(
    "question",
    [
        "Wie hoch ist das Tagegeld in Spanien?", "Gibt es Zuschüsse zum Jobticket?", "Was bedeutet Fehler E-42?",
        "Wer ist für die Freigabe von Bestellungen über 5.000 Euro zuständig?", "How is a travel expense report filed?",
        "What does error AL-200 mean?", "Which holidays are paid for trainees in their first year?",
    ],
)  # fmt: skip
def test_a_question_that_stands_alone_is_searched_alone(question: str) -> None:
    """A change of subject is not dragged back to the old one."""
    assert contextual_query(said("Wie viele Urlaubstage habe ich?", question)) == question


def test_a_chain_of_follow_ups_reaches_back_to_the_subject() -> None:
    """A "Why?" after "And for interns?" still asks about the holidays."""
    query = contextual_query(said("How many holidays do employees have?", "And for interns?", "Why?"))
    assert query == "How many holidays do employees have?\nAnd for interns?\nWhy?"


def test_answers_and_system_texts_are_not_searched_with() -> None:
    """The assistant's words would find its own passages again."""
    turns = (Turn(role="system", content="parking"), *said("How many holidays?", "And for interns?"))
    assert "parking" not in contextual_query(turns)
    assert contextual_query(()) == ""


async def test_hits_are_limited_and_access_is_handed_through() -> None:
    """The step filters nothing itself and asks for no more than the settings say."""
    index = InMemoryIndex(embedder=EMBEDDER.name, dimension=EMBEDDER.dimension)
    chunks = [chunk(f"Holiday rule {n}", position=n) for n in range(9)]
    chunks += [chunk("Holiday rule of others", tenant="rival", document="x")]
    await index.upsert(chunks, await EMBEDDER.embed([c.text for c in chunks]))
    await index.publish()
    settings = RetrievalSettings(limit=3)
    asked = {"embedder": EMBEDDER, "index": index, "settings": settings, "language": "en"}
    hits = await retrieve("holiday rule", access=access(at=NOON), **asked)
    assert len(hits) == 3
    assert {hit.chunk.labels.tenant for hit in hits} == {"acme"}
    assert await retrieve("  ", access=access(), **asked) == []
    assert len(await retrieve("holiday " * 100_000, access=access(), **asked)) == 3
