"""Findings and labels → what becomes of a document, by the ingest policy. Called by `clear()`.

DLP has spoken before and is the floor: what it blocks stays out unless a steward has released it, what it masks stays
masked. The ingest policy can only be stricter, and a classification only rises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from rag.errors import HeldBack, Temporary
from rag.ports import Policy
from rag.types import Action, Classification, Decision, IngestAction, IngestDecision, Labels, Parsed, Raised, Screened

NO_VERDICT = "policy."
"""How rules begin that stand for an engine that failed, was late or said nothing: no word about the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """How a document goes in: `decision` allows or redacts."""

    decision: Decision
    classification: Classification
    raised: Raised | None


def facts_of(screened: Screened, text: str, parsed: Parsed, *, language: str) -> dict[str, object]:
    """What `policies/ingest` decides on: types and numbers, never text. `text`: what was screened."""
    labels = parsed.document.labels
    masked = sum(finding.end - finding.start for finding in screened.findings)
    return {
        "floor": screened.decision.action.value,
        "findings": _summed(screened, text),
        "masked_share": masked / max(1, len(text)),
        "words": len(text.split()),
        "medical": {"density": screened.medical_density, "categories": sorted(screened.medical_categories)},
        "tenant": labels.tenant,
        "business_unit": labels.business_unit,
        "classification": labels.classification.name,
        "zone": parsed.document.zone,
        "media_type": parsed.media_type,
        "language": language,
    }


def _summed(screened: Screened, text: str) -> dict[str, dict[str, float]]:
    """Per type: how many, how many different ones, and the highest score. A footer on each page is one account."""
    values: dict[str, list[str]] = {}
    scores: dict[str, float] = {}
    for finding in screened.findings:
        value = "".join(text[finding.start : finding.end].split()).casefold()
        values.setdefault(finding.entity, []).append(value)
        scores[finding.entity] = max(finding.score, scores.get(finding.entity, 0.0))
    return {
        entity: {"count": len(found), "distinct": len(set(found)), "score": scores[entity]}
        for entity, found in sorted(values.items())
    }


async def admit(
    facts: Mapping[str, object], *, floor: Decision, labels: Labels, policy: Policy, is_released: bool
) -> Admitted:
    """Raises `HeldBack` if the policy does, with its rule; `Temporary` if it has no verdict.

    `is_released`: a steward lets this version in, whatever either policy says; everything that was found is masked, and
    the classification rises all the same.
    """
    decided = await asyncio.to_thread(policy.ingest, facts)
    if decided.rule.startswith(NO_VERDICT):
        raise no_verdict(decided.reason)
    if decided.action is IngestAction.quarantine and not is_released:
        message = f"The policy does not let this file in. {decided.reason} Rule: {decided.rule}."
        hint = "Somebody has to look at it: `beleg review list`."
        raise HeldBack("blocked_by_policy", message, hint=hint, counts={})
    after = max(labels.classification, decided.classification or labels.classification)
    before = labels.classification
    raised = None if after == before else Raised(before=before, rule=decided.rule, reason=decided.reason)
    return Admitted(decision=_masking(floor, decided), classification=after, raised=raised)


def no_verdict(reason: str) -> Temporary:
    """A hiccup of ours must not take a good document out of the index."""
    return Temporary("policy_unavailable", "The policy engine gave no verdict, so the file waits.", hint=reason)


def _masking(floor: Decision, decided: IngestDecision) -> Decision:
    """Whether anything is masked, and by whose word. A document that either policy had kept out is masked."""
    if floor.action is Action.block or decided.action is IngestAction.quarantine:
        rule = floor.rule if floor.action is Action.block else decided.rule
        said = f"A steward released what {rule} had held back."
        return Decision(action=Action.redact, rule="review.released", reason=said, revision=floor.revision)
    if floor.action is Action.allow and decided.action is not IngestAction.index:
        return Decision(action=Action.redact, rule=decided.rule, reason=decided.reason, revision=decided.revision)
    return floor
