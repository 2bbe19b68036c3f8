"""The guard leaves out what people have said is no personal data: that very text, of that type, there and until then."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from guards import POLICIES, policy

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.guard.presidio import PresidioGuard
from rag.adapters.guard.settings import read_guard_settings
from rag.adapters.index.memory import InMemoryIndex
from rag.errors import Refused
from rag.ingest.allow import Wish, drafted
from rag.ingest.batch import Batch
from rag.ingest.clear import look
from rag.ingest.ingest import Intake, survey
from rag.testing import (
    DigestSigner,
    MemoryErasures,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    MemoryReviews,
    PlainParser,
    zone,
)
from rag.testing_stores import MemoryAllowList
from rag.types import AllowKind, Direction, Receipt, State, now

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
ZONE = zone()
WISH = Wish(
    tenant="acme", zone=None, entity="PERSON", kind=AllowKind.text, value="Katharina Lindemann", by="A. Weber",
    reason="A ship.", until=AT + timedelta(days=30), directions=frozenset(Direction),
)  # fmt: skip
TEXT = "Die Fähre Katharina Lindemann fährt um neun. Gebucht hat Frau Käthe Groß."


class Scene:
    """One guard for all tests here: its list and its clock are set by each."""

    def __init__(self) -> None:
        self.at = AT
        self.listed = MemoryAllowList()
        settings = read_guard_settings(POLICIES / "dlp" / "recognizers.yaml")
        self.guard = PresidioGuard(policy(), settings, allow_list=self, clock=lambda: self.at)  # type: ignore[arg-type]

    def digest(self, text: str) -> str:
        return self.listed.digest(text)

    async def standing(self, tenant: str) -> tuple[object, ...]:
        return await self.listed.standing(tenant)

    async def allow(self, *wishes: Wish, at: datetime = AT) -> None:
        for wish in wishes:
            await self.listed.record(drafted(wish, digest=self.listed.digest, at=at))

    async def screened(
        self, text: str, direction: Direction = Direction.ingest, **context: str | None
    ) -> tuple[str, dict[str, int]]:
        asked = {"tenant": "acme", "zone": "handbook", **context}
        found = await self.guard.screen(text, direction=direction, context=asked)
        return found.text, found.allowed


SCENE = Scene()


@pytest.fixture
def scene() -> Scene:
    SCENE.listed, SCENE.at = MemoryAllowList(), AT
    return SCENE


async def test_what_is_allowed_is_left_standing_and_counted(scene: Scene) -> None:
    """The ship stands, the person beside it does not."""
    await scene.allow(WISH)
    text, allowed = await scene.screened(TEXT)
    assert text == "Die Fähre Katharina Lindemann fährt um neun. Gebucht hat Frau <PERSON>."
    assert allowed == {"PERSON": 1}


@pytest.mark.parametrize(
    "context", [{"tenant": "other"}, {"tenant": None}, {"tenant": ""}, {"tenant": "ACME"}, {"tenant": "acme\x00"}]
)
async def test_it_is_of_its_tenant_alone(scene: Scene, context: dict[str, str | None]) -> None:
    """Another tenant's text, or one of no tenant, is masked as ever."""
    await scene.allow(WISH)
    assert "Lindemann" not in (await scene.screened(TEXT, **context))[0]


async def test_it_is_of_its_zone_and_direction_alone(scene: Scene) -> None:
    """An entry of a zone holds neither in another nor for an answer."""
    await scene.allow(replace(WISH, zone=ZONE, directions=frozenset({Direction.ingest})))
    assert "Lindemann" in (await scene.screened(TEXT))[0]
    assert "Lindemann" not in (await scene.screened(TEXT, zone="other"))[0]
    assert "Lindemann" not in (await scene.screened(TEXT, zone=None))[0]
    for direction in (Direction.input, Direction.output):
        assert "Lindemann" not in (await scene.screened(TEXT, direction))[0]


async def test_it_ends_at_its_hour(scene: Scene) -> None:
    """Without a restart, to the second; a clock from before it was made finds nothing."""
    await scene.allow(WISH)
    for at, stands in (
        (AT - timedelta(seconds=1), False), (AT, True), (WISH.until - timedelta(seconds=1), True), (WISH.until, False),
        (datetime.max.replace(tzinfo=UTC), False),
    ):  # fmt: skip
        scene.at = at
        assert ("Lindemann" in (await scene.screened(TEXT))[0]) is stands, at


async def test_a_name_that_a_person_bears_too_is_masked(scene: Scene) -> None:
    """Lindemann may be a firm; once a Katharina Lindemann is found in the document, the name alone may be hers."""
    await scene.allow(replace(WISH, value="Lindemann", reason="A firm."))
    text, _ = await scene.screened("Es unterschrieb Frau Katharina Lindemann. Später kam Lindemann noch einmal.")
    assert "Lindemann" not in text


