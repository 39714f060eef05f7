"""Results as workbooks, pages and large tables, made by a worker on demand."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.analysis import discover
from flask_api.documents import page, workbook
from flask_api.documents.info import DocumentInfo
from flask_api.errors import ServiceError
from flask_api.http import documents
from flask_api.jobs import engine as engine_module
from flask_api.jobs.engine import Engine
from flask_api.jobs.job import Job, Status
from flask_api.jobs.registry import Registry
from flask_api.numerics.errors import InputError

WAIT = {"Prefer": "wait=10"}
HOSTILE = "=cmd|' /C calc'!A0"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def registry(trial_app: Flask) -> Registry:
    found: Registry = trial_app.extensions["registry"]
    return found


def finished(client: FlaskClient, kind: str = "trial.count", **params: Any) -> str:
    body = {"kind": kind, "params": params, "name": SCRIPT}
    made = client.post("/api/jobs", json=body, headers=WAIT)
    assert made.json["status"] == "completed"
    return str(made.json["id"])


def makers(registry: Registry) -> list[Job]:
    """All hidden jobs that write documents."""
    jobs = registry.store._jobs.values()  # type: ignore[attr-defined]
    return [job for job in jobs if job.kind == "documents.make"]


def sheets(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def info(**more: Any) -> DocumentInfo:
    return DocumentInfo("trial.count", "Counts", "j", **more)


# -- over HTTP ---------------------------------------------------------------------


def test_a_workbook_has_a_sheet_for_each_table_and_its_provenance(
    trials: FlaskClient,
) -> None:
    job_id = finished(trials, n=2)
    got = trials.get(f"/api/jobs/{job_id}/result?format=xlsx")
    assert got.status_code == 200
    assert got.mimetype.endswith("spreadsheetml.sheet")
    assert got.headers["Content-Disposition"] == (
        f'attachment; filename="trial.count-{job_id}.xlsx"'
    )
    assert int(got.headers["Content-Length"]) == len(got.data)
    book = sheets(got.data)
    assert book.sheetnames == ["by_id", "points", "Provenance"]
    rows = list(book["by_id"].values)
    assert rows == [
        ("id", "x", "y", "z"),
        ("a", 1, "=1+1", None),
        ("b", -2.5, None, "[1,null]"),
    ]
    assert book["by_id"]["C2"].data_type == "s"  # text, not a formula
    assert book["by_id"].freeze_panes == "B2"
    told = dict(book["Provenance"].values)
    result = trials.get(f"/api/jobs/{job_id}/result").json
    made = result["metadata"]["provenance"]
    assert told["result sha256"] == made["result_sha256"]
    assert told["request sha256"] == made["request_sha256"]
    assert told["request n"] == 2
    assert told["job"] == job_id and told["analysis"] == "trial.count"
    assert told["finished"].endswith("Z") and told["name"] == SCRIPT


def test_a_page_shows_the_same_and_runs_nothing(trials: FlaskClient) -> None:
    job_id = finished(trials, n=2)
    got = trials.get(f"/api/jobs/{job_id}/result?format=html")
    assert got.mimetype == "text/html"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert f'filename="trial.count-{job_id}.html"' in got.headers["Content-Disposition"]
    text = got.get_data(as_text=True)
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text  # the job's name
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<link|\bon\w+=['"]""", text)
    assert "default-src 'none'" in text
    for shown in ("=1+1", "−2.5", "by id".capitalize(), job_id):
        assert shown in text


def test_one_table_may_be_asked_for(trials: FlaskClient) -> None:
    job_id = finished(trials, n=2)
    got = trials.get(f"/api/jobs/{job_id}/result?format=xlsx&table=points")
    assert sheets(got.data).sheetnames == ["points", "Provenance"]
    wrong = trials.get(f"/api/jobs/{job_id}/result?format=html&table=nope")
    assert wrong.status_code == 400
    assert "by_id, points" in wrong.json["message"]


