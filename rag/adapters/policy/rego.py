"""Facts → decisions, by Rego in process. Stands behind the port `Policy`; asked by the guard and by `answer()`.

Error, undefined, malformed and late all mean no. The engine is not thread-safe, so each thread has its own, built once
per policy set. A policy that no longer loads leaves the last good one in force and raises `alarm`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.adapters.policy.rego_check import ENTRY_POINTS, build, only_value, try_in_a_child
from rag.adapters.policy.rego_engine import Bundle, Input, Interpreter, RegoError
from rag.adapters.policy.rego_source import PolicySet, files_of, read_policies
from rag.errors import Permanent
from rag.types import Action, Classification, Decision, IngestAction, IngestDecision, Route

log = logging.getLogger(__name__)

_SCREEN, _INGEST, _ROUTE = "dlp/decision", "ingest/decision", "routing/decision"
_LOOK_EVERY_S = 1.0
_REASONS = {
    "policy.error": "The policy could not be evaluated, so the answer is no.",
    "policy.undefined": "The policy said nothing, so the answer is no.",
    "policy.malformed": "The policy's answer was malformed, so it counts as no.",
    "policy.late": "The policy took too long, so the answer is no.",
}

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    policies: PolicySet
    epoch: int


class RegoPolicy:
    """Port `Policy` over a folder of Rego files. Changed files take effect within about a second.

    Raises `Permanent("policy_invalid")` at once if the first load fails. `timeout_s` is checked after the evaluation,
    which cannot be interrupted: Rego always ends, but a slow policy must not be a way in.
    """

    def __init__(self, folder: Path, *, timeout_s: float = 2.0, watch: bool = True) -> None:
        self._folder, self._timeout_s, self._watch = folder, timeout_s, watch
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._stamp = _stamp(folder)
        self._looked_at = time.monotonic()
        self._loaded = _Loaded(policies=_checked(folder), epoch=0)
        self.alarm: str | None = None

    @property
    def revision(self) -> str:
        """Digest of every module and data file; 12 hex digits."""
        self.look()
        return self._loaded.policies.revision()

    @property
    def screening_revision(self) -> str:
        """Digest of what `screen` decides by: a routing change must not make every document be ingested again."""
        self.look()
        return self._loaded.policies.revision("dlp")

    @property
    def ingest_revision(self) -> str:
        """Digest of what `ingest` decides by."""
        self.look()
        return self._loaded.policies.revision("ingest")

    def screen(self, facts: Mapping[str, object]) -> Decision:
        """`data.dlp.decision`. Its revision is the DLP part's, so that it names exactly what decided."""
        answer, revision = self._asked(_SCREEN, facts)
        return answer if isinstance(answer, Decision) else _read_decision(answer, revision)

    def ingest(self, facts: Mapping[str, object]) -> IngestDecision:
        """`data.ingest.decision`."""
        answer, revision = self._asked(_INGEST, facts)
        return _held_back(answer) if isinstance(answer, Decision) else _read_ingest(answer, revision)

    def route(self, facts: Mapping[str, object]) -> Route:
        """`data.routing.decision`."""
        answer, revision = self._asked(_ROUTE, facts)
        if isinstance(answer, Decision):
            return Route(decision=answer, endpoint_classes=())
        return _read_route(answer, revision)

    def reload(self) -> bool:
        """Reads the folder anew. False if it is broken: then the last good policy stays and `alarm` says why."""
        with self._lock:
            self._stamp, self._looked_at = _stamp(self._folder), time.monotonic()
            try:
                policies = _checked(self._folder)
            except Permanent as error:
                self.alarm = error.message
                kept = self._loaded.policies.revision()
                log.error("policy.reload_failed", extra={"code": error.code, "kept": kept})  # noqa: TRY400 - see `alarm`
                return False
            self._loaded = _Loaded(policies=policies, epoch=self._loaded.epoch + 1)
            self.alarm = None
            log.info("policy.loaded", extra={"revision": policies.revision()})
            return True

    def look(self) -> None:
        """Takes up changed files, at most once a second. Every question does; so does whoever asks for the alarm."""
        if not self._watch or time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        if _stamp(self._folder) != self._stamp:
            self.reload()

    def _asked(self, entry_point: str, facts: Mapping[str, object]) -> tuple[object, str]:
        """The engine's answer, or a refusal as a `Decision`; with the revision that decided."""
        self.look()
        loaded = self._loaded
        revision = loaded.policies.revision(entry_point.partition("/")[0])
        began = time.monotonic()
        try:
            engine, bundle = self._engine(loaded)
            engine.set_input(Input(dict(facts)))
            answer = only_value(engine.query_bundle_entrypoint(bundle, entry_point))
        except (RegoError, ValueError, TypeError, KeyError) as error:
            log.warning("policy.failed", extra={"entry_point": entry_point, "error": type(error).__name__})
            return _refusal("policy.error", revision), revision
        if time.monotonic() - began > self._timeout_s:
            return _refusal("policy.late", revision), revision
        return (_refusal("policy.undefined", revision) if answer is None else answer), revision

    def _engine(self, loaded: _Loaded) -> tuple[Interpreter, Bundle]:
        if getattr(self._mine, "epoch", None) != loaded.epoch:
            self._mine.engine, self._mine.bundle = build(loaded.policies)
            self._mine.epoch = loaded.epoch
        return self._mine.engine, self._mine.bundle


