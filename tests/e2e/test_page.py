"""The page as people meet it: in a real headless Chromium, with mouse, keyboard and phone, in both languages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving_scene import BILL, CITY, CONTRACT_QUESTION, HOSTILE, HOTEL, USER
from serving_server import Server, serve

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: install the package 'chromium' to test the page"
)

HOTEL_QUESTION = "Bis zu welchem Betrag werden Hotelkosten erstattet?"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(pause_s=0.05) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(server: Server, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the page; whatever it complains of, and whoever else it calls, fails the test."""
    contexts, complaints = [], []

    def open_page(
        *,
        locale: str = "de-DE",
        width: int = 1280,
        height: int = 860,
        path: str = "/",
        key: str | None = USER,
        **options: object,
    ) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda m: (
                complaints.append(m.text) if m.type == "error" and "Failed to load resource" not in m.text else None
            ),
        )
        page.on(
            "request",
            lambda r: complaints.append(r.url) if not r.url.startswith((server.url, f"blob:{server.url}")) else None,
        )
        page.goto(server.url + path)
        if key:
            page.locator("#key").fill(key)
            page.locator("#key").press("Enter")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def ask(page: Page, question: str) -> None:
    """Types, sends, and waits until the answer stands."""
    before = page.locator(".answer").count()
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")
    answer = page.locator(".answer").nth(before)
    expect(answer).to_be_visible()
    expect(answer).not_to_have_attribute("aria-busy", "true")


def test_a_key_opens_the_page_and_stays_in_the_window(opened: Callable[..., Page]) -> None:
    """A wrong key is told; a right one survives a reload, in sessionStorage only, and signing out forgets it."""
    page = opened(key="blg_wrong")
    expect(page.locator("#login-error")).to_have_text("Dieser Schlüssel gilt nicht. Prüfen Sie, ob er vollständig ist.")
    page.locator("#key").fill(USER)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("heading", name="Was möchten Sie wissen?")).to_be_visible()
    page.reload()
    expect(page.locator("#question")).to_be_visible()
    assert page.evaluate("[sessionStorage.getItem('beleg.key'), JSON.stringify(localStorage), document.cookie]") == [
        USER,
        "{}",
        "",
    ]
    page.get_by_role("button", name="Abmelden").click()
    expect(page.locator("#key")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0


def test_an_answer_streams_and_every_claim_opens_its_passage(opened: Callable[..., Page]) -> None:
    """Pieces come before the end; then chips and cards open the PDF page with the passage marked where it stands."""
    page = opened()
    page.locator("#question").fill(HOTEL_QUESTION)
    page.locator("#question").press("Enter")
    expect(page.locator(".answer-text span.chip").first).to_be_visible()
    expect(page.locator(".answer-text button.chip")).to_have_count(3)
    expect(page.locator(".answer-text")).to_have_text(re.compile(re.escape(HOTEL) + r"\s*1\s*" + re.escape(CITY)))
    expect(page.locator(".card")).to_have_count(3)
    page.locator("button.chip").nth(1).click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", name="Reisekostenrichtlinie 2026")).to_be_visible()
    expect(panel.locator(".page-picture")).to_have_js_property("complete", value=True)
    expect(panel.locator(".page-mark")).to_have_count(1)
    assert marked_pixels(page) > 0.02, "the mark lies on the line's dark letters"
    expect(page.locator("[aria-current]")).to_have_text(["2", re.compile(re.escape(CITY))])
    page.locator(".card").nth(2).click()
    expect(panel.locator(".page-count")).to_have_text("Seite 2 von 2")
    panel.get_by_role("button", name="Text").click()
    expect(panel.locator("mark")).to_have_text(BILL)
    expect(panel.locator("mark")).to_be_in_viewport()
    expect(panel.locator(".source-text")).to_contain_text("<PERSON>")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator(".card").nth(2)).to_be_focused()


def marked_pixels(page: Page) -> float:
    """Share of dark pixels of the page's picture below the mark."""
    return page.evaluate(
        """() => {
            const image = document.querySelector(".page-picture"), mark = document.querySelector(".page-mark");
            const canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
            const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0);
            const part = (value, size) => Math.round(parseFloat(value) / 100 * size);
            const data = pen.getImageData(part(mark.style.left, canvas.width), part(mark.style.top, canvas.height),
                part(mark.style.width, canvas.width), part(mark.style.height, canvas.height)).data;
            let dark = 0;
            for (let n = 0; n < data.length; n += 4) dark += data[n] < 128;
            return dark / (data.length / 4);
        }"""
    )


