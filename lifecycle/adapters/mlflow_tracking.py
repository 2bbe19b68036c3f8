"""Evaluations and prompts, mirrored to MLflow for people to look at. Port `Tracker`.

Nothing is read back: what is live is in our database. The address is always passed, never taken from MLflow's global
state; MLflow's own telemetry is switched off before it is imported. Question text is only sent when handed in.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from lifecycle.recipes import recipe_content
from lifecycle.types import Measure, Scorecard
from rag.errors import Permanent, Temporary
from rag.types import Prompt, Recipe

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # its default of 7 waits two minutes for a server that is not there
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class MlflowTracker:
    """See `lifecycle.ports.Tracker`.

    Args:
        uri: of a server (`http://127.0.0.1:8602`) or a database (`sqlite:///...`).
        experiment: under this name; made if it is not there.
        artifacts: where its files go; a server knows that itself, a database would take `./mlruns`.
    """

    def __init__(self, uri: str, *, experiment: str = "beleg", artifacts: str | None = None) -> None:
        self._uri = uri
        self._artifacts = artifacts
        self._experiment = experiment
        self._client: MlflowClient | None = None

    async def log(self, scorecard: Scorecard, *, recipe: Recipe, questions: Mapping[str, str] | None = None) -> str:
        """One run: the recipe as parameters and as a file, every measure with its interval, a table of all items."""
        return await self._do(lambda client: self._log(client, scorecard, recipe, questions or {}))

    async def mirror_prompt(self, prompt: Prompt, *, alias: str | None = None) -> int:
        """Registers the prompt unless it is there already; moves `alias` (e.g. `production`) to it."""
        return await self._do(lambda client: _mirror(client, prompt, alias))

    async def _do(self, work: Callable[[MlflowClient], T]) -> T:
        """In a thread: MLflow's client blocks."""
        return await asyncio.to_thread(self._blocking, work)

    def _blocking(self, work: Callable[[MlflowClient], T]) -> T:
        os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            self._client = self._client or MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
            return work(self._client)
        except MlflowException as error:
            raise _translation(error) from error
        except OSError as error:  # requests' errors are OSErrors
            raise _unavailable() from error

    def _log(self, client: MlflowClient, card: Scorecard, recipe: Recipe, questions: Mapping[str, str]) -> str:
        run = client.create_run(
            self._experiment_id(client),
            run_name=f"{card.release} on {card.split}",
            tags={"beleg.release": card.release, "beleg.recipe": recipe.id, "beleg.split": card.split},
        )
        run_id = str(run.info.run_id)
        status = "FAILED"
        try:
            client.log_batch(run_id, metrics=_metrics(card), params=_params(recipe))
            client.log_dict(run_id, json.loads(recipe_content(recipe)), "recipe.json")
            client.log_dict(run_id, _intervals(card), "measures.json")
            client.log_table(run_id, _table(card, questions), "items.json")
            status = "FINISHED"
        finally:
            client.set_terminated(run_id, status)
        return run_id

    def _experiment_id(self, client: MlflowClient) -> str:
        from mlflow.exceptions import MlflowException

        for _ in range(2):
            found = client.get_experiment_by_name(self._experiment)
            if found is not None:
                return str(found.experiment_id)
            try:
                return str(client.create_experiment(self._experiment, self._artifacts))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        raise Permanent("tracker.refused", f"MLflow has deleted the experiment {self._experiment}.")


def _mirror(client: MlflowClient, prompt: Prompt, alias: str | None) -> int:
    from mlflow.exceptions import MlflowException

    ours = f"content-{prompt.version}"  # an alias of MLflow's that says which of our versions this is
    try:
        version = int(client.get_prompt_version_by_alias(prompt.name, ours).version)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"}:
            raise
        made = client.register_prompt(prompt.name, prompt.template, tags={"beleg.version": prompt.version})
        version = int(made.version)
        client.set_prompt_alias(prompt.name, ours, version)
    if alias is not None:
        client.set_prompt_alias(prompt.name, alias, version)
    return version


def _metrics(card: Scorecard) -> list[Any]:
    from mlflow.entities import Metric

    at = int(time.time() * 1000)
    values = {"coverage": card.coverage, "items": float(len(card.results)), "failed": float(card.failed)}
    values |= _values("", card.measures)
    for language, measures in card.by_language.items():
        values |= _values(f"{language}/", measures)
    return [Metric(name, value, at, 0) for name, value in values.items()]


def _values(prefix: str, measures: tuple[Measure, ...]) -> dict[str, float]:
    named: dict[str, float] = {}
    for measure in measures:
        named[f"{prefix}{measure.name}"] = measure.value
        named[f"{prefix}{measure.name}.low"] = measure.low
        named[f"{prefix}{measure.name}.high"] = measure.high
    return named


def _params(recipe: Recipe) -> list[Any]:
    from mlflow.entities import Param

    shape = json.loads(recipe_content(recipe))
    flat = {name: value for name, value in shape.items() if not isinstance(value, dict)}
    for name in ("prompt", "retrieval"):
        flat |= {f"{name}.{inner}": value for inner, value in shape[name].items()}
    return [Param(name, str(value)[:6000]) for name, value in flat.items()]  # MLflow's limit


def _intervals(card: Scorecard) -> dict[str, object]:
    def shapes(measures: tuple[Measure, ...]) -> dict[str, object]:
        return {
            m.name: {"value": m.value, "low": m.low, "high": m.high, "items": m.items, "failed": m.failed}
            for m in measures
        }

    return {"all": shapes(card.measures), **{language: shapes(m) for language, m in card.by_language.items()}}


def _table(card: Scorecard, questions: Mapping[str, str]) -> dict[str, list[object]]:
    """A row per item. A score that does not apply to an item is empty, not zero."""
    names = sorted({name for result in card.results for name in result.scores})
    table: dict[str, list[object]] = {
        "item": [r.item for r in card.results],
        "language": [r.language for r in card.results],
        "answerable": [r.answerable for r in card.results],
        "outcome": [r.outcome for r in card.results],
        "failure": [r.failure for r in card.results],
        "latency_ms": [round(r.latency_ms, 1) for r in card.results],
    }
    if questions:
        table["question"] = [questions.get(r.item) for r in card.results]
    return table | {name: [r.scores.get(name) for r in card.results] for name in names}


def _translation(error: Any) -> Temporary | Permanent:
    """Only MLflow's code goes on: its messages repeat what was sent."""
    code = str(error.error_code)
    if code in {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"}:
        return _unavailable()
    return Permanent("tracker.refused", f"MLflow refused a request ({code}).")


def _unavailable() -> Temporary:
    return Temporary(
        "tracker.unavailable",
        "MLflow cannot be reached.",
        hint="Start it with `beleg up`, or check its address.",
        after_s=5.0,
    )
