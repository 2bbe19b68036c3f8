"""In-memory twins of the ports. They pass the same contracts as the real adapters, and tests use them in their place."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from rag.errors import BelegError, Permanent, Refused, Temporary
from rag.library_twin import MemoryLibrary  # noqa: F401 - a twin like the others, in a file of its own
from rag.redaction import redact
from rag.testing_stores import MemoryErasures  # noqa: F401 - with its siblings, for whoever looks for it here
from rag.types import (
    Action,
    AuditRow,
    Brief,
    Classification,
    Decision,
    Direction,
    Document,
    Element,
    Entry,
    Finding,
    IngestAction,
    IngestDecision,
    Labels,
    Parsed,
    Place,
    Review,
    Route,
    Screened,
    Sighting,
    Usage,
    Zone,
    now,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def zone(
    name: str = "handbook", *, tenant: str = "acme", classification: Classification = Classification.internal
) -> Zone:
    """A zone for tests; its URL leads nowhere."""
    return Zone(name=name, url=f"memory://{name}", tenant=tenant, owner="owner", classification=classification)


def decision(action: Action = Action.allow, rule: str = "test.allow") -> Decision:
    return Decision(action=action, rule=rule, reason="decided by a test", revision="test")


def ingest_decision(
    action: IngestAction = IngestAction.index, *, least: Classification | None = None, rule: str = "test.ingest"
) -> IngestDecision:
    return IngestDecision(
        action=action, classification=least, rule=rule, reason="Decided by a test.", revision="test"
    )  # fmt: skip


class MemoryLanding:
    """A landing zone as a dict of path → bytes; `until` holds supersessions. Sidecars are seen by nobody."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files if files is not None else {}
        self.until: dict[str, datetime] = {}
        self.vanished = False

    async def sightings(self, zone: Zone) -> list[Sighting]:
        return [
            Sighting(
                zone=zone.name,
                path=path,
                size=len(content),
                modified_at=EPOCH,
                etag=hashlib.sha256(content + _labelled(zone)).hexdigest(),
            )
            for path, content in sorted(self._documents(zone).items())
        ]

    async def read(self, zone: Zone, path: str) -> Document:
        documents = self._documents(zone)
        if path not in documents:
            raise Permanent("file_vanished", "The file is no longer there.")
        content = documents[path]
        if not content:
            raise Permanent("empty_file", "The file is empty.", hint="Replace it.")
        labels = Labels(
            tenant=zone.tenant,
            business_unit=zone.business_unit,
            classification=zone.classification,
            readers=zone.readers,
            valid_from=zone.valid_from,
            valid_until=zone.valid_until,
        )
        return Document(
            id=self.document_id(zone, path),
            version=hashlib.sha256(content).hexdigest(),
            zone=zone.name,
            path=path,
            uri=f"{zone.url}/{path}",
            content=content,
            modified_at=EPOCH,
            labels=labels,
        )

    async def zone(self, zone: Zone) -> Zone:
        return zone

    async def supersessions(self, zone: Zone) -> dict[str, datetime]:
        self._documents(zone)
        return dict(self.until)

    def document_id(self, zone: Zone, path: str) -> str:
        return hashlib.sha256(f"{zone.tenant}\n{zone.name}\n{path}".encode()).hexdigest()[:32]

    def _documents(self, zone: Zone) -> dict[str, bytes]:
        """By path as it is shown. Raises `Temporary` if the zone has vanished."""
        if self.vanished:
            raise Temporary("zone_vanished", f"Zone {zone.name} cannot be reached.")
        return {
            unicodedata.normalize("NFC", path): content
            for path, content in self.files.items()
            if not path.endswith((".meta.yaml", "zone.yaml"))
        }


def _labelled(zone: Zone) -> bytes:
    """A zone whose settings changed labels its files anew."""
    labels = (zone.tenant, zone.business_unit, int(zone.classification), zone.valid_from, zone.valid_until)
    return repr((*labels, zone.keeps_history, sorted(zone.readers))).encode()


class PlainParser:
    """Reads every file as UTF-8, a paragraph a line, one place each. What is no text, or none, is `Permanent`."""

    revision = "plain-1"

    async def parse(self, document: Document) -> Parsed:
        text = _plain(document.content)
        elements, places, start = [], [], 0
        for line in text.split("\n"):
            begin = start + len(line) - len(line.lstrip())
            end = begin + len(line.strip())
            if line.strip():
                elements.append(Element(kind="paragraph", start=begin, end=end))
                places.append(Place(start=begin, end=end, page=1))
            start += len(line) + 1
        return Parsed(
            document=document, media_type="text/plain", title=document.path, text=text,
            elements=tuple(elements), places=tuple(places), pages=1,
        )  # fmt: skip


def _plain(content: bytes) -> str:
    """NFC without control characters. Raises `Permanent`."""
    try:
        text = unicodedata.normalize("NFC", content.decode())
    except UnicodeDecodeError:
        raise Permanent("broken_file", "The file cannot be read.", hint="Replace it.") from None
    clean = "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
    if len(clean) < len(text) / 2 and len(text) > 10:
        raise Permanent("not_text", "The file holds no text.", hint="Check what it is.")
    if not clean.strip():
        raise Permanent("no_text", "The file holds no text.", hint="Replace it by one with text.")
    return clean


