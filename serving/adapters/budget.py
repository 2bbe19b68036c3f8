"""Money in SQL, in whole micro-dollars. Port `Budget`. One row per tenant, use case and month holds the sums.

A reservation is added to the sum only if the sum stays within the limit, in one statement: the database decides, so
no two requests of any two processes spend the same cent. A reservation that nobody settles, because its process died,
stays counted in full: what the endpoint billed is unknown, and unknown is never zero.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import case, delete, func, insert, literal, select, true, update

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import budgets, reservations
from rag.errors import BelegError, Refused

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """One tenant's and use case's month.

    Attributes:
        reserved_usd: set aside for requests under way. lapsed_usd: the part of it that is older than any request.
    """

    tenant: str
    use_case: str
    month: str
    spent_usd: float
    reserved_usd: float
    lapsed_usd: float


class DatabaseBudget:
    """See `serving.ports.Budget`.

    Args:
        lapse_after: longer than the longest request; only reports depend on it.
    """

    def __init__(self, database: Database, *, lapse_after: timedelta = timedelta(minutes=15)) -> None:
        self._database = database
        self._lapse_after = lapse_after

    async def reserve(
        self, *, tenant: str, use_case: str, amount_usd: float, limit_usd: float | None, now: datetime
    ) -> str:
        """Sets the amount aside, or raises `Refused("budget_exhausted")`; `Refused("budget_unavailable")` when down."""
        amount, month, id_ = _micro(amount_usd), _month(now), secrets.token_hex(12)
        place = {"tenant": tenant, "use_case": use_case, "month": month}
        mine = (budgets.c.tenant == tenant) & (budgets.c.use_case == use_case) & (budgets.c.month == month)
        total = budgets.c.spent + budgets.c.reserved + amount
        fits = true() if limit_usd is None else total <= _micro_floor(limit_usd)
        try:
            async with self._database.write() as connection:
                first = self._database.upsert(
                    budgets, {**place, "reserved": 0, "spent": 0}, keys=tuple(place), keep=True
                )
                await connection.execute(first)
                taken = await connection.execute(
                    update(budgets).where(mine, fits).values(reserved=budgets.c.reserved + amount)
                )
                if taken.rowcount != 1:
                    raise _exhausted(use_case, month)
                await connection.execute(insert(reservations).values(id=id_, amount=amount, reserved_at=now, **place))
        except Refused:
            raise
        except BelegError as error:
            raise Refused("budget_unavailable", "The budget cannot be checked now.", hint=error.message) from error
        return id_

    async def settle(self, reservation: str, *, actual_usd: float, now: datetime) -> None:  # noqa: ARG002  # the port's
        """Books what was spent, also above the reservation, in the month of the reservation. Twice changes nothing."""
        actual = _micro(actual_usd)
        async with self._database.write() as connection:
            taken = delete(reservations).where(reservations.c.id == reservation).returning(reservations)
            found = (await connection.execute(taken)).first()
            if found is None:
                return
            mine = (
                (budgets.c.tenant == found.tenant)
                & (budgets.c.use_case == found.use_case)
                & (budgets.c.month == found.month)
            )
            sums = {"reserved": budgets.c.reserved - found.amount, "spent": budgets.c.spent + actual}
            await connection.execute(update(budgets).where(mine).values(**sums))

    async def spending(self, month: str, *, now: datetime) -> list[Spending]:
        """All tenants and use cases of a month (`YYYY-MM`), sorted."""
        is_old = reservations.c.reserved_at < now - self._lapse_after
        lapsed = func.coalesce(func.sum(case((is_old, reservations.c.amount), else_=literal(0))), 0)
        same = (
            (reservations.c.tenant == budgets.c.tenant)
            & (reservations.c.use_case == budgets.c.use_case)
            & (reservations.c.month == budgets.c.month)
        )
        wanted = (
            select(budgets, lapsed.label("lapsed"))
            .select_from(budgets.outerjoin(reservations, same))
            .where(budgets.c.month == month)
            .group_by(*budgets.c)
            .order_by(budgets.c.tenant, budgets.c.use_case)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(wanted)).all()
        return [
            Spending(
                tenant=row.tenant,
                use_case=row.use_case,
                month=row.month,
                spent_usd=row.spent / _MICRO,
                reserved_usd=row.reserved / _MICRO,
                lapsed_usd=int(row.lapsed) / _MICRO,
            )
            for row in rows
        ]


def _month(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m")


def _micro(usd: float) -> int:
    """Rounded up. Raises `Refused("price_unknown")` for what is no price: it must not count as nothing."""
    if not math.isfinite(usd) or usd < 0:
        raise Refused("price_unknown", "The price of this request is not known.", hint="Set the endpoint's prices.")
    return math.ceil(round(usd * _MICRO, 3))  # 0.1 + 0.2 must not cost a micro-dollar more than 0.3


def _micro_floor(usd: float) -> int:
    return math.floor(round(usd * _MICRO, 3))


def _exhausted(use_case: str, month: str) -> Refused:
    return Refused(
        "budget_exhausted",
        f"The budget of {use_case} for {month} is used up.",
        hint="The operator can raise it; otherwise it starts anew next month.",
    )
