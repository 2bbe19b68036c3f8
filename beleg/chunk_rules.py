"""The table of chunk rules in force, with where each cell comes from. Called by `beleg chunk rules`."""

from __future__ import annotations

from dataclasses import dataclass

from beleg.home import here
from beleg.zones import chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value of the table."""

    key: str
    value: int
    origin: str
    is_override: bool

    @property
    def shown(self) -> str:
        """For people."""
        return ("yes" if self.value else "no") if isinstance(self.value, bool) else str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of document."""

    kind: str
    media_types: tuple[str, ...]
    cells: tuple[Cell, ...]


async def table(zone_name: str | None) -> list[Row]:
    """As an index that is begun now would be cut. Raises `Permanent`: `no_such_zone`, `bad_chunking`, `bad_zone_file`."""
    from rag.chunking import BUILT_IN, cells_of
    from rag.compose import open_rag

    async with open_rag(here()) as rag:
        chunking = rag.chunking
        known = chosen(await rag.ledger.zones(), zone_name)[0] if zone_name is not None else None
        zone = None if known is None else await rag.intake.landing.zone(known)
        rules = chunking.readable(zone, rag.intake.embedder.most_tokens)
        origins = chunking.origins(zone)
    return [
        Row(
            kind=rule.kind,
            media_types=rule.media_types,
            cells=tuple(
                Cell(
                    key=key,
                    value=value,
                    origin=origins[rule.kind, key],
                    is_override=origins[rule.kind, key] != BUILT_IN,
                )
                for key, value in cells_of(rule).items()
            ),
        )
        for rule in rules.rules
    ]
