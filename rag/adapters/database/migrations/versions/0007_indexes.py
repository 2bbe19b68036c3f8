"""Several indexes beside each other, and what each of those that follow holds.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rag.adapters.database.schema import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "indexes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("build", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ready_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_indexes")),
    )
    op.create_table(
        "marks",
        sa.Column("index", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("made_from", sa.Text(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("marked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("index", "document_id", name=op.f("pk_marks")),
    )
    op.create_index(op.f("ix_marks_zone"), "marks", ["zone"])


def downgrade() -> None:
    op.drop_table("marks")
    op.drop_table("indexes")
