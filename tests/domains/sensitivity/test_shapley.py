"""Shapley effects: closed forms with and without correlation, and what they promise."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.sensitivity.variance import shapley as module
from flask_api.domains.sensitivity.variance.columns import columns_of
from flask_api.domains.sensitivity.variance.shapley import shapley
from flask_api.domains.sensitivity.variance.shapley_designs import (
    Subsets,
    shapley_weights,
    walsh,
)
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import LogNormal, Normal, Uniform
from flask_api.numerics.errors import InputError

CIRCLE = {name: Uniform(-np.pi, np.pi) for name in ("x1", "x2", "x3")}
#: First-order index and half of the interaction of x1 and x3 (a = 7, b = 0.1).
ISHIGAMI = [0.31390519 + 0.24368366 / 2, 0.44241114, 0.24368366 / 2]


@pytest.fixture(params=["subsets", "permutations"])
def method(request, monkeypatch):
    """Both designs, whatever the number of inputs."""
    monkeypatch.setattr(module, "MOST_SUBSETS", 10 if request.param == "subsets" else 0)
    return request.param


def ishigami(x) -> dict[str, Any]:
    return {
        "y": np.sin(x["x1"])
        + 7 * np.sin(x["x2"]) ** 2
        + 0.1 * x["x3"] ** 4 * np.sin(x["x1"])
    }


def linear(slopes):
    return lambda x: {
        "y": sum(b * column for b, column in zip(slopes, x.values(), strict=True))
    }


def report(model, inputs, samples=1 << 12, seed=0, **options) -> dict[str, Any]:
    *_, state = shapley(model, inputs, ["y"], samples, seed=seed, **options)
    return state.report("y")


def shares(known) -> list[float]:
    return [row["value"] for row in known["effects"].values()]


def agrees(known, wanted) -> bool:
    """Within four of its own errors, which must be small themselves."""
    errors = [row["standard_error"] for row in known["effects"].values()]
    near = abs(np.array(shares(known)) - wanted) < 4 * np.array(errors)
    return bool(near.all() and max(errors) < 0.015)


def linear_gaussian(slopes, covariance) -> np.ndarray:
    """Owen and Prieur (2017), theorem 3.2: effects in units of variance."""
    d = len(slopes)
    effects = np.zeros(d)
    for j in range(d):
        others = [k for k in range(d) if k != j]
        for size in range(d):
            for known in map(list, combinations(others, size)):
                rest = [k for k in range(d) if k not in known]
                left = covariance[np.ix_(rest, rest)].copy()
                if known:
                    across = covariance[np.ix_(rest, known)]
                    inner = covariance[np.ix_(known, known)]
                    left -= across @ np.linalg.solve(inner, across.T)
                at = rest.index(j)
                gain = (left[at] @ slopes[rest]) ** 2 / left[at, at]
                effects[j] += gain / math.comb(d - 1, size) / d
    return effects


def correlated(d: int, seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(d, d + 1))
    product = root @ root.T
    scale = np.sqrt(np.diag(product))
    return product / np.outer(scale, scale)


def test_an_additive_model_shares_as_its_first_order_indices_do(method):
    inputs = {"a": Normal(5, 1), "b": Normal(0, 2), "c": Uniform(0, 1)}
    known = report(linear([3, -1, 0]), inputs)
    # 20 seeds scatter by 0.002 (subsets) and 0.004 (permutations): 4 of it
    assert shares(known) == pytest.approx([9 / 13, 4 / 13, 0], abs=0.016)
    assert known["variance"] == pytest.approx(13, rel=0.02)
    assert known["method"] == method
    assert known["effects"]["c"]["value"] == pytest.approx(0, abs=1e-12)


def test_an_interaction_is_shared_evenly(method):
    # 20 seeds scatter by 0.0006 (subsets) and 0.006 (permutations): 4 of it
    known = report(ishigami, CIRCLE)
    assert shares(known) == pytest.approx(ISHIGAMI, abs=0.025)
    if method == "subsets":
        assert shares(known) == pytest.approx(ISHIGAMI, abs=0.0025)
    assert known["evaluations"] == (8 if method == "subsets" else 4) << 12


@pytest.mark.parametrize("rho", [-0.9, 0.3, 0.8])
def test_two_correlated_normals_share_as_iooss_and_prieur_say(method, rho):
    # Iooss and Prieur (2019), section 3.2: y = b1 x1 + b2 x2
    b1, b2, s1, s2 = 1.0, -0.7, 1.5, 2.0
    both = rho * b1 * b2 * s1 * s2
    first = (b1 * s1) ** 2 * (1 - rho**2 / 2) + both + (b2 * s2 * rho) ** 2 / 2
    variance = (b1 * s1) ** 2 + (b2 * s2) ** 2 + 2 * both
    known = report(
        linear([b1, b2]),
        {"x1": Normal(0, s1), "x2": Normal(3, s2)},
        correlation=[[1, rho], [rho, 1]],
    )
    share = first / variance
    assert agrees(known, [share, 1 - share])
    assert known["variance"] == pytest.approx(variance, rel=0.03)
    assert known["correlated"] is True


@pytest.mark.parametrize("d", [4, 6])
def test_correlated_normals_share_as_owen_and_prieur_say(method, d):
    rho = correlated(d, seed=d)
    slopes, spread = np.linspace(-1, 2, d), np.linspace(0.5, 2, d)
    scaled = slopes * spread
    wanted = linear_gaussian(scaled, rho) / (scaled @ rho @ scaled)
    inputs = {f"x{i}": Normal(i, s) for i, s in enumerate(spread)}
    known = report(linear(slopes), inputs, correlation=rho)
    assert agrees(known, wanted)


def test_correlation_acts_on_the_normals_beneath_other_distributions(method):
    known = report(
        lambda x: {"y": np.log(x["x1"]) + 2 * np.log(x["x2"])},
        {"x1": LogNormal(0, 1), "x2": LogNormal(0.5, 0.5)},
        correlation=[[1, 0.6], [0.6, 1]],
    )
    # both terms have unit variance: each half of all by symmetry
    assert agrees(known, [0.5, 0.5])
    assert known["variance"] == pytest.approx(3.2, rel=0.03)


def test_an_input_that_acts_through_another_gets_its_share(method):
    known = report(
        lambda x: {"y": x["x1"] + 0 * x["x2"]},
        {"x1": Normal(0, 1), "x2": Normal(0, 1)},
        correlation=[[1, 0.6], [0.6, 1]],
    )
    assert agrees(known, [1 - 0.18, 0.18])


def test_a_group_counts_as_one_also_where_correlated(method):
    rho = correlated(4, seed=9)
    slopes = np.array([1.0, -2.0, 0.5, 1.0])
    inputs = {f"x{i}": Normal(0, 1) for i in range(4)}
    known = report(
        linear(slopes), inputs, correlation=rho, groups={"pair": ["x1", "x3"]}
    )
    # players are x0, {x1, x3}, x2: their values from what is left when others are known
    value = {}
    players = {"x0": [0], "pair": [1, 3], "x2": [2]}
    for size in range(4):
        for who in combinations(players, size):
            new = sorted(k for p in who for k in players[p])
            old = [k for k in range(4) if k not in new]
            left = rho[np.ix_(new, new)].copy()
            if old:
                across = rho[np.ix_(new, old)]
                left -= across @ np.linalg.solve(rho[np.ix_(old, old)], across.T)
            value[frozenset(who)] = slopes[new] @ left @ slopes[new]
    variance = value[frozenset(players)]
    for name, row in known["effects"].items():
        others = [p for p in players if p != name]
        wanted = sum(
            (value[frozenset({*u, name})] - value[frozenset(u)])
            / (3 * math.comb(2, size))
            for size in range(3)
            for u in combinations(others, size)
        )
        assert abs(row["value"] - wanted / variance) < 4 * row["standard_error"]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(1, 7), st.booleans())
def test_parts_add_up_to_the_variance(seed, d, together):
    inputs = {f"x{i}": Uniform(i, 2 * i + 1) for i in range(d)}
    known = report(
        lambda x: {"y": np.prod(list(x.values()), axis=0)},
        inputs,
        samples=64,
        seed=seed,
        correlation=correlated(d, seed % 1000) if together and d > 1 else None,
    )
    assert sum(shares(known)) == pytest.approx(1, abs=1e-12)
    parts = sum(row["variance"] for row in known["effects"].values())
    assert parts == pytest.approx(known["variance"], rel=1e-12)


def test_intervals_cover_the_truth_as_often_as_they_say(method):
    # 200 runs of independent rows: a share of 0.95 has an error of 0.0154; 3.5 of it,
    # and 0.015 for the skewness that 256 rows leave
    hits = np.zeros(5)
    rho = [[1, 0.5], [0.5, 1]]
    pair = {"x1": Normal(0, 1), "x2": Normal(0, 1)}
    for seed in range(200):
        cases = (
            (report(ishigami, CIRCLE, 256, seed, sampling="random"), ISHIGAMI),
            (
                report(
                    linear([1, 0]),
                    pair,
                    256,
                    seed,
                    correlation=rho,
                    sampling="random",
                ),
                [0.875, 0.125],
            ),
        )
        hits += [
            row["lower"] <= share <= row["upper"]
            for known, truth in cases
            for row, share in zip(known["effects"].values(), truth, strict=True)
        ]
    assert (abs(hits / 200 - 0.95) < 3.5 * 0.0154 + 0.015).all(), hits / 200


def test_the_walsh_transform_gives_the_mean_over_all_pairs():
    y = np.random.default_rng(0).normal(size=(8, 3))
    power = walsh(walsh(y) ** 2) / 8
    for u in range(8):
        pairs = [(y[v] - y[v ^ u]) ** 2 / 2 for v in range(8)]
        assert (power[0] - power[u]) / 8 == pytest.approx(np.mean(pairs, axis=0))


def test_weights_are_those_of_all_orders():
    # three players by hand: alone 1/3, after one 1/6, last 1/3
    assert shapley_weights(3)[0] == pytest.approx(
        np.array([-2, 2, -1, 1, -1, 1, -2, 2]) / 6
    )


def test_rows_without_a_value_count_nothing_and_are_counted(method):
    def gaps(x):
        return {"y": np.where(x["x2"] > 3, np.nan, ishigami(x)["y"])}

    known = report(gaps, CIRCLE)
    assert known["rows"] + known["failed"] == 1 << 12
    assert known["failed"] > 0
    assert sum(shares(known)) == pytest.approx(1)
    none = report(lambda x: {"y": np.full(len(x["x1"]), np.nan)}, CIRCLE)
    assert none["effects"] == dict.fromkeys(CIRCLE)
    assert none["notes"] == ["y has no value in any row"]


@pytest.mark.parametrize("level", [0.0, 3.3, 1e9])
def test_a_constant_output_has_effects_0_and_a_note(method, level):
    known = report(lambda x: {"y": np.full(len(x["x1"]), level)}, CIRCLE)
    assert shares(known) == [0.0] * 3
    assert known["variance"] == 0.0
    assert known["notes"] == ["y does not vary: all its effects are 0"]


def test_the_same_seed_gives_the_same_bits_and_seed_0_is_one_of_them(method):
    zero, again, one = (report(ishigami, CIRCLE, 100, s) for s in (0, 0, 1))
    assert zero == again
    assert shares(zero) != shares(one)
    assert zero["notes"][0].startswith("samples rounded up from 100 to 128")


def test_a_state_grows_block_by_block_and_outputs_share_one_pass(method):
    sizes: list[int] = []

    def model(x):
        sizes.append(len(x["x1"]))
        return ishigami(x) | {"z": x["x2"]}

    states = [
        (state.done, shares(state.report("z")))
        for state in shapley(model, CIRCLE, ["y", "z"], 1 << 13, seed=3)
    ]
    assert [done for done, _ in states[:3]] == [64, 128, 256]
    assert states[-1][0] == 1 << 13
    assert max(sizes) <= BLOCK
    assert all(row == pytest.approx([0, 1, 0], abs=1e-12) for _, row in states)


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        ([[1, 0.5], [0.5, 1]], r"shape \(2, 2\); wanted \(3, 3\)"),
        (np.array([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]]), "not symmetric"),
        (2 * np.eye(3), "ones on its diagonal"),
        (np.ones((3, 3)), "no input may follow from the others"),
        ([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]], "eigenvalue is -0.8"),
    ],
)
def test_a_matrix_that_is_no_correlation_is_refused(correlation, message):
    with pytest.raises(InputError, match=message) as refused:
        report(ishigami, CIRCLE, correlation=correlation)
    assert refused.value.field == "config.correlation"


def test_independence_said_by_a_matrix_is_independence():
    plain, said = (
        report(ishigami, CIRCLE, 256, correlation=c) for c in (None, np.eye(3))
    )
    assert plain == said


def test_many_inputs_are_judged_by_permutations_and_too_many_are_refused():
    inputs = {f"x{i}": Uniform(0, 1) for i in range(40)}
    known = report(linear(np.arange(40)), inputs, 1 << 10)
    assert known["method"] == "permutations"
    wanted = np.arange(40) ** 2 / (np.arange(40) ** 2).sum()
    assert shares(known) == pytest.approx(wanted, abs=0.03)
    several = {f"x{i}": Uniform(0, 1) for i in range(2001)}
    with pytest.raises(InputError, match="got 2001 inputs or groups; wanted at most"):
        report(ishigami, several)
    with pytest.raises(InputError, match="got 129 correlated inputs"):
        rho = np.eye(129)
        rho[0, 1] = rho[1, 0] = 0.5
        report(ishigami, {k: several[k] for k in list(several)[:129]}, correlation=rho)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)), st.floats(-100, 100), st.floats(0.01, 100))
def test_permuting_inputs_permutes_results_and_units_change_nothing(order, up, scale):
    names = ["a", "b", "c", "d"]
    laws = dict(zip(names, [*CIRCLE.values(), Normal(0, 1)], strict=True))
    u = np.random.default_rng(5).random((8, 64))

    def effects(laws, u, up=0.0, scale=1.0):
        design = Subsets(laws, columns_of(laws), None)
        x = design.inputs(u, 0)
        y = x["a"] * x["b"] + np.exp(x["c"] / 3) - x["d"]
        return design.effects((up + scale * y).reshape(design.width, -1)).mean(axis=1)

    plain = effects(laws, u)
    rows = np.concatenate([u[order], u[4:][order]])
    moved = effects({names[i]: laws[names[i]] for i in order}, rows, up, scale)
    assert moved / scale**2 == pytest.approx(plain[order], rel=1e-7, abs=1e-9)
