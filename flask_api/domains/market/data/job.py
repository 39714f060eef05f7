"""Reads uploaded data in a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.domains.market.data.opening import opened
from flask_api.domains.market.data.reading import Reading
from flask_api.domains.market.data.schema import DataGiven, ReadDataRequest
from flask_api.domains.market.data.table import Table
from flask_api.domains.market.data.uploads import Uploads


def read_data(
    request: ReadDataRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """What a table holds: columns with their kinds, and its first rows."""
    progress(0, 1, "opening the data")
    with table_of(request.data_id, request.data, context, progress) as table:
        facts = table.facts
    progress(1, 1, f"{facts['n_rows']:,} rows, {len(facts['columns']):,} columns")
    return {
        "data_id": request.data_id,
        **{name: fact for name, fact in facts.items() if name != "created_at"},
        "metadata": {"seed": None, "data_sha256": facts["sha256"]},
    }


@contextmanager
def table_of(
    data_id: str | None,
    data: DataGiven | None,
    context: Context,
    progress: Progress,
    share: float = 1.0,
) -> Iterator[Table]:
    """The table of a request, while it is needed.

    share   of the whole work that reading may take, for progress
    """
    uploads = Uploads(context.data_dir, context.owner) if context.data_dir else None
    given = None if data is None else data.model_dump()
    with tempfile.TemporaryDirectory(prefix="market-") as scratch:
        for state in opened(uploads, data_id, given, Path(scratch)):
            if isinstance(state, Reading):
                done = share * state.done / state.total
                progress(
                    min(done, 0.999 * share),
                    1,
                    f"{state.rows:,} rows read",
                    rows_read=state.rows,
                )
            else:
                yield state
