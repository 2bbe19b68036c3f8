"""How much of what others have marked does the guard find, beside Presidio on the same texts, in the same run?

`python -m benchmarks.guard.quality`, on the public sets below BELEG_DATA: Presidio's own English synthetic texts, and German
clinical letters (GraSCCo-PHI). Counted in characters, as they are masked; whatever type they are masked under. The baseline is
Presidio with its German and general patterns, the words of a blank spaCy pipeline and no model. Both
sets are only looked at: nothing of the guard may be fitted to them.

"Asked for": what an organisation wants masked; towns, hospitals, dates without birth, ages, titles and professions count for
nobody there. "All": every mark of the set counts.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.guard.speed import baseline, blank_words
from benchmarks.report import write_table
from lifecycle.dlp_scores import DlpScores, score
from lifecycle.marked import NEITHER, Mark, MarkedText
from rag.adapters.guard.detector import Detector
from rag.adapters.guard.settings import GuardSettings
from rag.adapters.guard.spans import Span, settle
from rag.types import Finding

_SILENT = frozenset({
    "DATE", "DATE_TIME", "AGE", "TITLE", "NAME_TITLE", "PROFESSION", "ORGANIZATION", "DOMAIN_NAME", "LOCATION_CITY",
    "LOCATION_HOSPITAL", "LOCATION_ORGANIZATION",
})  # fmt: skip
"""Types of the sets that nobody asks the guard for."""
_NAMES = {"NAME_PATIENT": "PERSON", "NAME_DOCTOR": "PERSON", "NAME_RELATIVE": "PERSON", "NAME_EXT": "PERSON"}


def main() -> None:
    folder = Path(os.environ.get("BELEG_DATA", "../shared/data")) / "pii"
    if not folder.is_dir():
        sys.exit(f"The public sets are not at {folder}; set BELEG_DATA to the folder that holds pii/.")
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    detector = Detector(GuardSettings())
    engine = baseline(blank_words())

    def theirs(text: str) -> Sequence[Finding]:
        found = engine.analyze(text, language="de")
        return settle(Span(r.entity_type, r.start, r.end, float(r.score), "presidio") for r in found if r.start < r.end)

    def ours(text: str) -> Sequence[Finding]:
        return detector.detect(text).findings

    rows: list[dict[str, object]] = []
    for name, texts in (("English, synthetic", english(folder)), ("German, clinical letters", german(folder))):
        for scope, marked in (("asked for", [_asked(text) for text in texts]), ("all", texts)):
            for who, look in (("Presidio, no model", theirs), ("guard", ours)):
                rows.append(_row(name, scope, who, marked, look))
    write_table("guard_quality", rows, note=__doc__ or "")


def english(folder: Path) -> list[MarkedText]:
    read = json.loads((folder / "presidio_generated_small.json").read_text(encoding="utf-8"))
    return [
        _text(f"en-{at}", "en", one["full_text"], ((s["start_position"], s["end_position"], s["entity_type"]) for s in one["spans"]))
        for at, one in enumerate(read)
    ]  # fmt: skip


def german(folder: Path) -> list[MarkedText]:
    lines = (folder / "grascco_phi_dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        _text(one["id"], "de", one["text"], ((s["start"], s["end"], s["label"]) for s in one["spans"]))
        for one in map(json.loads, lines)
    ]  # fmt: skip


def _text(name: str, language: str, text: str, spans: Iterable[tuple[int, int, str]]) -> MarkedText:
    marks = tuple(Mark(start=a, end=b, entity=_NAMES.get(label, label)) for a, b, label in sorted(spans))
    return MarkedText(id=name, text=text, marks=marks, language=language, split="test")


def _asked(text: MarkedText) -> MarkedText:
    return replace(
        text, marks=tuple(replace(m, entity=NEITHER) if m.entity in _SILENT else m for m in text.marks)
    )  # fmt: skip


def _row(
    name: str, scope: str, who: str, texts: Sequence[MarkedText], look: Callable[[str], Sequence[Finding]]
) -> dict[str, object]:
    scores = score(texts, [look(text.text) for text in texts])
    return {
        "set": f"{name} ({scores.texts})", "counted": scope, "who": who, **_shares(scores),
        "recall of names": _share(scores, "PERSON"), "of streets, places": _share(scores, "LOCATION_STREET", "LOCATION"),
        "clean sentences touched": f"{scores.false_positives or 0:.1%} of {scores.clean}",
    }  # fmt: skip


def _shares(scores: DlpScores) -> Mapping[str, object]:
    whole = scores.overall
    return {
        "precision": f"{whole.precision or 0:.3f}",
        "recall": f"{whole.recall or 0:.3f}",
        "F2": f"{whole.f2 or 0:.3f}",
    }


def _share(scores: DlpScores, *types: str) -> str:
    found = [scores.by_type[one].recall for one in types if one in scores.by_type]
    return next((f"{recall:.3f}" for recall in found if recall is not None), "")


if __name__ == "__main__":
    main()