def test_a_document_is_made_once_and_known_by_its_etag(
    trials: FlaskClient, registry: Registry
) -> None:
    address = f"/api/jobs/{finished(trials, n=2)}/result?format=xlsx"
    first = trials.get(address)
    again = trials.get(address)
    assert again.data == first.data
    assert len(makers(registry)) == 1
    same = trials.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    page = trials.get(address.replace("xlsx", "html"))
    assert page.headers["ETag"] != first.headers["ETag"]


def test_who_does_not_wait_gets_202_and_the_same_address(
    trials: FlaskClient, registry: Registry
) -> None:
    address = f"/api/jobs/{finished(trials, n=2)}/result?format=xlsx"
    got = trials.get(address, headers={"Prefer": "respond-async"})
    assert got.status_code == 202
    assert got.headers["Location"] == address
    assert int(got.headers["Retry-After"]) >= 1
    assert got.headers["Preference-Applied"] == "respond-async"
    making = got.json["job_id"]
    assert registry.wait("anonymous", making, 60).status is Status.COMPLETED
    assert trials.get(got.headers["Location"]).status_code == 200
    assert trials.get("/api/jobs").json["total"] == 1  # the maker is hidden


def test_documents_go_with_their_job(trials: FlaskClient, registry: Registry) -> None:
    job_id = finished(trials, n=2)
    for form in ("xlsx", "html"):
        assert trials.get(f"/api/jobs/{job_id}/result?format={form}").status_code == 200
    folder = registry.results_folder / "documents" / job_id
    assert len(list(folder.iterdir())) == 2  # and nothing of the making is left
    assert trials.delete(f"/api/jobs/{job_id}").status_code == 204
    assert not folder.exists()
    assert trials.get(f"/api/jobs/{job_id}/result?format=xlsx").status_code == 404


