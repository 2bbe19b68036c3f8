"""A small world for the skin's tests: a company, its documents, four keys, and a chain that says what it is told."""

from __future__ import annotations

import asyncio
import hashlib
import io
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx

from rag.adapters.embedders.hashing import HashEmbedder
from rag.errors import Temporary
from rag.ingest.chunk import chunk
from rag.ingest.ingest import Intake
from rag.testing import (
    DigestSigner,
    FixedPolicy,
    MemoryAudit,
    MemoryErasures,
    MemoryHints,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    MemoryReviews,
    PlainParser,
    WordGuard,
)
from rag.testing_records import MemorySweeps
from rag.testing_stores import MemoryAllowList
from rag.types import (
    Action,
    Answer,
    Box,
    Chunk,
    Citation,
    Classification,
    Cleared,
    Decision,
    Document,
    Element,
    Entry,
    Hit,
    Labels,
    Outcome,
    Place,
    Principal,
    Question,
    Receipt,
    RetrievalSettings,
    Sighting,
    State,
    SweepProgress,
    Usage,
    UseCase,
    Zone,
    now,
)
from serving.front import OK, Front, Health
from serving.previewing import Previewing
from serving.testing import CountedRateLimit, MemoryBudget, MemoryKeys, PaintedPages

USER, OPERATOR, STRANGER, REVOKED, SENDER = "blg_user", "blg_operator", "blg_stranger", "blg_revoked", "blg_sender"
OWNER, STEWARD, STRANGE_STEWARD = "blg_owner", "blg_steward", "blg_strange_steward"
PERSONS = {
    USER: Principal(subject="anna", tenant="aurelia", business_units=frozenset({"hr"})),
    OPERATOR: Principal(
        subject="otto", tenant="aurelia", roles=frozenset({"operator"}), clearance=Classification.highly_confidential
    ),
    SENDER: Principal(subject="aurelia-events", tenant="aurelia", roles=frozenset({"events"})),
    STRANGER: Principal(subject="silvia", tenant="klinikum"),
    OWNER: Principal(subject="olga", tenant="aurelia", roles=frozenset({"user", "owner"})),
    STEWARD: Principal(
        subject="stefan", tenant="aurelia", roles=frozenset({"user", "steward"}), clearance=Classification.confidential
    ),
    STRANGE_STEWARD: Principal(subject="karla", tenant="klinikum", roles=frozenset({"steward"})),
}
AT = datetime(2026, 3, 1, tzinfo=UTC)

POLICY = [
    [("title", "Reisekostenrichtlinie 2026"),
     ("paragraph", "Diese Richtlinie gilt ab dem 1. Januar 2026 und ersetzt die Fassung von 2024 vollständig."),
     ("title", "1 Genehmigung"),
     ("paragraph", "Jede Dienstreise ist vorab von der Führungskraft zu genehmigen."),
     ("paragraph", "Reisen außerhalb Europas genehmigt zusätzlich die Bereichsleitung."),
     ("title", "2 Übernachtung"),
     ("paragraph", "Hotelkosten werden bis 130 Euro je Nacht einschließlich Frühstück erstattet."),
     ("paragraph", "In Großstädten über 500.000 Einwohnern gilt eine Obergrenze von 160 Euro je Nacht."),
     ("paragraph", "Höhere Kosten sind vor der Buchung zu begründen.")],
    [("title", "3 Abrechnung"),
     ("paragraph", "Die Abrechnung ist innerhalb von vier Wochen nach Reiseende digital einzureichen."),
     ("paragraph", "Rückfragen beantwortet <PERSON> im Team Reise und Spesen.")],
]  # fmt: skip
HOTEL = "Hotelkosten werden bis 130 Euro je Nacht einschließlich Frühstück erstattet."
CITY = "In Großstädten über 500.000 Einwohnern gilt eine Obergrenze von 160 Euro je Nacht."
BILL = "Die Abrechnung ist innerhalb von vier Wochen nach Reiseende digital einzureichen."
PRICES = "Vertrag | Reaktionszeit | Preis je Jahr\nBasis | 48 Stunden | 1.900 Euro\nPremium | 8 Stunden | 4.200 Euro"
DECK = "Remote work at Aurelia\nUp to three days per week from home.\nApproval\nYour manager approves the schedule once a year."
HOSTILE = "Siehe <img src=x onerror=\"document.title='XSS'\"> und <script>document.title='XSS'</script> 🧾 am Ende."

CONTRACT_QUESTION = "Was kostet der Premium-Vertrag?"
_TOP, _STEP, _LEFT = 0.10, 0.045, 0.10


