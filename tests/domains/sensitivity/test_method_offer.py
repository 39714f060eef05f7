"""What the form is drawn from, held to the methods themselves."""

from __future__ import annotations

import inspect
import json
from typing import get_args

import pytest

from flask_api.domains.sensitivity.method_offer import OFFERS, described
from flask_api.domains.sensitivity.methods import METHODS
from flask_api.domains.sensitivity.schema import AnalyzeConfig, AnalyzeRequest
from flask_api.domains.sensitivity.settings_given import COMMON, CURVES, OF_DRAWS

#: What a kernel calls a setting of another name.
KERNEL = {"confidence_level": "confidence"}


def test_every_method_is_offered_and_no_other() -> None:
    asked = AnalyzeRequest.model_fields["method"].annotation
    assert set(OFFERS) == set(get_args(asked))


def test_the_curves_offer_the_settings_that_they_take() -> None:
    for name, taken in CURVES.items():
        assert set(OFFERS[name].settings) == {*taken, *COMMON}
        for field in taken:
            default = AnalyzeConfig.model_fields[field].default
            if default is not None:
                assert OFFERS[name].defaults[field] == default
    assert set(OFFERS["local"].settings) == set(COMMON)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_offers_what_it_takes_with_its_own_defaults(name: str) -> None:
    method, offer = METHODS[name], OFFERS[name]
    designs = ("sampling",) if method.samplings else ()
    taken = {*COMMON, *OF_DRAWS, "samples", *designs, *method.settings}
    assert set(offer.settings) == taken
    assert set(offer.samplings) == set(method.samplings)
    kernel = inspect.signature(method.run).parameters
    if method.samplings:
        assert offer.samplings[0] == kernel["sampling"].default
    assert offer.defaults["samples"] == method.samples
    for field in method.settings:
        default = kernel[KERNEL.get(field, field)].default
        assert offer.defaults.get(field) == default


def test_the_description_of_the_api_holds_the_offer_in_its_order() -> None:
    schema = AnalyzeRequest.model_json_schema()["properties"]["method"]
    assert [told["name"] for told in schema["x-methods"]] == list(OFFERS)
    assert schema["x-methods"] == json.loads(json.dumps(described()))
    assert all(told["answers"] and told["when"] for told in schema["x-methods"])
