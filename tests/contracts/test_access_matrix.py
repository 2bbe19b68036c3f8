"""Personas × classifications × documents × days × adapters: nobody finds what they may not, everybody what they may.

The rule is said once more here, in plain words over plain facts, and knows nothing of labels, filters or records.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_scene import EMBEDDER, NOON, Scene, chunk, opened

from rag.answer.answer import access_of
from rag.types import Chunk, Classification, Principal, Question, RetrievalSettings, Turn, UseCase

DAY = timedelta(days=1)
ASKED = "secret word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A version of a document, as its owner would tell of it. `is_live`: whether it was ever published."""

    name: str
    version: str = "1"
    tenant: str = "acme"
    unit: str | None = None
    readers: frozenset[str] = frozenset()
    level: int = 0
    zone: str = "policies"
    begins: datetime | None = None
    ends: datetime | None = None
    is_live: bool = True

    @property
    def chunk(self) -> Chunk:
        return chunk(
            f"The secret word of {self.name} {self.version}", document=self.name, version=self.version, zone=self.zone,
            tenant=self.tenant, business_unit=self.unit, readers=self.readers, classification=Classification(self.level),
            valid_from=self.begins, valid_until=self.ends,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Who asks, through which use case, as of when (`None` = now)."""

    tenant: str = "acme"
    units: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    clearance: int = 3
    protection: int = 3
    zones: frozenset[str] | None = None
    as_of: datetime | None = None


def finds(who: Persona, what: Fact) -> bool:
    """The rule."""
    at = NOON if who.as_of is None else who.as_of
    if not what.is_live or what.tenant != who.tenant:
        return False
    if what.level > who.clearance or what.level > who.protection:
        return False
    if what.unit is not None and what.unit not in who.units:
        return False
    if what.readers and not any(group in who.groups for group in what.readers):
        return False
    if what.begins is not None and at < what.begins:
        return False
    if what.ends is not None and at >= what.ends:
        return False
    return who.zones is None or what.zone in who.zones


LIVES: list[list[dict[str, object]]] = [
    [{}],
    [{"begins": NOON - DAY, "ends": NOON + DAY}],
    [{"begins": NOON - 9 * DAY, "ends": NOON - DAY}],  # expired
    [{"begins": NOON + DAY}],  # under embargo
    [{"ends": NOON}],  # superseded this very moment
    [{"ends": NOON - 3 * DAY}, {"version": "2", "begins": NOON - 3 * DAY, "ends": NOON - DAY}, {"version": "3", "begins": NOON - DAY}],
    [{"ends": NOON - 3 * DAY}, {"version": "2", "begins": NOON - 3 * DAY, "is_live": False}],  # a run died
    [{"is_live": False}],  # planted, or half deleted
]  # fmt: skip
FACTS = [
    Fact(name=f"d{number}", tenant=tenant, unit=unit, readers=readers, level=level,
         zone=("policies", "archive")[number % 2], **version)  # type: ignore[arg-type]
    for number, (tenant, unit, readers, level, life) in enumerate(
        product(("acme", "rival"), (None, "sales"), (frozenset[str](), frozenset({"board", "hr"})), range(4), LIVES)
    )
    for version in life
]  # fmt: skip
PERSONAS = [
    Persona(
        tenant=tenant, units=units, groups=groups, clearance=clearance, protection=protection, zones=zones, as_of=at
    )
    for tenant, units, groups, (clearance, protection), zones, at in product(
        ("acme", "rival", "*"),
        (frozenset[str](), frozenset({"sales"}), frozenset({"*", "=sales"})),
        (frozenset[str](), frozenset({"board"}), frozenset({"*", ""})),
        ((0, 3), (2, 3), (3, 1), (3, 3)),
        (None, frozenset({"archive"})),
        (None, NOON - 2 * DAY, NOON - 3 * DAY, NOON - 30 * DAY),
    )
]


async def published(scene: Scene, facts: list[Fact]) -> None:
    await scene.write([fact.chunk for fact in facts if fact.is_live])
    if strays := [fact.chunk for fact in facts if not fact.is_live]:
        await scene.write_only(strays)
    await scene.publish()


async def found(scene: Scene, who: Persona) -> set[tuple[str, str]]:
    """Through what the chain makes of the asker: rights of today, validity of then."""
    use_case = UseCase(
        name="assistant", title="Assistant", usecase_class="general", protection=Classification(who.protection),
        quality_tier="standard", budget_class="standard", prompt="assistant", retrieval=RetrievalSettings(), zones=who.zones,
    )  # fmt: skip
    asker = Principal(
        subject="kim", tenant=who.tenant, business_units=who.units, groups=who.groups,
        clearance=Classification(who.clearance),
    )  # fmt: skip
    question = Question(
        id="q", asker=asker, use_case=use_case, turns=(Turn(role="user", content=ASKED),), at=NOON, as_of=who.as_of
    )
    [vector] = await EMBEDDER.embed([ASKED])
    hits = await scene.index.search(ASKED, vector, language="en", access=access_of(question), limit=500, prefetch=500)
    return {(hit.chunk.document_id, hit.chunk.version) for hit in hits}


@pytest.mark.parametrize(("kind", "every"), [("memory", 1), ("qdrant_edge", 3), ("qdrant_server", 11), ("azure", 17)])
async def test_zero_leaks_and_nothing_hidden_by_mistake(kind: str, every: int, tmp_path: Path) -> None:
    """In memory all ask; the others are slower, so there each so manieth persona does, every kind of them still."""
    async with opened(kind, tmp_path / "index") as scene:
        await published(scene, FACTS)
        pairs = leaks = hidden = met = 0
        for who in PERSONAS[::every]:
            seen = await found(scene, who)
            expected = {(what.name, what.version) for what in FACTS if finds(who, what)}
            leaks += len(seen - expected)
            hidden += len(expected - seen)
            pairs += len(FACTS)
            met += bool(expected)
        assert (leaks, hidden) == (0, 0)
        assert met > len(PERSONAS) / every / 4
        assert pairs > 9_000
        assert scene.index.alarm is not None  # the strays were met, and told


names = st.sampled_from(["sales", "board", "hr", "*", "=sales", "", "Führung & Co'"])
instants = st.integers(-3, 3).map(lambda days: NOON + days * DAY)
facts = st.builds(
    Fact, name=st.sampled_from(["d1", "d2", "d3", "d4"]), version=st.sampled_from("12"),
    tenant=st.sampled_from(["acme", "rival"]), unit=st.none() | names, readers=st.frozensets(names, max_size=2),
    level=st.integers(0, 3), zone=st.sampled_from(["policies", "archive"]), begins=st.none() | instants,
    ends=st.none() | instants, is_live=st.booleans(),
)  # fmt: skip
personas = st.builds(
    Persona, tenant=st.sampled_from(["acme", "rival", "*", ""]), units=st.frozensets(names, max_size=3),
    groups=st.frozensets(names, max_size=3), clearance=st.integers(0, 3), protection=st.integers(0, 3),
    zones=st.none() | st.frozensets(st.sampled_from(["policies", "archive", "*"]), max_size=2), as_of=st.none() | instants,
)  # fmt: skip


@pytest.mark.parametrize(("kind", "examples"), [("memory", 80), ("qdrant_edge", 4), ("qdrant_server", 6)])
async def test_whatever_is_published_and_whoever_asks(
    kind: str, examples: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any documents, any askers: the index and the rule agree."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        written=st.lists(facts, max_size=8, unique_by=lambda fact: (fact.name, fact.version)),
        asking=st.lists(personas, min_size=1, max_size=6),
    )
    def check(written: list[Fact], asking: list[Persona]) -> None:
        asyncio.run(play(written, asking))

    async def play(written: list[Fact], asking: list[Persona]) -> None:
        async with opened(kind, tmp_path_factory.mktemp("index")) as scene:
            await published(scene, written)
            for who in asking:
                assert await found(scene, who) == {(what.name, what.version) for what in written if finds(who, what)}

    await asyncio.to_thread(check)


async def test_a_document_ends_at_its_hour_without_a_run(tmp_path: Path) -> None:
    """The same generation, read by the same reader: the clock alone takes it out, and lets its successor in."""
    hour = NOON + DAY
    old = Fact(name="old", ends=hour)
    new = Fact(name="new", begins=hour)
    async with opened("qdrant_edge", tmp_path / "index") as scene:
        await published(scene, [old, new])
        generation = scene.index.generation
        [vector] = await EMBEDDER.embed([ASKED])

        async def answered(at: datetime) -> set[str]:
            asker = Principal(subject="kim", tenant="acme", clearance=Classification.internal)
            question = Question(
                id="q", asker=asker, turns=(Turn(role="user", content=ASKED),), at=at,
                use_case=UseCase(
                    name="assistant", title="Assistant", usecase_class="general", protection=Classification.internal,
                    quality_tier="standard", budget_class="standard", prompt="assistant", retrieval=RetrievalSettings(),
                ),
            )  # fmt: skip
            hits = await scene.index.search(
                ASKED, vector, language="en", access=access_of(question), limit=9, prefetch=9
            )
            return {hit.chunk.document_id for hit in hits}

        moment = timedelta(seconds=1)
        assert [await answered(at) for at in (hour - moment, hour, hour + moment)] == [{"old"}, {"new"}, {"new"}]
        assert scene.index.generation == generation
