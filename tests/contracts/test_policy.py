"""What every policy engine promises."""

from __future__ import annotations

import pytest
from guards import policy

from rag.ports import Policy
from rag.testing import FixedPolicy
from rag.types import Action, IngestAction

ASKED: dict[str, object] = {
    "data_sensitivity": "internal", "usecase_class": "general", "quality_tier": "standard",
    "context_length_bucket": "short", "budget_class": "standard", "need_websearch": False, "need_tools": False,
    "tenant": "acme", "business_unit": None, "user_role": "user", "runtime_signals": {"unhealthy": []},
    "available": ["extractive", "local"],
}  # fmt: skip
CLEAN: dict[str, object] = {
    "direction": "ingest", "has_pii": False, "pii_types": [], "pii_confidence": 0.0, "has_medical_terms": False,
    "medical_term_density": 0.0, "medical_categories": [], "identifying_features": [], "words": 3, "tenant": "acme",
    "usecase_class": None, "business_unit": None, "user_role": None, "endpoint_class": None,
}  # fmt: skip
DOCUMENT: dict[str, object] = {
    "floor": "allow", "findings": {}, "words": 3, "masked_share": 0.0, "medical": {"density": 0.0, "categories": []},
    "tenant": "acme", "business_unit": None, "zone": "handbook", "classification": "internal",
    "media_type": "text/plain", "language": "de",
}  # fmt: skip


class PolicyContract:
    """Subclass with a fixture `policy` that lets `local` and `extractive` answer, in this order."""

    def test_a_route_names_classes_and_its_rule(self, policy: Policy) -> None:
        """Best first, with the rule that decided and the revision that it belongs to."""
        route = policy.route(ASKED)
        assert route.endpoint_classes == ("local", "extractive")
        assert route.decision.action is Action.allow
        assert route.decision.rule
        assert route.decision.reason
        assert route.decision.revision

    def test_a_clean_text_may_pass(self, policy: Policy) -> None:
        """Facts without findings are allowed."""
        assert policy.screen(CLEAN).action is Action.allow

    def test_a_clean_document_is_indexed(self, policy: Policy) -> None:
        """As it is labelled, by a rule that has a name."""
        decided = policy.ingest(DOCUMENT)
        assert (decided.action, decided.classification) == (IngestAction.index, None)
        assert decided.rule
        assert decided.reason
        assert decided.revision

    def test_revisions_are_stable(self, policy: Policy) -> None:
        """The same policy names itself alike every time."""
        revisions = (policy.revision, policy.screening_revision, policy.ingest_revision)
        assert revisions == (policy.revision, policy.screening_revision, policy.ingest_revision)


class TestRegoPolicy(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return policy()


class TestFixedPolicy(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return FixedPolicy("local", "extractive")

    def test_nobody_allowed_is_a_refusal(self) -> None:
        """Without a class the twin refuses, as the real one does."""
        assert FixedPolicy().route(ASKED).decision.action is Action.block
