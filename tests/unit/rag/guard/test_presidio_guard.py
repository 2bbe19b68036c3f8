"""The guard as a whole: it decides by policy, fails closed, and tells nobody what it read."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from guards import CONTEXT, POLICIES, policy, presidio_guard, screened

from rag.adapters.guard.presidio import PresidioGuard
from rag.adapters.guard.settings import GuardSettings, read_guard_settings
from rag.errors import Permanent, Refused
from rag.types import Action, Decision, Direction, IngestDecision, Route

SECRET = "Frau Katharina Lindemann, katharina.lindemann@posteo.example, IBAN DE89 3704 0044 0532 0130 00, Tel. 0761/445512-12"
LETTER = """Wir berichten über Frau Hildegard Brenner, geb. 17.08.1951, Rosenweg 8, 79115 Freiburg.
Diagnosen: I10.00 Essentielle Hypertonie, E11.90 Diabetes mellitus. Medikation: Ramipril 5 mg 1-0-0."""


class BrokenPolicy:
    """Dies of its input, and says it."""

    revision = screening_revision = ingest_revision = "broken"

    def screen(self, facts: Mapping[str, object]) -> Decision:
        raise ValueError(f"cannot decide on {facts}")

    def ingest(self, facts: Mapping[str, object]) -> IngestDecision:
        raise NotImplementedError

    def route(self, facts: Mapping[str, object]) -> Route:
        raise NotImplementedError


def dying_recognizer(*, after: int = 0) -> object:
    """Works for some texts, then dies with the text in its mouth."""
    from presidio_analyzer import EntityRecognizer

    class Dying(EntityRecognizer):  # type: ignore[misc]
        left = after

        def load(self) -> None: ...

        def analyze(self, text: str, entities: object, nlp_artifacts: object) -> list[object]:
            self.left -= 1
            if self.left < 0:
                raise RuntimeError(f"died of {text}")
            return []

    return Dying(supported_entities=["X"], supported_language="xx")


async def test_patient_data_is_blocked() -> None:
    """Names with diagnoses are blocked by the hard rule, and only counts remain."""
    result = await screened(LETTER)
    assert (result.text, result.decision.action) == ("", Action.block)
    assert result.decision.rule == "dlp.pii_with_medical_terms"
    assert result.counts["PERSON"] == 1
    assert result.medical_categories >= {"diagnosis", "icd10", "medication"}


async def test_a_manual_with_a_contact_is_only_masked() -> None:
    """Care words beside a person do not quarantine a manual."""
    manual = "Der Patient liegt in der Klinik auf dem Tisch. Diagnose und Therapie stellt der Arzt. Fragen an Frau Eva Schulz."
    result = await screened(manual * 20)
    assert result.decision.rule == "dlp.pii"
    assert "Schulz" not in result.text


async def test_medical_text_without_a_person_passes() -> None:
    """A guideline may speak of diseases."""
    text = "Diabetes mellitus (ICD-10: E11.90) wird mit Metformin 1000 mg 1-0-1 behandelt."
    assert (await screened(text)).text == text


async def test_a_dense_case_without_a_name_is_blocked() -> None:
    """A nameless case history can be recognised all the same."""
    case = "Die 67-jährige Patientin wurde am 12. März 2026 mit Fieber, Husten und Atemnot aufgenommen. " * 5
    assert (await screened(case)).decision.rule == "dlp.dense_medical_with_features"


@pytest.mark.parametrize("survived", [0, 3])
async def test_a_dying_detector_lets_nothing_pass(survived: int, caplog: pytest.LogCaptureFixture) -> None:
    """A detector that dies, also after having worked, means refusal; its text is in no error, cause or log."""
    guard = PresidioGuard(policy(), recognizers=[dying_recognizer(after=survived)])  # type: ignore[list-item]
    with caplog.at_level(logging.DEBUG):
        for _ in range(survived):
            await guard.screen(SECRET, direction=Direction.output, context=CONTEXT)
        with pytest.raises(Refused) as caught:
            await guard.screen(SECRET, direction=Direction.output, context=CONTEXT)
    assert caught.value.code == "guard_unavailable"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "Lindemann" not in str(caught.value) + caplog.text


async def test_a_dying_policy_lets_nothing_pass() -> None:
    """No decision means no."""
    with pytest.raises(Refused, match="could not check"):
        await PresidioGuard(BrokenPolicy()).screen("Hallo", direction=Direction.input, context=CONTEXT)


async def test_a_recognizer_that_skips_is_a_failure() -> None:
    """Presidio only logs when a pattern ran out of time; here that refuses the text."""
    await presidio_guard().warm()
    with pytest.raises(RuntimeError, match="skipped"):
        logging.getLogger("presidio-analyzer").warning("Regex pattern '%s' timed out, skipping.", "x")


async def test_a_text_that_takes_too_long_is_refused() -> None:
    """The caller does not wait for ever."""
    guard = PresidioGuard(policy(), GuardSettings(timeout_s=0.001))
    with pytest.raises(Refused):
        await guard.screen(SECRET * 2000, direction=Direction.ingest, context=CONTEXT)


async def test_no_text_in_any_log(caplog: pytest.LogCaptureFixture) -> None:
    """Also at DEBUG, logs tell types, counts, action and rule."""
    with caplog.at_level(logging.DEBUG):
        await screened(SECRET)
        await screened(LETTER)
    for record in caplog.records:
        told = record.getMessage() + repr(record.__dict__)
        for canary in ("Lindemann", "posteo", "3704", "445512", "Brenner", "Hypertonie", "Rosenweg"):
            assert canary not in told
    record = next(r for r in caplog.records if r.message == "guard.screened")
    assert record.__dict__["counts"] == {"EMAIL_ADDRESS": 1, "IBAN_CODE": 1, "PERSON": 1, "PHONE_NUMBER": 1}


async def test_long_texts_are_read_to_the_end() -> None:
    """What stands behind 300,000 characters is found."""
    text = "Die Zentrifuge läuft ruhig und wird jährlich geprüft. " * 6000 + "Frau Katharina Lindemann prüft."
    result = await screened(text)
    assert result.text.endswith("Frau <PERSON> prüft.")


def test_the_revision_names_everything_that_decides() -> None:
    """Settings and DLP policy change it; the same guard names itself alike in another process."""
    guard = presidio_guard(GuardSettings())
    assert presidio_guard(GuardSettings(threshold=0.6)).revision != guard.revision
    assert guard.revision.endswith(policy().screening_revision)
    code = (
        "from pathlib import Path; from rag.adapters.guard.presidio import PresidioGuard as G;"
        f"from rag.adapters.policy.rego import RegoPolicy as P; print(G(P(Path({str(POLICIES)!r}))).revision)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == guard.revision


def test_shipped_recognizers_are_valid() -> None:
    """The file beside the policy is read, and an absent one means the defaults."""
    assert read_guard_settings(POLICIES / "dlp" / "recognizers.yaml").numbers
    assert read_guard_settings(Path("nowhere.yaml")) == GuardSettings()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("allow: [", "line 1"),
        ("threshold: 7", "threshold"),
        ("tresholds: {}", "tresholds"),
        ("numbers: [{entity: X, shape: '('}]", "regular expression"),
        ("numbers: [{entity: X, shape: 'a*'}]", "empty text"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, content: str, said: str) -> None:
    """A misspelt field or a broken pattern is refused at the start, not ignored."""
    file = tmp_path / "recognizers.yaml"
    file.write_text(content)
    with pytest.raises(Permanent, match=said) as caught:
        read_guard_settings(file)
    assert caught.value.code == "guard_invalid"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("word", ["Dr. ", "Herr ", "A.", "B.Sc.", "Str.", "Anna von ", "+49 "])
async def test_a_word_repeated_without_end_does_not_stop_it(word: str) -> None:
    """The longest conversation that is let in, made of one word: read once, not once from each of its words."""
    assert (await screened(word * (60_000 // len(word)), Direction.input)).decision.action is not None
