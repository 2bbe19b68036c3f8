"""The embedded default: the evidence's own sentences, or silence."""

from __future__ import annotations

import pytest

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.models.extractive import ExtractiveLlm
from rag.answer.cite import Citing
from rag.sentences import SentenceStream
from rag.types import Brief, Chunk, Classification, Hit, Labels, Prompt, Turn, Usage

LABELS = Labels(
    tenant="t",
    business_unit=None,
    classification=Classification.public,
    readers=frozenset(),
    valid_from=None,
    valid_until=None,
)


def hit(text: str, context: str, number: int = 1, *, language: str = "de") -> Hit:
    chunk = Chunk(
        id=f"c{number}", document_id=f"d{number}", version="v", zone="z", path=f"{number}.md", uri="u", title=context, media_type="x",
        position=0, start=0, end=len(text), text=text, context=context, places=(), language=language, labels=LABELS,
    )  # fmt: skip
    return Hit(chunk=chunk, score=0.9 / number, dense=0.5)


LEAVE = hit(
    "Der Jahresurlaub beträgt 26 Arbeitstage. Resturlaub ist bis zum 30. April zu nehmen. Der Antrag wird im Portal gestellt.",
    "Ferienordnung\nAnspruch",
    1,
)
ERRORS = hit(
    "Code | Bedeutung | Abhilfe\nT-11 | Deckel offen | Deckel schließen\nT-12 | Filter voll | Filter wechseln",
    "Handbuch Trockner TR-9\nStörungen",
    2,
)
CANTEEN = hit("The canteen opens at 11:30. A guest meal costs 9 euros.", "Canteen guide", 3, language="en")
EVIDENCE = (LEAVE, ERRORS, CANTEEN)


def brief(question: str, *evidence: Hit, language: str = "de", turns: tuple[Turn, ...] = ()) -> Brief:
    return Brief(
        question=question, turns=turns, evidence=evidence or EVIDENCE, prompt=Prompt(name="p", version="1", template=""),
        language=language,
    )  # fmt: skip


async def drafted(asked: Brief) -> str:
    pieces = [piece async for piece in ExtractiveLlm(embedder=HashEmbedder()).draft(asked)]
    assert isinstance(pieces[-1], Usage)
    return "".join(piece for piece in pieces if isinstance(piece, str))


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("Wie viele Tage Jahresurlaub habe ich?", "de", "Der Jahresurlaub beträgt 26 Arbeitstage. [1]"),
        ("Bis wann muss ich den Resturlaub nehmen?", "de", "Resturlaub ist bis zum 30. April zu nehmen. [1]"),
        ("Was bedeutet der Code T-12 am Trockner?", "de", "T-12 | Filter voll | Filter wechseln [2]"),
        ("What does a guest meal cost in the canteen?", "en", "A guest meal costs 9 euros. [3]"),
    ],
)
async def test_the_sentence_that_answers_comes_first_and_verbatim(question: str, language: str, expected: str) -> None:
    """Numbers, dates, codes and prices are found in prose and tables, in both languages."""
    assert (await drafted(brief(question, language=language))).startswith(expected)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Was bedeutet der Code T-19 am Trockner?", "de"),
        ("Wie viel wiegt der Trockner TR-9?", "de"),
        ("Wie hoch ist das Weihnachtsgeld?", "de"),
        ("Wer hat das Fußballspiel gewonnen?", "de"),
        ("Wie viele Tage Jahresurlaub gibt es in der Schweiz?", "de"),
        ("What is the phone number of the canteen?", "en"),
        ("How much is a guest meal in Project Kestrel?", "en"),
    ],
)
async def test_silence_where_the_evidence_does_not_answer(question: str, language: str) -> None:
    """Another code, country or project, or a kind of thing that is not there, is no answer."""
    assert await drafted(brief(question, language=language)) == ""


@pytest.mark.parametrize("question", ["Wer leitet das Lager?", "Auf welche IBAN geht die Zahlung des Lagers?"])
async def test_what_the_guard_has_hidden_is_no_answer(question: str) -> None:
    """A placeholder in place of a name or an account tells nobody anything."""
    evidence = hit("Das Lager leitet Frau <PERSON>. Die Zahlung des Lagers geht auf die IBAN <IBAN_CODE>.", "Lager")
    assert await drafted(brief(question, evidence)) == ""


