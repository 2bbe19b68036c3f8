"""What an operator may set, read once in `compose`. Environment names are `BELEG_` + the field in capitals.

A misspelt name is refused here (pydantic-settings would ignore it), so that a setting never silently does nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.errors import Permanent

ROOT = Path(__file__).resolve().parents[1]

_OTHER_NAMES = {"BELEG_DATA", "BELEG_TEST_POSTGRES"}
"""Names read by tests and benchmarks, not by the platform."""


class Settings(BaseSettings):
    """One instance = one folder of state. Two instances run side by side with other ports and another `home`."""

    model_config = SettingsConfigDict(env_prefix="BELEG_", frozen=True, extra="forbid")

    home: Path = Path(".beleg")
    """All state lives here."""
    database_url: SecretStr | None = None
    """SQLAlchemy URL; unset = SQLite in `home`. A secret, because it may carry a password."""

    host: str = "127.0.0.1"
    """Where the API listens. Everything else listens on the loopback only."""
    port: int = Field(8600, ge=1, le=65535)
    prefect_port: int = Field(8601, ge=1, le=65535)
    mlflow_port: int = Field(8602, ge=1, le=65535)

    policies: Path = ROOT / "policies"
    use_cases: Path = ROOT / "usecases"
    chunking: Path | None = None
    """YAML file that sets single cells of the table by which documents are cut; unset = the built-in table alone."""
    endpoints: Path | None = None
    """YAML file of OpenAI-compatible endpoints; unset = the extractive endpoint alone."""

    qdrant_url: str | None = None
    """Of a Qdrant server; unset = the embedded index in `home`."""
    qdrant_api_key: SecretStr | None = None
    qdrant_quantized: bool = False
    """Dense vectors as bytes: a quarter of the memory, a little less exact."""
    qdrant_sharded: bool = False
    """Each tenant in shards of its own, which a cluster alone can; takes effect for an index that is built anew."""

    azure_search_endpoint: str | None = None
    """Of an Azure AI Search service, as `https://NAME.search.windows.net`; unset = not used."""
    azure_search_key: SecretStr | None = None
    """An admin key; unset = the managed identity of this machine."""
    azure_search_semantic: bool = False
    """Azure's semantic ranker orders what the two sides have found; costs by the query, and needs a plan that has it."""
    index_prefix: str = Field("beleg", pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)
    """Of the names in an index server: two instances on one server need two."""

    embedder_url: HttpUrl | None = None
    """Of an endpoint for embeddings as OpenAI speaks it, ending in `/v1`; unset = the packaged model in this process."""
    embedder_model: str | None = Field(None, min_length=1)
    embedder_dimension: int | None = Field(None, ge=1, le=65536)
    embedder_key: SecretStr | None = None
    embedder_api_version: str | None = Field(None, pattern=r"^[A-Za-z0-9.-]+$")
    """Set = Azure's style: `BELEG_EMBEDDER_URL` is the resource, the model is a deployment, the key goes as `api-key`."""
    embedder_tokenizer: Path | None = None
    """The model's `tokenizer.json`, by which chunks are measured; unset = that of the packaged model, which cuts finely."""
    embedder_most_tokens: int = Field(512, ge=100, le=100_000)
    """That the model reads of one text, which bounds the rules for chunks. 512 is what most of them read at least."""

    entailment: Path | None = None
    """Folder of a model for natural language inference, which scores whether a quote entails its claim; unset = none."""

    parse_timeout_s: float = Field(60.0, gt=0)
    """Whole file. A 600-page PDF takes about 3 s; what needs a minute hangs."""
    parse_memory_mb: int = Field(2048, gt=0)
    """Of each child."""
    parse_children: int = Field(default_factory=lambda: min(4, os.cpu_count() or 1), ge=1)
    """Files that are read at a time, each in a process of its own."""
    max_file_mb: int = Field(100, gt=0)
    sweep_s: float = Field(300.0, gt=0)
    """Every zone is swept this often even if no event came: events are hints."""
    keep_generations: int = Field(3, ge=1)
    keep_index_days: int = Field(14, ge=0)
    """How long an index that no release reads any more stays for a rollback, up to date."""
    requests_per_minute: int = Field(120, gt=0)
    """Per API key."""
    threads: int = Field(default_factory=lambda: min(4, os.cpu_count() or 1), ge=1)
    """Of the embedding model, per process."""

    @property
    def sqlalchemy_url(self) -> str:
        """With an async driver. May carry a password: never log it."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.home.resolve() / 'beleg.sqlite'}"
        url = self.database_url.get_secret_value()
        return url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        )

    @property
    def address(self) -> str:
        """Where the API is asked from this machine."""
        return f"http://{reached_at(self.host)}:{self.port}"

    @property
    def index_root(self) -> Path:
        return self.home.resolve() / "index"


def reached_at(host: str) -> str:
    """Where a server that listens on `host` is asked from this machine."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - listening is the operator's choice
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment. Raises `Permanent("bad_setting")` naming what is wrong."""
    known = {f"BELEG_{name.upper()}" for name in Settings.model_fields} | _OTHER_NAMES
    unknown = sorted(name for name in os.environ if name.startswith("BELEG_") and name not in known)
    if unknown:
        raise Permanent(
            "bad_setting", f"Unknown setting {', '.join(unknown)}.", hint=f"Known: {', '.join(sorted(known))}."
        )
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
    except ValueError as error:
        names = ", ".join(f"BELEG_{str(e['loc'][0]).upper()}: {e['msg']}" for e in getattr(error, "errors", list)())
        raise Permanent("bad_setting", f"A setting is not usable: {names or type(error).__name__}.") from None
