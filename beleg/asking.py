"""A question from the terminal → its answer, and what may be missing when there is none. Called by `beleg ask`."""

from __future__ import annotations

from uuid import uuid4

from beleg.home import here
from beleg.use_cases import require_use_case
from lifecycle.compose import open_lifecycle
from rag.answer.answer import answer
from rag.as_of import instant_of
from rag.compose import Rag, open_rag
from rag.errors import Permanent
from rag.types import Answer, Classification, Outcome, Principal, Question, Turn, now


async def ask_chain(
    text: str, *, tenant: str, clearance: str, groups: list[str], use_case: str, as_of: str | None = None
) -> tuple[Answer, str | None]:
    """The answer, and a hint for who set the instance up. Raises `Permanent` for an empty question, as the chain does,
    and for an `as_of` that is no instant.
    """
    settings = here()
    if not text.strip():
        raise Permanent("empty_question", "The question is empty.", hint="Put it in quotes after `beleg ask`.")
    require_use_case(use_case, settings)
    at = now()
    then = None if as_of is None else instant_of(as_of, now=at)
    asker = Principal(
        subject="cli", tenant=tenant, groups=frozenset(groups), clearance=Classification[clearance],
    )  # fmt: skip
    async with open_rag(settings) as rag, open_lifecycle(rag) as house:
        question = Question(
            id=f"req_{uuid4().hex}", asker=asker, use_case=rag.use_cases[use_case],
            turns=(Turn(role="user", content=text),), at=at, as_of=then,
        )  # fmt: skip
        live = await house.releases.live(use_case)
        async for part in answer(question, live=live, chain=await rag.chain_for(live.recipe)):
            if isinstance(part, Answer):
                return part, await _hint(part, asker, rag)
    raise AssertionError("the chain ended without an answer")


async def _hint(given: Answer, asker: Principal, rag: Rag) -> str | None:
    """Why nothing could be found, as far as zones tell it."""
    if given.outcome is not Outcome.not_answered:
        return None
    zones = await rag.ledger.zones()
    if not zones:
        return "There is no zone yet: `beleg zone add DIR`, then `beleg ingest`."
    if rag.chain.index.generation is None:
        return "Nothing is ingested yet: `beleg ingest`."
    own = [zone for zone in zones if zone.tenant == asker.tenant]
    if not own:
        return f"No zone belongs to the tenant {asker.tenant}: use --tenant {' or '.join(sorted({z.tenant for z in zones}))}."
    above = sorted(zone.name for zone in own if zone.classification > asker.clearance)
    return f"Not asked, being above the clearance {asker.clearance.name}: {', '.join(above)}." if above else None
