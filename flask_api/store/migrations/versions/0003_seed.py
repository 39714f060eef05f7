"""The seed of a job whose request names none, so that a rerun draws the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("seed", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("jobs", "seed")
