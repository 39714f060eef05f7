"""Errors name fields in the words of the request."""

from __future__ import annotations

from typing import Any

import pytest

from flask_api.domains.sensitivity.schema import MonteCarloRequest
from flask_api.errors import ValidationError
from flask_api.validation import validate

BAD = {"kind": "normal", "mean": 1, "std": -1}
HALF = {"id": "S11", "range": {"min": 1}}
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
