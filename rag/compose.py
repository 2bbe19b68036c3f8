"""Settings → an opened chain. The only file of `rag/` that names adapters; called by entry points alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.adapters.database.audit import DatabaseAudit
from rag.adapters.database.engine import Database
from rag.adapters.database.erasures import DatabaseErasures
from rag.adapters.database.hints import DatabaseHints
from rag.adapters.database.ledger import DatabaseLedger
from rag.adapters.database.library import DatabaseLibrary
from rag.adapters.database.migrate import upgrade
from rag.adapters.database.pauses import DatabasePauses
from rag.adapters.database.retrievals import DatabaseRetrievals
from rag.adapters.database.reviews import DatabaseReviews
from rag.adapters.database.sweeps import DatabaseSweeps
from rag.adapters.signing import Ed25519Signer
from rag.errors import Permanent
from rag.settings import Settings
from rag.types import Prompt, UseCase, Zone

if TYPE_CHECKING:
    from pydantic import SecretStr

    from rag.adapters.index.opening import Opened, OpenWriter
    from rag.adapters.policy.rego import RegoPolicy
    from rag.answer.answer import Chain
    from rag.ingest.ingest import Intake
    from rag.ports import Embedder, Pauses


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is remembered. Cheap to open: commands that only look need nothing else."""

    settings: Settings
    database: Database
    pauses: DatabasePauses
    ledger: DatabaseLedger
    library: DatabaseLibrary
    erasures: DatabaseErasures
    reviews: DatabaseReviews
    sweeps: DatabaseSweeps
    hints: DatabaseHints
    retrievals: DatabaseRetrievals
    signer: Ed25519Signer
    audit: DatabaseAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rag:
    """The chain, open: both ways through it."""

    state: State
    intake: Intake
    chain: Chain
    index: Opened
    policy: RegoPolicy
    use_cases: dict[str, UseCase]
    warm: Callable[[], Awaitable[None]]
    """Loads what else the first text would wait for: Presidio and the embedding model, some seconds."""

    @property
    def ledger(self) -> DatabaseLedger:
        return self.state.ledger

    @property
    def endpoints(self) -> tuple[str, ...]:
        """`class:model` in configuration order, for the recipe."""
        return tuple(f"{llm.endpoint_class}:{llm.model}" for llm in self.chain.llms)

    @property
    def index_profile(self) -> str:
        from rag.ingest.chunk import revision
        from rag.keywords import REVISION as KEYWORDS_REVISION

        embedder, cut = self.chain.embedder, revision(self.intake.chunking.of())
        return f"{embedder.name}/{embedder.dimension}/{cut}/{KEYWORDS_REVISION}"

    def prompt(self, use_case: str) -> Prompt:
        """As it stands in its file now; what is live is in the release."""
        from rag.use_cases import read_prompt

        return read_prompt(self.state.settings.use_cases, self.use_cases[use_case].prompt)

    def writer(self) -> OpenWriter:
        """The one writer, for the time of an `async with`. Raises `Temporary("ingest_running")` on entering."""
        return self.index.writer()

    async def zone(self, name: str) -> Zone:
        """Raises `Permanent("no_such_zone")`."""
        for zone in await self.ledger.zones():
            if zone.name == name:
                return zone
        raise Permanent("no_such_zone", f"There is no zone {name}.", hint="`beleg zone list` shows them.")


@asynccontextmanager
async def open_state(settings: Settings) -> AsyncIterator[State]:
    """The database, migrated. Raises `Temporary` when it cannot be reached."""
    settings.home.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(upgrade, settings.sqlalchemy_url)
    database = Database(settings.sqlalchemy_url)
    audit = DatabaseAudit(database, head_file=settings.home.resolve() / "audit.head")
    try:
        yield State(
            settings=settings,
            database=database,
            pauses=DatabasePauses(database),
            ledger=DatabaseLedger(database),
            library=DatabaseLibrary(database),
            erasures=DatabaseErasures(database),
            reviews=DatabaseReviews(database),
            sweeps=DatabaseSweeps(database),
            hints=DatabaseHints(database),
            retrievals=DatabaseRetrievals(database),
            signer=Ed25519Signer(settings.home.resolve() / "keys" / "receipts.pem"),
            audit=audit,
        )
    finally:
        await audit.close()
        await database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedders:
    """One model, for two who ask: questions go first where an endpoint has limits."""

    questions: Embedder
    ingest: Embedder
    warm: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def open_embedders(settings: Settings, pauses: Pauses) -> Embedders:
    """The packaged model, unless an endpoint is configured. Nothing is asked of it yet. Raises `Permanent("bad_setting")`."""
    from rag.adapters.embedders.remembering import RememberingEmbedder

    if settings.embedder_url is not None:
        return _remote_embedders(settings, pauses)
    from rag.adapters.embedders.glossed import GlossedEmbedder
    from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder

    model = SentenceTransformerEmbedder(threads=settings.threads)
    embedder = RememberingEmbedder(GlossedEmbedder(model))
    return Embedders(questions=embedder, ingest=embedder, warm=model.warm, close=_nothing)


