"""A job that is deleted, and a disk that fills, while a document is made."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.documents import page, workbook
from flask_api.documents.info import DocumentInfo
from flask_api.jobs.documents import job as making
from flask_api.jobs.registry import Registry

WAIT = {"Prefer": "wait=10"}
Write = Callable[[dict[str, Any], DocumentInfo, BinaryIO], None]
WRITERS = {"xlsx": workbook, "html": page}


@pytest.fixture
def registry(trial_app: Flask) -> Registry:
    found: Registry = trial_app.extensions["registry"]
    return found


def finished(client: FlaskClient, **params: Any) -> str:
    body = {"kind": "trial.count", "params": {"n": 2, **params}}
    return str(client.post("/api/jobs", json=body, headers=WAIT).json["id"])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("form", ["xlsx", "html"])
def test_a_job_deleted_while_its_document_is_written_is_404(
    trials: FlaskClient,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    form: str,
    when: str,
) -> None:
    job_id = finished(trials)
    write: Write = WRITERS[form].write_tables

    def late(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
        if when == "before":
            registry.delete("anonymous", job_id)
        write(result, info, file)
        if when == "after":
            registry.delete("anonymous", job_id)

    monkeypatch.setattr(WRITERS[form], "write_tables", late)
    got = trials.get(f"/api/jobs/{job_id}/result?format={form}")
    assert (got.status_code, got.json["code"]) == (404, "JOB_NOT_FOUND")
    assert "Traceback" not in caplog.text
    assert not (registry.results_folder / "documents" / job_id).exists()


@pytest.mark.parametrize("padding", [0, 300_000])
def test_a_job_deleted_before_its_document_is_begun_is_404(
    trials: FlaskClient,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    padding: int,
) -> None:
    job_id = finished(trials, padding=padding)
    read = making._result

    def late(order: Any) -> dict[str, Any]:
        registry.delete("anonymous", job_id)
        return read(order)

    monkeypatch.setattr(making, "_result", late)
    got = trials.get(f"/api/jobs/{job_id}/result?format=xlsx")
    assert (got.status_code, got.json["code"]) == (404, "JOB_NOT_FOUND")


def test_a_document_removed_by_hand_is_made_again_on_demand(
    trials: FlaskClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = finished(trials)
    write = workbook.write_tables

    def late(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
        shutil.rmtree(registry.results_folder / "documents" / job_id)
        write(result, info, file)

    with monkeypatch.context() as patched:
        patched.setattr(workbook, "write_tables", late)
        got = trials.get(f"/api/jobs/{job_id}/result?format=xlsx")
        assert (got.status_code, got.json["code"]) == (409, "CONFLICT")
        assert "ask for it again" in got.json["message"]
    assert trials.get(f"/api/jobs/{job_id}/result?format=xlsx").status_code == 200


# the library leaves its ZipFile to the garbage, whose end can't be written either
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("form", ["xlsx", "html"])
def test_a_disk_that_fills_while_a_document_is_written_is_507(
    trials: FlaskClient, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    job_id = finished(trials)
    write: Write = WRITERS[form].write_tables

    def full(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
        with Path("/dev/full").open("wb", buffering=0) as device:
            write(result, info, device)

    monkeypatch.setattr(WRITERS[form], "write_tables", full)
    got = trials.get(f"/api/jobs/{job_id}/result?format={form}")
    gc.collect()
    assert (got.status_code, got.json["code"]) == (507, "DISK_FULL")
    assert "No space left" in got.json["message"]


def test_a_table_is_looked_up_whatever_the_format(trials: FlaskClient) -> None:
    job_id = finished(trials)
    got = trials.get(f"/api/jobs/{job_id}/result?format=json&table=nope")
    assert got.status_code == 400 and "by_id, points" in got.json["message"]
    got = trials.get(f"/api/jobs/{job_id}/result?table=points")
    assert got.status_code == 400
    assert got.json["details"][0]["field"] == "table"
    assert "format=csv" in got.json["message"]
