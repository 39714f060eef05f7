"""Morris screening, judged by closed forms, and by SALib on its own samples."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SALib.analyze import morris as salib_analyze
from SALib.sample import morris as salib_sample
from SALib.sample.morris.local import LocalOptimisation
from scipy.special import ndtr

from flask_api.domains.sensitivity.screening.elementary_effects import (
    resampled_means,
    summarise,
)
from flask_api.domains.sensitivity.screening.morris import morris
from flask_api.domains.sensitivity.screening.trajectories import (
    Trajectories,
    _ruano,
    distances,
    level_values,
    random_trajectories,
    spread_out,
)
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream


def uniform(low, high):
    return make({"kind": "uniform", "low": low, "high": high})


INPUTS = {
    "a": uniform(0, 1),
    "b": uniform(-1, 2),
    "c": uniform(5, 6),
    "d": uniform(0, 10),
}


def plain(x):
    a, b, c, d = (x[name] for name in "abcd")
    return {"y": a + 2 * b - 3 * c + 0.5 * d + a * b}


def last(model=plain, inputs=INPUTS, samples=20, output="y", **options):
    *_, state = morris(model, inputs, [output], samples, **({"seed": 0} | options))
    return state.report(output)


def values(indices):
    return [one["value"] for one in indices.values()]


def salib_walks(x, levels, groups=None):
    """SALib's sample on the unit cube as our walks, shape (rows, inputs)."""
    column = np.arange(x.shape[1]) if groups is None else np.asarray(groups)
    points = column.max() + 2
    grid = np.rint(x.reshape(-1, points, x.shape[1]) * (levels - 1)).astype(np.int16)
    moves = np.diff(grid, axis=1)
    first = np.unique(column, return_index=True)[1]
    return Trajectories(
        levels,
        grid.min(axis=1),
        grid[:, -1] > grid[:, 0],
        np.abs(moves[:, :, first]).argmax(axis=1).astype(np.int32),
        column,
    )


def ishigami(x):
    return np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])


@pytest.mark.parametrize("candidates", [0, 200])
def test_the_textbook_line_has_its_slopes_and_no_spread(candidates):
    r = last(candidates=candidates)
    # methods.md 5; sums of a few numbers near 20: rounding below 1e-13
    assert r["mu"]["c"]["value"] == pytest.approx(-3, abs=1e-12)
    assert r["mu"]["d"]["value"] == pytest.approx(5, abs=1e-12)
    assert r["mu_star"]["c"]["value"] == pytest.approx(3, abs=1e-12)
    assert [r["sigma"][name] for name in "cd"] == pytest.approx([0, 0], abs=1e-12)
    assert [r["shape"][name] for name in "cd"] == ["linear", "linear"]
    assert [row["id"] for row in r["ranking"]] == ["b", "d", "c", "a"]


def test_a_product_has_the_mean_and_spread_of_the_grid():
    n = 20_000
    r = last(samples=n)
    # effects 1 + b and 3 (2 + a), b in -1, 0, 1, 2 and a in thirds
    sigma = np.array([np.std([0, 1, 2, 3]), 3 * np.std([0, 1 / 3, 2 / 3, 1])])
    error = 4 * sigma / np.sqrt(n)  # four standard errors
    found = np.array(values(r["mu"]))[:2]
    assert (np.abs(found - [1.5, 7.5]) < error).all()
    assert [r["sigma"][k] for k in "ab"] == pytest.approx(sigma, rel=0.02)


def test_salib_finds_the_same_effects_and_half_widths_on_its_sample():
    # SALib 1.6.0: Ishigami, 50 trajectories, 4 levels, seeds 5 and 7
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0.0, 1.0]] * 3}
    u = salib_sample.sample(problem, 50, num_levels=4, seed=5)
    walks = salib_walks(u, 4)
    assert (walks.rows(0, 200) == np.rint(u.T * 3)).all()
    y = ishigami(((2 * u - 1) * np.pi).T).reshape(50, 4)
    effects = walks.effects(y)
    found = summarise(effects)
    assert found.mu == pytest.approx(
        [6.704246735059808, 0.315, -2.7494702854665714], rel=1e-12
    )
    assert found.mu_star == pytest.approx(
        [6.704246735059808, 7.875, 6.248796103333118], rel=1e-12
    )
    assert found.sigma == pytest.approx(
        [6.230916821756961, 7.94858477969506, 8.483797199957023], rel=1e-12
    )
    random = np.random.default_rng(7)
    half = [
        1.959963984540054  # the normal's quantile of 95 % intervals
        * resampled_means(
            np.abs(effects[:, [j]]), random.integers(50, size=(100, 50))
        ).std(ddof=1)
        for j in range(3)
    ]
    assert half == pytest.approx([1.9072759025736248, 0, 1.6299871883447037], abs=1e-12)


