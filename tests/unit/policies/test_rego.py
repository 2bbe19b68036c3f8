"""Every Rego test rule is a test of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.adapters.policy.rego_tests import TestResult, run_tests

POLICIES = Path(__file__).resolve().parents[3] / "policies"


@pytest.mark.parametrize("result", run_tests(POLICIES), ids=lambda r: f"{r.package}.{r.name}")
def test_rule(result: TestResult) -> None:
    """The policy keeps what its test beside it promises."""
    assert result.passed, f"{result.file}:{result.line} {result.name}: {result.why}"


def test_a_failing_rule_is_reported(tmp_path: Path) -> None:
    """A rule that is false, undefined or an error fails, and says where it stands."""
    (tmp_path / "x.rego").write_text('package x\n\nimport rego.v1\n\nallow if input.user == "root"\n')
    (tmp_path / "x_test.rego").write_text(
        "package x_test\n\nimport rego.v1\n\nimport data.x\n\ntest_good if not x.allow\n\ntest_undefined if x.allow\n\n"
        'test_false := false\n\ntest_error if startswith(1, "a")\n'
    )
    found = {r.name: (r.passed, r.line, r.why) for r in run_tests(tmp_path)}
    assert found == {
        "test_good": (True, 7, ""),
        "test_undefined": (False, 9, "undefined, false or not a boolean"),
        "test_false": (False, 11, "undefined, false or not a boolean"),
        "test_error": (False, 13, "error"),
    }


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("dlp/dlp.rego", "\tfacts.has_medical_terms\n", "\tnot facts.has_medical_terms\n"),
        ("dlp/dlp.rego", "\tfacts.has_pii == (count(facts.pii_types) > 0)\n", ""),
        ("dlp/dlp.rego", '"action": "redact"', '"action": "allow"'),
        (
            "ingest/ingest.rego",
            '\tis_below(facts, "internal", settings)\n\tdifferent(facts, settings.persons) > 0\n',
            "",
        ),
        ("ingest/ingest.rego", "\tfacts.masked_share >= settings.mostly_personal_share\n", ""),
        ("ingest/ingest.rego", "\t\tfound.count >= found.distinct\n", ""),
        ("ingest/ingest.rego", '"action": "redact"', '"action": "index"'),
        (
            "ingest/ingest.rego",
            '"action": "quarantine",\n\t"classification": "confidential"',
            '"action": "redact",\n\t"classification": null',
        ),
        ("routing/routing.rego", '\tasked.data_sensitivity in {"public", "internal"}\n', ""),
        ("routing/routing.rego", "\tnot asked.usecase_class in settings.in_house_use_cases\n", ""),
        ("routing/routing.rego", "\tis_named(asked.user_role)\n", ""),
    ],
)
def test_a_weakened_policy_fails_its_tests(tmp_path: Path, file: str, old: str, new: str) -> None:
    """Loosening a rule is noticed by the Rego tests beside it."""
    for path in POLICIES.rglob("*"):
        if path.suffix in {".rego", ".json"}:
            target = tmp_path / path.relative_to(POLICIES)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text())
    source = (tmp_path / file).read_text()
    assert old in source
    (tmp_path / file).write_text(source.replace(old, new, 1))
    assert not all(result.passed for result in run_tests(tmp_path))
