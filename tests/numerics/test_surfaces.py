"""Percentiles against a decision: the closed form, and one set of draws for all."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import norm

from flask_api.numerics import InputError
from flask_api.numerics.correlation import read_correlation
from flask_api.numerics.distributions import make
from flask_api.numerics.surfaces import percentile_surface

INPUTS = {
    "a": make({"kind": "normal", "mean": 1, "std": 1}),
    "b": make({"kind": "normal", "mean": 2, "std": 2}),
}
GRID = np.array([0.0, 0.5, 1.0, 2.0])


def hedge(x):
    """y = k a + b: normal with mean k + 2 and variance k^2 + 4."""
    return {"y": x["k"] * x["a"] + x["b"], "z": x["k"] + 0 * x["a"]}


def last(model, decisions, n=2**14, **options):
    options.setdefault("seed", 0)
    *_, state = percentile_surface(model, INPUTS, decisions, ["y", "z"], n, **options)
    return state


def test_percentiles_of_a_normal_follow_the_decision_as_the_book_says():
    r = last(hedge, {"k": GRID}, percentiles=(10, 50, 90)).report("y")
    for share, column in zip((0.1, 0.5, 0.9), r["values"], strict=True):
        for k, value in zip(GRID, column, strict=True):
            std = math.sqrt(k * k + 4)
            truth = norm.ppf(share, k + 2, std)
            # four errors of random draws: sqrt(p(1-p)/n)/density <= 1.71 std / 128
            assert value == pytest.approx(truth, abs=4 * 1.71 * std / 128)
    assert r["mean"] == pytest.approx((GRID + 2).tolist(), abs=0.01)
    assert r["std"] == pytest.approx(np.sqrt(GRID**2 + 4).tolist(), rel=0.02)
    assert r["rank_error"] == 0
    assert r["failed"] == [0, 0, 0, 0]
    assert r["best"][1]["highest"]["at"] == {"k": 2.0}
    json.dumps(r, allow_nan=False)


def test_all_points_meet_the_same_draws():
    seen = []

    def record(x):
        seen.append((x["k"][0], x["a"].tolist()))
        return hedge(x)

    last(record, {"k": GRID}, 64)
    assert [k for k, _ in seen] == GRID.tolist()
    assert all(a == seen[0][1] for _, a in seen)


def test_a_tiny_gain_shows_because_the_draws_are_common():
    r = last(
        lambda x: {"y": x["b"] + 1e-6 * x["k"], "z": x["a"]}, {"k": GRID}, 200
    ).report("y")
    for column in r["values"]:
        assert np.diff(column) == pytest.approx(1e-6 * np.diff(GRID), rel=1e-6)


def test_two_decisions_make_a_table_for_each_percentile():
    def model(x):
        return {"y": x["a"] + 10 * x["k"] + x["m"], "z": x["a"]}

    grid = {"k": np.array([0.0, 1.0]), "m": np.array([0.0, 1.0, 2.0])}
    r = last(model, grid, 4096, percentiles=(50,)).report("y")
    expected = 1 + 10 * grid["k"][:, None] + grid["m"]
    np.testing.assert_allclose(r["values"][0], expected, atol=0.01)
    assert r["best"][0]["lowest"]["at"] == {"k": 0.0, "m": 0.0}
    assert np.shape(r["failed"]) == (2, 3)


def test_points_without_solution_are_told_and_left_out():
    def model(x):
        return {"y": np.where(x["k"] > 0.6, np.nan, x["a"]), "z": x["a"]}

    r = last(model, {"k": GRID}, 500, percentiles=(50,)).report("y")
    assert r["values"][0][2:] == [None, None]
    assert r["failed"] == [0, 0, 500, 500]
    assert r["best"][0]["highest"]["at"]["k"] in (0.0, 0.5)
    nothing = last(
        lambda x: {"y": x["a"] * np.nan, "z": x["a"]}, {"k": GRID}, 100
    ).report("y")
    assert nothing["best"][0] == {"lowest": None, "highest": None}
    json.dumps(nothing, allow_nan=False)


def test_it_grows_and_depends_on_the_seed_alone():
    states = [
        s.done
        for s in percentile_surface(hedge, INPUTS, {"k": GRID}, ["y"], 500, seed=0)
    ]
    assert states == [64, 128, 256, 500]
    one, two = (last(hedge, {"k": GRID}, 500, seed=0).report("y") for _ in range(2))
    assert one == two
    assert one != last(hedge, {"k": GRID}, 500, seed=1).report("y")


def test_correlated_inputs_and_other_samplings_are_taken():
    asked = read_correlation([["a", "b", 0.9]], list(INPUTS))
    r = last(hedge, {"k": GRID}, 4096, sampling="lhs", correlation=asked).report("y")
    rho = 2 * math.sin(math.pi / 6 * 0.9)
    expected = np.sqrt(GRID**2 + 4 + 4 * rho * GRID)
    assert r["std"] == pytest.approx(expected.tolist(), rel=4 / math.sqrt(2 * 4096))


@pytest.mark.parametrize(
    ("decisions", "field", "says"),
    [
        ({}, "decisions", "one or two"),
        ({"k": GRID, "l": GRID, "m": GRID}, "decisions", "one or two"),
        ({"a": GRID}, "decisions.a", "uncertain too"),
        ({"k": np.array([])}, "decisions.k", "at least one"),
        ({"k": np.array([1, np.nan])}, "decisions.k", "finite"),
        ({"k": np.zeros(200), "m": np.zeros(200)}, "decisions", "40,000 points"),
    ],
)
def test_what_is_no_grid_is_refused(decisions, field, says):
    with pytest.raises(InputError, match=None) as caught:
        last(hedge, decisions, 100)
    assert caught.value.field == field
    assert says in str(caught.value)
