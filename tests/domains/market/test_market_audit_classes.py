"""Latent classes over the API, on tables of all kinds, against a twin of few lines.

The twin knows the likelihood alone: derivatives are complex steps of it, so that the
information, the sandwich and the intervals owe nothing to the formulas in the package.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chi2, norm

from flask_api.domains.market.latent_class.criteria import goodness_of_fit
from flask_api.domains.market.latent_class.information import standard_errors
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.patterns.patterns import pack
from tests.domains.market.latent_class_by_hand import fitted
from tests.domains.market.market_requests import ended

Floats = npt.NDArray[np.float64]
Any2 = npt.NDArray[Any]

_SMALL = 1e-30  # a complex step: the derivative without a difference


def table(rng: Any, rows: int, items: int, classes: int, spread: float) -> Floats:
    """Purchases of random classes, every product bought and not bought."""
    sizes = rng.dirichlet(np.full(classes, 3.0))
    p = 1 / (1 + np.exp(-spread * rng.standard_normal((classes, items))))
    kind = rng.choice(classes, rows, p=sizes)
    bought = (rng.random((rows, items)) < p[kind]).astype(np.float64)
    bought[0], bought[1] = 0.0, 1.0
    return np.asarray(bought)


def asked(
    client: Any,
    cells: Floats,
    model: str = "lca",
    counts: Floats | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The results of a run on a table, NaN = missing, with a column of counts."""
    wide = cells if counts is None else np.column_stack([cells, counts])
    rows = [[None if np.isnan(v) else int(v) for v in row] for row in wide]
    names = [f"p{j}" for j in range(cells.shape[1])]
    body: dict[str, Any] = {"model_type": model, "product_columns": names, **more}
    if counts is not None:
        names = [*names, "count"]
        body["count_column"] = "count"
    body["data"] = {"data_json": rows, "column_names": names}
    answer = client.post("/api/v1/runs", json=body)
    assert answer.status_code == 201, answer.text
    run = ended(client, answer.json["id"])
    assert run["status"] == "completed", run
    found: dict[str, Any] = client.get(f"/api/v1/runs/{run['id']}/results").json
    return found


def numbers(cells: Any) -> Floats:
    """Null as NaN."""
    return np.array(cells, dtype=np.float64)


def joint(cells: Floats, sizes: Any2, p: Any2) -> Any2:
    """Logarithm of size times probability, by row and class; NaN is left out."""
    known, one = ~np.isnan(cells), np.nan_to_num(cells)
    found: Any2 = one @ np.log(p).T + (known - one) @ np.log(1 - p).T + np.log(sizes)
    return found


def rowwise(cells: Floats, sizes: Any2, p: Any2) -> Any2:
    """Log-likelihood of each row."""
    logs = joint(cells, sizes, p)
    high = logs.real.max(axis=1)
    return np.asarray(high + np.log(np.exp(logs - high[:, None]).sum(axis=1)))


def errors_by_steps(
    cells: Floats, sizes: Floats, p: Floats, free: Any2, robust: bool
) -> tuple[Floats, Floats]:
    """Errors of sizes and probabilities, by differences of complex steps."""
    classes = len(sizes)

    def unpacked(t: Any2) -> tuple[Any2, Any2]:
        odds = np.exp(np.concatenate([t[:1] * 0, t[: classes - 1]]))
        inside = p.astype(t.dtype)
        inside[free] = 1 / (1 + np.exp(-t[classes - 1 :]))
        return odds / odds.sum(), inside

    def scores(t: Any2) -> Floats:
        steps = t + _SMALL * 1j * np.eye(len(t))
        return np.array([rowwise(cells, *unpacked(s)).imag / _SMALL for s in steps])

    logits = np.log(p[free] / (1 - p[free]))
    t = np.concatenate([np.log(sizes[1:] / sizes[0]), logits])
    h = 1e-5 * np.eye(len(t))
    second = np.array([(scores(t + a) - scores(t - a)).sum(axis=1) / 2e-5 for a in h])
    variance = np.linalg.inv(-(second + second.T) / 2)
    if robust:
        own = scores(t)
        variance = variance @ (own @ own.T) @ variance
    slope = (np.diag(sizes) - np.outer(sizes, sizes))[:, 1:]
    first = variance[: classes - 1, : classes - 1]
    of_sizes = np.sqrt(np.diag(slope @ first @ slope.T))
    inside = np.full(p.shape, np.nan)
    inside[free] = np.sqrt(np.diag(variance)[classes - 1 :]) * (p * (1 - p))[free]
    return of_sizes, inside


