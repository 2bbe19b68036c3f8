"""Scores of every question against every paragraph, and what they are worth. Baselines are written out here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import qdrant_edge as qdrant
from numpy.typing import NDArray

from rag import keywords
from rag.adapters.index.statistics import TermCounter
from rag.types import Access, Classification, now

Scores = NDArray[np.float64]
"""Shape `(questions, paragraphs)`; higher is better, `-inf` is not found."""

_SNOWBALL = {"de": "german", "en": "english"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Means over questions."""

    hit_1: float
    hit_5: float
    mrr_10: float
    questions: int


def ranks(scores: Scores, gold: Sequence[int]) -> NDArray[np.int64]:
    """1-based rank of each question's paragraph; ties count against it, what was not found ranks last."""
    own = scores[np.arange(len(gold)), list(gold)][:, None]
    better = (scores >= own).sum(axis=1)
    return np.asarray(np.where(np.isneginf(own[:, 0]), scores.shape[1], better), dtype=np.int64)


def quality(ranked: NDArray[np.int64]) -> Quality:
    return Quality(
        hit_1=float((ranked <= 1).mean()),
        hit_5=float((ranked <= 5).mean()),
        mrr_10=float(np.where(ranked <= 10, 1.0 / ranked, 0.0).mean()),
        questions=len(ranked),
    )


def bm25_plain(paragraphs: Sequence[str], questions: Sequence[str], language: str) -> Scores:
    """The engine's own BM25: its tokeniser, stopwords and Snowball stemmer; its IDF formula."""
    model = qdrant.Bm25(qdrant.Bm25Config(language=_SNOWBALL[language]))
    documents = [dict(zip(v.indices, v.values, strict=True)) for v in map(model.embed_document, paragraphs)]
    frequency: dict[int, int] = {}
    for document in documents:
        for term in document:
            frequency[term] = frequency.get(term, 0) + 1
    idf = {term: float(np.log1p((len(documents) - count + 0.5) / (count + 0.5))) for term, count in frequency.items()}
    queries = [{term: idf.get(term, 0.0) for term in model.embed_query(question).indices} for question in questions]
    return _products(queries, documents)


def bm25_ours(paragraphs: Sequence[str], questions: Sequence[str], language: str) -> Scores:
    """Our terms (compounds, roots, codes), our statistics."""
    documents = [keywords.document_vector(paragraph, "", language) for paragraph in paragraphs]
    counter = TermCounter()
    for document in documents:
        counter.add(Classification.public, "benchmark", document)
    scope = counter.statistics().scope(everything())
    return _products([keywords.query(keywords.asked_words(q, language), scope).weights for q in questions], documents)


def _products(queries: Sequence[Mapping[int, float]], documents: Sequence[dict[int, float]]) -> Scores:
    scores = np.zeros((len(queries), len(documents)))
    postings: dict[int, list[tuple[int, float]]] = {}
    for number, document in enumerate(documents):
        for term, weight in document.items():
            postings.setdefault(term, []).append((number, weight))
    for row, query in enumerate(queries):
        for term, weight in query.items():
            for number, stored in postings.get(term, ()):
                scores[row, number] += weight * stored
    scores[scores == 0.0] = -np.inf
    return scores


def only_best(scores: Scores, prefetch: int) -> Scores:
    """What a side hands to a fusion: its best candidates, the rest not found."""
    kept = np.full_like(scores, -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :prefetch]
    np.put_along_axis(kept, best, np.take_along_axis(scores, best, axis=1), axis=1)
    return kept


def reciprocal_ranks(sides: Sequence[Scores], *, k: int) -> Scores:
    """RRF."""
    total = np.zeros_like(sides[0])
    for side in sides:
        order = np.argsort(np.argsort(-side, axis=1, kind="stable"), axis=1, kind="stable") + 1
        total += np.where(np.isneginf(side), 0.0, 1.0 / (k + order))
    return np.where(total > 0, total, -np.inf)


def distribution_based(sides: Sequence[Scores]) -> Scores:
    """DBSF: each side scaled to mean ± 3 standard deviations of what it found, then added."""
    total = np.zeros_like(sides[0])
    for side in sides:
        found = np.isfinite(side)
        safe = np.where(found, side, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a side that found nothing, or one thing only
            mean, spread = np.nanmean(safe, axis=1, keepdims=True), np.nanstd(safe, axis=1, keepdims=True, ddof=1)
        low, high = mean - 3 * spread, mean + 3 * spread
        scaled = np.where(high > low, (safe - low) / np.where(high > low, high - low, 1.0), 0.5)
        total += np.where(found, scaled, 0.0)
    return np.where(total > 0, total, -np.inf)


def everything() -> Access:
    """An asker who may read the whole benchmark."""
    return Access(
        tenant="benchmark", business_units=frozenset(), groups=frozenset(), clearance=Classification.public,
        zones=None, at=now(),
    )  # fmt: skip
