"""The Bayesian models as runs: requests, steps, outcomes, and stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.bayesian import run
from flask_api.domains.market.bayesian.convergence import convergence, r_hats
from flask_api.domains.market.bayesian.draws import Draws
from flask_api.domains.market.bayesian.factors import FactorSampling, sample_factors
from flask_api.domains.market.bayesian.record import Blocks
from flask_api.domains.market.bayesian.sampler import Effort, Sampling
from flask_api.domains.market.bayesian.schema import (
    BAYESIAN_FACTOR_PYMC,
    BAYESIAN_FACTOR_VI,
    DCM,
)
from flask_api.domains.market.data.table import Table
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.domains.market.runs.model import Outcome, Problem, Step
from flask_api.domains.market.runs.request_schema import Model
from flask_api.errors import ServiceError
from flask_api.numerics.errors import InputError
from flask_api.validation import validate

_PRODUCTS = ["bread", "butter", "jam", "beer", "crisps"]
MODELS = (BAYESIAN_FACTOR_VI, BAYESIAN_FACTOR_PYMC, DCM)


def _problem(model: Model, folder: Path, seed: int = 1) -> Problem:
    """The example's data, as the reader of data leaves them."""
    data = model.example["data"]
    names, cells = data["column_names"], np.array(data["data_json"], float)
    for place in range(len(names)):
        np.save(folder / f"number-{place}.npy", cells[:, place])
    facts = {
        "columns": [{"name": name, "kind": "numeric"} for name in names],
        "n_rows": len(cells),
        "sha256": "0",
    }
    values = cells[:, :5].astype(np.uint8)
    return Problem(
        values, tuple(names[:5]), seed, Table(folder, facts), folder / "kept"
    )


def _steps(model: Model, folder: Path, **changes: Any) -> Iterator[Step]:
    given = {**model.example, "params": {**model.example["params"], **changes}}
    settings = validate(model.request, given).model_dump()["params"]
    generator = getattr(run, model.run.partition(":")[2])
    steps: Iterator[Step] = generator(_problem(model, folder), settings)
    return steps


