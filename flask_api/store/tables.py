"""The tables of the job store; `migrations/` brings a database to this state."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("client_id", String(128)),
    Column("name", String(255)),
    Column("status", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("quick", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("params", LargeBinary, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("data_revision", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("not_before", Float, nullable=False),
    Column("timeout_s", Float),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("holder", String(100)),
    Column("lease_until", Float),
    Column("cancel_requested_at", Float),
    Column("cancel_reason", String(32)),
    Column("cancelled_by", String(255)),
    Column("progress", Float, nullable=False),
    Column("step", Integer),
    Column("total_steps", Integer),
    Column("phase", String(64)),
    Column("message", Text),
    Column("eta_seconds", Float),
    Column("has_errors", Boolean, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("error", Text),
    Column("latest_results", LargeBinary),
    Column("result", LargeBinary),
    Column("result_file", String(255)),
    Column("result_size", Integer),
    Column("file_sha256", String(64)),
    Column("result_sha256", String(64)),
    Column("rerun_of", String(36)),
    Column("seq_floor", Integer, nullable=False),
    UniqueConstraint("owner", "client_id", name="jobs_client_id"),
    # These hold all columns that their queries read: rows are long.
    Index(
        "jobs_claim",
        "status",
        "owner",
        "priority",
        "quick",
        "not_before",
        "queued_at",
        "id",
        "kind",
    ),
    Index("jobs_served", "owner", "started_at"),
    Index("jobs_list", "owner", "hidden", "id", "status"),
    Index("jobs_files", "result_file"),
    Index("jobs_content", "owner", "kind", "request_sha256"),
)

events = Table(
    "events",
    metadata,
    Column(
        "job_id",
        String(36),
        ForeignKey("jobs.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("seq", Integer, primary_key=True),
    Column("type", String(32), nullable=False),
    Column("time", Float, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("route", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column(
        "job_id", String(36), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False
    ),
    Column("created_at", Float, nullable=False),
    Index("idempotency_age", "created_at"),
)
