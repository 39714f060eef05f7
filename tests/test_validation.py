"""Errors name fields in the words of the request."""

from __future__ import annotations

from typing import Any

import pytest

from flask_api.domains.price.comparison.schema import PriceComparisonRequest
from flask_api.domains.sensitivity.schema import MonteCarloRequest
from flask_api.errors import ValidationError
from flask_api.validation import validate

BAD = {"kind": "normal", "mean": 1, "std": -1}
HALF = {"id": "S11", "range": {"min": 1}}
SHARE = "market_data.market_share"
WORD = {"range": {"min": 1, "max": "x"}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"version": True}, "version"),
        (
            {"parameters": [{"distribution": BAD}]},
            "parameters[0].distribution.std",
        ),
        ({"parameters": [HALF]}, "parameters[0].range.max"),
        ({"parameters": {"S11": WORD}}, "parameters.S11.range.max"),
        ({"parameters": ["S11"], "itrations": 5}, "itrations"),
    ],
)
def test_a_field_is_named_as_the_request_names_it(
    body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(MonteCarloRequest, {"iterations": 100, **body})
    assert field in [detail["field"] for detail in caught.value.details]
    assert str(caught.value).startswith(caught.value.details[0]["field"])


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ({"base_version": [1]}, "base_version", "a whole number, or text; got [1]"),
        ({"market_data": {"market_share": {"own": 2}}}, SHARE + ".own", "equal to 1"),
        ({"market_data": {"market_share": "x"}}, SHARE, "a number, or an object"),
        ({"market_data": {"market_share": [1]}}, SHARE, "a number, or an object"),
        ({"variants": [{}] * 51}, "variants", "must have at most 50 items; got 51"),
        ({"variants": []}, "variants", "must have at least 1 item; got 0"),
        ({"variants": None}, "variants", "must be a list; got null"),
        ({"base": {"version": {}}}, "base.version", "a whole number, or text"),
        ({"base_version": 1, "base": {"version": 2}}, "base.version", "give it once"),
    ],
)
def test_a_problem_is_told_once_in_words_of_the_request(
    body: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(PriceComparisonRequest, {"variants": [{}], **body})
    (detail,) = caught.value.details
    assert detail["field"] == field and problem in detail["problem"]


def test_a_body_nested_without_end_is_told_in_plain_words() -> None:
    deep: dict[str, Any] = {}
    for _ in range(220):
        deep = {"overrides": deep}
    with pytest.raises(ValidationError) as caught:
        validate(PriceComparisonRequest, {"variants": [deep]})
    (detail,) = caught.value.details
    assert detail["field"] == "body" and "nested too deeply" in detail["problem"]
    assert "b'" not in str(caught.value)
