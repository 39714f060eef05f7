"""Factors, maps and parts as runs: steps that can be told, and whole outcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.correspondence.run import mca
from flask_api.domains.market.correspondence.schema import MCA
from flask_api.domains.market.data.table import Table
from flask_api.domains.market.factors.run import factor_tetrachoric
from flask_api.domains.market.factors.schema import FACTOR_TETRACHORIC
from flask_api.domains.market.nonnegative.run import nmf
from flask_api.domains.market.nonnegative.schema import NMF
from flask_api.domains.market.runs.arrays import written
from flask_api.domains.market.runs.model import Outcome, Problem, Run, Step
from flask_api.domains.market.runs.request_schema import Model
from flask_api.domains.market.runs.result import result_of
from flask_api.numerics.errors import InputError
from tests.domains.market.binary_tables import Bytes, leaning, simple_structure

MODELS: list[tuple[Model, Run]] = [
    (FACTOR_TETRACHORIC, factor_tetrachoric),
    (MCA, mca),
    (NMF, nmf),
]
PRODUCTS = tuple(f"product {number}" for number in range(1, 9))


def purchases(rows: int = 300) -> Bytes:
    return leaning(simple_structure(8, 2, 0.7), 0.2, rows, 1)[0]


def problem(values: Bytes, columns: tuple[str, ...] = PRODUCTS) -> Problem:
    facts: dict[str, Any] = {"n_rows": len(values), "sha256": "0" * 64, "columns": []}
    return Problem(values, columns, 1, Table(Path("nowhere"), facts))


def settings_of(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with every default, as the job gives them."""
    return model.params.model_validate(given).model_dump()


def ran(
    run: Run, data: Problem, settings: Mapping[str, Any]
) -> tuple[list[Step], Outcome]:
    steps = list(run(data, settings))
    outcome = steps[-1].outcome
    assert isinstance(outcome, Outcome)
    return steps, outcome


def asked(model: Model) -> dict[str, Any]:
    few = {"n_factors": 2} if model is FACTOR_TETRACHORIC else {"n_components": 2}
    return settings_of(model, few)


@pytest.mark.parametrize(("model", "run"), MODELS)
def test_the_example_of_a_model_runs(model: Model, run: Run) -> None:
    data = model.example["data"]
    names, values = data["column_names"], np.array(data["data_json"])
    if "count_column" in model.example:
        values, names = np.repeat(values[:, :-1], values[:, -1], axis=0), names[:-1]
    settings = settings_of(model, model.example["params"])
    _, outcome = ran(run, problem(values.astype(np.uint8), tuple(names)), settings)
    assert set(outcome.tables) == set(model.tables)
    assert model.check is not None
    model.check(settings, {}, names)
    if model is FACTOR_TETRACHORIC:  # published, as in test_market_factor_analysis
        wanted = [0.3817, 0.4062, 0.4863, 0.3693, 0.3191]
        assert outcome.arrays["loadings"][:, 0] == pytest.approx(wanted, abs=6e-5)


