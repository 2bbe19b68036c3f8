"""`zone.yaml` and sidecars → values. A door: strict schemas, unknown keys are errors that name the key."""

from __future__ import annotations

import getpass
import re
import unicodedata
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from rag.errors import Permanent
from rag.types import Classification, Zone

_MAX_BYTES = 64 * 1024
M = TypeVar("M", bound=BaseModel)


def _instant(value: object) -> object:
    """A date means its first moment, UTC; so does an instant without a zone."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    return value


def _class(value: object) -> object:
    if isinstance(value, str) and value in Classification.__members__:
        return Classification[value]
    raise ValueError(f"one of {', '.join(Classification.__members__)}")


Instant = Annotated[datetime, BeforeValidator(_instant)]
Class = Annotated[Classification, BeforeValidator(_class)]


class Sidecar(BaseModel):
    """What `NAME.EXT.meta.yaml` may say about its file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str | None = None
    classification: Class | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    readers: frozenset[str] | None = None
    language: str | None = None
    supersedes: str | None = None


class _ZoneFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    tenant: str | None = None
    business_unit: str | None = None
    owner: str | None = None
    classification: Class | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    readers: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()


def read_sidecar(path: Path) -> Sidecar:
    """Raises `Permanent("bad_sidecar")` naming the key."""
    return _read(path, Sidecar, "bad_sidecar")


def read_zone_file(
    folder: Path,
    *,
    name: str | None = None,
    tenant: str | None = None,
    owner: str | None = None,
    classification: Classification | None = None,
    default_tenant: str = "default",
) -> Zone:
    """The zone of a local folder: what is given here, else what its `zone.yaml` says, else the defaults.

    Raises `Permanent`: `no_such_folder`, or `bad_zone_file` naming the key.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise Permanent(
            "no_such_folder", f"{folder} is not a folder.", hint="Name the folder that holds the documents."
        )
    path = folder / "zone.yaml"
    file = _read(path, _ZoneFile, "bad_zone_file") if path.is_file() else _ZoneFile()
    return Zone(
        name=name or file.name or _slug(folder.name),
        url=str(folder),
        tenant=tenant or file.tenant or default_tenant,
        owner=owner or file.owner or getpass.getuser(),
        classification=_first(classification, file.classification, Classification.internal),
        business_unit=file.business_unit,
        valid_from=file.valid_from,
        valid_until=file.valid_until,
        readers=file.readers,
        languages=file.languages,
    )


def _first(*values: Classification | None) -> Classification:
    """`public` is 0, so `or` would lose it."""
    return next(value for value in values if value is not None)


def _read(path: Path, model: type[M], code: str) -> M:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Permanent(
                code, f"{path.name} is larger than {_MAX_BYTES // 1024} KB.", hint="It is no settings file."
            )
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Permanent(code, f"{path.name}: {what}.", hint=f"Known keys: {', '.join(model.model_fields)}.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise Permanent(code, f"{path.name} cannot be read as YAML ({type(error).__name__}).") from error


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"[^\w-]+", "-", plain).strip("-") or "zone"
