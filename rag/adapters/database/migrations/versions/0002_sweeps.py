"""Sweeps: failed attempts, missing documents, how much of a zone may vanish unasked, and what its file may not change.

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
    op.add_column("documents", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("documents", sa.Column("missing_since", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("documents", "missing_since")
    op.drop_column("documents", "attempts")
    op.drop_column("zones", "fixed")
    op.drop_column("zones", "deletion_limit")
