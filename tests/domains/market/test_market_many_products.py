"""Thousands of products: work in steps, with the numbers of work at once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logsumexp

from flask_api.domains.market.bayesian import kernels
from flask_api.domains.market.bayesian import scores as bayesian_scores
from flask_api.domains.market.bayesian.quadrature import grid
from flask_api.domains.market.bayesian.scores import rows_told
from flask_api.domains.market.correspondence.analysis import fit as map_of
from flask_api.domains.market.factors import (
    basis,
    extraction,
    parallel,
    scores,
    smoothing,
    tetrachoric,
)
from flask_api.domains.market.factors.extraction import extract
from flask_api.domains.market.factors.fit import fit
from flask_api.domains.market.factors.misfit import Misfit, decomposed
from flask_api.domains.market.factors.rotation import rotate, rotating
from flask_api.domains.market.factors.run import factor_tetrachoric
from flask_api.domains.market.factors.selection import select
from flask_api.domains.market.patterns import pairs, tridiagonal
from flask_api.domains.market.patterns.pairs import count_pairs, pairs_of
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.domains.market.runs.model import Problem
from tests.domains.market.market_requests import households

Floats = npt.NDArray[np.float64]
T = TypeVar("T")


def stepped(work: Generator[float, None, T]) -> tuple[list[float], T]:
    """The shares told, and what was found."""
    steps = Stepwise(work)
    shares = list(steps)
    return shares, steps.found


def purchases(rows: int = 400, items: int = 12, gaps: float = 0.0) -> Patterns:
    random = np.random.default_rng(5)
    leaning = random.normal(size=(rows, 2)) @ random.normal(size=(2, items))
    bought = leaning + random.normal(size=(rows, items)) > 0.4
    return pack(bought.astype(np.uint8), random.random((rows, items)) < gaps)


def correlations(items: int = 40, rows: int = 300) -> Floats:
    random = np.random.default_rng(7)
    data = random.normal(size=(rows, 3)) @ random.normal(size=(3, items))
    data += 2 * random.normal(size=(rows, items))
    return np.asarray(np.corrcoef(data, rowvar=False))


# -- eigenvalues in steps ------------------------------------------------------------


def matrices() -> dict[str, Floats]:
    random = np.random.default_rng(1)
    full = random.normal(size=(203, 203))
    low = random.normal(size=(203, 20))
    return {
        "full": full + full.T,
        "of rank 20": low @ low.T,
        "ones": np.ones((70, 70)),
        "diagonal": np.diag(random.normal(size=65)),
        "of one row": np.full((1, 1), 3.0),
        "of two rows": np.array([[2.0, 1.0], [1.0, 2.0]]),
    }


@pytest.mark.parametrize("name", matrices())
def test_eigenvalues_in_steps_are_those_of_lapack(name: str) -> None:
    matrix = matrices()[name]
    before, size = matrix.copy(), np.abs(matrix).max() * len(matrix)
    wanted = np.linalg.eigvalsh(matrix)
    values, vectors = stepped(tridiagonal.eigenpairs(matrix))[1]
    # rounding: some 1e-16 of the matrix's size in each of its sums
    np.testing.assert_allclose(values, wanted, atol=1e-14 * size)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-13 * size)
    own = np.eye(len(matrix))
    np.testing.assert_allclose(vectors.T @ vectors, own, atol=1e-12)
    count = min(3, len(matrix))
    every, first = stepped(tridiagonal.leading(matrix, count))[1]
    np.testing.assert_allclose(every, wanted[::-1], atol=1e-14 * size)
    assert first.shape == (len(matrix), count)
    residual = matrix @ first - first * every[:count]
    np.testing.assert_allclose(residual, 0, atol=1e-13 * size)
    np.testing.assert_array_equal(matrix, before)


def test_eigenvalues_of_a_large_matrix_come_in_many_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = correlations(200)
    monkeypatch.setattr(tridiagonal, "_TOGETHER", 2e5)
    shares, (values, _) = stepped(tridiagonal.leading(matrix, 2))
    assert len(shares) > 10 and shares == sorted(shares)
    assert 0 < shares[0] < 0.2 and shares[-1] == 1
    assert values.sum() == pytest.approx(200)  # the trace


def test_a_map_of_many_products_is_that_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns = pack((np.random.default_rng(3).random((900, 640)) < 0.3).astype(int))
    monkeypatch.setattr(tridiagonal, "_TOGETHER", 3e6)
    states = [(s.done, s.decomposed, s.answer) for s in map_of(patterns, 3)]
    told = [share for _, share, _ in states]
    assert told == sorted(told) and sum(0 < share < 1 for share in told) > 10
    found = states[-1][2]
    assert found is not None
    values, vectors = np.linalg.eigh(np.corrcoef(patterns_of(patterns), rowvar=False))
    np.testing.assert_allclose(found.eigenvalues * 640, values[::-1], atol=1e-12)
    same = np.abs((found.axes * vectors[:, ::-1][:, :3]).sum(axis=0))
    np.testing.assert_allclose(same, 1, atol=1e-9)
    assert found.rank == 640


def patterns_of(patterns: Patterns) -> Floats:
    return np.asarray(patterns.expand(patterns.ones(slice(None))), np.float64)


# -- factors -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_the_curvature_need_not_be_made_to_be_used(method: str) -> None:
    matrix, random = correlations(), np.random.default_rng(1)
    psi = random.uniform(0.4, 0.9, 40)
    here = Misfit(method, 3, decomposed(method, matrix, psi), psi)
    curvature, ahead = here.curvature(), random.normal(size=40)
    np.testing.assert_allclose(here.bent(ahead), curvature @ ahead, rtol=1e-10)
    free = random.random(40) < 0.8
    _, step = stepped(here.downhill(free))
    solved = np.linalg.solve(curvature[np.ix_(free, free)], -here.slope[free])
    # conjugate gradients end at a millionth of the slope
    np.testing.assert_allclose(step[free], solved, atol=1e-5 * np.abs(solved).max())
    assert not step[~free].any()


@pytest.mark.parametrize("method", ["minres", "ml"])
@pytest.mark.parametrize("large", [5, 1200])
def test_many_products_have_the_factors_of_few(
    method: str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = correlations()
    *_, small = extract(matrix, 3, method)
    wanted = small.uniquenesses.copy()
    monkeypatch.setattr(extraction, "SMALL", 5)
    monkeypatch.setattr(extraction, "LARGE", large)
    for start in (None, np.random.default_rng(2).uniform(0.01, 1, 40)):
        states = [
            (s.iteration, s.objective) for s in extract(matrix, 3, method, start=start)
        ]
        *_, found = extract(matrix, 3, method, start=start)
        assert found.converged
        # slopes end at 1e-11, of misfits with curvatures of some tenth
        np.testing.assert_allclose(found.uniquenesses, wanted, atol=1e-8)
        assert len(states) > 2 * found.iteration  # told within an iteration too


def test_a_matrix_is_smoothed_in_steps_as_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = correlations(30, 20)
    matrix[0, 1] = matrix[1, 0] = -0.9
    at_once = smoothing.smoothed(matrix)
    spectrum = stepped(smoothing.spectrum(matrix))[1]
    monkeypatch.setattr(smoothing, "LARGE", 5)
    shares, found = stepped(smoothing.smoothing(matrix))
    assert shares and at_once.changed and found.changed
    np.testing.assert_allclose(found.correlations, at_once.correlations, atol=1e-12)
    np.testing.assert_allclose(
        stepped(smoothing.spectrum(matrix))[1], spectrum, atol=1e-12
    )


def test_correlations_are_the_same_however_many_pairs_are_worked_out_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = pairs_of(purchases())
    at_once = tetrachoric.tetrachoric(counts)
    monkeypatch.setattr(tetrachoric, "PAIRS", 7)
    shares, found = stepped(tetrachoric.correlating(counts))
    assert len(shares) == 10 and shares[-1] == 1  # of 66 pairs
    # searches end at rounding, sums of other lengths round otherwise
    np.testing.assert_allclose(found.correlations, at_once.correlations, atol=1e-13)
    np.testing.assert_allclose(found.standard_errors, at_once.standard_errors, 1e-9)


def test_tables_of_chance_are_the_same_bits_however_they_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns, shares = purchases(gaps=0.1), np.linspace(0.2, 0.8, 12)
    *_, at_once = parallel.parallel_analysis(patterns, shares, 3, seed=9)
    monkeypatch.setattr(parallel, "CELLS", 12 * 67)
    told = []
    for state in parallel.parallel_analysis(patterns, shares, 3, seed=9):
        told.append(state.share)
    assert told == sorted(told) and told[-1] == pytest.approx(1)
    np.testing.assert_array_equal(state.eigenvalues, at_once.eigenvalues)


@pytest.mark.parametrize("gaps", [0.0, 0.1, 0.7])
def test_pairs_are_counted_within_a_block_too(
    gaps: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = pack(
        (np.random.default_rng(3).random((300, 150)) < 0.3).astype(int),
        np.random.default_rng(4).random((300, 150)) < gaps,
    )
    at_once = pairs_of(patterns)
    monkeypatch.setattr(pairs, "_PRODUCTS", 1)
    done = [counted.done for counted in count_pairs(patterns)]
    assert len(done) == 3 and done == sorted(done) and done[-1] == patterns.size
    found = pairs_of(patterns)
    for name in ("both", "bought", "known", "rows"):
        np.testing.assert_array_equal(getattr(found, name), getattr(at_once, name))
    whole = slice(None)
    ones, seen = (
        np.asarray(patterns.expand(cells), np.float64)
        for cells in (patterns.ones(whole), patterns.seen(whole))
    )
    np.testing.assert_array_equal(found.both, ones.T @ ones)
    np.testing.assert_array_equal(found.bought, ones.T @ seen)
    np.testing.assert_array_equal(found.known, seen.T @ seen)


@pytest.mark.parametrize("gaps", [0.1, 0.7])  # more known, or more missing
def test_scores_with_gaps_are_the_same_by_the_smaller_system(
    gaps: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = purchases(gaps=gaps)
    *_, state = fit(patterns, 2, n_init=2)
    assert state.answer is not None
    weights = scores.scoring(state.answer)
    side_by_side = scores.scores(patterns, weights)
    monkeypatch.setattr(scores, "_MANY", 5)
    found = scores.scores(patterns, weights)
    # condition numbers of some 1e2, of rounding 1e-16
    np.testing.assert_allclose(found, side_by_side, atol=1e-12)
    assert len(list(scores.pattern_scores(patterns, weights))) > 5


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
def test_a_rotation_without_an_end_is_told_and_stops(method: str) -> None:
    flat = np.random.default_rng(2).normal(size=(300, 12))
    shares, _ = stepped(rotating(flat, method))
    assert len(shares) >= 6 and shares == sorted(shares) and shares[-1] < 1


@pytest.mark.parametrize("seed", range(5))
def test_easy_factors_are_turned_to_the_end(seed: int) -> None:
    random = np.random.default_rng(seed)
    own = np.arange(40)[:, None] % 2 == np.arange(2)
    simple = random.uniform(0.4, 0.8, (40, 1)) * own
    simple += 0.05 * random.normal(size=simple.shape)
    turn, _ = np.linalg.qr(random.normal(size=(2, 2)))
    for method in ("varimax", "oblimin"):  # oblimin once crept on for 2,000 rounds
        found = rotate(simple @ turn, method)
        assert found.converged
        assert np.abs(found.loadings).min(axis=1).max() < 0.2  # one factor each


def problem(patterns: Patterns) -> Problem:
    values = patterns_of(patterns).astype(np.uint8)
    names = tuple(f"P{j}" for j in range(patterns.items))
    return Problem(values, names, 1, None)  # type: ignore[arg-type]


def test_a_run_of_factors_tells_rising_shares_and_each_misfit_once() -> None:
    settings = {
        "n_factors": 2,
        "extraction": "minres",
        "rotation": "varimax",
        "n_init": 2,
        "max_iter": 50,
        "parallel_replicates": 2,
    }
    steps = list(factor_tetrachoric(problem(purchases()), settings))
    shares = [step.done / step.total for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    words = [step.message for step in steps]
    order = ("Correlations", "Start 1/2", "Rotation", "Parallel", "Weights", "Distinct")
    first = [next(i for i, w in enumerate(words) if w.startswith(o)) for o in order]
    assert first == sorted(first)
    traced = [step.trace for step in steps if step.trace is not None]
    told = [
        (s.extra["start"], s.extra["iteration"]) for s in steps if s.trace is not None
    ]
    assert len(traced) > 4 and len(set(told)) == len(told)


def test_a_selection_counts_and_correlates_once_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted, own = [], tetrachoric.correlating

    def once(*given: Any) -> Any:
        counted.append(given)
        return own(*given)

    monkeypatch.setattr(basis, "correlating", once)
    shares = []
    for state in select(pack(households(300)), 2, replicates=2, n_init=2):
        shares.append(state.done / state.total)
    assert len(counted) == 1 and state.recommendation is not None
    assert shares == sorted(shares) and shares[-1] == 1


# -- densities -----------------------------------------------------------------------


def test_the_exponential_of_several_numbers_at_once_is_numpy_s() -> None:
    x = np.concatenate([np.linspace(0, 50, 20_001), np.geomspace(1e-300, 699, 2000)])
    found = np.array([kernels.faded(value) for value in x])
    # two units in the last place
    np.testing.assert_allclose(found, np.exp(-x), rtol=4.5e-16)
    assert kernels.faded(0.0) == 1.0
    assert kernels.faded(np.inf) < 1e-300


@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("off", [0.0, 2.0])
def test_rows_that_look_at_near_nodes_only_are_integrated_whole(
    gaps: float, off: float
) -> None:
    random = np.random.default_rng(8)
    rows, items = 300, 90
    base = random.normal(size=items)
    loadings = random.normal(size=(items, 1))
    score = 1.5 * random.normal(size=(rows, 1))
    ones = (random.random((rows, items)) < expit(score @ loadings.T + base)) * 1.0
    seen = (
        (random.random((rows, items)) >= gaps) * 1.0 if gaps else np.empty((0, items))
    )
    ones = ones * seen if gaps else ones
    loadings = loadings + off * random.normal(size=(items, 1))
    nodes, log_weights = grid(1, 0.05)
    assert len(nodes) > 2 * 64
    by_base, by_loadings, each = np.empty(items), np.empty((items, 1)), np.empty(rows)
    counts = random.integers(1, 4, rows).astype(float)
    total = kernels.integrated()(
        ones,
        seen,
        counts,
        base,
        loadings,
        nodes,
        log_weights,
        by_base,
        by_loadings,
        each,
    )
    utility = nodes @ loadings.T + base
    known = seen if gaps else np.ones_like(ones)
    logs = ones @ utility.T - known @ np.logaddexp(0, utility).T + log_weights
    wanted = logsumexp(logs, axis=1)
    # what is left out is below exp(-40) of a row
    np.testing.assert_allclose(each, wanted, rtol=1e-12)
    assert total == pytest.approx(counts @ wanted, rel=1e-12)
    posterior = counts[:, None] * np.exp(logs - wanted[:, None])
    pull = posterior.T @ ones - (posterior.T @ known) * expit(utility)
    np.testing.assert_allclose(by_base, pull.sum(axis=0), atol=1e-9)
    np.testing.assert_allclose(by_loadings, pull.T @ nodes, atol=1e-9)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_likelihoods_of_rows_are_the_same_by_either_way_and_in_steps(
    gaps: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(4)
    data = (random.random((700, 9)) < 0.4).astype(np.float64)
    data[random.random(data.shape) < gaps] = np.nan
    base, weights = random.normal(size=9), random.normal(size=(1, 9))
    nodes, log_weights = grid(1, 0.3)
    alike, own = np.empty(700), np.empty(700)
    assert list(rows_told(data, base, weights, nodes, log_weights, alike)) == [512, 700]
    tiled = np.tile(base, (700, 1))
    monkeypatch.setattr(bayesian_scores, "_TOGETHER", 9 * len(nodes) * 100)
    done = list(rows_told(data, tiled, weights, nodes, log_weights, own))
    assert done == list(range(100, 701, 100))
    np.testing.assert_allclose(alike, own, rtol=1e-12)
