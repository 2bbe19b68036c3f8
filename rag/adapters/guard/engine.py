"""Builds the Presidio analyzer: its recognizers for numbers with check digits, and an operator's. Called by the detector.

Every recognizer sees every text whatever its language, because a German file quotes English mails. Presidio logs parts of the text on several levels (the IBAN recognizer, the
context enhancer), and a recognizer that runs out of time only says so in the log and skips; `_Muzzle` stops both.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, Pattern, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, NoOpNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    DeHealthInsuranceRecognizer,
    DeTaxIdRecognizer,
    IbanRecognizer,
)

from rag.adapters.guard.spans import Span

LANGUAGE = "xx"
"""Presidio wants a language; ours is all of them."""


def build_engine(extra: Sequence[EntityRecognizer] = ()) -> AnalyzerEngine:
    """`extra`: an operator's own, for the language `xx`."""
    theirs = [
        _Iban(supported_language=LANGUAGE),
        _CreditCard(supported_language=LANGUAGE),
        _TaxId(supported_language=LANGUAGE),
        _HealthInsurance(supported_language=LANGUAGE),
    ]
    registry = RecognizerRegistry(recognizers=[*theirs, *extra], supported_languages=[LANGUAGE])
    engine = AnalyzerEngine(
        registry=registry,
        nlp_engine=NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": ""}]),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=NearbyWords(),
    )
    _muzzle()
    return engine


def spans_of(engine: AnalyzerEngine, text: str) -> list[Span]:
    """Everything that any recognizer believes, however weakly."""
    results = engine.analyze(text, language=LANGUAGE, score_threshold=0.0, return_decision_process=False)
    return [Span(r.entity_type, r.start, r.end, float(r.score), _name(r)) for r in results if r.start < r.end]


def _name(result: RecognizerResult) -> str:
    metadata = result.recognition_metadata or {}
    return f"presidio.{str(metadata.get(RecognizerResult.RECOGNIZER_NAME_KEY, '?')).strip('_')}"


class NearbyWords(ContextAwareEnhancer):
    """Raises the score of a number if one of its recognizer's context words stands before it in the same line.

    Presidio's own enhancer needs tokens, scans all of them per result, and logs the words around a finding.
    """

    _REACH = 60

    def __init__(self) -> None:
        super().__init__(
            context_similarity_factor=0.35,
            min_score_with_context_similarity=0.6,
            context_prefix_count=0,
            context_suffix_count=0,
        )

    def enhance_using_context(
        self, text: str, raw_results: list[RecognizerResult], nlp_artifacts: NlpArtifacts,  # noqa: ARG002
        recognizers: list[EntityRecognizer], context: list[str] | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:  # fmt: skip
        wanted = {recognizer.id: recognizer.context for recognizer in recognizers if recognizer.context}
        for result in raw_results:
            words = wanted.get((result.recognition_metadata or {}).get(RecognizerResult.RECOGNIZER_IDENTIFIER_KEY))
            if not words:
                continue
            before = text[max(0, result.start - self._REACH) : result.start].rpartition("\n")[2].lower()
            if any(word in before for word in words):
                raised = max(result.score + self.context_similarity_factor, self.min_score_with_context_similarity)
                result.score = min(self.MAX_SCORE, raised)
        return raw_results


class _Muzzle(logging.Filter):
    """Nothing of Presidio's passes: it logs text. A warning means that something was skipped: an error here."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            raise RuntimeError("a recognizer skipped something")
        return False


def _muzzle() -> None:
    logger = logging.getLogger("presidio-analyzer")
    if not any(isinstance(f, _Muzzle) for f in logger.filters):
        logger.addFilter(_Muzzle())


class _Iban(IbanRecognizer):
    """Also over a line break, as PDFs have them. The check digits decide."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: Any = None, regex_flags: Any = None
    ) -> list[RecognizerResult]:
        found: list[RecognizerResult] = super().analyze(text.replace("\n", " "), entities, nlp_artifacts, regex_flags)
        return found


class _CreditCard(CreditCardRecognizer):
    """Without the 13 and 14 digits of article numbers (EAN), a tenth of which pass the check."""

    def invalidate_result(self, pattern_text: str) -> bool:
        return sum(c.isdigit() for c in pattern_text) < 15


class _TaxId(DeTaxIdRecognizer):
    """Also grouped as people write it, and by the stricter rule: of the first ten digits exactly one repeats."""

    def __init__(self, *, supported_language: str) -> None:
        grouped = Pattern("grouped", r"(?<![\w.,-])[1-9]\d(?:[ ]?\d{3}){3}(?![\w-])(?![.,]\d)", 0.5)
        super().__init__(patterns=[grouped], supported_language=supported_language)

    def validate_result(self, pattern_text: str) -> bool | None:
        digits = re.sub(r"\D", "", pattern_text)
        repeated = [n for n in Counter(digits[:10]).values() if n > 1]
        passed: bool | None = super().validate_result(digits)
        return passed if len(repeated) == 1 and repeated[0] in {2, 3} else False


class _OnlyWithContext:
    """Check digits that a tenth of all part numbers pass: the low score stays until a word supports it."""

    def validate_result(self, pattern_text: str) -> bool | None:
        passed: bool | None = super().validate_result(pattern_text)  # type: ignore[misc]  # a mixin over recognizers
        return False if passed is False else None


class _HealthInsurance(_OnlyWithContext, DeHealthInsuranceRecognizer):
    def __init__(self, *, supported_language: str) -> None:
        short = {"aok", "tkk", "dak", "egk", "gkv"}  # also inside other words
        context = [
            *(c for c in DeHealthInsuranceRecognizer.CONTEXT if c not in short),
            "versicherten-nr",
            "vers.-nr",
            "kv-nr",
        ]
        super().__init__(context=context, supported_language=supported_language)
