"""Choices, covariates and factors that no model can take are refused before the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.choice.schema import EXAMPLE_DATA
from tests.domains.market.market_requests import (
    completed,
    csv_of,
    ended,
    households,
    start,
)

MODES = ["bus", "car", "train"]
WIDE = {
    "form": "wide",
    "chosen": "chosen",
    "alternatives": MODES,
    "attributes": ["time"],
    "seed": 1,
}
LONG = {
    "situation": "case",
    "alternative": "mode",
    "chosen": "taken",
    "attributes": ["time"],
    "seed": 1,
}


def table(rows: list[list[Any]], names: list[str]) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in [names, *rows]).encode()


def wide(row: int = 0, column: str = "", value: object = "") -> bytes:
    """Trips, one cell of them put otherwise."""
    names: list[str] = EXAMPLE_DATA["column_names"]
    rows = [list(cells) for cells in EXAMPLE_DATA["data_json"]]
    if column:
        rows[row][names.index(column)] = value
    return table(rows, names)


def long(taken: dict[int, object] | None = None, offers: int = 3) -> bytes:
    """Twenty trips, one row for each mode; `taken` by row puts a cell otherwise."""
    rows = [
        [trip, MODES[mode], int(mode == trip % offers), 10 + (7 * trip + 5 * mode) % 23]
        for trip in range(20)
        for mode in range(offers)
    ]
    for row, value in (taken or {}).items():
        rows[row][2] = value
    return table(rows, ["case", "mode", "taken", "time"])


def asked(
    client: Any, content: bytes, params: dict[str, Any], model: str = "choice_mnl"
) -> Any:
    return start(client, content, model_type=model, params=params)


def refusal(answer: Any) -> str:
    assert answer.status_code == 400, answer.text
    message: str = answer.json["message"]
    return message


# -- choices -------------------------------------------------------------------------


REFUSED_CHOICES: list[tuple[bytes, dict[str, Any], str]] = [
    (wide(5, "chosen"), WIDE, "row 6, column 'chosen' is missing"),
    (wide(5, "chosen", "plane"), WIDE, "row 6, column 'chosen' is 'plane'"),
    (wide(7, "time_car", "far"), WIDE, "row 8, column 'time_car' is text, 'far'"),
    (wide(), {**WIDE, "alternatives": ["bus"]}, "got one alternative, 'bus'"),
    (wide(), {**WIDE, "chosen": "chosn"}, "there is no column 'chosn'"),
    (wide(), {**WIDE, "base": "plane"}, "got base 'plane'"),
    (wide(), {**WIDE, "price": "cost"}, "got price 'cost'; wanted one of"),
    (long({0: 0}), LONG, "situation that starts in row 1 has no chosen one"),
    (long({1: 1}), LONG, "row 2: a second alternative of its situation"),
    (long({4: ""}), LONG, "row 5, column 'taken' is missing"),
    (long({4: 2}), LONG, "row 5, column 'taken' is 2; wanted 0 or 1"),
    (long(offers=1), LONG, "got one alternative, 'bus', in every row"),
]


def test_choices_that_no_model_can_take_are_refused_before_the_run(client: Any) -> None:
    for content, params, said in REFUSED_CHOICES:
        assert said in refusal(asked(client, content, params))
    assert client.get("/api/v1/runs").json["total"] == 0


def test_random_coefficients_are_judged_before_the_run_too(client: Any) -> None:
    params = {**WIDE, "random": [{"name": "tme"}], "n_draws": 16}
    said = refusal(asked(client, wide(), params, "choice_mixed"))
    assert "there is no coefficient 'tme'" in said


def test_choices_that_come_as_jobs_fail_with_the_same_words(client: Any) -> None:
    rows = EXAMPLE_DATA["data_json"]
    odd = [[rows[0][0], "plane", *rows[0][2:]], *rows[1:]]
    params = {"data": {**EXAMPLE_DATA, "data_json": odd}, "params": WIDE}
    job = client.post("/api/jobs", json={"kind": "market.choice_mnl", "params": params})
    said = ended(client, job.json["id"])["error_message"]
    assert "row 1, column 'chosen' is 'plane'" in said


def test_offers_that_nothing_links_are_refused_with_a_way_out(client: Any) -> None:
    pairs = (["a", "b"], ["c", "d"])
    rows = [
        [case, pairs[case % 2][at], int(at == case // 2 % 2), 3 + (case * 7 + at) % 11]
        for case in range(60)
        for at in (0, 1)
    ]
    content = table(rows, ["case", "mode", "taken", "time"])
    said = refusal(asked(client, content, LONG))
    assert "'a', 'b' and 'c', 'd' are never offered together" in said
    assert "fit without constants" in said
    # the way out is one
    run = asked(client, content, {**LONG, "constants": False}).json
    assert ended(client, run["id"])["status"] == "completed"


def test_alternatives_of_each_situation_alone_are_not_made_a_table_of(
    client: Any,
) -> None:
    # 3,000 of them: tables of nine million rows, and 4 GB of the worker
    rows = [[case, f"a{case}-{at}", int(at == 0), at] for case in range(300)
            for at in (0, 1)]  # fmt: skip
    content = table(rows, ["case", "mode", "taken", "time"])
    said = refusal(asked(client, content, LONG))
    assert "column 'mode' names 600 alternatives; wanted at most 200" in said
    assert "number them within it" in said


@pytest.mark.parametrize(
    ("modes", "codes"),
    [
        (["yes", "no"], None),
        (["  walk ", "drive"], {"  walk ": "1.0", "drive": 0}),
    ],
)
def test_labels_that_are_read_as_numbers_are_found(
    client: Any, modes: list[str], codes: dict[str, Any] | None
) -> None:
    chosen = [["no", "yes"] if codes is None else ["0", "1"]][0]
    rows = [[chosen[case % 3 == 0], 1 + case % 5] for case in range(30)]
    params = {"form": "wide", "chosen": "goes", "alternatives": modes, "codes": codes}
    params["traits"] = ["income"]
    content = table(rows, ["goes", "income"])
    run = ended(client, asked(client, content, params).json["id"])
    assert run["status"] == "completed", run["error_message"]
    results = client.get(f"/api/v1/runs/{run['id']}/results").json
    observed = [row["observed"] for row in results["tables"]["shares"]]
    assert observed == pytest.approx([1 / 3, 2 / 3])


# -- covariates ----------------------------------------------------------------------

COVARIATES = {"n_classes": 2, "n_init": 3, "covariate_columns": ["age"]}


def with_age(age: Any) -> bytes:
    matrix = households(60).tolist()
    lines = [[*row, age(number)] for number, row in enumerate(matrix)]
    return table(lines, ["bread", "butter", "jam", "beer", "crisps", "nuts", "age"])


def number(row: int) -> int:
    return 20 + row * 7 % 37


@pytest.mark.parametrize(
    ("age", "params", "said"),
    [
        (lambda row: 30, COVARIATES, "column 'age' is the same in every row"),
        (lambda row: 1e300 * (row % 7), COVARIATES, "column 'age' reaches 6e+300"),
        (
            number,
            {**COVARIATES, "covariate_columns": ["age", "age"]},
            "'age' is named twice",
        ),
    ],
)
def test_covariates_that_explain_nothing_are_refused(
    client: Any, age: Any, params: dict[str, Any], said: str
) -> None:
    answer = start(client, with_age(age), model_type="lca_covariates", params=params)
    assert said in refusal(answer)
    assert answer.json["details"][0]["field"] == "params.covariate_columns"


def test_a_covariate_of_0_and_1_is_no_product(client: Any) -> None:
    asked = {"model_type": "lca_covariates", "params": COVARIATES}
    run = completed(client, with_age(lambda row: row % 2), **asked)
    assert "age" not in run["product_columns"]
    assert len(run["product_columns"]) == 6
    asked["product_columns"] = ["bread", "butter", "beer", "age"]
    said = refusal(start(client, with_age(lambda row: row % 2), **asked))
    assert "'age' is one of product_columns, too" in said


# -- factors and features ------------------------------------------------------------


TOO_MUCH: list[tuple[str, dict[str, Any], str]] = [
    ("bayesian_factor_vi", {"n_factors": 7}, "got 7 factors for 6 products"),
    ("bayesian_factor_pymc", {"n_factors": 7}, "got 7 factors for 6 products"),
    (
        "bayesian_factor_pymc",
        {"n_factors": 3, "scores": "integrated"},
        "got scores integrated with 3 factors",
    ),
    ("dcm", {"n_latent_features": 6}, "got 6 latent features for 6 products"),
    ("dcm", {"product_attributes": {"x": [1, 2]}}, "got 2 values of 'x'"),
    ("dcm", {"product_attributes": {"x": [3] * 6}}, "'x' is the same for every"),
    (
        "dcm",
        {"product_attributes": {"x": [1e300, 1, 1, 1, 1, 1]}},
        "'x' holds 1e+300",
    ),
]


def test_more_than_the_products_hold_is_refused_before_the_run(client: Any) -> None:
    content = csv_of(households(60))
    for model, params, said in TOO_MUCH:
        answer = start(client, content, model_type=model, params=params)
        assert said in refusal(answer)


def test_products_too_many_to_factor_are_refused(client: Any) -> None:
    matrix = households(4, profiles=np.full((2, 2001), 0.5))
    matrix[0], matrix[1] = 0, 1
    names = [f"p{at}" for at in range(2001)]
    for model, params in (
        ("factor_tetrachoric", {"n_factors": 1}),
        ("model_selection", {"model": "factor_tetrachoric"}),
    ):
        content = csv_of(matrix, names)
        said = refusal(start(client, content, model_type=model, params=params))
        assert "got 2,001 products; wanted at most 2,000" in said


# -- what runs say -------------------------------------------------------------------


def test_an_unknown_key_is_told_where_data_may_stand(client: Any) -> None:
    answer = start(client, csv_of(households(20)), zzz=["bread"])
    assert "zzz: is not a known key" in refusal(answer)
    assert " data, data_id," in answer.json["message"]


def test_rows_that_are_left_out_are_told_in_households_too(client: Any) -> None:
    lines = [[*row, 3] for row in households(40).tolist()]
    lines[4][2] = ""
    names = ["bread", "butter", "jam", "beer", "crisps", "nuts", "n"]
    run = completed(client, table(lines, names), missing="drop", count_column="n")
    assert (
        "1 of 40 rows, which stand for 3 of 120 households, have missing values; they "
        "were left out." in run["warnings"]
    )


def test_numbers_that_a_model_has_not_are_not_blamed_on_the_data(client: Any) -> None:
    few = {"n_samples": 100, "n_tune": 100, "n_chains": 1, "seed": 1}
    run = completed(client, csv_of(households(40)), model_type="dcm", params=few)
    results = client.get(f"/api/v1/runs/{run['id']}/results").json
    told = [said for said in results["warnings"] if "sigma_hh" in said]
    assert len(told) == 1
    assert told[0].endswith("no part of this model, so null.")


def test_a_pair_that_gaps_leave_constant_is_named(client: Any) -> None:
    matrix = households(40).tolist()
    for row in matrix:
        if row[0]:
            row[1] = ""
    said = ended(
        client,
        start(
            client,
            table(matrix, ["bread", "butter", "jam", "beer", "crisps", "nuts"]),
            model_type="factor_tetrachoric",
            params={"n_factors": 1},
            missing="mar",
        ).json["id"],
    )["error_message"]
    assert "got columns 'bread' and 'butter' of which one never changes" in said


@pytest.mark.parametrize(
    "results",
    [
        [{"metrics": {"bic": "x"}}, {}],
        [{"product_columns": 5}, {}],
        [{"results": {"loadings": "x"}, "product_columns": ["a"]}, {}],
        [{"results": {"loadings": [1, 2]}, "product_columns": ["a"]}, {}],
    ],
)
def test_results_that_are_none_are_not_compared(client: Any, results: Any) -> None:
    params = {"results": results}
    job = client.post("/api/jobs", json={"kind": "market.comparison", "params": params})
    if job.status_code == 202:
        for _ in range(500):
            row = client.get(f"/api/jobs/{job.json['id']}").json
            if row["status"] in ("completed", "failed"):
                break
        assert row["error"]["code"] == "INVALID_INPUT", row
    else:
        assert job.status_code == 400
