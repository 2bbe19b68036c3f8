"""The console as data owners and stewards meet it: in a real headless Chromium, in both languages, also on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from serving_scene import LETTER, NOVEL, ODD, OPERATOR, OWNER, STEWARD, USER
from serving_server import Server, serve
from test_page import LOW_CONTRAST, NAMELESS, browser, opened, pytestmark, tab_to

from rag.types import Classification, Zone

__all__ = ["browser", "opened", "pytestmark"]

CONSOLE = "/console"


@pytest.fixture
def server() -> Iterator[Server]:
    """A world for each test: verdicts change it."""
    with serve() as running:
        yield running


def test_a_key_that_only_asks_is_told_which_one_it_takes(opened: Callable[..., Page]) -> None:
    """The door stays shut, with a sentence; an owner's key opens it."""
    page = opened(path=CONSOLE, key=USER)
    expect(page.locator("#login-error")).to_contain_text("Dieser Schlüssel öffnet diese Seite nicht.")
    page.locator("#key").fill(OWNER)
    page.locator("#key").press("Enter")
    expect(page.get_by_role("heading", name="Ablagen")).to_be_visible()
    expect(page.locator(".zone h2")).to_have_text(["finanzen", "handbuch", "personal"])


def test_zones_show_counts_progress_and_what_is_the_matter(opened: Callable[..., Page]) -> None:
    """Rate and rest of the sweep that works, an alarm where one failed; each count leads to its files."""
    page = opened(path=CONSOLE, key=OPERATOR)
    personal = page.locator(".zone", has_text="personal@")
    expect(personal.locator(".progress .hint")).to_contain_text("350 von 1.000 gelesen · 300 Dateien je Minute")
    expect(page.locator(".zone", has_text="vorstand@").locator(".alarm")).to_contain_text("The folder is not there.")
    personal.get_by_role("link", name="3 zurückgehalten").click()
    expect(page.locator(".badge")).to_have_text(["zurückgehalten"] * 3)
    expect(page.locator(".filter[aria-current]")).to_have_text("zurückgehalten3")


def test_files_are_searched_while_typing_and_keep_their_address(opened: Callable[..., Page]) -> None:
    """The field keeps the focus, a reload shows the same, and nothing found says what to do."""
    page = opened(path=f"{CONSOLE}#/zone/personal", key=OWNER)
    page.locator("#search").press_sequentially("MÄRZ")
    expect(page.locator(".files tbody tr")).to_have_count(1)
    expect(page.locator(".path")).to_have_text(LETTER)
    expect(page.locator("#search")).to_be_focused()
    page.reload()
    expect(page.locator(".files tbody tr")).to_have_count(1)
    page.locator("#search").fill("gibt es nicht")
    expect(page.get_by_role("heading", name="Keine Datei passt")).to_be_visible()


def test_waiting_starved_and_failed_look_different_and_say_what_to_do(opened: Callable[..., Page]) -> None:
    """Each with its age, its reason in the page's language, and whose turn it is."""
    page = opened(path=f"{CONSOLE}#/zone/personal", key=OWNER)
    said = {
        "protokolle/neu.docx": ("wartet", "vor 1 Minute", "Es wird von selbst wieder versucht."),
        "protokolle/jour-fixe.docx": ("kommt nicht voran", "vor 7 Stunden", "Ihre Administration muss nachsehen"),
        "archiv/2019.zip": ("gescheitert", "vorgestern", "Legen Sie die Datei neu ab"),
    }
    for path, words in said.items():
        row = page.locator("tr", has=page.get_by_role("link", name=path))
        for word in words:
            expect(row).to_contain_text(word)


def test_a_file_shows_its_passages_with_the_masks(opened: Callable[..., Page]) -> None:
    """What was masked stands coloured; findings are types and counts; a name is text, never markup."""
    page = opened(path=f"{CONSOLE}#/zone/personal", key=OWNER)
    page.get_by_role("link", name="reisekostenrichtlinie-2026.pdf").click()
    expect(page.locator(".findings li")).to_have_text("PERSON1")
    expect(page.locator("mark.mask")).to_have_text("PERSON")
    expect(page.locator(".facts")).to_contain_text("test.redact")
    page.go_back()
    page.get_by_role("link", name="remote-work.pptx").click()
    expect(page.locator(".passage").first).to_be_visible()
    expect(page.locator("#view")).not_to_contain_text("null")
    page.go_back()
    expect(page.locator(".files tbody tr")).to_have_count(10)
    expect(page.locator("#view")).not_to_contain_text("null")
    expect(page.locator(".path", has_text="onerror")).to_have_text(re.compile(re.escape(ODD[:40])))
    assert page.title() == "Beleg"


