"""Choice models as runs: requests, steps and outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.choice import run
from flask_api.domains.market.choice.schema import (
    CHOICE_MIXED,
    CHOICE_MNL,
    EXAMPLE_DATA,
)
from flask_api.domains.market.data.table import Table
from flask_api.domains.market.runs.model import Outcome, Problem
from flask_api.domains.market.runs.request_schema import Model
from flask_api.errors import ServiceError
from flask_api.numerics.errors import InputError
from flask_api.validation import validate
from tests.domains.market.choices_by_hand import last


def table(folder: Path, columns: dict[str, list[Any]]) -> Table:
    """A table on disk, as the reader of data leaves it."""
    facts = []
    for place, (name, cells) in enumerate(columns.items()):
        kind = "text" if isinstance(cells[0], str) else "numeric"
        facts.append({"name": name, "kind": kind})
        if kind == "text":
            (folder / f"text-{place}.json").write_text(json.dumps(cells))
        else:
            np.save(folder / f"number-{place}.npy", np.array(cells, float))
    return Table(folder, {"columns": facts, "n_rows": len(cells), "sha256": "0"})


def example(folder: Path) -> Table:
    names, rows = EXAMPLE_DATA["column_names"], EXAMPLE_DATA["data_json"]
    cells = [list(column) for column in zip(*rows, strict=True)]
    return table(folder, dict(zip(names, cells, strict=True)))


def settings(model: Model, **changes: Any) -> dict[str, Any]:
    given = {**model.example, "params": {**model.example["params"], **changes}}
    request = validate(model.request, given)
    found: dict[str, Any] = request.model_dump()["params"]
    return found


def outcome(model: Model, data: Table, **changes: Any) -> Outcome:
    generator = getattr(run, model.run.partition(":")[2])
    problem = Problem(np.empty((data.n_rows, 0), np.uint8), (), 1, data)
    found = last(generator(problem, settings(model, **changes))).outcome
    assert isinstance(found, Outcome)
    return found


def test_the_example_of_the_multinomial_logit_is_fitted(tmp_path: Path) -> None:
    found = outcome(CHOICE_MNL, example(tmp_path))
    assert found.converged and not found.warnings
    names = [row["name"] for row in found.tables["coefficients"]]
    assert names == ["constant (bus)", "constant (car)", "time", "price"]
    assert set(found.tables) == set(CHOICE_MNL.tables)
    assert found.arrays["probabilities"].shape == (120, 3)
    np.testing.assert_allclose(found.arrays["probabilities"].sum(axis=1), 1)
    assert len(found.tables["elasticities"]) == 18
    assert found.tables["willingness_to_pay"][0]["name"] == "time"
    assert found.details["persons"] == 20 and found.details["base"] == "train"
    assert found.summary["n_situations"] == 120
    json.dumps({name: float(v or 0) for name, v in found.metrics.items()})


def test_the_example_of_the_mixed_logit_is_fitted(tmp_path: Path) -> None:
    found = outcome(CHOICE_MIXED, example(tmp_path))
    assert found.converged
    assert set(found.tables) == set(CHOICE_MIXED.tables)
    (row,) = found.tables["random_coefficients"]
    # drawn with mean -0.15 and deviation 0.1 per minute; 20 persons: errors of 0.03
    assert row["mean"] == pytest.approx(-0.15, abs=0.1)
    assert row["deviation"] == pytest.approx(0.1, abs=0.08)
    gained = found.metrics["log_likelihood"] or 0.0
    assert gained > (found.metrics["log_likelihood_multinomial"] or 0.0) + 2
    assert found.metrics["log_likelihood_twice_the_draws"] is not None
    assert found.details["draws"] == 64


def test_a_long_table_gives_the_same_as_a_wide_one(tmp_path: Path) -> None:
    names, rows = EXAMPLE_DATA["column_names"], EXAMPLE_DATA["data_json"]
    columns: dict[str, list[Any]] = {
        name: [] for name in ("trip", "mode", "took", "time", "price", "person")
    }
    for trip, row in enumerate(rows):
        cells = dict(zip(names, row, strict=True))
        for mode in ("bus", "car", "train"):
            columns["trip"].append(trip)
            columns["mode"].append(mode)
            columns["took"].append(int(cells["chosen"] == mode))
            columns["time"].append(cells[f"time_{mode}"])
            columns["price"].append(cells[f"price_{mode}"])
            columns["person"].append(cells["person"])
    long = {
        "form": "long",
        "situation": "trip",
        "alternative": "mode",
        "chosen": "took",
        "alternatives": None,
    }
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = outcome(CHOICE_MNL, example(tmp_path / "a"))
    two = outcome(CHOICE_MNL, table(tmp_path / "b", columns), **long)
    assert two.metrics == one.metrics


def test_specific_attributes_and_interactions_reach_the_utility(tmp_path: Path) -> None:
    found = outcome(
        CHOICE_MNL,
        example(tmp_path),
        specific=["time"],
        interactions=[{"attribute": "price", "trait": "person"}],
    )
    names = [row["name"] for row in found.tables["coefficients"]]
    assert names[2:] == [
        "price",
        "time (bus)",
        "time (car)",
        "time (train)",
        "price x person",
    ]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"form": "long"}, "situation"),
        ({"alternatives": None}, "alternatives"),
        ({"situation": "person"}, "situation"),
        ({"available": "person"}, "available"),
        ({"confidence_level": 1.0}, "confidence_level"),
        ({"n_draws": 8}, "n_draws"),
    ],
)
def test_settings_of_the_other_form_are_refused(
    changes: dict[str, Any], where: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        settings(CHOICE_MNL, **changes)
    assert where in str(vars(caught.value))


@pytest.mark.parametrize("given", [{"product_columns": ["a"]}, {"missing": "drop"}])
def test_what_belongs_to_products_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as caught:
        validate(CHOICE_MNL.request, {**CHOICE_MNL.example, **given})
    assert next(iter(given)) in str(vars(caught.value))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no column 'took'; wanted one of"):
        outcome(CHOICE_MNL, example(tmp_path), chosen="took")
