"""What an outsider's check of factors, maps, parts, groups and grids found wanting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.bayesian.quadrature import grid
from flask_api.domains.market.clusters.grouping import grouped
from flask_api.domains.market.correspondence.analysis import fit as map_of
from flask_api.domains.market.correspondence.inertia import inertia
from flask_api.domains.market.factors.extraction import extract
from flask_api.domains.market.factors.fit import fit as factors_of
from flask_api.domains.market.factors.fit_statistics import fit_statistics
from flask_api.domains.market.factors.smoothing import smoothed
from flask_api.domains.market.factors.tetrachoric import tetrachoric
from flask_api.domains.market.nonnegative.fit import fit as parts_of
from flask_api.domains.market.patterns.pairs import pairs_of
from flask_api.domains.market.patterns.patterns import pack
from tests.domains.market.binary_tables import Floats, leaning, simple_structure


def last(states: Any) -> Any:
    *_, state = states
    return state


@pytest.mark.parametrize(
    ("cells", "rho", "error"),
    [  # by mpmath with 30 digits: the integral over the angle, solved by Newton
        ((26, 1, 397505, 3), -0.7503359813111952, 0.12394541360339975),
        ((0.5, 9.5, 19.5, 30.5), -0.6191891305998345, 0.21195719235622634),
        ((10.5, 19.5, 29.5, 0.5), -0.9337142876964936, 0.05419908581488648),
        ((9.5, 0.5, 0.5, 19.5), 0.9934050577266333, 0.012935443399944619),
    ],
)
def test_correlations_of_rare_products_and_of_empty_cells_are_those_of_many_digits(
    cells: tuple[float, ...], rho: float, error: float
) -> None:
    table = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    half = any(cell % 1 for cell in cells)
    # half a row stands in the empty cells, along the margins: take it out again
    less = (
        np.array([-0.5, 0.5, 0.5, -0.5])
        * (1 if min(cells[0], cells[3]) < 1 else -1)
        * half
    )
    counts = np.array(cells) + less
    keep = counts > 0
    found = tetrachoric(pairs_of(pack(table[keep], counts=counts[keep].astype(int))))
    assert found.correlations[0, 1] == pytest.approx(rho, abs=1e-11)
    assert found.standard_errors[0, 1] == pytest.approx(error, rel=1e-9)
    assert bool(found.zero_cells) == half


def uneven(items: int, rows: int, seed: int) -> Floats:
    """Correlations of few rows, that had to be smoothed."""
    data, _ = leaning(simple_structure(items, 2, 0.8), 0.4, rows, seed)
    smooth = smoothed(tetrachoric(pairs_of(pack(data))).correlations)
    assert smooth.changed
    return smooth.correlations


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_likelihood_of_smoothed_correlations_comes_to_rest(seed: int) -> None:
    # An eigenvalue of 1e-6 leaves the misfit some ten digits; a search that held every
    # one of its sixteen for true took steps of rounding until max_iter.
    correlations = uneven(12, 60, seed)
    random = np.random.default_rng(seed)
    for _ in range(6):
        start = random.uniform(0.005, 1, 12)
        found = last(extract(correlations, 2, "ml", 200, start))
        assert found.converged
        assert found.iteration < 60
        assert found.gradient < 1e-6


def test_the_change_by_smoothing_is_told_as_it_is() -> None:
    rough = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    found = smoothed(rough)
    # the eigenvalues are -0.8 and twice 1.9, which becomes correlations of 0.5
    change = np.array([0.4, 0.4, 0.4])
    assert found.least == pytest.approx(-0.8, abs=1e-12)
    assert found.largest_change == pytest.approx(0.4, abs=2e-6)
    assert found.mean_change == pytest.approx(np.sqrt((change**2).mean()), abs=2e-6)
    uneven_ones = np.eye(4)
    for i, j, rho in ((0, 1, 0.95), (1, 2, 0.9), (0, 2, -0.3), (2, 3, 0.2)):
        uneven_ones[i, j] = uneven_ones[j, i] = rho
    found = smoothed(uneven_ones)
    apart = (found.correlations - uneven_ones)[np.triu_indices(4, 1)]
    assert found.mean_change == pytest.approx(np.sqrt((apart**2).mean()), rel=1e-12)
    assert found.largest_change == pytest.approx(np.abs(apart).max(), rel=1e-12)


def test_a_factor_without_variance_has_no_loadings() -> None:
    # one factor makes these correlations exactly: nothing is left for a second
    loads = np.array([0.8, 0.7, 0.6, 0.5])
    correlations = np.outer(loads, loads)
    np.fill_diagonal(correlations, 1.0)
    state = next(extract(correlations, 3, "minres", start=np.full(4, 0.9)))
    kept = np.linalg.eigvalsh(correlations - 0.9 * np.eye(4))[::-1][:3]
    assert kept[1] < 0  # the start's own uniquenesses are too large
    assert np.abs(state.loadings()[:, 1:]).max() == 0.0


def test_of_starts_alike_the_one_that_stood_still_is_kept() -> None:
    data, _ = leaning(simple_structure(12, 2, 0.8), 0.4, 60, 1)
    found = last(factors_of(pack(data), 2, extraction="ml", n_init=10)).answer
    assert found.converged
    # 1e-9: misfits of smoothed correlations that near are the same
    assert found.objective <= min(found.starts) * (1 + 1e-9)


def test_bartletts_factor_counts_products_and_factors() -> None:
    # by hand: n - 1 - (2 J + 5) / 6 - 2 m / 3 with J = 6, m = 1, n = 100
    loadings = np.full((6, 1), 0.6)
    model = loadings @ loadings.T + np.diag(np.full(6, 0.64))
    other = model.copy()
    other[0, 1] = other[1, 0] = 0.5
    told = fit_statistics(other, loadings, np.full(6, 0.64), 100)
    of_model, of_data = (np.linalg.slogdet(each)[1] for each in (model, other))
    misfit = of_model - of_data + np.trace(np.linalg.solve(model, other)) - 6
    chi2 = (99 - 17 / 6 - 2 / 3) * misfit
    assert told.chi2 == pytest.approx(chi2, rel=1e-12)
    assert told.null_chi2 == pytest.approx(-(99 - 17 / 6) * of_data, rel=1e-12)
    assert told.rmsea == pytest.approx(np.sqrt(max(0.0, chi2 - 9) / (9 * 99)))
    assert told.bic == pytest.approx(chi2 - 9 * np.log(100))
    null = told.null_chi2 / 15
    assert told.tli == pytest.approx((null - chi2 / 9) / (null - 1))


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_shares_of_data_with_gaps_are_those_of_burts_table(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = (random.random((200, 5)) < random.uniform(0.2, 0.8, 5)).astype(np.uint8)
    values[random.random(values.shape) < 0.2] = 255
    found = last(map_of(pack(values, missing=values == 255))).answer
    told = inertia(found)
    known = np.where(values == 255, np.nan, values)
    filled = np.where(values == 255, np.nanmean(known, axis=0), known)
    both = np.stack([filled, 1 - filled], axis=2).reshape(200, 10)
    burt = both.T @ both / 200 / 25
    masses = burt.sum(axis=0)
    cells = (burt - np.outer(masses, masses)) ** 2 / np.outer(masses, masses)
    product = np.arange(10) // 2
    apart = cells[product[:, None] != product].sum()
    adjusted = told.adjusted / (1.25 * apart)
    np.testing.assert_allclose(told.greenacre_share, adjusted, atol=1e-12)
    assert told.greenacre_share.sum() <= 1 + 1e-12


@pytest.mark.parametrize("init", ["nndsvd", "nndsvda"])
def test_one_part_whose_start_is_the_optimum_has_converged(init: str) -> None:
    # singular vectors are the best single part (Perron): the first slopes are rounding
    values = (np.random.default_rng(3).random((120, 17)) < 0.6).astype(np.uint8)
    found = last(parts_of(pack(values), 1, init=init)).answer
    assert found.converged
    assert found.iterations < 20
    squares = float(np.linalg.eigvalsh(values.T.astype(float) @ values)[-1])
    assert found.explained == pytest.approx(squares / values.sum(), rel=1e-9)


@pytest.mark.parametrize("linkage", ["ward", "complete", "average", "single"])
@pytest.mark.parametrize("groups", [2, 3, 5, 8, 9])
def test_as_many_groups_as_were_asked_for_come_out_where_distances_are_alike(
    linkage: str, groups: int
) -> None:
    points = np.array([[i, j] for i in range(3) for j in range(3)], np.float64)
    found = last(grouped(points, method="hierarchical", groups=groups, linkage=linkage))
    sizes = np.bincount(found.labels)
    assert len(sizes) == groups
    assert (np.diff(sizes) <= 0).all() and sizes.min() >= 1


@pytest.mark.parametrize("scale", [1.0, 3.0, 10.0])
def test_the_grid_is_fine_enough_for_loadings_as_steep_as_the_prior_lets(
    scale: float,
) -> None:
    steep = 4 * scale
    answers = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
    easiness = np.array([0.5, -0.4]) * steep

    def likelihood(nodes: Floats, log_weights: Floats) -> Floats:
        utility = nodes @ np.full((1, 2), steep) + easiness
        logs = answers @ utility.T - np.logaddexp(0, utility).sum(axis=1)
        return np.asarray(np.exp(logs + log_weights).sum(axis=1))

    fine = np.arange(-6, 6.001, 0.001)[:, None]
    weights = np.exp(-(fine[:, 0] ** 2) / 2)
    known = likelihood(fine, np.log(weights / weights.sum()))
    found = likelihood(*grid(1, 0.4, steep))
    # some exp(-8) for each product, by the poles of logistic: tenths of a percent
    np.testing.assert_allclose(found, known, atol=1e-3)
    assert found[0] == pytest.approx(known[0], rel=4e-3)