def _remote_embedders(settings: Settings, pauses: Pauses) -> Embedders:
    from rag.adapters.embedders.limited import LimitedEmbedder
    from rag.adapters.embedders.openai_compatible import OpenAICompatibleEmbedder
    from rag.adapters.embedders.remembering import RememberingEmbedder

    if settings.embedder_model is None or settings.embedder_dimension is None:
        hint = "Set BELEG_EMBEDDER_MODEL and BELEG_EMBEDDER_DIMENSION."
        raise Permanent("bad_setting", "BELEG_EMBEDDER_URL needs a model and the length of its vectors.", hint=hint)
    remote = OpenAICompatibleEmbedder(
        base_url=str(settings.embedder_url), model=settings.embedder_model, dimension=settings.embedder_dimension,
        api_key=settings.embedder_key, api_version=settings.embedder_api_version, tokenizer=settings.embedder_tokenizer,
        most_tokens=settings.embedder_most_tokens,
    )  # fmt: skip
    first = LimitedEmbedder(remote, pauses, upstream=remote.upstream, patience_s=8, behind_s=(0, 0.2))
    behind = LimitedEmbedder(remote, pauses, upstream=remote.upstream, patience_s=30, behind_s=(1, 4))
    return Embedders(questions=RememberingEmbedder(first), ingest=behind, warm=_nothing, close=remote.aclose)


async def _nothing() -> None:
    """To warm, or to close."""


def open_policy(settings: Settings) -> RegoPolicy:
    """Raises `Permanent("policy_invalid")` naming file and line."""
    from rag.adapters.policy.rego import RegoPolicy

    return RegoPolicy(settings.policies)


def most_tokens(settings: Settings) -> int:
    """That the embedding model reads at once; nothing is loaded for it."""
    from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder().most_tokens if settings.embedder_url is None else settings.embedder_most_tokens


def open_index(settings: Settings, embedder: Embedder) -> Opened:
    """The embedded one, unless a server is configured. Raises `Permanent`: `bad_setting` for two of them."""
    from rag.adapters.index.opening import azure_search, embedded, qdrant_server

    name, dimension, keep = embedder.name, embedder.dimension, settings.keep_generations
    prefix, lock = settings.index_prefix, settings.home.resolve() / "run" / "index.lock"
    if settings.qdrant_url is not None and settings.azure_search_endpoint is not None:
        hint = "Unset BELEG_QDRANT_URL or BELEG_AZURE_SEARCH_ENDPOINT."
        raise Permanent("bad_setting", "Two index servers are configured.", hint=hint)
    if settings.azure_search_endpoint is not None:
        return azure_search(
            settings.azure_search_endpoint, key=_revealed(settings.azure_search_key), prefix=prefix, lock=lock,
            embedder=name, dimension=dimension, keep=keep,
        )  # fmt: skip
    if settings.qdrant_url is not None:
        return qdrant_server(
            settings.qdrant_url, api_key=_revealed(settings.qdrant_api_key), prefix=prefix,
            quantized=settings.qdrant_quantized, lock=lock, embedder=name, dimension=dimension, keep=keep,
        )  # fmt: skip
    return embedded(settings.index_root, embedder=name, dimension=dimension, keep=keep)


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


@asynccontextmanager
async def open_rag(settings: Settings) -> AsyncIterator[Rag]:
    """Everything, closed in reverse. Models are loaded when the first text needs them, or by `Rag.warm`."""
    # Imported here, because commands that open the state alone should not wait a second for them.
    from rag.adapters.entailment.cross_encoder import CrossEncoderEntailment
    from rag.adapters.guard.presidio import PresidioGuard
    from rag.adapters.guard.settings import read_guard_settings
    from rag.adapters.landing.folder_landing import FolderLanding
    from rag.adapters.landing.routed import RoutedLanding
    from rag.adapters.landing.store_landing import StoreLanding
    from rag.adapters.models.endpoints_file import open_endpoints
    from rag.adapters.models.extractive import ExtractiveLlm
    from rag.adapters.parsers.isolated import IsolatedParser
    from rag.answer.answer import Chain
    from rag.chunking import read_chunking
    from rag.ingest.ingest import Intake
    from rag.use_cases import read_use_cases

    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(open_state(settings))
        policy = open_policy(settings)
        chunking = read_chunking(settings.chunking)
        embedders = open_embedders(settings, state.pauses)
        stack.push_async_callback(embedders.close)
        embedder = embedders.questions
        recognizers = read_guard_settings(settings.policies / "dlp" / "recognizers.yaml")
        guard = PresidioGuard(policy, recognizers)
        most = settings.max_file_mb * 2**20
        landing = RoutedLanding(folders=FolderLanding(max_bytes=most), stores=StoreLanding(max_bytes=most))
        parser = IsolatedParser(
            timeout_s=settings.parse_timeout_s, memory_mb=settings.parse_memory_mb, children=settings.parse_children
        )
        stack.push_async_callback(parser.aclose)
        index = open_index(settings, embedder)
        stack.push_async_callback(index.close)
        entailment = CrossEncoderEntailment(settings.entailment) if settings.entailment else None
        remote = open_endpoints(settings.endpoints) if settings.endpoints else []
        for llm in remote:
            stack.push_async_callback(llm.aclose)

        async def warm() -> None:
            await guard.warm()
            await embedders.warm()

        yield Rag(
            state=state,
            intake=Intake(
                landing=landing,
                parser=parser,
                guard=guard,
                embedder=embedders.ingest,
                library=state.library,
                ledger=state.ledger,
                index_identity=index.identity,
                erasures=state.erasures,
                reviews=state.reviews,
                signer=state.signer,
                chunking=chunking,
            ),
            chain=Chain(
                guard=guard,
                embedder=embedder,
                index=index.reader,
                policy=policy,
                llms=[*remote, ExtractiveLlm(embedder=embedder)],
                audit=state.audit,
                entailment=entailment,
                library=state.library,
            ),
            index=index,
            policy=policy,
            use_cases=read_use_cases(settings.use_cases),
            warm=warm,
        )
