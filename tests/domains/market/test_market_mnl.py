"""Multinomial logit: closed forms, published numbers, peers, and odd data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from flask_api.domains.market.choice import logit_kernel
from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.fit_statistics import fit_statistics
from flask_api.domains.market.choice.multinomial import choice_mnl
from flask_api.domains.market.choice.utility import Utility, contrasts, design
from flask_api.numerics.errors import InputError
from tests.domains.market.choices_by_hand import (
    MODES,
    both,
    last,
    mnl,
    probabilities_by_hand,
    simulated,
    swissmetro,
    told,
)

Floats = npt.NDArray[np.float64]
PUBLISHED = Path(__file__).parents[2] / "data" / "market_cases.json"


def test_swissmetro_gives_the_published_estimates() -> None:
    made = swissmetro()
    fit, theirs = mnl(made), json.loads(PUBLISHED.read_text())["swissmetro_mnl"]
    assert made.data.situations == theirs["n"] == 6768
    assert fit.log_likelihood == pytest.approx(theirs["own_newton_ll"], abs=1e-8)
    names = ["ASC_TRAIN", "ASC_CAR", "B_TIME", "B_COST"]
    # its search ended 2e-9 below the top: 1e-5 standard errors away
    np.testing.assert_allclose(
        fit.coefficients, [theirs[name] for name in names], atol=3e-6
    )
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance)),
        [theirs["own_se"][name] for name in names],
        atol=1e-8,
    )
    report = told(made, fit, price="cost")
    assert report.statistics.log_likelihood_zero == pytest.approx(
        theirs["null_ll"], abs=1e-8
    )
    assert fit.converged and fit.iterations <= 7 and not report.warnings


def test_constants_alone_give_the_observed_shares_exactly() -> None:
    data = simulated(300, 1, 1, gaps=False)
    made = design(data, Utility())
    fit = mnl(made)
    report = told(made, fit)
    shares = data.chosen_counts / data.situations
    np.testing.assert_allclose(report.prediction.shares, shares, rtol=1e-12)
    np.testing.assert_allclose(report.prediction.observed, shares)
    np.testing.assert_allclose(
        fit.coefficients, np.log(shares[:2] / shares[2]), rtol=1e-9
    )
    closed = data.chosen_counts @ np.log(shares)
    assert fit.log_likelihood == pytest.approx(closed, rel=1e-13)
    statistics = report.statistics
    assert statistics.log_likelihood_constants == pytest.approx(closed, rel=1e-13)
    assert statistics.log_likelihood_zero == pytest.approx(-300 * np.log(3))
    assert statistics.ratio is None and statistics.ratio_freedom == 0
    # variance of a log of shares against the last one: 1/n_j + 1/n_last
    n = data.chosen_counts
    np.testing.assert_allclose(np.diag(fit.covariance), 1 / n[:2] + 1 / n[2], rtol=1e-9)


def test_with_constants_predicted_shares_are_the_observed_ones() -> None:
    made = both(simulated(400, 1, 2))
    report = told(made, mnl(made))
    np.testing.assert_allclose(
        report.prediction.shares, report.prediction.observed, rtol=1e-9
    )


def test_two_alternatives_are_a_logistic_regression() -> None:
    random = np.random.default_rng(3)
    z = random.normal(size=(400, 2))
    y = random.random(400) < 1 / (1 + np.exp(-(0.4 + z @ [1.0, -0.7])))
    attributes = {
        name: np.column_stack([np.zeros(400), z[:, k]]) for k, name in enumerate("ab")
    }
    data = ChoiceData(
        ("no", "yes"), attributes, {}, np.ones((400, 2), bool), y.astype(np.int64), None
    )
    fit = mnl(design(data, Utility(generic=("a", "b"), base="no")))
    x = np.column_stack([np.ones(400), z])

    def minus(b: Floats) -> tuple[float, Floats]:
        v = x @ b
        return (
            float(np.logaddexp(0, v).sum() - v[y].sum()),
            x.T @ (1 / (1 + np.exp(-v)) - y),
        )

    theirs = minimize(minus, np.zeros(3), jac=True, method="BFGS", tol=1e-9)
    np.testing.assert_allclose(fit.coefficients, theirs.x, atol=1e-6)
    assert fit.log_likelihood == pytest.approx(-theirs.fun, abs=1e-9)
    p = 1 / (1 + np.exp(-x @ fit.coefficients))
    bread = np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))
    np.testing.assert_allclose(fit.covariance, bread, rtol=1e-8)
    meat = x.T @ (x * ((y - p) ** 2)[:, None])
    np.testing.assert_allclose(fit.robust_covariance, bread @ meat @ bread, rtol=1e-8)


def test_the_kernel_has_the_likelihood_s_own_derivatives() -> None:
    made = both(simulated(30, 1, 4), specific=(), traits=("age",))
    pairs, b = contrasts(made), np.random.default_rng(0).normal(size=6) * 0.1
    scores, information = np.empty((30, 6)), np.empty((6, 6))
    gradient, spare = np.empty(6), np.empty((6, 6))
    others = np.empty((30, 6))
    kernel, h = logit_kernel.likelihood(), 1e-6
    reached = kernel(pairs.d, pairs.start, b, scores, gradient, information)
    p = probabilities_by_hand(made, b)
    chosen = p[np.arange(30), made.data.chosen]
    assert reached == pytest.approx(np.log(chosen).sum(), rel=1e-13)
    for k in range(6):
        step = np.zeros(6)
        step[k] = h
        up = kernel(pairs.d, pairs.start, b + step, others, gradient, spare)
        above = gradient.copy()
        down = kernel(pairs.d, pairs.start, b - step, others, gradient, spare)
        # ages go to 70: third derivatives to 70**3, rounding 1e-16 * 70 * 30 / h
        assert scores[:, k].sum() == pytest.approx((up - down) / (2 * h), rel=1e-5)
        np.testing.assert_allclose(
            -information[k],
            (above - gradient) / (2 * h),
            rtol=2e-5,
            atol=1e-3,
        )


def test_utilities_beyond_the_range_of_exponentials_are_no_trouble() -> None:
    made = both(simulated(20, 1, 5), constants=False)
    pairs = contrasts(made)
    scores, information = np.empty((20, 2)), np.empty((2, 2))
    b = np.array([-3000.0, 2000.0])
    got = logit_kernel.likelihood()(
        pairs.d, pairs.start, b, scores, np.empty(2), information
    )
    v = np.where(made.data.available, made.x @ b, -np.inf)
    wanted = v[np.arange(20), made.data.chosen] - np.logaddexp.reduce(v, axis=1)
    assert got == pytest.approx(wanted.sum(), rel=1e-13)
    assert np.isfinite(scores).all() and np.isfinite(information).all()


def test_true_coefficients_lie_within_their_intervals_as_often_as_they_say() -> None:
    truth, runs = np.array([0.5, -0.3, -1.0, -0.8]), 200
    hits, robust = np.zeros(4), np.zeros(4)
    found = []
    for seed in range(runs):
        fit = mnl(both(simulated(400, 1, seed)))
        away = np.abs(fit.coefficients - truth)
        hits += away < 1.96 * np.sqrt(np.diag(fit.covariance))
        robust += away < 1.96 * np.sqrt(np.diag(fit.robust_covariance))
        found.append(fit.coefficients)
    low, high = binom.ppf([1e-4, 1 - 1e-4], runs, 0.95)
    assert (low <= hits).all() and (hits <= high).all()
    assert (low - 2 <= robust).all() and (robust <= high).all()
    # estimates of 400 choices are some 1 % too far from 0
    bias = np.mean(found, axis=0) - truth
    assert (np.abs(bias) < 4 * np.std(found, axis=0) / runs**0.5 + 0.01).all()


def test_robust_errors_take_a_person_s_choices_together() -> None:
    data = simulated(60, 5, 6)
    made = both(data)
    fit = mnl(made)
    p = probabilities_by_hand(made, fit.coefficients)
    p[np.arange(300), data.chosen] -= 1
    scores = -np.einsum("nj,njk->nk", p, made.x)
    persons = scores.reshape(60, 5, 4).sum(axis=1)
    wanted = fit.covariance @ (persons.T @ persons) @ fit.covariance
    np.testing.assert_allclose(fit.robust_covariance, wanted, rtol=1e-9, atol=1e-12)
    alone = mnl(both(replace(data, persons=None)))
    np.testing.assert_allclose(alone.coefficients, fit.coefficients, rtol=1e-10)
    assert not np.allclose(alone.robust_covariance, fit.robust_covariance, rtol=1e-3)


def test_a_trip_of_one_s_own_choices_repeated_doubles_nothing_but_the_curvature() -> (
    None
):
    data = simulated(100, 1, 7)
    twice = ChoiceData(
        MODES,
        {name: np.repeat(cells, 2, axis=0) for name, cells in data.attributes.items()},
        {},
        np.repeat(data.available, 2, axis=0),
        np.repeat(data.chosen, 2),
        np.repeat(np.arange(100), 2),
    )
    one, two = mnl(both(data)), mnl(both(twice))
    np.testing.assert_allclose(two.coefficients, one.coefficients, rtol=1e-8)
    np.testing.assert_allclose(two.covariance, one.covariance / 2, rtol=1e-8)
    # by persons, repetition says nothing new
    np.testing.assert_allclose(two.robust_covariance, one.robust_covariance, rtol=1e-8)


def test_alternatives_in_another_order_give_results_in_that_order() -> None:
    data, order = simulated(200, 1, 8), [2, 0, 1]
    turned = ChoiceData(
        tuple(MODES[j] for j in order),
        {name: cells[:, order] for name, cells in data.attributes.items()},
        data.traits,
        data.available[:, order],
        np.argsort(order)[data.chosen],
        data.persons,
    )
    one, two = (both(d, base="train") for d in (data, turned))
    first, second = mnl(one), mnl(two)
    assert second.names == first.names
    np.testing.assert_allclose(second.coefficients, first.coefficients, rtol=1e-9)
    told_one, told_two = told(one, first), told(two, second)
    for name, e in told_one.prediction.elasticities.items():
        np.testing.assert_allclose(
            told_two.prediction.elasticities[name], e[np.ix_(order, order)], rtol=1e-9
        )
    np.testing.assert_array_equal(
        told_two.prediction.confusion,
        told_one.prediction.confusion[np.ix_(order, order)],
    )


def test_units_of_an_attribute_don_t_matter() -> None:
    data = simulated(200, 1, 9)
    wide = {
        "time": data.attributes["time"] * 1e-7,
        "price": data.attributes["price"] * 1e8,
    }
    one, two = mnl(both(data)), mnl(both(replace(data, attributes=wide)))
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(
        two.coefficients * [1, 1, 1e-7, 1e8], one.coefficients, rtol=1e-8
    )
    assert two.iterations == one.iterations


def test_coefficients_of_their_own_and_interactions_fit_better() -> None:
    data = simulated(300, 1, 10)
    plain = mnl(both(data))
    made = design(
        data,
        Utility(
            generic=("time",),
            specific=("price",),
            traits=("age",),
            interactions=(("time", "age"),),
        ),
    )
    fit = mnl(made)
    assert fit.converged and fit.log_likelihood > plain.log_likelihood
    # 5 more, of which none is true: chi-square of 5, once in 1e5
    assert 2 * (fit.log_likelihood - plain.log_likelihood) < 31


# -- what is told ----------------------------------------------------------------


def demand(
    made: Any, b: Floats, attribute: str, alternative: int, factor: float
) -> Floats:
    """Predicted choices once an attribute of one alternative is multiplied."""
    data = made.data
    cells = data.attributes[attribute].copy()
    cells[:, alternative] *= factor
    x = made.x.copy()
    for k in made.attributes[attribute]:
        x[:, alternative, k] *= factor
    return probabilities_by_hand(replace(made, x=x), b).sum(axis=0)


def test_elasticities_are_what_one_percent_does_to_demand() -> None:
    data = simulated(150, 1, 11)
    made = design(
        data,
        Utility(
            generic=("time",), specific=("price",), interactions=(("time", "age"),)
        ),
    )
    fit = mnl(made)
    report, h = told(made, fit), 1e-5
    for name, found in report.prediction.elasticities.items():
        for k in range(3):
            up, down = (
                demand(made, fit.coefficients, name, k, 1 + s * h) for s in (1, -1)
            )
            slope = (np.log(up) - np.log(down)) / (2 * h)
            np.testing.assert_allclose(found[:, k], slope, rtol=1e-7, atol=1e-9)


def test_hit_rate_counts_most_likely_alternatives_that_were_chosen() -> None:
    data = simulated(150, 1, 12)
    made = both(data)
    fit = mnl(made)
    report = told(made, fit).prediction
    p = probabilities_by_hand(made, fit.coefficients)
    np.testing.assert_allclose(report.probabilities, p, rtol=1e-12)
    assert report.hit_rate == pytest.approx(np.mean(p.argmax(axis=1) == data.chosen))
    assert report.confusion.sum() == 150
    np.testing.assert_array_equal(report.confusion.sum(axis=1), data.chosen_counts)


def test_willingness_to_pay_is_a_ratio_with_the_delta_method_s_error() -> None:
    made = both(simulated(3000, 1, 13))
    fit = mnl(made)
    report = told(made, fit, price="price", seed=1)
    (worth,) = report.willingness
    time, price = fit.coefficients[2:]
    v = fit.robust_covariance[2:, 2:]
    ratio = time / price
    assert worth.name == "time" and worth.estimate == pytest.approx(-ratio)
    variance = (v[0, 0] - 2 * ratio * v[0, 1] + ratio**2 * v[1, 1]) / price**2
    assert worth.error == pytest.approx(variance**0.5, rel=1e-6)
    assert worth.low == pytest.approx(-ratio - 1.959964 * variance**0.5, rel=1e-6)
    # with a sure price both agree but for some skewness, which falls as 1 / sqrt(n):
    # 0.15 of an error here
    assert worth.low_drawn == pytest.approx(worth.low, abs=0.25 * worth.error)
    assert worth.high_drawn == pytest.approx(worth.high, abs=0.25 * worth.error)
    assert told(made, fit, price="price", seed=1).willingness == report.willingness
    assert told(made, fit, price="price", seed=2).willingness != report.willingness
    assert told(made, fit).willingness == []


def test_a_price_that_says_little_is_told() -> None:
    made = both(simulated(200, 1, 14, price=0.8))
    assert "dearer would be better" in told(made, mnl(made), price="price").warnings[0]
    made = both(simulated(60, 1, 15, price=-0.05))
    warnings = told(made, mnl(made), price="price").warnings
    assert any("not" in w and "price" in w for w in warnings)
    with pytest.raises(InputError, match="got price 'fare'; wanted one of"):
        told(made, mnl(made), price="fare")
    with pytest.raises(InputError, match="got confidence 1"):
        told(made, mnl(made), confidence=1.0)


def test_fit_statistics_follow_their_definitions() -> None:
    data = simulated(300, 1, 16)
    made = both(data)
    fit = mnl(made)
    s = told(made, fit).statistics
    zero = -np.log(data.available.sum(axis=1)).sum()
    bare = mnl(design(data, Utility()))
    assert s.log_likelihood_zero == pytest.approx(zero)
    assert s.log_likelihood_constants == pytest.approx(bare.log_likelihood, rel=1e-12)
    assert s.rho2 == pytest.approx(1 - fit.log_likelihood / zero)
    assert s.rho2_adjusted == pytest.approx(1 - (fit.log_likelihood - 4) / zero)
    assert s.rho2_constants == pytest.approx(
        1 - fit.log_likelihood / bare.log_likelihood
    )
    assert s.aic == pytest.approx(8 - 2 * fit.log_likelihood)
    assert s.bic == pytest.approx(4 * np.log(300) - 2 * fit.log_likelihood)
    assert s.ratio == pytest.approx(2 * (fit.log_likelihood - bare.log_likelihood))
    assert s.ratio_freedom == 2 and s.ratio_p is not None and s.ratio_p < 1e-10


def test_constants_alone_are_known_where_some_alternatives_are_never_chosen() -> None:
    data = simulated(100, 1, 17)
    data = replace(data, chosen=np.where(data.chosen == 1, 2, data.chosen))
    s = fit_statistics(data, -50.0, 2)
    share = np.bincount(data.chosen, minlength=3)[[0, 2]] / 100
    assert s.log_likelihood_constants == pytest.approx(100 * share @ np.log(share))
    always = replace(data, chosen=np.zeros(100, np.int64))
    assert fit_statistics(always, -50.0, 2).log_likelihood_constants == 0.0
    assert fit_statistics(always, -50.0, 2).rho2_constants is None


# -- odd data --------------------------------------------------------------------


def test_terms_that_follow_from_each_other_are_named() -> None:
    data = simulated(50, 1, 18)
    more = {**data.attributes, "cents": data.attributes["price"] * 100}
    made = design(
        replace(data, attributes=more), Utility(generic=("time", "price", "cents"))
    )
    with pytest.raises(InputError, match="^price, cents follow from each other"):
        last(choice_mnl(made))


def test_choices_that_are_certain_are_told_with_the_terms_to_blame() -> None:
    data = simulated(80, 1, 19, gaps=False)
    random = np.random.default_rng(0)
    flag = (np.arange(3) == data.chosen[:, None]) & (random.random((80, 1)) < 0.5)
    made = design(
        replace(data, attributes={**data.attributes, "flag": flag.astype(float)}),
        Utility(generic=("time", "price", "flag")),
    )
    fit = mnl(made)
    assert fit.endless == ("flag",) and not fit.converged
    assert "(separation): flag would grow without end" in fit.warnings[0]
    assert np.isnan(fit.covariance).all() and np.isnan(fit.robust_covariance).all()
    report = told(made, fit, price="price")
    assert all(np.isnan(row.robust_error) for row in report.estimates)
    assert np.isnan(report.willingness[0].error)
    # what is not to blame is what the other choices say
    assert fit.coefficients[2] == pytest.approx(-1, abs=0.8)


def test_a_utility_that_always_picks_the_cheapest_is_told() -> None:
    data = simulated(60, 1, 20, gaps=False)
    cheapest = replace(data, chosen=data.attributes["price"].argmin(axis=1))
    fit = mnl(both(cheapest, constants=False))
    assert fit.endless == ("price",) and fit.log_likelihood > -2


def test_too_few_steps_are_told() -> None:
    fit = last(choice_mnl(both(simulated(100, 1, 21)), max_iter=2)).fit
    assert (
        not fit.converged and "did not reach the maximum in 2 steps" in fit.warnings[0]
    )
    with pytest.raises(InputError, match="got max_iter 0"):
        last(choice_mnl(both(simulated(100, 1, 21)), max_iter=0))


def test_the_search_can_be_left_and_says_where_it_is() -> None:
    states = choice_mnl(both(simulated(100, 1, 22)))
    first = next(states)
    assert first.iteration == 1 and first.fit is None
    assert first.change is not None and first.change > 0
    reached = first.log_likelihood
    assert next(states).log_likelihood > reached
    states.close()  # type: ignore[attr-defined]
