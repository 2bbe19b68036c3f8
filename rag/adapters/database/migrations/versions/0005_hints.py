"""Zones in which something may have changed, as told from outside.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rag.adapters.database.schema import Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "hints",
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("told_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("zone", name=op.f("pk_hints")),
    )


def downgrade() -> None:
    op.drop_table("hints")
