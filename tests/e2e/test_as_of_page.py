"""Asking as of an earlier day on the chat page, and the way between chat and console, in a real headless Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from serving_scene import HOTEL, OPERATOR, OWNER, USER
from serving_server import Server, serve
from test_page import HOTEL_QUESTION, LOW_CONTRAST, NAMELESS, ask, browser, opened, pytestmark, tab_to

from rag.types import now

__all__ = ["browser", "opened", "pytestmark"]

DAY = "2026-03-01"
OPEN = "#as-of-open"


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


def ask_as_of(page: Page, day: str, question: str = HOTEL_QUESTION) -> None:
    page.locator(OPEN).click()
    page.locator("#as-of").fill(day)
    ask(page, question)


def expire(server: Server) -> None:
    """The policy ended in summer: today nobody may open it."""
    library = server.world.front.library
    for key, kept in library._kept.items():
        document = kept.cleared.document
        if document.path.startswith("reisekosten"):
            labels = replace(document.labels, valid_until=datetime(2026, 6, 1, tzinfo=UTC))
            library._kept[key] = replace(kept, cleared=replace(kept.cleared, document=replace(document, labels=labels)))


def test_an_answer_as_of_a_day_says_so_and_opens_what_was_valid_then(
    opened: Callable[..., Page], server: Server
) -> None:
    """Sent as the API wants it; the day stands above the answer and in what is copied; page, text and window open."""
    expire(server)
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    ask_as_of(page, DAY)
    assert server.world.chain.asked[-1].as_of == datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)
    expect(page.locator(".as-of-told")).to_have_text("Nach dem Stand vom 1. März 2026")
    page.locator("button.chip").first.click()
    expect(page.locator(".page-mark")).to_be_visible()
    expect(page.locator(".page-picture")).to_have_js_property("complete", value=True)
    page.locator(".answer-foot .quiet").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith(f"Nach dem Stand vom 1. März 2026\n{HOTEL}")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="In eigenem Fenster öffnen").click()
    expect(popup.value.locator(".page-mark")).to_be_visible()
    page.locator("#as-of-clear").click()
    ask(page, HOTEL_QUESTION)
    expect(page.locator(".as-of-told")).to_have_count(1)
    assert server.world.chain.asked[-1].as_of is None
    page.locator(".answer").last.locator("button.chip").first.click()
    expect(page.locator("#panel .viewer-note")).to_contain_text("Diese Quelle gibt es nicht mehr")


def test_it_holds_for_what_follows_until_somebody_goes_back(opened: Callable[..., Page], server: Server) -> None:
    """Also for what was not answered and what is tried again; a new conversation is about today."""
    page = opened()
    ask_as_of(page, DAY, "Wer gewinnt?")
    expect(page.locator(".notice.notAnswered")).to_be_visible()
    expect(page.locator(".as-of-told")).to_have_count(1)
    page.locator("#question").fill("Das bricht ab")
    page.locator("#question").press("Enter")
    page.locator("#as-of-clear").click()
    page.get_by_role("button", name="Erneut versuchen").click()
    expect(page.locator(".notice.failed")).to_be_visible()
    asked = [question.as_of for question in server.world.chain.asked]
    assert len(asked) == 3
    assert None not in asked
    page.locator(OPEN).click()
    page.locator("#as-of").fill(DAY)
    page.get_by_role("button", name="Neues Gespräch").click()
    expect(page.locator("#as-of-row")).to_be_hidden()
    ask(page, HOTEL_QUESTION)
    assert server.world.chain.asked[-1].as_of is None


@pytest.mark.parametrize(("day", "said"), [("2999-12-31", "liegt in der Zukunft"), (None, "einen ganzen Tag")])
def test_a_day_that_is_none_is_told_and_nothing_is_sent(
    opened: Callable[..., Page], server: Server, day: str | None, said: str
) -> None:
    """The question stays in its field, the focus goes to the day; an empty one means today."""
    page = opened()
    page.locator(OPEN).click()
    expect(page.locator("#as-of")).to_be_focused()
    if day:
        page.locator("#as-of").fill(day)
    else:
        page.keyboard.type("3")  # only a part of a day, wherever the browser begins it
    page.locator("#question").fill(HOTEL_QUESTION)
    page.locator("#question").press("Enter")
    expect(page.locator("#as-of-error")).to_contain_text(said)
    expect(page.locator("#as-of")).to_be_focused()
    expect(page.locator("#question")).to_have_value(HOTEL_QUESTION)
    assert server.world.chain.asked == []
    page.locator("#as-of").fill("")
    expect(page.locator("#as-of-error")).to_be_empty()
    ask(page, HOTEL_QUESTION)
    assert server.world.chain.asked[-1].as_of is None


def test_today_is_now_wherever_the_browser_stands(opened: Callable[..., Page], server: Server) -> None:
    """East of Greenwich the day begins earlier than in UTC, which the API counts in."""
    page = opened(timezone_id="Pacific/Kiritimati")
    page.locator(OPEN).click()
    assert page.locator("#as-of").get_attribute("max") == f"{now():%Y-%m-%d}"
    page.locator("#as-of").fill(f"{now():%Y-%m-%d}")
    ask(page, HOTEL_QUESTION)
    assert now() - (server.world.chain.asked[-1].as_of or now()) < timedelta(minutes=5)
    expect(page.locator(".as-of-told")).to_contain_text(str(now().year))


def test_it_works_by_keyboard_on_a_phone_and_in_the_dark(opened: Callable[..., Page], server: Server) -> None:
    """In English, and what stands there follows the switch; every control has a name and a finger's width."""
    page = opened(locale="en-GB", color_scheme="dark", width=360, height=740, has_touch=True, is_mobile=True, key=OWNER)
    expect(page.locator("#question")).to_be_focused()
    tab_to(page, OPEN)
    page.keyboard.press("Enter")
    expect(page.locator("#as-of")).to_be_focused()
    page.keyboard.type("03032026")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#question").focus()
    page.keyboard.type(HOTEL_QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".as-of-told")).to_have_text("As of March 3, 2026")
    expect(page.locator("button.chip")).to_have_count(3)
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    small = page.evaluate("""() => [...document.querySelectorAll(".bar button, .bar a, .as-of input, .composer .quiet")]
        .filter(n => n.checkVisibility()).map(n => n.getBoundingClientRect()).filter(box => box.height < 26 || box.width < 26).length""")
    assert small == 0
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator(".as-of-told")).to_have_text("Nach dem Stand vom 3. März 2026")
    tab_to(page, "#as-of-clear")
    page.keyboard.press("Enter")
    expect(page.locator(OPEN)).to_be_focused()
    ask(page, HOTEL_QUESTION)
    assert server.world.chain.asked[-1].as_of is None


@pytest.mark.parametrize(("key", "leads"), [(USER, False), (OWNER, True), (OPERATOR, True)])
def test_chat_and_console_lead_to_each_other(opened: Callable[..., Page], key: str, leads: bool) -> None:
    """For keys that the console is for, without signing in again; others are not shown a door that stays shut."""
    page = opened(key=key)
    expect(page.locator("#question")).to_be_visible()
    link = page.get_by_role("link", name="Ablagen")
    expect(link).to_have_count(1 if leads else 0)
    if not leads:
        return
    link.click()
    expect(page.get_by_role("heading", name="Ablagen")).to_be_visible()
    page.get_by_role("link", name="Fragen").click()
    expect(page.locator("#question")).to_be_focused()
    page.get_by_role("button", name="Abmelden").click()
    expect(page.locator("#console-link")).to_be_hidden()
