"""Choice models over the API, against a twin that knows the probabilities alone.

Elasticities are differences of shares, errors come from differences of probabilities,
and a mixed logit with one random coefficient is an integral over one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from tests.domains.market.market_requests import ended

Floats = npt.NDArray[np.float64]
Any2 = npt.NDArray[Any]

ALTERNATIVES = ["a", "b", "c"]


def answered(
    client: Any, rows: list[list[Any]], names: list[str], **params: Any
) -> dict[str, Any]:
    """The results of a run on a wide table; mixed where `random` is asked for."""
    body = {
        "model_type": "choice_mixed" if "random" in params else "choice_mnl",
        "params": {
            "form": "wide", "chosen": "took", "alternatives": ALTERNATIVES, "seed": 1,
            **params,
        },
        "data": {"data_json": rows, "column_names": names},
    }  # fmt: skip
    answer = client.post("/api/v1/runs", json=body)
    assert answer.status_code == 201, answer.text
    run = ended(client, answer.json["id"])
    assert run["status"] == "completed", run
    found: dict[str, Any] = client.get(f"/api/v1/runs/{run['id']}/results").json
    return found


def shares(b: Any2, x: Any2, open_to: Any2) -> Any2:
    """Probabilities, shape (situations, alternatives)."""
    v = np.where(open_to, x @ b, -np.inf)
    e = np.exp(v - v.real.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def picked(rng: Any, p: Floats) -> npt.NDArray[np.intp]:
    """A choice in each situation."""
    u = rng.random((len(p), 1))
    return np.asarray((u > p.cumsum(axis=1)).sum(axis=1))


# -- multinomial -----------------------------------------------------------------


class Survey:
    """Two attributes, a trait, gaps where nothing was on offer, persons unsorted."""

    def __init__(self, situations: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.price = rng.uniform(1, 4, (situations, 3))
        self.time = rng.uniform(0, 2, (situations, 3))
        self.person = rng.integers(0, situations // 4, situations)
        self.income = rng.uniform(10, 90, situations // 4)[self.person]
        self.open_to = np.ones((situations, 3), bool)
        self.open_to[rng.random(situations) < 0.25, 1] = False
        truth = np.array([0.4, -0.3, -0.9, -0.7, 0.3])
        p = shares(truth, self.table(self.price, self.time), self.open_to)
        self.chosen = picked(rng, p)

    def table(self, price: Floats, time: Floats) -> Floats:
        """Constants of a and b, price, time, price x income."""
        x = np.zeros((*price.shape, 5))
        x[:, 0, 0] = x[:, 1, 1] = 1.0
        scaled = (self.income - self.income.mean()) / self.income.std()
        x[..., 2], x[..., 3], x[..., 4] = price, time, price * scaled[:, None]
        return x

    def rows(self) -> tuple[list[list[Any]], list[str]]:
        """What is not on offer has no price, and no time."""
        rows = []
        for n in range(len(self.chosen)):
            cells = [
                float(of[n, j]) if self.open_to[n, j] else None
                for of in (self.price, self.time)
                for j in range(3)
            ]
            offered = [int(flag) for flag in self.open_to[n]]
            who = [int(self.person[n]), float(self.income[n])]
            rows.append([ALTERNATIVES[self.chosen[n]], *who, *cells, *offered])
        columns = [f"{of}_{j}" for of in ("price", "time", "on") for j in ALTERNATIVES]
        return rows, ["took", "who", "income", *columns]


def test_every_number_of_a_multinomial_logit_follows_from_its_probabilities(
    client: Any,
) -> None:
    survey = Survey(400, 1)
    found = answered(
        client,
        *survey.rows(),
        attributes=["price", "time"],
        interactions=[{"attribute": "price", "trait": "income"}],
        available={name: f"on_{name}" for name in ALTERNATIVES},
        person="who",
        price="price",
        confidence_level=0.9,
    )
    lines = found["tables"]["coefficients"]
    assert [line["name"] for line in lines] == [
        "constant (a)", "constant (b)", "price", "time", "price x income",
    ]  # fmt: skip
    b = np.array([line["estimate"] for line in lines])
    x = survey.table(survey.price, survey.time)
    n = np.arange(400)

    def logs(at: Any2) -> Any2:
        return np.asarray(np.log(shares(at, x, survey.open_to)[n, survey.chosen]))

    def scores(at: Floats) -> Floats:
        steps = at + 1e-30j * np.eye(5)
        return np.array([logs(step).imag / 1e-30 for step in steps])

    h = 1e-6 * np.eye(5)
    second = [(scores(b + a) - scores(b - a)).sum(axis=1) / 2e-6 for a in h]
    plain = np.linalg.inv(-np.array(second))
    own = np.array([np.bincount(survey.person, weights=row) for row in scores(b)])
    robust = plain @ (own @ own.T) @ plain
    error = np.sqrt(np.diag(robust))
    assert plain @ scores(b).sum(axis=1) / error == pytest.approx(0, abs=1e-4)
    for name, of in (("error", plain), ("robust_error", robust)):
        told = [line[name] for line in lines]
        assert told == pytest.approx(np.sqrt(np.diag(of)), rel=1e-6), name
    half = norm.ppf(0.95) * error
    assert [line["low"] for line in lines] == pytest.approx(b - half, rel=1e-6)
    zero = -np.log(survey.open_to.sum(axis=1)).sum()
    metrics = found["metrics"]
    assert metrics["log_likelihood"] == pytest.approx(logs(b).sum(), rel=1e-12)
    assert metrics["rho2"] == pytest.approx(1 - logs(b).sum() / zero)
    assert metrics["ratio_freedom"] == 3
    p = shares(b, x, survey.open_to)
    right = (p.argmax(axis=1) == survey.chosen).mean()
    assert metrics["hit_rate"] == pytest.approx(right)
    _elasticities_are_differences(found, survey, b)
    worth = found["tables"]["willingness_to_pay"][0]
    assert worth["name"] == "time"
    assert worth["estimate"] == pytest.approx(-b[3] / b[2], rel=1e-9)
    slope = np.array([0, 0, b[3] / b[2] ** 2, -1 / b[2], 0])
    told = worth["error"]
    assert told == pytest.approx(np.sqrt(slope @ robust @ slope), rel=1e-6)


def _elasticities_are_differences(
    found: dict[str, Any], survey: Survey, b: Floats
) -> None:
    """Shares of demand as one attribute of one alternative rises by a millionth."""
    assert len(found["tables"]["elasticities"]) == 18
    for line in found["tables"]["elasticities"]:
        demand = []
        for change in (1 + 1e-6, 1 - 1e-6):
            cells = {"price": survey.price.copy(), "time": survey.time.copy()}
            j = ALTERNATIVES.index(line["attribute_of"])
            cells[line["attribute"]][:, j] *= change
            x = survey.table(cells["price"], cells["time"])
            p = shares(b, x, survey.open_to).sum(axis=0)
            demand.append(float(p[ALTERNATIVES.index(line["demand_for"])]))
        slope = (demand[0] - demand[1]) / 2e-6 / np.mean(demand)
        assert line["elasticity"] == pytest.approx(slope, abs=1e-7)


def test_a_model_without_constants_is_not_tested_against_them(client: Any) -> None:
    # twice the gain over a model that is no special case is not chi-square
    survey = Survey(200, 2)
    rows, names = survey.rows()
    asked: dict[str, Any] = {
        "attributes": ["price", "time"],
        "available": {name: f"on_{name}" for name in ALTERNATIVES},
        "specific": ["price"],
    }
    asked["attributes"] = ["time"]
    bare = answered(client, rows, names, constants=False, **asked)["metrics"]
    assert bare["parameters"] == 4
    assert bare["ratio"] is None and bare["ratio_p"] is None
    assert bare["ratio_freedom"] == 0
    assert bare["log_likelihood_constants"] < 0
    whole = answered(client, rows, names, **asked)["metrics"]
    assert whole["ratio_freedom"] == 4 and whole["ratio_p"] is not None
    gain = whole["log_likelihood"] - whole["log_likelihood_constants"]
    assert whole["ratio"] == pytest.approx(2 * gain)


def test_constants_count_only_alternatives_offered_beside_others(client: Any) -> None:
    # c was taken where nothing else was on offer: a and b alone have a constant
    rng = np.random.default_rng(3)
    rows: list[list[Any]] = []
    for n in range(120):
        x = rng.standard_normal(3).tolist()
        if n < 20:
            rows.append(["c", *x, 0, 0, 1])
        else:
            rows.append([["a", "b"][int(rng.random() < 0.4)], *x, 1, 1, 0])
    names = ["took", *(f"{of}_{j}" for of in ("x", "on") for j in ALTERNATIVES)]
    found = answered(
        client,
        rows,
        names,
        attributes=["x"],
        constants=False,
        available={name: f"on_{name}" for name in ALTERNATIVES},
    )
    took = sum(row[0] == "a" for row in rows)
    likelihood = took * np.log(took / 100) + (100 - took) * np.log(1 - took / 100)
    told = found["metrics"]["log_likelihood_constants"]
    assert told == pytest.approx(likelihood, rel=1e-9)


# -- mixed -----------------------------------------------------------------------


def _halves(size: int) -> tuple[Floats, Floats]:
    """Nodes and weights of a symmetric triangle on -1..1."""
    at, mass = np.polynomial.legendre.leggauss(size)
    x = np.concatenate([(at - 1) / 2, (at + 1) / 2])
    w = np.concatenate([mass, mass]) * (1 - np.abs(x))
    return x, w / w.sum()


def _even(size: int) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(size)
    return x, w / 2


def _gauss(size: int) -> tuple[Floats, Floats]:
    x, w = np.polynomial.hermite_e.hermegauss(size)
    return x, w / w.sum()


RULES: dict[str, tuple[tuple[Floats, Floats], Callable[[float, float, Floats], Any]]]
RULES = {
    "normal": (_gauss(61), lambda at, spread, z: at + spread * z),
    "lognormal": (_gauss(61), lambda at, spread, z: -np.exp(at + spread * z)),
    "triangular": (_halves(41), lambda at, spread, z: at + spread * z),
    "uniform": (
        _even(61),
        lambda at, spread, z: at + spread * z,
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", RULES)
def test_a_mixed_logit_is_at_the_top_of_the_integral_it_stands_for(
    client: Any, family: str
) -> None:
    (nodes, mass), coefficient = RULES[family]
    rng = np.random.default_rng(7)
    x = rng.standard_normal((600, 3, 2))
    person = np.repeat(np.arange(100), 6)
    taste = coefficient(-0.3, 0.7, rng.choice(nodes, 100, p=mass / mass.sum()))
    b = np.column_stack([taste[person], np.full(600, 0.6)])
    open_to = np.ones((600, 3), bool)
    v = (x * b[:, None, :]).sum(axis=2)
    chosen = (v + rng.gumbel(size=v.shape)).argmax(axis=1)
    rows = [
        [ALTERNATIVES[chosen[n]], int(person[n]), *x[n].T.ravel().tolist()]
        for n in range(600)
    ]
    names = ["took", "who", *(f"{of}_{j}" for of in "xy" for j in ALTERNATIVES)]
    found = answered(
        client,
        rows,
        names,
        attributes=["x", "y"],
        person="who",
        constants=False,
        random=[{"name": "x", "distribution": family, "sign": -1}],
        n_draws=1024,
        tol=1e-8,
    )
    lines = found["tables"]["coefficients"]
    theta = np.array([line["estimate"] for line in lines])

    def of_people(at: Floats) -> Floats:
        out = np.empty((100, len(nodes)))
        for q, value in enumerate(coefficient(at[0], at[2], nodes)):
            p = shares(np.array([value, at[1]]), x, open_to)
            took = np.maximum(p[np.arange(600), chosen], 1e-99)  # at the last nodes
            out[:, q] = np.log(took).reshape(100, 6).sum(axis=1)
        return np.asarray(np.log(np.exp(out) @ mass))

    # 1,024 draws of a Sobol sequence instead of the integral
    told = found["metrics"]["log_likelihood"]
    assert told == pytest.approx(of_people(theta).sum(), abs=0.05)
    h = 1e-4 * np.eye(3)
    slopes = np.array([(of_people(theta + a) - of_people(theta - a)) / 2e-4 for a in h])
    errors = np.array([line["robust_error"] for line in lines])
    second = np.array(
        [
            [
                of_people(theta + a + c).sum() - of_people(theta + a - c).sum()
                - of_people(theta - a + c).sum() + of_people(theta - a - c).sum()
                for c in h
            ]
            for a in h
        ]
    ) / 4e-8  # fmt: skip
    inverse = np.linalg.inv(-second)
    assert inverse @ slopes.sum(axis=1) / errors == pytest.approx(0, abs=0.05)
    robust = np.sqrt(np.diag(inverse @ (slopes @ slopes.T) @ inverse))
    assert errors == pytest.approx(robust, rel=0.05)
    values = coefficient(theta[0], theta[2], nodes)
    mean = float(values @ mass)
    line = found["tables"]["random_coefficients"][0]
    assert line["mean"] == pytest.approx(mean, rel=1e-6)
    deviation = np.sqrt(float((values - mean) ** 2 @ mass))
    assert line["deviation"] == pytest.approx(deviation, rel=1e-6)
    market = np.zeros((600, 3))
    for value, weight in zip(values, mass, strict=True):
        market += weight * shares(np.array([value, theta[1]]), x, open_to)
    assert np.array(found["results"]["probabilities"]) == pytest.approx(
        market, abs=2e-3
    )
