"""Resamples that a result keeps, and what their order tells."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from flask_api.documents.tables import Rows, csv_text
from flask_api.domains.sensitivity.resampled import ranks
from flask_api.domains.sensitivity.schema import ANALYSES
from flask_api.numerics import InputError

ENDS = [-math.pi, math.pi]
ISHIGAMI = {
    "formula": "sin(a) + 7 * sin(b)**2 + 0.1 * c**4 * sin(a)",
    "inputs": {"a": ENDS, "b": ENDS, "c": ENDS},
}
#: By method: the index that ranks, and the one whose resamples are kept for it.
RANKED = {
    "sobol": ("total", "total"),
    "morris": ("mu_star", "mu_star"),
    "delta": ("delta", "delta_raw"),
}
KEPT = {
    "sobol": {"total", "first", "second"},
    "morris": {"mu_star", "mu"},
    "delta": {"delta_raw"},
}


def ask(method: str, **config: Any) -> dict[str, Any]:
    return {
        "method": method,
        "model": ISHIGAMI,
        "parameters": [{}],
        "config": {"seed": 1, "samples": 64, "resamples": 40, **config},
    }


@pytest.fixture
def answers(analyze):
    def of(method: str, **config: Any) -> dict[str, Any]:
        more = {"second_order": True} if method == "sobol" else {}
        return analyze(ask(method, **{"keep_resamples": True, **more, **config}))

    return of


@pytest.mark.parametrize("method", RANKED)
def test_ranks_are_those_of_the_resamples_that_are_kept(answers, method):
    answer = answers(method, confidence_level=0.8)
    ranking, source = RANKED[method]
    kept = answer["outputs"]["result"]["resampled"]
    assert set(kept) == KEPT[method]
    names = list(answer["results"])
    value = [answer["indices"][ranking][name]["value"] for name in names]
    rank = len(names) + 1 - rankdata(value, method="ordinal")
    columns = np.array([kept[source][name] for name in names])
    each = len(names) + 1 - np.apply_along_axis(rankdata, 0, columns)
    for name, own, row in zip(names, rank, each, strict=True):
        told = answer["results"][name]["ranks"]
        assert told["rank"] == own
        assert told["stability"] == np.mean(row == own)
        inside = (told["lower"] <= row) & (row <= told["upper"])
        assert np.mean(inside) >= 0.8
        # one rank narrower holds less, or is no interval
        assert (
            np.mean(row < told["lower"]) <= 0.1 and np.mean(row > told["upper"]) <= 0.1
        )
        assert (
            np.mean(row <= told["lower"]) >= 0.1
            and np.mean(row <= told["upper"]) >= 0.9
        )


@pytest.mark.parametrize("method, index", [("sobol", "first"), ("morris", "mu")])
def test_intervals_are_as_wide_as_the_kept_resamples_scatter(answers, method, index):
    answer = answers(method)
    z = norm.ppf(0.975)
    for name, row in answer["indices"][index].items():
        kept = answer["outputs"]["result"]["resampled"][index][name]
        assert len(kept) == 40
        half = (row["upper"] - row["lower"]) / 2
        assert half == pytest.approx(z * np.std(kept, ddof=1), rel=1e-12)


def test_pairs_are_kept_by_both_inputs(answers):
    answer = answers("sobol")
    kept = answer["outputs"]["result"]["resampled"]["second"]
    for row in answer["indices"]["second"]:
        half = (row["upper"] - row["lower"]) / 2
        values = kept[row["id"]][row["with"]]
        assert half == pytest.approx(norm.ppf(0.975) * np.std(values, ddof=1), rel=1e-9)


def test_the_correction_of_delta_is_that_of_its_kept_resamples(answers):
    answer = answers("delta")
    for name, kept in answer["outputs"]["result"]["resampled"]["delta_raw"].items():
        raw = answer["results"][name]["delta_raw"]
        value = answer["indices"]["delta"][name]["value"]
        assert value == pytest.approx(2 * raw - np.mean(kept), rel=1e-12)


@pytest.mark.parametrize("method", RANKED)
def test_resamples_come_as_a_table_with_a_row_each(answers, method):
    answer = answers(method)
    (analysis,) = (one for one in ANALYSES if one.kind == "sensitivity.analyze")
    (table,) = (one for one in analysis.tables if one.name == "resamples")
    text = "".join(csv_text(Rows(answer, table.path)))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 40
    kept = answer["outputs"]["result"]["resampled"]
    index = RANKED[method][1]
    assert [float(row[f"{index}.b"]) for row in rows] == kept[index]["b"]
    assert {row["id"] for row in rows} == {"result"}
    assert ("second.a.c" in rows[0]) == (method == "sobol")


@pytest.mark.parametrize("method", RANKED)
def test_other_numbers_are_the_same_whether_resamples_are_kept_or_not(answers, method):
    kept, plain = answers(method), answers(method, keep_resamples=False)
    del kept["outputs"]["result"]["resampled"]
    for answer in (kept, plain):
        del answer["metadata"]["settings"]["keep_resamples"]
    assert kept == plain


@pytest.mark.parametrize("method", ["sobol", "morris"])
def test_nothing_to_keep_is_refused(analyze, method):
    with pytest.raises(InputError, match="config.resamples, such as 1000") as caught:
        analyze(ask(method, resamples=0, keep_resamples=True))
    assert caught.value.field == "config.keep_resamples"


def test_more_resamples_than_a_result_holds_are_refused(analyze):
    names = [f"a{i}" for i in range(60)]
    model = {"formula": " + ".join(names), "inputs": {name: [0, 1] for name in names}}
    body = ask("sobol", resamples=10_000, keep_resamples=True)
    with pytest.raises(InputError, match="1,200,000 numbers; wanted at most 1,000,000"):
        analyze(body | {"model": model})


def test_other_methods_have_no_resamples_to_keep(analyze):
    with pytest.raises(InputError, match="is no setting of method pawn"):
        analyze(
            {
                **ask("pawn"),
                "config": {"seed": 1, "keep_resamples": True},
            }
        )


def test_a_value_without_a_number_comes_last():
    resampled = np.array([[3.0, np.nan, 1.0], [2.0, 5.0, 1.0]])
    found = ranks("abc", np.array([3.0, 2.0, 1.0]), resampled, 0.95)
    assert found["a"] == {"rank": 1, "stability": 0.5, "lower": 1, "upper": 2}
    assert found["b"] == {"rank": 2, "stability": 0.0, "lower": 1, "upper": 3}
    assert found["c"] == {"rank": 3, "stability": 0.5, "lower": 2, "upper": 3}