def test_a_preview_shows_what_would_be_searched_and_masked(opened: Callable[..., Page], server: Server) -> None:
    """Before anything is indexed, and without indexing it."""
    page = opened(path=f"{CONSOLE}#/zone/handbuch/preview", key=OWNER)
    expect(page.locator(".look .badge")).to_have_text(
        ["auffindbar, geschwärzt", "zurückgehalten", "zurückgehalten", "auffindbar"]
    )
    page.locator("summary").first.click()
    expect(page.locator("mark.mask")).to_have_text("MASKED")
    expect(page.locator("#view")).not_to_contain_text("Lindemann")
    expect(page.locator("#view")).to_contain_text("Das waren alle Dateien.")
    assert [row.action for row in server.world.audit.rows] == ["console.preview"]


def hold(server: Server) -> None:
    """A zone of which nothing was ingested yet."""
    new = Zone(
        name="neu", url="memory://neu", tenant="aurelia", owner="neu@aurelia.example",
        classification=Classification.internal, held=True,
    )  # fmt: skip
    server.world.front.ledger._zones[new.name] = new


def test_a_held_zone_is_looked_at_and_let_go(opened: Callable[..., Page], server: Server) -> None:
    """From the list by the preview to the verb; it stands on record, and a second person is told."""
    hold(server)
    page, other = opened(path=CONSOLE, key=OWNER), opened(path=f"{CONSOLE}#/zone/neu/preview", key=STEWARD)
    card = page.locator(".zone", has_text="neu@")
    expect(card.locator(".alarm")).to_contain_text("Noch nicht veröffentlicht")
    expect(page.locator(".zone", has_text="handbuch@").locator(".alarm")).to_have_count(0)
    card.get_by_role("link", name="neu").click()
    expect(page.locator("#filled")).to_contain_text("Hier wird noch nichts gelesen")
    page.locator(".alarm").get_by_role("link", name="Vorschau").click()
    expect(page.locator(".look")).to_have_count(4)
    expect(other.locator(".publishing")).to_be_visible()
    page.get_by_role("button", name="Ablage veröffentlichen").click()
    expect(page.locator(".verdict")).to_contain_text("Veröffentlicht von olga")
    expect(page.locator(".verdict")).to_be_focused()
    assert [row.actor for row in server.world.audit.rows if row.action == "zone.publish"] == ["olga"]
    other.get_by_role("button", name="Ablage veröffentlichen").click()
    expect(other.locator(".verdict")).to_contain_text("Jemand anderes hat sie schon veröffentlicht.")
    page.get_by_role("link", name="Zu den Dateien").click()
    expect(page.locator(".alarm")).to_have_count(0)
    page.get_by_role("link", name="Vorschau").click()
    expect(page.locator("#view")).to_contain_text("Das waren alle Dateien.")
    expect(page.locator(".publishing")).to_have_count(0)


def test_a_zone_is_let_go_by_keyboard_on_a_phone_in_english(opened: Callable[..., Page], server: Server) -> None:
    """Readable in the dark, nothing sticks out, every control has a name; what fails is told and can be tried again."""
    hold(server)
    page = opened(
        path=f"{CONSOLE}#/zone/neu/preview", key=OWNER, locale="en-GB", color_scheme="dark",
        width=360, height=740, has_touch=True, is_mobile=True,
    )  # fmt: skip
    expect(page.locator(".publishing")).to_contain_text("This zone is not published yet")
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    server.world.audit.full = True
    tab_to(page, ".publishing .primary")
    page.keyboard.press("Enter")
    expect(page.locator(".publishing .form-error")).not_to_be_empty()
    server.world.audit.full = False
    tab_to(page, ".publishing .primary")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_contain_text("Published by olga")


