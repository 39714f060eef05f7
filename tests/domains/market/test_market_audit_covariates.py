"""Effects of covariates over the API, against the third step's likelihood alone.

Vermunt (2010), doi:10.1093/pan/mpq025. Derivatives are complex steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chi2, norm

from flask_api.domains.market.latent_class.covariates import lca_covariates
from flask_api.domains.market.patterns.patterns import pack
from tests.domains.market.latent_class_by_hand import fitted
from tests.domains.market.market_requests import ended

Floats = npt.NDArray[np.float64]
Any2 = npt.NDArray[Any]

_SMALL = 1e-30
#: Of two kinds that overlap: some rows are assigned to the wrong one.
PROFILES = np.array([[0.8, 0.7, 0.9, 0.6, 0.8], [0.2, 0.3, 0.2, 0.3, 0.1]])


def drawn(rows: int, seed: int) -> tuple[Floats, Floats]:
    """Purchases, and two covariates the first of which decides the kind."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((rows, 2)) * [3.0, 1.0] + [40.0, 0.0]
    odds = 0.4 + 0.9 * (z[:, 0] - 40) / 3
    kind = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    bought = rng.random((rows, 5)) < PROFILES[kind]
    return bought.astype(np.float64), z


def rowwise(b: Any2, z: Floats, chosen: Any2, wrong: Floats, reference: int) -> Any2:
    """Log-likelihood of each row's assignment."""
    classes = len(wrong)
    every = np.zeros((z.shape[1], classes), b.dtype)
    free = [k for k in range(classes) if k != reference]
    every[:, free] = b.reshape(z.shape[1], classes - 1)
    e = np.exp(z @ every)
    share = e / e.sum(axis=1)[:, None]
    return np.asarray(np.log((share * wrong[:, chosen].T).sum(axis=1)))


@pytest.mark.parametrize(("classes", "reference"), [(2, 2), (3, 1)])
def test_effects_and_their_errors_are_those_of_the_third_steps_likelihood(
    client: Any, classes: int, reference: int
) -> None:
    x, z = drawn(400, 1)
    names = [f"p{j}" for j in range(5)]
    asked = {
        "model_type": "lca_covariates",
        "params": {
            "n_classes": classes, "covariate_columns": ["age", "kids"], "seed": 1,
            "reference_class": reference,
        },
        "product_columns": names,
        "data": {
            "data_json": [
                [*map(int, a), *map(float, b)] for a, b in zip(x, z, strict=True)
            ],
            "column_names": [*names, "age", "kids"],
        },
    }  # fmt: skip
    run = ended(client, client.post("/api/v1/runs", json=asked).json["id"])
    found = client.get(f"/api/v1/runs/{run['id']}/results").json
    member = np.array(found["results"]["responsibilities"])
    chosen = member.argmax(axis=1)
    wrong = np.array([member[chosen == k].sum(axis=0) for k in range(classes)]).T
    wrong /= wrong.sum(axis=1)[:, None]
    design = np.column_stack([np.ones(400), (z - z.mean(axis=0)) / z.std(axis=0)])
    free = [k for k in range(classes) if k != reference - 1]
    b = np.array(found["results"]["beta"], dtype=np.float64)[:, free].ravel()

    def scores(at: Floats) -> Floats:
        steps = at + _SMALL * 1j * np.eye(len(at))
        each = [rowwise(s, design, chosen, wrong, reference - 1) for s in steps]
        return np.array(each).imag / _SMALL

    h = 1e-5 * np.eye(len(b))
    second = [(scores(b + a) - scores(b - a)).sum(axis=1) / 2e-5 for a in h]
    inverse = np.linalg.inv(-np.array(second))
    own = scores(b)
    variance = inverse @ (own @ own.T) @ inverse
    error = np.sqrt(np.diag(variance))
    # the search ends 1e-10 of log-likelihood below the top: 1e-5 errors
    assert inverse @ own.sum(axis=1) / error == pytest.approx(0, abs=1e-4)
    told = np.array(found["results"]["beta_se"], dtype=np.float64)[:, free].ravel()
    assert told == pytest.approx(error, rel=1e-5)
    reached = rowwise(b, design, chosen, wrong, reference - 1).sum()
    metric = found["metrics"]["covariate_log_likelihood"]
    assert metric == pytest.approx(reached, rel=1e-10)
    width = len(free)
    for i, line in enumerate(found["details"]["wald"], 1):
        here = slice(i * width, (i + 1) * width)
        wald = b[here] @ np.linalg.solve(variance[here, here], b[here])
        assert line["wald"] == pytest.approx(wald, rel=1e-5)
        assert line["p"] == pytest.approx(chi2.sf(wald, width), abs=1e-6)
    for line in found["tables"]["covariate_effects"]:
        z_value = line["coefficient"] / line["standard_error"]
        assert line["p"] == pytest.approx(2 * norm.sf(abs(z_value)), abs=1e-12)


def test_intervals_hold_the_true_effect_as_often_as_they_say() -> None:
    held, estimates, errors = 0, [], []
    for seed in range(150):
        x, z = drawn(400, 100 + seed)
        patterns = pack(x.astype(np.uint8))
        model = fitted(patterns, 2, n_init=3).best()
        one = int(model.probabilities[0, 0] < model.probabilities[1, 0])
        *_, last = lca_covariates(patterns, model, z, reference=one)
        effects = last.effects
        assert effects is not None
        truth = 0.9 * z[:, 0].std() / 3
        low, high = effects.low[1, 1 - one], effects.high[1, 1 - one]
        held += low <= truth <= high
        estimates.append(effects.coefficients[1, 1 - one] - truth)
        errors.append(effects.errors[1, 1 - one])
    # 0.95 +- four times sqrt(0.95 * 0.05 / 150); the first step is taken as known, for
    # which a few per cent are allowed besides
    assert 0.85 <= held / 150 <= 1.0
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.25)