def test_tables_and_slides_open_as_text_with_the_passage_marked(opened: Callable[..., Page]) -> None:
    """A sheet's row is marked cell by cell under its header; a slide says its number."""
    page = opened()
    ask(page, CONTRACT_QUESTION)
    page.locator("button.chip").click()
    expect(page.locator("th")).to_have_text(["Vertrag", "Reaktionszeit", "Preis je Jahr"])
    expect(page.locator("mark")).to_have_text(["Premium", "8 Stunden", "4.200 Euro"])
    expect(page.locator(".card .place")).to_have_text("Blatt PreiseA3:C3XLSX")
    ask(page, "remote?")
    page.locator(".card").last.click()
    expect(page.locator("mark")).to_have_text("Up to three days per week from home.")
    expect(page.locator(".mark-line")).to_have_text(["Folie 1", "Folie 2"])


def test_no_answer_and_a_blocked_one_do_not_look_like_answers(opened: Callable[..., Page]) -> None:
    """Each has its own heading, says what to do, and shows no chip."""
    page = opened()
    ask(page, "Wer gewinnt die Meisterschaft?")
    notice = page.locator(".notice.notAnswered")
    expect(notice.get_by_role("heading", name="Kein Beleg gefunden")).to_be_visible()
    expect(notice).to_contain_text("Die Dokumente beantworten das nicht.")
    expect(notice.locator(".help")).to_contain_text("anderen Worten")
    ask(page, "Was hat der Patient?")
    expect(
        page.locator(".notice.blocked").get_by_role("heading", name="Aus Schutzgründen zurückgehalten")
    ).to_be_visible()
    expect(page.locator(".chip")).to_have_count(0)


def test_an_answer_that_breaks_off_says_so_and_can_be_asked_again(opened: Callable[..., Page], server: Server) -> None:
    """What had come stays readable, but not as an answer; the button asks the same question anew."""
    page = opened()
    page.locator("#question").fill("Das bricht ab")
    page.locator("#question").press("Enter")
    failed = page.locator(".notice.failed")
    expect(failed).to_contain_text("Die Antwort brach ab. Was hier steht, ist unvollständig und nicht belegt.")
    expect(page.locator(".answer-text")).to_contain_text(HOTEL)
    expect(page.locator(".chip, .card")).to_have_count(0)
    before = len(server.world.chain.asked)
    failed.get_by_role("button", name="Erneut versuchen").click()
    expect(page.locator(".notice.failed")).to_be_visible()
    assert server.world.chain.asked[before].text == "Das bricht ab"


def test_stop_ends_the_answer_on_both_sides(opened: Callable[..., Page], server: Server) -> None:
    """The page says that it is incomplete, the server stops working on it."""
    closed = server.world.chain.closed
    page = opened()
    page.locator("#question").fill("endlos")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer-text")).to_contain_text("Satz Nummer 3")
    page.get_by_role("button", name="Antwort abbrechen").click()
    expect(page.locator(".answer .help")).to_contain_text("Abgebrochen.")
    expect(page.locator("#question")).to_be_focused()
    for _ in range(100):
        if server.world.chain.closed > closed:
            break
        page.wait_for_timeout(20)
    assert server.world.chain.closed == closed + 1


def test_follow_ups_carry_the_conversation_and_a_new_one_does_not(opened: Callable[..., Page], server: Server) -> None:
    """What was answered goes along; what was not does not; another use case starts from nothing."""
    page = opened()
    ask(page, HOTEL_QUESTION)
    ask(page, "Wer gewinnt?")
    ask(page, "Und Hotelkosten in Berlin?")
    assert [turn.role for turn in server.world.chain.asked[-1].turns] == ["user", "assistant", "user"]
    page.get_by_role("button", name="Neues Gespräch").click()
    expect(page.locator(".answer")).to_have_count(0)
    ask(page, "Hotelkosten?")
    assert len(server.world.chain.asked[-1].turns) == 1
    page.locator("#use-case").select_option("produkt-hilfe")
    expect(page.locator(".answer")).to_have_count(0)
    ask(page, "Hotelkosten?")
    assert (server.world.chain.asked[-1].use_case.name, len(server.world.chain.asked[-1].turns)) == ("produkt-hilfe", 1)


