"""Zones that keep earlier versions, and of every text its class, and when it ended.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rag.adapters.database.schema import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("zones", sa.Column("keeps_history", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("texts", sa.Column("classification", sa.Integer(), nullable=True))
    op.add_column("texts", sa.Column("modified_at", Instant(), nullable=True))
    op.add_column("texts", sa.Column("ended_at", Instant(), nullable=True))
    op.add_column("texts", sa.Column("made_with", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("texts", "made_with")
    op.drop_column("texts", "ended_at")
    op.drop_column("texts", "modified_at")
    op.drop_column("texts", "classification")
    op.drop_column("zones", "keeps_history")
