"""Rego in process: anything but a clear yes is a no, and a broken change leaves the last good policy."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rag.adapters.policy.rego import RegoPolicy
from rag.errors import Permanent
from rag.types import Action, Classification, IngestAction, IngestDecision

POLICIES = Path(__file__).resolve().parents[4] / "policies"
FINDINGS: dict[str, object] = {
    "direction": "input", "has_pii": True, "pii_types": ["PERSON"], "pii_confidence": 0.85, "has_medical_terms": False,
    "medical_term_density": 0.0, "medical_categories": [], "identifying_features": [], "words": 12,
    "usecase_class": "general", "tenant": "acme", "business_unit": None, "user_role": "user", "endpoint_class": None,
}  # fmt: skip
ASKED: dict[str, object] = {
    "data_sensitivity": "internal", "usecase_class": "general", "quality_tier": "standard",
    "context_length_bucket": "short", "budget_class": "standard", "need_websearch": False, "need_tools": False,
    "tenant": "acme", "business_unit": None, "user_role": "user", "runtime_signals": {"unhealthy": []},
    "available": ["extractive", "local"],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def decided(folder: Path, dlp: str) -> str:
    """The rule by which a policy whose DLP part is `dlp` decides on a text that asks for trouble."""
    head = 'package dlp\n\nimport rego.v1\n\ndefault decision := {"action": "block", "rule": "dlp.no", "reason": "No."}\n\n'
    (folder / "dlp/dlp.rego").write_text(head + dlp)
    (folder / "dlp/dlp_test.rego").unlink()
    decision = RegoPolicy(folder).screen(FINDINGS)
    assert decision.action is Action.block
    return decision.rule


def test_the_shipped_policy_decides() -> None:
    """Personal data is masked; an internal question goes to the endpoints in the tier's order."""
    policy = RegoPolicy(POLICIES)
    assert policy.screen(FINDINGS).rule == "dlp.pii"
    assert policy.screen({**FINDINGS, "has_medical_terms": True}).action is Action.block
    assert policy.route(ASKED).endpoint_classes == ("local", "extractive")
    assert policy.route({}).decision.action is Action.block


def test_undefined_is_no(folder: Path) -> None:
    """A decision that is undefined for these facts falls back to the refusing default."""
    assert decided(folder, 'decision := {"action": "allow", "rule": "x", "reason": "x"} if input.nothing\n') == "dlp.no"


def test_an_error_of_a_built_in_is_no(folder: Path) -> None:
    """A built-in that fails on the facts does not become undefined and let the text pass."""
    rule = 'decision := {"action": "allow", "rule": "x", "reason": "x"} if { input.has_pii; not startswith(input.words, "1") }\n'
    assert decided(folder, rule) == "policy.error"


@pytest.mark.parametrize(
    "answer",
    ['"allow"', "true", '{"action": "allow"}', '{"action": "perhaps", "rule": "x", "reason": "x"}',
     '{"action": "allow", "rule": "", "reason": "x"}', '{"action": "allow", "rule": "x", "reason": "x", "more": 1}'],
)  # fmt: skip
def test_a_malformed_decision_is_no(folder: Path, answer: str) -> None:
    """Whatever is not exactly a decision counts as a refusal."""
    assert decided(folder, f"decision := {answer} if input.has_pii\n") == "policy.malformed"


def test_two_decisions_at_once_are_no(folder: Path) -> None:
    """Rules that contradict each other refuse."""
    rules = "".join(
        f'decision := {{"action": "{a}", "rule": "x", "reason": "x"}} if input.has_pii\n' for a in ("allow", "redact")
    )
    assert decided(folder, rules) == "policy.error"


DOCUMENT: dict[str, object] = {
    "floor": "redact", "findings": {"PERSON": {"count": 2, "distinct": 1, "score": 0.85}}, "words": 80,
    "masked_share": 0.1, "medical": {"density": 0.0, "categories": []}, "tenant": "acme", "business_unit": None,
    "zone": "handbook", "classification": "internal", "media_type": "text/plain", "language": "de",
}  # fmt: skip


def ingested(folder: Path, rules: str) -> IngestDecision:
    """What a policy whose ingest part is `rules` says of a document with a name in it."""
    head = (
        "package ingest\n\nimport rego.v1\n\n"
        'default decision := {"action": "quarantine", "classification": null, "rule": "ingest.no", "reason": "No."}\n\n'
    )
    (folder / "ingest/ingest.rego").write_text(head + rules)
    (folder / "ingest/ingest_test.rego").unlink()
    return RegoPolicy(folder).ingest(DOCUMENT)


def test_the_shipped_ingest_policy_decides() -> None:
    """A name is masked; numbers of several people raise the classification; nothing at all is held back."""
    policy = RegoPolicy(POLICIES)
    assert policy.ingest(DOCUMENT).action is IngestAction.redact
    accounts = {"IBAN_CODE": {"count": 4, "distinct": 4, "score": 1.0}}
    raised = policy.ingest({**DOCUMENT, "findings": accounts})
    assert (raised.action, raised.classification) == (IngestAction.reclassify, Classification.confidential)
    huge = {"IBAN_CODE": {"count": 10**12, "distinct": 10**12, "score": 1.0}}
    assert policy.ingest({**DOCUMENT, "findings": huge}).action is IngestAction.quarantine
    assert policy.ingest({}).rule == "ingest.undecided"


