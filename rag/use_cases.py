"""Use-case files → `UseCase` and `Prompt`. A door: read with a strict schema, unknown keys are errors that name the key.

A use case is a folder `NAME/` with `usecase.yaml` and `prompt.md`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rag.errors import Permanent
from rag.types import Classification, Prompt, RetrievalSettings, UseCase


class _Retrieval(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(8, ge=1, le=50)
    prefetch: int = Field(50, ge=1, le=500)
    min_answerability: float = Field(0.5, ge=0, le=1)
    surroundings: int = Field(100, ge=0, le=2000)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    usecase_class: str = Field("general", alias="class")
    protection: Classification
    quality_tier: str = "standard"
    budget_class: str = "standard"
    retrieval: _Retrieval = _Retrieval()
    zones: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    roles: frozenset[str] = frozenset({"user", "operator"})
    budget_usd: float | None = Field(None, ge=0)
    need_websearch: bool = False
    need_tools: bool = False

    @field_validator("protection", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if isinstance(value, str) and value in Classification.__members__:
            return Classification[value]
        raise ValueError(f"one of {', '.join(Classification.__members__)}")


def read_use_cases(folder: Path) -> dict[str, UseCase]:
    """Every use case in the folder, by name. Raises `Permanent("bad_use_case")` naming file and key."""
    found = {path.parent.name: _read(path) for path in sorted(folder.glob("*/usecase.yaml"))}
    if not found:
        raise Permanent(
            "bad_use_case", f"No use case found in {folder}.", hint="Add NAME/usecase.yaml and NAME/prompt.md."
        )
    return found


def read_prompt(folder: Path, name: str) -> Prompt:
    """The prompt of a use case as it stands in its file."""
    template = (folder / name / "prompt.md").read_text(encoding="utf-8")
    return Prompt(name=name, version=hashlib.sha256(template.encode()).hexdigest()[:12], template=template)


def _read(path: Path) -> UseCase:
    try:
        file = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Permanent("bad_use_case", f"{path}: {what}.") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise Permanent("bad_use_case", f"{path} cannot be read as YAML ({type(error).__name__}).") from error
    if not (path.parent / "prompt.md").is_file():
        raise Permanent(
            "bad_use_case", f"{path.parent} has no prompt.md.", hint="Write the prompt beside usecase.yaml."
        )
    return UseCase(
        name=path.parent.name,
        title=file.title,
        usecase_class=file.usecase_class,
        protection=file.protection,
        quality_tier=file.quality_tier,
        budget_class=file.budget_class,
        prompt=path.parent.name,
        retrieval=RetrievalSettings(**file.retrieval.model_dump()),
        zones=file.zones,
        tenants=file.tenants,
        roles=file.roles,
        budget_usd=file.budget_usd,
        need_websearch=file.need_websearch,
        need_tools=file.need_tools,
    )
