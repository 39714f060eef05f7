"""Goal seek: inputs at which an output has a given value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.sensitivity.optimization.constraints import Constraint
from flask_api.domains.sensitivity.optimization.decisions import Decision, Space
from flask_api.domains.sensitivity.optimization.optimization import optimize
from flask_api.domains.sensitivity.optimization.search import Budget, Goal, Search


def seek(decisions, target, model, constraints=(), slopes=None, evaluations=20_000):
    goal, budget = Goal("y", "target", target), Budget(evaluations)
    found = Search(Space(decisions), goal, constraints, model, budget, slopes=slopes)
    return found, optimize(found, "auto", seed=1)


def cubic(x):
    return {"y": x["x"] ** 3 - x["x"]}


def cubic_slopes(x):
    return x["x"] ** 3 - x["x"], {"x": 3 * x["x"] ** 2 - 1}


@pytest.mark.parametrize("slopes", [None, cubic_slopes])
def test_all_roots_are_found_nearest_to_today_first(slopes):
    found, outcome = seek([Decision("x", -2, 2, 0.4)], 0.0, cubic, slopes=slopes)
    assert outcome.converged
    roots = [point.inputs["x"] for point in outcome.solutions]
    # a root of slope s is found to the rounding of y over s: some 1e-16
    assert roots == pytest.approx([0.0, 1.0, -1.0], abs=1e-14)


@given(st.floats(-5.9, -1e-3) | st.floats(0, 5.9), st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_monotone_model_is_inverted(target, exact):
    decisions = [Decision("x", 1.0, 2.0, 1.5)]
    slopes = cubic_slopes if exact else None
    found, outcome = seek(decisions, target, cubic, slopes=slopes)
    if target < 0:  # y goes from 0 to 6
        assert not outcome.converged
        assert found.best.value == 0.0
    else:
        assert outcome.solutions[0].value == pytest.approx(target, abs=1e-14)


def test_newton_needs_few_steps():
    decisions = [Decision("x", 1.0, 2.0, 1.5)]
    found, _ = seek(decisions, 3.0, cubic, slopes=cubic_slopes)
    without, _ = seek(decisions, 3.0, cubic)
    assert found.evaluations < without.evaluations < 150  # 129 looks among them


def test_a_target_that_is_only_touched_is_found():
    def parabola(x):
        return {"y": (x["x"] - 0.3127) ** 2 + 2}

    _, outcome = seek([Decision("x", 0, 1, 0.9)], 2.0, parabola)
    assert outcome.converged
    # y - 2 is lost in rounding within sqrt(2 * 1e-16) of the bottom, and reached is
    # 1e-9 of 2: within 5e-5
    assert outcome.solutions[0].inputs["x"] == pytest.approx(0.3127, abs=5e-5)


def test_a_jump_across_the_target_is_no_solution():
    def step(x):
        return {"y": np.where(x["x"] < 0.31, -1.0, 1.0) + x["x"]}

    found, outcome = seek([Decision("x", 0, 1, 0.9)], 0.5, step)
    assert not outcome.converged and outcome.solutions == ()
    assert "not reached" in outcome.message


def test_an_unreachable_target_tells_the_nearest_value():
    found, outcome = seek([Decision("x", 1, 2, 1.5)], 10.0, cubic)
    assert not outcome.converged
    assert found.best.value == 6.0 and "6" in outcome.message


def test_parts_without_answer_do_not_hide_a_root():
    def model(x):
        with np.errstate(invalid="ignore"):
            return {"y": np.sqrt(x["x"])}

    _, outcome = seek([Decision("x", -5, 5, -3.0)], 1.5, model)
    assert outcome.solutions[0].inputs["x"] == pytest.approx(2.25, abs=1e-14)


def test_of_a_plane_of_solutions_the_one_nearest_to_today_is_found():
    # x + 2z = 4 from (0.5, 0.5), equal ranges: the foot of the perpendicular
    decisions = [Decision(n, -5, 5, 0.5) for n in "xz"]
    _, outcome = seek(decisions, 4.0, lambda v: {"y": v["x"] + 2 * v["z"]})
    assert outcome.solutions[0].value == pytest.approx(4.0, rel=1e-12)
    # the method measures steps by the distance to the walls too, 4.5 to 5.5 here
    x, z = outcome.solutions[0].inputs["x"], outcome.solutions[0].inputs["z"]
    assert math.hypot(x - 0.5, z - 0.5) == pytest.approx(2.5 / math.sqrt(5), rel=0.05)


def test_several_inputs_reach_a_target_behind_a_hill():
    # from the bottom of one basin, the value 0 lies in another one
    def model(v):
        r = (v["x"] + 2) ** 2 + v["z"] ** 2
        s = (v["x"] - 2) ** 2 + v["z"] ** 2
        return {"y": 1 - np.exp(-r) * 0.5 - 1.5 * np.exp(-s)}

    decisions = [Decision("x", -4, 4, -2.0), Decision("z", -4, 4, 0.1)]
    _, outcome = seek(decisions, 0.0, model)
    assert outcome.converged
    # reached is 1e-9 of how much y changes, 1.5
    assert outcome.solutions[0].value == pytest.approx(0.0, abs=1.5e-9)


def test_several_inputs_that_cannot_reach_a_target_come_as_near_as_possible():
    def bowl(v):
        return {"y": (v["x"] - 0.5) ** 2 + (v["z"] + 1) ** 2 + 3}

    decisions = [Decision(n, -4, 4, 2.0) for n in "xz"]
    found, outcome = seek(decisions, 1.0, bowl)
    assert not outcome.converged
    assert found.best.value == pytest.approx(3.0, abs=1e-9)


def test_a_target_within_constraints_is_reached_within_them():
    limit = Constraint("x", ">=", 1.5, coefficients={"x": 1.0}, scale=4.0)
    decisions = [Decision("x", -2, 2, 0.0), Decision("z", -2, 2, 0.0)]
    _, outcome = seek(decisions, 1.0, lambda v: {"y": v["x"] + v["z"]}, [limit])
    assert outcome.converged
    point = outcome.solutions[0]
    assert point.inputs["x"] >= 1.5 - 4e-8 and point.violation == 0
    assert point.value == pytest.approx(1.0, abs=1e-8)


def test_whole_numbers_come_as_near_as_they_can():
    decisions = [Decision("x", 1, 9, 5, integer=True)]
    found, outcome = seek(decisions, 30.0, lambda v: {"y": v["x"] ** 2})
    assert (outcome.method, outcome.converged) == ("enumeration", False)
    assert found.best.inputs == {"x": 5.0} and "nearest value is 25" in outcome.message
    _, exact = seek(decisions, 36.0, lambda v: {"y": v["x"] ** 2})
    assert exact.converged and exact.solutions[0].inputs == {"x": 6.0}


def test_whole_and_real_numbers_reach_a_target_together():
    decisions = [Decision("n", 0, 500, 7, integer=True), Decision("a", -1, 1, 0.0)]
    _, outcome = seek(decisions, 123.25, lambda v: {"y": v["n"] + v["a"]})
    point = outcome.solutions[0]
    assert point.inputs["n"] in (123.0, 124.0)
    assert point.value == pytest.approx(123.25, rel=1e-9)