def test_everything_works_by_keyboard_alone(opened: Callable[..., Page]) -> None:
    """Sign in, ask, open a source, leave it, copy: with Tab, Enter and Escape, and focus is never lost."""
    page = opened(key=None, permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.type(USER)
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("Hotelkosten")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("in Berlin?")
    assert page.locator("#question").input_value() == "Hotelkosten\nin Berlin?"
    page.keyboard.press("Enter")
    expect(page.locator("button.chip")).to_have_count(3)
    tab_to(page, "button.chip", backwards=True)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_focused()
    expect(page.locator(".page-mark")).to_be_attached()
    tab_to(page, ".close")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator("button.chip:focus")).to_have_count(1)
    tab_to(page, ".answer-foot .quiet")
    page.keyboard.press("Enter")
    expect(page.locator(".answer-foot .quiet")).to_have_text("Kopiert")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"“{BILL}”" in copied
    assert "Reisekostenrichtlinie 2026, Seite 2" in copied


def tab_to(page: Page, selector: str, *, backwards: bool = False) -> None:
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_a_screen_reader_is_told_what_happens(opened: Callable[..., Page]) -> None:
    """The live region says that it searches, then the answer with its number of sources; every control has a name."""
    page = opened()
    page.evaluate(
        "() => { window.heard = []; new MutationObserver(() => heard.push(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), {childList: true}); }"
    )
    ask(page, HOTEL_QUESTION)
    heard = page.evaluate("heard")
    assert heard[0] == "Sucht in Ihren Dokumenten …"
    assert heard[-1].startswith(f"Antwort mit 3 Belegen: {HOTEL} {CITY}")
    page.locator("button.chip").first.click()
    expect(page.locator(".page-picture")).to_be_visible()
    assert page.evaluate(NAMELESS) == []
    assert page.locator("html").get_attribute("lang") == "de"


NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, textarea, img, aside")]
    .filter(node => node.checkVisibility())
    .filter(node => !(node.getAttribute("aria-label") || node.textContent.trim() || node.labels?.length || node.hasAttribute("alt")))
    .map(node => node.outerHTML)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(opened: Callable[..., Page], scheme: str) -> None:
    """WCAG AA, computed for every text on the page: 4.5, or 3 for large letters."""
    page = opened(color_scheme=scheme)
    for question in (HOTEL_QUESTION, "Wer gewinnt?", "Was hat der Patient?", "Das bricht ab", CONTRACT_QUESTION):
        page.locator("#question").fill(question)
        page.locator("#question").press("Enter")
        expect(page.locator("#send")).to_be_visible()
    page.locator(".card").last.click()
    expect(page.locator("mark").first).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []


LOW_CONTRAST = """() => {
    const parse = color => color.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => { const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
    const behind = node => { for (; node; node = node.parentElement) { const c = parse(getComputedStyle(node).backgroundColor);
        if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
    const found = [];
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
        if (!own || !node.checkVisibility() || node.closest(".hidden, .skip") || node.disabled || getComputedStyle(node).opacity < 1) continue;
        const style = getComputedStyle(node), [a, b] = [light(parse(style.color)), light(behind(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), large = parseFloat(style.fontSize) >= 24;
        if (ratio < (large ? 3 : 4.5)) found.push([node.className || node.tagName, node.textContent.slice(0, 30), ratio]);
    }
    return found;
}"""


def test_it_fits_a_phone(opened: Callable[..., Page]) -> None:
    """360 pixels wide: nothing sticks out, fingers find the controls, and a source fills the screen."""
    page = opened(width=360, height=740, has_touch=True, is_mobile=True)
    ask(page, HOTEL_QUESTION)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate("""() => [...document.querySelectorAll(".bar button, #send, .card, select")].filter(n => n.checkVisibility())
        .map(n => n.getBoundingClientRect()).filter(box => box.height < 30 || box.width < 30).length""")
    assert small == 0
    page.locator("button.chip").first.tap()
    expect(page.locator(".page-mark")).to_be_visible()
    box = page.locator("#panel").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 360, 740)
    page.get_by_role("button", name="Quelle schließen").tap()
    expect(page.locator("#question")).to_be_visible()


