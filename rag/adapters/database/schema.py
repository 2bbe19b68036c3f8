"""Tables as this version of the code expects them. `migrations/` brings a database here; a test compares the two.

Instants are UTC with microseconds, money is whole micro-dollars, JSON is canonical text where it is hashed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime. SQLite has no time zones: there it is stored in UTC and comes back aware."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _big_key() -> Column[int]:
    """SQLite numbers rows only in a column that says INTEGER."""
    return Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)


zones = Table(
    "zones",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("classification", Integer, nullable=False),
    Column("business_unit", Text),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("readers", JSON, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("deletion_limit", Float, nullable=False, server_default="0.15"),
    Column("retention_days", Integer),
    Column("chunking", JSON, nullable=False, server_default="[]"),
    Column("keeps_history", Boolean, nullable=False, server_default=false()),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("fixed", JSON, nullable=False, server_default="[]"),
)

documents = Table(
    "documents",
    metadata,
    Column("zone", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("document_id", Text, nullable=False, index=True),
    Column("version", Text),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("etag", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("recorded_at", Instant, nullable=False),
    Column("missing_since", Instant),
    Column("added_at", Instant),
    Column("changed_at", Instant),
    Column("state_since", Instant),
    Column("known_version", Text),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("zone", Text, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("due", Integer),
    Column("done", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("trouble", Text, nullable=False),
)

texts = Table(
    "texts",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("parser", Text, primary_key=True, server_default=""),
    Column("content", LargeBinary, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("superseded_at", Instant, index=True),
    Column("classification", Integer),
    Column("modified_at", Instant),
    Column("ended_at", Instant),
    Column("made_with", Text, nullable=False, server_default=""),
)

hints = Table(
    "hints",
    metadata,
    Column("zone", Text, primary_key=True),
    Column("told_at", Instant, nullable=False),
)

reviews = Table(
    "reviews",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("zone", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

indexes = Table(
    "indexes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("build", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("leads", Boolean, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ready_at", Instant),
)

marks = Table(
    "marks",
    metadata,
    Column("index", Text, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("zone", Text, nullable=False, index=True),
    Column("made_from", Text, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("marked_at", Instant, nullable=False),
)

allow_entries = Table(
    "allow_entries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("tenant", Text, nullable=False, index=True),
    Column("zone", Text),
    Column("directions", JSON, nullable=False),
    Column("entity", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("approved_by", Text),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("document_id", Text, nullable=False, index=True),
    Column("version", Text, index=True),
    Column("rule", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("generation", Text),
    Column("verified_at", Instant),
    Column("signature", Text),
    Column("released_at", Instant),
)

pauses = Table(
    "pauses",
    metadata,
    Column("upstream", Text, primary_key=True),
    Column("until", Instant, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _big_key(),
    Column("id", Text, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("tenant", Text),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("rows", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("probed_at", Instant),
    CheckConstraint("id = 1", name="single"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("business_units", JSON, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("clearance", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

budgets = Table(
    "budgets",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("use_case", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("reserved", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("use_case", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reserved_at", Instant, nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("template", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

recipes = Table(
    "recipes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("use_case", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("prompt_name", Text, nullable=False),
    Column("prompt_version", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    ForeignKeyConstraint(["prompt_name", "prompt_version"], ["prompts.name", "prompts.version"]),
)

releases = Table(
    "releases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("use_case", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("recipe", Text, ForeignKey("recipes.id"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("use_case", "number"),
)

pointers = Table(
    "pointers",
    metadata,
    Column("use_case", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("release", Text, ForeignKey("releases.name"), nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

moves = Table(
    "moves",
    metadata,
    Column("use_case", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("move", Text, nullable=False),
    Column("release", Text, ForeignKey("releases.name"), nullable=False),
    Column("before", Text),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
