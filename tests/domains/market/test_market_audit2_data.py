"""Gaps settled and rows counted beforehand, or by the run: the same answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.domains.market.market_requests import ended

Floats = npt.NDArray[np.float64]

NAMES = ["a", "b", "c", "d", "e", "f"]
_FEW = {"n_samples": 100, "n_tune": 100, "n_chains": 1, "seed": 3}
MODELS: dict[str, dict[str, Any]] = {
    "factor_tetrachoric": {"n_factors": 2, "seed": 3},
    "mca": {"n_components": 2, "seed": 3},
    "nmf": {"n_components": 2, "seed": 3},
    "bayesian_factor_vi": {"n_factors": 1, "seed": 3},
    "bayesian_factor_pymc": {"n_factors": 1, **_FEW},
    "dcm": {"household_feature_columns": ["income"], **_FEW},
    "model_selection": {"model": "factor_tetrachoric", "max_number": 2, "seed": 3},
}


def table() -> Floats:
    """Six products, a numeric column and a count; every tenth cell missing."""
    random = np.random.default_rng(8)
    leaning = random.normal(size=(70, 1))
    chance = 1 / (1 + np.exp(-1.2 * leaning + np.linspace(-0.7, 0.7, 6)))
    bought = (random.random((70, 6)) < chance).astype(float)
    bought[random.random(bought.shape) < 0.04] = np.nan
    income = np.round(5 + leaning[:, 0] + random.normal(size=70), 2)
    return np.column_stack([bought, income, random.integers(0, 4, 70)])


def answered(client: Any, model: str, cells: Floats, **asked: Any) -> dict[str, Any]:
    """Results of a run, but for what tells how the data came."""
    rows = [[None if np.isnan(x) else float(x) for x in row] for row in cells]
    names = [*NAMES, "income", "count"][: cells.shape[1]]
    body = {
        "model_type": model,
        "params": MODELS[model],
        "product_columns": NAMES,
        "data": {"data_json": rows, "column_names": names},
        **asked,
    }
    made = client.post("/api/v1/runs", json=body)
    assert made.status_code == 201, made.json
    run = ended(client, made.json["id"])
    assert run["status"] == "completed", run["error_message"]
    found: dict[str, Any] = client.get(f"/api/v1/runs/{made.json['id']}/results").json
    for of_the_way in ("warnings", "model_run_id", "metadata"):
        found.pop(of_the_way, None)
    return found


def alike(first: Any, second: Any, where: str = "") -> None:
    """Numbers equal but for sums in another order, all else equal."""
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            alike(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), where
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            alike(one, other, f"{where}.{place}")
    elif isinstance(first, float):
        assert first == pytest.approx(second, rel=1e-9, abs=1e-12), where
    else:
        assert first == second, f"{where}: {json.dumps([first, second])}"


@pytest.mark.parametrize("model", MODELS)
def test_gaps_dropped_by_a_run_are_rows_left_out_before(
    client: Any, model: str
) -> None:
    cells = table()[:, :7]
    whole = cells[~np.isnan(cells).any(axis=1)]
    alike(
        answered(client, model, cells, missing="drop"), answered(client, model, whole)
    )


@pytest.mark.parametrize("model", MODELS)
def test_rows_counted_are_rows_repeated_also_where_gaps_are_filled(
    client: Any, model: str
) -> None:
    cells = table()
    times = cells[:, 7].astype(int)
    filled = cells.copy()
    for column in filled[:, :6].T:  # the more frequent value, households counted
        known = ~np.isnan(column)
        ones, rows = (column[known] * times[known]).sum(), times[known].sum()
        column[~known] = float(ones > rows - ones)
    repeated = np.repeat(filled[:, :7], times, axis=0)
    counted = answered(
        client, model, cells, missing="impute_mode", count_column="count"
    )
    alike(counted, answered(client, model, repeated))


def test_a_misfit_that_one_start_alone_found_is_warned_of(client: Any) -> None:
    random = np.random.default_rng(7)
    own = random.normal(size=(60, 4)) @ random.normal(size=(4, 15))
    bought = random.random((60, 15)) < 1 / (1 + np.exp(-own))
    names = [f"p{place}" for place in range(15)]
    for starts, warned in ((10, True), (1, False)):
        body = {
            "model_type": "factor_tetrachoric",
            "params": {"n_factors": 4, "extraction": "ml", "n_init": starts}
            | {"seed": 1, "parallel_replicates": 0},
            "data": {"data_json": bought.astype(int).tolist(), "column_names": names},
        }
        made = client.post("/api/v1/runs", json=body)
        run = ended(client, made.json["id"])
        assert run["metrics"]["starts_at_best"] == 1
        told = client.get(f"/api/v1/runs/{made.json['id']}/results").json["warnings"]
        said = f"Only 1 of {starts} starts found the smallest misfit"
        assert any(said in warning for warning in told) == warned