def test_it_speaks_the_browsers_language_and_the_one_chosen(opened: Callable[..., Page]) -> None:
    """English browsers get English; the switch changes what already stands there, and is remembered."""
    page = opened(locale="en-GB")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    ask(page, "What are hotel costs?")
    expect(page.locator(".sources h3")).to_have_text("Sources")
    ask(page, "What is the weather?")
    expect(page.get_by_role("heading", name="No source found")).to_be_visible()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator(".sources h3")).to_have_text("Belege")
    expect(page.get_by_role("heading", name="Kein Beleg gefunden")).to_be_visible()
    expect(page.locator("#question")).to_have_attribute("placeholder", "Ihre Frage …")
    page.reload()
    expect(page.get_by_role("heading", name="Was möchten Sie wissen?")).to_be_visible()


def test_text_from_documents_and_models_is_never_markup(opened: Callable[..., Page]) -> None:
    """Scripts and handlers in answer, title and source show as the characters that they are."""
    page = opened()
    ask(page, "hostile")
    page.locator("button.chip").click()
    expect(page.locator("mark")).to_have_text(HOSTILE)
    expect(page.locator(".answer-text")).to_contain_text("<script>document.title='XSS'</script> 🧾 am Ende.")
    expect(page.locator(".card-title")).to_have_text("<b onmouseover=\"document.title='XSS'\">Titel</b>")
    page.locator(".card-title").hover()
    assert page.title() == "Beleg"
    assert page.locator(".answer img, .answer script, .panel script, .panel b, .card b").count() == 0


def test_a_source_has_an_address_of_its_own(opened: Callable[..., Page], server: Server) -> None:
    """The citation's URL asks for the key, then shows the passage; a window opened from the chat already has it."""
    policy = server.world.documents["policy"]
    start = policy.text.index(BILL)
    address = f"/sources/{policy.document.id}/{policy.document.version}?start={start}&end={start + len(BILL)}"
    page = opened(path=address)
    expect(page.get_by_role("heading", name="Reisekostenrichtlinie 2026")).to_be_visible()
    expect(page.locator(".page-count")).to_have_text("Seite 2 von 2")
    expect(page.locator(".page-mark")).to_have_count(1)
    chat = opened()
    ask(chat, HOTEL_QUESTION)
    chat.locator("button.chip").first.click()
    with chat.expect_popup() as popup:
        chat.get_by_role("link", name="In eigenem Fenster öffnen").click()
    expect(popup.value.locator(".page-mark")).to_be_visible()


def test_a_version_that_is_gone_still_shows_its_text(opened: Callable[..., Page], server: Server) -> None:
    """The picture cannot be drawn any more; the passage can."""
    kept, server.world.landing.files = server.world.landing.files, {}
    try:
        page = opened()
        ask(page, HOTEL_QUESTION)
        page.locator("button.chip").first.click()
        expect(page.locator(".viewer-note")).to_have_text(
            "Diese Fassung liegt nicht mehr in der Ablage. Ihr Text ist noch hier."
        )
        expect(page.locator("mark")).to_have_text(HOTEL)
    finally:
        server.world.landing.files = kept


def test_a_key_that_ends_leads_back_to_the_door(opened: Callable[..., Page], server: Server) -> None:
    """A revoked key's next question shows the sign-in with the reason, and forgets the key."""
    page = opened()
    expect(page.locator("#question")).to_be_visible()
    person = server.world.keys.known.pop(USER)
    try:
        page.locator("#question").fill("Hotel?")
        page.locator("#question").press("Enter")
        expect(page.locator("#login-error")).to_have_text(
            "Ihr Schlüssel gilt nicht mehr. Bitte melden Sie sich neu an."
        )
        assert page.evaluate("sessionStorage.length") == 0
    finally:
        server.world.keys.known[USER] = person


def test_the_api_describes_itself_without_calling_anybody(opened: Callable[..., Page]) -> None:
    """/docs shows every operation from this server alone."""
    page = opened(path="/docs", key=None)
    expect(page.locator(".operation .path", has_text="/v1/chat/completions")).to_be_visible()
    page.locator(".operation").first.click()
    expect(page.locator(".operation").first).to_contain_text("messages")


def test_the_picture_in_the_readme_can_be_taken(opened: Callable[..., Page], tmp_path: Path) -> None:
    """An answer with its open source fits one screen."""
    page = opened(device_scale_factor=2)
    ask(page, HOTEL_QUESTION)
    page.locator("button.chip").nth(1).click()
    expect(page.locator(".page-mark")).to_be_in_viewport()
    expect(page.locator(".asked")).to_be_in_viewport()
    page.screenshot(path=tmp_path / "chat.png")
    assert (tmp_path / "chat.png").stat().st_size > 50_000
