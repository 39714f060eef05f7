"""Indexes that hold what claims, lists and housekeeping read."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CLAIM = "status owner priority quick not_before queued_at id kind".split()


def upgrade() -> None:
    op.drop_index("jobs_queue", "jobs")
    op.drop_index("jobs_list", "jobs")
    op.create_index("jobs_claim", "jobs", _CLAIM)
    op.create_index("jobs_served", "jobs", ["owner", "started_at"])
    op.create_index("jobs_list", "jobs", ["owner", "hidden", "id", "status"])
    op.create_index("jobs_files", "jobs", ["result_file"])


def downgrade() -> None:
    for name in ("jobs_files", "jobs_list", "jobs_served", "jobs_claim"):
        op.drop_index(name, "jobs")
    op.create_index("jobs_list", "jobs", ["owner", "hidden", "id"])
    op.create_index("jobs_queue", "jobs", ["status", "not_before"])