@pytest.mark.parametrize(("model", "run"), MODELS)
def test_steps_rise_and_are_small_and_the_result_is_plain_json(
    model: Model, run: Run, tmp_path: Path
) -> None:
    data = problem(purchases())
    settings = asked(model)
    steps, outcome = ran(run, data, settings)
    shares = [step.done / step.total for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    for step in steps:
        assert len(json.dumps([dict(step.extra), dict(step.partial)])) < 16_000
        assert step.message
    kept = written(outcome, data.columns, tmp_path)
    told = result_of(
        model.model_type, settings, data, outcome, kept, list(outcome.warnings)
    )
    again = json.loads(json.dumps(told, allow_nan=False))
    assert np.shape(again["product_embeddings"]) == (8, 2)
    assert np.shape(again["household_embeddings"]) == (300, 2)
    assert np.shape(again["similarity_matrix"]) == (8, 8)
    assert len(again["variance_explained"]) == 2
    assert (tmp_path / "arrays").is_dir()


@pytest.mark.parametrize(("model", "run"), MODELS)
def test_one_seed_has_one_answer(model: Model, run: Run) -> None:
    once, again = (ran(run, problem(purchases()), asked(model))[1] for _ in range(2))
    for name, values in once.arrays.items():
        np.testing.assert_array_equal(values, again.arrays[name])


@pytest.mark.parametrize("model", [FACTOR_TETRACHORIC, MCA, NMF])
def test_more_dimensions_than_products_are_refused_before_the_run(model: Model) -> None:
    assert model.check is not None
    model.check(asked(model), {}, list(PRODUCTS))
    with pytest.raises(InputError) as caught:
        model.check(asked(model), {}, ["only one"])
    assert str(caught.value.field).startswith("params.n_")


def test_columns_of_a_map_bear_the_names_of_products_and_categories() -> None:
    _, outcome = ran(mca, problem(purchases()), settings_of(MCA, {}))
    rows, dimensions = outcome.labels["column_coordinates"]
    assert rows is not None and dimensions is not None
    assert list(rows[:3]) == ["product 1__1", "product 1__0", "product 2__1"]
    assert list(dimensions) == [f"Dim_{k}" for k in range(1, 6)]
    first = outcome.tables["columns"][0]
    assert (first["product"], first["bought"], first["dimension"]) == (
        "product 1",
        1,
        1,
    )
    assert first["coordinate"] == outcome.arrays["column_coordinates"][0, 0]
    made = [row["contribution_pct"] for row in outcome.tables["columns"][:16]]
    assert sum(made) == pytest.approx(100)


def test_a_map_of_few_products_has_as_many_dimensions_as_they_have() -> None:
    data = problem(purchases()[:, :3], PRODUCTS[:3])
    _, outcome = ran(mca, data, settings_of(MCA, {}))
    assert outcome.arrays["row_coordinates"].shape == (300, 3)


def test_one_dimension_is_said_in_the_singular() -> None:
    values = leaning(simple_structure(6, 1, 0.8), 0.2, 2000, 1)[0]
    _, outcome = ran(mca, problem(values, PRODUCTS[:6]), settings_of(MCA, {}))
    assert any("Only 1 dimension has more inertia" in said for said in outcome.warnings)


def test_awkward_data_are_fitted_with_words_about_them() -> None:
    values = purchases(60)
    values = np.column_stack([values[:, :7], values[:, 0]])
    values[:, 6] = 0
    values[:2, 6] = 1
    data = problem(values)
    _, outcome = ran(
        factor_tetrachoric, data, settings_of(FACTOR_TETRACHORIC, {"n_factors": 3})
    )
    said = " ".join(outcome.warnings)
    assert "product 1 and product 8" in said and "copies" in said
    assert "Heywood" in said and "empty cell" in said
    assert outcome.metrics["heywood_cases"]
    _, outcome = ran(mca, data, settings_of(MCA, {"n_components": 7}))
    assert "product 1 and product 8" in " ".join(outcome.warnings)
    assert "average" in " ".join(outcome.warnings)
    _, outcome = ran(nmf, data, settings_of(NMF, {"n_components": 8}))
    assert "rank 7" in " ".join(outcome.warnings)


@pytest.mark.parametrize("run", [factor_tetrachoric, mca])
def test_missing_cells_are_left_out(run: Run) -> None:
    model = FACTOR_TETRACHORIC if run is factor_tetrachoric else MCA
    values = purchases()
    values[np.random.default_rng(0).random(values.shape) < 0.1] = 255
    _, outcome = ran(run, problem(values), asked(model))
    for array in outcome.arrays.values():
        assert np.isfinite(array).all()


def test_parallel_analysis_can_be_left_out() -> None:
    settings = settings_of(
        FACTOR_TETRACHORIC, {"n_factors": 2, "parallel_replicates": 0}
    )
    _, outcome = ran(factor_tetrachoric, problem(purchases()), settings)
    assert "parallel_factors" not in outcome.metrics
    assert "chance_95" not in outcome.arrays
    explained = outcome.variance_explained
    assert explained is not None
    assert explained.sum() == pytest.approx(outcome.metrics["variance_explained_pct"])
