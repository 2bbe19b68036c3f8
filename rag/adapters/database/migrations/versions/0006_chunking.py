"""A zone's own cells of the table of chunk rules.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("zones", sa.Column("chunking", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("zones", "chunking")
