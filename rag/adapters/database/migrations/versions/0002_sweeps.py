"""What sweeps and zones have to remember, receipts of erasures, and verdicts of stewards.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rag.adapters.database.schema import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("zones", sa.Column("deletion_limit", sa.Float(), nullable=False, server_default="0.15"))
    op.add_column("zones", sa.Column("fixed", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("zones", sa.Column("retention_days", sa.Integer(), nullable=True))
    op.add_column("documents", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("documents", sa.Column("missing_since", Instant(), nullable=True))
    _erasures()
    _reviews()


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("generation", sa.Text(), nullable=True),
        sa.Column("verified_at", Instant(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("released_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_document_id"), "erasures", ["document_id"])
    op.create_index(op.f("ix_erasures_version"), "erasures", ["version"])


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "version", name=op.f("pk_reviews")),
    )


def downgrade() -> None:
    op.drop_table("reviews")
    op.drop_table("erasures")
    op.drop_column("documents", "missing_since")
    op.drop_column("documents", "attempts")
    op.drop_column("zones", "retention_days")
    op.drop_column("zones", "fixed")
    op.drop_column("zones", "deletion_limit")
