"""`/sensitivity/fit`: scipy as peer, through the address, and pasted into a request."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient
from scipy import stats

from flask_api.analysis import Context, Stopped
from flask_api.domains.sensitivity.fitting.job import fit
from flask_api.domains.sensitivity.fitting.schema import MOST, FitRequest, Kind
from flask_api.numerics import fitting
from flask_api.numerics.streams import stream
from tests.domains.sensitivity.conftest import Watch

DATA = (stream(7, 0, 99).gamma(2.5, 4.0, 300) + 1e-9).tolist()
SHARES = stream(8, 0, 99).beta(2.0, 5.0, 200).tolist()
#: scipy's family, what is held fixed, and our names of its parameters.
PEERS: dict[str, tuple[Any, dict[str, float], tuple[str | None, ...]]] = {
    "gamma": (stats.gamma, {"floc": 0}, ("shape", None, "scale")),
    "weibull": (stats.weibull_min, {"floc": 0}, ("shape", None, "scale")),
    "normal": (stats.norm, {}, ("mean", "std")),
    "beta": (stats.beta, {"floc": 0, "fscale": 1}, ("a", "b", None, None)),
}


def ask(client: FlaskClient, status: int = 200, **body: Any) -> dict[str, Any]:
    got = client.post("/sensitivity/fit", json=body)
    assert got.status_code == status, got.text
    found: dict[str, Any] = got.get_json()
    return found


def of_kind(answer: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(one for one in answer["fits"] if one["kind"] == kind)


def test_the_request_offers_every_kind_that_can_be_fitted() -> None:
    assert set(get_args(Kind)) == set(fitting.FITS)
    assert MOST == fitting.MOST


@pytest.mark.parametrize("kind", PEERS)
def test_candidates_are_those_of_scipy(client: FlaskClient, kind: str) -> None:
    family, fixed, names = PEERS[kind]
    data = SHARES if kind == "beta" else DATA
    theirs = family.fit(data, **fixed)
    own = of_kind(ask(client, data=data), kind)
    for name, value in zip(names, theirs, strict=True):
        if name is not None:
            # scipy stops its search at 1e-4 of the likelihood's flat top
            assert own["distribution"][name] == pytest.approx(value, rel=2e-4)
    likelihood = family(*theirs).logpdf(data).sum()
    free = len([name for name in names if name])
    assert own["log_likelihood"] == pytest.approx(likelihood, abs=1e-3)
    assert own["aic"] == pytest.approx(2 * free - 2 * likelihood, abs=2e-3)
    gap = stats.kstest(data, family(*theirs).cdf).statistic
    assert own["ks"] == pytest.approx(gap, abs=1e-3)
    shapes = family.shapes.split(", ") if family.shapes else []
    known = dict(zip((*shapes, "loc", "scale"), theirs, strict=True))
    squared = stats.goodness_of_fit(
        family, np.array(data), known_params=known, statistic="ad", n_mc_samples=1
    ).statistic
    assert own["anderson_darling"] == pytest.approx(squared, abs=1e-2)


def test_the_best_comes_first_and_all_are_ranked(client: FlaskClient) -> None:
    answer = ask(client, data=DATA)
    aics = [one["aic"] for one in answer["fits"]]
    assert aics == sorted(aics)
    assert answer["best"] == answer["fits"][0]["distribution"]
    # the kind they come from is first or as good as the first (Akaike's 2), but for
    # kinds whose ends are taken from the data
    open_ended = [one for one in answer["fits"] if one["standard_errors"]]
    assert of_kind(answer, "gamma")["aic"] <= open_ended[0]["aic"] + 2
    assert [orjson.loads(row["distribution"]) for row in answer["table"]] == [
        one["distribution"] for one in answer["fits"]
    ]
    assert sum(one["weight"] for one in answer["fits"]) == pytest.approx(1)
    told = {one["kind"]: one["reason"] for one in answer["unfit"]}
    assert "not inside 0 to 1" in told["beta"]
    assert answer["data"]["n"] == 300
    assert answer["data"]["mean"] == pytest.approx(np.mean(DATA))


def test_the_quantiles_are_those_of_data_and_candidates(client: FlaskClient) -> None:
    answer = ask(client, data=DATA, kinds=["normal", "gamma"])
    rows = answer["quantiles"]
    assert len(rows) == 101
    assert set(rows[0]) == {"probability", "data", "normal", "gamma"}
    told = of_kind(answer, "normal")["distribution"]
    theirs = stats.norm(told["mean"], told["std"]).ppf([r["probability"] for r in rows])
    assert [row["normal"] for row in rows] == pytest.approx(theirs.tolist(), rel=1e-10)
    assert [row["data"] for row in rows] == sorted(row["data"] for row in rows)
    assert rows[0]["data"] == min(DATA) and rows[-1]["data"] == max(DATA)


def test_every_candidate_can_be_pasted_as_a_distribution(client: FlaskClient) -> None:
    answer = ask(client, data=SHARES)
    assert {one["kind"] for one in answer["fits"]} == set(fitting.FITS)
    for one in answer["fits"]:
        body = {
            "model": {"formula": "x", "inputs": {"x": 1}},
            "parameters": [{"id": "x", "distribution": one["distribution"]}],
            "iterations": 4096,
            "config": {"seed": 1},
        }
        got = client.post("/sensitivity/monte-carlo", json=body)
        assert got.status_code == 200, got.text
        # all of them are fitted to these data: the mean is near that of the data
        spread = np.std(SHARES)
        assert got.json["results"]["mean"] == pytest.approx(np.mean(SHARES), abs=spread)


def test_the_order_of_data_does_not_matter(client: FlaskClient) -> None:
    one, other = (ask(client, data=d) for d in (DATA, DATA[::-1]))
    for key in ("fits", "quantiles", "table"):
        assert one[key] == other[key]


def test_the_range_of_a_beta_can_be_given(client: FlaskClient) -> None:
    answer = ask(client, data=DATA, kinds=["beta"], range=[0, 100])
    assert answer["best"]["low"] == 0 and answer["best"]["high"] == 100


def test_tables_come_as_csv(client: FlaskClient) -> None:
    id = ask(client, data=DATA)["analysis_id"]
    for table, head in (("fits", "kind,parameters"), ("quantiles", "probability,data")):
        got = client.get(f"/api/jobs/{id}/result?format=csv&table={table}")
        assert got.status_code == 200
        assert got.text.startswith(head)


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({}, "data", "missing"),
        ({"data": [1, 2, 3]}, "data", "8 to 100,000"),
        ({"data": [1.0] * 9}, "data", "constant"),
        ({"data": [1, 2, 3, None, 5, 6, 7, 8]}, "data[3]", "number"),
        ({"data": [1, 2, 3, "4", 5, 6, 7, 8]}, "data[3]", "number"),
        ({"data": [1, 2, 3, True, 5, 6, 7, 8]}, "data[3]", "number"),
        ({"data": DATA, "kinds": ["cauchy"]}, "kinds[0]", "normal"),
        ({"data": DATA, "kinds": []}, "kinds", "at least 1"),
        ({"data": DATA, "range": [2, 1]}, "range", "below"),
    ],
)
def test_what_can_not_be_fitted_is_refused_by_its_place(
    client: FlaskClient, body: dict[str, Any], field: str, says: str
) -> None:
    answer = ask(client, 400, **body)
    assert answer["details"][0]["field"] == field
    assert says.lower() in orjson.dumps(answer).decode().lower()


def test_data_that_no_candidate_can_have_made_have_no_solution(
    client: FlaskClient,
) -> None:
    data = [-1.0, 2, 3, 4, 5, 6, 7, 8]
    answer = ask(client, 400, data=data, kinds=["gamma", "lognormal"])
    assert answer["code"] == "NO_SOLUTION"
    assert "gamma" in answer["message"]


def test_candidates_are_told_as_they_come(watch: type[Watch]) -> None:
    seen = watch()
    fit(FitRequest(data=DATA), seen, Context())
    assert [done for done, _, _ in seen.reports] == list(range(9))
    counts = [len(partial["fits"]) for _, _, partial in seen.reports]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 7
    with pytest.raises(Stopped):
        fit(FitRequest(data=DATA), watch(stop_after=3), Context())
