"""The template of the Kubernetes work pool is whole: every placeholder is declared, every variable is used, and it fills in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.server import api
from prefect.utilities.templating import apply_values, find_placeholders

from rag.settings import Settings

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "kubernetes"
METADATA = Path(api.__file__).parent / "collections_data" / "views" / "aggregate-worker-metadata.json"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return json.loads((FOLDER / "work-pool.json").read_text(encoding="utf-8"))


def test_placeholders_and_variables_are_the_same(template: dict[str, Any]) -> None:
    """A misspelt one would stay in the manifest as it is."""
    used = {found.name for found in find_placeholders(template["job_configuration"])}
    assert used == set(template["variables"]["properties"])


def test_it_configures_what_the_kubernetes_worker_knows(template: dict[str, Any]) -> None:
    """As Prefect's own template for that worker, which its server brings along."""
    known = json.loads(METADATA.read_text(encoding="utf-8"))["prefect-kubernetes"]["kubernetes"]
    own = known["default_base_job_configuration"]["job_configuration"]
    assert template["job_configuration"].keys() == own.keys() - {"cluster_config"}
    container = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"][0]
    assert own["job_manifest"]["spec"]["template"]["spec"]["containers"][0].keys() <= container.keys()


def test_with_its_defaults_it_is_a_job_that_may_do_little(template: dict[str, Any]) -> None:
    """Nothing of it is left open but what the worker sets itself, and it runs without privileges."""
    defaults = {
        name: spec["default"] for name, spec in template["variables"]["properties"].items() if "default" in spec
    }
    given = defaults | {"command": "prefect flow-run execute", "labels": {}, "name": "handbooks"}
    job = apply_values(template["job_configuration"], given)["job_manifest"]
    assert not find_placeholders(job)
    pod = job["spec"]["template"]["spec"]
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["restartPolicy"] == "Never"


def test_every_setting_that_is_named_exists() -> None:
    """A misspelt environment name is refused by the process that starts, which is late."""
    import re

    named = {
        name for path in FOLDER.iterdir() for name in re.findall(r"BELEG_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    assert named <= {f"BELEG_{field.upper()}" for field in Settings.model_fields}
    assert len(named) >= 4


def test_the_deployment_names_a_flow_that_is_there() -> None:
    """With the zone as its parameter, one at a time."""
    from flows.job import ingest

    (zone,) = yaml.safe_load((FOLDER / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    assert zone["entrypoint"] == f"flows/job.py:{ingest.fn.__name__}"
    assert set(zone["parameters"]) <= set(ingest.parameters.properties)
    assert zone["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
