"""How a run is told: its name and its links, whatever the files are called."""

from __future__ import annotations

from html.parser import HTMLParser

from flows.artifacts import plain
from flows.sweep import Sweep, links
from rag.types import Receipt, State

HOSTILE = ["](javascript:alert(1))", "<img src=x onerror=alert(1)>", "![x](http://elsewhere/a.png)", "a`b`*c*_d_.md",
           "http://elsewhere/x", "a\n# b\x1b[2J", "名前 🧾 ü.pdf", "|a|b|", "[x][y]", "&lt;b&gt;"]  # fmt: skip


def receipt(path: str, state: State = State.indexed) -> Receipt:
    return Receipt(zone="z", path=path, document_id="d" * 32, version="v" * 64, state=state, code="c", chunks=1)


def sweep(*receipts: Receipt, **more: object) -> Sweep:
    return Sweep(**{"zone": "handbooks", "receipts": receipts, "unchanged": 5, "generation": "g", **more})  # type: ignore[arg-type]


def test_a_runs_name_tells_zone_and_counts() -> None:
    """Each file in one of them; what is not, is not told."""
    files = [
        receipt("a"),
        receipt("b"),
        receipt("c"),
        receipt("d"),
        receipt("e", State.deleted),
        receipt("f", State.forgotten),
    ]
    assert sweep(*files, new=frozenset("abc")).name == "handbooks: 3 new, 1 changed, 2 gone"
    trouble = [receipt("a", State.quarantined), receipt("b", State.blocked), receipt("c", State.discovered)]
    assert sweep(*trouble, new=frozenset("abc")).name == "handbooks: 1 quarantined, 1 blocked, 1 waiting"
    assert sweep(held=40).name == "handbooks: 40 deletions wait"
    assert sweep().name == "handbooks: nothing new"


def test_every_document_that_came_in_is_linked() -> None:
    """At the address of the instance; what did not come in has nothing to open."""
    told = links(sweep(receipt("a.md"), receipt("b.md", State.blocked)), address="http://127.0.0.1:8600")
    assert f"http://127.0.0.1:8600/sources/{'d' * 32}/{'v' * 64}" in told
    assert "b" not in [line for line in told.splitlines() if line.startswith("-")]
    assert len(links(sweep(*(receipt(f"{n}") for n in range(5000))), address="http://x").splitlines()) < 600


def test_a_files_name_is_only_text() -> None:
    """Rendered by a markdown library, no name becomes a link, a picture or an element of its own."""
    from markdown_it import MarkdownIt

    for name in HOSTILE:
        page = MarkdownIt("commonmark", {"html": True}).render(f"[{plain(name)}](http://ours/x)")
        seen = _Elements()
        seen.feed(page)
        assert seen.found == [("p", None), ("a", "http://ours/x")], name


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs).get("href") or dict(attrs).get("src")))