def test_a_document_that_came_too_late_is_swept_away(
    trial_app: Flask,
    trials: FlaskClient,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = finished(trials, n=2)
    trials.get(f"/api/jobs/{job_id}/result?format=xlsx")
    late = (
        registry.results_folder / "documents" / "01a1fd14-0000-7000-8000-000000000000"
    )
    late.mkdir()
    (late / "x.xlsx").touch()
    engine: Engine = trial_app.extensions["engine"]
    engine._remove_orphans()
    assert late.exists()  # its job may be about to end
    monkeypatch.setattr(engine_module, "ORPHAN_S", -1.0)
    engine._remove_orphans()
    assert not late.exists()
    assert (registry.results_folder / "documents" / job_id).exists()


def test_a_document_of_another_owners_job_is_not_made(
    trials: FlaskClient, registry: Registry
) -> None:
    source = registry.get("anonymous", finished(trials, n=2))
    with pytest.raises(ServiceError) as refused:
        registry.get("mallory", source.id)
    assert refused.value.status == 404
    asked = orjson.dumps({"job": source.id, "form": "xlsx", "table": None})
    theirs = Job(id="x", owner="mallory", kind="documents.make", params=asked)
    assert registry.document_order(theirs) is None
    ours = Job(id="x", owner="anonymous", kind="documents.make", params=asked)
    assert registry.document_order(ours) is not None


def test_nobody_starts_a_maker_by_hand(trials: FlaskClient) -> None:
    body = {"kind": "documents.make", "params": {"job": "x", "form": "xlsx"}}
    assert trials.post("/api/jobs", json=body).status_code == 400


def test_the_document_of_an_unfinished_or_failed_job_is_refused(
    trials: FlaskClient,
) -> None:
    slow = {"kind": "trial.count", "params": {"n": 200, "pause_s": 0.02}}
    running = trials.post("/api/jobs", json=slow).json["job_id"]
    got = trials.get(f"/api/jobs/{running}/result?format=xlsx")
    assert (got.status_code, got.json["code"]) == (409, "CONFLICT")
    trials.post(f"/api/jobs/{running}/cancel")
    fails = {"kind": "trial.count", "params": {"end": "no_solution"}}
    failed = trials.post("/api/jobs", json=fails, headers=WAIT).json["id"]
    got = trials.get(f"/api/jobs/{failed}/result?format=html")
    assert (got.status_code, got.json["code"]) == (400, "NO_SOLUTION")


@pytest.mark.parametrize("form", ["csv", "xlsx", "html"])
def test_a_result_without_tables_is_json_only(trials: FlaskClient, form: str) -> None:
    job_id = finished(trials, "trial.bare", n=2)
    assert trials.get(f"/api/jobs/{job_id}").json["formats"] == ["json"]
    got = trials.get(f"/api/jobs/{job_id}/result?format={form}")
    assert got.status_code == 400
    assert "no tables" in got.json["message"] and "format=json" in got.json["message"]


def test_an_unknown_format_is_answered_with_those_there_are(
    trials: FlaskClient,
) -> None:
    job_id = finished(trials, n=2)
    assert trials.get(f"/api/jobs/{job_id}").json["formats"] == [
        "json",
        "csv",
        "xlsx",
        "html",
    ]
    got = trials.get(f"/api/jobs/{job_id}/result?format=pdf")
    assert got.status_code == 400
    for form in ("json", "csv", "xlsx", "html"):
        assert form in got.json["message"]


def test_csv_of_a_large_result_is_made_by_a_worker(
    trials: FlaskClient, registry: Registry
) -> None:
    job_id = finished(trials, n=2, padding=documents.MOST_BYTES)
    got = trials.get(f"/api/jobs/{job_id}/result?format=csv")
    assert got.status_code == 200
    assert got.mimetype == "text/csv"
    assert list(csv.reader(io.StringIO(got.get_data(as_text=True)))) == [
        ["id", "x", "y", "z"],
        ["a", "1", "'=1+1", ""],
        ["b", "-2.5", "", "[1,null]"],
    ]
    (maker,) = makers(registry)
    assert not maker.quick  # large work stays out of the slot for quick work


def test_a_result_whose_file_is_gone_is_told_as_such(
    trials: FlaskClient, registry: Registry
) -> None:
    job_id = finished(trials, n=2, padding=100_000)
    job = registry.get("anonymous", job_id)
    (registry.results_folder / str(job.result_file)).unlink()
    got = trials.get(f"/api/jobs/{job_id}/result?format=xlsx")
    assert (got.status_code, got.json["code"]) == (409, "CONFLICT")
    assert "rerun" in got.json["message"]


def test_every_analysis_names_writers_that_exist() -> None:
    import importlib

    for analysis in discover().by_kind.values():
        for form, writer in analysis.documents.items():
            module, _, name = writer.partition(":")
            assert form in ("xlsx", "html", "zip")
            assert callable(getattr(importlib.import_module(module), name))


def test_a_worker_process_writes_it_too(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    app = make_app(job_executor="local", max_concurrent_jobs=1, worker_nice=0)
    client = app.test_client()
    body = {"parameters": [{"id": "S11", "range": {"min": 1e5, "max": 3e5}}]}
    made = client.post("/sensitivity/analyze", json=body)
    address = f"/api/jobs/{made.json['analysis_id']}/result?format=xlsx"
    book = sheets(client.get(address).data)
    curve = made.json["results"]["S11"]["sensitivity_curve"]
    rows = list(book["Points"].iter_rows(min_row=2, values_only=True))
    heads = [cell.value for cell in book["Points"][1]]
    at = heads.index("Value"), heads.index("Output")
    for row, point in zip(rows, curve, strict=True):
        wanted = [point["value"], point["result"]]
        assert [row[at[0]], row[at[1]]] == pytest.approx(wanted, rel=1e-15)


# -- the writers -------------------------------------------------------------------


def written(result: dict[str, Any], **more: Any) -> Any:
    file = io.BytesIO()
    workbook.write_tables(result, info(**more), file)
    return sheets(file.getvalue())


@pytest.mark.parametrize(
    "text", [HOSTILE, "+1", "-1+2", "@SUM(A1)", "\t=1", "http://x"]
)
def test_text_in_a_workbook_stays_text(text: str) -> None:
    book = written({"t": [{text: text}]}, tables=(("t", ("t",)),), name=text)
    cells = [book["t"]["A1"], book["t"]["A2"]]
    assert [(cell.value, cell.data_type) for cell in cells] == [(text, "s")] * 2
    assert cells[1].hyperlink is None


def test_numbers_in_a_workbook_are_the_numbers_of_the_result() -> None:
    values = [0, 1, -2.5, 1e-300, 1e308, 0.1 + 0.2, 2**53, True, None]
    book = written({"t": [{"v": v} for v in values]}, tables=(("t", ("t",)),))
    column = [row[0] for row in book["t"].iter_rows(min_row=2, values_only=True)]
    # sixteen digits are written: half of the last one is 5e-16
    assert column == pytest.approx(values[: len(column)], rel=1e-15)
    assert column[-1] is True


@pytest.mark.parametrize("number", [2**53 + 1, -(2**60), 1.7976931348623157e308])
def test_a_number_that_a_sheet_cannot_hold_is_text(number: float) -> None:
    book = written({"t": [{"v": number}]}, tables=(("t", ("t",)),))
    assert book["t"]["A2"].value == str(number)


def test_odd_sheet_names_are_made_allowed_and_unique() -> None:
    names = ["a/b", "a?b", "History", "x" * 40, "x" * 41, "'", "A B"]
    tables = tuple((name, ("t",)) for name in names)
    book = written({"t": [{"v": 1}]}, tables=tables)
    assert len({name.lower() for name in book.sheetnames}) == len(names) + 1
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_rows_beyond_a_sheet_go_on_on_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 11)
    rows = [{"v": number} for number in range(25)]
    book = written({"t": rows}, tables=(("t", ("t",)),))
    assert book.sheetnames == ["t", "t (2)", "t (3)", "Provenance"]
    found = [
        row[0]
        for name in book.sheetnames[:3]
        for row in book[name].iter_rows(min_row=2, values_only=True)
    ]
    assert found == list(range(25))


def test_more_columns_than_a_sheet_has_are_refused_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "MOST_COLUMNS", 2)
    with pytest.raises(InputError, match="format=csv"):
        written({"t": [{"a": 1, "b": 2, "c": 3}]}, tables=(("t", ("t",)),))


def peak_bytes(rows: int, folder: Path) -> int:
    """Memory that writing takes on top of the result."""
    result = {"t": [{"id": n, "x": n / 7, "y": "text"} for n in range(rows)]}
    given = info(tables=(("t", ("t",)),), scratch=str(folder))
    with (folder / "t.xlsx").open("wb") as file:
        tracemalloc.start()
        try:
            workbook.write_tables(result, given, file)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_a_large_workbook_is_written_in_flat_memory(tmp_path: Path) -> None:
    peak_bytes(10, tmp_path)  # what imports and caches take once
    small, large = peak_bytes(1_000, tmp_path), peak_bytes(8_000, tmp_path)
    assert large < 1.5 * small  # eight times the rows; without it, six times as much


def test_a_page_shows_the_first_rows_of_a_long_table_and_says_so() -> None:
    file = io.BytesIO()
    rows = [{"v": number} for number in range(page.MOST_ROWS + 5)]
    page.write_tables({"t": rows}, info(tables=(("t", ("t",)),)), file)
    text = file.getvalue().decode()
    assert text.count("<tr>") < page.MOST_ROWS + 40
    assert "The first 1000 of 1005 rows" in text
