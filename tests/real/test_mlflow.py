"""A real MLflow server: an evaluation and a prompt arrive there, and nothing else does."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from state_values import recipe

from lifecycle.adapters.mlflow_tracking import MlflowTracker
from lifecycle.types import Measure, Result, Scorecard
from rag.errors import Temporary
from rag.types import Prompt
from tests.server_process import running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`mlflow server` with the light settings that `beleg up` uses, on a free port of the loopback."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.sqlite'}", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    url = f"http://127.0.0.1:{port}"
    with running(command, environment=quiet, health=f"{url}/health", log=folder / "log"):
        yield url


def card() -> Scorecard:
    scores = {"answered": 1.0, "ndcg_at_10": 0.63}
    results = (
        Result(
            item="q1", language="de", answerable=True, failure="", outcome="answered", latency_ms=12.0, scores=scores
        ),
        Result(
            item="q2",
            language="en",
            answerable=False,
            failure="timeout",
            outcome=None,
            latency_ms=99.0,
            scores={"correct_refusal": 0.0},
        ),
    )
    measures = (Measure(name="answered", value=1.0, low=0.2, high=1.0, items=1, failed=0),)
    return Scorecard(
        use_case="assistant",
        release="assistant-1",
        split="dev",
        results=results,
        measures=measures,
        by_language={"de": measures},
    )


def client_of(uri: str):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


async def test_a_run_arrives_with_recipe_measures_and_items(server: str) -> None:
    """Whoever opens the UI finds what was measured, with its intervals, and on which recipe."""
    run_id = await MlflowTracker(server).log(card(), recipe=recipe())
    client = client_of(server)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["beleg.recipe"] == recipe().id
    assert run.data.params["retrieval.limit"] == "8"
    assert run.data.params["prompt.version"] == recipe().prompt.version
    assert {
        name: run.data.metrics[name] for name in ("answered", "answered.low", "de/answered", "coverage", "failed")
    } == {
        "answered": 1.0,
        "answered.low": 0.2,
        "de/answered": 1.0,
        "coverage": 0.5,
        "failed": 1.0,
    }
    assert {file.path for file in client.list_artifacts(run_id)} == {"recipe.json", "measures.json", "items.json"}


async def test_texts_arrive_only_if_they_were_handed_in(server: str, tmp_path: Path) -> None:
    """By default a question is an id; what passed the guard may go along."""
    tracker, client = MlflowTracker(server), client_of(server)
    without, with_texts = (
        await tracker.log(card(), recipe=recipe()),
        await tracker.log(card(), recipe=recipe(), questions={"q1": "Wie viel?"}),
    )
    tables = [
        json.loads(Path(client.download_artifacts(run, "items.json", str(tmp_path))).read_text(encoding="utf-8"))
        for run in (without, with_texts)
    ]
    assert "question" not in tables[0]["columns"]
    column = tables[1]["columns"].index("question")
    assert [row[column] for row in tables[1]["data"]] == ["Wie viel?", None]


async def test_a_prompt_is_mirrored_once_and_its_alias_follows(server: str) -> None:
    """Registering again makes no new version; `production` goes where it is told, also back."""
    tracker, client = MlflowTracker(server), client_of(server)
    first = Prompt(name="assistant", version="aaaaaaaaaaaa", template="Antworte mit {{evidence}} und {Klammern}.")
    second = Prompt(name="assistant", version="bbbbbbbbbbbb", template="Antworte kürzer.")
    numbers = [await tracker.mirror_prompt(prompt, alias="production") for prompt in (first, first, second, first)]
    assert numbers == [1, 1, 2, 1]
    live = client.get_prompt_version_by_alias("assistant", "production")
    assert (int(live.version), live.template) == (1, first.template)
    assert live.tags["beleg.version"] == "aaaaaaaaaaaa"


async def test_a_server_that_is_away_is_temporary() -> None:
    """An evaluation that cannot be logged says so in one sentence, and soon."""
    with pytest.raises(Temporary) as error:
        await MlflowTracker("http://127.0.0.1:9").log(card(), recipe=recipe())
    assert error.value.code == "tracker.unavailable"
