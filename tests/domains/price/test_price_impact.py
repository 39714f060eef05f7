"""`POST /price/impact`: both forms by their formulas, markets, and bad input."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import math
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.comparison import competition, impact
from flask_api.domains.price.comparison.competition import Market
from flask_api.numerics.errors import InputError


def ask(client: FlaskClient, **body: Any) -> dict[str, Any]:
    got = client.post("/price/impact", json=body)
    assert got.status_code == 200, got.text
    answer: dict[str, Any] = got.json
    return answer


def warned(answer: dict[str, Any], text: str) -> bool:
    return any(text in warning for warning in answer["metadata"]["warnings"])


SOLVED = load("1").solved_price()
LINEAR = [
    {"id": "feed", "weight": 0.5, "sensitivity": 0.4},
    {"id": "labour", "weight": 0.25, "sensitivity": -0.2, "uncertainty": 0.3},
]

# -- changes, priced anew ----------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "override"),
    [
        ({"id": "bare_erected_cost", "change": 10}, {"S11": 220_000}),
        ({"id": "S11", "change": -50, "change_type": "percentage"}, {"S11": 100_000}),
        (
            {"id": "bECAmount11", "change": 3e5, "changeType": "directvalue"},
            {"S11": 3e5},
        ),
        (
            {"id": "required_irr", "change": 0.05, "change_type": "absolutedeparture"},
            {"S30": 0.1},
        ),
        ({"id": "plant_lifetime", "change": 10}, {"S10": 22}),
        ({"id": "S20", "change": "7-MACRS"}, {"S20": "7-MACRS"}),
        ({"id": "state_deductible", "change": True}, {"state_deductible": True}),
    ],
)
def test_a_change_is_priced_anew(
    client: FlaskClient, item: dict[str, Any], override: dict[str, Any]
) -> None:
    answer = ask(client, parameters=[item])
    expected = load("1", overrides=override).solved_price()
    (row,) = answer["changes"]
    assert row["price"] == answer["optimized_price"] == expected
    assert row["difference"] == expected - SOLVED
    assert answer["base_price"] == SOLVED
    assert answer["metadata"]["base_price_source"] == "solved"
    assert answer["sensitivity_metrics"] == {
        f"{item['id']}_impact": (expected - SOLVED) / SOLVED
    }


def test_changes_are_told_alone_and_together(client: FlaskClient) -> None:
    parameters = [
        {"id": "v1_quantity", "change": 1_000, "change_type": "directvalue"},
        {"id": "v1_unit_cost", "change": 6, "change_type": "directvalue"},
        {"id": "labor_cost", "change": 25},
    ]
    answer = ask(client, parameters=parameters)
    # a yearly cost takes its part of the price before tax: cost / 30,000 units
    differences = [row["difference"] for row in answer["changes"]]
    assert differences == pytest.approx([0, 0, 0.2], abs=1e-12)
    assert answer["optimized_price"] == pytest.approx(SOLVED + 0.4, rel=1e-12)
    assert answer["metadata"]["interaction"] == pytest.approx(0.2, rel=1e-11)


def test_an_elasticity_is_a_relative_change_by_another(client: FlaskClient) -> None:
    answer = ask(client, parameters=[{"id": "labor_cost", "change": -20}])
    # labour is 24,000 $ a year for 30,000 units: 0.8 $ of the price
    assert answer["changes"][0]["elasticity"] == pytest.approx(0.8 / SOLVED, rel=1e-11)


def test_revenue_at_the_same_volume_follows_the_price(client: FlaskClient) -> None:
    answer = ask(client, parameters=[{"id": "labor_cost", "change": 25}])
    metrics = answer["metrics"]
    assert metrics["price_elasticity"] is None
    assert metrics["revenue_impact"] == pytest.approx(0.2 / SOLVED, rel=1e-11)
    assert metrics["confidence_interval"] == [answer["optimized_price"]] * 2
    assert warned(answer, "price_elasticity is null")


def test_a_known_demand_answers_to_the_price(client: FlaskClient) -> None:
    market = {"elasticity_data": {"own_price": -1.5}}
    parameters = [{"id": "labor_cost", "change": 25}]
    answer = ask(client, parameters=parameters, market_data=market)
    rise = 0.2 / SOLVED
    expected = (1 + rise) * (1 - 1.5 * rise) - 1
    assert answer["metrics"]["price_elasticity"] == -1.5
    assert answer["metrics"]["revenue_impact"] == pytest.approx(expected, rel=1e-10)
    assert answer["metadata"]["price_elasticity_source"] == "market_data"


def test_another_base_price_is_compared_with_and_warned_of(client: FlaskClient) -> None:
    parameters = [{"id": "labor_cost", "change": 25}]
    answer = ask(client, basePrice=2, parameters=parameters)
    (row,) = answer["changes"]
    assert row["difference"] == pytest.approx(SOLVED + 0.2 - 2, rel=1e-11)
    assert row["effect"] == pytest.approx(0.2, rel=1e-11)
    # one change alone has nothing to do together with
    assert answer["metadata"]["interaction"] == pytest.approx(0, abs=1e-12)
    assert answer["metadata"]["base_price_source"] == "request"
    assert warned(answer, "base_price 2 is not the price")


@pytest.mark.parametrize(
    ("constraints", "price", "binding"),
    [
        ({"max_price": 2.1}, 2.1, "max_price"),
        ({"minPrice": 2.5}, 2.5, "min_price"),
        ({"min_price": 1, "max_price": 3}, SOLVED + 0.2, None),
        ({"min_price": 1, "max_price": 2.1}, 2.1, "max_price"),
        ({"min_price": 2.4, "max_price": 2.4}, 2.4, "min_price"),
        ({}, SOLVED + 0.2, None),
    ],
)
def test_the_constraint_that_binds_is_named(
    client: FlaskClient,
    constraints: dict[str, float],
    price: float,
    binding: str | None,
) -> None:
    parameters = [{"id": "labor_cost", "change": 25}]
    answer = ask(client, parameters=parameters, constraints=constraints)
    assert answer["optimized_price"] == pytest.approx(price, rel=1e-12)
    assert answer["metadata"]["binding_constraint"] == binding
    free = answer["metadata"]["unconstrained_price"]
    assert free == pytest.approx(SOLVED + 0.2, rel=1e-12)


def test_whole_years_are_rounded_with_a_word(client: FlaskClient) -> None:
    answer = ask(client, parameters=[{"id": "plant_lifetime", "change": 7}])
    assert answer["changes"][0]["new_value"] == 21
    assert warned(answer, "21.4 is rounded to 21 years")


def test_a_change_that_leaves_no_price_is_told_and_the_others_go_on(
    client: FlaskClient,
) -> None:
    fraction = {"id": "S14", "change": 1, "change_type": "directvalue"}
    labour = {"id": "labor_cost", "change": 25}
    overrides = {"S18": True}
    got = client.post(
        "/price/impact",
        json={"model": {"overrides": overrides}, "parameters": [fraction, labour]},
    )
    assert (got.status_code, got.json["code"]) == (400, "NO_SOLUTION")
    assert got.json["details"][0]["field"] == "parameters"
    # with products sold again the whole has a price, one alone has none
    idle = {"id": "number_of_units", "change": -100}
    other = {"id": "product_2_units", "change": 5_000, "change_type": "directvalue"}
    answer = ask(client, parameters=[idle, other])
    assert answer["changes"][0]["price"] is None
    assert "number_of_units" in answer["changes"][0]["error"]
    assert answer["sensitivity_metrics"]["number_of_units_impact"] is None
    assert answer["optimized_price"] > 0 and warned(answer, "price is null")


# -- weights, propagated -----------------------------------------------------------


def test_weights_and_sensitivities_are_propagated_to_first_order(
    client: FlaskClient,
) -> None:
    answer = ask(client, base_price=2, parameters=LINEAR)
    after = 2 * (1 + 0.5 * 0.4 - 0.25 * 0.2)
    elasticity = -(0.5 * 0.4 - 0.25 * 0.2) / 0.75
    half = 1.96 * math.sqrt((0.4 * 0.1 * 2) ** 2 + (0.2 * 0.3 * 2) ** 2)
    metrics = answer["metrics"]
    # closed forms in other words: some roundings
    assert answer["optimized_price"] == pytest.approx(after, rel=1e-14)
    assert metrics["price_elasticity"] == pytest.approx(elasticity, rel=1e-14)
    assert metrics["revenue_impact"] == pytest.approx(
        (after * (1 + elasticity * (after - 2) / 2) - 2) / 2, rel=1e-13
    )
    assert metrics["confidence_interval"] == pytest.approx(
        [after - half, after + half], rel=1e-14
    )
    assert answer["sensitivity_metrics"] == {
        "feed_impact": pytest.approx(0.2),
        "labour_impact": pytest.approx(-0.05),
    }
    assert [row["difference"] for row in answer["changes"]] == pytest.approx(
        [0.4, -0.1]
    )
    assert answer["metadata"]["price_elasticity_source"] == "weights"


def test_the_linear_form_without_a_base_price_takes_the_solved_one(
    client: FlaskClient,
) -> None:
    answer = ask(client, parameters=LINEAR)
    assert answer["base_price"] == SOLVED
    assert answer["metadata"]["base_price_source"] == "solved"


def test_weights_of_nothing_change_nothing(client: FlaskClient) -> None:
    parameters = [{"id": "a", "weight": 0, "sensitivity": 3, "uncertainty": 0}]
    answer = ask(client, base_price=2, parameters=parameters)
    assert answer["optimized_price"] == 2
    assert answer["metrics"] == {
        "price_elasticity": None,
        "revenue_impact": 0,
        "confidence_interval": [2, 2],
    }


def test_a_base_price_of_nothing_has_no_relative_change(client: FlaskClient) -> None:
    answer = ask(client, base_price=0, parameters=LINEAR)
    assert answer["metrics"]["revenue_impact"] is None
    assert warned(answer, "the base price is 0")


def test_a_first_order_estimate_that_goes_far_is_doubted(client: FlaskClient) -> None:
    parameters = [{"id": "a", "weight": 1, "sensitivity": 1.5}]
    assert warned(ask(client, base_price=2, parameters=parameters), "factor of 2")


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(-2, 2)), min_size=1, max_size=10),
    st.floats(0.01, 1e6),
)
def test_what_is_propagated_scales_with_the_currency(
    items: list[tuple[float, float]], price: float
) -> None:
    weights, slopes = zip(*items, strict=True)
    once = impact.propagated(1.0, weights, slopes)
    assert impact.propagated(price, weights, slopes) == pytest.approx(
        price * once, rel=1e-12, abs=1e-12 * price
    )


def test_a_change_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(InputError, match="beyond all numbers"):
        impact.changed(1e308, 1e308, "percentage")


# -- markets -----------------------------------------------------------------------


def test_the_place_among_competitors(client: FlaskClient) -> None:
    market = {"competitor_prices": [1, 2, 3, 2.3]}
    answer = ask(
        client,
        base_price=2,
        parameters=[{"id": "a", "weight": 0.5, "sensitivity": 0.3}],
        market_data=market,
    )
    place = answer["market_position"]
    mean = 8.3 / 4
    spread = math.sqrt(sum((c - mean) ** 2 for c in (1, 2, 3, 2.3)) / 4)
    # two are cheaper than 2.3, one costs the same and counts half
    assert place["percentile"] == pytest.approx(62.5)
    assert place["relative_position"] == pytest.approx((2.3 - mean) / spread)
    assert 0 < place["market_share_estimate"] < 0.2
    assert warned(answer, "own-price elasticity of -1")


def test_without_a_market_the_place_is_null_with_a_reason(client: FlaskClient) -> None:
    answer = ask(client, base_price=2, parameters=LINEAR)
    assert set(answer["market_position"].values()) == {None}
    assert warned(answer, "market_position is null")


def test_equal_competitors_have_no_standard_deviation(client: FlaskClient) -> None:
    market = {"competitor_prices": [2.1, 2.1, 2.1], "market_share": {}}
    answer = ask(client, base_price=2, parameters=LINEAR, market_data=market)
    assert answer["market_position"]["relative_position"] is None
    assert answer["market_position"]["percentile"] == 100
    assert warned(answer, "no standard deviation")


def test_a_share_without_competitors_is_estimated_from_its_own(
    client: FlaskClient,
) -> None:
    market = {"market_share": 0.25, "elasticity_data": {"own_price": -2}}
    answer = ask(
        client,
        base_price=2,
        parameters=[{"id": "a", "weight": 1, "sensitivity": 0.15}],
        market_data=market,
    )
    got = answer["market_position"]
    assert got["percentile"] is None and got["relative_position"] is None
    expected = 0.25 / (0.25 + 0.75 * math.exp(2 * 0.15 / 0.75))
    assert got["market_share_estimate"] == pytest.approx(expected, rel=1e-13)


def test_equal_prices_share_the_market_equally() -> None:
    market = Market((3.0, 3.0, 3.0), None, -2.5)
    assert competition.share(3.0, 3.0, market) == pytest.approx(0.25, rel=1e-14)


@pytest.mark.parametrize(
    "market", [Market((3.0, 3.0), None, -1.7), Market((), 0.3, -1.7)]
)
def test_a_share_has_the_elasticity_it_was_given(market: Market) -> None:
    step = 1e-5
    low, mid, high = (
        competition.share(p, 3.0, market) for p in (3 - step, 3.0, 3 + step)
    )
    assert low is not None and mid is not None and high is not None
    slope = (high - low) / (2 * step)
    # central difference: its error is of order step squared
    assert slope * 3 / mid == pytest.approx(-1.7, abs=1e-8)


@given(
    st.lists(st.floats(0.1, 100), min_size=1, max_size=5),
    st.floats(0.1, 100),
    st.floats(0.01, 10),
    st.floats(-5, -0.1),
)
def test_a_share_falls_as_the_price_rises(
    competitors: list[float], price: float, rise: float, elasticity: float
) -> None:
    market = Market(tuple(competitors), None, elasticity)
    before = competition.share(price, price, market)
    after = competition.share(price + rise, price, market)
    assert before is not None and after is not None
    assert 0 <= after <= before <= 1
    # beyond that both may be the last number below 1, or underflow
    if 1e-6 < before < 1 - 1e-6:
        assert after < before


def test_a_share_needs_something_to_lean_on() -> None:
    assert competition.share(2.0, 2.0, Market()) is None
    assert competition.share(2.0, 0.0, Market((), 0.2, -1)) is None
    assert competition.share(1e6, 2.0, Market((), 0.2, -3)) == 0


# -- forms and bad input -----------------------------------------------------------


def test_both_spellings_and_a_mapping_are_understood(client: FlaskClient) -> None:
    one = ask(client, basePrice=2, parameters={"S35": {"change": 10}})
    other = ask(client, base_price=2, parameters=[{"id": "S35", "change": 10}])
    assert one["changes"] == other["changes"]
    assert one["analysis_id"] != other["analysis_id"]


def test_its_table_is_csv(client: FlaskClient) -> None:
    body = {"parameters": [{"id": "S35", "change": 10}]}
    job = client.post("/price/impact", json=body).headers["X-Job-ID"]
    got = client.get(f"/api/jobs/{job}/result?format=csv&table=changes")
    assert got.text.startswith("id,input,base_value,new_value,price,difference,")


CHANGE = {"id": "S35", "change": 10}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "parameters"),
        ({"parameters": []}, "parameters"),
        ({"parameters": [CHANGE] * 201}, "parameters"),
        ({"parameters": [{"change": 1}]}, "parameters[0].id"),
        ({"parameters": [{"id": "S35"}]}, "parameters[0]"),
        ({"parameters": [{"id": "S35", "weight": 0.1}]}, "parameters[0]"),
        ({"parameters": [CHANGE | {"weight": 0.1}]}, "parameters[0]"),
        (
            {"parameters": [{"id": "a", "weight": 2, "sensitivity": 1}]},
            "parameters[0].weight",
        ),
        (
            {"parameters": [LINEAR[0] | {"uncertainty": -1}]},
            "parameters[0].uncertainty",
        ),
        ({"parameters": [CHANGE | {"change_type": "x"}]}, "parameters[0].change_type"),
        (
            {
                "parameters": [
                    {"id": "S20", "change": "MACRS7", "change_type": "percentage"}
                ]
            },
            "parameters[0]",
        ),
        ({"parameters": [CHANGE, LINEAR[0]]}, "parameters[1]"),
        ({"parameters": [LINEAR[0], LINEAR[1], CHANGE]}, "parameters[2]"),
        (
            {"parameters": [CHANGE, {"id": "labor_cost", "change": 1}]},
            "parameters[1].id",
        ),
        ({"parameters": [LINEAR[0], LINEAR[0]]}, "parameters[1].id"),
        ({"parameters": [CHANGE, {"id": "S999", "change": 1}]}, "parameters[1].id"),
        ({"parameters": [{"id": "labour", "change": 1}]}, "parameters[0].id"),
        ({"parameters": [{"id": "nope", "change": "text"}]}, "parameters[0].id"),
        ({"parameters": [{"id": "S35", "change": "text"}]}, "parameters[0].change"),
        ({"parameters": [{"id": "S20", "change": 10}]}, "parameters[0].change"),
        ({"parameters": [{"id": "S12", "change": -200}]}, "parameters[0].change"),
        ({"parameters": [{"id": "S33", "change": 900}]}, "parameters[0].change"),
        ({"parameters": [CHANGE], "base_price": -1}, "base_price"),
        ({"parameters": [CHANGE], "version": 99}, "version"),
        ({"parameters": [CHANGE], "model": {"version": "99"}}, "model.version"),
        (
            {"parameters": [CHANGE], "constraints": {"min_price": 3, "max_price": 2}},
            "constraints",
        ),
        (
            {"parameters": [CHANGE], "constraints": {"max_price": "2"}},
            "constraints.max_price",
        ),
        (
            {"parameters": [CHANGE], "market_data": {"competitor_prices": [-1]}},
            "market_data.competitor_prices[0]",
        ),
        (
            {"parameters": [CHANGE], "market_data": {"elasticity_data": {"x": 1}}},
            "market_data.elasticity_data.x",
        ),
    ],
)
def test_a_wrong_impact_is_400_and_names_the_place(
    client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    got = client.post("/price/impact", json=body)
    assert got.status_code == 400, got.text
    assert got.json["details"][0]["field"] == field


def test_an_unknown_input_is_answered_with_the_closest(client: FlaskClient) -> None:
    parameters = [{"id": "labour_cost", "change": 1}]
    got = client.post("/price/impact", json={"parameters": parameters})
    assert "labor_cost" in got.json["message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(client: FlaskClient, number: str) -> None:
    got = client.post(
        "/price/impact",
        data=f'{{"parameters": [{{"id": "S35", "change": {number}}}]}}',
        content_type="application/json",
    )
    assert got.status_code == 400


# -- numbers without sense ---------------------------------------------------------


def test_revenue_never_falls_by_more_than_all_of_it(client: FlaskClient) -> None:
    answer = ask(
        client,
        parameters=[{"id": "labor_cost", "change": 25}],
        market_data={"elasticity_data": {"own_price": -500}},
        constraints={"min_price": 3},
    )
    assert answer["metrics"]["revenue_impact"] == -1
    assert warned(answer, "sells 0 times as much")


@given(st.floats(0.01, 100), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_revenue_after_a_change_is_nothing_or_more(
    price: float, after: float, elasticity: float
) -> None:
    found = impact.revenue_impact(price, after, elasticity)
    assert (found is None) == (after < 0)
    assert found is None or found >= -1


def test_a_price_below_nothing_earns_no_revenue(client: FlaskClient) -> None:
    parameters = [{"id": "a", "weight": 1, "sensitivity": -2}]
    answer = ask(client, base_price=2, parameters=parameters)
    assert answer["optimized_price"] == -2
    assert answer["metrics"]["revenue_impact"] is None
    assert warned(answer, "revenue_impact is null: the price after all is -2")


def test_a_small_answer_of_demand_is_not_warned_of(client: FlaskClient) -> None:
    parameters = [{"id": "labor_cost", "change": 25}]
    market = {"market_share": 0.2, "elasticity_data": {"own_price": -2}}
    answer = ask(client, parameters=parameters, market_data=market)
    assert not warned(answer, "not to be trusted")


@pytest.mark.parametrize(
    "market",
    [
        {"market_share": 0.995},
        {"market_share": 0.2, "elasticity_data": {"own_price": -50}},
        {"competitor_prices": [2, 3], "elasticity_data": {"own_price": -50}},
    ],
)
def test_a_share_that_a_small_rise_takes_away_is_warned_of_everywhere(
    client: FlaskClient, market: dict[str, Any]
) -> None:
    parameters = [{"id": "labor_cost", "change": 3}]
    changed = ask(client, parameters=parameters, market_data=market)
    body = {"variants": [{"overrides": {"S35": 24_720}}], "market_data": market}
    compared = client.post("/price/comparison", json=body).json
    assert warned(changed, "higher costs half of the share")
    assert warned(compared, "higher costs half of the share")
    # one change, one formula: from the share at the base price to that after it
    (entry,) = compared["comparisons"].values()
    before = competition.share(SOLVED, SOLVED, known(market))
    after = changed["market_position"]["market_share_estimate"]
    assert entry["impact_metrics"]["market_share_impact"] == pytest.approx(
        after - before, rel=1e-9
    )


def known(market: dict[str, Any]) -> Market:
    elasticity = market.get("elasticity_data", {}).get("own_price")
    prices = tuple(market.get("competitor_prices", ()))
    return Market(prices, market.get("market_share"), elasticity)


@given(st.floats(0.01, 0.99), st.floats(-20, -0.1))
def test_the_rise_that_halves_a_share_does_so(share: float, elasticity: float) -> None:
    market = Market((), share, elasticity)
    rise = competition.halved_by(market)
    assert rise is not None
    found = competition.share(2 * (1 + rise), 2, market)
    assert found == pytest.approx(share / 2, rel=1e-9)


def test_percent_of_nothing_is_nothing_and_told(client: FlaskClient) -> None:
    answer = ask(client, parameters=[{"id": "v1_quantity", "change": 10}])
    assert answer["optimized_price"] == SOLVED
    assert warned(answer, "10 % of 0 is 0, so this changes nothing")
    answer = ask(client, parameters=[{"id": "v1_quantity", "change": 0}])
    assert not warned(answer, "of 0 is 0")
