"""The answers of `price.data` and `price.models`, and their requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from flask_api.analysis import Context
from flask_api.domains.price import job
from flask_api.domains.price.schema import PriceDataRequest, PriceModelsRequest


class Heard:
    """Keeps what a job reports."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        self.warnings: list[str] = []

    def __call__(
        self, done: float, total: float, message: str = "", /, **partial: Any
    ) -> None:
        self.steps.append((done, total))

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def phase(self, name: str) -> None:
        raise AssertionError(f"a quick job has no phase {name}")


def answer(heard: Heard, **request: Any) -> dict[str, Any]:
    return job.data(PriceDataRequest.model_validate(request), heard, Context())


def test_price_data_without_arguments_is_version_1() -> None:
    heard = Heard()
    found = answer(heard)
    data = found["price_data"]
    assert (found["version"], found["extension"]) == ("1", None)
    assert data["base_price"] == 2
    assert data["current_price"] == pytest.approx(2.00579, abs=5e-6)
    assert data["average_selling_price"] == pytest.approx(data["current_price"])
    assert data["price_history"][0]["price"] == data["current_price"]
    assert len(data["cash_flow_table"]) == 21
    assert found["metadata"]["preset"] == "model_zone"
    assert heard.steps[-1] == (4, 4)
    assert found["metadata"]["conventions"]["losses"] == "carried forward without end"


def test_what_is_null_is_said_in_the_warnings() -> None:
    heard = Heard()
    metrics = answer(heard)["price_data"]["metrics"]
    assert metrics["price_volatility"] is None
    assert metrics["price_trend"] is None
    assert any("price_volatility" in warning for warning in heard.warnings)


def test_the_audit_names_what_the_price_rests_on() -> None:
    # 1.98243: written off as income allows (methods.md 5); straight line is chosen
    found = {
        item["convention"]: item for item in answer(Heard())["price_data"]["audit"]
    }
    others = {one["choice"]: one for one in found["depreciation"]["choices"]}
    assert found["depreciation"]["chosen"] == {"plant": "straight_line"}
    assert others["as_income_allows"]["price"] == pytest.approx(1.98243, abs=5e-6)
    assert others["as_income_allows"]["difference"] == pytest.approx(
        1.98243 - 2.00579, abs=1e-5
    )
    assert not found["loan_deduction"]["effect"]  # version 1 borrows nothing


def test_a_rate_that_is_not_unique_is_said_in_the_warnings() -> None:
    heard = Heard()
    found = answer(heard, version="hydrogen_atr_ccs")
    assert len(found["price_data"]["economics"]["irr_all_roots"]) == 2
    assert any("not unique" in warning for warning in heard.warnings)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"loss_limit": 0.8}, "without end, against 80% of a year's taxable income"),
        ({"loss_years": 20.0}, "carried forward for 20 years"),
        ({"loss_years": 0.0}, "never carried forward"),
    ],
)
def test_the_rule_for_losses_is_told_as_it_is(
    overrides: dict[str, float], words: str
) -> None:
    found = answer(Heard(), model={"overrides": overrides})
    assert words in found["metadata"]["conventions"]["losses"]


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"S26": 0.4, "preset": "standard", "S23": 0.03, "startup_months": 8.0},
        {"startup_months": 8.0, "startup_sales_fraction": 0.2, "land_cost": 5e4},
        # by-products pay for everything: a negative price
        {"byproduct_revenue": 9e4},
    ],
)
def test_the_parts_of_a_price_add_up_to_it(overrides: dict[str, float | str]) -> None:
    data = answer(Heard(), model={"overrides": overrides})["price_data"]
    parts = sum(data["cost_breakdown"].values())
    assert parts == pytest.approx(data["current_price"], rel=1e-9)


@pytest.mark.parametrize(
    ("request_", "chosen"),
    [
        ({}, ("1", None, {})),
        ({"version": 1}, ("1", None, {})),
        ({"version": "1", "extension": ""}, ("1", None, {})),
        ({"version": "x", "extension": "y"}, ("x", "y", {})),
        ({"model": {"version": 2, "overrides": {"S11": 5}}}, ("2", None, {"S11": 5})),
        ({"version": "1", "model": {"version": "1"}}, ("1", None, {})),
    ],
)
def test_a_model_is_chosen_in_either_form(
    request_: dict[str, Any], chosen: tuple[str, str | None, dict[str, float]]
) -> None:
    assert PriceDataRequest.model_validate(request_).chosen() == chosen


@pytest.mark.parametrize(
    "request_",
    [
        {"version": "1", "model": {"version": "2"}},
        {"version": ""},
        {"version": True},
        {"version": 1.5},
        {"versoin": "1"},
        {"model": {"overrides": {"S11": [1]}}},
        {"model": {"overrides": {"S11": float("nan")}}},
    ],
)
def test_a_request_of_the_wrong_form_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PriceDataRequest.model_validate(request_)


def test_models_lists_a_users_broken_file_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("title: no inputs\n", encoding="utf-8")
    heard = Heard()
    context = Context(models_dir=str(tmp_path))
    found = job.models(PriceModelsRequest(), heard, context)
    assert {model["version"] for model in found["models"]} >= {"1", "mine"}
    assert any("mine.yaml" in warning for warning in heard.warnings)
