"""Jobs, their milestones, and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("client_id", sa.String(128)),
        sa.Column("name", sa.String(255)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("quick", sa.Boolean, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("params", sa.LargeBinary, nullable=False),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("data_revision", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("queued_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("timeout_s", sa.Float),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(100)),
        sa.Column("lease_until", sa.Float),
        sa.Column("cancel_requested_at", sa.Float),
        sa.Column("cancel_reason", sa.String(32)),
        sa.Column("cancelled_by", sa.String(255)),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("step", sa.Integer),
        sa.Column("total_steps", sa.Integer),
        sa.Column("phase", sa.String(64)),
        sa.Column("message", sa.Text),
        sa.Column("eta_seconds", sa.Float),
        sa.Column("has_errors", sa.Boolean, nullable=False),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("latest_results", sa.LargeBinary),
        sa.Column("result", sa.LargeBinary),
        sa.Column("result_file", sa.String(255)),
        sa.Column("result_size", sa.Integer),
        sa.Column("file_sha256", sa.String(64)),
        sa.Column("result_sha256", sa.String(64)),
        sa.Column("rerun_of", sa.String(36)),
        sa.Column("seq_floor", sa.Integer, nullable=False),
        sa.UniqueConstraint("owner", "client_id", name="jobs_client_id"),
    )
    op.create_table(
        "events",
        sa.Column(
            "job_id",
            sa.String(36),
            sa.ForeignKey("jobs.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(255), primary_key=True),
        sa.Column("route", sa.String(255), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column(
            "job_id",
            sa.String(36),
            sa.ForeignKey("jobs.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("jobs_queue", "jobs", ["status", "not_before"])
    op.create_index("jobs_list", "jobs", ["owner", "hidden", "id"])
    op.create_index("jobs_content", "jobs", ["owner", "kind", "request_sha256"])
    op.create_index("idempotency_age", "idempotency", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency")
    op.drop_table("events")
    op.drop_table("jobs")
