"""Average, volatility and trend of stored prices, by numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from flask_api.domains.price.history import price_metrics


def test_two_steps_of_ten_percent_up_and_down_have_their_volatility() -> None:
    # steps ln 1.1 and -ln 1.1: mean 0, so the standard deviation is ln 1.1
    found, problems = price_metrics([2.0, 2.2, 2.0])
    assert found["average_price"] == pytest.approx(6.2 / 3, rel=1e-15)
    assert found["price_volatility"] == pytest.approx(math.log(1.1), rel=1e-12)
    assert found["price_trend"] == "flat"  # the line through 2.0, 2.2, 2.0 is level
    assert not problems


@pytest.mark.parametrize(
    ("prices", "trend"),
    [
        ([1.0, 2.0], "increasing"),
        ([2.0, 1.0, 1.5], "decreasing"),
        ([1.0, 3.0, 1.0, 3.0], "increasing"),  # slope 0.4 by least squares
        ([2.0, 2.0, 2.0], "flat"),
        ([2.0, 2.0 * (1 + 1e-13)], "flat"),  # a rounding of the solver
        ([-2.0, -1.0], "increasing"),
    ],
)
def test_the_trend_is_that_of_the_line_of_least_squares(
    prices: list[float], trend: str
) -> None:
    assert price_metrics(prices)[0]["price_trend"] == trend


def test_equal_steps_have_no_volatility() -> None:
    found, _ = price_metrics([1.0, 2.0, 4.0, 8.0])
    assert found["price_volatility"] == pytest.approx(0, abs=1e-15)


def test_one_price_has_neither_volatility_nor_trend() -> None:
    found, (problem,) = price_metrics([2.5])
    assert found == {
        "average_price": 2.5,
        "price_volatility": None,
        "price_trend": None,
    }
    assert "two stored revisions" in problem


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_prices_that_are_not_positive_have_no_volatility(lowest: float) -> None:
    found, (problem,) = price_metrics([1.0, lowest])
    assert found["price_volatility"] is None
    assert found["price_trend"] == "decreasing"
    assert f"{lowest:g}" in problem
