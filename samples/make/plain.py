"""Formats that are text: Markdown, plain text, CSV, and HTML with the boilerplate real pages have."""

from __future__ import annotations

import csv
import io
import textwrap
from html import escape
from itertools import groupby

from samples.make.source import Block, Source

_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>body {{ font-family: sans-serif; max-width: 60rem; margin: auto }} td, th {{ border: 1px solid #999 }}</style>
<script>window.statistik = {{ "seite": "{file}", "zustimmung": false }};</script>
</head>
<body>
<header><a href="/">{house}</a></header>
<nav><ul>{links}</ul></nav>
<div class="cookie-banner" role="dialog">{cookies} <button>OK</button></div>
<main>
{main}
</main>
<footer><p>© 2026 {house} · {stamp}</p><ul>{legal}</ul></footer>
</body>
</html>
"""

_WORDS = {
    "de": {
        "links": ("Startseite", "Produkte", "Service", "Karriere", "Kontakt"),
        "legal": ("Impressum", "Datenschutz", "Barrierefreiheit"),
        "cookies": ("Diese Seite verwendet nur notwendige Cookies.",),
    },
    "en": {
        "links": ("Home", "Products", "Support", "Careers", "Contact"),
        "legal": ("Legal notice", "Privacy", "Accessibility"),
        "cookies": ("This site uses necessary cookies only.",),
    },
}


def md(source: Source) -> str:
    """The text is Markdown already."""
    return source.body


def txt(source: Source) -> str:
    """Underlined headings and lines of 80 characters, as in files that hang on walls."""
    lines: list[str] = []
    for kind, group in groupby(source.blocks, key=lambda block: block.kind):
        for block in group:
            if kind == "heading":
                lines += [block.text, ("=" if block.level == 1 else "-") * len(block.text), ""]
            elif kind == "item":
                lines += textwrap.wrap(block.text, 80, initial_indent="- ", subsequent_indent="  ")
            else:
                lines += [*textwrap.wrap(block.text, 80), ""]
        if kind == "item":
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def csv_text(source: Source) -> str:
    """The first table, with semicolons, as German spreadsheets export it."""
    table = next(block for block in source.blocks if block.kind == "table")
    target = io.StringIO()
    csv.writer(target, delimiter=";", lineterminator="\r\n").writerows(table.rows)
    return target.getvalue()


def html(source: Source) -> str:
    """A page whose content stands in `main`, between navigation, a cookie notice and a footer."""
    words = _WORDS[source.language]
    return _PAGE.format(
        language=source.language,
        title=escape(source.title),
        file=source.file,
        house=source.house,
        stamp=escape(source.stamp),
        links=_links(words["links"]),
        legal=_links(words["legal"]),
        cookies=words["cookies"][0],
        main="\n".join(_html_group(kind, list(group)) for kind, group in groupby(source.blocks, lambda b: b.kind)),
    )


def _links(names: tuple[str, ...]) -> str:
    return "".join(f'<li><a href="/{name.lower().replace(" ", "-")}">{name}</a></li>' for name in names)


def _html_group(kind: str, blocks: list[Block]) -> str:
    if kind in ("item", "step"):
        tag = "ul" if kind == "item" else "ol"
        items = "\n".join(f"<li>{escape(block.text)}</li>" for block in blocks)
        return f"<{tag}>\n{items}\n</{tag}>"
    if kind == "table":
        return "\n".join(_html_table(block) for block in blocks)
    if kind == "heading":
        return "\n".join(f"<h{block.level}>{escape(block.text)}</h{block.level}>" for block in blocks)
    return "\n".join(f"<p>{escape(block.text)}</p>" for block in blocks)


def _html_table(block: Block) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head, *rest = block.rows
    body = "\n".join(row(cells, "td") for cells in rest)
    return f"<table>\n<thead>{row(head, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
