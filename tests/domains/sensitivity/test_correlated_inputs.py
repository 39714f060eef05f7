"""Methods that judge a sample, where its inputs move together: closed forms, peers."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type"

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import openturns as ot
import pytest
from scipy import stats

from flask_api.domains.sensitivity.given_data.delta import delta
from flask_api.domains.sensitivity.given_data.pawn import pawn
from flask_api.domains.sensitivity.given_data.regression import regression
from flask_api.domains.sensitivity.given_data.sample import draw
from flask_api.domains.sensitivity.methods import METHODS
from flask_api.numerics.correlation import Correlation, read_correlation
from flask_api.numerics.designs import blocks, design
from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError
from flask_api.numerics.sampling import Sampler
from tests.domains.sensitivity.conftest import Run

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]

STDS = {"a": 1.0, "b": 2.0, "c": 0.5, "w": 3.0}
NORMALS = {k: make({"kind": "normal", "mean": 1, "std": s}) for k, s in STDS.items()}
SLOPES = np.array([3.0, -2.0, 4.0])
#: Of ranks; w stands alone.
RANKS = np.array([[1, 0.6, -0.3], [0.6, 1, 0.2], [-0.3, 0.2, 1]])
TIED = Correlation(("a", "b", "c"), RANKS)
#: Of the normal scores: Pearson (1907).
SCORES: Floats = 2 * np.sin(np.pi / 6 * RANKS) * (1 - np.eye(3)) + np.eye(3)
METHODS_OF_DATA = ("src", "prcc", "pawn", "delta")

ASKED = {"pairs": [["a", "b", 0.6]]}
SUM: dict[str, Any] = {
    "formula": "a + b",
    "inputs": {
        name: {"distribution": {"kind": "normal", "mean": 0, "std": 1}}
        for name in ("a", "b")
    },
}


def line(x: Columns) -> Columns:
    return {"y": SLOPES @ np.stack([x[name] for name in "abc"]) + x["w"]}


def bent(x: Columns) -> Columns:
    """The line, with a term in place of w that no straight line explains."""
    w = (x["w"] - 1) / 3
    return {"y": SLOPES @ np.stack([x[name] for name in "abc"]) + 2 * (w * w - 1)}


def last(method: Callable[..., Any], model: Any, samples: int, **options: Any) -> Any:
    options = {"seed": 0, "correlation": TIED, "inputs": NORMALS} | options
    inputs = options.pop("inputs")
    *_, state = method(model, inputs, ["y"], samples, **options)
    return state.report("y")


def values(rows: dict[str, Any]) -> list[float]:
    return [row["value"] for row in rows.values()]


def test_src_of_a_bent_line_in_correlated_normals_is_that_of_the_book() -> None:
    n = 40_000
    found = last(partial(regression, ranked=False), bent, n)
    spread = np.array([1.0, 2.0, 0.5])
    covariance = SCORES * np.outer(spread, spread)
    variance = SLOPES @ covariance @ SLOPES + 8  # of 2 (w^2 - 1): 4 * 2
    slopes = [*(SLOPES * spread / math.sqrt(variance)), 0]
    # what is left of an input once the others are known
    alone = SLOPES**2 / np.diag(np.linalg.inv(covariance))
    shares = [*(np.sign(SLOPES) * np.sqrt(alone / (alone + 8))), 0]
    # each error is below 2/sqrt(n), as the intervals say: four of them
    assert values(found["src"]) == pytest.approx(slopes, abs=8 / math.sqrt(n))
    assert values(found["pcc"]) == pytest.approx(shares, abs=8 / math.sqrt(n))
    assert found["r2"] == pytest.approx(1 - 8 / variance, abs=8 / math.sqrt(n))
    for row, true in zip(found["src"].values(), slopes, strict=True):
        assert abs(row["value"] - true) < 2 * (row["upper"] - row["lower"])


def test_prcc_of_a_line_in_correlated_normals_is_that_of_the_book() -> None:
    # ranks of two normals with correlation r correlate with 6/pi asin(r/2); partial
    # correlations stand in the inverse of the matrix of them all
    n = 40_000
    found = last(partial(regression, ranked=True), line, n)
    spread, slopes = np.array([1.0, 2.0, 0.5, 3.0]), np.array([*SLOPES, 1.0])
    joint = np.eye(5)
    joint[:3, :3] = SCORES
    weights = slopes * spread
    joint[4, :4] = joint[:4, :4] @ weights
    joint[4, :4] /= math.sqrt(weights @ joint[:4, :4] @ weights)
    joint[:4, 4] = joint[4, :4]
    inverse = np.linalg.inv(6 / np.pi * np.arcsin(joint / 2))
    scale = np.sqrt(np.diag(inverse) * inverse[4, 4])
    known = (-inverse[4] / scale)[:4]
    srrc = (-inverse[4] / inverse[4, 4])[:4]
    assert values(found["prcc"]) == pytest.approx(known.tolist(), abs=4 / math.sqrt(n))
    assert values(found["srrc"]) == pytest.approx(srrc.tolist(), abs=4 / math.sqrt(n))


@pytest.mark.parametrize("way", ["copula", "iman_conover"])
@pytest.mark.parametrize("ranked", [False, True])
def test_openturns_finds_the_same_on_the_same_correlated_rows(
    ranked: bool, way: str
) -> None:
    tied = Correlation(TIED.names, RANKS, way)
    found = last(partial(regression, ranked=ranked), bent, 3_000, correlation=tied)
    *_, rows = draw(
        bent, NORMALS, ["y"], 3_000, seed=0, sampling="random", correlation=tied
    )
    peer = ot.CorrelationAnalysis(
        ot.Sample(rows.x.T.copy()), ot.Sample(rows.y["y"][:, None])
    )
    slopes = peer.computeSRRC() if ranked else peer.computeSRC()
    shares = peer.computePRCC() if ranked else peer.computePCC()
    # two ways to the same least squares, condition below 100
    assert values(found["srrc" if ranked else "src"]) == pytest.approx(
        np.array(slopes), abs=1e-12
    )
    assert values(found["prcc" if ranked else "pcc"]) == pytest.approx(
        np.array(shares), abs=1e-12
    )


def waved(x: Columns) -> Columns:
    """The line, with a bounded term in place of w that no straight line explains."""
    wave = 3 * np.cos(2 * (x["w"] - 1) / 3)
    return {"y": SLOPES @ np.stack([x[name] for name in "abc"]) + wave}


@pytest.mark.parametrize("ranked", [False, True])
@pytest.mark.parametrize(("way", "rows"), [("copula", 256), ("iman_conover", 4096)])
def test_intervals_of_correlated_inputs_hold_the_truth_as_often_as_they_say(
    way: str, rows: int, ranked: bool
) -> None:
    # Iman-Conover takes more rows: in the first blocks, of 64, the values that stand at
    # the ends are not those of the scores, which costs 3 % of a correlation
    slope, part = ("srrc", "prcc") if ranked else ("src", "pcc")
    method = partial(regression, ranked=ranked)
    tied = Correlation(("a", "b", "c"), RANKS, way)
    many = last(method, waved, 200_000, seed=999, sampling="sobol")
    truth = np.array([*values(many[slope]), *values(many[part])])
    runs, hits = 400 if rows < 1000 else 100, np.zeros(8)
    for seed in range(runs):
        found = last(method, waved, rows, seed=seed, correlation=tied)
        each = [*found[slope].values(), *found[part].values()]
        low, high = (np.array([row[end] for row in each]) for end in ("lower", "upper"))
        hits += (low <= truth) & (truth <= high)
    # four standard errors of a share of 0.95
    error = 4 * math.sqrt(0.95 * 0.05 / runs)
    assert (abs(hits / runs - 0.95) < error).all(), hits / runs


def pawn_of_normals(r: float, slices: int = 10) -> float:
    """Median distance of the slices of x, where (x, y) are normal with correlation r.

    In a slice y has the density of the mean, over x there, of normals about r x.
    """
    y = np.linspace(-6, 6, 1_501)
    fine = stats.norm.ppf((np.arange(slices * 200) + 0.5) / (slices * 200))
    whole, gaps = stats.norm.cdf(y), []
    for x in fine.reshape(slices, 200):
        inside = stats.norm.cdf((y[:, None] - r * x) / math.sqrt(1 - r * r))
        gaps.append(np.abs(inside.mean(axis=1) - whole).max())
    return float(np.median(gaps))


def delta_of_normals(r: float) -> float:
    """Half the area between the density of y and of y given x, averaged over x."""
    y = np.linspace(-8, 8, 2_001)
    spread = math.sqrt(1 - r * r)
    areas = [
        np.trapezoid(np.abs(stats.norm.pdf(y) - stats.norm.pdf(y, r * x, spread)), y)
        for x in stats.norm.ppf((np.arange(200) + 0.5) / 200)
    ]
    return float(np.mean(areas)) / 2


PAIR = {name: make({"kind": "normal", "mean": 0, "std": 1}) for name in "ab"}
CLOSE = Correlation(("a", "b"), np.array([[1, 0.6], [0.6, 1]]))
SCORE = 2 * math.sin(math.pi / 6 * 0.6)
WEIGHTS = (2.0, 1.0)


def total(x: Columns) -> Columns:
    return {"y": WEIGHTS[0] * x["a"] + WEIGHTS[1] * x["b"]}


def with_y() -> list[float]:
    """Correlations of a and b with y = 2 a + b."""
    p, q = WEIGHTS
    spread = math.sqrt(p * p + q * q + 2 * p * q * SCORE)
    return [(p + q * SCORE) / spread, (q + p * SCORE) / spread]


def test_pawn_of_correlated_normals_is_that_of_the_quadrature() -> None:
    known = [pawn_of_normals(r) for r in with_y()]
    found = last(pawn, total, 40_000, correlation=CLOSE, inputs=PAIR, dummies=0)
    # a gap of 4,000 rows in a slice to the whole scatters by sqrt(p (1 - p) / 4,000),
    # below 0.008, the median of ten of them by less than half that: four of it
    assert list(found["median"].values()) == pytest.approx(known, abs=0.016)
    alone = last(pawn, total, 40_000, correlation=None, inputs=PAIR, dummies=0)
    apart = [pawn_of_normals(weight / math.sqrt(5)) for weight in WEIGHTS]
    assert list(alone["median"].values()) == pytest.approx(apart, abs=0.016)
    assert known[1] - apart[1] > 0.1


def test_delta_of_correlated_normals_is_that_of_the_quadrature() -> None:
    found = last(delta, total, 10_000, correlation=CLOSE, inputs=PAIR, resamples=10)
    # bias of some -0.02 for a large delta, scatter 0.004 at 10,000 rows: see
    # test_delta_of_a_line_in_normals_comes_to_its_closed_form in test_moment_free.py
    known = [delta_of_normals(r) for r in with_y()]
    assert values(found["delta"]) == pytest.approx(known, abs=0.04)
    # the first-order index is the squared correlation: here the sum is above 1
    squares = [r * r for r in with_y()]
    assert values(found["first"]) == pytest.approx(squares, abs=0.02)
    assert sum(squares) > 1.3


@pytest.mark.parametrize("method", [pawn, delta])
def test_an_input_that_does_nothing_tells_of_the_one_it_follows(
    method: Callable[..., Any],
) -> None:
    def first(x: Columns) -> Columns:
        return {"y": x["a"]}

    main = "median" if method is pawn else "delta_raw"
    tied = last(method, first, 2_000, correlation=CLOSE, inputs=PAIR)[main]["b"]
    free = last(method, first, 2_000, correlation=None, inputs=PAIR)[main]["b"]
    # noise of 2,000 rows: some 0.03 in a gap, and it widens small ones
    known = (pawn_of_normals if method is pawn else delta_of_normals)(SCORE)
    assert tied == pytest.approx(known, abs=0.07) and free < 0.1 < known


@pytest.mark.parametrize("sampling", ["random", "sobol"])
def test_rows_are_those_of_a_monte_carlo_run(sampling: str) -> None:
    options: dict[str, Any] = {"seed": 3, "sampling": sampling}
    *_, rows = draw(line, NORMALS, ["y"], 500, correlation=TIED, **options)
    sampler = Sampler(NORMALS, 500, correlation=TIED, **options)
    parts = [sampler.block(start, n) for start, n in blocks(500)]
    for i, name in enumerate(NORMALS):
        drawn = np.concatenate([part[name] for part in parts])
        assert rows.x[i].tolist() == drawn.tolist()
    # and without correlation each input's own quantiles of the design
    *_, rows = draw(line, NORMALS, ["y"], 500, **options)
    points = design(sampling, 4, 3)
    u = np.hstack([points.block(start, n) for start, n in blocks(500)])
    for i, shape in enumerate(NORMALS.values()):
        assert rows.x[i].tolist() == shape.ppf(u[i]).tolist()


# -- from request to answer ----------------------------------------------------------


def ask(method: str, **config: Any) -> dict[str, Any]:
    body = {"method": method, "parameters": [{}], "model": SUM}
    return body | {"config": {"seed": 1, "samples": 1024, **config}}


@pytest.mark.parametrize("method", METHODS_OF_DATA)
def test_a_correlation_is_taken_and_told(method: str, analyze: Run) -> None:
    tied = analyze(ask(method, correlation=ASKED))
    free = analyze(ask(method))
    assert tied["indices"] != free["indices"]
    told = tied["metadata"]["correlation"]
    assert told["names"] == ["a", "b"] and told["matrix"] == [[1, 0.6], [0.6, 1]]
    assert told["missed_by"] == pytest.approx(0, abs=1e-12)
    assert free["metadata"]["correlation"] is None
    said = "the inputs vary independently of each other"
    assert said in free["metadata"]["assumptions"]
    assert said not in tied["metadata"]["assumptions"]
    # independence that is written down is independence
    nothing = analyze(ask(method, correlation={"pairs": [["a", "b", 0]]}))
    assert nothing["indices"] == free["indices"]
    assert said in nothing["metadata"]["assumptions"]


def test_inputs_of_a_plant_are_correlated_under_any_name(analyze: Run) -> None:
    parameters = ["S11", "S35"]
    body = {"method": "prcc", "parameters": parameters}
    config = {"seed": 1, "samples": 512}
    names = [("S11", "S35"), ("bare_erected_cost", "labor_cost"), ("S11", "labor_cost")]
    answers = [
        analyze(body | {"config": {**config, "correlation": [[a, b, -0.7]]}})
        for a, b in names
    ]
    assert answers[0]["indices"] == answers[1]["indices"] == answers[2]["indices"]
    assert answers[1]["metadata"]["correlation"]["names"] == parameters


@pytest.mark.parametrize("method", METHODS_OF_DATA)
def test_drawn_values_are_kept_where_that_is_asked_for(
    method: str, analyze: Run
) -> None:
    answer = analyze(ask(method, correlation=ASKED | {"method": "iman_conover"}))
    copula = analyze(ask(method, correlation=ASKED | {"method": "copula"}))
    assert answer["metadata"]["correlation"]["method"] == "iman_conover"
    assert answer["indices"] != copula["indices"]


@pytest.mark.parametrize(
    "method", ["sobol", "fast", "rbd_fast", "morris", "local", "oat", "tornado"]
)
def test_methods_of_independent_inputs_say_what_to_use_instead(
    method: str, analyze: Run
) -> None:
    body = ask(method, correlation=ASKED)
    del body["config"]["samples"]
    with pytest.raises(InputError) as caught:
        analyze(body)
    assert caught.value.field == "config.correlation"
    for other in ("shapley", "prcc", "src", "pawn", "delta"):
        assert other in str(caught.value)
        assert "correlation" in METHODS[other].settings


@pytest.mark.parametrize("method", (*METHODS_OF_DATA, "shapley"))
def test_a_correlation_that_cannot_be_is_refused(method: str, analyze: Run) -> None:
    with pytest.raises(InputError, match="which is no input|no input") as caught:
        analyze(ask(method, correlation={"pairs": [["a", "z", 0.5]]}))
    assert (caught.value.field or "").startswith("config.correlation")
    with pytest.raises(InputError, match="from -1 to 1"):
        analyze(ask(method, correlation={"pairs": [["a", "b", 1.5]]}))
    three = SUM | {"formula": "a + b + c", "inputs": {n: [0, 1] for n in "abc"}}
    pairs = [["a", "b", 0.9], ["b", "c", 0.9], ["a", "c", -0.9]]
    with pytest.raises(InputError, match="nearest matrix") as caught:
        analyze(ask(method, correlation=pairs) | {"model": three})
    details: Any = caught.value.details
    assert details["nearest"]["names"] == ["a", "b", "c"]


def test_the_matrix_is_the_one_asked_for_in_the_rows() -> None:
    read = read_correlation({"pairs": [["a", "b", 0.6]]}, list(NORMALS))
    *_, rows = draw(
        line, NORMALS, ["y"], 20_000, seed=5, sampling="sobol", correlation=read
    )
    got = stats.spearmanr(rows.x.T)[0]
    known = np.eye(4)
    known[0, 1] = known[1, 0] = 0.6
    # a sampled rank correlation scatters by 1/sqrt(n) at most: four of it
    np.testing.assert_allclose(got, known, atol=4 / math.sqrt(20_000))
