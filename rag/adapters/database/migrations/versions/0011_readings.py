"""A version's text in more than one reading: that of each parser, while an index is built for a new one.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rag.adapters.database.schema import Instant

revision = "0011"
down_revision = "0010"

_KEPT = "document_id, version, content, kept_at, superseded_at, classification, modified_at, ended_at, made_with"


def upgrade() -> None:
    """Which parser has read what was there before, nobody wrote down."""
    _anew("document_id", "version", "parser", name="pk_texts_parser")


def downgrade() -> None:
    """What a version's first parser has read stays."""
    op.execute(
        sa.text(
            "DELETE FROM texts WHERE EXISTS (SELECT 1 FROM texts AS other WHERE other.document_id = texts.document_id "
            "AND other.version = texts.version AND (other.kept_at, other.parser) < (texts.kept_at, texts.parser))"
        )
    )
    _anew("document_id", "version", name="pk_texts")


def _anew(*key: str, name: str) -> None:
    """The table with another key: SQLite cannot change one."""
    op.create_table(
        "texts_anew",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        *([sa.Column("parser", sa.Text(), nullable=False, server_default="")] if "parser" in key else []),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", Instant(), nullable=False),
        sa.Column("superseded_at", Instant()),
        sa.Column("classification", sa.Integer()),
        sa.Column("modified_at", Instant()),
        sa.Column("ended_at", Instant()),
        sa.Column("made_with", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint(*key, name=op.f(name)),
    )
    op.execute(sa.text(f"INSERT INTO texts_anew ({_KEPT}) SELECT {_KEPT} FROM texts"))  # noqa: S608 - names of ours
    op.drop_table("texts")
    op.rename_table("texts_anew", "texts")
    op.create_index(op.f("ix_texts_superseded_at"), "texts", ["superseded_at"])
