"""Parts of the Bayesian models: densities, integrals, frames, diagnostics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import integrate
from scipy.special import expit

from flask_api.domains.market.bayesian import kernels
from flask_api.domains.market.bayesian.convergence import convergence
from flask_api.domains.market.bayesian.identification import (
    common_rotations,
    shares_explained,
    triangle_of,
)
from flask_api.domains.market.bayesian.predictive import predictive
from flask_api.domains.market.bayesian.quadrature import grid
from flask_api.domains.market.bayesian.scores import rows_of
from flask_api.domains.market.bayesian.targets import (
    HouseholdUtilities,
    IntegratedFactors,
    Priors,
    Target,
)
from flask_api.domains.market.patterns.patterns import pack
from tests.domains.market.bayesian_by_hand import (
    bought,
    point_in_pymc,
    simulated,
    utilities_in_pymc,
)

Floats = npt.NDArray[np.float64]


def _everything(rows: int = 30, seed: int = 3) -> HouseholdUtilities:
    """A target with all parts."""
    random = np.random.default_rng(seed)
    loadings = random.normal(size=(6, 2))
    return HouseholdUtilities(
        bought(random.normal(size=(rows, 6)), seed).astype(np.float64),
        np.ones(rows),
        random.normal(size=(rows, 2)),
        random.normal(size=(6, 1)),
        True,
        triangle_of(loadings),
        True,
        Priors(latent=0.7),
    )


def _integrated(gaps: bool) -> IntegratedFactors:
    random = np.random.default_rng(5)
    data = bought(random.normal(size=(60, 5)), 1)
    patterns = pack(data, random.random(data.shape) < 0.2 if gaps else None)
    ones, seen = rows_of(patterns)
    frame = triangle_of(random.normal(size=(5, 2)))
    return IntegratedFactors(ones, seen, patterns.counts, frame, *grid(2, 0.3))


@pytest.mark.parametrize(
    "make",
    [_everything, lambda: _integrated(False), lambda: _integrated(True)],
    ids=["households", "integrated", "integrated_with_gaps"],
)
def test_slopes_are_those_of_the_density(make: Callable[[], Target]) -> None:
    target = make()
    density = target.density()
    point = 0.5 * np.random.default_rng(0).normal(size=target.size)
    _, slope = density(point)
    step = 1e-5
    for place in range(target.size):
        move = np.zeros(target.size)
        move[place] = step
        apart = (density(point + move)[0] - density(point - move)[0]) / (2 * step)
        # Central differences: rounding of the density (some 1e-13 of it) over the step.
        assert slope[place] == pytest.approx(apart, rel=1e-5, abs=1e-5)


def test_the_density_is_that_of_the_model_in_pymc() -> None:
    target = _everything(rows=8)
    density, random = target.density(), np.random.default_rng(1)
    points = [0.5 * random.normal(size=target.size) for _ in range(3)]
    ours = np.array([density(point)[0] for point in points])
    import pytensor.configdefaults

    # Interpreted: compiling would take longer than the test.
    with pytensor.configdefaults.config.change_flags(mode="FAST_COMPILE", cxx=""):
        log_density = utilities_in_pymc(target).compile_logp()
        theirs = np.array([log_density(point_in_pymc(target, p)) for p in points])
    assert np.diff(ours) == pytest.approx(np.diff(theirs), abs=1e-9)


def test_the_grid_integrates_as_adaptive_quadrature_does() -> None:
    target = _integrated(False)
    base, loadings = np.linspace(-1, 1, 5), np.linspace(2, 0.5, 5)[:, None]
    nodes, log_weights = grid(1, 0.4)
    each = np.empty(len(target.ones))
    kernels.integrated()(
        target.ones,
        target.seen,
        target.counts,
        base,
        loadings,
        nodes,
        log_weights,
        np.empty(5),
        np.empty((5, 1)),
        each,
    )
    for row, value in list(zip(target.ones, each, strict=True))[:5]:

        def household(score: float, row: Floats = row) -> float:
            chance = expit(base + loadings[:, 0] * score)
            weight = np.exp(-(score**2) / 2) / np.sqrt(2 * np.pi)
            return float(weight * np.prod(np.where(row > 0, chance, 1 - chance)))

        exact = integrate.quad(household, -9, 9, epsabs=1e-13)[0]
        # The grid's own error, see quadrature: 0.03 % where scores are known best.
        assert value == pytest.approx(np.log(exact), abs=3e-4)


def test_rows_with_their_own_values_integrate_as_collapsed_rows_do() -> None:
    target = _integrated(True)
    random = np.random.default_rng(2)
    base, loadings = random.normal(size=5), random.normal(size=(5, 2))
    each, other = np.empty(len(target.ones)), np.empty(len(target.ones))
    kernels.integrated()(
        target.ones,
        target.seen,
        target.counts,
        base,
        loadings,
        target.nodes,
        target.log_weights,
        np.empty(5),
        np.empty((5, 2)),
        each,
    )
    data = np.where(target.seen > 0, target.ones, np.nan)
    kernels.each_row()(
        data,
        np.tile(base, (len(data), 1)),
        np.ascontiguousarray(loadings.T),
        target.nodes,
        target.log_weights,
        other,
    )
    assert other == pytest.approx(each, rel=1e-12)


def test_the_triangle_turns_loadings_without_changing_what_they_say() -> None:
    loadings = np.random.default_rng(4).normal(size=(7, 3))
    frame = triangle_of(loadings)
    free, turn = frame.free(loadings)
    back = frame.loadings(free)
    assert back @ back.T == pytest.approx(loadings @ loadings.T, abs=1e-12)
    assert back == pytest.approx(loadings @ turn, abs=1e-12)
    block = back[frame.anchors]
    assert (np.diag(block) > 0).all()
    assert np.triu(block, 1) == pytest.approx(0, abs=0)


def test_the_triangles_prior_is_that_of_free_normal_loadings() -> None:
    # Rows of a free N(0, 1) matrix keep their squared lengths under a rotation: the
    # k-th diagonal entry is a chi with K - k + 1 degrees, whose mean square is that.
    frame = triangle_of(np.random.default_rng(4).normal(size=(5, 3)))
    for place, degrees in zip(frame.diagonal, (3, 2, 1), strict=True):

        def moment(log_loading: float, power: int, place: int = int(place)) -> float:
            free = np.full(frame.size, 0.0)
            free[frame.diagonal] = -30.0
            free[place] = log_loading
            shift = frame.powers.sum() * 30.0
            value = np.exp(frame.log_prior(free, frame.loadings(free), 1.0) + shift)
            return float(value * np.exp(power * log_loading))

        mass = integrate.quad(moment, -25, 4, args=(0,), limit=200)[0]
        square = integrate.quad(moment, -25, 4, args=(2,), limit=200)[0]
        assert square / mass == pytest.approx(degrees, rel=1e-6)


def test_draws_in_frames_that_wobble_are_turned_to_one_simple_structure() -> None:
    random = np.random.default_rng(6)
    truth = np.zeros((8, 2))
    truth[:4, 0], truth[4:, 1] = [2, 1.5, 1.2, 1], [1.4, 1.1, 0.9, 0.8]
    angle = 2.0 + 0.5 * random.normal(size=200)
    frames = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    frames = np.moveaxis(frames, 2, 0)
    draws = (truth + 0.05 * random.normal(size=(200, 8, 2))) @ frames
    turned = draws @ common_rotations(draws)
    # Noise of 0.05: its mean over 200 draws within 0.004; varimax itself may turn the
    # mean by as much as its noise allows.
    assert turned.mean(axis=0) == pytest.approx(truth, abs=0.03)
    assert turned.std(axis=0).max() < 0.06
    assert draws.std(axis=0).max() > 0.5


def test_shares_explained_are_of_the_logits_variance() -> None:
    alone = np.full((4, 1), np.sqrt(np.pi**2 / 3))
    assert shares_explained(alone) == pytest.approx([50.0])


def test_r_hat_and_effective_draws_are_those_of_arviz() -> None:
    import arviz

    random = np.random.default_rng(0)
    draws = random.normal(size=(4, 400, 4))
    for step in range(1, 400):
        draws[:, step, 1] += 0.9 * draws[:, step - 1, 1]
        draws[:, step, 2] -= 0.5 * draws[:, step - 1, 2]
    draws[0, :, 3] += 0.6
    found = convergence(draws)
    for place in range(4):
        each = draws[:, :, place]
        assert found.r_hat[place] == pytest.approx(arviz.rhat(each), rel=1e-10)
        assert found.ess_bulk[place] == pytest.approx(arviz.ess(each), rel=1e-8)
        tail = arviz.ess(each, method="tail")
        assert found.ess_tail[place] == pytest.approx(tail, rel=1e-8)
    assert found.r_hat[3] > 1.02 and not found.converged


def test_too_few_effective_draws_are_not_converged() -> None:
    draws = np.random.default_rng(0).normal(size=(4, 400, 1))
    assert convergence(draws).converged
    assert not convergence(draws[:, :40]).converged


def test_a_quantity_that_never_moves_has_no_diagnostics() -> None:
    found = convergence(np.ones((2, 50, 1)))
    assert np.isnan(found.r_hat).all() and not found.converged


def test_criteria_are_those_of_arviz_with_each_row_repeated() -> None:
    import arviz

    random = np.random.default_rng(0)
    told = -1 - 0.2 * random.random((200, 12)) - 0.1 * random.random((200, 1))
    counts = random.integers(1, 4, 12)
    ours = predictive(told, counts.astype(np.float64))
    repeated = np.repeat(told, counts, axis=1)[None]
    data = arviz.from_dict(
        posterior={"a": told[None, :, 0]}, log_likelihood={"x": repeated}
    )
    waic = arviz.waic(data, scale="deviance")
    loo = arviz.loo(data, scale="deviance", reff=1.0)
    # ArviZ divides the variance over draws by S, we by S - 1: 0.5 % of 200 draws.
    assert ours.waic == pytest.approx(waic.elpd_waic, rel=1e-3)
    assert ours.effective_parameters == pytest.approx(waic.p_waic, rel=6e-3)
    assert ours.loo == pytest.approx(loo.elpd_loo, rel=1e-8)
    # Likewise N and N - 1 in the standard error.
    assert ours.loo_se == pytest.approx(loo.se, rel=0.05)


def test_alike_households_are_one_row_of_the_integrated_density() -> None:
    patterns, _ = simulated(300, np.ones((4, 1)), np.zeros(4), 0)
    assert patterns.size <= 16
