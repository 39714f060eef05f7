"""The parts of an optimisation: decisions, constraints, draws, the record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_api.domains.sensitivity.optimization.constraints import (
    LIMIT_KEPT,
    Constraint,
    roomiest,
    rows_of,
    scale_of,
)
from flask_api.domains.sensitivity.optimization.decisions import (
    Decision,
    Space,
    at_bound,
)
from flask_api.domains.sensitivity.optimization.linear_expression import linear
from flask_api.domains.sensitivity.optimization.search import (
    Budget,
    Goal,
    Search,
    SpentError,
)
from flask_api.domains.sensitivity.optimization.uncertain_objective import (
    Statistic,
    UnderUncertainty,
)
from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError

BOX = Space([Decision("x", -2.0, 6.0, 0.0), Decision("n", 0.4, 3.9, 9.0, integer=True)])


# -- decisions ---------------------------------------------------------------------


def test_the_cube_reaches_both_ends_of_every_range():
    x = BOX.values(np.array([[0.0, 1.0, 0.5], [0.0, 1.0, 0.5]]))
    assert x[0].tolist() == [-2.0, 6.0, 2.0]
    assert x[1].tolist() == [1.0, 3.0, 2.0]  # the whole numbers within 0.4 .. 3.9


def test_whole_numbers_own_equal_parts_of_the_cube():
    u = (np.arange(3000) + 0.5) / 3000
    n = BOX.values(np.array([u, u]))[1]
    assert np.bincount(n.astype(int)).tolist() == [0, 1000, 1000, 1000]


def test_today_outside_the_range_starts_at_its_nearest_end():
    assert BOX.values(BOX.start[:, None])[:, 0].tolist() == [0.0, 3.0]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_a_value_survives_the_way_to_the_cube_and_back(low, width, share):
    space = Space([Decision("x", low, low + width, low)])
    x = low + share * width
    back = space.values(space.unit(np.array([x]))[:, None])[0, 0]
    assert back == pytest.approx(x, abs=1e-15 * (abs(low) + width) * 8)


def test_a_grid_has_every_combination_once():
    space = Space(
        [Decision("a", 1, 3, 1, integer=True), Decision("b", -1, 2, 0, integer=True)]
    )
    found = np.hstack([space.values(u) for u in space.grid()]).T.tolist()
    assert space.combinations == 12
    assert sorted(found) == [[a, b] for a in (1, 2, 3) for b in (-1, 0, 1, 2)]


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision("x", 3.0, 1.0, 2.0), "from 3 to 1"),
        (Decision("x", 2.0, 2.0, 2.0), "below"),
        (Decision("n", 2.2, 2.8, 2.0, integer=True), "whole number"),
    ],
)
def test_an_empty_range_is_refused(decision, says):
    with pytest.raises(InputError, match=says):
        Space([decision])


def test_a_decision_at_the_end_of_its_range_is_told():
    assert at_bound(BOX, {"x": 6.0, "n": 1.0}) == {"x": "upper", "n": "lower"}
    assert at_bound(BOX, {"x": 5.9, "n": 2.0}) == {}


# -- sums of inputs ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "coefficients", "constant"),
    [
        ("x", {"x": 1.0}, 0.0),
        (" - x + 2 * y ", {"x": -1.0, "y": 2.0}, 0.0),
        ("x/4*2 - 3 + 1e3*y*2 + x", {"x": 1.5, "y": 2000.0}, -3.0),
        ("S11 - S35 / .5", {"S11": 1.0, "S35": -2.0}, 0.0),
    ],
)
def test_a_sum_of_inputs_is_read(text, coefficients, constant):
    found = linear(text)
    assert found.coefficients == coefficients
    assert found.constant == constant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("x*y", "character 3: y makes it nonlinear"),
        ("2/x", "nonlinear"),
        ("x y", "character 3: 'y' stands where"),
        ("x +", "the end"),
        ("2*(x)", r"can't read '\('"),
        ("x**2", "stands where a term"),
        ("x/0", "division by 0"),
        ("x*1e999", "exceeds"),
        ("__import__('os')", r"can't read '\('"),
        ("-" * 5000 + "x", "character 2"),
    ],
)
def test_what_is_no_sum_of_inputs_is_refused_with_its_position(text, says):
    with pytest.raises(InputError, match=says) as refused:
        linear(text, "constraints[0].expression")
    assert refused.value.field == "constraints[0].expression"


# -- constraints -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "expected"),
    [("<=", [0, 0, 0.5]), (">=", [0.5, 0, 0]), ("==", [0.5, 0, 0.5])],
)
def test_a_violation_is_the_miss_in_scales(op, expected):
    limit = Constraint("y", op, 10.0, output="y", scale=4.0)
    assert limit.violation(np.array([8.0, 10.0, 12.0])).tolist() == expected
    assert limit.violation(np.array([np.nan])).tolist() == [np.inf]
    # to rounding it is kept
    near = 0.9 * limit.kept * limit.scale
    assert limit.kept >= LIMIT_KEPT
    assert not limit.violation(np.array([10 + near, 10 - near])).any()


def test_the_matrix_of_sums_gives_their_margins():
    space = Space([Decision("a", 2.0, 5.0, 2.0), Decision("b", -1.0, 1.0, 0.0)])
    sums = [
        Constraint("a-b", "<=", 3.0, None, {"a": 1.0, "b": -1.0}, 0.5, 2.0),
        Constraint("b", ">=", 0.5, None, {"b": 1.0}, 0.0, 1.0),
    ]
    a, b = rows_of(space, sums)
    u = np.random.default_rng(0).random((2, 5))
    inputs = space.named(space.values(u))
    for row, shift, item in zip(a, b, sums, strict=True):
        assert row @ u + shift == pytest.approx(item.margin(item.left(inputs, {})))


def test_the_roomiest_point_of_a_simplex_is_its_middle():
    # x, y >= 0.25 and x + y <= 1, all in scales of 1: with room t on all sides
    # x = y = 0.25 + t and 0.5 + 2 t = 1 - t, so t = 1/6.
    space = Space([Decision("x", 0, 1, 0.0), Decision("y", 0, 1, 0.0)])
    sums = [
        Constraint("x", ">=", 0.25, None, {"x": 1.0}),
        Constraint("y", ">=", 0.25, None, {"y": 1.0}),
        Constraint("x+y", "<=", 1.0, None, {"x": 1.0, "y": 1.0}),
    ]
    u, margin = roomiest(space, sums)
    assert u == pytest.approx([5 / 12, 5 / 12])
    assert margin == pytest.approx(-1 / 6)


def test_contradicting_sums_have_no_point_and_say_by_how_much():
    space = Space([Decision("x", 0, 1, 0.0)])
    sums = [
        Constraint("x", ">=", 0.8, None, {"x": 1.0}),
        Constraint("x", "<=", 0.2, None, {"x": 1.0}),
    ]
    u, margin = roomiest(space, sums)
    assert u.tolist() == pytest.approx([0.5])
    assert margin == pytest.approx(0.3)


def test_scales_follow_what_can_move():
    assert scale_of(0.0, BOX, {"x": 2.0, "n": -1.0}, None) == 18.0
    assert scale_of(0.0, BOX, None, 250.0) == 250.0
    assert scale_of(0.0, BOX, None, np.nan) == 1.0


# -- draws -------------------------------------------------------------------------


def _line(x):
    return {"y": x["a"] * x["z"], "w": x["a"] + 0 * x["z"]}


def test_the_mean_over_draws_is_that_of_the_distribution():
    shape = make({"kind": "normal", "mean": 3.0, "std": 0.5})
    model = UnderUncertainty(_line, {"z": shape}, 4096, 0, Statistic())
    found = model({"a": np.array([1.0, -2.0])})
    # scrambled Sobol in one dimension: stratified, the error of the mean is below
    # std/n of the widest stratum; ten standard deviations over n
    assert found["y"] == pytest.approx([3.0, -6.0], abs=10 * 0.5 * 2 / 4096)
    assert found["w"].tolist() == [1.0, -2.0]


def test_a_percentile_over_draws_is_that_of_the_distribution():
    shape = make({"kind": "uniform", "low": 0.0, "high": 1.0})
    model = UnderUncertainty(_line, {"z": shape}, 1000, 5, Statistic(90.0))
    # one stratified draw in each 1/1000 (1/1024 of them at most shifted)
    assert model({"a": np.ones(1)})["y"] == pytest.approx([0.9], abs=2 / 1000)


def test_the_same_draws_are_taken_at_every_point_and_in_any_block():
    shape = make({"kind": "normal", "mean": 0.0, "std": 1.0})
    model = UnderUncertainty(_line, {"z": shape}, 700, 0, Statistic(50.0))
    a = np.linspace(1, 2, 60)  # 42,000 rows: three blocks
    together = model({"a": a})["y"]
    alone = [model({"a": np.array([value])})["y"][0] for value in a]
    assert together.tolist() == alone
    other = UnderUncertainty(_line, {"z": shape}, 700, 1, Statistic(50.0))
    assert other({"a": a})["y"].tolist() != together.tolist()


def test_one_draw_without_answer_leaves_its_point_without_answer():
    draws = np.array([[1.0, 2.0], [1.0, np.nan]])
    for statistic in (Statistic(), Statistic(50.0)):
        found = statistic.of(draws)
        assert found[0] == 1.5 and np.isnan(found[1])


# -- the record --------------------------------------------------------------------


def _search(budget, model=lambda x: {"y": x["x"] ** 2}, **more):
    space = Space([Decision("x", -1.0, 1.0, 0.5)])
    return Search(space, Goal("y"), (), model, budget, **more)


def test_the_budget_is_spent_to_the_last_point_and_no_further():
    search = _search(Budget(10), block=4)
    with pytest.raises(SpentError) as spent:
        search.points(np.linspace(0, 1, 25)[None, :])
    assert (spent.value.why, search.evaluations) == ("evaluations", 10)


def test_the_time_is_looked_at_after_every_block():
    ticks = iter(range(100))
    search = _search(Budget(1000, 3.0), block=2, clock=lambda: float(next(ticks)))
    with pytest.raises(SpentError) as spent:
        search.points(np.linspace(0, 1, 25)[None, :])
    assert (spent.value.why, search.evaluations) == ("time", 6)


def test_points_asked_for_again_are_not_evaluated_again():
    search = _search(Budget(100))
    u = np.array([[0.1, 0.2, 0.3]])
    first = search.points(u)[0]
    assert search.points(u[:, 1:])[0].tolist() == first[1:].tolist()
    assert search.evaluations == 3


def test_points_without_answer_are_counted_and_never_the_best():
    def model(x):
        return {"y": np.where(x["x"] < 0, np.nan, x["x"])}

    search = _search(Budget(100), model)
    search.points(np.linspace(0, 1, 5)[None, :])
    assert search.failed == 2
    assert search.best is not None and search.best.inputs == {"x": 0.0}


def test_a_long_trace_is_thinned_and_keeps_its_span():
    search = _search(Budget(10_000))
    for i in range(5000):
        search.points(np.array([[i / 5000]]))
        search.step()
    evaluations = [row["evaluations"] for row in search.trace]
    assert len(evaluations) <= 1000
    assert evaluations[0] == 1 and evaluations[-1] > 4980
    assert evaluations == sorted(evaluations)