def policy_pdf() -> bytes:
    """The travel policy as a real PDF. The name on page 2 is what the guard has masked in the text."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    pdf = canvas.Canvas(out, pagesize=A4, invariant=1)
    width, height = A4
    for page in POLICY:
        for n, (kind, line) in enumerate(page):
            pdf.setFont("Helvetica-Bold" if kind == "title" else "Helvetica", 14 if kind == "title" else 11)
            pdf.drawString(
                _LEFT * width, height * (1 - _TOP - n * _STEP), line.replace("<PERSON>", "Martina Musterfrau")
            )
        pdf.showPage()
    pdf.save()
    return out.getvalue()


def _policy(pdf: bytes) -> Cleared:
    text, elements, places, masked = "", [], [], []
    for page, lines in enumerate(POLICY, 1):
        for n, (kind, line) in enumerate(lines):
            start = len(text)
            text += line + "\n"
            elements.append(
                Element(kind=kind, start=start, end=start + len(line), level=1 if kind == "title" else None)
            )
            bottom = _TOP + n * _STEP
            box = Box(left=_LEFT - 0.005, top=bottom - 0.016, right=_LEFT + len(line) * 0.0092, bottom=bottom + 0.006)
            places.append(Place(start=start, end=start + len(line), page=page, box=box))
            if "<PERSON>" in line:
                hidden = replace(box, left=_LEFT + 0.17, right=_LEFT + 0.34)
                masked.append(replace(places[-1], box=hidden))
    return _cleared(
        "personal", "reisekostenrichtlinie-2026.pdf", "Reisekostenrichtlinie 2026", text.rstrip("\n"), "application/pdf",
        tuple(elements), tuple(places), version=hashlib.sha256(pdf).hexdigest(), pages=2, masked=tuple(masked),
    )  # fmt: skip


def _cleared(zone, path, title, text, media_type, elements, places, *, version="", pages=None, masked=(), labels=None,
             language="de") -> Cleared:  # fmt: skip
    document = Document(
        id=hashlib.sha256(f"{zone}/{path}".encode()).hexdigest()[:32],
        version=version or hashlib.sha256(text.encode()).hexdigest(),
        zone=zone, path=path, uri=f"file:///landing/{zone}/{path}", content=b"", modified_at=AT,
        labels=labels or labelled(),
    )  # fmt: skip
    redacted = bool(masked)
    return Cleared(
        document=document, media_type=media_type, title=title, text=text, elements=elements, places=places, pages=pages,
        language=language, decision=decided(Action.redact if redacted else Action.allow), masked=masked,
        counts={"PERSON": len(masked)} if redacted else {},
    )  # fmt: skip


def labelled(**other: object) -> Labels:
    """What everybody at Aurelia may read, unless said otherwise."""
    known: dict[str, object] = {
        "tenant": "aurelia", "business_unit": None, "classification": Classification.internal, "readers": frozenset(),
        "valid_from": None, "valid_until": None,
    }  # fmt: skip
    return Labels(**{**known, **other})


def decided(action: Action = Action.allow) -> Decision:
    return Decision(action=action, rule=f"test.{action.value}", reason="Decided by a test.", revision="r1")


def _lines(text: str, **where: object) -> tuple[Place, ...]:
    places, start = [], 0
    for n, line in enumerate(text.split("\n"), 1):
        numbered = {name: value(n) if callable(value) else value for name, value in where.items()}
        places.append(Place(start=start, end=start + len(line), **numbered))
        start += len(line) + 1
    return tuple(places)


def documents() -> dict[str, Cleared]:
    """The company's documents, by a short name."""
    table = (Element(kind="table", start=0, end=len(PRICES), header_end=PRICES.index("\n")),)
    cut = DECK.index("Approval")
    slides = (Element(kind="slide", start=0, end=cut - 1), Element(kind="slide", start=cut, end=len(DECK)))
    deck_places = (Place(start=0, end=cut - 1, slide=1), Place(start=cut, end=len(DECK), slide=2))
    text = (Element(kind="paragraph", start=0, end=len(HOSTILE)),)
    secret = labelled(classification=Classification.highly_confidential)
    return {
        "policy": _policy(policy_pdf()),
        "prices": _cleared(
            "finanzen", "servicevertraege-preisliste.xlsx", "Serviceverträge: Preisliste", PRICES,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", table,
            _lines(PRICES, sheet="Preise", cells=lambda n: f"A{n}:C{n}"),
        ),
        "deck": _cleared(
            "personal", "remote-work.pptx", "Remote work at Aurelia", DECK,
            "application/vnd.openxmlformats-officedocument.presentationml.presentation", slides, deck_places, language="en",
        ),
        "hostile": _cleared(
            "handbuch", "hostile.txt", "<b onmouseover=\"document.title='XSS'\">Titel</b>", HOSTILE, "text/plain", text, (),
        ),
        "secret": _cleared("vorstand", "kestrel.md", "Kestrel", "Kestrel closes in May.", "text/markdown", (), (), labels=secret),
    }  # fmt: skip