def _outcome(step: Step) -> Outcome:
    found = step.outcome() if callable(step.outcome) else step.outcome
    assert isinstance(found, Outcome)
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.model_type)
def test_the_example_runs_and_its_outcome_is_whole(
    model: Model, tmp_path: Path
) -> None:
    steps = list(_steps(model, tmp_path))
    shares = [step.done / step.total for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    for step in steps:
        told = json.dumps({"extra": step.extra, "partial": step.partial})
        assert len(told) < 16_000
    found = _outcome(steps[-1])
    assert set(found.tables) == set(model.tables)
    for name, (rows, columns) in found.labels.items():
        if name in found.arrays:
            shape = found.arrays[name].shape
            assert rows is None or len(rows) == shape[0], name
            assert columns is None or len(columns) == shape[1], name
    json.dumps([found.summary, found.metrics, found.details, list(found.warnings)])
    for row in next(iter(found.tables.values())):
        json.dumps({key: _plain(value) for key, value in row.items()})


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def test_a_sampled_run_says_what_sampled_and_whether_chains_agree(
    tmp_path: Path,
) -> None:
    *_, last = _steps(BAYESIAN_FACTOR_PYMC, tmp_path, n_samples=300, n_chains=4)
    found = _outcome(last)
    assert "nutpie" in found.details["engine"]
    assert "numba" in found.details["engine"]
    assert found.details["scores"] == "integrated"
    (anchor,) = found.details["anchors"]
    assert found.arrays["loadings"][_PRODUCTS.index(anchor), 0] > 0.3
    assert {"waic", "loo", "r_hat_max", "ess_bulk_min", "n_divergences"} <= set(
        found.metrics
    )
    assert found.arrays["scores"].shape == (40, 1)
    assert found.arrays["posterior_draws"].shape == (1000, 10)
    assert len(found.tables["parameters"]) == 10
    told = {"chain", "draw", "total_draws", "divergences", "samples_per_second"}
    assert told <= set(last.extra)


def test_few_draws_are_told_not_to_have_converged(tmp_path: Path) -> None:
    *_, last = _steps(DCM, tmp_path, n_chains=1)
    found = _outcome(last)
    # 100 draws of one chain: at most some 100 effective ones, 50 wanted; tails less.
    tail = found.metrics["ess_tail_min"]
    assert tail is not None and (not found.converged or tail >= 50)
    *_, last = _steps(
        DCM, tmp_path, n_chains=4, n_latent_features=2, include_random_effects=True
    )
    found = _outcome(last)
    assert found.converged is False
    assert any("have not converged" in warning for warning in found.warnings)
    assert found.household_embeddings == "household_latent"
    assert found.arrays["household_latent"].shape == (40, 2)
    assert found.metrics["sigma_hh"]


def test_a_stopped_run_leaves_draws(tmp_path: Path) -> None:
    steps = _steps(BAYESIAN_FACTOR_PYMC, tmp_path, n_samples=10_000)
    step = next(step for step in steps if step.phase == "sampling")
    steps.close()  # type: ignore[attr-defined]
    assert step.outcome is None
    kept = np.load(tmp_path / "kept" / "draws_chain_1.npy")
    assert len(kept) and np.isfinite(kept).all()


@pytest.mark.parametrize("n", [0, 1, 127, 128, 129, 1000, 4096])
def test_a_series_of_any_length_is_told_in_at_most_128_blocks(n: int) -> None:
    series = np.arange(1.0, n + 1)[:, None]
    found, pieces = Blocks(1), Blocks(1)
    found.add(series)
    for piece in np.array_split(series, 7):
        pieces.add(piece)
    ends = found.ends
    assert len(ends) <= 128 and len(ends) >= min(n, 64)
    starts = np.concatenate([[0], ends[:-1]])[: len(ends)]
    assert len(set((ends - starts)[:-1])) <= 1  # equally long
    assert found.means[:, 0] == pytest.approx((starts + 1 + ends) / 2)
    assert (ends[-1] if n else 0) == n
    assert pieces.ends.tolist() == ends.tolist()
    assert pieces.means.tolist() == found.means.tolist()


def _sampled(patterns: Patterns, effort: Effort) -> FactorSampling:
    *_, last = sample_factors(patterns, 1, effort=effort, seed=3)
    return last


def test_the_log_posterior_is_told_from_the_first_draw_on() -> None:
    random = np.random.default_rng(5)
    leaning = random.normal(size=(60, 1))
    values = (leaning + random.logistic(size=(60, 5)) > 0).astype(np.uint8)
    patterns, effort = pack(values, None), Effort(2, 60, 80)
    state = _sampled(patterns, effort)
    assert state.sampling is not None and state.target is not None
    curves, chains = state.sampling.curves, state.sampling.draws.chains
    # 140 draws of each chain: blocks of two, the first of them of the warm-up
    assert curves.ends.tolist() == list(range(2, 141, 2))
    density = state.target.density()
    known = np.array([[density(point)[0] for point in c.structure] for c in chains])
    after = known.mean(axis=0).reshape(-1, 2).mean(axis=1)
    assert curves.means[30:, 0] == pytest.approx(after, rel=1e-9)
    assert np.isfinite(curves.means).all() and (curves.means[:, 1] > 0).all()
    again = _sampled(patterns, effort).sampling
    assert again is not None  # whatever the machine does meanwhile
    assert again.curves.means.tolist() == curves.means.tolist()


def _chains(draws: Draws, random: np.random.Generator, more: int) -> None:
    """Draws with numbers of many digits."""
    for chain in draws.chains:
        for point in random.normal(scale=1e3, size=(more, draws.width)):
            chain.add(point)


def test_curves_of_long_runs_with_many_products_fit_into_16_kb(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "_LOOK_S", 0.0)
    random = np.random.default_rng(2)
    draws = Draws(2, 5000, 10_000, 300, 300)
    sampling = Sampling(draws, "nutpie 0.16.8 (NUTS), density by numba", Blocks(2))
    state = FactorSampling(
        pack(np.eye(3, dtype=np.uint8), None), "varimax", "sampling", sampling=sampling
    )
    words, sizes = run._Words(), []
    _chains(draws, random, 5000)
    for _ in range(200):
        _chains(draws, random, 50)
        sampling.curves.add(random.normal(-1e7, 1e6, size=(75, 2)))
        step = words.step(state, lambda: Outcome({}))
        sizes.append(len(json.dumps({"extra": step.extra, **step.partial})))
    assert len(step.partial["r_hat_trace"]) <= 129
    ends = [point[0] for point in step.partial["trace"]]
    assert ends == sorted(set(ends)) and ends[-1] == 15_000 and ends[0] <= 128
    assert max(sizes) < 12_000  # the job adds a few names


def test_r_hat_alone_is_that_of_all_diagnostics() -> None:
    random = np.random.default_rng(1)
    draws = random.normal(size=(4, 300, 5)) + 0.1 * random.normal(size=(4, 1, 5))
    draws[:, :, 4] = 1.0
    assert r_hats(draws).tolist()[:4] == convergence(draws).r_hat.tolist()[:4]
    assert np.isnan(r_hats(draws)[4]) and np.isnan(r_hats(draws[:, :3])).all()


def test_the_live_r_hat_of_long_chains_is_taken_from_some_of_their_draws() -> None:
    random = np.random.default_rng(4)
    draws = Draws(4, 0, 4000, 6, 6)
    for number, chain in enumerate(draws.chains):
        for point in random.normal(size=(4000, 6)):
            point[0] += 0.5 * number
            chain.add(point)
    found = Sampling(draws, "", Blocks(2)).r_hat()
    whole = convergence(draws.structure()).r_hat.max()
    # 40 seeds scatter by 0.014 where 400 draws of each chain are looked at: four times.
    assert whole > 1.1 and found == pytest.approx(whole, abs=0.06)


def test_few_products_are_warned_of(tmp_path: Path) -> None:
    *_, last = _steps(BAYESIAN_FACTOR_VI, tmp_path)
    assert _outcome(last).warnings[0].startswith("5 products are too few")


def test_product_attributes_need_one_number_for_each_product(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        list(_steps(DCM, tmp_path, product_attributes={"price": [1.0, 2.0]}))
    assert refused.value.field == "params.product_attributes.price"


def test_product_attributes_are_told_by_name(tmp_path: Path) -> None:
    prices = {"price": [1.0, 2.0, 3.0, 5.0, 4.0]}
    *_, last = _steps(DCM, tmp_path, product_attributes=prices)
    found = _outcome(last)
    assert found.labels["gamma"] == (["price"], None)
    assert found.details["attribute_means"] == [3.0]


@pytest.mark.parametrize(
    "model, wrong",
    [
        (BAYESIAN_FACTOR_VI, {"n_factors": 21}),
        (BAYESIAN_FACTOR_PYMC, {"n_samples": 99}),
        (BAYESIAN_FACTOR_PYMC, {"target_accept": 0.999}),
        (BAYESIAN_FACTOR_PYMC, {"scores": "guessed"}),
        (DCM, {"n_latent_features": 11}),
        (DCM, {"latent_prior_scale": 20}),
    ],
)
def test_parameters_out_of_bounds_are_refused(
    model: Model, wrong: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ServiceError):
        list(_steps(model, tmp_path, **wrong))
