"""Every index passes this: the one in memory, and the embedded engine with its published generations."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_scene import EMBEDDER, NOON, Scene, access, chunk, opened

from rag.types import Access, Chunk, Classification

KINDS = ("memory", "qdrant_edge", "qdrant_server", "azure")


@pytest.fixture(params=KINDS)
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with opened(request.param, tmp_path / "index") as made:
        yield made


async def test_nothing_is_found_before_the_first_publish(scene: Scene) -> None:
    """An index that was never published answers with nothing, and says that it has no generation."""
    assert await scene.ask("holiday") == []
    assert scene.index.generation is None


async def test_what_is_written_is_invisible_until_it_is_published(scene: Scene) -> None:
    """A search sees the last published state, never the writer's work."""
    await scene.publish([chunk("Holiday is 30 days.")])
    await scene.write([chunk("Holiday is 31 days.", document="other")])
    assert await scene.texts("holiday") == ["Holiday is 30 days."]
    name = await scene.publish()
    assert set(await scene.texts("holiday")) == {"Holiday is 30 days.", "Holiday is 31 days."}
    assert scene.index.generation == name


async def test_a_chunk_comes_back_as_it_was_written(scene: Scene) -> None:
    """Nothing of a chunk is lost on the way: places, labels, umlauts, time zones."""
    written = chunk(
        "Größe: 5 µm | „Prüfmaß“", context="Handbuch › Maße", business_unit="Vertrieb & Co", language="de",
        readers=frozenset({"*", "Führung"}), valid_from=NOON - timedelta(days=1, microseconds=3), valid_until=None,
        classification=Classification.confidential,
    )  # fmt: skip
    await scene.publish([written])
    [hit] = await scene.ask(
        "Prüfmaß", language="de", groups=frozenset({"Führung"}), business_units=frozenset({"Vertrieb & Co"})
    )
    assert hit.chunk == written


async def test_writing_twice_leaves_one(scene: Scene) -> None:
    """The same chunk written again replaces itself."""
    await scene.publish([chunk("Holiday is 30 days.")])
    await scene.publish([chunk("Holiday is 30 days."), chunk("Holiday is 30 days.")])
    assert await scene.texts("holiday") == ["Holiday is 30 days."]


async def test_publishing_without_a_change_keeps_the_generation(scene: Scene) -> None:
    """A sweep that changed nothing leaves readers where they are; one that did gives another name."""
    first = await scene.publish([chunk("Holiday is 30 days.")])
    assert await scene.publish([chunk("Holiday is 30 days.")]) == first
    assert await scene.publish([chunk("Holiday is 31 days.")]) != first
    assert await scene.texts("holiday") == ["Holiday is 31 days."]


async def test_changed_labels_alone_are_a_change(scene: Scene) -> None:
    """The same text with other readers is published again, and only they find it."""
    await scene.publish([chunk("Holiday is 30 days.")])
    await scene.publish([chunk("Holiday is 30 days.", readers=frozenset({"hr"}))])
    assert await scene.texts("holiday") == []
    assert await scene.texts("holiday", groups=frozenset({"hr"})) == ["Holiday is 30 days."]


async def test_a_reclassified_chunk_moves(scene: Scene) -> None:
    """Raising a document's classification takes it out of the lower collection; there is never a copy left."""
    await scene.publish([chunk("Holiday is 30 days.", classification=Classification.internal)])
    await scene.publish([chunk("Holiday is 30 days.", classification=Classification.highly_confidential)])
    assert await scene.texts("holiday", clearance=Classification.confidential) == []
    assert len(await scene.ask("holiday")) == 1


async def test_retain_removes_other_versions_only(scene: Scene) -> None:
    """A new version replaces the old one in every collection; other documents stay."""
    old = [chunk(f"Old rule {n}", version="1", position=n) for n in range(3)]
    secret = chunk("Old rule, secret part", version="1", position=9, classification=Classification.confidential)
    other = chunk("Old rule of another house", document="other", version="1")
    await scene.publish([*old, secret, other, chunk("New rule", version="2")])
    assert await scene.writer.retain("handbook", "2") == 4
    await scene.publish()
    assert set(await scene.texts("rule")) == {"New rule", "Old rule of another house"}
    assert await scene.writer.retain("handbook", None) == 1
    assert await scene.writer.retain("handbook", None) == 0
    await scene.publish()
    assert await scene.texts("rule") == ["Old rule of another house"]


