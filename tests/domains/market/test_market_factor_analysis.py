"""Factor analysis: published loadings, peers, recovery, and what can't be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ncx2

from flask_api.domains.market.factors import extraction as extraction_module
from flask_api.domains.market.factors.extraction import Extraction, extract
from flask_api.domains.market.factors.fit import Factors, fit
from flask_api.domains.market.factors.fit_statistics import (
    degrees_of_freedom,
    fit_statistics,
)
from flask_api.domains.market.factors.misfit import Misfit
from flask_api.domains.market.factors.rotation import rotate
from flask_api.domains.market.factors.scores import scores, scoring
from flask_api.domains.market.factors.selection import Selecting, recommend, select
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.binary_tables import (
    Bytes,
    Floats,
    leaning,
    patterns_of,
    published,
    simple_structure,
)


def extracted(correlations: Floats, factors: int, method: str) -> Extraction:
    *_, last = extract(correlations, factors, method)
    return last


def fitted(patterns: Patterns, factors: int, **settings: Any) -> Factors:
    *_, last = fit(patterns, factors, **settings)
    assert last.phase == "finished" and last.answer is not None
    return last.answer


def normal_correlations(
    loadings: Floats, rows: int, seed: int
) -> tuple[Floats, Floats]:
    """Standardised normal data drawn from factors, and their correlations."""
    random = np.random.default_rng(seed)
    own = np.sqrt(1 - (loadings**2).sum(axis=1))
    data = random.standard_normal((rows, loadings.shape[1])) @ loadings.T
    data += own * random.standard_normal((rows, len(loadings)))
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    return data, data.T @ data / rows


def cross_loaded(items: int, factors: int) -> Floats:
    """A simple structure with something of all factors in each product."""
    random = np.random.default_rng(items)
    extra = random.uniform(0, 0.25, (items, factors))
    return np.asarray(simple_structure(items, factors, 0.65) + extra)


def test_lsat6_has_the_published_loadings_by_maximum_likelihood() -> None:
    found = fitted(patterns_of("lsat6_patterns.csv"), 1, extraction="ml")
    # the published digits, from our exact correlations
    assert found.loadings[:, 0] == pytest.approx(
        [0.3817, 0.4062, 0.4863, 0.3693, 0.3191], abs=6e-5
    )
    assert found.converged and not found.heywood and found.reached == 10


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_psychs_correlations_give_psychs_loadings(method: str) -> None:
    theirs = published()["psych_2.2.9"]
    correlations = np.eye(5)
    correlations[np.triu_indices(5, 1)] = theirs["rho_upper"]
    correlations = correlations + correlations.T - np.eye(5)
    found = extracted(correlations, 1, method)
    # R's optim stops at a relative 1.5e-8 of the misfit: loadings to its square root
    ours, wanted = found.loadings()[:, 0], theirs[f"fa_{method}_1"]
    np.testing.assert_allclose(ours, wanted, atol=2e-5)


def test_lsat6_has_the_published_chi_square() -> None:
    theirs = published()["psych_2.2.9"]
    correlations = np.eye(5)
    correlations[np.triu_indices(5, 1)] = theirs["rho_upper"]
    correlations = correlations + correlations.T - np.eye(5)
    found = extracted(correlations, 1, "ml")
    statistics = fit_statistics(
        correlations, found.loadings(), found.uniquenesses, 1000
    )
    assert statistics.degrees == theirs["ml_dof"]
    assert statistics.chi2 == pytest.approx(theirs["ml_chi2"], abs=1e-6)


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_a_factor_matrix_gives_back_its_loadings_exactly(method: str) -> None:
    loadings = cross_loaded(9, 2)
    exact = loadings @ loadings.T
    np.fill_diagonal(exact, 1.0)
    found = extracted(exact, 2, method)
    assert found.converged and found.objective < 1e-20
    ours = found.loadings()
    np.testing.assert_allclose(ours @ ours.T, loadings @ loadings.T, atol=1e-9)
    # unrotated factors of ML are at right angles in the metric of the uniquenesses
    metric = 1 / found.uniquenesses if method == "ml" else np.ones(9)
    between = (ours * metric[:, None]).T @ ours
    assert abs(between[0, 1]) < 1e-9 < between[1, 1] < between[0, 0]


def test_one_factor_of_three_products_has_its_closed_form() -> None:
    correlations = np.array([[1, 0.48, 0.4], [0.48, 1, 0.3], [0.4, 0.3, 1.0]])
    found = extracted(correlations, 1, "minres").loadings()[:, 0]
    # loading^2 of the first = r12 r13 / r23
    wanted = np.sqrt([0.48 * 0.4 / 0.3, 0.48 * 0.3 / 0.4, 0.4 * 0.3 / 0.48])
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_scikit_learn_finds_the_same_uniquenesses() -> None:
    peer = pytest.importorskip("sklearn.decomposition")
    data, correlations = normal_correlations(cross_loaded(9, 2), 600, 2)
    theirs = peer.FactorAnalysis(2, tol=1e-10, max_iter=20_000, svd_method="lapack")
    theirs.fit(data)
    found = extracted(correlations, 2, "ml")
    # its EM creeps: what it has left at a change of 1e-10
    np.testing.assert_allclose(theirs.noise_variance_, found.uniquenesses, atol=2e-5)


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_first_and_second_derivatives_are_those_of_the_misfit(method: str) -> None:
    _, correlations = normal_correlations(cross_loaded(7, 2), 300, 3)
    psi = np.random.default_rng(1).uniform(0.3, 0.9, 7)
    state = Extraction(method, 2, correlations, psi)
    judged = extraction_module._judged
    moved = np.log(psi) if method == "ml" else psi
    here = judged(state, psi)
    gradient, hessian = here.slope, here.curvature()
    step = 1e-5
    for i in range(7):
        ends = []
        for sign in (1, -1):
            x = moved + sign * step * (np.arange(7) == i)
            ends.append(judged(state, np.exp(x) if method == "ml" else x))
        slope = (ends[0].value - ends[1].value) / (2 * step)
        curve = (ends[0].slope - ends[1].slope) / (2 * step)
        # central differences of step 1e-5: some 1e-10 of either
        assert slope == pytest.approx(gradient[i], abs=1e-8)
        np.testing.assert_allclose(curve, hessian[i], atol=1e-7)


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_no_start_finds_a_smaller_misfit_than_the_one_kept(method: str) -> None:
    data, _ = leaning(cross_loaded(12, 3), 0.3, 400, 8)
    found = fitted(pack(data), 3, extraction=method, n_init=20)
    assert found.objective <= min(found.starts) * (1 + 1e-9)  # alike: rounding
    assert 1 <= found.reached <= 20


def test_two_factors_turned_by_varimax_are_at_the_best_angle() -> None:
    loadings = extracted(
        normal_correlations(cross_loaded(10, 2), 400, 1)[1], 2, "minres"
    ).loadings()
    scaled = loadings / np.sqrt((loadings**2).sum(axis=1, keepdims=True))

    def simplicity(turned: Floats) -> float:
        return float((turned**2).var(axis=0).sum())

    angles = np.linspace(0, np.pi / 2, 20_001)
    best = max(
        simplicity(scaled @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]))
        for a in angles
    )
    found = rotate(loadings, "varimax")
    assert found.converged
    reached = simplicity(
        found.loadings / np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    )
    # the grid is 8e-5 apart, and flat at the top
    assert reached == pytest.approx(best, abs=1e-8) and reached >= best - 1e-12
    np.testing.assert_allclose(found.correlations, np.eye(2), atol=1e-12)


def test_two_factors_turned_by_oblimin_are_at_the_best_pair_of_angles() -> None:
    loadings = extracted(
        normal_correlations(cross_loaded(10, 2), 400, 1)[1], 2, "minres"
    ).loadings()

    def complexity(a: float, b: float) -> float:
        t = np.array([[np.cos(a), np.cos(b)], [np.sin(a), np.sin(b)]])
        squares = (loadings @ np.linalg.inv(t).T) ** 2
        return float((squares[:, 0] * squares[:, 1]).sum())

    grid = np.linspace(0, np.pi, 181)
    best = min(complexity(a, b) for a in grid for b in grid if abs(np.sin(a - b)) > 0.3)
    found = rotate(loadings, "oblimin")
    squares = found.loadings**2
    reached = float((squares[:, 0] * squares[:, 1]).sum())
    assert found.converged and reached <= best
    assert reached == pytest.approx(best, rel=0.02)  # a grid of degrees
    again = found.loadings @ found.correlations @ found.loadings.T
    np.testing.assert_allclose(again, loadings @ loadings.T, atol=1e-12)
    np.testing.assert_allclose(loadings @ found.turned, found.loadings, atol=1e-12)


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
def test_rotations_find_a_simple_structure_and_its_correlated_factors(
    method: str,
) -> None:
    simple = simple_structure(12, 3, 0.7)
    between = np.full((3, 3), 0.0 if method == "varimax" else 0.3)
    np.fill_diagonal(between, 1.0)
    exact = simple @ between @ simple.T
    np.fill_diagonal(exact, 1.0)
    found = rotate(extracted(exact, 3, "minres").loadings(), method)
    # promax aims at powers, not at zeros: near, not exact
    near = 0.03 if method == "promax" else 1e-6
    largest = found.loadings.argmax(axis=1)
    for product in range(12):
        others = np.delete(found.loadings[product], largest[product])
        assert np.abs(others).max() < near
        assert found.loadings[product].max() == pytest.approx(0.7, abs=near)
    np.testing.assert_allclose(np.sort(found.correlations), np.sort(between), atol=near)


def test_rmsea_interval_is_where_the_chi_square_is_a_quantile() -> None:
    _, correlations = normal_correlations(cross_loaded(12, 3), 500, 6)
    found = extracted(correlations, 2, "ml")
    told = fit_statistics(correlations, found.loadings(), found.uniquenesses, 500)
    size = told.degrees * 499
    assert told.rmsea is not None and told.rmsea_low is not None
    assert told.rmsea_high is not None
    assert told.rmsea_low < told.rmsea < told.rmsea_high
    for end, level in [(told.rmsea_low, 0.95), (told.rmsea_high, 0.05)]:
        assert ncx2.cdf(told.chi2, told.degrees, end**2 * size) == pytest.approx(level)
    # the discrepancy at the optimum is what the search made least
    assert told.discrepancy == pytest.approx(found.objective, abs=1e-9)


def test_chi_square_of_true_factors_has_its_distribution() -> None:
    loadings = simple_structure(8, 2, 0.6)
    told = []
    for seed in range(150):
        _, correlations = normal_correlations(loadings, 400, seed)
        found = extracted(correlations, 2, "ml")
        told.append(
            fit_statistics(correlations, found.loadings(), found.uniquenesses, 400)
        )
    values = np.array([each.chi2 for each in told])
    degrees = told[0].degrees
    assert degrees == 13 == degrees_of_freedom(8, 2)
    # mean of 150 chi squares: scatter sqrt(2 * 13 / 150) = 0.42, four times
    assert values.mean() == pytest.approx(degrees, abs=1.7)
    high = np.mean([(each.p_value or 0) < 0.05 for each in told])
    assert high < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 150)


def test_loadings_are_recovered_from_purchases_within_their_scatter() -> None:
    truth = simple_structure(12, 3, 0.7)
    thresholds = np.linspace(-0.8, 0.8, 12)
    found = []
    for seed in range(20):
        data, _ = leaning(truth, thresholds, 2000, seed)
        answer = fitted(pack(data), 3, n_init=2, seed=seed)
        order = [int(answer.loadings[k].argmax()) for k in range(3)]
        found.append(answer.loadings[:, order])
    far = np.array(found) - truth
    scatter = far.std(axis=0)
    # a correlation of 2000 scatters by some 0.035, loadings a little less or more
    assert scatter.max() < 0.06
    assert np.abs(far.mean(axis=0)).max() < 4 * scatter.max() / np.sqrt(20)


def data_and_factors() -> tuple[Bytes, Floats]:
    return leaning(simple_structure(15, 3, 0.75), np.linspace(-1, 1, 15), 30_000, 5)


def test_scores_are_as_reliable_as_they_say() -> None:
    data, truth = data_and_factors()
    patterns = pack(data)
    answer = fitted(patterns, 3, n_init=1)
    known = scoring(answer)
    given = patterns.expand(scores(patterns, known))
    order = [int(answer.loadings[k].argmax()) for k in range(3)]
    for k in range(3):
        reached = np.corrcoef(given[:, order[k]], truth[:, k])[0, 1] ** 2
        # 30,000 rows: a squared correlation of 0.7 scatters by 0.003, four times
        assert reached == pytest.approx(known.reliability[order[k]], abs=0.012)
        assert given[:, k].mean() == pytest.approx(0, abs=1e-10)
    # regression: what is told is told without a slope
    slope = np.polyfit(given[:, order[0]], truth[:, 0], 1)[0]
    assert slope == pytest.approx(1.0, abs=0.03)


def test_no_other_linear_score_comes_nearer_to_the_factor() -> None:
    data, truth = data_and_factors()
    patterns = pack(data)
    answer = fitted(patterns, 3, n_init=1)
    given = patterns.expand(scores(patterns, scoring(answer)))
    order = int(answer.loadings[0].argmax())
    centred = data - data.mean(axis=0)
    best, *_ = np.linalg.lstsq(centred, truth[:, 0], rcond=None)  # knows the truth
    reached = np.corrcoef(given[:, order], truth[:, 0])[0, 1] ** 2
    possible = np.corrcoef(centred @ best, truth[:, 0])[0, 1] ** 2
    assert possible - 0.003 < reached <= possible + 1e-12


def test_scores_of_rows_with_gaps_use_what_is_known() -> None:
    data, truth = data_and_factors()
    missing = np.random.default_rng(0).random(data.shape) < 0.3
    missing[0] = True
    patterns = pack(data, missing)
    answer = fitted(patterns, 3, n_init=1)
    known = scoring(answer)
    given = patterns.expand(scores(patterns, known))
    assert given[0] == pytest.approx(np.zeros(3), abs=1e-12)  # nothing known: the mean
    row = 7
    seen = ~missing[row]
    weights = np.linalg.solve(
        known.covariance[np.ix_(seen, seen)], known.with_factors[seen]
    )
    by_hand = (data[row] - known.means)[seen] @ weights
    np.testing.assert_allclose(given[row], by_hand, atol=1e-12)
    order = int(answer.loadings[0].argmax())
    slope = np.polyfit(given[:, order], truth[:, 0], 1)[0]
    assert slope == pytest.approx(1.0, abs=0.04)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(8)))
def test_permuting_products_permutes_factors(seed: int, order: list[int]) -> None:
    data, _ = leaning(cross_loaded(8, 2), 0.2, 3000, seed)
    plain = fitted(pack(data), 2, n_init=8)
    moved = fitted(pack(data[:, order]), 2, n_init=8)
    assert moved.objective == pytest.approx(plain.objective, abs=1e-9)
    np.testing.assert_allclose(
        moved.communalities, plain.communalities[order], atol=1e-4
    )
    np.testing.assert_allclose(moved.loadings, plain.loadings[order], atol=1e-3)


def test_the_same_seed_gives_the_same_bits() -> None:
    data, _ = leaning(cross_loaded(10, 2), 0.2, 500, 1)
    once, again = (fitted(pack(data), 2, seed=3) for _ in range(2))
    np.testing.assert_array_equal(once.loadings, again.loadings)
    assert once.starts == again.starts


def test_a_fit_can_be_watched_and_left() -> None:
    data, _ = leaning(cross_loaded(10, 2), 0.2, 500, 1)
    phases, best = [], np.inf
    for state in fit(pack(data), 2):
        phases.append(state.phase)
        assert 0 <= state.done <= state.total
        if state.best is not None:
            assert state.best.objective <= best + 1e-14
            best = state.best.objective
    wanted = ["correlating", "extracting", "rotating", "finished"]
    assert list(dict.fromkeys(phases)) == wanted
    assert state.done == state.total


def test_copies_of_a_product_make_a_heywood_case() -> None:
    data, _ = leaning(simple_structure(6, 1, 0.6), 0.1, 600, 2)
    found = fitted(pack(np.column_stack([data, data[:, 0]])), 2)
    assert found.tetrachoric.copies == ((0, 6, False),)
    assert set(found.heywood) & {0, 6}
    assert found.uniquenesses.min() == pytest.approx(0.005)
    told = scoring(found)
    assert ((told.reliability > 0) & (told.reliability < 1)).all()


def test_loadings_above_one_still_have_scores() -> None:
    # products 1, 4 and 5 are mirror images: half a row keeps them from correlating by 1
    kinds = [([1, 1, 1, 0, 0], 12), ([0, 0, 0, 1, 1], 11), ([1, 1, 0, 0, 0], 5)]
    kinds += [([0, 0, 1, 1, 1], 5), ([1, 0, 1, 0, 0], 4), ([0, 1, 0, 1, 1], 3)]
    patterns = pack(
        np.array([bought for bought, _ in kinds]),
        counts=np.array([times for _, times in kinds]),
    )
    found = fitted(patterns, 1)
    assert found.heywood == (0, 3, 4) and found.communalities.max() > 1
    told = scoring(found)
    assert 0.5 < told.reliability[0] < 1
    assert np.isfinite(scores(patterns, told)).all()


def test_as_many_numbers_as_correlations_leave_the_test_undefined() -> None:
    data, _ = leaning(simple_structure(4, 1, 0.6), 0.1, 600, 2)
    found = fitted(pack(data), 2).statistics
    assert found.degrees == -1
    assert found.p_value is found.rmsea is found.tli is found.rmsr_corrected is None


@pytest.mark.parametrize(
    ("settings", "words", "field"),
    [
        ({"n_factors": 4}, "4 factors for 4 products", "n_factors"),
        ({"n_factors": 0}, "0 factors", "n_factors"),
        ({"n_factors": 1, "rotation": "equamax"}, "equamax", "rotation"),
        ({"n_factors": 1, "extraction": "pca"}, "pca", "extraction"),
        ({"n_factors": 1, "n_init": 0}, "0 starts", "n_init"),
        ({"n_factors": 1, "max_iter": 0}, "0 iterations", "max_iter"),
    ],
)
def test_settings_out_of_range_are_refused(
    settings: dict[str, Any], words: str, field: str
) -> None:
    data, _ = leaning(simple_structure(4, 1, 0.6), 0.1, 100, 2)
    with pytest.raises(InputError, match=words) as caught:
        fitted(pack(data), **{"factors": settings.pop("n_factors"), **settings})
    assert caught.value.field in (field, f"params.{field}")


def selected(patterns: Patterns, **settings: Any) -> Selecting:
    *_, last = select(patterns, **settings)
    assert last.phase == "finished"
    return last


@pytest.mark.parametrize("factors", [1, 2, 4])
def test_as_many_factors_are_recommended_as_made_the_data(factors: int) -> None:
    loadings = simple_structure(4 * factors + 2, factors, 0.75)
    data, _ = leaning(loadings, 0.3, 2000, factors)
    found = selected(pack(data), n_init=2)
    assert found.recommendation is not None
    assert found.recommendation.n_factors == factors == found.recommendation.parallel
    assert len(found.table) >= factors
    assert any("RMSEA" in reason for reason in found.recommendation.reasons)
    shown = [each.statistics.rmsr for each in found.table]
    assert shown == sorted(shown, reverse=True)


def test_one_is_said_in_the_singular_and_names_are_used() -> None:
    data, _ = leaning(simple_structure(6, 1, 0.75), 0.3, 2000, 1)
    found = selected(pack(data), n_init=2).recommendation
    assert found is not None
    said = " | ".join(found.reasons)
    assert "| BIC is also lowest with 1 |" in said
    assert "| 1 eigenvalue exceeds 1 (Kaiser" in said
    state = selected(pack(data), n_init=2, names=list("abcdef"))
    state.table[1] = replace(state.table[1], heywood=(0, 4))
    state.eigenvalues[1] = 2.0  # as if chance could not reach it
    said = " | ".join(recommend(state).reasons)
    assert "the uniqueness of a, e falls to 0.005" in said


def test_independent_products_have_no_factor_and_the_reason_says_so() -> None:
    data = np.random.default_rng(6).integers(0, 2, (1500, 9)).astype(np.uint8)
    found = selected(pack(data), n_init=2).recommendation
    assert found is not None and found.parallel == 0 and found.n_factors == 1
    assert "may be no common factor" in found.reasons[0]


def test_a_broken_slope_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search trusts its derivatives: with wrong ones it does not stand still."""
    right = extraction_module._judged

    def wrong(state: Extraction, psi: Floats) -> Misfit:
        here = right(state, psi)
        here.slope = -here.slope
        return here

    _, correlations = normal_correlations(cross_loaded(9, 2), 300, 3)
    monkeypatch.setattr(extraction_module, "_judged", wrong)
    assert not extracted(correlations, 2, "ml").converged