def test_salib_finds_the_same_size_for_groups():
    problem = {
        "num_vars": 5,
        "names": list("abcde"),
        "bounds": [[0.0, 1.0]] * 5,
        "groups": ["g", "h", "g", "i", "h"],
    }
    x = salib_sample.sample(problem, 30, num_levels=6, seed=1)
    y = np.exp(x @ [1, -2, 3, 0.5, 1]) + x[:, 0] * x[:, 3]
    theirs = salib_analyze.analyze(problem, x, y, num_levels=6, seed=1)
    walks = salib_walks(x, 6, [0, 1, 0, 2, 1])
    found = summarise(walks.effects(y.reshape(30, 4)))
    assert found.mu_star == pytest.approx(np.asarray(theirs["mu_star"]), rel=1e-12)


def test_the_bootstrap_comes_to_the_standard_error_it_samples():
    r, t = last(resamples=4_000, samples=50), last(samples=50)
    # normal quantile and n instead of t and n - 1; 4,000 resamples: 4 x 1.1 %
    expected = 1.959964 / 2.009575 * np.sqrt(49 / 50)
    for name in "ab":
        wide, exact = r["mu_star"][name], t["mu_star"][name]
        ratio = (wide["upper"] - wide["value"]) / (exact["upper"] - exact["value"])
        assert ratio == pytest.approx(expected, rel=0.045)


def test_distances_and_ruanos_choice_are_those_of_salib():
    walks = random_trajectories(40, range(5), 4, 3)
    d = distances(walks)
    local, x = LocalOptimisation(), walks.rows(0, 240).T / 3
    theirs = local.compute_distance_matrix(x, 40, 5, None, True)
    # both round to 32 bits
    assert d == pytest.approx(theirs, rel=1e-6)
    found = sorted(_ruano(d * d, 8))
    assert found == local.find_local_maximum(x, 40, 5, 8, None)


def test_exchanging_comes_closer_to_the_best_choice_than_ruano():
    better = 0
    for seed in range(10):
        d = distances(random_trajectories(16, range(4), 4, seed))
        squared = d * d

        def score(chosen, squared=squared):
            return squared[np.ix_(chosen, chosen)].sum()

        best = max(score(list(some)) for some in combinations(range(16), 4))
        ruano, ours = score(_ruano(squared, 4)), score(spread_out(d, 4))
        assert ruano * (1 - 1e-12) <= ours <= best * (1 + 1e-12)
        assert ours > 0.97 * best
        better += ours > ruano * (1 + 1e-9)
    assert better >= 1


@settings(max_examples=30, deadline=None)
@given(
    slopes=st.lists(st.floats(-5, 5), min_size=1, max_size=8),
    levels=st.sampled_from([2, 4, 6, 10]),
    seed=st.integers(0, 2**63 - 1),
)
def test_every_line_has_exactly_its_slopes(slopes, levels, seed):
    inputs = {f"x{i}": uniform(i, i + 2) for i in range(len(slopes))}

    def line(x):
        return {"y": sum(s * x[f"x{i}"] for i, s in enumerate(slopes))}

    r = last(line, inputs, 3, levels=levels, seed=seed)
    # y up to 300, steps of half the width: 1e-13 of rounding
    assert values(r["mu"]) == pytest.approx([2 * s for s in slopes], abs=1e-11)
    assert list(r["sigma"].values()) == pytest.approx([0] * len(slopes), abs=1e-11)


def test_each_step_moves_one_column_by_half_the_levels():
    walks = random_trajectories(100, [0, 1, 0, 2], 6, 0)
    grid = walks.rows(0, 400).T.reshape(100, 4, 4)
    assert set(np.unique(grid)) == {0, 1, 2, 3, 4, 5}
    moved = np.abs(np.diff(grid, axis=1))
    assert set(np.unique(moved)) == {0, 3}
    assert (moved[:, :, 0] == moved[:, :, 2]).all()  # members of a group together
    assert (moved[:, :, [0, 1, 3]].sum(axis=2) == 3).all()
    assert (moved.sum(axis=1) == 3).all()
    # each input rises in half of the walks: four standard errors of 400 coins
    assert abs(walks.rises.mean() - 0.5) < 4 * 0.025
    part = np.concatenate([walks.rows(0, 130), walks.rows(130, 270)], axis=1)
    assert (part == walks.rows(0, 400)).all()


def test_a_group_has_a_size_but_no_direction():
    r = last(groups={"first": ["a", "b"]})
    assert list(r["mu_star"]) == ["first", "c", "d"]
    assert r["mu_star"]["first"]["value"] > 0
    assert r["mu"]["first"] is r["sigma"]["first"] is r["shape"]["first"] is None
    assert r["mu"]["d"]["value"] == pytest.approx(5, abs=1e-12)


def test_inputs_without_ends_move_between_quantiles():
    normal = make({"kind": "normal", "mean": 10, "std": 2})
    lognormal = make({"kind": "lognormal", "mu": 0, "sigma": 1})
    low, high = normal.ppf(np.array([0.005, 0.995]))
    assert level_values(normal, 4)[[0, -1]] == pytest.approx([low, high])
    assert level_values(lognormal, 4)[0] == pytest.approx(np.exp(-2.5758293))
    shares = np.array([0.005, 0.335, 0.665, 0.995])
    assert level_values(normal, 4) == pytest.approx(normal.ppf(shares))
    triangle = make({"kind": "triangular", "low": 1, "mode": 2, "high": 5})
    assert level_values(triangle, 4)[[0, -1]].tolist() == [1, 5]
    r = last(lambda x: {"y": 3 * x["x"]}, {"x": normal})
    assert np.isfinite(values(r["mu_star"])).all()
    assert "x: no smallest or largest value" in r["notes"][0]