async def test_retain_can_drop_what_other_chunk_rules_have_left(scene: Scene) -> None:
    """Of the same version only the named chunks stay."""
    chunks = [chunk(f"Rule {n}", position=n) for n in range(4)]
    await scene.publish(chunks)
    assert await scene.writer.retain("handbook", "1", keep=frozenset({chunks[0].id, chunks[2].id})) == 2
    await scene.publish()
    assert set(await scene.texts("rule")) == {"Rule 0", "Rule 2"}


async def test_retain_leaves_earlier_versions_that_are_named(scene: Scene) -> None:
    """Whole; of the version itself only what is to stay, and everything when the document goes."""
    versions = [chunk(f"Rule {v}{n}", version=v, position=n) for v in "1234" for n in range(2)]
    await scene.publish(versions)
    keep = frozenset({versions[6].id})
    assert await scene.writer.retain("handbook", "4", keep=keep, earlier=frozenset({"1", "3"})) == 3
    await scene.publish()
    assert set(await scene.texts("rule")) == {"Rule 10", "Rule 11", "Rule 30", "Rule 31", "Rule 40"}
    assert await scene.writer.retain("handbook", None, earlier=frozenset({"1"})) == 5


async def test_it_knows_the_vectors_of_the_texts_that_it_holds(scene: Scene) -> None:
    """By what was embedded, context and all, in any collection, before the publish and after it, until they go."""
    held = chunk("Größe: 5 µm", context="Maße", classification=Classification.confidential)
    twin = chunk("Größe: 5 µm", context="Maße", document="twin")
    vectors = await EMBEDDER.embed([held.embedded_text, twin.embedded_text])
    await scene.writer.upsert([held, twin], vectors)
    found = await scene.writer.vectors([held.embedded_text, held.text, "never written"])
    assert set(found) == {held.embedded_text}
    assert found[held.embedded_text] == pytest.approx(vectors[0], abs=1e-6)
    await scene.publish()
    await scene.writer.retain(held.document_id, None)
    assert set(await scene.writer.vectors([held.embedded_text])) == {held.embedded_text}
    await scene.writer.retain(twin.document_id, None)
    assert await scene.writer.vectors([held.embedded_text]) == {}
    assert await scene.writer.vectors([]) == {}


async def test_what_a_document_leaves_anywhere_is_counted(scene: Scene) -> None:
    """In what is written, in what is published, in every class; nothing else is named."""
    secret = Classification.confidential
    await scene.publish(
        [chunk("Rule one", document="d1"), chunk("Rule two", document="d1", classification=secret, position=1)]
    )
    await scene.write([chunk("Rule three", document="d2")])
    held = await scene.writer.holds(["d1", "d2", "d3"])  # an adapter that copies what it publishes counts twice
    assert (held["d1"] in {2, 4}, held["d2"], "d3" in held) == (True, 1, False)
    assert await scene.writer.retain("d1", None) == 2
    assert await scene.writer.holds(["d1"]) == {"d1": 2}  # readers still find it
    await scene.publish()
    assert await scene.writer.holds(["d1"]) == {}
    assert await scene.writer.holds([]) == {}


async def test_an_emptied_index_finds_nothing(scene: Scene) -> None:
    """Deleting the last document publishes an empty generation."""
    await scene.publish([chunk("Holiday is 30 days.")])
    await scene.writer.retain("handbook", None)
    await scene.publish()
    assert await scene.ask("holiday") == []


async def test_hits_come_best_first_with_both_scores(scene: Scene) -> None:
    """Scores fall, lie between 0 and 1, and say what each side thought."""
    await scene.publish(
        [
            chunk("The notice period is three months to the end of a quarter.", document="a"),
            chunk("A quarter of the employees works from home.", document="b"),
            chunk("The canteen opens at noon.", document="c"),
        ]
    )
    hits = await scene.ask("How long is the notice period?")
    assert hits[0].chunk.document_id == "a"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0.0 <= hit.score <= 1.0 for hit in hits)
    assert hits[0].sparse is not None
    assert hits[0].sparse > 0
    assert all(hit.dense is not None and -1.001 <= hit.dense <= 1.001 for hit in hits)
    assert hits[-1].sparse is None


