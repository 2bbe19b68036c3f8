"""The standard sentences that stand in place of an answer, in the question's language. Pure. Used by `answer()`.

Each says what happened and what to do next, and nothing about the content.
"""

from __future__ import annotations

from rag.types import Decision

_NOT_ANSWERED = {
    "de": (
        "Dazu habe ich in den Dokumenten, die Sie lesen dürfen, nichts Belegbares gefunden. "
        "Vielleicht hilft eine genauere Frage, etwa mit dem Namen des Produkts, der Regelung oder des Zeitraums."
    ),
    "en": (
        "I found nothing in the documents you may read that answers this. "
        "A more specific question may help, for example with the name of the product, the policy or the period."
    ),
}
_BLOCKED_INPUT = {
    "de": (
        "Diese Frage verbindet persönliche Angaben mit Gesundheitsdaten. Deshalb wurde sie nicht verarbeitet. "
        "Bitte stellen Sie sie ohne Namen und andere Angaben zu einer Person noch einmal."
    ),
    "en": (
        "This question combines personal details with health data, so it was not processed. "
        "Please ask again without names or other details about a person."
    ),
}
_UNCHECKED_INPUT = {
    "de": (
        "Diese Frage konnte nicht geprüft werden und wurde deshalb nicht verarbeitet. "
        "Bitte versuchen Sie es in einem Augenblick noch einmal."
    ),
    "en": "This question could not be checked, so it was not processed. Please try again in a moment.",
}
_BLOCKED_OUTPUT = {
    "de": (
        "Die Antwort wurde zurückgehalten, weil sie schützenswerte Angaben zu einer Person enthalten würde. "
        "Bitte fragen Sie allgemeiner oder wenden Sie sich an die Stelle, die das Dokument führt."
    ),
    "en": (
        "The answer was withheld because it would contain protected details about a person. "
        "Please ask in more general terms, or contact the department that owns the document."
    ),
}
_REFUSED = {
    "de": (
        "Für diese Frage ist nach den geltenden Regeln kein Modell freigegeben. "
        "Ihre Administratorin oder Ihr Administrator kann anhand der Anfragenummer den Grund nennen."
    ),
    "en": (
        "Under the current rules, no model is approved for this question. "
        "Your administrator can tell you the reason from the request id."
    ),
}


def not_answered(language: str) -> str:
    """The documents do not answer the question."""
    return _in(language, _NOT_ANSWERED)


def blocked_input(decision: Decision, language: str) -> str:
    """The policy does not let the question in, or gave no verdict on it."""
    return _in(language, _UNCHECKED_INPUT if decision.rule.startswith("policy.") else _BLOCKED_INPUT)


def blocked_output(language: str) -> str:
    """The policy does not let the answer out."""
    return _in(language, _BLOCKED_OUTPUT)


def refused(language: str) -> str:
    """No endpoint may answer."""
    return _in(language, _REFUSED)


def _in(language: str, wordings: dict[str, str]) -> str:
    """English for every language that has no wording."""
    return wordings.get(language, wordings["en"])
