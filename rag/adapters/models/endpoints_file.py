"""The operator's file of model endpoints → open endpoints. A door: strict schema, keys never in the file itself.

endpoints:
- name: house-vllm
class: local                # what the routing policy decides on: local or external
model: meta-llama/Llama-3.1-8B-Instruct
base_url: http://10.0.0.5:8000/v1
api_key_env: HOUSE_VLLM_KEY # name of an environment variable; omit for none
usd_per_million: {prompt: 0.10, completion: 0.40}
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError

from rag.adapters.models.openai_compatible import OpenAICompatibleLlm, Prices, Timeouts
from rag.errors import Permanent


class _Price(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)


class _Timeouts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_s: float = Field(5.0, gt=0)
    first_token_s: float = Field(30.0, gt=0)
    between_tokens_s: float = Field(15.0, gt=0)
    total_s: float = Field(120.0, gt=0)


class _Endpoint(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1)
    endpoint_class: Literal["local", "external"] = Field(alias="class")
    model: str = Field(min_length=1)
    base_url: HttpUrl
    api_key_env: str | None = None
    usd_per_million: _Price
    max_tokens: int = Field(1024, ge=1)
    timeouts: _Timeouts = _Timeouts()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoints: list[_Endpoint]


def open_endpoints(path: Path) -> list[OpenAICompatibleLlm]:
    """In the file's order. Raises `Permanent("bad_endpoints")` naming the key, or the variable that is not set."""
    try:
        file = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise _bad(f"{path}: {what}.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _bad(f"{path} cannot be read as YAML ({type(error).__name__}).") from error
    names = [endpoint.name for endpoint in file.endpoints]
    if len(set(names)) < len(names):
        raise _bad(f"{path}: two endpoints have the same name.")
    return [_open(endpoint) for endpoint in file.endpoints]


def _open(endpoint: _Endpoint) -> OpenAICompatibleLlm:
    return OpenAICompatibleLlm(
        name=endpoint.name,
        endpoint_class=endpoint.endpoint_class,
        model=endpoint.model,
        base_url=str(endpoint.base_url),
        prices=Prices(**endpoint.usd_per_million.model_dump()),
        api_key=_key(endpoint),
        timeouts=Timeouts(**endpoint.timeouts.model_dump()),
        max_tokens=endpoint.max_tokens,
    )


def _key(endpoint: _Endpoint) -> SecretStr | None:
    if endpoint.api_key_env is None:
        return None
    if not (key := os.environ.get(endpoint.api_key_env)):
        raise _bad(f"Endpoint {endpoint.name} needs the environment variable {endpoint.api_key_env}, which is not set.")
    return SecretStr(key)


def _bad(message: str) -> Permanent:
    return Permanent(
        "bad_endpoints", message, hint="The head of rag/adapters/models/endpoints_file.py shows an example."
    )