def use_cases() -> dict[str, UseCase]:
    common = {
        "usecase_class": "general", "quality_tier": "standard", "budget_class": "standard", "prompt": "assistant",
        "retrieval": RetrievalSettings(),
    }  # fmt: skip
    return {
        "assistant": UseCase(name="assistant", title="Assistent", protection=Classification.highly_confidential, **common),
        "produkt-hilfe": UseCase(
            name="produkt-hilfe", title="Produkthilfe", protection=Classification.internal, budget_usd=1.0,
            tenants=frozenset({"aurelia"}), **common,
        ),
        "leitung": UseCase(
            name="leitung", title="Leitung", protection=Classification.confidential, roles=frozenset({"operator"}), **common
        ),
    }  # fmt: skip


def cite(cleared: Cleared, quote: str, number: int, answer: str, claim: str) -> Citation:
    """A citation as the chain makes them."""
    start = cleared.text.index(quote)
    at = answer.index(claim)
    document = cleared.document
    return Citation(
        number=number, start=at, end=at + len(claim), document_id=document.id, version=document.version,
        zone=document.zone, path=document.path, uri=document.uri, title=cleared.title, media_type=cleared.media_type,
        chunk_id=str(uuid.uuid5(uuid.NAMESPACE_URL, quote)), quote=quote, quote_start=start, quote_end=start + len(quote),
        places=tuple(p for p in cleared.places if p.start < start + len(quote) and p.end > start), support=1.0,
    )  # fmt: skip


@dataclass
class Chain:
    """Answers by the words of the question. `pause_s` lies between two pieces; `asked` remembers everything."""

    documents: dict[str, Cleared]
    pause_s: float = 0.0
    cost_usd: float = 0.002
    fails_with: BaseException | None = None
    asked: list[Question] = field(default_factory=list)
    closed: int = 0

    async def ask(self, question: Question) -> AsyncIterator[str | Answer]:
        self.asked.append(question)
        try:
            if self.fails_with is not None:
                raise self.fails_with
            pieces, outcome, citations = self._said(question.text.lower())
            for piece in pieces:
                await asyncio.sleep(self.pause_s)
                yield piece
            if "bricht ab" in question.text:
                raise Temporary("no_endpoint", "No endpoint answers just now.", after_s=5)
            if "platzt" in question.text:
                raise ValueError(f"a vendor's message that repeats: {question.text}")
            yield self._answer(question, "".join(pieces), outcome, citations)
        finally:
            self.closed += 1

    def _said(self, asked: str) -> tuple[list[str], Outcome, tuple[Citation, ...]]:
        docs = self.documents
        if "endlos" in asked:
            return [f"Satz Nummer {n}. " for n in range(2000)], Outcome.answered, ()
        if "hotel" in asked or "bricht ab" in asked or "platzt" in asked:
            pieces = [f"{HOTEL} [1] ", f"{CITY} [2]", f"\n\n{BILL} [3]"]
            text = "".join(pieces)
            quotes = enumerate((HOTEL, CITY, BILL), 1)
            return pieces, Outcome.answered, tuple(cite(docs["policy"], q, n, text, q) for n, q in quotes)
        if "premium" in asked:
            text = "Der Premium-Vertrag kostet 4.200 Euro im Jahr. [1]"
            return (
                [text],
                Outcome.answered,
                (cite(docs["prices"], "Premium | 8 Stunden | 4.200 Euro", 1, text, text[:-4]),),
            )
        if "remote" in asked:
            text = "You may work from home up to three days per week. [1]"
            return (
                [text],
                Outcome.answered,
                (cite(docs["deck"], "Up to three days per week from home.", 1, text, text[:-4]),),
            )
        if "hostile" in asked:
            text = HOSTILE + " [1]"
            return [text], Outcome.answered, (cite(docs["hostile"], HOSTILE, 1, text, HOSTILE),)
        if "patient" in asked:
            return ["Diese Frage darf hier nicht gestellt werden."], Outcome.blocked_input, ()
        english = any(word in asked for word in ("what", "how", "when", "who"))
        message = "The documents do not answer this." if english else "Die Dokumente beantworten das nicht."
        return [message], Outcome.not_answered, ()

    def _answer(self, question: Question, text: str, outcome: Outcome, citations: tuple[Citation, ...]) -> Answer:
        return Answer(
            question_id=question.id, text=text, outcome=outcome, citations=citations, language="de", release="assistant-1",
            recipe_id="recipe-1", epoch=3, endpoint="extractive", decisions=(decided(),),
            usage=Usage(prompt_tokens=120, completion_tokens=len(text.split())), cost_usd=self.cost_usd,
            as_of=question.as_of,
        )  # fmt: skip

    async def search(self, question: Question, limit: int) -> list[Hit]:
        self.asked.append(question)
        return [self._hit(cleared, n) for n, cleared in enumerate(self.documents.values())][:limit]

    @staticmethod
    def _hit(cleared: Cleared, n: int) -> Hit:
        document = cleared.document
        chunk = Chunk(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, document.id)), document_id=document.id, version=document.version,
            zone=document.zone, path=document.path, uri=document.uri, title=cleared.title, media_type=cleared.media_type,
            position=0, start=0, end=len(cleared.text), text=cleared.text, context="", places=cleared.places,
            language=cleared.language, labels=document.labels,
        )  # fmt: skip
        return Hit(chunk=chunk, score=1 - n / 10)