class WordGuard:
    """Masks the words it is told to, blocks on others, and refuses when it is told to be dead."""

    revision = "words-1"

    def __init__(self, *, mask: Sequence[str] = (), block: Sequence[str] = ()) -> None:
        self._mask, self._block = tuple(mask), tuple(block)
        self.dead = False

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:  # noqa: ARG002
        if self.dead:
            raise Refused("guard_unavailable", "The guard does not answer, so nothing passes.")
        if any(word in text for word in self._block):
            return Screened(text="", decision=decision(Action.block, "test.block"), findings=(), counts={})
        findings = tuple(
            Finding(entity="MASKED", start=m.start(), end=m.end(), score=1.0, recognizer="words")
            for m in re.finditer("|".join(map(re.escape, self._mask)) or r"(?!)", text)
        )
        return Screened(
            text=redact(text, findings), decision=decision(Action.redact if findings else Action.allow),
            findings=findings, counts={"MASKED": len(findings)} if findings else {},
        )  # fmt: skip


class MemoryLedger:
    """Zones and the last receipt of every path."""

    def __init__(self, *zones: Zone) -> None:
        self._zones = {zone.name: zone for zone in zones}
        self._rows: dict[str, dict[str, Entry]] = {}

    async def zones(self) -> list[Zone]:
        return [self._zones[name] for name in sorted(self._zones)]

    async def add_zone(self, zone: Zone) -> None:
        known = self._zones.get(zone.name)
        zone.require_tenant(None if known is None else known.tenant)
        self._zones[zone.name] = zone if known is None else replace(zone, held=known.held)

    async def publish_zone(self, name: str) -> None:
        if name in self._zones:
            self._zones[name] = replace(self._zones[name], held=False)

    async def remove_zone(self, name: str) -> None:
        self._zones.pop(name, None)
        self._rows.pop(name, None)

    async def entries(self, zone: str, paths: frozenset[str] | None = None) -> dict[str, Entry]:
        return {path: e for path, e in sorted(self._rows.get(zone, {}).items()) if paths is None or path in paths}

    async def record(self, entry: Entry) -> None:
        rows = self._rows.setdefault(entry.receipt.zone, {})
        rows[entry.receipt.path] = entry.after(rows.get(entry.receipt.path))

    async def refingerprint(self, zone: str, before: str, after: str, *, path: str | None = None) -> None:
        rows = self._rows.get(zone, {})
        for at, entry in rows.items():
            if entry.fingerprint == before and path in {None, at}:
                rows[at] = replace(entry, fingerprint=after)

    async def mark_missing(self, zone: str, paths: frozenset[str]) -> None:
        rows = self._rows.get(zone, {})
        for path, entry in rows.items():
            since = (entry.missing_since or now()) if path in paths else None
            rows[path] = replace(entry, missing_since=since)


class MemoryPauses:
    """Of one process."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    async def until(self, upstream: str) -> datetime | None:
        return self._until.get(upstream)

    async def pause(self, upstream: str, until: datetime) -> None:
        self._until[upstream] = max(until, self._until.get(upstream, until))


class MemoryReviews:
    """The last verdict on every version."""

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, str], Review] = {}

    async def record(self, review: Review) -> None:
        self._verdicts[review.document_id, review.version] = review

    async def of(self, document_id: str, version: str) -> Review | None:
        return self._verdicts.get((document_id, version))


class MemoryHints:
    """A set of names."""

    def __init__(self) -> None:
        self.told: frozenset[str] = frozenset()

    async def tell(self, zones: frozenset[str]) -> None:
        self.told |= zones

    async def take(self) -> frozenset[str]:
        taken, self.told = self.told, frozenset()
        return taken


class DigestSigner:
    """Signs with a digest, which anybody could: for tests alone."""

    def sign(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def verifies(self, content: bytes, signature: str) -> bool:
        return signature == self.sign(content)


class MemoryAudit:
    """Rows in order, chained by hash; refuses when told to be full."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.full = False
        self._head = ""

    async def ready(self) -> None:
        if self.full:
            raise Refused("audit.unavailable", "No record can be written, so nothing is answered.")

    async def append(self, row: AuditRow) -> str:
        await self.ready()
        try:
            facts = json.dumps(row.facts, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Permanent("audit.facts", "A fact of the row is no JSON.") from error
        self.rows.append(row)
        self._head = hashlib.sha256(f"{self._head}{row.id}{facts}".encode()).hexdigest()
        return self._head


class FixedPolicy:
    """Decides as it was told: the same route for every question, allow for every text, `ingested` for every document."""

    revision = "fixed-1"
    screening_revision = "fixed-1"
    ingest_revision = "fixed-1"

    def __init__(self, *endpoint_classes: str, ingested: IngestDecision | None = None) -> None:
        self._classes = endpoint_classes
        self.ingested = ingested or ingest_decision()
        self.asked: list[Mapping[str, object]] = []

    def screen(self, facts: Mapping[str, object]) -> Decision:  # noqa: ARG002 - the port's shape
        return decision()

    def ingest(self, facts: Mapping[str, object]) -> IngestDecision:
        self.asked.append(facts)
        return self.ingested

    def route(self, facts: Mapping[str, object]) -> Route:  # noqa: ARG002 - the port's shape
        action = Action.allow if self._classes else Action.block
        return Route(decision=decision(action, "test.route"), endpoint_classes=self._classes)


@dataclass
class ScriptedLlm:
    """Says its lines piece by piece, then dies if it was told to."""

    lines: Sequence[str]
    name: str = "scripted"
    endpoint_class: str = "local"
    model: str = "scripted-1"
    reads_surroundings: bool = True
    dies_with: BelegError | None = None
    asked: list[Brief] = field(default_factory=list)

    async def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        self.asked.append(brief)
        for line in self.lines:
            yield line
        if self.dies_with is not None:
            raise self.dies_with
        yield Usage(prompt_tokens=10, completion_tokens=sum(len(line.split()) for line in self.lines))

    def cost_usd(self, usage: Usage) -> float:
        return usage.completion_tokens / 1e6
