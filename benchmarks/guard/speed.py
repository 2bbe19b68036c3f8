"""How much faster than Presidio's `AnalyzerEngine` is the guard, on the same text, in the same run?

`python -m benchmarks.guard.speed`: the baseline is Presidio with its patterns alone and German recognizers switched on; once
as it is meant to be, with the words of a blank spaCy pipeline, which its context words need, and once without. The guard is ours as it stands before the policy: recognizers, names, tables, and the medical layer, which the
baseline does not have. Processor time, in turns. Text: the samples.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
from presidio_analyzer.nlp_engine import NlpEngine, NoOpNlpEngine, SpacyNlpEngine

from benchmarks.report import write_table
from rag.adapters.guard.detector import Detector
from rag.adapters.guard.settings import GuardSettings

_GENERAL = (
    "CreditCardRecognizer", "CryptoRecognizer", "DateRecognizer", "EmailRecognizer", "IbanRecognizer", "IpRecognizer",
    "MacAddressRecognizer", "MedicalLicenseRecognizer", "PhoneRecognizer", "UrlRecognizer",
)  # fmt: skip
_SIZES = (300, 1_000, 4_000, 16_000)
_CHARACTERS = 64_000
"""Of each size, in a round."""
_LANGUAGE = "de"


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds for a text: the median and the 99th percentile."""

    p50: float
    p99: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    without = NoOpNlpEngine(models=[{"lang_code": _LANGUAGE, "model_name": ""}])
    engines, guard = (baseline(blank_words()), baseline(without)), ours()
    rows: list[dict[str, object]] = []
    for size in _SIZES:
        texts = cuts(size)
        looks = [partial(engine.analyze, language=_LANGUAGE) for engine in engines]
        words, none, mine = in_turn(texts, rounds, (*looks, guard))
        rows.append({
            "characters": size, "Presidio p50 ms": round(words.p50, 2), "without words": round(none.p50, 2),
            "guard p50 ms": round(mine.p50, 2), "guard p99 ms": round(mine.p99, 2),
            "times faster": f"{words.p50 / mine.p50:.1f} ({none.p50 / mine.p50:.1f})",
        })  # fmt: skip
    count = len(list(engines[0].registry.recognizers))
    write_table("guard_speed", rows, note=f"{__doc__}\nBaseline: {count} recognizers. Rounds: {rounds}.")


def blank_words() -> NlpEngine:
    """What Presidio's context words need, without a model."""
    words = SpacyNlpEngine(models=[{"lang_code": _LANGUAGE, "model_name": "blank"}])
    words.nlp = {_LANGUAGE: spacy.blank(_LANGUAGE)}  # type: ignore[assignment]  # declared as None, filled by `load`
    return words


def baseline(words: NlpEngine) -> AnalyzerEngine:
    """Presidio as it is: every German recognizer and the general ones. Public suffixes as packaged, none fetched."""
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # type: ignore[assignment]  # called alike
    german = [n for n in dir(predefined_recognizers) if n.startswith("De") and n.endswith("Recognizer")]
    made = [getattr(predefined_recognizers, name)(supported_language=_LANGUAGE) for name in (*german, *_GENERAL)]
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=made, supported_languages=[_LANGUAGE]),
        nlp_engine=words,
        supported_languages=[_LANGUAGE],
    )


def ours() -> Callable[[str], object]:
    """Everything of the guard but the policy."""
    detector = Detector(GuardSettings())
    detector.warm()
    return detector.detect


def cuts(size: int) -> list[str]:
    """Pieces of the samples, all of them different as long as there is text."""
    files = sorted(p for p in Path("samples/landing-zone").rglob("*") if p.suffix in {".md", ".txt", ".csv", ".eml"})
    text = "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in files)
    text *= _CHARACTERS // len(text) + 1
    return [text[at : at + size] for at in range(0, _CHARACTERS, size)]


def in_turn(texts: list[str], rounds: int, looks: Sequence[Callable[[str], object]]) -> list[Pace]:
    """All on every text, one after the other; the first text is not counted."""
    taken: list[list[float]] = [[] for _ in looks]
    for _ in range(rounds):
        for number, text in enumerate(texts):
            for seconds, look in zip(taken, looks, strict=True):
                began = time.process_time()
                look(text)
                if number:
                    seconds.append(time.process_time() - began)
    return [_pace(seconds) for seconds in taken]


def _pace(seconds: list[float]) -> Pace:
    return Pace(p50=statistics.median(seconds) * 1e3, p99=sorted(seconds)[int(len(seconds) * 0.99)] * 1e3)


if __name__ == "__main__":
    main()