@dataclass
class World:
    """Everything behind one `Front`, open to the test."""

    front: Front
    chain: Chain
    keys: MemoryKeys
    budget: MemoryBudget
    audit: MemoryAudit
    landing: MemoryLanding
    documents: dict[str, Cleared]
    reading: Reading

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Front]:
        yield self.front


async def world(*, requests: int = 1_000_000, worst_usd: float = 0.01, pause_s: float = 0.0, **other: object) -> World:
    docs = documents()
    library = MemoryLibrary()
    for cleared in docs.values():
        await library.keep(cleared)
    classes = {"vorstand": Classification.highly_confidential}
    zones = [
        Zone(name=name, url=f"memory://{name}", tenant=tenant, owner=f"{name}@{tenant}.example",
             classification=classes.get(name, Classification.internal))
        for name, tenant in (("personal", "aurelia"), ("finanzen", "aurelia"), ("handbuch", "aurelia"),
                             ("vorstand", "aurelia"), ("station", "klinikum"))
    ]  # fmt: skip
    ledger, sweeps = await ledger_of(zones, docs)
    reading = Reading()
    chain, keys, budget, audit = Chain(docs, pause_s), MemoryKeys(dict(PERSONS)), MemoryBudget(), MemoryAudit()
    landing = MemoryLanding({docs["policy"].document.path: policy_pdf()})

    async def cut(cleared: Cleared, zone: Zone) -> list[Chunk]:
        return chunk(cleared, rules=reading.intake.rules(zone), count_tokens=lambda text: len(text.split()))

    async def health() -> Health:
        return Health(
            ready=True,
            parts={
                "database": OK,
                "policy": "policies/routing/routing.rego has a syntax error; the last good one stays.",
            },
        )

    async def worst_cost_usd(_: Question) -> float:
        return worst_usd

    parts = {
        "ask": chain.ask, "search": chain.search, "worst_cost_usd": worst_cost_usd, "use_cases": use_cases(),
        "library": library, "ledger": ledger, "sweeps": sweeps, "reviews": MemoryReviews(), "preview": reading.files,
        "findings": reading.findings, "allow_list": MemoryAllowList(),
        "cut": cut, "sweep_s": 300.0, "landing": landing, "page_images": PaintedPages(),
        "keys": keys, "budget": budget, "rate_limit": CountedRateLimit(requests), "audit": audit, "health": health,
        "hints": MemoryHints(), "guard": reading.intake.guard,
    }  # fmt: skip
    front = Front(**{**parts, **other})
    return World(
        front=front, chain=chain, keys=keys, budget=budget, audit=audit, landing=landing, documents=docs, reading=reading
    )  # fmt: skip


LETTER = "briefe/arztbrief-märz.docx"
"""Held back by the guard; its twin is a novel about doctors."""
NOVEL = "bücher/der-zauberberg.txt"
ODD = '<img src=x onerror="document.title=1"> \x1b[2J 🧾.pdf'


