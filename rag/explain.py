"""An audit row → plain words: why did this answer come about? Pure. Called by `beleg audit explain` and the console.

Says only what the row says. A fact that the row does not have is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.types import AuditRow

_EN = {
    "title": "Request {id}: {outcome}",
    "who": "Asked by {actor} of tenant {tenant} on {at} (UTC), in the use case {use_case}.",
    "who_plain": "Done by {actor} on {at} (UTC): {action}.",
    "release": "Answered by release {release} (recipe {recipe}, epoch {epoch} of the pointer).",
    "decision": "- {step}: {action}, by rule {rule}{policy}. {reason}",
    "policy": " of policy revision {policy}",
    "decisions": "What was decided:",
    "as_of": "Asked as of {as_of}: documents counted that were valid then, under the rights of the day of asking.",
    "found": "{hits} passages were found that this person may read (index generation {generation}).",
    "found_none": "No passage was found that this person may read (index generation {generation}).",
    "route": "Allowed endpoint classes, best first: {route}. Used: {endpoint}.",
    "route_none": "No endpoint class was allowed.",
    "cited": "{count} citations were verified: {ids}.",
    "cited_none": "Nothing was cited.",
    "dropped": "{count} claims were dropped, because no passage carried them.",
    "cost": "{prompt} tokens were read and {completion} written, for {usd} USD.",
    "time": "Time: {steps} ({total} ms in all).",
    "error": "It ended with the error {error}.",
    "facts": "- {name}: {value}",
    "outcomes": {
        "answered": "it was answered",
        "not_answered": "the documents do not answer it",
        "blocked_input": "the question was blocked",
        "blocked_output": "the answer was blocked",
        "refused": "no endpoint was allowed to answer",
        "failed": "it failed",
        "found": "passages were returned",
    },
    "steps": {"input": "question", "output": "answer", "route": "route", "ingest": "document"},
    "actions": {"allow": "allowed", "redact": "redacted", "block": "blocked"},
    "none": "none",
}

_DE = {
    "title": "Anfrage {id}: {outcome}",
    "who": "Gestellt von {actor} des Mandanten {tenant} am {at} (UTC), im Anwendungsfall {use_case}.",
    "who_plain": "Ausgeführt von {actor} am {at} (UTC): {action}.",
    "release": "Beantwortet vom Release {release} (Rezept {recipe}, Epoche {epoch} des Zeigers).",
    "decision": "- {step}: {action}, nach Regel {rule}{policy}. {reason}",
    "policy": " der Richtlinien in der Fassung {policy}",
    "decisions": "Entschieden wurde:",
    "as_of": "Gefragt nach dem Stand vom {as_of}: Es zählten die damals gültigen Dokumente, mit den Rechten vom Tag der Frage.",
    "found": "{hits} Textstellen wurden gefunden, die diese Person lesen darf (Indexstand {generation}).",
    "found_none": "Es wurde keine Textstelle gefunden, die diese Person lesen darf (Indexstand {generation}).",
    "route": "Zugelassene Endpunktklassen, beste zuerst: {route}. Benutzt: {endpoint}.",
    "route_none": "Keine Endpunktklasse war zugelassen.",
    "cited": "{count} Belege wurden geprüft und genannt: {ids}.",
    "cited_none": "Es wurde nichts zitiert.",
    "dropped": "{count} Aussagen wurden gestrichen, weil keine Textstelle sie trägt.",
    "cost": "{prompt} Token wurden gelesen und {completion} geschrieben, für {usd} USD.",
    "time": "Dauer: {steps} (zusammen {total} ms).",
    "error": "Es endete mit dem Fehler {error}.",
    "facts": "- {name}: {value}",
    "outcomes": {
        "answered": "sie wurde beantwortet",
        "not_answered": "die Dokumente beantworten sie nicht",
        "blocked_input": "die Frage wurde gesperrt",
        "blocked_output": "die Antwort wurde gesperrt",
        "refused": "kein Endpunkt durfte antworten",
        "failed": "sie ist gescheitert",
        "found": "Textstellen wurden geliefert",
    },
    "steps": {"input": "Frage", "output": "Antwort", "route": "Weg", "ingest": "Dokument"},
    "actions": {"allow": "zugelassen", "redact": "geschwärzt", "block": "gesperrt"},
    "none": "keine",
}

_REQUESTS = {"answer", "search"}


def explain(row: AuditRow, *, language: str = "en") -> str:
    """Several lines. `language`: `de`, or English for anything else."""
    words: Mapping[str, Any] = _DE if language == "de" else _EN
    lines = _of_request(row, words) if row.action in _REQUESTS else _of_act(row, words)
    return "\n".join(line for line in lines if line)


def _of_request(row: AuditRow, words: Mapping[str, Any]) -> list[str]:
    facts: Mapping[str, Any] = row.facts
    outcome = words["outcomes"].get(row.outcome, row.outcome)
    return [
        words["title"].format(id=row.id, outcome=outcome),
        words["who"].format(actor=row.actor, tenant=row.tenant, at=_at(row), use_case=facts.get("use_case", "?")),
        _release(facts, words),
        *_decisions(facts, words),
        words["as_of"].format(as_of=facts["as_of"]) if "as_of" in facts else "",
        _found(facts, words),
        _route(facts, words),
        *_cited(facts, words),
        _cost(facts, words),
        _time(facts, words),
        words["error"].format(error=facts["error"]) if "error" in facts else "",
    ]


def _of_act(row: AuditRow, words: Mapping[str, Any]) -> list[str]:
    """An administrative act: its facts as they are."""
    return [
        f"{row.id}: {row.outcome}",
        words["who_plain"].format(actor=row.actor, at=_at(row), action=row.action),
        *(words["facts"].format(name=name, value=value) for name, value in sorted(row.facts.items())),
    ]


def _at(row: AuditRow) -> str:
    return row.at.strftime("%Y-%m-%d %H:%M:%S")


def _release(facts: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    if "release" not in facts:
        return ""
    recipe = str(facts.get("recipe", "?"))[:12]
    line: str = words["release"].format(release=facts["release"], recipe=recipe, epoch=facts.get("epoch", "?"))
    return line


def _decisions(facts: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    decisions = facts.get("decisions") or []
    if not decisions:
        return []
    return [
        words["decisions"],
        *(
            words["decision"]
            .format(
                step=words["steps"].get(d["step"], d["step"]),
                action=words["actions"].get(d["action"], d["action"]),
                rule=d["rule"],
                policy=words["policy"].format(policy=d["policy"]) if "policy" in d else "",
                reason=d["reason"],
            )
            .rstrip()
            for d in decisions
        ),
    ]


def _found(facts: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    if "hits" not in facts or facts.get("generation") is None:
        return ""
    line: str = words["found" if facts["hits"] else "found_none"]
    return line.format(hits=facts["hits"], generation=facts["generation"])


def _route(facts: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    if not any(d["step"] == "route" for d in facts.get("decisions") or []):
        return ""  # it did not come that far
    if not facts.get("route"):
        return str(words["route_none"])
    endpoint = facts.get("endpoint") or words["none"]
    return str(words["route"].format(route=", ".join(facts["route"]), endpoint=endpoint))


def _cited(facts: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    if "citations" not in facts:
        return []
    ids = facts["citations"]
    cited = words["cited"].format(count=len(ids), ids=", ".join(map(str, ids))) if ids else words["cited_none"]
    dropped = facts.get("dropped_claims") or 0
    return [cited, words["dropped"].format(count=dropped) if dropped else ""]


def _cost(facts: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    if "prompt_tokens" not in facts or not facts.get("endpoint"):
        return ""
    usd = f"{facts.get('cost_usd', 0):.6f}".rstrip("0").rstrip(".")
    return str(words["cost"].format(prompt=facts["prompt_tokens"], completion=facts["completion_tokens"], usd=usd))


def _time(facts: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    timings: Mapping[str, float] = facts.get("timings_ms") or {}
    if not timings:
        return ""
    steps = ", ".join(f"{step} {ms:.0f} ms" for step, ms in timings.items())
    return str(words["time"].format(steps=steps, total=f"{sum(timings.values()):.0f}"))
