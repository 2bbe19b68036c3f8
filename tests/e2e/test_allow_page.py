"""False positives on the review page: one steward says so, another looks; in a real headless Chromium."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from serving_scene import OWNER, PERSONS, STEWARD
from serving_server import Server, serve
from test_page import LOW_CONTRAST, NAMELESS, browser, opened, pytestmark, tab_to

from rag.types import Entry, Principal, Receipt, Sighting, State, now

__all__ = ["browser", "opened", "pytestmark"]

PATH, TEXT = "a-urlaub.txt", b"30 Tage Urlaub im Jahr. Es vertritt Frau Lindemann."
REVIEWS = "/console#/reviews"
SECOND = "blg_second_steward"


@pytest.fixture
def server() -> Iterator[Server]:
    """With a file that the guard holds back and can be read, and a second steward."""
    with serve() as running:
        version = hashlib.sha256(TEXT).hexdigest()
        receipt = Receipt(
            zone="handbuch", path=PATH, document_id="doc-urlaub", version=version, state=State.quarantined,
            code="contains_patient_data", counts={"MASKED": 1},
        )  # fmt: skip
        sighting = Sighting(zone="handbuch", path=PATH, size=1, modified_at=now(), etag="e")
        made = Entry(receipt=receipt, fingerprint="f", sighting=sighting, recorded_at=now())
        running.world.front.ledger._rows["handbuch"][PATH] = made
        steward = PERSONS[STEWARD]
        running.world.keys.known[SECOND] = Principal(
            subject="sabine", tenant=steward.tenant, roles=steward.roles, clearance=steward.clearance
        )
        yield running


def actions(server: Server) -> list[tuple[str, str]]:
    return [(row.action, row.actor) for row in server.world.audit.rows]


def test_one_says_so_and_another_approves_and_takes_it_back(opened: Callable[..., Page], server: Server) -> None:
    """Nothing without finding, day and reason; the text is shown nowhere; nobody approves an entry of their own."""
    page = opened(path=REVIEWS, key=STEWARD)
    held = page.locator(".held", has_text=PATH)
    held.locator("summary").click()
    expect(held.get_by_role("radio")).to_have_count(1)
    expect(held.locator(".findings-choice")).to_contain_text("MASKED 1 · Seite 1, Zeile 1 des Textes")
    give = held.get_by_role("button", name="Als Fehlalarm festhalten")
    give.click()
    expect(held.locator(".allowing [role=alert]")).to_have_text("Welcher Fund ist keine geschützte Angabe?")
    held.get_by_role("radio").check()
    give.click()
    expect(held.locator(".allowing [role=alert]")).to_have_text("Bitte begründen Sie Ihre Entscheidung.")
    reason = held.locator(".allowing").get_by_label("Begründung")
    expect(reason).to_be_focused()
    reason.fill("Frau Lindemann ist eine Straße.")
    give.click()
    expect(held.locator(".allowing [role=alert]")).to_contain_text("repeats what is to be allowed")
    assert actions(server) == []
    reason.fill("Ein Straßenname.")
    held.get_by_label("Gilt bis").fill("")
    give.click()
    expect(held.locator(".allowing [role=alert]")).to_contain_text("bis wann")
    held.get_by_label("Gilt bis").fill(f"{now().year + (now().month > 10)}-{(now().month + 1) % 12 + 1:02}-15")
    give.click()
    expect(held.locator(".verdict")).to_contain_text("MASKED ist ein Fehlalarm, sagt stefan")
    expect(held.locator(".verdict")).to_be_focused()
    expect(page.locator("#view")).not_to_contain_text("Lindemann")
    page.reload()
    entry = page.locator(".allowed li")
    expect(entry).to_contain_text("ein Text · handbuch")
    expect(entry.get_by_role("button", name="Bestätigen")).to_have_count(0)
    other = opened(path=REVIEWS, key=SECOND)
    theirs = other.locator(".allowed li")
    theirs.get_by_role("button", name="Bestätigen").click()
    expect(theirs).to_contain_text("Bestätigt von sabine")
    theirs.locator("summary").click()
    taking = theirs.get_by_role("button", name="Zurücknehmen")
    expect(taking).to_be_disabled()
    theirs.get_by_label("Begründung").fill("Doch ein Name.")
    taking.click()
    expect(other.locator(".allowed")).to_have_count(0)
    assert actions(server) == [("allow.add", "stefan"), ("allow.approve", "sabine"), ("allow.revoke", "sabine")]


def test_an_owner_sees_what_is_allowed_and_cannot_change_it(opened: Callable[..., Page], server: Server) -> None:
    """Nor is offered the form."""
    page = opened(path=REVIEWS, key=STEWARD)
    held = page.locator(".held", has_text=PATH)
    held.locator("summary").click()
    held.get_by_role("radio").check()
    held.locator(".allowing").get_by_label("Begründung").fill("Ein Straßenname.")
    held.get_by_role("button", name="Als Fehlalarm festhalten").click()
    expect(held.locator(".verdict")).to_be_visible()
    owners = opened(path=REVIEWS, key=OWNER)
    expect(owners.locator(".allowed li")).to_contain_text("Ein Straßenname.")
    expect(owners.locator("#view").get_by_role("button")).to_have_count(0)
    expect(owners.locator("summary")).to_have_count(0)


def test_a_file_that_changed_meanwhile_is_told(opened: Callable[..., Page], server: Server) -> None:
    """Before the choice, and after it."""
    page = opened(path=REVIEWS, key=STEWARD)
    held = page.locator(".held", has_text=PATH)
    held.locator("summary").click()
    held.get_by_role("radio").check()
    held.locator(".allowing").get_by_label("Begründung").fill("Ein Straßenname.")
    server.world.reading.landing.files[PATH] = b"Jetzt steht hier anderes."
    held.get_by_role("button", name="Als Fehlalarm festhalten").click()
    expect(held.locator(".allowing [role=alert]")).to_contain_text("hat sich geändert")
    page.reload()
    held.locator("summary").click()
    expect(held.locator(".allowing [role=alert]")).to_contain_text("hat sich geändert")
    assert actions(server) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_works_by_keyboard_on_a_phone_in_english(opened: Callable[..., Page], server: Server, scheme: str) -> None:
    """Readable, nothing sticks out, every control has a name."""
    page = opened(
        path=REVIEWS, key=STEWARD, locale="en-GB", color_scheme=scheme, width=360, height=740, has_touch=True,
        is_mobile=True,
    )  # fmt: skip
    held = page.locator(".held", has_text=PATH)
    held.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(held.get_by_role("radio")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    tab_to(page, ".findings-choice input")
    page.keyboard.press("Space")
    held.locator(".allowing").get_by_label("Reason").focus()
    page.keyboard.type("A street.")
    tab_to(page, ".allowing button")
    page.keyboard.press("Enter")
    expect(held.locator(".verdict")).to_contain_text("MASKED is a false positive, says stefan")
    page.reload()
    expect(page.locator(".allowed li")).to_contain_text("No second person has approved it yet.")
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
