"""Variational factors: the bound, what it bounds, and how near it comes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logsumexp

from flask_api.domains.market.bayesian.variational import Variational, fit_variational
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.bayesian_by_hand import bought, simulated

Floats = npt.NDArray[np.float64]
TWO = np.zeros((12, 2))
TWO[:6, 0], TWO[6:, 1] = [2.0, 1.7, 1.4, 1.2, 1.0, 0.8], [1.8, 1.6, 1.3, 1.1, 1.0, 0.9]


def _fitted(patterns: Patterns, factors: int, tol: float = 1e-8) -> Variational:
    return list(fit_variational(patterns, factors, tol=tol))[-1]


@pytest.mark.parametrize("rows, factors", [(12, 2), (200, 3), (1500, 2)])
@pytest.mark.parametrize("gaps", [False, True])
def test_the_bound_never_falls(rows: int, factors: int, gaps: bool) -> None:
    random = np.random.default_rng(rows)
    data = bought(random.normal(-1, 1, (rows, 10)), 0)
    missing = random.random(data.shape) < 0.1 if gaps else None
    state = _fitted(pack(data, missing), factors, tol=1e-12)
    rises = np.diff(state.elbo)
    # Rounding of sums of some thousand numbers.
    assert rises.min() >= -1e-11 * abs(state.elbo[-1])
    assert state.converged


def test_the_bound_has_every_term_written_out() -> None:
    patterns, _ = simulated(80, TWO[:, :1], np.full(12, -0.5), 4)
    state = _fitted(patterns, 1, tol=1e-14)
    total = 0.0
    for row, count in enumerate(patterns.counts):
        part = slice(row, row + 1)
        x = patterns.ones(part)[0]
        mean, variance = state.scores[row, 0], state.score_covariances[row, 0, 0]
        own = (variance + mean**2 - 1 - np.log(variance)) / 2
        for j in range(12):
            point = np.array([state.intercepts[j], state.loadings[j, 0]])
            second = state.covariances[j] + np.outer(point, point)
            theta = np.array([[1, mean], [mean, mean**2 + variance]])
            xi = np.sqrt((second * theta).sum())
            eta = point[0] + point[1] * mean
            total += count * ((x[j] - 0.5) * eta - np.log(2 * np.cosh(xi / 2)))
        total -= count * own
    for j in range(12):
        point = np.array([state.intercepts[j], state.loadings[j, 0]])
        prior, spread = np.diag([4.0, 1.0]), state.covariances[j]
        inverse = np.linalg.inv(prior)
        apart = np.trace(inverse @ spread) + point @ inverse @ point - 2
        apart += np.log(np.linalg.det(prior) / np.linalg.det(spread))
        total -= apart / 2
    # The trace holds the bound before the last step, which is at its end by then.
    assert state.elbo[-1] == pytest.approx(total, abs=1e-6)


def test_the_bound_lies_below_the_evidence_and_near_it() -> None:
    data = np.array([[1, 1], [1, 1], [0, 0], [0, 0], [1, 0], [0, 1]], np.uint8)
    state = _fitted(pack(data), 1)
    # Evidence by simple Monte Carlo over the prior: its error is below 0.01.
    random, draws = np.random.default_rng(0), 100_000
    alpha, loading = random.normal(0, 2, (draws, 2)), random.normal(size=(draws, 2))
    score = np.linspace(-6, 6, 61)
    weight = np.exp(-(score**2) / 2)
    chance = expit(alpha[:, :, None] + loading[:, :, None] * score)
    total = np.zeros(draws)
    for x in data:
        each = np.where(x[None, :, None] > 0, chance, 1 - chance).prod(axis=1)
        total += np.log(each @ weight / weight.sum())
    evidence = float(logsumexp(total) - np.log(draws))
    assert evidence - 3.0 < state.elbo[-1] < evidence + 0.03


def test_structure_comes_out_and_sizes_are_drawn_to_zero_as_told() -> None:
    patterns, scores = simulated(3000, TWO, np.full(12, -0.7), 1)
    found = _fitted(patterns, 2).turned()
    order = [0, 1] if found.loadings[0, 0] > found.loadings[0, 1] else [1, 0]
    loadings = found.loadings[:, order]
    assert np.corrcoef(loadings.ravel(), TWO.ravel())[0, 1] > 0.97
    # The module's own statement: a fifth too small at 12 products.
    assert 0.7 < loadings[TWO > 0].sum() / TWO.sum() < 0.9
    told = patterns.expand(found.scores)[:, order]
    # Six products at these loadings tell a score to a correlation of some 0.75.
    for k in range(2):
        assert np.corrcoef(told[:, k], scores[:, k])[0, 1] > 0.7


def test_a_household_of_which_nothing_is_known_has_the_prior_scores() -> None:
    data = bought(np.random.default_rng(0).normal(size=(40, 5)), 0)
    missing = np.zeros(data.shape, bool)
    missing[7] = True
    patterns = pack(data, missing)
    found = _fitted(patterns, 1, tol=1e-12)
    row = patterns.of_row[7]
    assert found.scores[row] == pytest.approx(0, abs=1e-9)
    # The scale between scores and loadings is settled last, so it is 1 but for the
    # last step of a fit that stands still.
    assert found.score_covariances[row, 0, 0] == pytest.approx(1, abs=1e-3)


def test_the_same_seed_gives_the_same_bits() -> None:
    patterns, _ = simulated(300, TWO, np.zeros(12), 1)
    one, other = _fitted(patterns, 2), _fitted(patterns, 2)
    assert one.elbo == other.elbo
    assert np.array_equal(one.loadings, other.loadings)


def test_rotation_turns_the_deviations_too() -> None:
    patterns, _ = simulated(300, TWO, np.zeros(12), 1)
    state = _fitted(patterns, 2)
    plain, turned = state.turned("none"), state.turned()
    kept = (plain.loadings**2).sum(axis=1)
    assert (turned.loadings**2).sum(axis=1) == pytest.approx(kept)
    variances = (plain.loadings_std**2).sum(axis=1)
    assert (turned.loadings_std**2).sum(axis=1) == pytest.approx(variances)


@pytest.mark.parametrize(
    "factors, settings, field",
    [
        (0, {}, "params.n_factors"),
        (13, {}, "params.n_factors"),
        (1, {"max_iter": 0}, "params.max_iter"),
        (1, {"tol": 0.0}, "params.tol"),
    ],
)
def test_settings_out_of_range_are_refused(
    factors: int, settings: dict[str, float], field: str
) -> None:
    patterns, _ = simulated(100, TWO, np.zeros(12), 1)
    with pytest.raises(InputError) as refused:
        list(fit_variational(patterns, factors, **settings))  # type: ignore[arg-type]
    assert refused.value.field == field
