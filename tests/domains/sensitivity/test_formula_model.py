"""A user's own formulas as a model: the same questions as to a plant, and answers."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.catalogue import load, override
from flask_api.domains.sensitivity.studied.formula_model import (
    FormulaModel,
    formula_model,
)
from flask_api.domains.sensitivity.studied.formula_schema import FormulaReference
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.domains.sensitivity.studied.studied_plant import StudiedPlant
from flask_api.errors import ValidationError
from flask_api.numerics.designs import design
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.validation import validate

MARGIN = {
    "outputs": {"margin": "units * price - cost", "share": "cost / (units * price)"},
    "inputs": {
        "units": {"value": 30, "range": [20, 40], "integer": True, "unit": "1/year"},
        "price": {"value": 2, "distribution": {"kind": "normal", "mean": 2, "std": 1}},
        "cost": 50,
    },
}


def model(body: dict[str, Any]) -> FormulaModel:
    asked = validate(FormulaReference, body)
    return formula_model(asked.formulas(), asked.inputs, asked.places())


def problem(body: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        validate(FormulaReference, body)
    return caught.value.message


def plant(**changes: Any) -> StudiedPlant:
    return StudiedPlant(load("1", None, changes), override)


@pytest.mark.parametrize("studied", [model(MARGIN), plant()], ids=["formula", "plant"])
def test_formula_and_plant_answer_the_same_questions(studied: Studied) -> None:
    first = next(iter(studied.inputs))
    base, output = studied.baseline(), studied.outputs[0]
    assert studied.find(first) == studied.canonical(first, "id") == first
    assert studied.find("nothing") is None
    assert studied.output_name(output, "outputs") == output
    assert set(studied.units) >= set(studied.outputs)
    assert studied.possible(first).allows(base[first])
    assert studied.identity["title"]
    (y0,) = studied.evaluate({}, [output])[output]
    column = np.array([base[first]] * 3)
    calls: list[int] = []
    got = studied.evaluate({first: column}, [output], lambda: calls.append(1))
    assert got[output] == pytest.approx([y0] * 3)
    assert calls
    for refused in (
        lambda: studied.canonical("nothing", "parameters[0].id"),
        lambda: studied.output_name("nothing", "outputs"),
        lambda: studied.evaluate({}, ["nothing"]),
        lambda: studied.evaluate({"nothing": column}, [output]),
    ):
        with pytest.raises(InputError, match="nothing"):
            refused()


def test_several_outputs_come_from_one_pass() -> None:
    got = model(MARGIN).evaluate(
        {"price": np.array([1.0, 2.0, 0.0])}, ["margin", "share"]
    )
    assert got["margin"].tolist() == [-20, 10, -50]
    assert got["share"].tolist() == pytest.approx([5 / 3, 5 / 6, math.nan], nan_ok=True)


def test_whole_numbers_are_rounded() -> None:
    got = model(MARGIN).evaluate({"units": np.array([20.4, 20.6])}, ["margin"])
    assert got["margin"].tolist() == [-10, -8]


def test_an_input_without_a_value_has_the_middle_of_what_it_varies_over() -> None:
    body = {
        "formula": "a + b + c",
        "inputs": {
            "a": [1, 3],
            "b": {"distribution": {"kind": "uniform", "low": 0, "high": 10}},
            "c": {"range": {"min": 0, "max": 5}, "integer": True},
        },
    }
    # half to even, as numpy rounds
    assert model(body).baseline() == {"a": 2, "b": 5, "c": 2}
    assert model(body).inputs["a"].low == 1
    assert model(body).inputs["a"].label == "a"


def test_slopes_are_exact_and_none_where_only_whole_numbers_are() -> None:
    found = model(MARGIN)
    assert found.slope("price", "margin") == 30
    assert found.slope("cost", "share") == 1 / 60
    assert found.slope("units", "margin") is None


def test_the_slope_of_a_plant_is_that_of_its_price() -> None:
    studied = plant()
    exact = studied.slope("labor_cost", "price")
    h = 1.0
    x = np.array([24_000 - h, 24_000 + h])
    low, high = studied.evaluate({"labor_cost": x}, ["price"])["price"]
    # the price is linear in a yearly cost: the quotient is exact but for roundings
    assert exact == pytest.approx((high - low) / (2 * h), rel=1e-9)
    assert studied.slope("labor_cost", "npv") is None
    assert studied.slope("plant_lifetime", "price") is None


def test_what_moves_nothing_is_idle() -> None:
    body = {
        "formula": "a * b + zero + spread",
        "inputs": {"a": 1, "b": 2, "unused": 3, "zero": 0, "spread": [-1, 1]},
    }
    found = model(body)
    assert [n for n in found.inputs if found.idle(n, "result")] == ["unused", "zero"]
    (note,) = found.notes
    assert note.startswith("model.inputs.unused occurs in no formula")
    studied = plant()
    assert studied.idle("selling_price", "price")
    assert not studied.idle("selling_price", "npv")
    assert not studied.idle("labor_cost", "price")


def test_without_a_value_at_the_baseline_the_reason_is_told() -> None:
    found = model({"formula": "1 / x", "inputs": {"x": 0}})
    assert np.isnan(found.evaluate({}, ["result"])["result"]).all()
    reason = found.why_none("result")
    assert isinstance(reason, NoSolutionError)
    assert "x = 0" in str(reason) and reason.field == "model.inputs"
    doomed = plant(number_of_units=0)
    assert "no price can save" in str(doomed.why_none("price"))
    assert "npv" in str(doomed.why_none("npv"))


def test_a_convention_is_changed_in_a_plant_and_refused_in_a_formula() -> None:
    studied = plant()
    changed = studied.with_choice("S20", "7-MACRS", "parameters[0]")
    one, other = (m.evaluate({}, ["price"])["price"] for m in (studied, changed))
    assert other < one  # faster depreciation saves tax
    with pytest.raises(InputError, match="numbers only"):
        model(MARGIN).with_choice("S20", "7-MACRS", "parameters[0]")


def test_ishigami_has_the_variance_of_its_closed_form() -> None:
    ends = {"min": -math.pi, "max": math.pi}
    body = {
        "formula": "sin(a) + 7 * sin(b)**2 + 0.1 * c**4 * sin(a)",
        "inputs": {name: {"range": ends} for name in "abc"},
    }
    u = design("sobol", 3, 0).block(0, 2**16)
    rows = dict(zip("abc", math.pi * (2 * u - 1), strict=True))
    y = model(body).evaluate(rows, ["result"])["result"]
    # 0.0014 is four times the scatter of 20 seeds
    assert y.var() == pytest.approx(13.8445879, abs=0.0014)
    assert y.mean() == pytest.approx(3.5, abs=1e-4)


# -- requests ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"formula": "x"}, "inputs"),
        ({"inputs": {"x": 1}}, "give `formula`"),
        ({"formula": "x", "outputs": {"a": "x"}, "inputs": {"x": 1}}, "give `formula`"),
        ({"formula": "x", "inputs": {}}, "inputs"),
        ({"formula": "", "inputs": {"x": 1}}, "formula"),
        ({"outputs": {}, "inputs": {"x": 1}}, "outputs"),
        ({"outputs": {"x": "x"}, "inputs": {"x": 1}}, "different names"),
        ({"formula": "x", "inputs": {"result": 1}}, "different names"),
        ({"formula": "x", "inputs": {"sin": 1}}, "word of formulas"),
        ({"outputs": {"and": "x"}, "inputs": {"x": 1}}, "word of formulas"),
        ({"formula": "x", "inputs": {"_x": 1}}, "is no name"),
        ({"formula": "x", "inputs": {"größe": 1}}, "is no name"),
        ({"formula": "x", "inputs": {"a b": 1}}, "is no name"),
        ({"formula": "x", "inputs": {"x" * 65: 1}}, "is no name"),
        ({"formula": "x", "inputs": {"x": "1"}}, "inputs.x"),
        ({"formula": "x", "inputs": {"x": None}}, "inputs.x"),
        ({"formula": "x", "inputs": {"x": True}}, "inputs.x"),
        ({"formula": "x", "inputs": {"x": {}}}, "has no value"),
        ({"formula": "x", "inputs": {"x": [3, 1]}}, "min must be below max"),
        ({"formula": "x", "inputs": {"x": [1, 2, 3]}}, "3 numbers"),
        ({"formula": "x", "inputs": {"x": {"value": 1, "low": 0}}}, "low"),
        (
            {
                "formula": "x",
                "inputs": {"x": {"distribution": {"kind": "normal", "mean": 1}}},
            },
            "inputs.x.distribution.std",
        ),
        ({"formula": "x" * 1_000_000, "inputs": {"x": 1}}, "10000 characters"),
        (
            {"outputs": {f"y{n}": "x" * 9000 for n in range(6)}, "inputs": {"x": 1}},
            "54,000 characters",
        ),
    ],
)
def test_a_request_says_what_is_wrong_with_it(body: Any, said: str) -> None:
    assert said in problem(body)


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"formula": "x +", "inputs": {"x": 1}}, "model.formula", "line 1, column 4"),
        (
            {"outputs": {"a": "x", "b": "a + x"}, "inputs": {"x": 1}},
            "model.outputs.b",
            "'a'",
        ),
        (
            {
                "formula": "x",
                "inputs": {
                    "x": {"distribution": {"kind": "uniform", "low": 2, "high": 1}}
                },
            },
            "model.inputs.x.distribution",
            "low must be below high",
        ),
    ],
)
def test_what_a_worker_reads_is_refused_with_its_place(
    body: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        model(body)
    assert caught.value.field == field


def test_the_requests_need_no_maths() -> None:
    code = (
        "import sys\n"
        "import flask_api.domains.sensitivity.studied.formula_schema\n"
        "import flask_api.domains.sensitivity.efficacy.schema\n"
        "assert not {'numpy', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
