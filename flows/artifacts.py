"""What Prefect takes and shows: keys of artifacts, and names as plain text. Pure."""

from __future__ import annotations

import hashlib
import re

MOST_ROWS = 500
"""Of a table that people read, and that Prefect keeps in one cell of its database."""
_LONGEST = 60


def key_of(kind: str, zone: str) -> str:
    """`kind-zone`, of the letters that Prefect takes. Two zones never share one: a name that is not kept as it is gets a
    digest behind two hyphens, which stand side by side in no name that is.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", zone.lower()).strip("-")[:_LONGEST]
    if slug == zone:
        return f"{kind}-{slug}"
    digest = hashlib.sha256(zone.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{kind}-{slug or 'zone'}--{digest}"


def plain(name: str) -> str:
    """A name that markdown shows as it is: a file's name must not become a link, a picture or a script."""
    seen = "".join(c if c.isprintable() else "?" for c in name)
    return re.sub(r"([^\w\s]|_)", lambda found: f"\\{found[1]}" if found[1].isascii() else found[1], seen)


def more(left: int, where: str) -> str:
    """The end of a description: how many rows the table leaves out, and where they are."""
    return f" {left:,} more: `{where}`." if left else ""
