"""The No-U-Turn sampler: priors, closed forms, known parameters, stops, seeds."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit

from flask_api.domains.market.bayesian import draws as draws_module
from flask_api.domains.market.bayesian import sampler as sampler_module
from flask_api.domains.market.bayesian.choice import ChoiceSampling, sample_choice
from flask_api.domains.market.bayesian.convergence import convergence
from flask_api.domains.market.bayesian.draws import Draws, Saving
from flask_api.domains.market.bayesian.factors import (
    FactorPosterior,
    FactorSampling,
    sample_factors,
)
from flask_api.domains.market.bayesian.identification import triangle_of
from flask_api.domains.market.bayesian.sampler import Effort, sample
from flask_api.domains.market.bayesian.targets import (
    Density,
    HouseholdUtilities,
    Priors,
)
from flask_api.domains.market.patterns.patterns import pack
from flask_api.numerics.errors import InputError
from tests.domains.market.bayesian_by_hand import bought, simulated

Floats = npt.NDArray[np.float64]
FEW = Effort(chains=4, tune=200, draws=250)
DATA = Path(__file__).parents[2] / "data"
ONE = np.array([[1.8], [1.5], [1.2], [1.0], [0.8], [0.6], [1.4], [0.9]])


def _factors(*given: Any, **settings: Any) -> FactorSampling:
    return list(sample_factors(*given, **settings))[-1]


def _posterior(*given: Any, **settings: Any) -> FactorPosterior:
    found = _factors(*given, **settings).posterior
    assert found is not None
    return found


def _choice(*given: Any, **settings: Any) -> ChoiceSampling:
    return list(sample_choice(*given, **settings))[-1]


def test_without_data_the_prior_is_sampled() -> None:
    rows, items = 3, 5
    frame = triangle_of(np.eye(items)[:, :2])
    target = HouseholdUtilities(
        np.full((rows, items), np.nan),
        np.ones(rows),
        np.ones((rows, 1)),
        np.ones((items, 1)),
        True,
        frame,
        True,
        Priors(latent=0.5),
    )
    effort = Effort(4, 300, 500, 0.9)
    state = list(
        sample(target, lambda random: random.normal(size=target.size), effort, seed=1)
    )[-1]
    draws, part = state.draws.structure(), target.parts
    gamma = draws[:, :, part["gamma"]]
    free = draws[:, :, part["triangle"]]
    loadings = frame.loadings(free.reshape(-1, frame.size)).reshape(4, 500, items, 2)
    quantities = {
        "alpha": (draws[:, :, part["intercept"]] - gamma, 0.0, 4.0),
        "beta": (draws[:, :, part["beta"]], 0.0, 1.0),
        "gamma": (gamma, 0.0, 1.0),
        "sigma": (np.exp(draws[:, :, part["spread"]]), np.sqrt(2 / np.pi), 1.0),
        "sds": (np.exp(draws[:, :, part["sds"]]), 0.5 * np.sqrt(2 / np.pi), 0.25),
        "loadings": (loadings[:, :, 2:].reshape(4, 500, -1), 0.0, 1.0),
    }
    for name, (values, mean, square) in quantities.items():
        for power, wanted in ((values, mean), (values**2, square)):
            each = convergence(power)
            error = power.std(axis=(0, 1)) / np.sqrt(each.ess_bulk)
            apart = np.abs(power.mean(axis=(0, 1)) - wanted) / error
            # Five standard errors; those of heavy-tailed squares are underestimated.
            assert apart.max() < 5, name


def test_with_intercepts_alone_each_has_the_posterior_of_its_share() -> None:
    share = np.array([-2.0, -0.5, 0.4, 1.5])
    data = bought(np.tile(share, (300, 1)), 2)
    found = _choice(pack(data), effort=FEW, seed=3).posterior
    assert found is not None and found.judged.convergence.converged
    grid = np.linspace(-8, 8, 20_001)
    for j in range(4):
        ones = data[:, j].sum()
        logs = ones * np.log(expit(grid)) + (300 - ones) * np.log(expit(-grid))
        logs -= grid**2 / 8
        weight = np.exp(logs - logs.max())
        mean = grid @ weight / weight.sum()
        deviation = np.sqrt((grid - mean) ** 2 @ weight / weight.sum())
        # Monte Carlo error by the effective draws, five of them.
        error = deviation / np.sqrt(found.judged.convergence.ess_bulk[j])
        assert found.alpha[j] == pytest.approx(mean, abs=5 * error)
        assert found.alpha_std[j] == pytest.approx(deviation, rel=0.15)
        logit = np.log(ones / (300 - ones))
        assert found.alpha[j] == pytest.approx(logit, abs=0.5 * deviation)


def test_known_loadings_and_scores_come_out() -> None:
    patterns, scores = simulated(900, ONE, np.linspace(-1.5, 0.5, 8), 5)
    state = _factors(patterns, 1, effort=FEW, seed=1)
    found = state.posterior
    assert found is not None and state.integrated
    assert found.judged.convergence.converged
    apart = (found.loadings - ONE) / found.loadings_std
    # Eight posterior z-values; the prior draws large loadings in by half a deviation.
    assert np.abs(apart).max() < 4 and np.sqrt((apart**2).mean()) < 1.7
    told = patterns.expand(found.scores)[:, 0]
    assert np.corrcoef(told, scores[:, 0])[0, 1] > 0.75
    # Scores and their deviations add up to the prior variance of 1.
    whole = told.var() + (patterns.expand(found.scores_std) ** 2).mean()
    assert whole == pytest.approx(1, abs=0.1)
    start = state.start
    assert start is not None
    approximate = start.turned()
    assert (np.sign(approximate.loadings) == np.sign(found.loadings)).all()
    assert np.corrcoef(approximate.loadings.T, found.loadings.T)[0, 1] > 0.95
    # Mean field: too sure.
    assert (approximate.loadings_std < found.loadings_std).all()


def test_sampled_scores_agree_with_integrated_ones() -> None:
    patterns, _ = simulated(200, ONE, np.zeros(8), 6)
    one = _posterior(patterns, 1, effort=FEW, scores="integrated", seed=1)
    other = _posterior(patterns, 1, effort=FEW, scores="sampled", seed=1)
    error = np.hypot(
        one.judged.deviations / np.sqrt(one.judged.convergence.ess_bulk),
        other.judged.deviations / np.sqrt(other.judged.convergence.ess_bulk),
    )
    # The largest of 16 z-values, with errors that are estimates themselves.
    assert np.abs((one.judged.means - other.judged.means) / error).max() < 4.5
    assert other.per_household and not one.per_household
    assert (
        np.corrcoef(patterns.expand(one.scores)[:, 0], other.scores[:, 0])[0, 1] > 0.98
    )
    assert one.predictive is not None and other.predictive is not None
    # Half of WAIC's standard error is beyond any noise of 240 draws.
    assert one.predictive.waic == pytest.approx(
        other.predictive.waic, abs=0.1 * one.predictive.waic_se
    )


def test_effects_levels_and_latent_features_come_out() -> None:
    random = np.random.default_rng(8)
    rows, items = 500, 8
    features, attributes = (
        random.normal(3, 2, (rows, 1)),
        random.normal(size=(items, 1)),
    )
    alpha, beta = random.normal(-0.5, 0.5, items), random.normal(0, 0.7, items)
    loadings, theta = np.linspace(-1.5, 1.5, items), random.normal(size=rows)
    standard = (features - features.mean()) / features.std()
    eta = alpha + 0.6 * attributes[:, 0] + standard * beta
    eta = eta + random.normal(0, 0.8, rows)[:, None] + np.outer(theta, loadings)
    state = _choice(
        pack(bought(eta, 9)),
        features=features,
        attributes=attributes,
        random_effects=True,
        n_latent_features=1,
        effort=FEW,
        seed=1,
    )
    found = state.posterior
    assert found is not None and found.sigma_hh is not None
    apart = (found.beta[0] - beta) / found.beta_std[0]
    assert np.abs(apart).max() < 4 and np.sqrt((apart**2).mean()) < 1.7
    assert found.sigma_hh == pytest.approx(0.8, abs=4 * (found.sigma_hh_std or 0))
    latent = found.product_latent[:, 0] * np.sign(found.product_latent[:, 0] @ loadings)
    assert (np.abs(latent - loadings) < 4 * found.product_latent_std[:, 0]).all()
    assert abs(np.corrcoef(found.household_latent[:, 0], theta)[0, 1]) > 0.6
    # z_j gamma and alpha_j together are what data know.
    level = alpha + 0.6 * attributes[:, 0]
    told = found.alpha + state.attributes.values[:, 0] * found.gamma[0]
    assert told == pytest.approx(level, abs=0.6)
    assert {name for name, *_ in found.judged.names} == {
        *("alpha", "beta", "gamma", "sigma_hh", "lambda_sd", "theta_sd"),
        "product_latent",
    }


def test_the_same_seed_gives_the_same_bits_however_many_chains_run_at_a_time() -> None:
    patterns, _ = simulated(150, ONE, np.zeros(8), 6)
    found = [
        _factors(patterns, 1, effort=Effort(6, 60, 40, 0.9, parallel), seed=seed)
        for parallel, seed in ((1, 4), (None, 4), (None, 5))
    ]
    drawn = []
    for state in found:
        assert state.sampling is not None
        drawn.append(state.sampling.draws.structure())
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[1], drawn[2])
    one, other = found[0].posterior, found[1].posterior
    assert one is not None and other is not None
    assert np.array_equal(one.scores, other.scores)


def test_a_stop_keeps_the_draws_in_the_folder(tmp_path: Path) -> None:
    patterns, _ = simulated(400, ONE, np.zeros(8), 6)
    endless = Effort(2, 100, 10_000)
    states = sample_factors(patterns, 1, effort=endless, seed=1, folder=tmp_path)
    for state in states:
        if state.sampling is not None and state.sampling.draws.common >= 50:
            break
    states.close()  # type: ignore[attr-defined]
    assert state.sampling is not None
    drawn = state.sampling.draws
    assert 50 <= drawn.common < 10_000
    for number, chain in enumerate(drawn.chains, 1):
        saved = np.load(tmp_path / f"draws_chain_{number}.npy", allow_pickle=False)
        assert len(saved) >= 50
        assert np.array_equal(saved, chain.structure[: len(saved)])
    partial = state.so_far()
    assert partial is not None and partial.predictive is None
    assert partial.draws == drawn.common
    assert np.isfinite(partial.scores).all()
    assert (partial.loadings > 0).all()


class _Slow:
    """A density so flat that trees grow to a thousand steps, of 10 ms each."""

    size = structure = 3

    def density(self) -> Density:
        def evaluate(point: Floats) -> tuple[float, Floats]:
            time.sleep(0.01)
            return -1e-9 * float(point @ point), -2e-9 * point

        return evaluate


def test_a_stop_does_not_wait_for_the_end_of_a_tree() -> None:
    states = sample(_Slow(), lambda random: random.normal(size=3), FEW, seed=1)
    for _ in range(10):
        next(states)
    begun = time.monotonic()
    states.close()  # type: ignore[attr-defined]
    # A tree takes 10 s. Each chain ends its step; the rest is for a busy machine.
    assert time.monotonic() - begun < 8


@pytest.mark.parametrize("seed", range(15))
def test_a_stop_amid_the_first_draws_ends_the_chains_in_peace(seed: int) -> None:
    # nutpie looks for a step size then, and panics where a density has no value
    target = HouseholdUtilities(
        bought(np.zeros((200, 8)), seed).astype(np.float64),
        np.ones(200),
        np.ones((200, 1)),
        np.ones((8, 1)),
        True,
        triangle_of(np.eye(8)[:, :2]),
        True,
        Priors(),
    )
    states = sample(target, lambda random: random.normal(size=target.size), FEW, seed=1)
    state = next(states)
    while min(chain.done for chain in state.draws.chains) < 1:
        next(states)
    states.close()  # type: ignore[attr-defined]
    assert all(1 <= chain.done < FEW.tune + FEW.draws for chain in state.draws.chains)


def test_the_state_tells_phase_chain_draws_divergences_and_step_size() -> None:
    patterns, _ = simulated(300, ONE, np.zeros(8), 6)
    phases, done = [], [0]
    sampling = None
    for state in sample_factors(patterns, 1, effort=Effort(2, 400, 600), seed=1):
        phases.append(state.phase)
        if state.sampling is not None:
            sampling = state.sampling
            done.append(sampling.done)
            assert sampling.total_draws == 2000
            assert sampling.chain in (1, 2) and 0 <= sampling.draw <= 1000
    order = list(dict.fromkeys(phases))
    wanted = ["initializing", "tuning", "sampling", "summarising", "finished"]
    assert [phase for phase in wanted if phase in order] == order
    assert done == sorted(done) and done[-1] == 2000
    assert sampling is not None and sampling.step_size is not None
    assert 0 < sampling.step_size < 5
    assert (sampling.samples_per_second or 0) > 0
    assert "nutpie" in sampling.engine and "numba" in sampling.engine


def test_draws_are_saved_while_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = Draws(1, 2, 10, 3, 3)
    saving = Saving(draws, tmp_path)
    for number in range(5):
        draws.chains[0].add(np.full(3, float(number)))
    saving.due()
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(draws_module, "SAVED_EVERY_S", 0.0)
    saving.due()
    assert [path.name for path in tmp_path.iterdir()] == ["draws_chain_1.npy"]
    assert np.load(tmp_path / "draws_chain_1.npy")[:, 0].tolist() == [2.0, 3.0, 4.0]


def test_households_values_are_thinned_so_that_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draws_module, "HOUSEHOLD_NUMBERS", 40)
    draws = Draws(2, 0, 10, 1, 6)
    for chain in draws.chains:
        for number in range(10):
            chain.add(np.full(6, float(number)))
    which, kept = draws.kept()
    assert which.tolist() == [0, 3, 6, 9] and kept.shape == (2, 4, 5)
    assert kept[0, :, 0].tolist() == [0.0, 3.0, 6.0, 9.0]


@pytest.mark.parametrize(
    "settings, field",
    [
        ({"n_latent_features": 8}, "params.n_latent_features"),
        ({"latent_prior_scale": 0.0}, "params.latent_prior_scale"),
        ({"features": np.ones((50, 1))}, "params.household_feature_columns"),
        ({"features": np.full((50, 1), np.nan)}, "params.household_feature_columns"),
        ({"attributes": np.ones((8, 1))}, "params.product_attributes"),
        ({"effort": Effort(chains=0)}, "params.n_chains"),
        ({"effort": Effort(target_accept=1.0)}, "params.target_accept"),
    ],
)
def test_what_a_choice_model_cannot_use_is_refused(
    settings: dict[str, Any], field: str
) -> None:
    patterns, _ = simulated(50, ONE, np.zeros(8), 6)
    with pytest.raises(InputError) as refused:
        _choice(patterns, **settings)
    assert refused.value.field == field


def test_three_factors_cannot_be_integrated_out() -> None:
    patterns, _ = simulated(50, ONE, np.zeros(8), 6)
    with pytest.raises(InputError, match="1 or 2") as refused:
        _factors(patterns, 3, scores="integrated")
    assert refused.value.field == "params.scores"


def test_more_draws_than_memory_should_hold_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampler_module, "MOST_KEPT", 1000)
    patterns, _ = simulated(50, ONE, np.zeros(8), 6)
    with pytest.raises(InputError, match="fewer draws") as refused:
        _factors(patterns, 1, effort=FEW)
    assert refused.value.field == "params.n_samples"


def test_the_posterior_of_lsat_6_lies_around_the_published_estimates() -> None:
    with (DATA / "lsat6_patterns.csv").open(encoding="utf-8") as file:
        lines = list(csv.reader(line for line in file if line[0] != "#"))
    table = np.array(lines[1:], dtype=np.int64)
    found = _posterior(pack(table[:, :-1], counts=table[:, -1]), 1, effort=FEW, seed=1)
    # Two-parameter logistic model, Rizopoulos (2006), J. Stat. Softw. 17(5).
    easiness = np.array([2.7732, 0.9902, 0.2491, 1.2848, 2.0533])
    discrimination = np.array([0.8254, 0.7229, 0.8905, 0.6886, 0.6575])
    # A posterior mean differs from the maximum by a part of its deviation.
    assert (np.abs(found.intercepts - easiness) < found.intercepts_std).all()
    apart = np.abs(found.loadings[:, 0] - discrimination)
    assert (apart < found.loadings_std[:, 0]).all()