async def test_limit_is_kept(scene: Scene) -> None:
    """No more hits than asked for, and they are the best ones."""
    await scene.publish([chunk(f"Rule about topic{n}", position=n) for n in range(20)])
    assert len(await scene.ask("rule", limit=5)) == 5
    assert await scene.texts("Which rule is about topic7?", limit=1) == ["Rule about topic7"]
    assert await scene.ask("rule", limit=0) == []


async def test_a_german_compound_meets_its_parts(scene: Scene) -> None:
    """A question with a compound finds the passage that spells it out, and the other way round."""
    await scene.publish(
        [
            chunk("Die Frist für die Kündigung beträgt drei Monate.", document="a", language="de"),
            chunk("Der Urlaubsantrag ist schriftlich zu stellen.", document="b", language="de"),
            chunk("Die Kantine hat mittags geöffnet.", document="c", language="de"),
        ]
    )
    assert (await scene.ask("Kündigungsfrist", language="de"))[0].chunk.document_id == "a"
    hit = (await scene.ask("Antrag auf Urlaub", language="de"))[0]
    assert hit.chunk.document_id == "b"
    assert hit.sparse


async def test_a_code_is_found_in_any_spelling(scene: Scene) -> None:
    """`AL-200`, `AL 200` and `AL200` are the same device."""
    await scene.publish(
        [
            chunk("Error E-42 of the AL-200: clean the filter.", document="a"),
            chunk("Error E-17: restart.", document="b"),
        ]
    )
    for asked in ("AL200", "AL-200", "al-200?", "E42", "E-42"):
        hit = (await scene.ask(asked))[0]
        assert hit.chunk.document_id == "a", asked
        assert hit.sparse, asked


async def test_scores_do_not_tell_of_documents_that_may_not_be_read(scene: Scene) -> None:
    """What other tenants and higher classes hold leaves no trace in a score."""
    mine = [chunk("The falcon project starts in May."), chunk("The canteen is closed.", position=1)]
    await scene.publish(mine)
    before = [(hit.sparse, hit.score) for hit in await scene.ask("falcon project", clearance=Classification.internal)]
    others = [
        chunk("Falcon falcon project", document=f"x{n}", tenant=tenant, classification=level)
        for n, (tenant, level) in enumerate(
            [("rival", Classification.internal), ("acme", Classification.highly_confidential)] * 10
        )
    ]
    await scene.publish(others)
    after = [(hit.sparse, hit.score) for hit in await scene.ask("falcon project", clearance=Classification.internal)]
    assert after == before


AT_ONCE = {
    "memory": 10_000,
    "qdrant_edge": 10_000,
    "qdrant_server": 10_000 if "QDRANT_URL" in os.environ else 500,
    "azure": 500,
}
"""The two servers' stand-ins look at every point for every request; a real one takes as many as the embedded engine."""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_large_batch_at_once(kind: str, tmp_path: Path) -> None:
    """All chunks are there, once, also when they come again; the one that was asked for is found; a document goes as one."""
    documents = AT_ONCE[kind] // 100
    made = [chunk(f"Rule {n} about item{n}", document=f"d{n // 100}", position=n % 100) for n in range(100 * documents)]
    vectors = np.tile(await EMBEDDER.embed(["rule"]), (len(made), 1))
    vectors[321:322] = await EMBEDDER.embed([made[321].text])
    async with opened(kind, tmp_path / "index") as scene:
        scene.declared.add(made)
        await scene.writer.upsert(made, vectors)
        name = await scene.publish()
        await scene.writer.upsert(made[-100:], vectors[-100:])
        assert await scene.publish() == name
        held = await scene.writer.holds([f"d{n}" for n in range(documents)])
        assert len(held) == documents
        assert len(set(held.values())) == 1
        assert (await scene.ask("item321", limit=3))[0].chunk == made[321]
        assert await scene.writer.retain("d3", None) == 100
        await scene.publish()
        assert made[321].text not in await scene.texts("item321", limit=3)


