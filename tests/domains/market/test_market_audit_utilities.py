"""The binary choice model over the API: what households get, by quadrature.

At the means of the product's parameters the posterior of a household's own values is an
integral over one or two dimensions. It differs from the mean over all draws by what the
parameters are unsure of: hundredths here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from flask_api.domains.market.bayesian.predictive import predictive
from tests.domains.market.market_requests import ended

Floats = npt.NDArray[np.float64]

SHORT = {"n_chains": 2, "n_samples": 300, "n_tune": 300, "seed": 2}


def answered(client: Any, bought: Floats, **params: Any) -> dict[str, Any]:
    """The results of a short run."""
    names = [f"p{j}" for j in range(bought.shape[1])]
    body = {
        "model_type": "dcm",
        "params": {**SHORT, **params},
        "data": {"data_json": bought.astype(int).tolist(), "column_names": names},
    }
    run = ended(client, client.post("/api/v1/runs", json=body).json["id"], 60.0)
    assert run["status"] == "completed", run
    found: dict[str, Any] = client.get(f"/api/v1/runs/{run['id']}/results").json
    return found


def expected(bought: Floats, alpha: Floats, weights: Floats) -> Floats:
    """Mean of a household's own values, N(0, I) before; shape (rows, values).

    weights   shape (values, products): utilities = alpha + values @ weights
    """
    nodes, mass = np.polynomial.hermite_e.hermegauss(31)
    grid = np.meshgrid(*[nodes] * len(weights), indexing="ij")
    points = np.column_stack([one.ravel() for one in grid])
    prior = np.ones(len(points))
    for one in np.meshgrid(*[mass] * len(weights), indexing="ij"):
        prior *= one.ravel()
    utility = alpha + points @ weights
    yes, no = -np.logaddexp(0, -utility), -np.logaddexp(0, utility)
    likely = np.exp(bought @ yes.T + (1 - bought) @ no.T) * prior
    return np.asarray(likely @ points / likely.sum(axis=1)[:, None])


def test_latent_values_of_households_lie_in_the_frame_of_the_products(
    client: Any,
) -> None:
    rng = np.random.default_rng(1)
    # the strongest load on both: the sampler's frame, a triangle, is not the one told
    loadings = np.array([[2.8, 1.6, 1.6, 1.0, 0, 0], [1.0, 0, 0, 2.8, 1.6, 1.6]])
    utility = rng.standard_normal((250, 2)) @ loadings
    bought = (rng.random((250, 6)) < 1 / (1 + np.exp(-utility))).astype(np.float64)
    found = answered(client, bought, n_latent_features=2)["results"]
    weights = np.array(found["product_latent"]).T
    ours = expected(bought, np.array(found["alpha"]), weights)
    told = np.array(found["household_latent"])
    for k in range(2):
        assert np.corrcoef(told[:, k], ours[:, k])[0, 1] > 0.98
    # 0.05: seen, with 600 draws; another frame would be off by ones
    assert np.abs(told - ours).mean() < 0.1


def test_levels_of_households_are_in_logits(client: Any) -> None:
    rng = np.random.default_rng(2)
    utility = 2.5 * rng.standard_normal((150, 1)) + [0.3, -0.5, 0.0, 0.4, -0.2]
    bought = (rng.random((150, 5)) < 1 / (1 + np.exp(-utility))).astype(np.float64)
    found = answered(client, bought, include_random_effects=True)
    spread = found["metrics"]["sigma_hh"]
    assert spread > 1.5
    alpha = np.array(found["results"]["alpha"])
    level = spread * expected(bought, alpha, np.full((1, 5), spread))[:, 0]
    told = np.array(found["results"]["household_effect"])
    # draws of 150 households scatter by a tenth at most
    assert told == pytest.approx(level, abs=0.35)
    assert np.polyfit(level, told, 1)[0] == pytest.approx(1, abs=0.05)


def test_the_error_of_a_criterion_is_that_of_a_sum_over_households() -> None:
    rng = np.random.default_rng(3)
    logs = np.log(rng.uniform(0.3, 0.4, (200, 5)))
    counts = np.array([1.0, 2.0, 1.0, 3.0, 1.0])
    told = predictive(logs, counts)
    each = -2 * (np.log(np.exp(logs).mean(axis=0)) - logs.var(axis=0, ddof=1))
    every = np.repeat(each, counts.astype(int))
    assert told.waic == pytest.approx(every.sum(), rel=1e-12)
    error = np.sqrt(len(every) * every.var(ddof=1))
    assert told.waic_se == pytest.approx(error, rel=1e-12)
