"""Since when each document is what it is, and how far the last sweep of each zone has come.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rag.adapters.database.schema import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name in ("added_at", "changed_at", "state_since"):
        op.add_column("documents", sa.Column(name, Instant(), nullable=True))
    op.add_column("documents", sa.Column("known_version", sa.Text(), nullable=True))
    # The best that is known of rows written before: they are as old as their last receipt.
    op.execute(
        "UPDATE documents SET added_at = recorded_at, changed_at = recorded_at, state_since = recorded_at, "
        "known_version = version"
    )
    op.create_table(
        "sweeps",
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("due", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("zone", name=op.f("pk_sweeps")),
    )


def downgrade() -> None:
    op.drop_table("sweeps")
    for name in ("known_version", "state_since", "changed_at", "added_at"):
        op.drop_column("documents", name)
