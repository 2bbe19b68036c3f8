"""Settings → an opened chain. The only file of `rag/` that names adapters; called by entry points alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from rag.adapters.database.allow_list import DatabaseAllowList
from rag.adapters.database.audit import DatabaseAudit
from rag.adapters.database.catalog import DatabaseCatalog
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
from rag.adapters.secret_file import SecretFile
from rag.adapters.signing import Ed25519Signer
from rag.errors import Permanent
from rag.settings import Settings
from rag.types import Build, IndexRecord, IndexState, Prompt, Recipe, UseCase, Zone

if TYPE_CHECKING:
    from rag.adapters.embedders.opening import OpenModel
    from rag.adapters.index.every_writer import EveryWriter
    from rag.adapters.index.indexes import Indexes
    from rag.adapters.policy.rego import RegoPolicy
    from rag.answer.answer import Chain
    from rag.chunking import Chunking
    from rag.ingest.ingest import Intake
    from rag.ports import AllowList, Embedder, Pauses
    from rag.types import AllowEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is remembered. Cheap to open: commands that only look need nothing else."""

    settings: Settings
    database: Database
    catalog: DatabaseCatalog
    pauses: DatabasePauses
    ledger: DatabaseLedger
    library: DatabaseLibrary
    erasures: DatabaseErasures
    reviews: DatabaseReviews
    allow_list: DatabaseAllowList
    sweeps: DatabaseSweeps
    hints: DatabaseHints
    retrievals: DatabaseRetrievals
    signer: Ed25519Signer
    audit: DatabaseAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rag:
    """The chain, open: both ways through it, for every index there is.

    Attributes:
        intake_of, chain_of: each index is fed and asked with its own embedder.
        build: what an index of this model, glossed or not, would be built with today.
        current: the same in place of one that there is: a folder that somebody chose stays, otherwise the settings decide.
        default_model: what the settings name. chunking: what they say; an index that was begun with another table keeps it.
    """

    state: State
    indexes: Indexes
    intake_of: Callable[[IndexRecord], Intake]
    chain_of: Callable[[IndexRecord], Chain]
    build: Callable[[str, bool], Build]
    current: Callable[[Build], Build]
    default_model: str
    chunking: Chunking
    policy: RegoPolicy
    use_cases: dict[str, UseCase]
    warm: Callable[[], Awaitable[None]]
    """Loads what else the first text would wait for: Presidio and the embedding model, some seconds."""

    @property
    def ledger(self) -> DatabaseLedger:
        return self.state.ledger

    @property
    def intake(self) -> Intake:
        """Of the index that leads."""
        return self.intake_of(self.indexes.lead)

    @property
    def chain(self) -> Chain:
        """Over the index that leads. What serves asks `chain_for`."""
        return self.chain_of(self.indexes.lead)

    async def chain_for(self, recipe: Recipe) -> Chain:
        """Over the index that the recipe names, with that one's embedder."""
        return self.chain_of(await self.indexes.read_by(recipe.index_profile))

    @property
    def endpoints(self) -> tuple[str, ...]:
        """`class:model` in configuration order, for the recipe."""
        return tuple(f"{llm.endpoint_class}:{llm.model}" for llm in self.chain.llms)

    def prompt(self, use_case: str) -> Prompt:
        """As it stands in its file now; what is live is in the release."""
        from rag.use_cases import read_prompt

        return read_prompt(self.state.settings.use_cases, self.use_cases[use_case].prompt)

    def writer(self) -> EveryWriter:
        """The one writer, for the time of an `async with`. Raises `Temporary("ingest_running")` on entering."""
        return self.indexes.writer()

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
    database, keys = Database(settings.sqlalchemy_url), settings.home.resolve() / "keys"
    audit = DatabaseAudit(database, head_file=settings.home.resolve() / "audit.head")
    try:
        yield State(
            settings=settings,
            database=database,
            catalog=DatabaseCatalog(database),
            pauses=DatabasePauses(database),
            ledger=DatabaseLedger(database),
            library=DatabaseLibrary(database),
            erasures=DatabaseErasures(database),
            reviews=DatabaseReviews(database),
            allow_list=DatabaseAllowList(database, secret=SecretFile(keys / "allow-list.key").read),
            sweeps=DatabaseSweeps(database),
            hints=DatabaseHints(database),
            retrievals=DatabaseRetrievals(database),
            signer=Ed25519Signer(keys / "receipts.pem"),
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


def open_models(settings: Settings, pauses: Pauses, stack: AsyncExitStack) -> OpenModel:
    """The packaged model and folders of models; `ENDPOINT` is the one of the settings, closed with `stack`."""
    from rag.adapters.embedders.opening import ENDPOINT, Model, sentence_transformer

    local = sentence_transformer(settings.threads)
    if settings.embedder_url is None:
        return local
    remote = open_embedders(settings, pauses)
    stack.push_async_callback(remote.close)
    endpoint = Model(questions=remote.questions, ingest=remote.ingest)
    return lambda model: endpoint if model == ENDPOINT else local(model)


def _read_as(was: Build, made: Build) -> Build:
    """Who has read the texts of an index, nobody may have written down."""
    return made if was.parser else replace(made, parser="")


@asynccontextmanager
async def open_rag(
    settings: Settings, *, open_model: OpenModel | None = None, supposing: AllowEntry | None = None
) -> AsyncIterator[Rag]:
    """Everything, closed in reverse. Models are loaded when the first text needs them, or by `Rag.warm`.

    `open_model`: another source of embedding models than sentence-transformers. `supposing`: as if this version of an
    entry stood in the allow-list, to try it out.
    """
    # Imported here, because commands that open the state alone should not wait a second for them.
    from rag import keywords
    from rag.adapters.database.supposing import Supposing
    from rag.adapters.embedders.opening import ENDPOINT
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
    from rag.index_compose import begun_with, ensure_first_index, open_indexes
    from rag.ingest.chunk import CODE, revision, snapshot
    from rag.ingest.ingest import Intake
    from rag.use_cases import read_use_cases

    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(open_state(settings))
        policy = open_policy(settings)
        chunking = read_chunking(settings.chunking)
        allow_list: AllowList = state.allow_list if supposing is None else Supposing(state.allow_list, supposing)
        guard = PresidioGuard(
            policy, read_guard_settings(settings.policies / "dlp" / "recognizers.yaml"), allow_list=allow_list
        )
        most = settings.max_file_mb * 2**20
        landing = RoutedLanding(folders=FolderLanding(max_bytes=most), stores=StoreLanding(max_bytes=most))
        parser = IsolatedParser(
            timeout_s=settings.parse_timeout_s, memory_mb=settings.parse_memory_mb, children=settings.parse_children
        )
        stack.push_async_callback(parser.aclose)
        indexes = open_indexes(
            settings, state.catalog, open_model or open_models(settings, state.pauses, stack), state.library
        )
        stack.push_async_callback(indexes.close)
        entailment = CrossEncoderEntailment(settings.entailment) if settings.entailment else None
        remote = open_endpoints(settings.endpoints) if settings.endpoints else []
        for llm in remote:
            stack.push_async_callback(llm.aclose)

        def build(model: str, glossed: bool) -> Build:
            embedder = indexes.models.of(model, glossed=glossed).questions
            rules = chunking.readable(None, embedder.most_tokens)
            return Build(
                model=model, glossed=glossed, embedder=embedder.name, dimension=embedder.dimension,
                rules=revision(rules), cells=snapshot(rules), cutting=CODE, keywords=keywords.REVISION,
                parser=parser.revision,
            )  # fmt: skip

        default = ENDPOINT if settings.embedder_url is not None and open_model is None else ""

        def current(was: Build) -> Build:
            is_own = was.model not in {"", ENDPOINT} or was.model == default
            return _read_as(was, build(was.model, was.glossed) if is_own else build(default, not default))

        def intake_of(record: IndexRecord) -> Intake:
            return Intake(
                landing=landing, parser=parser, guard=guard, policy=policy,
                embedder=indexes.model(record.build).ingest, library=state.library, ledger=state.ledger,
                index_identity=indexes.opened(record).identity, erasures=state.erasures, reviews=state.reviews,
                signer=state.signer,
                chunking=chunking if record.build.cells == snapshot(chunking.of()) else begun_with(record),
                cutting=record.build.cutting, parsing=record.build.parser, allow_list=allow_list,
            )  # fmt: skip

        @cache
        def chain_of(record: IndexRecord) -> Chain:
            embedder = indexes.embedder(record.build)
            own = embedder if indexes.has_model(record.build) else indexes.models.of("", glossed=True).questions
            return Chain(
                guard=guard,
                embedder=embedder,
                index=indexes.opened(record).reader,
                policy=policy,
                llms=[*remote, ExtractiveLlm(embedder=own)],
                audit=state.audit,
                entailment=entailment,
                library=state.library,
            )

        async def warm() -> None:
            await guard.warm()
            for record in await indexes.records():
                if record.state is IndexState.ready:
                    await indexes.embedder(record.build).embed(["warm"])

        await ensure_first_index(settings, indexes, build(default, not default))
        yield Rag(
            state=state,
            indexes=indexes,
            intake_of=intake_of,
            chain_of=chain_of,
            build=build,
            current=current,
            default_model=default,
            chunking=chunking,
            policy=policy,
            use_cases=read_use_cases(settings.use_cases),
            warm=warm,
        )
