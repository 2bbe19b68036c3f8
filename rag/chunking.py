"""The table of chunk rules → the rules of a zone. A door: strict schema, unknown kinds and keys are errors that name them.

The built-in table is `rag/ingest/chunking.yaml`; an operator's file and the zone itself set single cells of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rag.errors import Permanent
from rag.types import ChunkRule, ChunkRules, ChunkSetting, Zone

_MOST = 8192
"""Tokens; no embedding model of today reads more at once with profit."""
_MAX_NAMED = 5
BUILT_IN = "built in"


class _Row(BaseModel):
    """Cells of one kind that are overridden. What is not named stays: the defaults here stand for nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Annotated[int, Field(strict=True, ge=20, le=_MOST)] = 0
    most: Annotated[int, Field(strict=True, ge=80, le=_MOST)] = 0
    merges: Annotated[bool, Field(strict=True)] = False
    context: Annotated[int, Field(strict=True, ge=0, le=_MOST)] = 0
    header: Annotated[int, Field(strict=True, ge=0, le=_MOST)] = 0


def _kind(name: str) -> str:
    if name not in kinds():
        raise ValueError(f"one of {', '.join(kinds())}")
    return name


Overrides = dict[Annotated[str, AfterValidator(_kind)], _Row]
"""Kind → cells, as it stands in `zone.yaml` and in the operator's file."""


def settings_of(overrides: Mapping[str, _Row]) -> tuple[ChunkSetting, ...]:
    """Sorted, so that the same cells are the same value."""
    return tuple(
        sorted(
            ChunkSetting(kind=kind, key=key, value=value)
            for kind, row in overrides.items()
            for key, value in row.model_dump(exclude_unset=True).items()
        )
    )


def parse_settings(said: Sequence[str]) -> tuple[ChunkSetting, ...]:
    """Of cells as typed on a command line, `slides.target=80`. Raises `Permanent("bad_chunking")` naming the cell."""
    rows: dict[str, dict[str, Any]] = {}
    for one in said:
        name, _, value = one.partition("=")
        kind, _, key = name.partition(".")
        try:
            rows.setdefault(kind.strip(), {})[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise Permanent("bad_chunking", f"{name}: no value.", hint="Write it as slides.target=80.") from None
    return _validated(rows, "--chunking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunking:
    """The table in force for all zones: the built-in one with the operator's cells.

    Attributes:
        origin: where the operator's cells come from, for people.
    """

    operators: tuple[ChunkSetting, ...] = ()
    origin: str = ""

    def of(self, zone: Zone | None = None) -> ChunkRules:
        """Raises `Permanent("bad_chunking")` for cells that do not go together."""
        cells: dict[str, dict[str, Any]] = {}
        for one in (*self.operators, *(zone.chunking if zone else ())):
            cells.setdefault(one.kind, {})[one.key] = one.value
        rules = ChunkRules(tuple(replace(rule, **cells.get(rule.kind, {})) for rule in built_in().rules))
        for rule in rules.rules:
            if rule.target > rule.most:
                said = f"{rule.kind}.target {rule.target} is above {rule.kind}.most {rule.most}."
                raise _do_not_go_together(zone, said, hint=f"Set {rule.kind}.target and {rule.kind}.most together.")
        return rules

    def readable(self, zone: Zone | None, most_tokens: int) -> ChunkRules:
        """The same, if a model that reads so many tokens reads every chunk whole. Raises `Permanent("bad_chunking")`."""
        rules = self.of(zone)
        for rule in rules.rules:
            if rule.most + rule.context > most_tokens:
                what = f"{rule.kind}.most {rule.most} and {rule.kind}.context {rule.context}"
                said = f"{what} are together more than the {most_tokens} tokens that the embedding model reads."
                hint = f"Lower {rule.kind}.most or {rule.kind}.context."
                raise _do_not_go_together(zone, said, hint=hint)
        return rules

    def origins(self, zone: Zone | None = None) -> dict[tuple[str, str], str]:
        """(kind, key) → where that cell of `of(zone)` comes from."""
        found = {(rule.kind, key): BUILT_IN for rule in built_in().rules for key in _Row.model_fields}
        found |= {(one.kind, one.key): self.origin for one in self.operators}
        return found | {(one.kind, one.key): f"zone {zone.name}" for one in (zone.chunking if zone else ()) if zone}


def read_chunking(path: Path | None) -> Chunking:
    """`None`: the built-in table alone. Raises `Permanent("bad_chunking")` naming file and cell."""
    if path is None:
        return Chunking()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        hint = "BELEG_CHUNKING names a file in the form of rag/ingest/chunking.yaml."
        raise Permanent("bad_chunking", f"{path} cannot be read ({type(error).__name__}).", hint=hint) from None
    chunking = Chunking(operators=_validated({} if content is None else content, str(path)), origin=str(path))
    chunking.of()
    return chunking


@lru_cache(maxsize=1)
def built_in() -> ChunkRules:
    """The table that ships."""
    table = yaml.safe_load(files("rag.ingest").joinpath("chunking.yaml").read_text(encoding="utf-8"))
    return ChunkRules(
        tuple(ChunkRule(kind=kind, **{**row, "media_types": tuple(row["media_types"])}) for kind, row in table.items())
    )


def kinds() -> tuple[str, ...]:
    """In the order of the table."""
    return tuple(rule.kind for rule in built_in().rules)


def cells_of(rule: ChunkRule) -> dict[str, int]:
    """What of a rule can be set, in the order of the table."""
    return {key: value for key, value in asdict(rule).items() if key in _Row.model_fields}


def _validated(content: object, where: str) -> tuple[ChunkSetting, ...]:
    try:
        return settings_of(TypeAdapter(Overrides).validate_python(content))
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_context=False)[:_MAX_NAMED]
        what = "; ".join(f"{_cell(e['loc'])}: {e['msg']}" for e in wrong)
        hint = f"Kinds: {', '.join(kinds())}. Keys: {', '.join(_Row.model_fields)}."
        raise Permanent("bad_chunking", f"{where}: {what}.", hint=hint) from None


def _cell(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:60] for part in loc if part != "[key]") or "the file"


def _do_not_go_together(zone: Zone | None, said: str, *, hint: str) -> Permanent:
    return Permanent("bad_chunking", (f"Zone {zone.name}: " if zone else "") + said, hint=hint)
