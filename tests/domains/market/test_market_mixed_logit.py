"""Mixed logit: a plain twin, published numbers, recovery, draws, and odd data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom

from flask_api.domains.market.choice import draws as draws_module
from flask_api.domains.market.choice import mixed as mixed_module
from flask_api.domains.market.choice import (
    simulated_likelihood as likelihood_module,
)
from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.draws import Draws
from flask_api.domains.market.choice.mixed import choice_mixed
from flask_api.domains.market.choice.quasi_newton import Ascent, stepped
from flask_api.domains.market.choice.random_coefficients import (
    Random,
    Structure,
    correlations,
    means,
    spreads,
    structure,
)
from flask_api.domains.market.choice.simulated_likelihood import (
    Likelihood,
    MixedLogit,
    Simulating,
)
from flask_api.domains.market.choice.utility import Design, Utility, contrasts, design
from flask_api.numerics.errors import InputError
from tests.domains.market.choices_by_hand import (
    MODES,
    both,
    mixed,
    mnl,
    probabilities_by_hand,
    simulated,
    simulated_by_hand,
    swissmetro,
    tastes_by_hand,
    told,
)

Floats = npt.NDArray[np.float64]
PUBLISHED = Path(__file__).parents[2] / "data" / "market_cases.json"
ALL = [
    Random("time", "normal"),
    Random("price", "lognormal", -1),
    Random("constant (bus)", "triangular"),
    Random("constant (car)", "uniform"),
]
THETA = np.array([0.3, -0.2, -1.0, -0.4, 0.8, 0.6, 0.9, 0.5])


def value(
    made: Design, found: Structure, theta: Floats, draws: Draws
) -> tuple[Floats, Floats]:
    """Log-likelihoods of persons, and their gradients, by the kernel."""
    likelihood = Likelihood(contrasts(made), found, Simulating(theta))
    for _ in likelihood.at(theta, draws):
        pass
    return likelihood.of_person.copy(), likelihood.scores.copy()


def test_swissmetro_with_a_random_time_gives_the_published_likelihood() -> None:
    made = swissmetro()
    fit = mixed(made, [Random("time")], n_draws=256, seed=3)
    theirs = json.loads(PUBLISHED.read_text())["swissmetro_mixed"]
    # its own tolerances: simulation error of 10,000 draws there, 500 here
    assert fit.log_likelihood == pytest.approx(theirs["ll"], abs=1)
    assert fit.log_likelihood_twice == pytest.approx(theirs["ll"], abs=1)
    names = ["ASC_TRAIN", "ASC_CAR", "B_TIME", "B_COST", "B_TIME_S"]
    np.testing.assert_allclose(fit.theta, [theirs[name] for name in names], atol=0.02)
    assert fit.converged and not fit.warnings and fit.iterations < 15


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("randoms", [ALL, ALL[:2], ALL[2:]])
@pytest.mark.parametrize("count", [2, 100, 700])
def test_the_kernel_simulates_as_plain_numpy_does(
    count: int, randoms: list[Random], correlated: bool
) -> None:
    made = both(simulated(7, 3, 0))
    found = structure(made, randoms, correlated, THETA[:4])
    theta = np.append(THETA, 0.3)[: len(found.names)]
    draws = Draws(7, found.shapes, count, seed=1)
    got, scores = value(made, found, theta, draws)
    wanted = simulated_by_hand(made, found, theta, draws)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
    h = 1e-6
    for k in range(len(theta)):
        away = np.zeros(len(theta))
        away[k] = h
        up = simulated_by_hand(made, found, theta + away, draws)
        down = simulated_by_hand(made, found, theta - away, draws)
        # rounding of 1e-15 * 10 / h, and h^2
        np.testing.assert_allclose(scores[:, k], (up - down) / (2 * h), atol=3e-8)


@pytest.mark.parametrize(("each", "least"), [(400, -270), (1000, -600)])
def test_long_panels_do_not_vanish(each: int, least: float) -> None:
    # probabilities of all choices from exp(-280), under some draws, to exp(-3000)
    made = both(simulated(3, each, 1))
    found = structure(made, ALL[:2], False, THETA[:4])
    # more than the kernel takes at a time: parts of very different size are merged
    draws = Draws(3, found.shapes, 1100, seed=2)
    theta = np.array([0.3, -0.2, -1.0, -0.4, 1.5, 0.5])
    got, scores = value(made, found, theta, draws)
    wanted = simulated_by_hand(made, found, theta, draws)
    assert wanted.max() < least
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
    h, way = 1e-6, np.array([0.3, -0.2, 0.7, 0.1, -0.5, 0.4])
    up = simulated_by_hand(made, found, theta + h * way, draws)
    down = simulated_by_hand(made, found, theta - h * way, draws)
    # rounding of 1e-15 * 3000 / h
    np.testing.assert_allclose(scores @ way, (up - down) / (2 * h), atol=1e-5)


def test_without_spread_it_is_the_multinomial_logit() -> None:
    made = both(simulated(100, 2, 2))
    plain = mnl(made)
    found = structure(made, [Random("time"), Random("price")], True, plain.coefficients)
    theta = np.concatenate([plain.coefficients, np.zeros(3)])
    reached, scores = value(made, found, theta, Draws(100, found.shapes, 64, seed=0))
    assert reached.sum() == pytest.approx(plain.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(scores.sum(axis=0)[:4], 0, atol=1e-8)


# -- recovery --------------------------------------------------------------------


def tastes(seed: int, persons: int, families: tuple[str, str]) -> tuple[Floats, Floats]:
    """Coefficients of time and price, per person: mean -1 and -0.4, spread 0.8, 0.5."""
    random = np.random.default_rng([seed, 99])
    out = []
    for family, a, s in zip(families, (-1.0, -0.4), (0.8, 0.5), strict=True):
        standard = {
            "normal": random.normal(size=persons),
            "lognormal": random.normal(size=persons),
            "uniform": random.uniform(-1, 1, persons),
            "triangular": random.triangular(-1, 0, 1, persons),
            "fixed": np.zeros(persons),
        }[family]
        b = a + s * standard
        out.append(-np.exp(b) if family == "lognormal" else b)
    return out[0], out[1]


def panel(seed: int, families: tuple[str, str], persons: int, each: int) -> Design:
    time, price = tastes(seed, persons, families)
    return both(simulated(persons, each, seed, time=time, price=price))


@pytest.mark.parametrize(
    "families",
    [("normal", "lognormal"), ("uniform", "normal"), ("triangular", "lognormal")],
)
def test_true_distributions_are_recovered(families: tuple[str, str]) -> None:
    made = panel(1, families, 600, 10)
    randoms = [
        Random(name, family, -1 if family == "lognormal" else 0)
        for name, family in zip(("time", "price"), families, strict=True)
    ]
    fit = mixed(made, randoms, n_draws=256)
    assert fit.converged
    truth = np.array([0.5, -0.3, -1.0, -0.4, 0.8, 0.5])
    z = (fit.theta - truth) / np.sqrt(np.diag(fit.robust_covariance))
    assert np.abs(z).max() < 3.5  # 18 numbers in all: once in 100
    assert fit.log_likelihood > fit.multinomial.log_likelihood + 20


def test_true_parameters_lie_within_their_intervals_as_often_as_they_say() -> None:
    runs, truth = 40, np.array([0.5, -0.3, -1.0, -0.4, 0.8])
    hits = np.zeros(5)
    for seed in range(runs):
        fit = mixed(
            panel(seed, ("normal", "fixed"), 150, 6), [Random("time")], n_draws=64
        )
        assert fit.converged
        hits += np.abs(fit.theta - truth) < 1.96 * np.sqrt(np.diag(fit.covariance))
    # each: once in 1e4; all together: 5 correlated numbers
    assert (hits >= binom.ppf(1e-4, runs, 0.94)).all()
    assert hits.mean() / runs == pytest.approx(0.95, abs=0.05)


def test_correlated_tastes_are_recovered() -> None:
    random = np.random.default_rng(5)
    root = np.array([[0.8, 0.0], [-0.4, 0.3]])
    b = np.array([-1.0, -0.8]) + random.normal(size=(500, 2)) @ root.T
    made = both(simulated(500, 10, 5, time=b[:, 0], price=b[:, 1]))
    fit = mixed(made, [Random("time"), Random("price")], correlated=True, n_draws=256)
    assert fit.structure.names[4:] == (
        "spread of time",
        "price with time",
        "spread of price",
    )
    truth = np.array([0.5, -0.3, -1.0, -0.8, 0.8, -0.4, 0.3])
    z = (fit.theta - truth) / np.sqrt(np.diag(fit.covariance))
    assert np.abs(z).max() < 3.5 and fit.converged
    r = correlations(fit.structure, fit.theta)
    assert r[0, 1] == r[1, 0] == pytest.approx(-0.8, abs=0.15)
    np.testing.assert_allclose(np.diag(r), 1)
    two = spreads(fit.structure, fit.theta)
    assert two[1].spread == pytest.approx(np.hypot(*fit.theta[5:]))


def test_standard_errors_are_those_of_the_likelihood_s_curvature() -> None:
    made = panel(2, ("normal", "fixed"), 50, 4)
    fit = mixed(made, [Random("time")], n_draws=32)
    h, size = 1e-4, 5
    second = np.empty((size, size))

    def at(theta: Floats) -> float:
        return float(simulated_by_hand(made, fit.structure, theta, fit.draws).sum())

    steps = np.eye(size) * h
    for i in range(size):
        for j in range(size):
            a, b = steps[i], steps[j]
            four = [
                sign * at(fit.theta + p * a + q * b)
                for p, q, sign in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
            ]
            second[i, j] = sum(four) / (4 * h * h)
    # rounding: 1e-14 * 300 / 4e-8
    np.testing.assert_allclose(
        np.linalg.inv(-second), fit.covariance, rtol=2e-3, atol=1e-5
    )


# -- draws -----------------------------------------------------------------------


def test_each_person_s_draws_fill_the_space_evenly() -> None:
    draws = Draws(50, ("uniform",) * 4, 64, seed=0).of(0, 50)
    cells = np.floor((draws + 1) / 2 * 64).astype(int)
    # one in each 64th of every axis: a stream cut into persons is even nowhere
    assert (np.sort(cells, axis=2) == np.arange(64)).all()
    # and no axis follows another: of 50 persons' correlations the mean is near 0
    r = [np.corrcoef(person)[np.triu_indices(4, 1)] for person in draws]
    assert np.abs(np.mean(r, axis=0)).max() < 0.05


def test_standard_draws_have_their_distribution_s_moments() -> None:
    shapes = ("normal", "triangular", "uniform")
    w = Draws(64, shapes, 512, seed=1).of(0, 64)
    np.testing.assert_allclose(w.mean(axis=(0, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(w.var(axis=(0, 2)), [1, 1 / 6, 1 / 3], rtol=2e-3)
    assert np.abs(w[:, 1:]).max() <= 1


def test_draws_are_the_same_kept_or_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = ("normal", "uniform")
    kept = Draws(300, shapes, 100, seed=4)
    monkeypatch.setattr(draws_module, "_KEPT", 0)
    monkeypatch.setattr(draws_module, "_BLOCK", 4096)
    anew = Draws(300, shapes, 100, seed=4)
    assert anew.block == 32
    for draws in (kept, anew):
        draws.mirror(np.array([True, False]))
    np.testing.assert_array_equal(kept.of(0, 300), anew.of(0, 300))
    np.testing.assert_array_equal(kept.of(64, 101), anew.of(64, 101))
    other = Draws(300, shapes, 100, seed=5)
    assert not np.array_equal(other.of(0, 300), kept.of(0, 300))


def test_a_seed_decides_every_bit_and_blocks_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = panel(3, ("normal", "fixed"), 300, 2)
    one = mixed(made, [Random("time")], n_draws=50, seed=0)
    again = mixed(made, [Random("time")], n_draws=50, seed=0)
    np.testing.assert_array_equal(one.theta, again.theta)
    other = mixed(made, [Random("time")], n_draws=50, seed=1)
    assert other.log_likelihood != one.log_likelihood
    monkeypatch.setattr(draws_module, "_KEPT", 0)
    monkeypatch.setattr(draws_module, "_BLOCK", 64 * 64)
    monkeypatch.setattr(likelihood_module, "_WORK", 1)
    states = list(choice_mixed(made, [Random("time")], n_draws=50, seed=0))
    blocks = states[-1].fit
    assert blocks is not None and len(states) > 50
    np.testing.assert_array_equal(blocks.theta, one.theta)
    np.testing.assert_array_equal(blocks.robust_covariance, one.robust_covariance)
    assert blocks.log_likelihood_twice == one.log_likelihood_twice


def test_twice_the_draws_are_told_and_too_few_warned_of() -> None:
    made = panel(4, ("normal", "normal"), 300, 8)
    randoms = [Random("time"), Random("price")]
    few = mixed(made, randoms, n_draws=4)
    assert few.log_likelihood_twice != few.log_likelihood
    assert "With twice as many draws, 8, " in few.warnings[0]
    assert "take more draws" in few.warnings[0]
    many = mixed(made, randoms, n_draws=1024)
    assert many.log_likelihood_twice == pytest.approx(many.log_likelihood, abs=1)
    assert not many.warnings


def test_spreads_are_told_above_0_by_mirrored_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = panel(5, ("normal", "fixed"), 200, 4)
    start = mixed_module._start

    def below(*args: Any) -> Floats:
        theta = start(*args)
        theta[4:] *= -1
        return theta

    monkeypatch.setattr(mixed_module, "_start", below)
    fit = mixed(made, [Random("time")], n_draws=64)
    assert fit.theta[4] > 0.5 and fit.converged
    again, _ = value(made, fit.structure, fit.theta, fit.draws)
    assert again.sum() == pytest.approx(fit.log_likelihood, rel=1e-13)


# -- what is told ----------------------------------------------------------------


def test_moments_of_distributions_follow_their_closed_forms() -> None:
    made = both(simulated(50, 1, 6))
    found = structure(made, ALL, False, THETA[:4])
    rows = {row.name: row for row in spreads(found, THETA)}
    w = Draws(1 << 10, found.shapes, 1 << 8, seed=0).of(0, 1 << 10)
    b = tastes_by_hand(found, THETA, np.hstack(list(w)))
    for k, name in enumerate(made.names):
        row = rows[name]
        # 2**18 points of a Sobol sequence; the lognormal's tail is the worst
        assert row.mean == pytest.approx(b[k].mean(), abs=1e-3)
        assert row.deviation == pytest.approx(b[k].std(), rel=3e-3)
        assert row.median == pytest.approx(np.median(b[k]), abs=1e-3)
        assert row.positive == pytest.approx((b[k] > 0).mean(), abs=1e-4)
    batch = means(found, np.stack([THETA, THETA + 0.1]))
    np.testing.assert_allclose(batch[0], means(found, THETA))
    assert batch.shape == (2, 4)


def test_elasticities_and_shares_average_over_people() -> None:
    made = panel(7, ("normal", "lognormal"), 40, 3)
    randoms = [Random("time"), Random("price", "lognormal", -1)]
    fit = mixed(made, randoms, n_draws=32)
    report = told(made, fit, price="price")
    w, h = fit.draws.of(0, 40), 1e-5

    def demand(attribute: str, k: int, factor: float) -> Floats:
        x = made.x.copy()
        x[:, k, list(made.attributes[attribute])] *= factor
        total = np.zeros(3)
        for person in range(40):
            b = tastes_by_hand(fit.structure, fit.theta, w[person])
            p = probabilities_by_hand(replace(made, x=x), b)
            total += p[3 * person : 3 * person + 3].mean(axis=2).sum(axis=0)
        return total

    np.testing.assert_allclose(
        report.prediction.shares, demand("time", 0, 1.0) / 120, rtol=1e-12
    )
    for name, found in report.prediction.elasticities.items():
        for k in range(3):
            up, down = demand(name, k, 1 + h), demand(name, k, 1 - h)
            slope = (np.log(up) - np.log(down)) / (2 * h)
            np.testing.assert_allclose(found[:, k], slope, rtol=1e-6, atol=1e-8)
    assert len(report.spreads) == 2 and len(report.estimates) == 6
    # ratio of means: the price's is that of a lognormal one
    centre = means(fit.structure, fit.theta)
    assert report.willingness[0].estimate == pytest.approx(-centre[2] / centre[3])
    assert report.willingness[0].low < report.willingness[0].high
    assert report.statistics.parameters == 6


def test_alternatives_in_another_order_give_the_same_model() -> None:
    made, order = panel(8, ("normal", "fixed"), 100, 3), [1, 2, 0]
    data = made.data
    turned = ChoiceData(
        tuple(MODES[j] for j in order),
        {name: cells[:, order] for name, cells in data.attributes.items()},
        data.traits,
        data.available[:, order],
        np.argsort(order)[data.chosen],
        data.persons,
    )
    one = mixed(made, [Random("time")], n_draws=64)
    two = mixed(both(turned, base="train"), [Random("time")], n_draws=64)
    # names of constants stand in another order; the search ends within 1e-3 errors
    places = [two.structure.names.index(name) for name in one.structure.names]
    np.testing.assert_allclose(two.theta[places], one.theta, atol=1e-4)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)


def test_progress_rises_and_tells_its_phases() -> None:
    phases, done, reached = [], [], []
    for state in choice_mixed(panel(9, ("normal", "fixed"), 100, 3), [Random("time")]):
        phases.append(state.phase)
        done.append(state.done)
        if state.phase == "climbing":
            reached.append(state.log_likelihood)
    assert list(dict.fromkeys(phases)) == [
        "starting",
        "climbing",
        "errors",
        "checking",
        "finished",
    ]
    assert done == sorted(done) and reached == sorted(reached)
    assert state.done == state.total and isinstance(state.fit, MixedLogit)


def test_a_coefficient_that_is_the_same_for_all_is_told() -> None:
    fit = mixed(both(simulated(300, 4, 10)), [Random("time")], n_draws=64)
    spread = fit.theta[4]
    error = np.sqrt(fit.covariance[4, 4])
    near = any("hardly differs between people" in w for w in fit.warnings)
    assert near or not spread > 4 * error


@pytest.mark.parametrize(
    ("randoms", "settings", "where", "said"),
    [
        ([], {}, "params.random", "got no random coefficient"),
        ([Random("speed")], {}, "params.random[0].name", "no coefficient 'speed'"),
        ([Random("time", "cauchy")], {}, "params.random[0].distribution", "got dist"),
        ([Random("time", sign=2)], {}, "params.random[0].sign", "got sign 2"),
        ([Random("time")] * 2, {}, "params.random[1].name", "has two distributions"),
        ([Random("time")], {"n_draws": 1}, "params.n_draws", "got n_draws 1; wanted 2"),
        ([Random("time")], {"max_iter": 0}, "params.max_iter", "got max_iter 0"),
        ([Random("time")], {"tol": 0.0}, "params.tol", "got tol 0.0"),
        (
            [Random("time")],
            {"n_draws": 2**30},
            "params.n_draws",
            "wanted at most 2**32",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    randoms: list[Random], settings: dict[str, Any], where: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        mixed(both(simulated(50, 1, 0)), randoms, **settings)
    assert said in str(caught.value) and caught.value.field == where


def test_an_attribute_with_many_coefficients_has_them_all_random() -> None:
    made = design(simulated(50, 2, 0), Utility(specific=("time",)))
    found = structure(
        made, [Random("time", "lognormal")], False, np.array([0, 0, 1, -1, 2])
    )
    np.testing.assert_array_equal(found.random, [2, 3, 4])
    np.testing.assert_array_equal(found.kind, [1, -1, 1])


def test_choices_that_are_certain_are_refused() -> None:
    data = simulated(60, 1, 20, gaps=False)
    cheapest = replace(data, chosen=data.attributes["price"].argmin(axis=1))
    with pytest.raises(InputError, match="predicted with certainty: price"):
        mixed(both(cheapest, constants=False), [Random("price")])


def test_too_few_steps_are_told() -> None:
    fit = mixed(panel(1, ("normal", "fixed"), 100, 4), [Random("time")], max_iter=1)
    assert (
        not fit.converged and "did not reach the maximum in 1 steps" in fit.warnings[0]
    )


def test_the_search_finds_the_top_of_a_curved_valley() -> None:
    def banana(x: Floats) -> Any:
        yield None
        a, b = 1 - x[0], x[1] - x[0] ** 2
        return -(a * a + 100 * b * b), np.array([2 * a + 400 * x[0] * b, -200 * b])

    x = np.array([-1.2, 1.0])
    at = Ascent(x, -24.2, np.array([215.6, 88.0]), np.eye(2) * 1e-3)
    steps = 0
    while at.promised > 1e-16 and not at.stuck and steps < 100:
        for _ in stepped(at, banana):
            pass
        steps += 1
    np.testing.assert_allclose(at.x, 1, atol=1e-6)
    assert steps < 60
