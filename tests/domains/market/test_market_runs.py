"""Runs of market models at `/api/v1/runs`: judged first, listed, compared, deleted."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask

from flask_api.domains.market.clusters.comparing import Fitted, side_by_side
from flask_api.domains.market.clusters.grouping import grouped
from flask_api.domains.market.clusters.likeness import adjusted_rand, congruence
from flask_api.domains.market.clusters.silhouette import silhouettes
from flask_api.domains.market.data.uploads import Uploads
from flask_api.domains.market.runs.trace import KEPT, Trace
from tests.domains.market.market_requests import (
    PRODUCTS,
    PROFILES,
    base64_of,
    completed,
    csv_of,
    ended,
    households,
    start,
)
from tests.patience import crowding

CSV = csv_of(households(400))
#: Minutes of work, unless it is stopped.
LONG = {"n_classes": 4, "bootstrap_resamples": 1000, "seed": 1}


# -- starting ----------------------------------------------------------------------


def test_a_run_is_told_in_all_of_the_seeds_fields(client: Any) -> None:
    made = start(client, CSV, name="My LCA", description="kinds of households")
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/v1/runs/{made.json['id']}"
    run = ended(client, made.json["id"])
    seed = {
        "id", "model_type", "name", "description", "status", "created_at", "queued_at",
        "started_at", "completed_at", "queue_duration", "run_duration", "model_params",
        "data_shape", "product_columns", "progress", "progress_message",
        "results_summary", "metrics", "error_message",
    }  # fmt: skip
    assert seed <= set(run) and seed <= set(made.json)
    assert (run["name"], run["description"]) == ("My LCA", "kinds of households")
    assert run["data_shape"] == {"n_obs": 400, "n_items": 6}
    assert run["product_columns"] == PRODUCTS
    assert run["model_params"]["n_init"] == 5
    assert run["progress"] == 1.0 and run["error_message"] is None
    assert {"bic", "aic", "log_likelihood"} <= set(run["metrics"])
    assert {"n_iter", "n_classes", "class_probs"} <= set(run["results_summary"])
    assert run["queue_duration"] >= 0 and run["run_duration"] > 0


def test_the_published_likelihood_of_the_carcinoma_table_comes_out(
    client: Any,
) -> None:
    # methods.md 5: -293.704979 and BIC 697.1357 for three classes. The table is one of
    # patterns with counts, as it is published.
    data = Path(__file__).parents[2] / "data"
    content = (data / "carcinoma_patterns.csv").read_bytes()
    run = completed(
        client,
        content,
        params={"n_classes": 3, "n_init": 20, "seed": 1},
        count_column="count",
    )
    assert run["data_shape"] == {"n_obs": 118, "n_items": 7}
    assert run["metrics"]["log_likelihood"] == pytest.approx(-293.704979, abs=1e-5)
    assert run["metrics"]["bic"] == pytest.approx(697.1357, abs=1e-4)


def test_data_come_as_base64_json_upload_or_file_and_find_the_same(
    client: Any,
) -> None:
    matrix = households(400)
    data_id = client.post("/api/v1/data", json=base64_of(CSV)).json["data_id"]
    rows = {"data_json": matrix.tolist(), "column_names": PRODUCTS}
    form: dict[str, Any] = {
        "model_type": "lca",
        "params": json.dumps({"n_classes": 2, "n_init": 5, "seed": 1}),
        "product_columns": ",".join(PRODUCTS),
        "name": "as a file",
        "file": (io.BytesIO(CSV), "purchases.csv"),
    }
    answers = [
        start(client, CSV),
        start(client, data=rows),
        start(client, data_id=data_id),
        client.post("/api/v1/runs", data=form),
    ]
    found = []
    for answer in answers:
        assert answer.status_code == 201, answer.text
        assert ended(client, answer.json["id"])["status"] == "completed"
        found.append(client.get(f"/api/v1/runs/{answer.json['id']}/results").json)
    assert all(one["results"] == found[0]["results"] for one in found)


def test_the_same_run_by_post_jobs_finds_the_same_and_is_listed(
    client: Any,
) -> None:
    run = completed(client, CSV)
    params = {"n_classes": 2, "n_init": 5, "seed": 1}
    body = {"kind": "market.lca", "params": {"data": base64_of(CSV), "params": params}}
    job = client.post("/api/jobs", json=body, headers={"Prefer": "wait=55"}).json
    assert job["status"] == "completed"
    assert client.get("/api/v1/runs").json["total"] == 2
    one, other = (
        client.get(f"/api/v1/runs/{id}/results").json for id in (run["id"], job["id"])
    )
    assert one["results"] == other["results"]
    assert client.get(f"/api/v1/runs/{job['id']}").json["model_params"] == params


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"params": {}}, "params.n_classes: is missing"),
        ({"params": {"n_classes": 1}}, "params.n_classes"),
        ({"params": {"n_classes": 21}}, "params.n_classes"),
        ({"params": {"n_classes": 2.5}}, "params.n_classes"),
        ({"params": {"n_classes": "2"}}, "params.n_classes"),
        ({"params": {"n_classes": 2, "max_iter": 9}}, "params.max_iter"),
        ({"params": {"n_classes": 2, "n_init": 51}}, "params.n_init"),
        ({"params": {"n_classes": 2, "tol": 1}}, "params.tol"),
        ({"params": {"n_classes": 2, "colour": 1}}, "params.colour"),
        ({"params": [1]}, "params"),
        ({"model_type": "kmeans"}, "there is no model 'kmeans'"),
        ({"model_type": None}, "model_type"),
        ({"product_columns": ["bread", "milk"]}, "there is no column 'milk'"),
        ({"product_columns": ["bread", "bread"]}, "'bread' is named twice"),
        ({"product_columns": ["bread"]}, "got 1 column"),
        ({"product_columns": "bread"}, "product_columns"),
        ({"name": "x" * 256}, "name"),
        ({"missing": "guess"}, "missing"),
        ({"count_column": "milk"}, "there is no column 'milk'"),
        ({"data_id": "d" + "0" * 32}, "either data or data_id"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_request_is_400_and_makes_no_run(
    client: Any, asked: dict[str, Any], said: str
) -> None:
    answer = start(client, CSV, **asked)
    assert answer.status_code == 400, answer.text
    assert said in answer.json["message"]
    assert client.get("/api/v1/runs").json["total"] == 0


def test_data_of_a_refused_run_are_not_kept(app: Flask) -> None:
    client: Any = app.test_client()
    assert start(client, CSV, params={}).status_code == 400
    folder = app.config["SETTINGS"].data_folder
    assert not [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("content", "asked", "said"),
    [
        ("a,b,c\n1,0,2\n0,1,1\n", {"product_columns": ["a", "c"]}, "row 1: got '2'"),
        ("a,b,c\n1,0,x\n0,1,1\n", {"product_columns": ["c", "a"]}, "row 1: got 'x'"),
        ("a,b\n1,5\n0,6\n", {}, "'b', row 1: got '5'"),
        ("a,b,c\n1,0,0\n1,1,1\n", {}, "column 'a' is 1 in every row"),
        ("a,b,c\n0,0,0\n0,1,1\n", {}, "column 'a' is 0 in every row"),
        ("a,b,c\n,0,0\n,1,1\n", {}, "column 'a' is missing in every row"),
        ("a,b,c\n1,0,0\n,1,1\n0,1,0\n", {}, "'a', row 2: the value is missing"),
        ("a,b,c\n0,0,0\n", {}, "in every row"),
        ("a,b,n\n1,0,2\n0,1,x\n", {"count_column": "n"}, "'n', row 2: got 'x'"),
    ],
)  # fmt: skip
def test_cells_that_no_model_takes_are_refused_by_column_and_row(
    client: Any, content: str, asked: dict[str, Any], said: str
) -> None:
    answer = start(client, content.encode(), **asked)
    assert answer.status_code == 400, answer.text
    assert answer.json["code"] == "INVALID_INPUT"
    assert said in answer.json["message"]
    assert client.get("/api/v1/runs").json["total"] == 0


def test_what_only_the_fit_finds_fails_the_run_with_its_words(
    client: Any,
) -> None:
    made = start(client, b"a,b\n1,0\n0,1\n1,1\n", params={"n_classes": 9})
    assert made.status_code == 201
    run = ended(client, made.json["id"])
    assert run["status"] == "failed" and run["progress"] == -1
    assert "9 classes for 3 distinct patterns" in run["error_message"]
    results = client.get(f"/api/v1/runs/{run['id']}/results")
    assert results.status_code == 400 and results.json["code"] == "INVALID_INPUT"


def test_missing_values_are_dropped_filled_or_left_out_as_asked(
    client: Any,
) -> None:
    matrix = households(300).astype(object)
    matrix[::10, 0] = ""
    content = csv_of(matrix)
    rows, said = {}, {}
    for way in ("drop", "impute_mode", "mar"):
        run = completed(client, content, missing=way)
        rows[way], said[way] = run["data_shape"]["n_obs"], " ".join(run["warnings"])
    assert rows == {"drop": 270, "impute_mode": 300, "mar": 300}
    assert "30 of 300 rows" in said["drop"]
    assert "30 missing values were filled" in said["impute_mode"]
    dropped = completed(
        client, csv_of(np.delete(households(300), slice(0, None, 10), 0))
    )
    again = completed(client, content, missing="drop")
    assert again["metrics"] == dropped["metrics"]


def test_text_is_no_covariate_and_a_gap_is_none_either(client: Any) -> None:
    lines = [f"{1 - i % 2},{i % 3 // 2},{20 + i},{'u' if i else 'v'}" for i in range(9)]
    content = ("a,b,age,town\n" + "\n".join(lines) + "\n").encode()
    params = {"n_classes": 2, "covariate_columns": ["town"]}
    asked: dict[str, Any] = {"model_type": "lca_covariates", "params": params}
    answer = start(client, content, **asked)
    assert answer.status_code == 400
    assert "column 'town', row 1: got 'v'; wanted a number" in answer.json["message"]
    params["covariate_columns"] = ["age"]
    answer = start(client, content.replace(b",23,", b",,"), **asked)
    assert "column 'age', row 4: the value is missing" in answer.json["message"]


def test_a_key_repeats_a_run_and_refuses_another(client: Any) -> None:
    body = {
        "model_type": "lca",
        "params": {"n_classes": 2, "seed": 1},
        "data": base64_of(CSV),
    }
    key = {"Idempotency-Key": "once"}
    one = client.post("/api/v1/runs", json=body, headers=key)
    two = client.post("/api/v1/runs", json=body, headers=key)
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json["id"] == two.json["id"]
    assert two.headers["Idempotency-Replayed"] == "true"
    other = body | {"params": {"n_classes": 3}}
    assert client.post("/api/v1/runs", json=other, headers=key).status_code == 409


# -- listing, stopping, deleting ---------------------------------------------------


def test_runs_are_listed_by_filter_order_and_page(client: Any) -> None:
    for name in ("beta", "alpha", None, "gamma"):
        completed(client, CSV, name=name, params={"n_classes": 2, "n_init": 1})
    failed = start(client, b"a,b\n1,0\n0,1\n1,1\n", params={"n_classes": 9})
    ended(client, failed.json["id"])

    def names(query: str) -> list[str | None]:
        return [run["name"] for run in client.get(f"/api/v1/runs?{query}").json["runs"]]

    assert names("order_by=name&order_dir=asc&status=completed") == [
        "alpha", "beta", "gamma", None,
    ]  # fmt: skip
    assert names("order_by=name&status=completed")[:2] == ["gamma", "beta"]
    assert names("order_dir=asc")[:2] == ["beta", "alpha"]
    assert names("order_by=completed_at&status=completed")[0] == "gamma"
    assert names("order_dir=asc&limit=1&offset=1") == ["alpha"]
    page = client.get("/api/v1/runs?status=failed&limit=1").json
    assert (page["total"], page["limit"], page["offset"]) == (1, 1, 0)
    assert client.get("/api/v1/runs?model_type=lca_covariates").json["total"] == 0
    for wrong in ("limit=501", "limit=0", "order_by=age", "status=odd", "model_type=x"):
        assert client.get(f"/api/v1/runs?{wrong}").status_code == 400


def test_a_cancelled_run_stops_at_once_and_keeps_what_it_told(
    make_app: Callable[..., Flask],
) -> None:
    client: Any = make_app(max_concurrent_jobs=1).test_client()
    run = start(client, CSV, params=LONG).json
    until = time.monotonic() + 60
    while client.get(f"/api/v1/progress/{run['id']}").json["log_likelihood"] is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    allowed = 2 * crowding()
    began = time.monotonic()
    assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 200
    found = ended(client, run["id"])
    assert time.monotonic() - began < allowed
    assert found["status"] == "cancelled" and found["metrics"] is None
    told = client.get(f"/api/v1/progress/{run['id']}").json
    assert told["phase"] == "cancelled" and told["latest_results"]["trace"]
    assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 200
    results = client.get(f"/api/v1/runs/{run['id']}/results")
    assert results.status_code == 409


def test_a_completed_run_names_the_arrays_it_serves(client: Any) -> None:
    run = completed(client, CSV)
    assert {"item_probs.npy", "item_probs.csv", "item_probs.parquet"} <= set(
        run["files"]
    )
    for file in run["files"]:
        answer = client.get(f"/api/v1/runs/{run['id']}/arrays/{file}", buffered=True)
        assert answer.status_code == 200, file


@pytest.mark.parametrize(
    ("model_type", "params", "field", "said"),
    [
        (
            "lca_covariates",
            {"n_classes": 2, "reference_class": 5, "covariate_columns": ["bread"]},
            "reference_class",
            "must be 1 to n_classes (2); got 5",
        ),
        (
            "model_selection",
            {"model": "factor_tetrachoric", "min_number": 2},
            "min_number",
            "means nothing for `model: factor_tetrachoric`",
        ),
        (
            "model_selection",
            {"model": "factor_tetrachoric", "tol": 1e-4},
            "tol",
            "leave it out (or at 1e-06)",
        ),
        (
            "model_selection",
            {"model": "factor_tetrachoric", "bootstrap_resamples": 9},
            "bootstrap_resamples",
            "means nothing",
        ),
        ("model_selection", {"replicates": 30}, "replicates", "for `model: lca`"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_the_run_exists(
    client: Any, model_type: str, params: dict[str, Any], field: str, said: str
) -> None:
    answer = start(client, CSV, model_type=model_type, params=params)
    assert answer.status_code == 400
    (detail,) = answer.json["details"]
    assert detail["field"] == f"params.{field}"
    assert said in detail["problem"]
    assert client.get("/api/v1/runs").json["total"] == 0


def test_a_product_that_counts_leave_constant_is_refused_for_that_reason(
    client: Any,
) -> None:
    rows = "a,b,c,n\n1,0,0,3\n0,1,0,2\n1,1,1,0\n"
    asked = {"product_columns": ["a", "b", "c"], "count_column": "n"}
    run = start(client, rows.encode(), **asked).json
    message = ended(client, run["id"])["error_message"]
    assert (
        "column 'c' is the same in every row that 'n' counts at least once" in message
    )
    assert "missing" not in message


def test_draws_of_a_stopped_run_are_kept(make_app: Callable[..., Flask]) -> None:
    client: Any = make_app(max_concurrent_jobs=1).test_client()
    params = {"n_factors": 1, "n_samples": 10_000, "n_tune": 500, "seed": 1}
    run = start(client, CSV, model_type="bayesian_factor_pymc", params=params).json
    until = time.monotonic() + 60
    while client.get(f"/api/v1/progress/{run['id']}").json["phase"] != "sampling":
        assert time.monotonic() < until
        time.sleep(0.05)
    client.post(f"/api/v1/runs/{run['id']}/cancel")
    assert ended(client, run["id"])["status"] == "cancelled"
    files = client.get(f"/api/v1/runs/{run['id']}").json["files"]
    assert files == [f"draws_chain_{number}.npy" for number in range(1, 5)]
    address = f"/api/v1/runs/{run['id']}/arrays/{files[0]}"
    answer = client.get(address, buffered=True)
    assert answer.status_code == 200
    draws = np.load(io.BytesIO(answer.data), allow_pickle=False)
    assert len(draws) > 0 and np.isfinite(draws).all()
    missing = client.get(f"/api/v1/runs/{run['id']}/arrays/loadings.npy")
    assert missing.status_code == 404


def test_a_finished_run_is_not_cancelled(client: Any) -> None:
    run = completed(client, CSV)
    answer = client.post(f"/api/v1/runs/{run['id']}/cancel")
    assert answer.status_code == 409


def test_deleting_the_last_run_of_data_removes_everything(app: Flask) -> None:
    client: Any = app.test_client()
    one = completed(client, CSV)
    two = completed(client, CSV, params={"n_classes": 3, "seed": 1})
    settings = app.config["SETTINGS"]

    def files(folder: Path) -> list[Path]:
        return [file for file in folder.rglob("*") if file.is_file()]

    assert client.get(f"/api/v1/runs/{one['id']}/export").status_code == 200
    assert client.delete(f"/api/v1/runs/{one['id']}").status_code == 204
    assert files(settings.data_folder)
    assert client.delete(f"/api/v1/runs/{two['id']}").status_code == 204
    assert not files(settings.data_folder)
    assert not files(settings.results_folder)
    assert client.get(f"/api/v1/runs/{one['id']}").status_code == 404


def test_a_running_run_is_deleted_after_it_was_stopped(
    make_app: Callable[..., Flask],
) -> None:
    client: Any = make_app(max_concurrent_jobs=1).test_client()
    run = start(client, CSV, params=LONG).json
    assert client.delete(f"/api/v1/runs/{run['id']}").status_code == 204
    assert client.get(f"/api/v1/runs/{run['id']}").status_code == 404


def test_what_is_anothers_does_not_exist(app: Flask) -> None:
    client: Any = app.test_client()
    registry = app.extensions["registry"]
    theirs = Uploads(app.config["SETTINGS"].data_folder, "another")
    draft = theirs.draft()
    draft.write(CSV)
    data_id = theirs.keep(draft, "csv", {})
    asked = {"data_id": data_id, "params": {"n_classes": 2, "seed": 1}}
    run = registry.submit("market.lca", asked, owner="another").job
    assert registry.wait("another", run.id, 20).status.value == "completed"
    for path in ("", "/results", "/export", "/arrays/item_probs.npy"):
        assert client.get(f"/api/v1/runs/{run.id}{path}").status_code == 404
    for path in ("", "/stream"):
        assert client.get(f"/api/v1/progress/{run.id}{path}").status_code == 404
    for path in ("cancel", "clustering"):
        answer = client.post(f"/api/v1/runs/{run.id}/{path}", json={})
        assert answer.status_code == 404
    ours = completed(client, CSV)
    compared = client.get(f"/api/v1/runs/compare?ids={run.id},{ours['id']}")
    assert compared.status_code == 404
    assert client.delete(f"/api/v1/runs/{run.id}").status_code == 404
    assert client.get("/api/v1/runs").json["total"] == 1
    address = f"/api/v1/data/{data_id}"
    assert client.delete(f"/api/v1/runs/{ours['id']}").status_code == 204
    assert client.get(address).status_code == client.delete(address).status_code == 404
    assert start(client, data_id=data_id).status_code == 404
    assert registry.get("another", run.id).result is not None
    assert theirs.facts(data_id) is not None  # the same bytes of ours went alone


def test_a_job_of_another_kind_is_no_run(client: Any) -> None:
    job = client.post(
        "/api/jobs",
        json={
            "kind": "sensitivity.monte_carlo",
            "params": {"parameters": ["S11"], "iterations": 100},
        },
    ).json
    answer = client.get(f"/api/v1/runs/{job['id']}")
    assert answer.status_code == 404
    assert f"/api/jobs/{job['id']}" in answer.json["message"]
    assert client.get(f"/api/v1/progress/{job['id']}").status_code == 200


# -- results -----------------------------------------------------------------------


def test_results_are_mapped_as_the_seed_says(client: Any) -> None:
    run = completed(client, CSV)
    found = client.get(f"/api/v1/runs/{run['id']}/results").json
    results = found["results"]
    assert (found["model_run_id"], found["status"]) == (run["id"], "completed")
    probs, sizes = np.array(results["item_probs"]), np.array(results["class_probs"])
    assert probs.shape == (2, 6) and sizes.sum() == pytest.approx(1)
    np.testing.assert_array_equal(found["product_embeddings"], probs.T)
    assert found["household_embeddings"] == results["responsibilities"]
    assert found["similarity_matrix"] == results["residual_correlations"]
    np.testing.assert_allclose(found["variance_explained"], 100 * sizes)
    assert found["item_probs"] == results["item_probs"]
    assert found["loadings"] is None and found["alpha"] is None
    # Known profiles come back: 400 households, largest standard error of these
    # probabilities 0.05; four of them.
    order = np.argsort(-probs[:, 0])
    assert np.abs(probs[order] - PROFILES).max() < 4 * 0.05


def test_the_log_likelihood_is_that_of_the_numbers_told(client: Any) -> None:
    # Fault B4.6 of the seed: it told that of the parameters one step before.
    run = completed(client, CSV)
    found = client.get(f"/api/v1/runs/{run['id']}/results").json
    x, sizes = households(400), np.array(found["class_probs"])
    p = np.array(found["item_probs"])
    each = np.prod(np.where(x[:, None, :] == 1, p, 1 - p), axis=2) @ sizes
    told = found["metrics"]["log_likelihood"]
    assert told == pytest.approx(float(np.log(each).sum()), rel=1e-12)


def test_arrays_are_files_that_hold_the_same(client: Any) -> None:
    run = completed(client, CSV)
    results = client.get(f"/api/v1/runs/{run['id']}/results").json
    base = f"/api/v1/runs/{run['id']}/arrays"
    for one in results["arrays"]:
        answer = client.get(f"{base}/{one['name']}.npy", buffered=True)
        array = np.load(io.BytesIO(answer.data), allow_pickle=False)
        assert list(array.shape) == one["shape"]
        told = np.array(results["results"][one["name"]], dtype=float)
        np.testing.assert_array_equal(array.astype(float), told)
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(
        io.BytesIO(client.get(f"{base}/item_probs.parquet", buffered=True).data)
    )
    assert table.column_names == ["label", *PRODUCTS]
    assert table["label"].to_pylist() == ["class_1", "class_2"]
    assert table["jam"].to_pylist() == [row[2] for row in results["item_probs"]]
    text = client.get(f"{base}/item_probs.csv", buffered=True).text.splitlines()
    assert text[0].replace('"', "") == ",".join(["label", *PRODUCTS])
    for wrong in ("nope.npy", "item_probs.pkl", "..%2Fx.npy", "item_probs"):
        assert client.get(f"{base}/{wrong}").status_code == 404


def test_large_arrays_are_null_and_whole_in_their_files(client: Any) -> None:
    run = completed(client, csv_of(households(30_000)))
    found = client.get(f"/api/v1/runs/{run['id']}/results").json
    assert found["household_embeddings"] is None
    assert found["results"]["responsibilities"] is None
    assert "responsibilities: more than 50,000 numbers" in found["warnings"][-1]
    address = f"/api/v1/runs/{run['id']}/arrays/responsibilities.npy"
    answer = client.get(address, buffered=True)
    array = np.load(io.BytesIO(answer.data), allow_pickle=False)
    assert array.shape == (30_000, 2)
    np.testing.assert_allclose(array.sum(axis=1), 1)


def test_results_of_a_run_that_goes_on_are_409(make_app: Callable[..., Flask]) -> None:
    client: Any = make_app(max_concurrent_jobs=1).test_client()
    run = start(client, CSV, params=LONG).json
    for path in ("results", "export", "arrays/item_probs.npy"):
        assert client.get(f"/api/v1/runs/{run['id']}/{path}").status_code == 409
    answer = client.post(f"/api/v1/runs/{run['id']}/clustering", json={})
    assert answer.status_code == 409
    client.post(f"/api/v1/runs/{run['id']}/cancel")


# -- clusters and comparison -------------------------------------------------------


@pytest.mark.parametrize("method", ["kmeans", "hierarchical"])
def test_products_and_households_are_grouped_as_they_were_made(
    client: Any, method: str
) -> None:
    run = completed(client, CSV)
    address = f"/api/v1/runs/{run['id']}/clustering"
    products = client.post(address, json={"method": method}).json
    assert products["n_clusters"] == 2
    groups = {tuple(cluster["members"]) for cluster in products["clusters"]}
    assert groups == {tuple(PRODUCTS[:3]), tuple(PRODUCTS[3:])}
    assert (products["linkage"] is None) == (method == "kmeans")
    rows = client.post(address, json={"method": method, "embedding": "household"}).json
    assert len(rows["labels"]) == 400 and rows["silhouette"] > 0.5
    for wrong in ({"method": "x"}, {"n_clusters": 1}, {"max_k": 99}, {"odd": 1}):
        assert client.post(address, json=wrong).status_code == 400
    many = client.post(address, json={"n_clusters": 50})
    assert many.status_code == 400 and "6 distinct places" in many.json["message"]


def test_silhouettes_and_groups_equal_those_of_scikit_learn() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(at, 1, (60, 3)) for at in (0, 4, 9)])
    for method in ("kmeans", "hierarchical"):
        *_, found = grouped(points, method=method, groups=3)
        assert found.labels is not None and found.silhouettes is not None
        each = metrics.silhouette_samples(points, found.labels)
        np.testing.assert_allclose(found.silhouettes, each, atol=1e-12)
        peer = cluster.AgglomerativeClustering(3) if method != "kmeans" else None
        peer = peer or cluster.KMeans(3, n_init=10, random_state=0)
        assert adjusted_rand(found.labels, peer.fit(points).labels_) == 1.0
    kmeans = cluster.KMeans(5, n_init=10, random_state=0).fit(points)
    *_, ours = grouped(points, groups=5)
    # both search: neither may be worse by more than a local optimum's hair
    assert float(ours.quality[0]["inertia"] or 0) <= kmeans.inertia_ * 1.02


def test_a_point_alone_in_its_group_has_silhouette_0() -> None:
    points = np.array([[0.0], [1.0], [10.0]])
    # by hand: (b - a) / max(a, b) = (10 - 1) / 10 and (9 - 1) / 9
    found = silhouettes(points, np.array([0, 0, 1]))
    assert found.tolist() == pytest.approx([0.9, 8 / 9, 0.0])


def test_adjusted_rand_equals_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    for _ in range(20):
        one, other = rng.integers(4, size=50), rng.integers(3, size=50)
        expected = metrics.adjusted_rand_score(one, other)
        assert adjusted_rand(one, other) == pytest.approx(expected, abs=1e-12)


def test_congruence_matches_factors_whatever_their_order_and_sign() -> None:
    loadings = np.random.default_rng(2).normal(size=(8, 3))
    phi, pairs = congruence(loadings, -2 * loadings[:, [2, 0, 1]])
    assert phi.tolist() == pytest.approx([1, 1, 1])
    assert pairs == [(0, 1), (1, 2), (2, 0)]
    half = congruence(np.array([[1.0], [0.0]]), np.array([[1.0], [1.0]]))[0]
    assert half.tolist() == pytest.approx([2**-0.5])  # x'y / sqrt(x'x y'y)


def test_runs_are_compared_by_fit_parameters_and_classes(client: Any) -> None:
    two = completed(client, CSV, name="two")
    three = completed(client, CSV, params={"n_classes": 3, "n_init": 5, "seed": 1})
    again = completed(client, CSV, params={"n_classes": 2, "n_init": 9, "seed": 2})
    ids = [two["id"], three["id"], again["id"]]
    found = client.get(f"/api/v1/runs/compare?ids={','.join(ids)}").json
    bic = next(row for row in found["metrics"] if row["metric"] == "bic")
    assert bic["values"] == {
        id: r["metrics"]["bic"] for id, r in zip(ids, (two, three, again), strict=True)
    }
    assert bic["best"] != three["id"]  # there are two kinds of households
    differing = {row["parameter"] for row in found["parameters"]}
    assert differing == {"n_classes", "n_init", "seed"}
    alike = {(row["one"], row["other"]): row for row in found["likeness"]}
    assert alike[ids[0], ids[2]]["adjusted_rand"] == 1.0
    assert alike[ids[0], ids[2]]["mean_congruence"] == pytest.approx(1, abs=1e-4)
    assert 0 < alike[ids[0], ids[1]]["adjusted_rand"] < 1
    assert found["names"] == {two["id"]: "two"}
    assert found["warnings"] == []


def test_models_of_other_data_are_compared_with_a_warning(client: Any) -> None:
    one, other = completed(client, CSV), completed(client, csv_of(households(400, 2)))
    found = client.get(f"/api/v1/runs/compare?ids={one['id']},{other['id']}").json
    assert "different data" in found["warnings"][0]
    assert all(row["best"] is None for row in found["metrics"])
    assert found["likeness"][0]["adjusted_rand"] is None
    for ids in (
        "",
        one["id"],
        f"{one['id']},{one['id']}",
        ",".join("abcdefghijklmnopqrstu"),
    ):
        assert client.get(f"/api/v1/runs/compare?ids={ids}").status_code == 400
    assert client.get(f"/api/v1/runs/compare?ids={one['id']},x").status_code == 404


def test_models_without_anything_in_common_are_compared_too() -> None:
    fitted = [
        Fitted("a", "lca", "1", {"bic": 1.0}, {}),
        Fitted("b", "nmf", "1", {"error": None}, {}),
    ]
    found = side_by_side(fitted)
    assert found["metrics"][0]["best"] is None
    assert found["likeness"][0]["congruence"] is None


def test_a_long_curve_is_kept_in_few_points_with_its_ends() -> None:
    trace = Trace()
    for number in range(100_001):
        trace.add(float(number))
        if number % 97 == 0 or number == 100_000:
            points = trace.points()
            assert len(points) <= 2 * KEPT
    numbers = [int(point[0]) for point in points]
    assert numbers[0] == 0 and numbers[-1] == 100_000
    gaps = np.diff(numbers[:-1])
    assert len(set(gaps.tolist())) == 1
