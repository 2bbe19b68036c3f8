"""A conversation is judged as a whole and masked piece by piece; nothing raw leaves."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
from guards import CONTEXT, presidio_guard, screened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.answer import messages
from rag.answer.screen import OutputScreen, screen_turns
from rag.errors import Refused
from rag.testing import WordGuard, decision
from rag.types import Action, Direction, Turn


def turns(*contents: str) -> tuple[Turn, ...]:
    return tuple(Turn(role="user", content=c) for c in contents)


async def test_turns_are_masked_one_by_one() -> None:
    """Each turn keeps its role and its place; the person in it is gone."""
    conversation = (
        Turn(role="user", content="Wer ist Frau Lindemann?"),
        Turn(role="assistant", content="Eine Kollegin."),
    )
    asked = await screen_turns(
        (*conversation, *turns("Wann zieht Lindemann um?")), guard=presidio_guard(), context=CONTEXT
    )
    assert [t.content for t in asked.turns] == ["Wer ist Frau <PERSON>?", "Eine Kollegin.", "Wann zieht <PERSON> um?"]
    assert [t.role for t in asked.turns] == ["user", "assistant", "user"]
    assert asked.decision.action is Action.redact


async def test_person_and_diagnosis_in_different_turns_are_blocked() -> None:
    """Splitting a patient over two messages does not help."""
    asked = await screen_turns(
        turns("Es geht um Frau Hildegard Brenner.", "Sie hat Diabetes mellitus. Was nun?"),
        guard=presidio_guard(),
        context=CONTEXT,
    )
    assert (asked.turns, asked.decision.action) == ((), Action.block)


async def test_harmless_turns_are_the_same() -> None:
    """Nothing is touched where nothing is found."""
    given_turns = turns("Wie hoch ist die Umzugspauschale?", "Und bis wann?")
    assert (await screen_turns(given_turns, guard=presidio_guard(), context=CONTEXT)).turns == given_turns


async def test_a_dead_guard_refuses_the_question() -> None:
    """No guard, no answer."""
    guard = WordGuard()
    guard.dead = True
    with pytest.raises(Refused):
        await screen_turns(turns("Hallo"), guard=guard, context={})


async def test_a_diagnosis_after_a_person_blocks_the_rest() -> None:
    """Person in the first sentence, diagnosis in the third: blocked from there on, and the person never left."""
    output = OutputScreen(presidio_guard(), CONTEXT)
    first = await output.feed("Frau Hildegard Brenner war hier. ")
    second = await output.feed("Sie blieb fünf Tage. ")
    third = await output.feed("Sie hat Diabetes mellitus. ")
    fourth = await output.feed("Das Wetter ist schön. ")
    assert first.text == "Frau <PERSON> war hier. "
    assert second.text == "Sie blieb fünf Tage. "
    assert (third.text, third.decision.action) == ("", Action.block)
    assert (fourth.text, fourth.decision.action) == ("", Action.block)


async def test_a_surname_is_masked_in_later_sentences() -> None:
    """What an earlier sentence made known is known in the next."""
    output = OutputScreen(presidio_guard(), CONTEXT)
    await output.feed("Ansprechpartnerin ist Frau Katharina Lindemann [1]. ")
    assert (await output.feed("Lindemann sitzt in Jena [2].")).text == "<PERSON> sitzt in Jena [2]."


async def test_a_guard_that_dies_in_mid_answer_lets_nothing_out() -> None:
    """After the first sentence the guard is killed: not one raw character follows."""
    guard = WordGuard(mask=["Lindemann"])
    output = OutputScreen(guard, CONTEXT)
    assert (await output.feed("Lindemann kommt. ")).text == "<MASKED> kommt. "
    guard.dead = True
    with pytest.raises(Refused):
        await output.feed("Lindemann geht.")


async def test_a_long_answer_does_not_forget_the_person() -> None:
    """Clean sentences are let go, a person is kept, however much is said in between."""
    output = OutputScreen(presidio_guard(), CONTEXT)
    await output.feed("Frau Hildegard Brenner war hier. ")
    for _ in range(30):
        assert (
            await output.feed("Die Zentrifuge läuft ruhig und wird jährlich geprüft. " * 10)
        ).decision.action is Action.redact
    assert (await output.feed("Sie hat Diabetes mellitus.")).decision.action is Action.block


TEXT = "Frau Katharina Lindemann zieht um. Ihre Adresse ist katharina.lindemann@posteo.example. Mobil: +49 171 3920012. Danke!"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from([i + 1 for i, c in enumerate(TEXT) if c in ".!" and TEXT[i + 1 : i + 2] in {" ", ""}])))
async def test_any_split_into_sentences_leaks_nothing(cuts: set[int]) -> None:
    """However an answer is cut into sentences, its masked parts are those of the whole."""
    edges = [0, *sorted(cuts - {len(TEXT)}), len(TEXT)]
    output = OutputScreen(presidio_guard(), CONTEXT)
    said = "".join([(await output.feed(TEXT[a:b])).text for a, b in pairwise(edges)])
    assert said == (await screened(TEXT, Direction.output)).text


@pytest.mark.parametrize(
    "say",
    [
        messages.not_answered,
        partial(messages.blocked_input, decision(Action.block, "dlp.pii_with_medical_terms")),
        partial(messages.blocked_input, decision(Action.block, "policy.late")),
        messages.blocked_output,
        messages.refused,
    ],
)
async def test_standard_messages_speak_both_languages_and_pass_the_guard(say) -> None:  # type: ignore[no-untyped-def]
    """Each has a German and an English wording, falls back to English, and holds nothing that the guard would mask."""
    assert say("de") != say("en")
    assert say("fr") == say("en")
    for language in ("de", "en"):
        assert (await screened(say(language), Direction.output)).text == say(language)
