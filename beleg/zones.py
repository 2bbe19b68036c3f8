"""A folder → a landing zone on record. Refuses what would take documents away, double them or show our own state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beleg.home import here
from rag.errors import Permanent
from rag.types import Classification, Entry, Zone

if TYPE_CHECKING:
    from rag.ingest.hold import Publication
    from rag.ingest.standing import ZoneStatus

DEFAULT_TENANT = "default"


async def add_zone(
    place: str | Path,
    *,
    name: str | None = None,
    tenant: str | None = None,
    classification: str | None = None,
    owner: str | None = None,
    chunking: Sequence[str] = (),
    keeps_history: bool | None = None,
    hold: bool = False,
    move: bool = False,
) -> tuple[Zone, list[str]]:
    """The zone as recorded, and what that changed of a zone that was known. `place`: a folder, or a store's URL.

    `hold`: nothing of it is ingested before `publish_zone`; its own file may ask for the same.

    Raises `Permanent`, and `Temporary` for a store that does not answer.
    """
    from rag.chunking import parse_settings, read_chunking
    from rag.compose import most_tokens, open_state

    # A variable of a script that is not set would add the folder that one stands in, or mean "as before".
    for what, value in (("folder", str(place)), ("name", name), ("tenant", tenant), ("owner", owner)):
        if value is not None and not value.strip():
            raise Permanent("empty_value", f"The {what} is empty.", hint="`beleg zone add --help` shows an example.")
    settings = here()
    given = {
        "name": name, "tenant": tenant, "owner": owner,
        "classification": None if classification is None else Classification[classification],
        "chunking": parse_settings(chunking) or None,
        "keeps_history": keeps_history,
    }  # fmt: skip
    found = await _found(str(place), given)
    if found.chunking:
        read_chunking(settings.chunking).readable(found, most_tokens(settings))
    async with open_state(settings) as state:
        known = {zone.name: zone for zone in await state.ledger.zones()}
        require_addable(found, known, home=settings.home.resolve(), move=move)
        same = known.get(found.name)
        if hold and same is not None:
            require_never_published(same)
        found = replace(found, held=found.held or hold if same is None else same.held)
        await state.ledger.add_zone(found)
    return found, _changes(same, found)


def require_never_published(known: Zone) -> None:
    """Raises `Permanent("zone_published")`: what is searched already is not held back by looking at a preview."""
    if not known.held:
        raise Permanent(
            "zone_published", f"The zone {known.name} is published, so it cannot be held any more.",
            hint=f"To take it out of everything: `beleg zone remove {known.name}`, then add it with --hold.",
        )  # fmt: skip


async def publish_zone(name: str, *, by: str) -> Publication:
    """Lets a held zone go. Raises as `rag.ingest.hold.publish`, and `Permanent("no_such_zone")`."""
    from rag.compose import open_state
    from rag.ingest import hold

    hold.require_name(by)
    async with open_state(here()) as state:
        (zone,) = chosen(await state.ledger.zones(), name)
        return await hold.publish(zone, by=by, ledger=state.ledger, audit=state.audit)


async def _found(place: str, given: dict[str, Any]) -> Zone:
    """By its own settings, where it has any."""
    from rag.adapters.landing.store_landing import StoreLanding
    from rag.adapters.landing.zone_file import ZoneFile, read_zone_file, zone_at

    if "://" not in place or place.startswith("file://"):
        folder = Path(place.removeprefix("file://")).expanduser()
        return read_zone_file(folder, default_tenant=DEFAULT_TENANT, **given)
    url = place.rstrip("/")
    bare = zone_at(url, ZoneFile(), called=url.rpartition("/")[2], given=given, default_tenant=DEFAULT_TENANT)
    file = await StoreLanding().settings(bare)
    return zone_at(url, file, called=url.rpartition("/")[2], given=given, default_tenant=DEFAULT_TENANT)


async def remove_zone(name: str, *, tell: Callable[[str], None]) -> int:
    """Takes every document of the zone out of the index, then the zone off the record. Returns how many documents.

    Raises `Permanent("no_such_zone")`, `Temporary("ingest_running")` while a sweep writes.
    """
    from rag.compose import open_rag
    from rag.ingest.erase import erase_zone

    async with open_rag(here()) as rag, rag.writer() as writer:
        (zone,) = chosen(await rag.ledger.zones(), name)
        return len(await erase_zone(zone, intake=rag.intake, writer=writer, actor="operator", tell=tell))


async def zones() -> list[Zone]:
    from rag.compose import open_state

    async with open_state(here()) as state:
        return await state.ledger.zones()


async def entries(name: str | None) -> dict[Zone, list[Entry]]:
    """Per zone, by path. Raises `Permanent("no_such_zone")`."""
    from rag.compose import open_state

    async with open_state(here()) as state:
        return {
            zone: list((await state.ledger.entries(zone.name)).values())
            for zone in chosen(await state.ledger.zones(), name)
        }


def chosen(known: list[Zone], name: str | None) -> list[Zone]:
    """The one of that name, or all. Raises `Permanent("no_such_zone")`."""
    found = [zone for zone in known if name in {None, zone.name}]
    if name is not None and not found:
        names = ", ".join(zone.name for zone in known) or "none yet"
        raise Permanent(
            "no_such_zone", f"There is no zone {name}.", hint=f"Zones: {names}. `beleg zone add DIR` makes one."
        )
    return found


def folder_of(zone: Zone) -> Path:
    """Of a store: its address in its one spelling, as if it were a folder."""
    from rag.adapters.landing.store_address import canonical

    return Path(zone.url.removeprefix("file://") if zone.is_folder else canonical(zone.url))


def trouble(zone: Zone, status: ZoneStatus) -> str | None:
    """Why no sweep of the zone can work now, as far as its folder shows."""
    if zone.is_folder and not folder_of(zone).is_dir():
        return f"The folder of {zone.name} is not there: {zone.url}. Mount it, or `beleg zone add DIR --move`."
    if is_empty(zone) and any(one.fate.value != "deleted" for one in status.files):
        return (
            f"{zone.url} holds nothing at all, so what was there is still answered from. Mount its disk; or, if it is "
            "meant to be empty, put a zone.yaml into it."
        )
    return None


def is_empty(zone: Zone) -> bool:
    """Whether a folder is there, and nothing in it. A store is not asked."""
    if not zone.is_folder:
        return False
    try:
        return not any(folder_of(zone).iterdir())
    except OSError:
        return False  # a sweep says better than we could what is the matter with it


def require_addable(found: Zone, known: dict[str, Zone], *, home: Path, move: bool) -> None:
    """Raises `Permanent`: `bad_zone_name`, `zone_is_home`, `zone_exists`, `zone_overlaps`."""
    if "/" in found.name or "\\" in found.name or found.name.startswith((".", "-")):
        raise Permanent(
            "bad_zone_name", f"{found.name!r} cannot name a zone.", hint="Use letters, digits and - with --name."
        )
    folder = folder_of(found)
    if _is_seen_in(home, folder) or folder.is_relative_to(home):
        raise Permanent(
            "zone_is_home", f"{folder} holds the state of Beleg itself ({home}).",
            hint="Name a folder with nothing but documents, or move BELEG_HOME.",
        )  # fmt: skip
    same = known.get(found.name)
    if same is not None and folder_of(same) != folder and not move:
        raise Permanent(
            "zone_exists", f"There is a zone {found.name} already: {same.url}.",
            hint="Give this one another --name; or --move that zone here, and what does not lie here leaves the index.",
        )  # fmt: skip
    for zone in known.values():
        if zone.name != found.name and _overlap(folder_of(zone), folder):
            raise Permanent(
                "zone_overlaps", f"{folder} and the zone {zone.name} ({zone.url}) share files.",
                hint="Each file belongs to one zone: name a folder beside it.",
            )  # fmt: skip


def _is_seen_in(inner: Path, folder: Path) -> bool:
    """Whether a sweep of the folder would come there: hidden folders are passed by."""
    return inner.is_relative_to(folder) and not any(p.startswith(".") for p in inner.relative_to(folder).parts)


def _overlap(one: Path, other: Path) -> bool:
    return _is_seen_in(one, other) or _is_seen_in(other, one)


def _changes(before: Zone | None, after: Zone) -> list[str]:
    if before is None:
        return []
    named = (
        "url",
        "tenant",
        "owner",
        "classification",
        "business_unit",
        "valid_from",
        "valid_until",
        "readers",
        "deletion_limit",
        "chunking",
        "keeps_history",
    )
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in named]
    return [f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in pairs if old != new]


def _shown(value: object) -> str:
    if isinstance(value, Classification):
        return value.name
    return ", ".join(sorted(map(str, value))) or "none" if isinstance(value, frozenset | tuple) else str(value)