def _stamp(folder: Path) -> Stamp:
    """Cheap to compare: names, times and sizes. A file that vanishes meanwhile counts as changed."""
    try:
        return tuple((str(p), s.st_mtime_ns, s.st_size) for p in files_of(folder) for s in (p.stat(),))
    except OSError:
        return ()


def _checked(folder: Path) -> PolicySet:
    """Loads, and asks every entry point about nothing: a policy that does not say no to that is not one."""
    try_in_a_child(folder)
    policies = read_policies(folder)
    engine, bundle = build(policies)
    for entry_point in ENTRY_POINTS:
        engine.set_input(Input({}))
        answer = only_value(engine.query_bundle_entrypoint(bundle, entry_point))
        if not _refuses(entry_point, answer):
            hint = "The package needs a `default decision` that refuses."
            raise Permanent("policy_invalid", f"The policy {entry_point} does not refuse an empty request.", hint=hint)
    return policies


def _refuses(entry_point: str, answer: object) -> bool:
    """Whether a policy says no by a rule of its own."""
    if entry_point == _INGEST:
        ingest = _read_ingest(answer, "")
        return ingest.action is IngestAction.quarantine and not ingest.rule.startswith("policy.")
    decision = _read_decision(answer, "") if entry_point == _SCREEN else _read_route(answer, "").decision
    return decision.action is Action.block and not decision.rule.startswith("policy.")


def _refusal(rule: str, revision: str) -> Decision:
    return Decision(action=Action.block, rule=rule, reason=_REASONS[rule], revision=revision)


def _read_decision(answer: object, revision: str) -> Decision:
    match answer:
        case {"action": ("allow" | "redact" | "block") as action, "rule": str(rule), "reason": str(reason), **rest}:
            if rule and not rest:
                return Decision(action=Action(action), rule=rule, reason=reason, revision=revision)
    return _refusal("policy.malformed", revision)


def _held_back(refusal: Decision) -> IngestDecision:
    return IngestDecision(
        action=IngestAction.quarantine, classification=None, rule=refusal.rule, reason=refusal.reason,
        revision=refusal.revision,
    )  # fmt: skip


def _read_ingest(answer: object, revision: str) -> IngestDecision:
    match answer:
        case {
            "action": ("index" | "redact" | "reclassify" | "quarantine") as action, "classification": named,
            "rule": str(rule), "reason": str(reason), **rest,
        } if rule and not rest and (named is None or _is_classification(named)):  # fmt: skip
            if action != "reclassify" or named is not None:
                least = None if named is None else Classification[named]
                return IngestDecision(
                    action=IngestAction(action), classification=least, rule=rule, reason=reason, revision=revision
                )
    return _held_back(_refusal("policy.malformed", revision))


def _is_classification(named: object) -> bool:
    return isinstance(named, str) and named in Classification.__members__


def _read_route(answer: object, revision: str) -> Route:
    match answer:
        case {"endpoint_classes": list(classes), "rule": str(rule), "reason": str(reason), **rest}:
            if (
                rule
                and not rest
                and all(isinstance(c, str) and c for c in classes)
                and len(set(classes)) == len(classes)
            ):
                action = Action.allow if classes else Action.block
                decision = Decision(action=action, rule=rule, reason=reason, revision=revision)
                return Route(decision=decision, endpoint_classes=tuple(classes))
    return Route(decision=_refusal("policy.malformed", revision), endpoint_classes=())
