"""`POST /price/comparison`: drivers that add up, impacts by formula, bad input."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_api.domains.price.catalogue import load, override
from flask_api.domains.price.comparison.comparison import DRAWN, Drawing, Plant, compare
from flask_api.domains.price.comparison.competition import Market
from flask_api.domains.price.comparison.mixtures import differences
from flask_api.domains.price.inputs import INPUTS
from flask_api.numerics.streams import stream

#: Version 1 by hand (docs/price-model.md): what a dollar a year for 20 years is worth.
ANNUITY = (1 - 1.05**-20) / 0.05
UNITS, TAX = 30_000, 0.26


def ask(client: FlaskClient, **body: Any) -> dict[str, Any]:
    got = client.post("/price/comparison", json=body)
    assert got.status_code == 200, got.text
    answer: dict[str, Any] = got.json
    return answer


def only(answer: dict[str, Any]) -> dict[str, Any]:
    (entry,) = answer["comparisons"].values()
    return entry


def parts(entry: dict[str, Any]) -> dict[str, float]:
    return {row["input"]: row["contribution"] for row in entry["drivers"]}


def compared(version: str, overrides: dict[str, Any], **base: Any) -> dict[str, Any]:
    """The entry of a variant, without a server."""
    model = load(version, overrides=base)
    plants = (Plant.solved("a", model), Plant.solved("b", override(model, overrides)))
    drawing = Drawing(64, stream(0))
    entry, _ = compare(*plants, None, drawing, lambda prices: None)
    return entry


# -- drivers -----------------------------------------------------------------------


def test_costs_that_only_add_are_split_by_what_each_adds(client: FlaskClient) -> None:
    changes = {"labor_cost": 30_000, "S34": 7_000, "maintenance_cost": 2_600}
    found = only(ask(client, base_version=1, variants=[{"overrides": changes}]))
    # a yearly cost is paid by its part of the price, before tax: cost / units
    expected = {
        "labor_cost": 6_000 / UNITS,
        "raw_material_cost": -3_000 / UNITS,
        "maintenance_cost": 100 / UNITS,
    }
    assert parts(found) == pytest.approx(expected, abs=1e-12)
    assert list(parts(found)) == ["labor_cost", "raw_material_cost", "maintenance_cost"]


def test_a_quantity_and_its_unit_cost_share_equally(client: FlaskClient) -> None:
    changes = {"v1_quantity": 1_000, "v1_unit_cost": 6}
    found = only(ask(client, variants=[{"overrides": changes}]))
    half = 6_000 / UNITS / 2
    assert parts(found) == pytest.approx(
        {"v1_quantity": half, "v1_unit_cost": half}, abs=1e-12
    )


def test_what_has_no_say_gets_nothing(client: FlaskClient) -> None:
    changes = {"loan_rate": 0.09, "S13": 3, "bare_erected_cost": 250_000}
    found = only(ask(client, variants=[{"overrides": changes}]))
    assert parts(found)["loan_rate"] == pytest.approx(0, abs=1e-15)
    assert parts(found)["selling_price"] == pytest.approx(0, abs=1e-15)
    assert parts(found)["bare_erected_cost"] == found["price_difference"]


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({"depreciation_method": "as_income_allows"}, "depreciation"),
        ({"S20": "7-MACRS"}, "depreciation"),
        ({"S18": True}, "operating_cost"),
    ],
)
def test_a_choice_is_a_driver_of_its_own(
    client: FlaskClient, overrides: dict[str, Any], name: str
) -> None:
    found = only(ask(client, variants=[{"overrides": overrides}]))
    assert parts(found) == pytest.approx({name: found["price_difference"]})
    assert found["drivers"][0]["unit"] == "choice"


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        # labour is 24,000 $ a year for 30,000 units
        ({"selectedF": {"F2": "off"}}, "off"),
        ({"periods": [{"start": 1, "end": 20, "inputs": {"S35": 0}}]}, "periods"),
    ],
)
def test_switches_and_years_of_their_own_are_drivers(
    client: FlaskClient, variant: dict[str, Any], name: str
) -> None:
    found = only(ask(client, variants=[variant]))
    assert parts(found) == pytest.approx({name: -0.8}, abs=1e-12)


def test_a_plant_that_solves_nothing_sells_at_its_selling_price(
    client: FlaskClient,
) -> None:
    variants = [{"selected_calculation_option": "npv", "overrides": {"S13": 2.5}}]
    found = only(ask(client, variants=variants))
    assert found["price"] == 2.5
    assert set(parts(found)) == {"solves", "selling_price"}
    assert sum(parts(found).values()) == pytest.approx(found["price_difference"])


def test_years_of_their_own_mix_with_a_shorter_life(client: FlaskClient) -> None:
    late = [{"start": 15, "end": 20, "inputs": {"labor_cost": 40_000}}]
    found = only(
        ask(
            client,
            base={"periods": late},
            variants=[{"version": 1, "overrides": {"plant_lifetime": 12}}],
        )
    )
    assert {"periods", "plant_lifetime"} == set(parts(found))
    assert sum(parts(found).values()) == pytest.approx(
        found["price_difference"], abs=1e-12
    )


def test_a_preset_is_split_into_the_conventions_it_changes(
    client: FlaskClient,
) -> None:
    found = only(
        ask(
            client,
            base={"version": "corn_stover_ethanol"},
            variants=[{"extension": "interest_only"}],
        )
    )
    assert {"loan_deduction", "construction_interest"} <= set(parts(found))
    assert "preset" not in parts(found)
    assert sum(parts(found).values()) == pytest.approx(
        found["price_difference"], abs=1e-12
    )


def test_two_unlike_plants_are_split_into_everything_they_differ_in(
    client: FlaskClient,
) -> None:
    body = {"base_version": 1, "variants": ["corn_stover_ethanol"]}
    answer = ask(client, **body, config={"seed": 4, "permutations": 64})
    found = only(answer)
    names = set(parts(found))
    assert {"construction_schedule", "depreciation", "replacements"} <= names
    assert "construction_years" not in names  # the schedule says it
    assert found["attribution"]["method"] == "sampled"
    assert answer["metadata"]["seed"] == 4
    largest = max(map(abs, parts(found).values()))
    assert math.fsum(parts(found).values()) == pytest.approx(
        found["price_difference"],
        abs=1e-12 * largest,  # some roundings of the largest
    )
    again = ask(client, **body, config={"seed": 4, "permutations": 64})
    assert only(again)["drivers"] == found["drivers"]
    assert any("unlike products" in text for text in answer["metadata"]["warnings"])


def test_a_schedule_gives_way_to_years_of_construction(client: FlaskClient) -> None:
    variant = {"version": 1, "overrides": {"construction_years": 3}}
    found = only(
        ask(
            client,
            base_version="corn_stover_ethanol",
            variants=[variant],
            config={"seed": 0, "permutations": 16},
        )
    )
    (row,) = [r for r in found["drivers"] if r["input"] == "construction_schedule"]
    assert row["variant_value"] == "even over 3 years"
    largest = max(map(abs, parts(found).values()))
    assert math.fsum(parts(found).values()) == pytest.approx(
        found["price_difference"], abs=1e-12 * largest
    )


# Inputs that may be drawn together without losing the price, by how far.
SOME = st.dictionaries(
    st.sampled_from(
        [
            "bare_erected_cost",
            "number_of_units",
            "required_irr",
            "federal_tax_rate",
            "loan_fraction",
            "loan_rate",
            "plant_lifetime",
            "working_capital_fraction",
            "startup_months",
            "fixed_cost",
            "variable_cost",
            "inflation_rate",
            "depreciation_method",
            "loan_repayment",
            "loan_deduction",
        ]
    ),
    st.floats(0, 1),
    min_size=1,
    max_size=6,
)


def drawn(name: str, share: float, before: float) -> float | str:
    """A value of that input: `share` of the way through what is sensible."""
    choices = {
        "depreciation_method": ["straight_line", "macrs_7", "as_income_allows"],
        "loan_repayment": ["level_payment", "level_principal"],
        "loan_deduction": ["interest", "whole_payment"],
    }
    if name in choices:
        return choices[name][min(int(3 * share), len(choices[name]) - 1)]
    spans = {
        "required_irr": (0.01, 0.3),
        "federal_tax_rate": (0.0, 0.6),
        "loan_fraction": (0.0, 0.9),
        "loan_rate": (0.0, 0.2),
        "working_capital_fraction": (0.0, 0.5),
        "startup_months": (0.0, 30.0),
        "inflation_rate": (-0.02, 0.1),
    }
    if name == "plant_lifetime":
        return float(20 + round(20 * share))
    if name in spans:
        low, high = spans[name]
        return low + share * (high - low)
    return (0.3 + 2 * share) * (before or 10_000)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SOME, st.sampled_from(["1", "corn_stover_ethanol"]))
def test_drivers_add_up_to_the_difference(
    shares: dict[str, float], version: str
) -> None:
    before = load(version).baseline()
    changes = {
        name: drawn(name, share, before.get(name, 0)) for name, share in shares.items()
    }
    entry = compared(version, changes)
    assert math.fsum(parts(entry).values()) == pytest.approx(
        entry["price_difference"], rel=1e-9, abs=1e-9
    )
    assert entry["waterfall"][-1]["end"] == entry["price"]


def sixty() -> dict[str, float]:
    """Sixty inputs of version 1, each changed a little within its bounds."""
    whole = {"plant_lifetime": 25, "loan_years": 15}
    # the two parts of a loan payment sum to 1
    left_out = {"interest_proportion", "principal_proportion"}
    before = load("1").baseline()
    changes: dict[str, float] = {**whole}
    for name, spec in INPUTS.items():
        if len(changes) == 60:
            break
        if name in whole or name in left_out or spec.integer:
            continue
        value = before[name] * 0.9 if before[name] else min(spec.high, 0.05)
        if spec.allows(value) and value != before[name]:
            changes[name] = value
    assert len(changes) == 60
    return changes


def test_sixty_differing_inputs_are_compared_by_sampling(client: FlaskClient) -> None:
    variants = [{"id": "all", "overrides": sixty()}]
    found = only(ask(client, variants=variants, config={"permutations": 32}))
    assert found["attribution"]["differing"] == 60
    assert len(found["drivers"]) == 60
    assert math.fsum(parts(found).values()) == pytest.approx(
        found["price_difference"], abs=1e-9
    )
    assert found["drivers"][0]["std_error"] > 0
    kinds = [bar["kind"] for bar in found["waterfall"]]
    assert kinds == ["base", *["driver"] * DRAWN, "rest", "variant"]


def test_sampled_drivers_agree_with_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {
        "bare_erected_cost": 500_000.0,
        "number_of_units": 12_000.0,
        "required_irr": 0.2,
        "federal_tax_rate": 0.4,
        "loan_fraction": 0.5,
        "depreciation_method": "macrs_7",
    }
    truth = compared("1", changes)
    monkeypatch.setattr("flask_api.domains.price.comparison.attribution.EXACT", 1)
    found = compared("1", changes)
    assert found["attribution"] | {"method": ""} != truth["attribution"]
    for row in found["drivers"]:
        # six parts beyond 4 standard errors: 0.04 %, and the seed is fixed
        assert abs(row["contribution"] - parts(truth)[row["input"]]) <= (
            4 * row["std_error"] + 1e-12
        )


def test_a_waterfall_leads_from_the_base_to_the_variant() -> None:
    entry = compared("1", {"S11": 1e5, "S35": 1e4, "required_irr": 0.1})
    bars = entry["waterfall"]
    assert [bar["kind"] for bar in bars] == ["base", *["driver"] * 3, "variant"]
    for one, next_ in zip(bars, bars[1:-1], strict=False):
        assert next_["start"] == one["end"]
    assert bars[-2]["end"] == pytest.approx(entry["price"], abs=1e-12)
    sizes = [abs(bar["value"]) for bar in bars[1:-1]]
    assert sizes == sorted(sizes, reverse=True)


def test_a_mixture_without_a_price_leaves_the_drivers_out_and_says_why(
    client: FlaskClient,
) -> None:
    # all of revenue goes into cost in version 1 with the base's fraction of 1
    answer = ask(
        client,
        base={"overrides": {"operating_cost_fraction": 1}},
        variants=[{"overrides": {"S18": True, "operating_cost_fraction": 0.2}}],
    )
    found = only(answer)
    assert found["price"] > 0
    assert found["drivers"] is None
    assert [bar["kind"] for bar in found["waterfall"]] == ["base", "rest", "variant"]
    (text,) = [t for t in answer["metadata"]["warnings"] if "drivers are null" in t]
    assert "1 of 4" in text and "operating_cost" in text and "two steps" in text


def test_things_that_differ_are_listed_once() -> None:
    base, variant = load("1"), load("corn_stover_ethanol")
    names = [thing.name for thing in differences(base, variant)]
    assert len(names) == len(set(names))
    assert differences(base, base) == []
    assert {t.name for t in differences(variant, base)} == set(names)


# -- impacts -----------------------------------------------------------------------


def test_impacts_of_a_dearer_labour_follow_their_formulas(client: FlaskClient) -> None:
    variants = [{"overrides": {"labor_cost": 30_000}}]
    answer = ask(client, variants=variants)
    found, base = only(answer), answer["base_price"]
    got = found["impact_metrics"]
    assert found["price_difference"] == pytest.approx(0.2, abs=1e-12)
    assert found["percentage_change"] == pytest.approx(20 / base, rel=1e-12)
    # units are the same: revenue follows the price alone
    assert got["revenue_impact"] == pytest.approx(0.2 / base, rel=1e-12)
    margins = [1 - 48_000 / UNITS / (base + 0.2), 1 - 42_000 / UNITS / base]
    assert got["margin_impact"] == pytest.approx(margins[0] - margins[1], rel=1e-11)
    # at the base's price income stays above 0: each dollar of cost saves its tax
    worth = -6_000 * (1 - TAX) * ANNUITY
    assert got["npv_impact"] == pytest.approx(worth, rel=1e-9)
    assert got["market_share_impact"] is got["competitive_position"] is None
    assert any("market_data" in text for text in answer["metadata"]["warnings"])


def test_a_margin_is_of_all_that_is_earned_by_products_too() -> None:
    found = compared("1", {"byproduct_revenue": 12_000})["impact_metrics"]
    sold = UNITS * load("1").solved_price()
    # 12,000 $ less of revenue are asked for: what is earned together stays
    assert found["margin_impact"] == pytest.approx(0, abs=1e-12)
    assert found["revenue_impact"] == pytest.approx(-12_000 / sold, rel=1e-10)


def test_a_plant_that_solves_no_price_has_a_worth_to_be_compared_with() -> None:
    base = replace(load("1"), structure=replace(load("1").structure, solves="npv"))
    dear = override(base, {"labor_cost": 30_000})
    plants = Plant.solved("a", base), Plant.solved("b", dear)
    entry, _ = compare(*plants, None, Drawing(64, stream(0)), lambda prices: None)
    # at 2 $ income stays above 0: each dollar of cost saves its tax
    worth = -6_000 * (1 - TAX) * ANNUITY
    assert plants[0].npv_at(2.0) != pytest.approx(0, abs=100)
    assert entry["impact_metrics"]["npv_impact"] == pytest.approx(worth, rel=1e-9)


def test_a_dearer_variant_loses_share_and_place(client: FlaskClient) -> None:
    market = {
        "competitor_prices": [1.9, 2.1, 2.1, 2.5],
        "market_share": {"own": 0.2},
        "elasticity_data": {"own_price": -2},
    }
    variants = [
        {"id": "cheap", "overrides": {"labor_cost": 18_000}},
        {"id": "dear", "overrides": {"labor_cost": 30_000}},
    ]
    answer = ask(client, variants=variants, marketData=market)
    got = {n: e["impact_metrics"] for n, e in answer["comparisons"].items()}
    base = answer["base_price"]
    for name, change in (("cheap", -0.2), ("dear", 0.2)):
        steps = 2 * change / (base * 0.8)
        share = 0.2 / (0.2 + 0.8 * math.exp(steps))
        assert got[name]["market_share_impact"] == pytest.approx(share - 0.2, rel=1e-9)
    assert got["cheap"]["competitive_position"] == 1.0
    assert got["dear"]["competitive_position"] == 0.25
    assert answer["metadata"]["warnings"] == []


def test_a_market_known_in_part_says_what_it_lacks(client: FlaskClient) -> None:
    variants = [{"overrides": {"labor_cost": 30_000}}]
    market = {"market_share": {"other": 0.7}}
    answer = ask(client, variants=variants, market_data=market)
    got = only(answer)["impact_metrics"]
    assert got["market_share_impact"] < 0 and got["competitive_position"] is None
    told = "\n".join(answer["metadata"]["warnings"])
    assert "competitor_prices" in told and "own-price elasticity of -1" in told


def test_a_market_of_the_maths_is_optional() -> None:
    assert Market() == Market((), None, None)


# -- names and forms ---------------------------------------------------------------


def test_what_the_seeds_front_end_sends_is_answered(client: FlaskClient) -> None:
    body = {
        "baseVersion": "1",
        "variants": [{"id": "corn_stover_ethanol"}, {"id": 2}, {"id": "v3"}],
    }
    answer = ask(client, **body)
    assert answer["base_version"] == "1"
    entries = answer["comparisons"]
    assert set(entries) == {"corn_stover_ethanol", "2", "v3"}
    assert entries["corn_stover_ethanol"]["version"] == "corn_stover_ethanol"
    assert entries["v3"]["price_difference"] == 0 and entries["v3"]["drivers"] == []
    assert any("same plant" in text for text in answer["metadata"]["warnings"])


@pytest.mark.parametrize("kind", ["comparison", "impact"])
def test_both_prefixes_answer_alike(client: FlaskClient, kind: str) -> None:
    body = {
        "comparison": {"variants": [{"extension": "loan"}]},
        "impact": {"parameters": [{"id": "S35", "change": 10}]},
    }[kind]
    one, other = (
        client.post(f"{prefix}/price/{kind}", json=body).json for prefix in ("", "/api")
    )
    for answer in (one, other):
        answer.pop("analysis_id", None)
        del answer["metadata"]
    assert one == other


def test_variants_without_an_id_are_named_by_what_they_are(client: FlaskClient) -> None:
    variants = [
        {"extension": "loan"},
        {"overrides": {"S11": 250_000}},
        {"overrides": {"S11": 250_000}},
        {"overrides": {"S11": 1, "S35": 2, "S34": 3}},
        "1",
    ]
    answer = ask(client, base_version=1, variants=variants)
    assert list(answer["comparisons"]) == [
        "1.loan",
        "1 with S11 250000",
        "1 with S11 250000 (2)",
        "1 with 3 changes",
        "1",
    ]


def test_a_variant_takes_from_the_base_what_it_leaves_out(client: FlaskClient) -> None:
    base = {"version": 1, "extension": "loan", "overrides": {"required_irr": 0.2}}
    variants = [
        {"id": "more", "overrides": {"S35": 25_000}},
        {"id": "no loan", "extension": ""},
        {"id": "plain", "version": 1},
    ]
    found = ask(client, base=base, variants=variants)["comparisons"]
    assert set(parts(found["more"])) == {"labor_cost"}
    assert set(parts(found["no loan"])) == {"loan_fraction"}
    assert set(parts(found["plain"])) == {"loan_fraction", "required_irr"}
    # methods.md 5, given to five decimals
    assert found["no loan"]["price"] == pytest.approx(3.13294, abs=5e-6)
    assert found["plain"]["price"] == pytest.approx(2.00579, abs=5e-6)


def test_a_variant_that_no_price_saves_is_told_and_the_others_go_on(
    client: FlaskClient,
) -> None:
    variants = [
        {"id": "idle", "overrides": {"number_of_units": 0}},
        {"id": "fine", "extension": "loan"},
    ]
    answer = ask(client, variants=variants)
    idle, fine = answer["comparisons"]["idle"], answer["comparisons"]["fine"]
    assert idle["price"] is None and "number_of_units" in idle["error"]
    assert fine["price"] is not None and fine["error"] is None
    assert any("idle" in text for text in answer["metadata"]["warnings"])
    assert [row["error"] is None for row in answer["summary"]] == [False, True]


@pytest.mark.parametrize("where", ["variants", "base"])
def test_nothing_to_compare_is_no_solution(client: FlaskClient, where: str) -> None:
    dead = {"overrides": {"number_of_units": 0}}
    alive = {"overrides": {"S11": 1}}
    body = (
        {"variants": [dead]}
        if where == "variants"
        else {"base": dead, "variants": [{"version": 1, **alive}]}
    )
    got = client.post("/price/comparison", json=body)
    assert (got.status_code, got.json["code"]) == (400, "NO_SOLUTION")
    assert got.json["details"][0]["field"] == where
    assert "number_of_units" in got.json["message"]


def test_its_tables_are_csv(client: FlaskClient) -> None:
    params = {"variants": [{"extension": "loan"}, {"overrides": {"S11": 1e6}}]}
    job = client.post("/price/comparison", json=params).headers["X-Job-ID"]
    heads = {
        "comparison": "id,version,extension,price,",
        "drivers": "id,input,label,unit,",
        "waterfall": "id,kind,label,input,start,end,value",
    }
    for table, head in heads.items():
        got = client.get(f"/api/jobs/{job}/result?format=csv&table={table}")
        assert got.text.startswith(head)
    assert "1.loan" in got.text


# -- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "variants"),
        ({"variants": []}, "variants"),
        ({"variants": [{}] * 51}, "variants"),
        ({"variants": {"id": "a"}}, "variants"),
        ({"variants": [{"idd": "a"}]}, "variants[0].idd"),
        ({"variants": [{"id": ""}]}, "variants[0].id"),
        ({"variants": [{"id": "a"}, {"id": "a"}]}, "variants[1].id"),
        ({"variants": [True]}, "variants[0]"),
        ({"variants": ["99"]}, "variants[0].version"),
        ({"variants": [{"version": "../1"}]}, "variants[0].version"),
        ({"variants": [{"extension": "no"}]}, "variants[0].extension"),
        ({"variants": [{}, {"overrides": {"S999": 1}}]}, "variants[1].overrides.S999"),
        (
            {"variants": [{"overrides": {"number_of_units": -5}}]},
            "variants[0].overrides.number_of_units",
        ),
        (
            {"variants": [{"overrides": {"loan_deduction": "all"}}]},
            "variants[0].overrides.loan_deduction",
        ),
        ({"base_version": 99, "variants": [{}]}, "base_version"),
        ({"base_version": True, "variants": [{}]}, "base_version"),
        ({"base": {"version": "99"}, "variants": [{}]}, "base.version"),
        ({"base": {"extension": "no"}, "variants": [{}]}, "base.extension"),
        (
            {"base": {"overrides": {"S11": -1}}, "variants": [{}]},
            "base.overrides.S11",
        ),
        (
            {"base_version": 2, "base": {"version": 1}, "variants": [{}]},
            "base.version",
        ),
        ({"variants": [{}], "config": {"permutations": 2}}, "config.permutations"),
        ({"variants": [{}], "config": {"seed": -1}}, "config.seed"),
        (
            {"variants": [{}], "market_data": {"competitor_prices": [2, 0]}},
            "market_data.competitor_prices[1]",
        ),
        (
            {"variants": [{}], "market_data": {"market_share": {"a": 0.7, "b": 0.6}}},
            "market_data.market_share",
        ),
        (
            {"variants": [{}], "market_data": {"market_share": 1}},
            "market_data.market_share",
        ),
        (
            {"variants": [{}], "market_data": {"elasticity_data": {"own_price": 1}}},
            "market_data.elasticity_data.own_price",
        ),
    ],
)
def test_a_wrong_comparison_is_400_and_names_the_place(
    client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    got = client.post("/price/comparison", json=body)
    assert got.status_code == 400, got.text
    assert got.json["details"][0]["field"] == field


def test_a_number_that_is_none_is_refused(client: FlaskClient) -> None:
    got = client.post(
        "/price/comparison",
        data='{"variants": [{"overrides": {"S11": NaN}}]}',
        content_type="application/json",
    )
    assert got.status_code == 400 and "NaN" in got.json["message"]