@pytest.mark.parametrize("question", ["", "?", "Hallo", "…", "\x00", "a" * 5000])
async def test_a_question_that_asks_nothing_gets_nothing(question: str) -> None:
    """Odd input is no reason to quote."""
    assert await drafted(brief(question)) == ""


async def test_without_evidence_it_says_nothing_and_still_counts() -> None:
    """No hits: no text, one usage."""
    empty = Brief(
        question="Was gilt?", turns=(), evidence=(), prompt=Prompt(name="p", version="1", template=""), language="de"
    )
    assert await drafted(empty) == ""


async def test_a_follow_up_uses_what_was_asked_before() -> None:
    """An "And T-11?" means the code of the dryer that the talk is about."""
    turns = (
        Turn(role="user", content="Was bedeutet der Code T-12 am Trockner?"),
        Turn(role="assistant", content="Filter voll."),
    )
    assert (await drafted(brief("Und T-11?", turns=turns))).startswith("T-11 | Deckel offen")


async def test_the_same_question_gets_the_same_answer() -> None:
    """Deterministic, and the order of equal passages decides nothing by chance."""
    asked = brief("Bis wann muss ich den Resturlaub nehmen?")
    assert await drafted(asked) == await drafted(asked)


async def test_the_questions_language_wins_where_both_answer() -> None:
    """Where a German and an English passage say the same, the asker reads their own language."""
    german = hit("Ein Gastessen kostet 9 Euro.", "Kantine", 1)
    english = hit("A guest meal costs 9 euros.", "Canteen", 2, language="en")
    assert (await drafted(brief("Was kostet ein Gastessen?", english, german))).startswith(
        "Ein Gastessen kostet 9 Euro."
    )
    assert (await drafted(brief("What does a guest meal cost?", german, english, language="en"))).startswith(
        "A guest meal"
    )


async def test_a_tables_header_is_no_answer() -> None:
    """The header names the columns; the row says something."""
    draft = await drafted(brief("Welche Abhilfe gibt es beim Code T-11 am Trockner?"))
    assert "Code | Bedeutung" not in draft
    assert draft.startswith("T-11 |")


async def test_a_bare_label_is_no_answer() -> None:
    """A sum that the file does not hold leaves a row with its name alone; so does a heading without its text."""
    table = hit("Item | Limit\nTravel | 500\nTotal", "Limits", language="en")
    assert "Total" not in await drafted(brief("What is the total limit?", table, language="en"))
    notes = hit("Retention\n\nLogs are kept for 90 days.", "Notes", language="en")
    assert "Retention" not in await drafted(brief("What is the retention of logs?", notes, language="en"))


async def test_a_row_about_another_thing_is_not_quoted_beside() -> None:
    """Its figure would stand under the asker's question as if it answered it."""
    table = hit(
        "Item | Price EUR | Stock\nBlue stapler | 12.50 | 40\nRed stapler | 13.90 | 7", "Supplies", language="en"
    )
    draft = await drafted(brief("How much is a red stapler?", table, language="en"))
    assert "Red stapler | 13.90 | 7" in draft
    assert "Blue" not in draft


async def test_every_sentence_of_a_draft_passes_citing() -> None:
    """What it quotes is carried in full, sentence by sentence, as the chain will check it."""
    for question, language in [
        ("Wie viele Tage Jahresurlaub habe ich und bis wann ist Resturlaub zu nehmen?", "de"),
        ("Was bedeutet der Code T-12 am Trockner?", "de"),
        ("What does a guest meal cost in the canteen?", "en"),
    ]:
        citing, stream = Citing(EVIDENCE, language=language), SentenceStream()
        draft = await drafted(brief(question, language=language))
        sentences = [*stream.feed(draft), *stream.end()]
        verified = [citing.verify(sentence) for sentence in sentences]
        assert sentences
        assert all(one is not None and one.backings[0].support == 1.0 for one in verified)
