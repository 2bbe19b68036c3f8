"""Findings ↔ entries of the allow-list. Pure. Used by the guard, which leaves such findings out, and by the steps.

An exact text is compared by a keyed digest, so that neither the database nor a log ever holds it. A pattern is a text in
which `#` stands for one digit and `*` for up to twenty digits, blanks and signs of a number: no regular expression, so
none that runs for ever or matches everything. Patterns are for switchboards, streets and mailboxes; whoever names people,
and every number with a check digit, is allowed text by text.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from rag.errors import Permanent
from rag.types import AllowEntry, AllowKind, Direction

EXACT_ONLY = frozenset(
    {
        "CREDIT_CARD",
        "DE_DRIVING_LICENCE",
        "DE_HEALTH_INSURANCE",
        "DE_ID_CARD",
        "DE_PASSPORT",
        "DE_SOCIAL_SECURITY",
        "DE_TAX_ID",
        "IBAN_CODE",
        "SECRET",
    }
)
"""Numbers of one person, most with a check digit, and passwords: never left out beside or inside something else."""
PATTERN_TYPES = frozenset({"ADDRESS", "EMAIL_ADDRESS", "PHONE_NUMBER"})
ALLOWED = "ALLOWED_"
"""Before the type in a document's counts: what was found and left standing."""
LONGEST = 200
_LEAST_PLAIN = 4
_MOST_STARS = 2
_STAR = r"[0-9 ./()+-]{0,20}"

Digest = Callable[[str], str]


def plain(text: str) -> str:
    """As texts are compared: case, blanks and line breaks do not matter."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def keyed(secret: bytes) -> Digest:
    """Begins with the name of the key: under another key an entry holds for nothing, and can be told."""
    name = hashlib.sha256(b"name of the key\n" + secret).hexdigest()[:8]

    def digest(text: str) -> str:
        return f"{name}:{hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()}"

    return digest


def sealed(tenant: str, entity: str, text: str, digest: Digest) -> str:
    """What an entry keeps of a text: bound to tenant and type, so that no entry can be taken for another's."""
    return digest(f"{tenant}\n{entity}\n{plain(text)}")


def require_pattern(pattern: str) -> None:
    """Raises `Permanent("allow_pattern")`."""
    written = plain(pattern)  # as it is matched: a full-width star is a star
    trouble = (
        "is longer than 100 characters" if len(pattern) > 100
        else f"needs at least {_LEAST_PLAIN} letters or digits beside # and *" if sum(c.isalnum() for c in written) < _LEAST_PLAIN
        else f"has more than {_MOST_STARS} stars" if written.count("*") > _MOST_STARS
        else "has two stars side by side" if "**" in written
        else "holds a line break or an invisible character" if not pattern.isprintable()
        else ""
    )  # fmt: skip
    if trouble:
        raise Permanent(
            "allow_pattern", f"The pattern {trouble}.",
            hint="# stands for one digit, * for digits and blanks: '+49 761 4455*'. All else is meant as it stands.",
        )  # fmt: skip


def compiled(pattern: str) -> re.Pattern[str]:
    """Bounded: at most two runs of twenty characters."""
    parts = (r"\d" if c == "#" else _STAR if c == "*" else re.escape(c) for c in plain(pattern))
    return re.compile("".join(parts))


class Allowed:
    """The entries that hold for one text, ready to be asked. Thread-safe."""

    def __init__(self, entries: Iterable[AllowEntry], *, tenant: str, digest: Digest) -> None:
        self._tenant, self._digest = tenant, digest
        self._texts: dict[str, set[str]] = {}
        self._patterns: dict[str, list[re.Pattern[str]]] = {}
        for entry in entries:
            if entry.kind is AllowKind.text:
                self._texts.setdefault(entry.entity, set()).add(entry.value)
            elif entry.entity in PATTERN_TYPES:
                self._patterns.setdefault(entry.entity, []).append(compiled(entry.value))

    def holds(self, entity: str, text: str) -> bool:
        """Whether a finding of this type with this text is to be left out."""
        if len(text) > LONGEST:
            return False
        return self.holds_exactly(entity, text) or any(
            pattern.fullmatch(plain(text)) for pattern in self._patterns.get(entity, ())
        )

    def holds_exactly(self, entity: str, text: str) -> bool:
        texts = self._texts.get(entity)
        return texts is not None and sealed(self._tenant, entity, text, self._digest) in texts


def live(
    entries: Iterable[AllowEntry], *, tenant: str | None, zone: str | None, direction: Direction, at: datetime
) -> tuple[AllowEntry, ...]:
    """Those that hold for such a text now."""
    return tuple(e for e in entries if e.is_live(at) and e.holds_for(tenant, zone, direction))


def stamped(fingerprint: str, entries: Iterable[AllowEntry], counts: Mapping[str, int] | None) -> str:
    """A pipeline's fingerprint for a document with these findings: only entries of their types touch it.

    So a new, a revoked and an expired entry make those documents due again that it can concern, and no others. `counts`:
    `None` = every entry can, because earlier versions hold findings that nobody counts.
    """
    types = None if counts is None else {name.removeprefix(ALLOWED).removeprefix("FILE_NAME_") for name in counts}
    touching = sorted(f"{e.id}/{e.kind}/{e.entity}/{e.value}" for e in entries if types is None or e.entity in types)
    if not touching:
        return fingerprint
    return hashlib.sha256("\n".join([fingerprint, *touching]).encode()).hexdigest()[:16]