async def test_an_account_inside_something_allowed_is_masked(scene: Scene) -> None:
    """A number that is only ever allowed by itself does not pass with what it stands in."""
    account = "DE89 3704 0044 0532 0130 00"
    await scene.allow(
        replace(WISH, entity="PHONE_NUMBER", value=account),
        replace(WISH, entity="PERSON", value=f"Groß, IBAN {account}"),
    )
    assert "3704" not in (await scene.screened(f"Konto von Frau Groß, IBAN {account}."))[0]
    await scene.allow(replace(WISH, entity="IBAN_CODE", value=account.replace(" ", ""), reason="Our own account."))
    assert account in (await scene.screened(f"Bitte auf {account} überweisen."))[0]
    assert "GB29" not in (await scene.screened("Bitte auf GB29NWBK60161331926819 überweisen."))[0]


async def test_a_finding_that_people_see_can_be_allowed_whole(scene: Scene) -> None:
    """What a steward marks is what the guard reports, even where several of its finders overlap."""
    text = "Besuchen Sie uns: Lindenstraße 27, 07743 Jena."
    source = await PlainParser().parse(await MemoryLanding({"a.txt": text.encode()}).read(ZONE, "a.txt"))
    (seen,) = await look(source, guard=scene.guard, zone=ZONE)
    assert (seen.number, seen.entity, seen.where) == (1, "ADDRESS", "page 1, line 1 of the text")
    assert "Linden" not in repr(seen)
    await scene.allow(replace(WISH, entity=seen.entity, value=seen.text, reason="Our house."))
    assert (await scene.screened(text))[0] == text
    assert await look(source, guard=scene.guard, zone=ZONE) == []


async def test_a_list_out_of_reach_lets_nothing_pass(scene: Scene) -> None:
    """Down means refuse: neither without the list, which would hold back good documents, nor with an old one."""
    scene.listed.down = True
    with pytest.raises(Refused):
        await scene.screened(TEXT)


async def test_no_log_holds_what_is_allowed(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Not on any level."""
    await scene.allow(WISH)
    with caplog.at_level(logging.DEBUG):
        await scene.screened(TEXT)
    assert not [r for r in caplog.records if "indemann" in r.getMessage() + repr(r.__dict__)]


# --- the whole way in ---------------------------------------------------------------------------------------------

LETTER = "Die Studie der Hildegard Brenner Stiftung.\nDiagnose: Diabetes mellitus (E11.90), Ramipril 5 mg 1-0-0.\n"


async def test_a_false_positive_lets_its_document_in_until_it_ends(scene: Scene) -> None:
    """Held back, allowed, due by itself, indexed; revoked, due again, held back. Neighbours without such a finding and
    other tenants are left alone.
    """
    scene.at = now()
    landing = MemoryLanding({"studie.txt": LETTER.encode(), "other.txt": b"Die Zentrifuge steht in Raum 4."})
    ledger, writer = MemoryLedger(ZONE), InMemoryIndex()
    parts = Intake(
        landing=landing, parser=PlainParser(), guard=scene.guard, embedder=HashEmbedder(), library=MemoryLibrary(),
        ledger=ledger, index_identity=str, erasures=MemoryErasures(), reviews=MemoryReviews(), signer=DigestSigner(),
        policy=policy(), allow_list=scene,  # type: ignore[arg-type]
    )  # fmt: skip

    async def sweep() -> dict[str, Receipt]:
        due = (await survey(ZONE, intake=parts)).due
        return {r.path: r for r in await Batch(ZONE, due, intake=parts, writer=writer).run()}

    first = await sweep()
    assert first["studie.txt"].code == "contains_patient_data"
    assert first["studie.txt"].counts == {"PERSON": first["studie.txt"].counts["PERSON"]}
    assert await sweep() == {}
    source = await PlainParser().parse(await landing.read(ZONE, "studie.txt"))
    wishes = [
        replace(
            WISH, zone=ZONE, directions=frozenset({Direction.ingest}), value=seen.text, until=now() + timedelta(days=9)
        )
        for seen in {s.text: s for s in await look(source, guard=scene.guard, zone=ZONE)}.values()
    ]
    await scene.allow(*(replace(w, tenant="other", zone=zone("x", tenant="other")) for w in wishes), at=now())
    assert await sweep() == {}
    await scene.allow(*wishes, at=now())
    scene.at = now()
    second = await sweep()
    assert {path: (r.state, r.code) for path, r in second.items()} == {"studie.txt": (State.indexed, "indexed")}
    assert "allow-list" in second["studie.txt"].reason
    assert second["studie.txt"].counts["ALLOWED_PERSON"] >= 1
    assert await sweep() == {}
    for entry in await scene.listed.standing("acme"):
        await scene.listed.record(replace(entry, version=2, is_revoked=True, at=now()))
    assert {path: r.code for path, r in (await sweep()).items()} == {"studie.txt": "contains_patient_data"}
