"""Standard errors of latent classes: exact derivatives, and what simulation says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from flask_api.domains.market.latent_class.alignment import aligned
from flask_api.domains.market.latent_class.information import (
    _information,
    finding_errors,
    standard_errors,
)
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.latent_class.resampling import bootstrap, sample
from flask_api.domains.market.patterns.patterns import pack
from flask_api.domains.market.patterns.stepwise import drained
from tests.domains.market.latent_class_by_hand import (
    Floats,
    carcinoma,
    fitted,
    households,
    likelihood_by_hand,
)

SIZES = np.array([0.6, 0.4])
INSIDE = np.array([[0.8, 0.7, 0.8, 0.3, 0.2, 0.3], [0.2, 0.3, 0.25, 0.8, 0.75, 0.7]])
TRUTH = LatentClasses(SIZES, INSIDE, 0.0, 0, True)


@pytest.mark.parametrize("gaps", [False, True])
def test_the_information_is_the_second_derivative_of_the_likelihood(gaps: bool) -> None:
    random = np.random.default_rng(0)
    sizes, p = np.array([0.5, 0.3, 0.2]), random.uniform(0.2, 0.8, (3, 4))
    data, _ = households(sizes, p, 60, seed=1)
    missing = random.random(data.shape) < 0.2 if gaps else None
    if missing is not None:
        missing[:, 0] = False

    def reached(at: Floats) -> float:
        alpha = np.exp(np.append(at[:2], 0))
        inside = 1 / (1 + np.exp(-at[2:].reshape(3, 4)))
        return likelihood_by_hand(data, missing, alpha / alpha.sum(), inside)

    model = LatentClasses(sizes, p, 0.0, 0, True)
    patterns = pack(data, missing)
    outer, observed, _ = drained(_information(patterns, model))
    at = np.concatenate([np.log(sizes[:2] / sizes[2]), np.log(p / (1 - p)).ravel()])
    h, n = 1e-4, len(at)
    steps = h * np.eye(n)
    second = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = steps[i], steps[j]
            second[i, j] = (
                reached(at + a + b)
                - reached(at + a - b)
                - reached(at - a + b)
                + reached(at - a - b)
            ) / (4 * h * h)
    # rounding 1e-14 * 200 / 4e-8, and h^2 times the fourth derivative
    np.testing.assert_allclose(observed, -second, atol=2e-4)
    assert (np.linalg.eigvalsh(outer) > -1e-10).all()


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    runs, rows = 150, 500
    covered = {False: np.zeros(14), True: np.zeros(14)}
    for seed in range(runs):
        data, _ = households(SIZES, INSIDE, rows, seed=seed)
        patterns = pack(data)
        found = aligned(fitted(patterns, 2, n_init=2).best(), TRUTH)
        for robust, hits in covered.items():
            e = standard_errors(patterns, found, robust=robust)
            hits[:2] += (e.sizes_low < SIZES) & (e.sizes_high > SIZES)
            inside = (e.probabilities_low < INSIDE) & (e.probabilities_high > INSIDE)
            hits[2:] += inside.ravel()
    for hits in covered.values():
        # each number by itself: 95 % of 150 within what happens once in 1e5
        low, high = binom.ppf([1e-5, 1 - 1e-5], runs, 0.95)
        assert (hits >= low).all() and (hits <= high).all()
        # all together: 14 * 150 looks, as if half of them were independent
        assert hits.mean() / runs == pytest.approx(0.95, abs=0.025)


def test_resampling_agrees_with_the_information() -> None:
    data, _ = households(SIZES, INSIDE, 2000, seed=3)
    patterns = pack(data)
    found = fitted(patterns, 2).best()
    errors = standard_errors(patterns, found)
    *_, (drawn, _) = bootstrap(patterns, found, resamples=200, seed=1)
    sizes, inside = drawn.errors()
    # a standard deviation of 200 scatters by 5 %: four times that
    np.testing.assert_allclose(sizes, errors.sizes, rtol=0.2)
    np.testing.assert_allclose(inside, errors.probabilities, rtol=0.2)
    low, high = drawn.intervals(0.9)[0]
    assert (low < found.sizes).all() and (found.sizes < high).all()


def test_a_probability_at_its_boundary_has_no_error_but_a_bootstrap_interval() -> None:
    state = fitted(carcinoma(), 2)
    model, errors = state.best(), standard_errors(carcinoma(), state.best())
    assert errors.identified and errors.boundary.sum() == 5
    assert (np.isnan(errors.probabilities) == errors.boundary).all()
    *_, (drawn, _) = bootstrap(carcinoma(), model, resamples=30)
    low, high = drawn.intervals(0.95)[1]
    assert np.isfinite(low).all() and (low <= high).all()


def test_classes_that_data_cannot_tell_apart_have_no_errors() -> None:
    data, _ = households([1.0], [[0.5, 0.4]], 400, seed=0)
    state = fitted(pack(data), 2)  # five numbers, three degrees of freedom
    errors = standard_errors(pack(data), state.best())
    assert not errors.identified
    assert np.isnan(errors.sizes).all()


def test_the_sandwich_agrees_with_the_information_where_the_model_is_true() -> None:
    data, _ = households(SIZES, INSIDE, 2000, seed=5)
    patterns = pack(data)
    found = fitted(patterns, 2).best()
    plain = standard_errors(patterns, found)
    robust = standard_errors(patterns, found, robust=True)
    assert plain.kind == "observed information" and robust.kind == "sandwich"
    # both estimate the same: a ratio of variances of 2,000 rows, some 3 %
    np.testing.assert_allclose(robust.sizes, plain.sizes, rtol=0.15)
    assert not np.array_equal(robust.sizes, plain.sizes)


def test_work_on_errors_can_be_interrupted() -> None:
    work = finding_errors(carcinoma(), fitted(carcinoma(), 2).best())
    assert 0 < next(work) < 1
    work.close()


def test_classes_are_matched_whatever_their_order() -> None:
    order = np.array([2, 0, 1])
    random = np.random.default_rng(0)
    model = LatentClasses(
        np.array([0.5, 0.3, 0.2]), random.random((3, 6)), 0.0, 0, True
    )
    noisy = LatentClasses(
        np.array([0.4, 0.35, 0.25]),
        np.clip(model.probabilities + random.normal(0, 0.02, (3, 6)), 0, 1),
        0.0,
        0,
        True,
    )
    again = aligned(noisy.taken(order), model)
    np.testing.assert_array_equal(again.probabilities, noisy.probabilities)


def test_a_sample_has_the_model_and_the_missing_values_of_the_data() -> None:
    data, _ = households(SIZES, INSIDE, 4000, seed=6)
    missing = np.zeros(data.shape, bool)
    missing[:1000, 2] = True
    missing[:10] = True  # rows that tell nothing are not drawn
    patterns = pack(data, missing)
    drawn = sample(patterns, TRUTH, seed=1, number=0)
    bought, known = drawn.totals()
    assert drawn.rows == 3990
    np.testing.assert_array_equal(known, [3990] * 2 + [3000] + [3990] * 3)
    share = SIZES @ INSIDE
    # each within 4.5 standard deviations of a share
    assert (
        np.abs(bought / known - share) < 4.5 * np.sqrt(share * (1 - share) / known)
    ).all()
    again = sample(patterns, TRUTH, seed=1, number=0)
    np.testing.assert_array_equal(drawn.codes, again.codes)
    other = sample(patterns, TRUTH, seed=1, number=1)
    assert drawn.size != other.size or (drawn.codes != other.codes).any()
