"""Percentiles against a decision: the closed form, and one set of draws for all."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import norm

from flask_api.numerics import InputError, surfaces
from flask_api.numerics.correlation import read_correlation
from flask_api.numerics.distributions import make
from flask_api.numerics.grids import Grid, response
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
    *_, state = percentile_surface(
        model, INPUTS, Grid(decisions), ["y", "z"], n, **options
    )
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
    seen: list[tuple[set[float], list[float]]] = []

    def record(x):
        rows = zip(x["k"].reshape(4, -1), x["a"].reshape(4, -1), strict=True)
        seen.extend((set(k), a.tolist()) for k, a in rows)
        return hedge(x)

    last(record, {"k": GRID}, 64)
    assert [k for k, _ in seen] == [{k} for k in GRID.tolist()]
    assert all(a == seen[0][1] for _, a in seen)


def test_points_are_computed_together_as_many_as_fit():
    sizes: list[int] = []

    def record(x):
        sizes.append(len(x["k"]))
        return hedge(x)

    *_, state = percentile_surface(
        record, INPUTS, Grid({"k": np.linspace(0, 1, 300)}), ["y"], 128, seed=0
    )
    assert sizes == [16_384, 44 * 64] * 2
    assert (state.done, state.total) == (128, 128)
    assert state.rows == sum(sizes) == 300 * 128
    one, all_at_once = (
        [
            s.report("y")["values"]
            for s in percentile_surface(
                hedge, INPUTS, Grid({"k": k}), ["y"], 100, seed=0
            )
        ][-1]
        for k in (GRID[1:2], GRID)
    )
    assert [column[0] for column in one] == [column[1] for column in all_at_once]


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
        for s in percentile_surface(
            hedge, INPUTS, Grid({"k": GRID}), ["y"], 500, seed=0
        )
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


def test_a_response_without_uncertainty_is_the_model_at_each_point():
    grid = Grid({"a": np.array([1.0, 2.0]), "b": np.array([3.0, 5.0, -1.0])})
    *_, found = response(lambda x: {"y": x["a"] * x["b"]}, grid, ["y"])
    assert found.report("y") == {
        "values": [[3.0, 5.0, -1.0], [6.0, 10.0, -2.0]],
        "failed": 0,
        "best": {
            "lowest": {"at": {"a": 2.0, "b": -1.0}, "value": -2.0},
            "highest": {"at": {"a": 2.0, "b": 5.0}, "value": 10.0},
        },
    }


def test_a_response_fills_row_by_row():
    grid = Grid({"a": np.arange(60.0), "b": np.arange(50.0)})
    known = []
    for state in response(lambda x: {"y": x["a"] + x["b"]}, grid, ["y"]):
        table = np.array(state.report("y")["values"], dtype=float)
        known.append((state.done, int(np.isfinite(table).sum())))
    assert known == [(1024, 1024), (2048, 2048), (3000, 3000)]
    assert state.report("y")["failed"] == 0


def test_large_grids_are_drawn_part_by_part_with_the_same_exact_numbers(monkeypatch):
    whole = last(hedge, {"k": GRID}, 500).report("y")
    monkeypatch.setattr(surfaces, "KEPT", 2 * 500 * 2)  # two points of two outputs
    drawn = []
    for state in percentile_surface(
        hedge, INPUTS, Grid({"k": GRID}), ["y", "z"], 500, seed=0
    ):
        table = np.array(state.report("y")["values"], dtype=float)
        drawn.append(int(np.isfinite(table[0]).sum()))
        assert state.at("y", 3, [1]) == pytest.approx(table[3, 1], nan_ok=True)
    assert drawn == [2, 2, 2, 2, 4, 4, 4, 4]
    assert state.report("y") == whole
    assert whole["rank_error"] == 0


def test_a_point_with_more_draws_than_are_kept_tells_its_error(monkeypatch):
    exact = last(hedge, {"k": GRID}, 8192, percentiles=(50,)).report("y")["values"][0]
    monkeypatch.setattr(surfaces, "KEPT", 2 * 4096)
    r = last(hedge, {"k": GRID}, 8192, percentiles=(50,)).report("y")
    assert 0 < r["rank_error"] < 0.01
    for k, one, other in zip(GRID, r["values"][0], exact, strict=True):
        density = 1 / math.sqrt(2 * math.pi * (k * k + 4))
        assert one == pytest.approx(other, abs=1.1 * r["rank_error"] / density)