@pytest.mark.parametrize(
    "answer",
    ['"index"', "true", '{"action": "index", "rule": "x", "reason": "x"}',
     '{"action": "allow", "classification": null, "rule": "x", "reason": "x"}',
     '{"action": "index", "classification": null, "rule": "", "reason": "x"}',
     '{"action": "reclassify", "classification": null, "rule": "x", "reason": "x"}',
     '{"action": "reclassify", "classification": "secret", "rule": "x", "reason": "x"}',
     '{"action": "reclassify", "classification": ["confidential"], "rule": "x", "reason": "x"}',
     '{"action": "index", "classification": null, "rule": "x", "reason": "x", "more": 1}'],
)  # fmt: skip
def test_a_malformed_ingest_decision_holds_back(folder: Path, answer: str) -> None:
    """Whatever is not exactly a decision lets nothing in, and is told from a rule's own word."""
    decided = ingested(folder, f"decision := {answer} if input.floor\n")
    assert (decided.action, decided.rule) == (IngestAction.quarantine, "policy.malformed")


def test_an_undefined_or_failing_ingest_policy_holds_back(folder: Path, tmp_path: Path) -> None:
    """Undefined falls back to the default that refuses; an error is no verdict."""
    index = '{"action": "index", "classification": null, "rule": "x", "reason": "x"}'
    assert ingested(folder, f"decision := {index} if input.nothing\n").rule == "ingest.no"
    other = Path(shutil.copytree(POLICIES, tmp_path / "other"))
    fails = f'decision := {index} if {{ input.floor; not startswith(input.words, "1") }}\n'
    assert ingested(other, fails).rule == "policy.error"


def test_a_late_ingest_policy_holds_back(folder: Path) -> None:
    """A decision that came too late does not count."""
    assert RegoPolicy(folder, timeout_s=0.0).ingest(DOCUMENT).rule == "policy.late"


def test_a_folder_without_an_ingest_policy_is_refused(folder: Path) -> None:
    """An operator's own folder from before there was one: said in words, and nothing starts."""
    shutil.rmtree(folder / "ingest")
    with pytest.raises(Permanent, match="no package ingest: copy the one that comes with Beleg"):
        RegoPolicy(folder)


@pytest.mark.parametrize("classes", ['["local", "local"]', '["local", 1]', '"local"', '[""]'])
def test_a_malformed_route_is_no(folder: Path, classes: str) -> None:
    """A list of endpoint classes that is not one refuses."""
    source = (folder / "routing/routing.rego").read_text()
    new = f'decision := {{"endpoint_classes": {classes}, "rule": "x", "reason": "x"}} if input.tenant'
    (folder / "routing/routing.rego").write_text(
        source.replace("decision := decide(input, data.routing.settings)", new)
    )
    route = RegoPolicy(folder).route(ASKED)
    assert (route.endpoint_classes, route.decision.rule) == ((), "policy.malformed")


def test_facts_that_are_no_json_are_no(folder: Path) -> None:
    """Facts that cannot be handed over refuse instead of failing."""
    assert RegoPolicy(folder).screen({**FINDINGS, "words": object()}).action is Action.block


def test_a_slow_policy_is_no(folder: Path) -> None:
    """A decision that came too late does not count."""
    assert (
        RegoPolicy(folder, timeout_s=0.0).screen({**FINDINGS, "has_pii": False, "pii_types": []}).rule == "policy.late"
    )


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        ("dlp/dlp.rego", "package dlp\n\nimport rego.v1\n\ndecision := {\n", "dlp/dlp.rego, line"),
        ("dlp/data.json", '{"settings": \n\n nonsense}', "dlp/data.json, line 3"),
        ("dlp/dlp.rego", 'package dlp\n\nimport rego.v1\n\nx if net.cidr_contains("10.0.0.0/8", input.ip)\n', "net.cidr_contains(), which the engine does not know: dlp/dlp.rego, line 5"),
        ("dlp/dlp.rego", "package dlp\n\nimport rego.v1\n\nx := 1 if y with input as {}\n", "dlp/dlp.rego, line 5: `with`"),
        ("dlp/dlp.rego", "package dlp\n\nimport rego.v1\n\ndecide(x) := 1\n", "another number of arguments"),
        ("dlp/dlp.rego", 'package dlp\n\nimport rego.v1\n\ndefault decision := {"action": "allow", "rule": "x", "reason": "x"}\n', "does not refuse"),
        ("dlp/dlp.rego", "package dlp\n\nimport rego.v1\n\nunrelated := 1\n", "The policy"),
        ("ingest/ingest.rego", 'package ingest\n\nimport rego.v1\n\ndefault decision := {"action": "index", "classification": null, "rule": "x", "reason": "x"}\n', "does not refuse"),
        ("ingest/ingest.rego", "package ingest\n\nimport rego.v1\n\nx if http.send({})\n", "which the engine does not know"),
    ],
)  # fmt: skip
def test_a_broken_policy_is_refused_at_the_start(folder: Path, file: str, source: str, said: str) -> None:
    """Nothing starts on a policy that does not load, and the error names file and line."""
    (folder / file).write_text(source)
    with pytest.raises(Permanent) as caught:
        RegoPolicy(folder)
    assert caught.value.code == "policy_invalid"
    assert said in caught.value.message


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """No policy is not an open policy."""
    with pytest.raises(Permanent, match="no Rego file"):
        RegoPolicy(tmp_path)


