"""What may be allowed, for how long, and which findings an entry holds for."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.allowing import EXACT_ONLY, PATTERN_TYPES, Allowed, compiled, live, require_pattern, sealed, stamped
from rag.errors import Permanent, Refused
from rag.ingest.allow import MOST_DAYS, Wish, allow, approve, drafted, newest, revoke
from rag.testing import MemoryAudit, WordGuard, zone
from rag.testing_stores import MemoryAllowList
from rag.types import AllowEntry, AllowKind, Direction

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
WISH = Wish(
    tenant="acme", zone=zone(), entity="PERSON", kind=AllowKind.text, value="Robert  Koch", by="A. Weber",
    reason="A street.", until=AT + timedelta(days=30),
)  # fmt: skip
SWITCHBOARD = replace(WISH, entity="PHONE_NUMBER", kind=AllowKind.pattern, value="+49 761 4455*", reason="Our house.")
DIGEST = MemoryAllowList().digest


def entry(wish: Wish = WISH) -> AllowEntry:
    return drafted(wish, digest=DIGEST, at=AT)


def allowed(*wishes: Wish) -> Allowed:
    return Allowed([entry(wish) for wish in wishes], tenant="acme", digest=DIGEST)


def test_a_text_holds_however_it_is_set() -> None:
    """Case, blanks and line breaks do not matter; another type, a longer text and another tenant do."""
    held = allowed(WISH)
    assert held.holds("PERSON", "Robert Koch")
    assert held.holds("PERSON", "ROBERT\nKOCH")
    assert not held.holds("ADDRESS", "Robert Koch")
    assert not held.holds("PERSON", "Robert Kochmann")
    assert not Allowed([entry()], tenant="other", digest=DIGEST).holds("PERSON", "Robert Koch")


def test_a_pattern_holds_for_numbers_of_its_shape() -> None:
    """The stars stand for what numbers are made of, and for no letter."""
    held = allowed(SWITCHBOARD)
    for number in ("+49 761 4455-12", "+49 761 4455 12", "+497614455", "+49 (761) 4455"):
        assert held.holds("PHONE_NUMBER", number) == ("(" not in number), number
    assert not held.holds("PHONE_NUMBER", "+49 761 4456-12")
    assert not held.holds("PHONE_NUMBER", "+49 761 4455 katharina")
    assert not held.holds("PERSON", "+49 761 4455-12")
    assert not held.holds("PHONE_NUMBER", "+49 761 4455" + "1" * 200)


def test_the_text_is_kept_nowhere() -> None:
    """Neither in the entry, nor in what a log would show of it, nor in the wish's."""
    made = entry()
    for told in (repr(made), repr(WISH), repr(vars(type(made))), made.value, made.id):
        assert "koch" not in told.casefold()


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"by": " "}, "no_name", "name"), ({"reason": ""}, "no_name", "reason"),
        ({"reason": "x" * 501}, "reason_too_long", "longer"),
        ({"reason": "The street robert koch."}, "allow_reason", "repeats"),
        ({"until": AT}, "allow_until", "past"), ({"until": AT - timedelta(days=1)}, "allow_until", "past"),
        ({"until": datetime.max.replace(tzinfo=UTC)}, "allow_until", f"{MOST_DAYS} days"),
        ({"until": AT + timedelta(days=MOST_DAYS + 2)}, "allow_until", f"{MOST_DAYS} days"),
        ({"entity": "person"}, "allow_type", "type"), ({"entity": "*"}, "allow_type", "type"),
        ({"entity": "P" * 10_000}, "allow_type", "type"),
        ({"value": " x "}, "allow_value", "2 to 200"), ({"value": "x" * 100_000}, "allow_value", "2 to 200"),
        ({"value": "\u2003\n"}, "allow_value", "2 to 200"),
        ({"approved_by": "a. WEBER"}, "same_person", "own"), ({"approved_by": " "}, "no_name", "name"),
        ({"directions": frozenset(Direction)}, "allow_scope", "comes in"), ({"directions": frozenset()}, "allow_scope", "nothing"),
        ({"tenant": "other"}, "no_such_zone", "no zone"), ({"tenant": " ", "zone": None}, "allow_scope", "nothing"),
        ({"kind": AllowKind.pattern}, "allow_pattern", "can name people"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_to_be_allowed(changed: dict[str, object], code: str, said: str) -> None:
    """Each in one sentence with what to do instead, and never with the text."""
    with pytest.raises(Permanent, match=said) as caught:
        entry(replace(WISH, **changed))  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint
    assert "koch" not in str(caught.value).casefold()


@pytest.mark.parametrize("entity", sorted(EXACT_ONLY))
def test_numbers_of_one_person_are_allowed_text_by_text(entity: str) -> None:
    """No pattern may let a whole bank pass, neither when it is made nor if one gets into the database."""
    exact = replace(WISH, entity=entity, value="DE89 3704 0044 0532 0130 00")
    with pytest.raises(Permanent, match="text by text"):
        entry(replace(exact, kind=AllowKind.pattern, value="DE89 3704*"))
    assert allowed(exact).holds(entity, "DE89370400440532013000")
    smuggled = replace(entry(SWITCHBOARD), entity=entity, value="DE89 3704 0044 0532 0130 0#")
    assert not Allowed([smuggled], tenant="acme", digest=DIGEST).holds(entity, "DE89370400440532013000")
    assert entity not in PATTERN_TYPES


@pytest.mark.parametrize(
    "pattern",
    ["*", "**", "####", "* * *", "+49*", "abc", "a*b*c*defg", "abcd **", "abcd * *", "x" * 101, "ab\ncdef", "abcd\u200b",
     "\uff0a\uff0a\uff0aabcd"],
)  # fmt: skip
def test_a_pattern_that_says_too_little_is_refused(pattern: str) -> None:
    """It would let whatever looks like a number pass, or could not be read by people."""
    with pytest.raises(Permanent) as caught:
        require_pattern(pattern)
    assert caught.value.code == "allow_pattern"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("bomb", ["(abcd+)+$", "(.*)*abcd", "[0-9]{1,99}{1,99}abcd", "abcd|.*", "^abcd.*$", "abcd\\d+"])
def test_a_pattern_is_no_regular_expression(bomb: str) -> None:
    """Whatever means something to an engine is meant as it stands, and no finding makes it slow."""
    require_pattern(bomb)
    matcher = compiled(bomb)
    literal = bomb.replace("*", "")
    assert matcher.fullmatch(literal.casefold())
    for text in ("a" * 200, "abcd" + "1" * 196, "1" * 200, "abcd2"):
        assert not matcher.fullmatch(text)
    began = time.process_time()
    for _ in range(100):
        matcher.fullmatch("abc" + "1" * 197)
    assert time.process_time() - began < 5


@given(st.text(max_size=60), st.text(max_size=60))
def test_an_exact_entry_holds_for_its_own_text_alone(one: str, other: str) -> None:
    """Two texts share a digest only if people would read them as the same."""
    same = "".join(one.split()).casefold() == "".join(other.split()).casefold()
    if same:
        assert sealed("t", "PERSON", one, DIGEST) == sealed("t", "PERSON", other, DIGEST)
    assert sealed("t", "PERSON", one, DIGEST) != sealed("u", "PERSON", one, DIGEST)
    assert sealed("t", "PERSON", one, DIGEST) != sealed("t", "ADDRESS", one, DIGEST)


def test_an_entry_holds_from_its_making_to_its_end() -> None:
    """By the clock; one that is turned back to before it was made finds nothing."""
    made = entry()
    live_at = [
        at for at in (AT - timedelta(seconds=1), AT, made.until - timedelta(seconds=1), made.until) if made.is_live(at)
    ]
    assert live_at == [AT, made.until - timedelta(seconds=1)]
    assert not replace(made, is_revoked=True).is_live(AT)


def test_a_scope_is_kept() -> None:
    """Of a zone: for what comes into it. Of a tenant: whichever way was named. Never another tenant's."""
    of_zone, of_tenant = entry(), entry(replace(WISH, zone=None, directions=frozenset(Direction)))

    def held(tenant: str | None, name: str | None, direction: Direction) -> list[str]:
        entries = live([of_zone, of_tenant], tenant=tenant, zone=name, direction=direction, at=AT)
        return ["zone" if e.zone else "tenant" for e in entries]

    assert held("acme", "handbook", Direction.ingest) == ["zone", "tenant"]
    assert held("acme", "other", Direction.ingest) == ["tenant"]
    assert held("acme", None, Direction.output) == ["tenant"]
    assert held("other", "handbook", Direction.ingest) == held(None, "handbook", Direction.ingest) == []


def test_only_documents_with_such_findings_are_touched() -> None:
    """An entry for names does not make the clean ones, or those with accounts, due again."""
    for counts in ({}, {"IBAN_CODE": 2}):
        assert stamped("f", [entry()], counts) == "f"
    touched = {
        stamped("f", [entry()], counts) for counts in ({"PERSON": 1}, {"ALLOWED_PERSON": 1}, {"FILE_NAME_PERSON": 2})
    }
    assert len(touched) == 1
    assert "f" not in touched
    assert stamped("f", [], {"PERSON": 1}) == "f"
    assert stamped("f", [entry(), entry(SWITCHBOARD)], {"PERSON": 1}) in touched


# --- on record ----------------------------------------------------------------------------------------------------


async def test_every_change_is_a_version_and_stands_in_the_audit() -> None:
    """Made, approved, renewed, revoked: who, when, until when; never the text."""
    listed, audit = MemoryAllowList(), MemoryAudit()
    made = await allow(WISH, allow_list=listed, guard=WordGuard(), audit=audit, at=AT)
    seen = await approve(
        made.id, tenant="acme", by="B. Kurz", allow_list=listed, audit=audit, at=AT + timedelta(hours=1)
    )
    later = replace(WISH, until=AT + timedelta(days=60))
    renewed = await allow(later, allow_list=listed, guard=WordGuard(), audit=audit, at=AT + timedelta(days=29))
    gone = await revoke(
        made.id,
        tenant=None,
        by="C. Lang",
        reason="A person.",
        allow_list=listed,
        guard=WordGuard(),
        audit=audit,
        at=AT + timedelta(days=31),
    )
    assert [v.version for v in (made, seen, renewed, gone)] == [1, 2, 3, 4]
    assert [v.id for v in (made, seen, renewed, gone)] == [made.id] * 4
    assert (seen.approved_by, renewed.approved_by) == ("B. Kurz", None)
    assert await listed.standing("acme") == ()
    assert [(r.action, r.actor, r.tenant) for r in audit.rows] == [
        ("allow.add", "A. Weber", "acme"), ("allow.approve", "B. Kurz", "acme"), ("allow.add", "A. Weber", "acme"),
        ("allow.revoke", "C. Lang", "acme"),
    ]  # fmt: skip
    assert "koch" not in repr(audit.rows).casefold()
    assert (await newest(listed, tenant="acme"))[0] == gone


async def test_without_a_record_nothing_is_allowed() -> None:
    """A full audit log refuses, and the list stays as it was."""
    listed, audit = MemoryAllowList(), MemoryAudit()
    audit.full = True
    with pytest.raises(Refused):
        await allow(WISH, allow_list=listed, guard=WordGuard(), audit=audit, at=AT)
    assert await listed.history() == []


@pytest.mark.parametrize("tenant", ["other", "", "ACME"])
async def test_another_tenants_entry_does_not_exist(tenant: str) -> None:
    """Neither to approve, nor to revoke, nor to see."""
    listed, audit = MemoryAllowList(), MemoryAudit()
    made = await allow(WISH, allow_list=listed, guard=WordGuard(), audit=audit, at=AT)
    with pytest.raises(Permanent, match="no such entry"):
        await revoke(
            made.id, tenant=tenant, by="X", reason="x", allow_list=listed, guard=WordGuard(), audit=audit, at=AT
        )
    with pytest.raises(Permanent, match="no such entry"):
        await approve(made.id, tenant=tenant, by="X", allow_list=listed, audit=audit, at=AT)
    assert await newest(listed, tenant=tenant) == []
    assert len(audit.rows) == 1


async def test_nobody_approves_their_own() -> None:
    """Whatever the case of the letters."""
    listed, audit = MemoryAllowList(), MemoryAudit()
    made = await allow(WISH, allow_list=listed, guard=WordGuard(), audit=audit, at=AT)
    with pytest.raises(Permanent) as caught:
        await approve(made.id, tenant=None, by=" a. weber", allow_list=listed, audit=audit, at=AT)
    assert caught.value.code == "same_person"