def pairwise(cells: Floats, sizes: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Pearson's X2 of each pair, and the correlation of what is left."""
    logs = joint(cells, sizes, p)
    member = np.exp(logs - rowwise(cells, sizes, p)[:, None])
    left = cells - member @ p
    items = cells.shape[1]
    squared, alike = np.full((items, items), np.nan), np.eye(items)
    for i in range(items):
        for j in set(range(items)) - {i}:
            both = ~np.isnan(cells[:, i] + cells[:, j])
            a, b = left[both, i], left[both, j]
            alike[i, j] = a @ b / np.sqrt((a @ a) * (b @ b))
            squared[i, j] = 0.0
            for x in (0, 1):
                for y in (0, 1):
                    seen = ((cells[both, i] == x) & (cells[both, j] == y)).sum()
                    q, r = (p[:, i], p[:, j])
                    q, r = (q if x else 1 - q), (r if y else 1 - r)
                    expected = both.sum() * (sizes * q * r).sum()
                    squared[i, j] += (seen - expected) ** 2 / expected
    return squared, alike


CASES = {  # rows, products, classes, spread, share missing, counts, robust
    "three classes": (600, 7, 3, 1.5, 0.0, False, False),
    "robust": (400, 6, 2, 1.5, 0.0, False, True),
    "missing cells": (500, 6, 2, 1.5, 0.15, False, True),
    "more than a byte": (300, 11, 3, 1.5, 0.1, False, False),
    "counts": (60, 6, 2, 1.5, 0.0, True, False),
    "pure classes": (300, 6, 3, 4.0, 0.0, False, False),
    "four classes": (500, 8, 4, 2.0, 0.0, False, False),
}


@pytest.mark.parametrize("case", CASES)
def test_every_number_follows_from_the_sizes_and_profiles_told(
    client: Any, case: str
) -> None:
    rows, items, classes, spread, gaps, counted, robust = CASES[case]
    rng = np.random.default_rng(len(case))
    cells = table(rng, rows, items, classes, spread)
    counts = rng.integers(0, 9, rows).astype(np.float64) if counted else None
    if gaps:
        cells[rng.random(cells.shape) < gaps] = np.nan
        cells[2] = np.nan  # of whom nothing is known
    found = asked(
        client,
        cells,
        counts=counts,
        missing="mar" if gaps else "refuse",
        params={
            "n_classes": classes, "n_init": 20, "max_iter": 10_000, "seed": 3,
            "robust_errors": robust, "confidence_level": 0.9,
        },
    )  # fmt: skip
    every = cells if counts is None else np.repeat(cells, counts.astype(int), axis=0)
    known = every[~np.isnan(every).all(axis=1)]
    sizes, p = numbers(found["class_probs"]), numbers(found["item_probs"])
    _criteria_follow(found, known, sizes, p, classes)
    member = np.exp(joint(every, sizes, p) - rowwise(every, sizes, p)[:, None])
    told = numbers(found["results"]["responsibilities"])
    assert told == pytest.approx(member, abs=1e-10)
    squared, alike = pairwise(known, sizes, p)
    told = numbers(found["results"]["bivariate_residuals"])
    assert told == pytest.approx(squared, rel=1e-6, abs=1e-9, nan_ok=True)
    told = numbers(found["results"]["residual_correlations"])
    assert told == pytest.approx(alike, abs=1e-8)
    _errors_follow(found, known, sizes, p, robust)
    starts = found["tables"]["starts"]
    best = max(line["log_likelihood"] for line in starts)
    for line in starts:
        assert line["below_best"] == pytest.approx(best - line["log_likelihood"])


def _criteria_follow(
    found: dict[str, Any], known: Floats, sizes: Floats, p: Floats, classes: int
) -> None:
    told, n = found["metrics"], len(known)
    deviance = -2 * float(rowwise(known, sizes, p).sum())
    free = classes - 1 + p.size
    member = np.exp(joint(known, sizes, p) - rowwise(known, sizes, p)[:, None])
    logs = np.log(member, out=np.zeros_like(member), where=member > 0)
    entropy = -float((member * logs).sum())
    assert told["log_likelihood"] == pytest.approx(-deviance / 2, rel=1e-12)
    for name, price in {
        "aic": 2 * free,
        "aic3": 3 * free,
        "bic": free * np.log(n),
        "caic": free * (np.log(n) + 1),
        "abic": free * np.log((n + 2) / 24),
        "icl": free * np.log(n) + 2 * entropy,
    }.items():
        assert told[name] == pytest.approx(deviance + price, rel=1e-10), name
    certain = 1 - entropy / (n * np.log(classes))
    assert told["relative_entropy"] == pytest.approx(certain, abs=1e-9)
    wrong = 1 - float(member.max(axis=1).mean())
    assert told["error_rate"] == pytest.approx(wrong, abs=1e-9)
    assert told["parameters"] == free and told["rows"] == n
    assert told["degrees_of_freedom"] == min(n, 2 ** p.shape[1] - 1) - free
    if np.isnan(known).any():
        assert told["g2"] is None and told["x2"] is None
        return
    cells, seen = np.unique(known, axis=0, return_counts=True)
    expected = n * np.exp(rowwise(cells, sizes, p))
    g2 = 2 * float(seen @ np.log(seen / expected))
    x2 = float(((seen - expected) ** 2 / expected).sum() + n - expected.sum())
    assert told["g2"] == pytest.approx(g2, rel=1e-8)
    assert told["x2"] == pytest.approx(x2, rel=1e-6)
    freedom = told["degrees_of_freedom"]
    if freedom > 0:
        assert told["g2_p"] == pytest.approx(chi2.sf(g2, freedom), abs=1e-9)
        assert told["x2_p"] == pytest.approx(chi2.sf(x2, freedom), abs=1e-7)


def _errors_follow(
    found: dict[str, Any], known: Floats, sizes: Floats, p: Floats, robust: bool
) -> None:
    lines = found["tables"]["class_profiles"]
    free = ~np.array([line["at_boundary"] for line in lines]).reshape(p.shape)
    assert found["details"]["identified"]
    of_sizes, inside = errors_by_steps(known, sizes, p, free, robust)
    # differences of complex steps are good to 1e-6 where nothing is nearly undetermined
    told = numbers(found["results"]["class_probs_se"])
    assert told == pytest.approx(of_sizes, rel=1e-4)
    told = numbers(found["results"]["item_probs_se"])
    assert told == pytest.approx(inside, rel=1e-4, nan_ok=True)
    half = norm.ppf(0.95) * inside[free] / (p * (1 - p))[free]
    odds = np.log(p[free] / (1 - p[free]))
    for name, end in (("low", odds - half), ("high", odds + half)):
        told = numbers([line[name] for line in lines])[free.ravel()]
        assert told == pytest.approx(1 / (1 + np.exp(-end)), rel=1e-4, abs=1e-6), name


# -- what is not determined ----------------------------------------------------------


def test_three_classes_of_four_products_are_told_not_to_be_determined(
    client: Any,
) -> None:
    # Goodman (1974): 14 numbers, 15 cells, and yet one number too many. The search ends
    # on a ridge, where the second derivative is small but not nil.
    sizes = np.array([0.5, 0.3, 0.2])
    p = np.array([[0.7, 0.6, 0.3, 0.4], [0.3, 0.7, 0.6, 0.2], [0.4, 0.2, 0.7, 0.7]])
    cells = np.array([[n >> j & 1 for j in range(4)] for n in range(16)], np.float64)
    counts = np.rint(1e5 * np.exp(rowwise(cells, sizes, p)))
    asking = {"n_init": 5, "max_iter": 10_000, "seed": 1}
    three = asked(client, cells, counts=counts, params={"n_classes": 3, **asking})
    assert three["metrics"]["degrees_of_freedom"] == 1
    assert three["metrics"]["boundaries"] == 0
    assert three["details"]["identified"] is False
    assert all(
        line["standard_error"] is None for line in three["tables"]["class_sizes"]
    )
    assert any("determine" in warning for warning in three["warnings"])
    two = asked(client, cells, counts=counts, params={"n_classes": 2, **asking})
    assert two["details"]["identified"] is True


def test_a_probability_is_at_its_boundary_below_a_hundredth_of_a_row() -> None:
    rng = np.random.default_rng(1)
    patterns = pack(table(rng, 1000, 4, 2, 1.0).astype(np.uint8))
    p = np.full((2, 4), 0.5)
    p[0, 0], p[0, 1], p[1, 2] = 0.05 / 500, 0.002 / 500, 1 - 0.002 / 500
    model = LatentClasses(np.array([0.5, 0.5]), p, 0.0, 1, True)
    boundary = standard_errors(patterns, model).boundary
    assert np.argwhere(boundary).tolist() == [[0, 1], [1, 2]]


def test_a_table_is_sparse_below_five_rows_for_each_pattern() -> None:
    cells = np.array([[n >> j & 1 for j in range(3)] for n in range(8)])
    model = LatentClasses(np.ones(1), np.full((1, 3), 0.5), 0.0, 1, True)
    enough = np.full(8, 5.0)
    assert not goodness_of_fit(pack(cells, counts=enough), model).sparse
    enough[0] = 4
    assert goodness_of_fit(pack(cells, counts=enough), model).sparse


def test_a_start_stands_still_only_after_two_rounds_without_a_change() -> None:
    cells = table(np.random.default_rng(2), 200, 5, 2, 1.5).astype(np.uint8)
    # nothing counts as a change: a round to know the likelihood, then two quiet ones
    fitting = fitted(pack(cells), 2, n_init=1, tol=1e6)
    assert fitting.leader.trace[0][0] == 9


# -- counts and gaps -----------------------------------------------------------------


@pytest.mark.parametrize("way", ["drop", "impute_mode", "mar"])
def test_a_row_with_a_count_is_so_many_rows_whatever_is_done_about_gaps(
    client: Any, way: str
) -> None:
    rng = np.random.default_rng(4)
    cells = table(rng, 40, 4, 2, 1.5)
    cells[:, 0] = rng.random(40) < 0.75  # bought in most rows, by few households
    cells[rng.random(cells.shape) < 0.1] = np.nan
    counts = np.where(cells[:, 0] == 1, 1.0, 9.0)
    settings: dict[str, Any] = {"missing": way, "params": {"n_classes": 2, "seed": 1}}
    short = asked(client, cells, counts=counts, **settings)
    long = asked(client, np.repeat(cells, counts.astype(int), axis=0), **settings)
    for name in ("log_likelihood", "rows", "bic", "relative_entropy"):
        assert short["metrics"][name] == pytest.approx(long["metrics"][name], rel=1e-9)