async def test_a_question_that_nothing_answers_to_finds_nothing(scene: Scene) -> None:
    """Nothing that may be read, nothing asked, words that nowhere stand: no hit of the keyword side, and no error."""
    await scene.publish([chunk("Holiday is 30 days.")])
    assert await scene.ask("holiday", tenant="nobody") == []
    assert await scene.ask("holiday", zones=frozenset()) == []
    for text in ("", "   ", "?!", "Quastenflosser", "the of and"):
        assert all(hit.sparse is None for hit in await scene.ask(text)), text


ODD = (
    "Größe µm Å",
    "cafe\u0301 naïve",
    "🚀 start 👩‍👩‍👧",
    "עברית שלום",
    "日本語の規則",
    "a\u0000b",
    "x" * 5000,
    "' or 1 eq 1 --",
    "\u202etxt",
)


async def test_any_script_and_sign_comes_back_as_it_went_in(scene: Scene) -> None:
    """In texts, names of groups and units, questions: combined, right to left, emoji, and signs of other languages."""
    groups = [text.replace("\0", "") for text in ODD]
    written = [
        chunk(text, context=text, document=f"d{n}", business_unit=group, readers=frozenset({group}))
        for n, (text, group) in enumerate(zip(ODD, groups, strict=True))
    ]
    await scene.publish(written)
    for one, group in zip(written, groups, strict=True):
        hits = await scene.ask(one.text, groups=frozenset({group}), business_units=frozenset({group}))
        assert [hit.chunk for hit in hits] == [one]
    assert await scene.ask("start") == []


# --- the record of what is live -----------------------------------------------------------------------------------