def test_a_steward_releases_with_a_reason_and_an_owner_cannot(opened: Callable[..., Page], server: Server) -> None:
    """Without a reason nothing happens; the verdict stands there at once, and on record."""
    page = opened(path=f"{CONSOLE}#/reviews", key=STEWARD)
    novel = page.locator(".held", has_text=NOVEL)
    novel.get_by_role("button", name="Freigeben").click()
    expect(novel.get_by_role("alert")).to_have_text("Bitte begründen Sie Ihre Entscheidung.")
    expect(novel.get_by_label("Begründung")).to_be_focused()
    novel.get_by_label("Begründung").fill("Ein Roman, keine Akte.")
    novel.get_by_role("button", name="Freigeben").click()
    expect(novel.locator(".verdict")).to_contain_text("Freigegeben von stefan")
    expect(novel).to_be_focused()
    (row,) = server.world.audit.rows
    assert (row.action, row.outcome, row.actor) == ("document.review", "released", "stefan")
    page.reload()
    expect(page.locator(".held")).to_have_count(1)
    expect(page.locator("#waiting")).to_have_text("1")
    other = opened(path=f"{CONSOLE}#/reviews", key=OWNER)
    expect(other.locator(".held")).to_have_count(1)
    expect(other.get_by_role("button", name="Freigeben")).to_have_count(0)


def test_an_empty_queue_and_a_missing_zone_say_so(opened: Callable[..., Page], server: Server) -> None:
    """No blank page: what it means, and where to go."""
    page = opened(path=f"{CONSOLE}#/zone/nirgends", key=OWNER)
    expect(page.locator(".notice.failed")).to_contain_text("There is no such zone for this key.")
    server.world.front.ledger._rows.clear()
    page.get_by_role("link", name="Prüfung").click()
    expect(page.get_by_role("heading", name="Nichts wartet auf Prüfung")).to_be_visible()


def test_a_key_that_ends_leads_back_to_the_door(opened: Callable[..., Page], server: Server) -> None:
    """And the page shows nothing of what it had shown."""
    page = opened(path=CONSOLE, key=OWNER)
    expect(page.locator(".zone").first).to_be_visible()
    server.world.keys.known.pop(OWNER)
    page.get_by_role("link", name="Prüfung").click()
    expect(page.locator("#login-error")).to_contain_text("Ihr Schlüssel gilt nicht mehr.")
    expect(page.locator("#view")).to_be_empty()


def test_a_verdict_is_given_by_keyboard_alone(opened: Callable[..., Page], server: Server) -> None:
    """Tab and Enter, and every control has a name."""
    page = opened(path=CONSOLE, key=STEWARD)
    tab_to(page, "[data-tab=reviews]")
    page.keyboard.press("Enter")
    expect(page.locator(".held")).to_have_count(2)
    assert page.evaluate(NAMELESS) == []
    tab_to(page, ".judging input")
    page.keyboard.type("Ein Arztbrief.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_contain_text("Abgelehnt von stefan")
    assert server.world.audit.rows[0].outcome == "rejected"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["", "#/zone/personal", "#/reviews", "#/zone/handbuch/preview"])
def test_text_has_enough_contrast(opened: Callable[..., Page], scheme: str, view: str) -> None:
    """WCAG AA, computed for every text."""
    page = opened(path=CONSOLE + view, key=OPERATOR, color_scheme=scheme)
    expect(page.locator(".zone, .files, .held, .look").first).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []


@pytest.mark.parametrize("view", ["", "#/zone/personal", "#/reviews", "#/zone/handbuch/preview"])
def test_it_fits_a_phone(opened: Callable[..., Page], view: str) -> None:
    """360 pixels wide: nothing sticks out, and fingers find the controls."""
    page = opened(path=CONSOLE + view, key=STEWARD, width=360, height=740, has_touch=True, is_mobile=True)
    expect(page.locator(".zone, .files, .held, .look").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate("""() => [...document.querySelectorAll(".bar button, .bar a, .filter, .legend a, .row button, summary")]
        .filter(n => n.checkVisibility()).map(n => n.getBoundingClientRect()).filter(box => box.height < 26 || box.width < 26).length""")
    assert small == 0


def test_it_speaks_english_too(opened: Callable[..., Page]) -> None:
    """By the browser's language and by the switch, also for what already stands there."""
    page = opened(path=f"{CONSOLE}#/zone/personal", key=OWNER, locale="en-GB")
    expect(page.get_by_role("columnheader", name="Reason and next step")).to_be_visible()
    expect(page.locator("tr", has_text="jour-fixe")).to_contain_text("7 hours ago")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("columnheader", name="Grund und nächster Schritt")).to_be_visible()
    expect(page.locator("tr", has_text="jour-fixe")).to_contain_text("vor 7 Stunden")
