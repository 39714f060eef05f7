"""Covariates of class membership: derivatives, recovery, and odd input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from flask_api.domains.market.latent_class.alignment import aligned
from flask_api.domains.market.latent_class.covariate_likelihood import Search
from flask_api.domains.market.latent_class.covariates import (
    CovariateEffects,
    lca_covariates,
)
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.latent_class_by_hand import Floats, fitted

#: Intercept and two covariates by class, against the first.
TRUE = np.array([[0.0, -0.3, 0.2], [0.0, 1.0, -0.5], [0.0, 0.0, 0.7]])
INSIDE = np.array([[0.85] * 4 + [0.15] * 4, [0.15] * 4 + [0.85] * 4, [0.8, 0.2] * 4])
TRUTH = LatentClasses(np.full(3, 1 / 3), INSIDE, 0.0, 0, True)


def drawn(rows: int, seed: int) -> tuple[Patterns, LatentClasses, Floats]:
    """Data whose classes follow two covariates, the fitted model, the covariates."""
    random = np.random.default_rng(seed)
    z = random.normal(size=(rows, 2))
    odds = np.exp(np.column_stack([np.ones(rows), z]) @ TRUE)
    steps = (odds / odds.sum(axis=1)[:, None]).cumsum(axis=1)
    chosen = np.minimum((random.random(rows)[:, None] > steps).sum(axis=1), 2)
    data = (random.random((rows, 8)) < INSIDE[chosen]).astype(np.uint8)
    patterns = pack(data)
    return patterns, aligned(fitted(patterns, 3, n_init=3).best(), TRUTH), z


def effects(*args: Any, **settings: Any) -> CovariateEffects:
    *_, last = lca_covariates(*args, **settings)
    assert last.effects is not None
    return last.effects


def test_true_effects_lie_within_their_intervals_as_often_as_they_say() -> None:
    runs = 60
    hits, found = np.zeros((3, 2)), []
    for seed in range(runs):
        one = effects(*drawn(1000, seed), standardise=False)
        assert one.converged and not one.warnings
        hits += ((one.low < TRUE) & (TRUE < one.high))[:, 1:]
        found.append(one.coefficients[:, 1:])
    # each number: what happens once in 1e4; classes of the first step, taken as known,
    # widen the intercept's true scatter a little
    assert (hits >= binom.ppf(1e-4, runs, 0.93)).all()
    assert hits.mean() / runs == pytest.approx(0.95, abs=0.03)
    # no drawing towards 0, which assignments taken at their word would bring:
    # the mean of 60, each with an error of some 0.11
    bias = np.mean(found, axis=0) - TRUE[:, 1:]
    assert (np.abs(bias) < 4 * np.std(found, axis=0) / np.sqrt(runs)).all()


def test_the_search_climbs_by_exact_derivatives() -> None:
    random = np.random.default_rng(0)
    z = np.column_stack([np.ones(50), random.normal(size=(50, 2))])
    errors = random.dirichlet(np.ones(3) * 2, 3)
    search = Search(z, random.integers(0, 3, 50), errors, 1)
    b = random.normal(size=(3, 3))
    b[:, 1] = 0
    point, h = search.at(b), 1e-5
    for i in range(3):
        for j, k in enumerate((0, 2)):
            step = np.zeros((3, 3))
            step[i, k] = h
            up, down = search.at(b + step), search.at(b - step)
            slope = (up.log_likelihood - down.log_likelihood) / (2 * h)
            # rounding 1e-14 * 50 / 1e-5, and h^2 times the next derivatives
            assert point.gradient[i, j] == pytest.approx(slope, abs=1e-7)
            curve = (up.gradient - down.gradient).ravel() / (2 * h)
            np.testing.assert_allclose(point.information[2 * i + j], -curve, atol=1e-7)


def test_effects_per_unit_don_t_depend_on_standardisation() -> None:
    patterns, model, z = drawn(800, 1)
    given = z * [10.0, 0.1] + [500.0, -3.0]
    scaled = effects(patterns, model, given)
    plain = effects(patterns, model, given, standardise=False)
    np.testing.assert_allclose(scaled.means, given.mean(axis=0))
    np.testing.assert_allclose(scaled.scales, given.std(axis=0))
    np.testing.assert_array_equal(plain.scales, [1, 1])
    # both searches end within 1e-5 standard errors of the maximum
    np.testing.assert_allclose(
        scaled.per_unit, plain.coefficients, rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(scaled.per_unit_errors, plain.errors, rtol=1e-4)
    np.testing.assert_allclose(
        scaled.probabilities(given), plain.probabilities(given), atol=1e-5
    )
    np.testing.assert_allclose(scaled.wald, plain.wald, rtol=1e-3)
    np.testing.assert_allclose(
        scaled.odds_ratios, np.exp(scaled.coefficients), rtol=1e-12
    )


def test_the_reference_class_only_turns_the_table() -> None:
    patterns, model, z = drawn(800, 2)
    first, last = (effects(patterns, model, z, reference=k) for k in (0, 2))
    assert (first.coefficients[:, 0] == 0).all() and (
        last.coefficients[:, 2] == 0
    ).all()
    turned = first.coefficients - first.coefficients[:, 2:]
    np.testing.assert_allclose(last.coefficients, turned, atol=1e-5)
    assert np.isnan(last.errors[:, 2]).all()
    assert last.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(last.wald, first.wald, rtol=1e-4)


def test_a_covariate_without_effect_has_a_large_p_value_and_others_a_small_one() -> (
    None
):
    patterns, model, z = drawn(1000, 3)
    noise = np.random.default_rng(9).normal(size=1000)
    found = effects(patterns, model, np.column_stack([z, noise]))
    assert (found.wald_p[:2] < 1e-6).all() and found.wald_p[2] > 0.01
    assert found.sizes.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.sizes, model.sizes, atol=0.03)


def test_a_covariate_that_decides_the_class_is_told() -> None:
    data = np.repeat(np.array([[1] * 6, [0] * 6]), 50, axis=0)
    data[:20, 0] ^= 1
    data[50:80, 3] ^= 1
    patterns = pack(data)
    z = np.repeat([[1.0], [0.0]], 50, axis=0)
    found = effects(patterns, fitted(patterns, 2).best(), z)
    assert any("for certain" in said for said in found.warnings)


def test_rows_without_a_known_value_are_left_out() -> None:
    patterns, model, z = drawn(500, 4)
    data = patterns.expand(patterns.ones(slice(0, patterns.size)))
    missing = np.zeros(data.shape, bool)
    missing[::10] = True
    gaps = pack(data, missing)
    found = effects(gaps, model, z)
    kept = np.flatnonzero(~missing[:, 0])
    alone = effects(pack(data[kept]), model, z[kept], standardise=False)
    assert found.rows == 450
    np.testing.assert_allclose(found.per_unit, alone.coefficients, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda z: z[:-1], "a line for each of 100 rows"),
        (lambda z: z[:, :0], "no covariate"),
        (
            lambda z: np.where(z == z[7, 1], np.nan, z),
            "covariate 2 has no number in row 8",
        ),
        (lambda z: z * [0, 1] + [3, 0], "covariate 1 has the same value"),
        (lambda z: z[:, [0, 1, 0]], "covariate 1, covariate 3: one follows from"),
    ],
)
def test_covariates_that_cannot_be_used_are_refused(change: Any, said: str) -> None:
    patterns, model, z = drawn(100, 5)
    with pytest.raises(InputError, match=said):
        next(lca_covariates(patterns, model, change(z)))


def test_covariates_are_refused_by_name() -> None:
    patterns, model, z = drawn(100, 5)
    names = ["age", "income"]
    with pytest.raises(InputError, match="covariate 'age' has the same value"):
        next(lca_covariates(patterns, model, z * [0, 1] + [3, 0], names=names))
    twice = np.column_stack([z, 2 * z[:, 1]])
    with pytest.raises(InputError, match="^covariate 'income', covariate 'income_2'"):
        next(lca_covariates(patterns, model, twice, names=[*names, "income_2"]))


def test_one_class_a_strange_reference_and_counts_are_refused() -> None:
    patterns, model, z = drawn(100, 6)
    one = fitted(patterns, 1).best()
    with pytest.raises(InputError, match="at least two"):
        next(lca_covariates(patterns, one, z))
    with pytest.raises(InputError, match="wanted 0 to 2"):
        next(lca_covariates(patterns, model, z, reference=3))
    counted = pack(np.eye(8), counts=np.full(8, 2))
    with pytest.raises(InputError, match="one row each"):
        next(lca_covariates(counted, model, z[:8]))
