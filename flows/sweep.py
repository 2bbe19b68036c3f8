"""What one run did to one zone, and how it is told in Prefect: the run's name, a table, links. Called by `flows.ingest`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.context import FlowRunContext

from flows.artifacts import MOST_ROWS, key_of, more, plain
from rag.types import Receipt, State

_TROUBLE = (State.blocked, State.quarantined, State.discovered)
_GONE = frozenset({State.deleted, State.forgotten})
_ORDER = ("new", "changed", "gone", "quarantined", "blocked", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one run did to one zone.

    Attributes:
        receipts: one for each file that it touched.
        new: paths that were not known before.
        held: documents that vanished, so many at once that a person has to say that it is meant.
        left: files that it did not come to, because a person has cancelled the run; `None` = nobody has.
    """

    zone: str
    receipts: tuple[Receipt, ...]
    unchanged: int
    generation: str | None
    held: int = 0
    new: frozenset[str] = frozenset()
    left: int | None = None

    @property
    def failed(self) -> int:
        """Files that did not come in: they wait for the next sweep, or for a person."""
        return sum(r.state in {State.discovered, State.blocked} for r in self.receipts)

    @property
    def name(self) -> str:
        """Zone and counts, each file in one of them: `handbooks: 3 new, 1 changed, 2 gone`."""
        counts = Counter(self._kind(receipt) for receipt in self.receipts)
        told = [f"{counts[kind]} {kind}" for kind in _ORDER if counts[kind]]
        told += [f"{self.held} deletions wait"] if self.held else []
        told += [f"cancelled with {self.left} left"] if self.left is not None else []
        return f"{self.zone}: {', '.join(told) or 'nothing new'}"

    def _kind(self, receipt: Receipt) -> str:
        if receipt.state in _GONE:
            return "gone"
        if receipt.state is State.indexed:
            return "new" if receipt.path in self.new else "changed"
        return "waiting" if receipt.state is State.discovered else receipt.state.value


async def show(sweep: Sweep, *, address: str) -> None:
    """In Prefect's UI. `address`: where people reach this instance."""
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None:
        await context.client.set_flow_run_name(context.flow_run.id, sweep.name)  # type: ignore[misc]
    if not sweep.receipts:
        return
    shown = sorted(sweep.receipts, key=_trouble_first)[:MOST_ROWS]
    rows = [
        {"file": r.path, "state": r.state.value, "code": r.code, "chunks": r.chunks, "reason": r.reason, "hint": r.hint}
        for r in shown
    ]
    left = more(len(sweep.receipts) - len(shown), f"beleg zone status {sweep.zone} --all")
    told = f"What became of zone {plain(sweep.zone)}.{left}"
    await acreate_table_artifact(rows, key=key_of("zone", sweep.zone), description=told)
    await acreate_markdown_artifact(
        links(sweep, address=address), key=key_of("links", sweep.zone), description="Where to look further"
    )


def links(sweep: Sweep, *, address: str) -> str:
    """Markdown: every document that came in, as it can be read now, and the page to ask it. Names are shown as text."""
    came = [r for r in sweep.receipts if r.state is State.indexed and r.version is not None]
    lines = [
        f"- [{plain(r.path)}]({address}/sources/{r.document_id}/{r.version})"
        for r in sorted(came, key=lambda r: r.path)[:MOST_ROWS]
    ]
    status = f"`beleg zone status` shows the zone {plain(sweep.zone)} as it is now."
    return "\n".join([f"[Ask the documents]({address}/). {status}", "", *lines])


def _trouble_first(receipt: Receipt) -> tuple[int, str]:
    order = _TROUBLE.index(receipt.state) if receipt.state in _TROUBLE else len(_TROUBLE)
    return order, receipt.path