def test_trajectories_with_a_point_without_answer_are_left_out_and_counted():
    def fails(x):
        y = plain(x)["y"]
        return {"y": np.where((x["a"] == 0) & (x["c"] == 5), np.nan, y)}

    r = last(fails, samples=40)
    assert r["failed"] > 0
    assert r["trajectories"] + r["failed"] == 40
    assert r["mu"]["d"]["value"] == pytest.approx(5, abs=1e-12)
    assert f"{r['failed']} of 40 trajectories are left out" in r["notes"][0]
    nothing = last(lambda x: {"y": np.full(len(x["a"]), np.nan)})
    assert nothing["trajectories"] == 0
    assert values(nothing["mu_star"]) == [None] * 4


def test_a_constant_output_has_no_effects_and_a_note():
    r = last(lambda x: {"y": np.full(len(x["a"]), 7.0)})
    assert values(r["mu"]) == values(r["mu_star"]) == [0, 0, 0, 0]
    assert r["notes"] == ["y does not vary: all its effects are 0"]
    assert r["shape"]["a"] is None


def test_the_same_seed_gives_the_same_bits_whatever_the_blocks():
    rows = []

    def model(x):
        rows.append(len(x["a"]))
        y = plain(x)["y"] ** 2
        return {"y": y, "z": -y}

    states = list(morris(model, INPUTS, ["y", "z"], 8_000, seed=0, resamples=10))
    assert max(rows) == BLOCK and sum(rows) == 40_000
    assert states[-1].done == states[-1].total == 40_000
    again = last(lambda x: {"y": plain(x)["y"] ** 2}, samples=8_000, resamples=10)
    assert states[-1].report("y") == again
    assert values(states[-1].report("z")["mu"]) == [-v for v in values(again["mu"])]
    assert again != last(
        lambda x: {"y": plain(x)["y"] ** 2}, samples=8_000, resamples=10, seed=1
    )


def test_a_growing_state_tells_of_whole_trajectories_alone():
    first = next(morris(plain, INPUTS, ["y"], 100, seed=0))
    assert first.done == 64
    assert first.report("y")["trajectories"] == 12


def test_intervals_of_random_trajectories_hold_the_truth_as_often_as_they_say():
    def curved(u):
        total = u.sum(axis=0)
        return total + total**2 / 2 + np.exp(u[0] + u[1])

    def effects(walks):
        y = curved(walks.rows(0, len(walks) * walks.points) / 3)
        return summarise(walks.effects(y.reshape(len(walks), -1)))

    truth = effects(random_trajectories(200_000, range(4), 4, 999))
    runs = 500
    hits = np.zeros((2, 4))
    for seed in range(runs):
        one = effects(random_trajectories(20, range(4), 4, seed))
        hits[0] += np.abs(one.mu - truth.mu) <= one.mu_half
        hits[1] += np.abs(one.mu_star - truth.mu_star) <= one.mu_star_half
    # four standard errors of a share of 0.95 in 500 runs
    assert np.abs(hits / runs - 0.95).max() < 4 * np.sqrt(0.95 * 0.05 / runs)


def test_intervals_of_sizes_hold_the_truth_where_effects_change_sign():
    # |N(0.5, 1)| has the mean of the folded normal, and less spread than N(0.5, 1)
    mean = float(np.sqrt(2 / np.pi) * np.exp(-0.125) + 0.5 * (1 - 2 * ndtr(-0.5)))
    runs, n = 1_000, 40
    effects = stream(6).normal(0.5, 1, (runs, n, 1))
    found = [summarise(one) for one in effects]
    # four standard errors of a share of 0.95
    error = 4 * np.sqrt(0.95 * 0.05 / runs)
    size = np.mean([abs(f.mu_star[0] - mean) <= f.mu_star_half[0] for f in found])
    assert abs(size - 0.95) < error
    signed = np.mean([abs(f.mu[0] - 0.5) <= f.mu_half[0] for f in found])
    assert abs(signed - 0.95) < error


def test_trajectories_far_apart_say_what_they_are_good_for():
    assert any("far apart" in note for note in last(candidates=100)["notes"])
    assert last()["notes"] == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"levels": 5}, "config.levels"),
        ({"levels": 0}, "config.levels"),
        ({"samples": 1}, "config.samples"),
        ({"samples": 10**9}, "config.samples"),
        ({"candidates": 10}, "config.candidates"),
        ({"candidates": 10**6}, "config.candidates"),
        ({"candidates": -1}, "config.candidates"),
        ({"resamples": 1}, "config.resamples"),
        ({"groups": {"g": ["nobody"]}}, "config.groups.g"),
        ({"inputs": {}}, "parameters"),
    ],
)
def test_what_cannot_be_walked_is_refused(options, field):
    with pytest.raises(InputError) as refused:
        last(**options)
    assert refused.value.field == field
