"""Citations → the same with a model's opinion whether the quote entails the claim. Called by `answer()` at its end.

Reported beside the deterministic support, never in its place. A model that cannot be asked leaves it unknown: `None`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from rag.errors import BelegError
from rag.ports import Entailment
from rag.types import Citation

log = logging.getLogger(__name__)


async def entailed(text: str, citations: Sequence[Citation], *, entailment: Entailment) -> tuple[Citation, ...]:
    """`text` of the answer, of which each citation names the span of its claim."""
    pairs = [(citation.quote, text[citation.start : citation.end]) for citation in citations]
    try:
        scores = await entailment.probabilities(pairs)
    except BelegError as error:
        log.warning("entailment.unavailable", extra={"code": error.code})
        return tuple(citations)
    return tuple(replace(c, entailment=score) for c, score in zip(citations, scores, strict=True))