async def ledger_of(zones: list[Zone], docs: dict[str, Cleared]) -> tuple[MemoryLedger, MemorySweeps]:
    """Files of every fate in `personal`, the scene's documents in their zones, one letter in another tenant's."""
    ledger, sweeps, at = MemoryLedger(*zones), MemorySweeps(), now()
    for cleared in docs.values():
        one = cleared.document
        code = "indexed_redacted" if cleared.is_redacted else "indexed"
        await ledger.record(_entry(one.zone, one.path, State.indexed, code, at - timedelta(days=9), document_id=one.id,
                                   version=one.version, chunks=3, counts=dict(cleared.counts),
                                   reason="Personal data was masked before indexing." if cleared.is_redacted else ""))  # fmt: skip
    held = "Personal data stands beside medical terms, so the document was held back."
    rows = [
        (LETTER, State.quarantined, "contains_patient_data", timedelta(days=3), held, "Ask a steward."),
        (NOVEL, State.quarantined, "contains_patient_data", timedelta(days=1), held, "Ask a steward."),
        ("vorlagen/leer.docx", State.quarantined, "empty_file", timedelta(hours=2), "The file is empty.", "Replace it."),
        ("protokolle/jour-fixe.docx", State.discovered, "disk_full", timedelta(hours=7), "The disk is full.", "It is tried again."),
        ("protokolle/neu.docx", State.discovered, "file_changing", timedelta(minutes=1), "It is being written.", "It is tried again."),
        ("archiv/2019.zip", State.blocked, "file_changing", timedelta(days=2), "It never stands still.", "Copy it anew."),
        ("alt/richtlinie-2024.pdf", State.deleted, "deleted", timedelta(days=30), "The file was removed from the zone.", ""),
        (ODD, State.indexed, "indexed", timedelta(minutes=4), "", ""),
    ]  # fmt: skip
    for path, state, code, age, reason, hint in rows:
        await ledger.record(_entry("personal", path, state, code, at - age, reason=reason, hint=hint))
    await ledger.record(_entry("station", LETTER, State.quarantined, "contains_patient_data", at, reason=held))
    await sweeps.record(
        SweepProgress(zone="personal", began_at=at - timedelta(seconds=70), seen_at=at, due=1000, done=350)
    )
    for name in ("finanzen", "handbuch"):
        await sweeps.record(SweepProgress(zone=name, began_at=at, seen_at=at, ended_at=at, due=0, unchanged=1))
    trouble = "The folder is not there. Mount it."
    await sweeps.record(SweepProgress(zone="vorstand", began_at=at, seen_at=at, ended_at=at, trouble=trouble))
    return ledger, sweeps


def _entry(zone: str, path: str, state: State, code: str, at: datetime, **changed: object) -> Entry:
    """As old as `at` says."""
    version = None if state in {State.discovered, State.blocked} else hashlib.sha256(path.encode()).hexdigest()
    facts: dict[str, object] = {
        "zone": zone, "path": path, "document_id": hashlib.sha256(f"{zone}/{path}".encode()).hexdigest()[:32],
        "version": version, "state": state, "code": code,
    }  # fmt: skip
    sighting = Sighting(zone=zone, path=path, size=1000, modified_at=at, etag="e")
    return Entry(receipt=Receipt(**{**facts, **changed}), fingerprint="f", sighting=sighting, recorded_at=at)


class Reading:
    """Previews by the real steps over a folder of memory, one file a zone and a name that the guard masks."""

    def __init__(self) -> None:
        files = {
            "a-urlaub.txt": b"30 Tage Urlaub im Jahr. Es vertritt Frau Lindemann.", "b-leer.txt": b"",
            "c-akte.txt": b"Blutdruck, Befund", "d-plan.txt": b"Der Plan.",
        }  # fmt: skip
        self.landing = MemoryLanding(files)
        intake = Intake(
            landing=self.landing, parser=PlainParser(), guard=WordGuard(mask=["Lindemann"], block=["Befund"]),
            embedder=HashEmbedder(), library=MemoryLibrary(), ledger=MemoryLedger(), index_identity=lambda: "i",
            erasures=MemoryErasures(), reviews=MemoryReviews(), signer=DigestSigner(), policy=FixedPolicy(),
        )  # fmt: skip
        self.intake = intake
        previewing = Previewing(intake)
        self.files, self.findings = previewing.files, previewing.findings


class Client(httpx.AsyncClient):
    """Asks with the user's key unless told otherwise."""

    world: World

    async def ask(
        self, content: object, *, token: str = USER, model: str = "assistant", **body: object
    ) -> httpx.Response:
        messages = [{"role": "user", "content": content}]
        return await self.post(
            "/v1/chat/completions", json={"model": model, "messages": messages, **body}, headers=bearer(token)
        )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
