"""Tetrachoric correlations: published, in closed form, drawn, and of odd tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.market.factors.bivariate_normal import both_exceed, density
from flask_api.domains.market.factors.parallel import parallel_analysis
from flask_api.domains.market.factors.smoothing import FLOOR, smoothed
from flask_api.domains.market.factors.tetrachoric import tetrachoric
from flask_api.domains.market.patterns.pairs import PairCounts, pairs_of
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.binary_tables import (
    Floats,
    leaning,
    patterns_of,
    published,
    simple_structure,
)


def table(both: float, first: float, second: float, neither: float) -> PairCounts:
    """Counts of one pair of products."""
    counts = np.array([both, first, second, neither])
    rows = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    return pairs_of(pack(rows, counts=counts))


def by_high_precision(h: float, k: float, rho: float) -> float:
    """P(X > h, Y > k) by mpmath: the density over the angle, 30 digits."""
    mpmath: Any = pytest.importorskip("mpmath", reason="an oracle of development")
    with mpmath.workdps(30):
        high, wide = mpmath.mpf(h), mpmath.mpf(k)
        both, squares = high * wide, high**2 + wide**2

        def over(t: Any) -> Any:
            sine = mpmath.sin(t)
            return mpmath.exp(-(squares - 2 * both * sine) / (2 * mpmath.cos(t) ** 2))

        ends = mpmath.linspace(0, mpmath.asin(mpmath.mpf(rho)), 9)
        area = mpmath.quad(over, ends) / (2 * mpmath.pi)
        return float(area + mpmath.ncdf(-high) * mpmath.ncdf(-wide))


def test_lsat6_has_the_published_correlations_and_thresholds() -> None:
    found = tetrachoric(pairs_of(patterns_of("lsat6_patterns.csv")))
    # solved independently to 1e-12, and by scipy with brentq to 2e-15
    np.testing.assert_allclose(found.correlations, published()["rho"], atol=1e-12)
    np.testing.assert_allclose(found.thresholds, published()["tau"], atol=1e-12)
    first = found.correlations[0]
    assert first[1:] == pytest.approx(
        [0.1703163977, 0.2275219449, 0.1071860828, 0.0665006135], abs=1e-10
    )
    assert found.shares == pytest.approx(published()["margins"], abs=1e-15)
    # psych's optimiser stops early: good to 1e-4, as its own documentation shows
    theirs = published()["psych_2.2.9"]["rho_upper"]
    ours = found.correlations[np.triu_indices(5, 1)]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    "rho", [0.0, 0.2, -0.3, 0.5, -0.76, 0.925, 0.93, -0.95, 0.99, -0.999, 0.99999]
)
def test_both_exceed_agrees_with_thirty_digits(rho: float) -> None:
    pairs = [(0.3, -0.8), (1.1, 1.1), (1.4, -1.4), (3.2, 2.9), (-2.6, 3.1), (0.0, 0.0)]
    h, k = np.array(pairs).T
    found = both_exceed(h, k, np.full(len(h), rho))
    wanted = [by_high_precision(a, b, rho) for a, b in pairs]
    # Genz (2004) states 1e-15
    np.testing.assert_allclose(found, wanted, atol=1e-15)


def test_perfect_correlation_is_the_rarer_of_both_or_what_is_between() -> None:
    h, k = np.array([0.3, -1.0, 0.3]), np.array([0.5, 0.2, -0.5])
    tails = [0.30853753872598690, 0.42074029056089696, 0.38208857781104733]
    assert both_exceed(h, k, np.ones(3)) == pytest.approx(tails, abs=1e-15)
    # P(X > h, -X > k) = P(h < X < -k)
    between = [0.0, 0.2620850367, 0.0735510391]
    assert both_exceed(h, k, -np.ones(3)) == pytest.approx(between, abs=1e-9)


def test_the_density_is_the_slope_of_both_exceed() -> None:
    h, k, rho = np.array([0.4]), np.array([-0.7]), np.array([0.6])
    step = 1e-5
    slope = (both_exceed(h, k, rho + step) - both_exceed(h, k, rho - step)) / (2 * step)
    # central difference: error of order step^2
    assert slope == pytest.approx(density(h, k, rho), rel=1e-8)


@pytest.mark.parametrize("both", [0.01, 0.1, 0.25, 0.4, 0.49])
def test_products_bought_by_half_follow_sheppards_formula(both: float) -> None:
    n = 10_000
    alike, apart = round(n * both), round(n * (0.5 - both))
    pairs = table(alike, apart, apart, alike)
    rho = tetrachoric(pairs).correlations[0, 1]
    assert rho == pytest.approx(np.sin(np.pi / 2 * (4 * both - 1)), abs=1e-14)


@settings(max_examples=150, deadline=None)
@given(st.tuples(*[st.integers(1, 2_000)] * 4))
def test_the_correlation_gives_back_the_table(cells: tuple[int, int, int, int]) -> None:
    n = sum(cells)
    found = tetrachoric(table(*map(float, cells)))
    h, k = found.thresholds
    again = both_exceed(np.array([h]), np.array([k]), found.correlations[:1, 1])
    assert again[0] == pytest.approx(cells[0] / n, abs=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(1, 300)] * 4), st.integers(2, 40))
def test_ten_times_the_rows_tell_the_same_correlation_with_less_error(
    cells: tuple[int, int, int, int], times: int
) -> None:
    once = tetrachoric(table(*map(float, cells)))
    more = tetrachoric(table(*(float(times * cell) for cell in cells)))
    np.testing.assert_allclose(more.correlations, once.correlations, atol=1e-13)
    np.testing.assert_allclose(
        more.standard_errors * np.sqrt(times), once.standard_errors, rtol=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(7)))
def test_permuting_products_permutes_correlations(seed: int, order: list[int]) -> None:
    data, _ = leaning(simple_structure(7, 2), 0.3, 200, seed)
    plain = tetrachoric(pairs_of(pack(data)))
    moved = tetrachoric(pairs_of(pack(data[:, order])))
    np.testing.assert_allclose(
        moved.correlations, plain.correlations[np.ix_(order, order)], atol=1e-13
    )
    assert len(moved.zero_cells) == len(plain.zero_cells)


def test_true_correlations_lie_within_their_standard_errors() -> None:
    loadings = simple_structure(6, 2, 0.8)
    thresholds = np.array([0.0, 0.5, -0.5, 1.0, 1.3, -1.0])
    truth = loadings @ loadings.T
    above = np.triu_indices(6, 1)
    far: list[Floats] = []
    for seed in range(60):
        data, _ = leaning(loadings, thresholds, 1500, seed)
        found = tetrachoric(pairs_of(pack(data)))
        apart = (found.correlations - truth) / np.where(
            found.standard_errors > 0, found.standard_errors, 1
        )
        far.append(apart[above])
    z = np.array(far)
    # 900 standardised errors: their spread is 1 to 1/sqrt(2 * 900) = 0.024, four times
    assert z.std() == pytest.approx(1.0, abs=0.1)
    # a mean of 60 scatters by 0.13; the largest of 15 stays below four of it
    assert np.abs(z.mean(axis=0)).max() < 0.52


def test_missing_values_leave_a_row_out_of_its_pairs_alone() -> None:
    data, _ = leaning(simple_structure(5, 1), 0.2, 800, 3)
    missing = np.random.default_rng(1).random(data.shape) < 0.25
    found = tetrachoric(pairs_of(pack(data, missing)))
    for i, j in [(0, 1), (2, 4), (1, 3)]:
        known = ~missing[:, [i, j]].any(axis=1)
        alone = tetrachoric(pairs_of(pack(data[known][:, [i, j]])))
        assert found.rows[i, j] == known.sum()
        assert found.correlations[i, j] == pytest.approx(
            alone.correlations[0, 1], abs=1e-13
        )


def test_rows_counted_and_rows_repeated_are_the_same() -> None:
    data, _ = leaning(simple_structure(4, 1), 0.2, 50, 3)
    counts = np.arange(len(data)) % 4
    counted = pairs_of(pack(data, counts=counts))
    repeated = pairs_of(pack(np.repeat(data, counts, axis=0)))
    np.testing.assert_array_equal(counted.both, repeated.both)
    np.testing.assert_array_equal(counted.known, repeated.known)


def test_an_empty_cell_is_filled_by_half_a_row_and_named() -> None:
    found = tetrachoric(table(0, 30, 20, 50))
    assert found.zero_cells == ((0, 1),)
    again = both_exceed(
        found.thresholds[:1], found.thresholds[1:], found.correlations[:1, 1]
    )
    assert again[0] == pytest.approx(0.5 / 100, abs=1e-14)
    assert found.thresholds == pytest.approx([0.5244005, 0.8416212], abs=1e-7)
    assert not tetrachoric(table(1, 29, 19, 51)).zero_cells


def test_copies_are_named_and_correlate_almost_perfectly() -> None:
    data, _ = leaning(simple_structure(3, 1), 0.2, 400, 3)
    data = np.column_stack([data, data[:, 0], 1 - data[:, 1]])
    found = tetrachoric(pairs_of(pack(data)))
    assert found.copies == ((0, 3, False), (1, 4, True))
    # half a row in each empty cell of 400 leaves a little below 1
    assert 0.99 < found.correlations[0, 3] < 1
    assert -1 < found.correlations[1, 4] < -0.99


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([[1, 0, 1]], "one row"),
        ([[1], [0]], "2 or more"),
        ([[0, 0], [0, 0]], "always 0"),
        ([[1, 0], [1, 1]], "column 1 .always 1"),
    ],
)
def test_data_without_correlations_are_refused(
    data: list[list[int]], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        tetrachoric(pairs_of(pack(np.array(data))))


def test_a_pair_that_is_never_told_apart_is_refused_by_its_columns() -> None:
    data = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 0], [1, 0, 1]])
    missing = np.zeros(data.shape, bool)
    missing[[0, 3, 4], 1] = True  # where 2 is known, 1 was never bought
    with pytest.raises(InputError, match="columns 1 and 2") as caught:
        tetrachoric(pairs_of(pack(data, missing)))
    assert isinstance(caught.value.details, list)
    assert {"columns": [1, 2]} in caught.value.details


def test_smoothing_mends_what_does_not_fit_together_and_tells_the_change() -> None:
    wrong = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]])
    found = smoothed(wrong)
    assert found.changed
    assert found.least == pytest.approx(-0.8, abs=1e-12)  # of 1 + 2 cos: -0.8, 1.9, 1.9
    np.testing.assert_allclose(np.diag(found.correlations), 1.0)
    assert np.linalg.eigvalsh(found.correlations)[0] >= FLOOR / 3
    change = np.abs(found.correlations - wrong).max()
    assert found.largest_change == pytest.approx(change, abs=1e-15)
    # by symmetry +-0.9 become +-0.5, the nearest matrix there is
    assert found.correlations[0, 1] == pytest.approx(0.5, abs=1e-5)
    right = smoothed(np.eye(3))
    assert not right.changed and right.largest_change == 0


def test_fewer_rows_than_products_are_smoothed() -> None:
    data, _ = leaning(simple_structure(20, 2), 0.0, 12, 5)
    data = data[:, (data.min(axis=0) == 0) & (data.max(axis=0) == 1)]
    found = tetrachoric(pairs_of(pack(data)))
    smooth = smoothed(found.correlations)
    assert smooth.changed and smooth.least < 0


def last_parallel(patterns: Patterns, shares: Floats, replicates: int) -> Floats:
    *_, state = parallel_analysis(patterns, shares, replicates, seed=4)
    assert state.finished and state.rows == state.total
    return state.eigenvalues


def test_chance_eigenvalues_are_as_wide_as_random_matrices_say() -> None:
    data = np.random.default_rng(2).integers(0, 2, (4000, 12)).astype(np.uint8)
    found = last_parallel(pack(data), np.full(12, 0.5), 30)
    assert found.shape == (30, 12)
    # of halves a correlation is about pi/2 of phi's, whose spread is 1/sqrt(4000)
    spread = np.pi / 2 / np.sqrt(4000)
    trace = (found**2).sum(axis=1).mean() - 12
    # sum of 2 * 66 squared correlations; 30 tables scatter by 2 / sqrt(30 * 132)
    assert trace == pytest.approx(132 * spread**2, rel=0.13)


def test_parallel_analysis_keeps_rows_and_gaps_of_the_data() -> None:
    data = np.random.default_rng(2).integers(0, 2, (1500, 6)).astype(np.uint8)
    gaps = np.random.default_rng(3).random(data.shape) < 0.6
    whole = last_parallel(pack(data), np.full(6, 0.5), 20)
    some = last_parallel(pack(data, gaps), np.full(6, 0.5), 20)
    # 0.16 of the rows know both of a pair: correlations scatter 2.5 times as much
    ratio = ((some**2).sum(axis=1).mean() - 6) / ((whole**2).sum(axis=1).mean() - 6)
    assert ratio == pytest.approx(1 / 0.16, rel=0.35)  # 20 tables of 15 pairs each
