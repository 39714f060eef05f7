"""What is left on disk once runs and data are deleted: nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_api.domains.market.data.opening import opened
from flask_api.domains.market.data.uploads import Gone, Uploads
from flask_api.numerics.errors import InputError
from tests.domains.market.market_requests import (
    completed,
    csv_of,
    ended,
    households,
    start,
)


def upload(client: Any, content: bytes, **options: str) -> Any:
    data: dict[str, Any] = {"file": (io.BytesIO(content), "table.csv"), **options}
    return client.post("/api/v1/data", data=data)


def kept_data(app: Flask) -> list[str]:
    """What lies in the folder of data, of all owners."""
    folder: Path = app.config["SETTINGS"].data_folder
    return [found.name for found in folder.glob("*/*")] if folder.is_dir() else []


def test_data_go_with_their_last_run_however_it_is_deleted(app: Flask) -> None:
    client: Any = app.test_client()
    first = completed(client, csv_of(households(30)))
    second = completed(client, csv_of(households(30)), name="the same data")
    assert kept_data(app) == [first["data_id"]]
    assert client.delete(f"/api/jobs/{first['id']}").status_code == 204
    assert kept_data(app) == [second["data_id"]]
    assert client.delete(f"/api/jobs/{second['id']}").status_code == 204
    assert kept_data(app) == []


def test_data_stay_while_a_job_of_another_address_names_them(app: Flask) -> None:
    client: Any = app.test_client()
    first = completed(client, csv_of(households(30)))
    params = {"data_id": first["data_id"], "params": {}}
    job = client.post("/api/jobs", json={"kind": "market.mca", "params": params}).json
    assert client.delete(f"/api/v1/runs/{first['id']}").status_code == 204
    run = ended(client, job["id"])
    assert run["status"] == "completed", run["error_message"]
    assert kept_data(app) == [first["data_id"]]
    assert client.delete(f"/api/v1/runs/{job['id']}").status_code == 204
    assert kept_data(app) == []


def test_uploads_stay_when_their_runs_go(app: Flask) -> None:
    client: Any = app.test_client()
    given = upload(client, csv_of(households(30))).json["data_id"]
    run = start(client, data_id=given).json
    ended(client, run["id"])
    assert client.delete(f"/api/jobs/{run['id']}").status_code == 204
    assert kept_data(app) == [given]


def test_data_that_are_deleted_while_they_are_read_are_gone_and_nothing_else(
    tmp_path: Path,
) -> None:
    # The worker ended in a traceback, which a waiting client got as a 500.
    found = Uploads(tmp_path, "someone")
    draft = found.draft()
    draft.write(b"a,b\n" + b"1,0\n0,1\n" * 500_000)
    data_id = found.keep(draft, "csv", {})
    states = opened(found, data_id, None, tmp_path)
    assert next(states)
    found.delete(data_id)
    with pytest.raises(InputError, match="there are no data"):
        list(states)
    assert list(found.folder.iterdir()) == []
    with pytest.raises(Gone):
        found.delete(data_id)