async def test_what_no_live_version_has_is_never_served_and_is_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A run died between writing and declaring; what it left is published by the next run, and nobody gets it."""
    await scene.publish([chunk("Holiday is 30 days.")])
    orphans = [chunk(f"Holiday is {n} days.", document="orphan", version="2", position=n) for n in range(120)]
    await scene.write_only(orphans)
    assert scene.index.alarm is None
    await scene.publish([chunk("Holiday of trainees is 28 days.", document="trainees")])
    found = await scene.texts("holiday days", limit=8)  # more orphans than candidates: they starve nobody
    assert set(found) == {"Holiday is 30 days.", "Holiday of trainees is 28 days."}
    assert scene.index.alarm is not None
    assert "Holiday" not in scene.index.alarm
    assert {"index.orphans"} <= {record.message for record in caplog.records if record.levelname == "ERROR"}
    await scene.writer.retain("orphan", None)
    await scene.publish()
    assert len(await scene.texts("holiday days")) == 2
    assert scene.index.alarm is None


async def test_a_chunk_planted_by_hand_is_never_served(scene: Scene) -> None:
    """Straight into the store of the generation that is read: another document, another version, another class."""
    known = chunk("Holiday is 30 days.", classification=Classification.confidential)
    await scene.publish([known, chunk("Rule of the canteen", document="other", position=1)])
    elsewhere = chunk("Holiday is 30 days.", classification=Classification.internal)
    planted = [chunk("Holiday is 99 days.", document="planted"), chunk("Holiday is 98 days.", version="9"), elsewhere]
    for one in planted:
        await scene.plant(replace(one, id=str(uuid.uuid4())))
    assert await scene.texts("holiday", limit=1, clearance=Classification.internal) == ["Rule of the canteen"]
    assert set(await scene.texts("holiday")) == {"Holiday is 30 days.", "Rule of the canteen"}
    assert scene.index.alarm is not None


async def test_a_version_that_is_live_no_more_goes_with_the_next_publish(scene: Scene) -> None:
    """Though its chunks are still there: the deletion was interrupted after the word and before the deed."""
    await scene.publish([chunk("Holiday is 30 days."), chunk("Rule of the canteen", document="other")])
    first = scene.index.generation
    scene.declared.versions = {one for one in scene.declared.versions if one.document_id == "other"}
    assert await scene.texts("holiday canteen") != []
    assert await scene.publish() != first
    assert await scene.texts("holiday canteen") == ["Rule of the canteen"]


async def test_orphans_leave_no_trace_in_scores(scene: Scene) -> None:
    """How often a word occurs in what is not served changes nothing."""
    await scene.publish([chunk("The falcon project starts in May."), chunk("The canteen is closed.", position=1)])
    before = [(hit.sparse, hit.score) for hit in await scene.ask("falcon project")]
    await scene.write_only([chunk("Falcon falcon project", document=f"x{n}") for n in range(20)])
    await scene.publish()
    assert [(hit.sparse, hit.score) for hit in await scene.ask("falcon project")] == before


# --- access -----------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)
DOCUMENTS = [
    chunk(f"The secret word of document {number}", document=f"d{number}", zone=zone, tenant=tenant,
          business_unit=unit, readers=readers, classification=level, valid_from=start, valid_until=end)
    for number, (tenant, unit, readers, level, (zone, start, end)) in enumerate(
        product(
            ("acme", "rival"),
            (None, "sales", "*"),
            (frozenset(), frozenset({"board"}), frozenset({"board", "hr"})),
            tuple(Classification),
            (("policies", None, None), ("archive", NOON - DAY, NOON), ("archive", NOON, NOON + DAY)),
        )
    )
]  # fmt: skip
PERSONAS: list[Access] = [
    access(tenant=tenant, business_units=units, groups=groups, clearance=clearance, zones=zones)
    for tenant, units, groups, clearance, zones in product(
        ("acme", "rival", "*"),
        (frozenset[str](), frozenset({"sales"}), frozenset({"", "*", "=sales"})),
        (frozenset[str](), frozenset({"board"}), frozenset({"*", ""})),
        (Classification.public, Classification.confidential, Classification.highly_confidential),
        (None, frozenset({"archive"}), frozenset[str]()),
    )
]


def may_read(who: Access, what: Chunk) -> bool:
    """The rule, said once more by the test."""
    rule = what.labels
    if rule.tenant != who.tenant or rule.classification > who.clearance:
        return False
    if rule.business_unit is not None and rule.business_unit not in who.business_units:
        return False
    if rule.readers and not rule.readers & who.groups:
        return False
    if (rule.valid_from and who.at < rule.valid_from) or (rule.valid_until and who.at >= rule.valid_until):
        return False
    return who.zones is None or what.zone in who.zones


async def test_nobody_finds_what_they_may_not_read_and_everybody_finds_what_they_may(scene: Scene) -> None:
    """Personas × classifications × documents: zero leaks, and no document hidden by mistake."""
    await scene.publish(DOCUMENTS)
    [vector] = await EMBEDDER.embed(["secret word"])
    found_something = 0
    for who in PERSONAS:
        hits = await scene.index.search("secret word", vector, language="en", access=who, limit=500, prefetch=500)
        found = {hit.chunk.document_id for hit in hits}
        assert found == {what.document_id for what in DOCUMENTS if may_read(who, what)}
        found_something += bool(found)
    assert found_something > 20


# --- properties -------------------------------------------------------------------------------------------------

pieces = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.integers(0, 3), st.sampled_from(list(Classification))),
    max_size=12,
)


@pytest.mark.parametrize(("kind", "examples"), [("memory", 60), ("qdrant_edge", 8)])
async def test_retain_removes_exactly_and_upsert_is_idempotent(
    kind: str, examples: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is written, in whatever order and how often: what is found is the last state of each place."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(written=pieces, document=st.sampled_from("abc"), version=st.sampled_from(["1", "2", None]))
    def check(written, document, version) -> None:
        asyncio.run(play(written, document, version))

    async def play(written, document, version) -> None:
        root = tmp_path_factory.mktemp("index")
        async with opened(kind, root) as scene:
            expected = {}
            for name, of, position, level in written:
                made = chunk(f"rule {name}{of}{position}", document=name, version=of, position=position,
                             classification=level)  # fmt: skip
                await scene.write([made])
                expected[made.id] = made
            gone = {
                key for key, made in expected.items()
                if made.document_id == document and (version is None or made.version != version)
            }  # fmt: skip
            assert await scene.writer.retain(document, version) == len(gone)
            await scene.publish()
            found = [hit.chunk for hit in await scene.ask("rule")]
            assert sorted(made.id for made in found) == sorted(expected.keys() - gone)
            assert all(expected[made.id] == made for made in found)

    await asyncio.to_thread(check)