def test_a_broken_change_keeps_the_last_good_policy(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A syntax error in a running system raises an alarm and changes nothing; mending it clears the alarm."""
    policy = RegoPolicy(folder, watch=False)
    before, good = policy.revision, (folder / "dlp/dlp.rego").read_text()
    (folder / "dlp/dlp.rego").write_text(good + "\nbroken := {")
    with caplog.at_level(logging.ERROR):
        assert not policy.reload()
    assert "policy.reload_failed" in caplog.messages
    assert policy.alarm is not None
    assert "dlp/dlp.rego" in policy.alarm
    assert policy.revision == before
    assert policy.screen(FINDINGS).rule == "dlp.pii"
    (folder / "dlp/dlp.rego").write_text(good.replace('"dlp.pii"', '"dlp.masked"'))
    assert policy.reload()
    assert policy.alarm is None
    assert policy.screen(FINDINGS).rule == "dlp.masked"
    assert policy.revision != before


@pytest.mark.parametrize("package", ["dlp", "ingest", "routing"])
def test_data_that_was_deleted_keeps_the_last_good_policy(folder: Path, package: str) -> None:
    """Rules that read it would be undefined, which is "no" for everybody and looks like a decision."""
    policy = RegoPolicy(folder, watch=False)
    file = folder / package / "data.json"
    held = file.read_text()
    file.unlink()
    assert not policy.reload()
    assert policy.alarm is not None
    assert f"reads data.{package}.settings" in policy.alarm
    assert policy.screen(FINDINGS).rule == "dlp.pii"
    file.write_text(held)
    assert policy.reload()
    assert policy.alarm is None


def test_a_changed_file_takes_effect_by_itself(folder: Path) -> None:
    """A running policy notices that its files have changed."""
    policy = RegoPolicy(folder)
    source = (folder / "dlp/dlp.rego").read_text()
    (folder / "dlp/dlp.rego").write_text(source.replace('"dlp.pii"', '"dlp.masked.now"'))
    until = time.monotonic() + 30
    while policy.screen(FINDINGS).rule != "dlp.masked.now":
        assert time.monotonic() < until
        time.sleep(0.1)


def test_revisions_tell_what_changed(folder: Path) -> None:
    """Routing does not touch what texts are screened by; tests beside a policy change nothing."""
    before = RegoPolicy(folder, watch=False)
    (folder / "routing/data.json").write_text((folder / "routing/data.json").read_text() + "\n")
    (folder / "dlp/dlp_test.rego").write_text("package dlp_test\n")
    after = RegoPolicy(folder)
    assert after.revision != before.revision
    assert after.screening_revision == before.screening_revision
    assert after.ingest_revision == before.ingest_revision
    (folder / "ingest/data.json").write_text((folder / "ingest/data.json").read_text() + "\n")
    assert RegoPolicy(folder).ingest_revision != before.ingest_revision


def test_many_threads_at_once(folder: Path) -> None:
    """Each thread gets its own answers, also while the policy is reloaded."""
    policy = RegoPolicy(folder, watch=False)
    wrong: list[str] = []

    def ask(tenant: str, sensitivity: str, expected: tuple[str, ...]) -> None:
        for _ in range(50):
            route = policy.route(
                {**ASKED, "tenant": tenant, "data_sensitivity": sensitivity, "available": ["external", "local"]}
            )
            if route.endpoint_classes != expected:
                wrong.append(route.decision.rule)

    threads = [threading.Thread(target=ask, args=("aurelia", "internal", ("local", "external"))) for _ in range(3)]
    threads += [threading.Thread(target=ask, args=("aurelia", "confidential", ("local",))) for _ in range(3)]
    for thread in threads:
        thread.start()
    policy.reload()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("order", ["import torch", ""])
def test_the_engine_and_torch_live_in_one_process(order: str) -> None:
    """Whichever is loaded first, both work: the engine's own allocator once made torch's import crash."""
    code = f"{order}\nimport rag.adapters.policy.rego_engine as e\nimport torch\ni = e.Interpreter()\ni.add_module('a', 'package a\\nx := 1')\nprint(i.query('data.a.x'), torch.ones(3).sum())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    assert "tensor(3.)" in done.stdout
