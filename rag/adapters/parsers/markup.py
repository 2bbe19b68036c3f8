"""XML bytes → a tree, without entities, document types and the network. The one place that opens XML of strangers."""

from __future__ import annotations

import re

from lxml import etree

from rag.errors import Permanent

_PROLOG = 1 << 16
"""Bytes in which the root has to begin."""


def declares_entities(prolog: bytes) -> bool:
    """A document type before the root, or no root so far: a comment may be long to push the declaration out of sight."""
    prolog = prolog[:_PROLOG].replace(b"\0", b"")
    root = re.search(rb"<[A-Za-z_]", re.sub(rb"<!--.*?-->", b"", prolog, flags=re.DOTALL))
    return b"<!DOCTYPE" in prolog.upper() or (root is None and len(prolog) > 64)


def tree(content: bytes) -> etree._Element:
    """Raises `Permanent`: `external_entities` for a document type, `broken_file` for what is no XML."""
    if declares_entities(content[:_PROLOG]):
        raise Permanent(
            "external_entities", "The file declares XML entities, which are not read.",
            hint="Save it anew without a document type (DOCTYPE).",
        )  # fmt: skip
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True)
    try:
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        kind = type(error).__name__
        raise Permanent(
            "broken_file", f"The file is no well-formed XML ({kind}).", hint="Export it anew and replace it."
        ) from None
