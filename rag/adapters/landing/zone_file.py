"""`zone.yaml` and sidecars → values. A door: strict schemas, unknown keys are errors that name the key."""

from __future__ import annotations

import getpass
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rag.chunking import Overrides, settings_of
from rag.errors import Permanent
from rag.types import ChunkSetting, Classification, Zone

MOST_BYTES = 64 * 1024
_MAX_NAMED = 5
_MAX_NAME = 60
"""Mistakes and characters of a key in a message: who reads it needs the first, not ten thousand."""
_WORDS = {
    "extra_forbidden": "is not known here",
    "frozen_set": "must be a list, such as [finance, board]",
    "tuple": "must be a list, such as [de, en]",
    "date": "must be a date, such as 2026-12-31",
    "string": "must be text",
    "int": "must be a whole number",
    "bool": "must be true or false",
    "model": "must be keys with values",
    "dict": "must be keys with values",
}
"""By the beginning of the library's name for the error."""
M = TypeVar("M", bound=BaseModel)


def _instant(value: object) -> object:
    """A date means its first moment, UTC; so does an instant without a zone."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    if isinstance(value, int | float):  # a forgotten digit would be an hour in 1970
        raise ValueError("a date, such as 2026-12-31")  # noqa: TRY004 - pydantic tells a ValueError
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


class ZoneFile(BaseModel):
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
    deletion_limit: Annotated[float, Field(ge=0, le=1)] = 0.15
    keeps_history: bool = False
    hold: bool = False
    """Counts when the zone is added, never again: who may drop files here could otherwise publish, or stop, a zone."""
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    chunking: Overrides = Field(default_factory=dict)


def read_sidecar(path: Path) -> Sidecar:
    """Raises `Permanent("bad_sidecar")` naming the key. A link is refused: it may lead out of the zone."""
    if path.is_symlink() or not path.is_file():
        raise Permanent("bad_sidecar", f"{path.name} is no regular file.", hint="Put the file itself into the zone.")
    return _read(path, Sidecar, "bad_sidecar")


def parse_sidecar(content: bytes, name: str) -> Sidecar:
    """Of a file that lies elsewhere; `name` is for messages. Raises `Permanent("bad_sidecar")`."""
    return _parsed(content, name, Sidecar, "bad_sidecar")


def read_zone_file(
    folder: Path,
    *,
    name: str | None = None,
    tenant: str | None = None,
    owner: str | None = None,
    classification: Classification | None = None,
    chunking: tuple[ChunkSetting, ...] | None = None,
    keeps_history: bool | None = None,
    default_tenant: str = "default",
) -> Zone:
    """The zone of a local folder: what is given here, else what its `zone.yaml` says, else the defaults.

    Raises `Permanent`: `no_such_folder`, or `bad_zone_file` naming the key.
    """
    folder = folder.expanduser().resolve()
    if not os.path.isdir(folder):  # noqa: PTH112 - a name that no folder can have is no error here
        raise Permanent(
            "no_such_folder", f"{folder} is not a folder.", hint="Name the folder that holds the documents."
        )
    given = {
        "name": name, "tenant": tenant, "owner": owner, "classification": classification, "chunking": chunking,
        "keeps_history": keeps_history,
    }  # fmt: skip
    return zone_at(str(folder), zone_file_of(folder), called=folder.name, given=given, default_tenant=default_tenant)


def zone_at(
    url: str, file: ZoneFile, *, called: str, given: Mapping[str, Any], default_tenant: str = "default"
) -> Zone:
    """The zone at an address: what is given, else what its file says, else the defaults; `called` names it if nothing does."""
    _one_line(url, "folder")
    return Zone(
        name=_one_line(given.get("name") or file.name or _slug(called), "name"),
        url=url,
        tenant=_one_line(given.get("tenant") or file.tenant or default_tenant, "tenant"),
        owner=given.get("owner") or file.owner or getpass.getuser(),
        classification=_first(given.get("classification"), file.classification, Classification.internal),
        business_unit=file.business_unit,
        valid_from=file.valid_from,
        valid_until=file.valid_until,
        readers=file.readers,
        languages=file.languages,
        deletion_limit=file.deletion_limit,
        retention_days=file.retention_days,
        chunking=given.get("chunking") or settings_of(file.chunking),
        keeps_history=file.keeps_history if given.get("keeps_history") is None else given["keeps_history"],
        held=file.hold,
        fixed=frozenset(key for key, value in given.items() if value is not None),
    )


def current_zone(file: ZoneFile, known: Zone) -> Zone:
    """The zone on record with what its `zone.yaml` says now. What was given when it was added stays.

    Raises `Permanent`: `bad_zone_file` naming the key, `zone_tenant` for a file that wants another tenant.
    """
    current = replace(
        known, business_unit=file.business_unit, valid_from=file.valid_from, valid_until=file.valid_until,
        readers=file.readers, languages=file.languages, deletion_limit=file.deletion_limit, retention_days=file.retention_days,
        owner=known.owner if "owner" in known.fixed else file.owner or known.owner,
        keeps_history=known.keeps_history if "keeps_history" in known.fixed else file.keeps_history,
        classification=known.classification if "classification" in known.fixed else _first(file.classification, Classification.internal),
        tenant=known.tenant if "tenant" in known.fixed else file.tenant or known.tenant,
        chunking=known.chunking if "chunking" in known.fixed else settings_of(file.chunking),
    )  # fmt: skip
    current.require_tenant(known.tenant)
    return current


def zone_file_of(folder: Path) -> ZoneFile:
    """A folder without one has the defaults. Raises `Permanent("bad_zone_file")` naming the key."""
    path = folder / "zone.yaml"
    return _read(path, ZoneFile, "bad_zone_file") if os.path.lexists(path) else ZoneFile()


def parse_zone_file(content: bytes | None) -> ZoneFile:
    """`None`: there is none. Raises `Permanent("bad_zone_file")` naming the key."""
    return ZoneFile() if content is None else _parsed(content, "zone.yaml", ZoneFile, "bad_zone_file")


def _one_line(text: str, key: str) -> str:
    """Names are joined by line breaks into identities: with one inside, two places could share an identity."""
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text) or not text.strip():
        raise Permanent("bad_zone_file", f"{key}: control characters are not allowed.", hint="Use letters and digits.")
    return text


def _first(*values: Classification | None) -> Classification:
    """`public` is 0, so `or` would lose it."""
    return next(value for value in values if value is not None)


def _read(path: Path, model: type[M], code: str) -> M:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path.name, code, error) from None
    return _parsed(content, path.name, model, code)


def _parsed(content: bytes, name: str, model: type[M], code: str) -> M:
    if len(content) > MOST_BYTES:
        raise Permanent(code, f"{name} is larger than {MOST_BYTES // 1024} KB.", hint="It is no settings file.")
    try:
        return model.model_validate(_yaml(content.decode("utf-8-sig")))
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_context=False)[:_MAX_NAMED]
        what = "; ".join(f"{_named(e['loc'])} {_told(e['type'], e['msg'])}" for e in wrong)
        raise Permanent(code, f"{name}: {what}.", hint=f"Known keys: {', '.join(model.model_fields)}.") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        # ValueError: a day that does not exist, a number of a thousand digits, bytes that are no UTF-8
        raise _unreadable(name, code, error) from None


def _told(kind: str, message: str) -> str:
    """What is wrong, for people who know YAML and no Python; what we have no words for, in those of the library."""
    if kind == "value_error":
        return f"must be {message.removeprefix('Value error, ')}"
    words = [said for beginning, said in _WORDS.items() if kind.startswith(beginning)]
    return words[0] if words else f"is wrong: {message}"


def _unreadable(name: str, code: str, error: Exception) -> Permanent:
    return Permanent(
        code, f"{name} cannot be read as YAML ({type(error).__name__}).", hint="Check dates and indentation."
    )


def _yaml(text: str) -> object:
    """The value of a document without anchors, which can multiply a few lines to gigabytes. Nothing at all is `{}`.

    Raises `yaml.YAMLError`, also for a key that stands there twice: the last one would silently win.
    """
    if any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(text)):
        raise yaml.YAMLError("anchors are not allowed")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(node, yaml.MappingNode):
        keys = [str(key.value) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.YAMLError("a key stands there twice")
    value = yaml.safe_load(text)
    return {} if value is None else value


def _named(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:_MAX_NAME] for part in loc) or "the file"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"[^\w-]+", "-", plain).strip("-") or "zone"
