"""Settings, use cases and endpoint files: what is wrong is named, and nothing is silently ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.adapters.models.endpoints_file import open_endpoints
from rag.errors import Permanent
from rag.settings import read_settings
from rag.use_cases import read_use_cases

ROOT = Path(__file__).resolve().parents[3]


def use_case(folder: Path, yaml: str) -> Path:
    (folder / "x").mkdir()
    (folder / "x" / "usecase.yaml").write_text(yaml, encoding="utf-8")
    (folder / "x" / "prompt.md").write_text("Answer.", encoding="utf-8")
    return folder


def test_our_own_use_cases_are_read() -> None:
    """The shipped folder is valid, and `assistant` may search every zone."""
    assert read_use_cases(ROOT / "usecases")["assistant"].zones is None


@pytest.mark.parametrize(
    ("yaml", "named"),
    [
        ("title: X\nprotection: internal\nprotektion: public\n", "protektion"),
        ("title: X\nprotection: secret\n", "protection"),
        ("protection: public\n", "title"),
        ("title: X\nprotection: internal\nretrieval: {limit: 0}\n", "retrieval.limit"),
        ("title: X\nprotection: internal\nretrieval: {surroundings: 9999}\n", "retrieval.surroundings"),
        ("title: [", "YAML"),
        ("- a list", "dictionary"),
    ],
)
def test_a_bad_use_case_names_its_fault(tmp_path: Path, yaml: str, named: str) -> None:
    """Unknown keys, unknown classes and broken YAML are errors that say where."""
    with pytest.raises(Permanent, match=named):
        read_use_cases(use_case(tmp_path, yaml))


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that does nothing is worse than an error."""
    monkeypatch.setenv("BELEG_PROT", "9000")
    with pytest.raises(Permanent, match="BELEG_PROT"):
        read_settings()


def test_a_bad_value_names_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator learns which variable to mend."""
    monkeypatch.setenv("BELEG_PORT", "eighty")
    with pytest.raises(Permanent, match="BELEG_PORT"):
        read_settings()


def test_a_database_password_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings may be printed."""
    monkeypatch.setenv("BELEG_DATABASE_URL", "postgresql://beleg:hunter2@db/beleg")
    settings = read_settings()
    assert "hunter2" not in repr(settings)
    assert settings.sqlalchemy_url.startswith("postgresql+psycopg://")


ENDPOINT = "endpoints:\n- {name: a, class: local, model: m, base_url: 'http://127.0.0.1:1/v1', usd_per_million: {prompt: 1, completion: 2}%s}\n"


def test_an_endpoint_file_opens(tmp_path: Path) -> None:
    """Prices and class come from the file."""
    path = tmp_path / "endpoints.yaml"
    path.write_text(ENDPOINT % "", encoding="utf-8")
    (llm,) = open_endpoints(path)
    assert (llm.endpoint_class, llm.model) == ("local", "m")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (", api_key: secret", "api_key"),
        (", api_key_env: NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
        (", max_tokens: 0", "max_tokens"),
    ],
)
def test_a_bad_endpoint_names_its_fault(tmp_path: Path, more: str, named: str) -> None:
    """Keys do not stand in files, and a missing one is named before the first request needs it."""
    path = tmp_path / "endpoints.yaml"
    path.write_text(ENDPOINT % more, encoding="utf-8")
    with pytest.raises(Permanent, match=named):
        open_endpoints(path)


def test_an_unknown_price_is_refused(tmp_path: Path) -> None:
    """A missing price must not become zero."""
    path = tmp_path / "endpoints.yaml"
    path.write_text("endpoints:\n- {name: a, class: local, model: m, base_url: 'http://h/v1'}\n", encoding="utf-8")
    with pytest.raises(Permanent, match="usd_per_million"):
        open_endpoints(path)
