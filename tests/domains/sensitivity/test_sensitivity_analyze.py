"""One input at a time: the answer's shape and its numbers."""

from __future__ import annotations

import orjson
import pytest

from flask_api.analysis import Stopped
from flask_api.domains.price.catalogue import load
from flask_api.numerics import NoSolutionError

FIVE = {
    "sensitivity_curve",
    "elasticity",
    "impact_score",
    "confidence_intervals",
    "metadata",
}
NORMAL = {"kind": "normal", "mean": 24000, "std": 2400}


def test_a_single_parameter_has_its_keys_directly_under_results(analyze):
    answer = analyze({"parameter": {"id": "S11", "steps": 3}, "config": {"seed": 0}})
    assert answer["parameter_id"] == "S11"
    assert set(answer["results"]) == FIVE | {"baseline_value", "baseline_result"}
    assert set(answer) == {
        "parameter_id",
        "method",
        "results",
        "ranking",
        "tornado",
        "metadata",
    }


def test_several_parameters_stand_under_their_own_names(analyze):
    answer = analyze({"parameters": ["S11", "laborAmount35"]})
    assert set(answer["results"]) == {"S11", "laborAmount35"}
    assert "parameter_id" not in answer


def test_a_curve_is_the_price_solved_anew_at_every_point(analyze):
    answer = analyze(
        {"parameters": [{"id": "S11", "range": [150e3, 250e3], "steps": 3}]}
    )
    curve = answer["results"]["S11"]["sensitivity_curve"]
    assert [p["value"] for p in curve] == [150e3, 200e3, 250e3]
    for point in curve:
        alone = load(overrides={"S11": point["value"]}).solved_price()
        assert point["result"] == pytest.approx(alone, rel=1e-12)
    assert answer["results"]["S11"]["baseline_result"] == pytest.approx(
        2.00579, abs=5e-6
    )


def test_elasticity_of_a_fixed_cost_is_its_share_of_the_price(analyze):
    # A cost deductible in full moves the price by cost/units: elasticity is the ratio.
    result = analyze({"parameters": ["S35"]})["results"]["S35"]
    share = 24_000 / 30_000 / result["baseline_result"]
    assert result["elasticity"] == pytest.approx(share, rel=1e-8)
    swing = 0.4 * 24_000 / 30_000  # 20 % either side
    score = swing / (swing + result["baseline_result"])
    assert result["impact_score"] == pytest.approx(score, rel=1e-9)


@pytest.mark.parametrize(
    ("mode", "values", "points"),
    [
        ("percentage", [-10, 10], [180e3, 220e3]),
        ("directvalue", [150e3, 260e3], [150e3, 260e3]),
        ("absolutedeparture", [-5e3, 5e3], [195e3, 205e3]),
        ("symmetrical", [5], [190e3, 200e3, 210e3]),
        ("multipoint", [1e5, 3e5, 2e5], [1e5, 3e5, 2e5]),
        ("multiple", [1e5], [1e5]),
    ],
)
def test_each_mode_means_what_it_says(mode, values, points, analyze):
    answer = analyze({"parameters": [{"id": "S11", "mode": mode, "values": values}]})
    curve = answer["results"]["S11"]["sensitivity_curve"]
    assert [p["value"] for p in curve] == pytest.approx(points)


def test_a_tornado_takes_both_ends_and_sorts_by_swing(analyze):
    answer = analyze({"method": "tornado", "parameters": ["S38", "S11", "S35"]})
    assert [row["id"] for row in answer["tornado"]] == ["S35", "S11", "S38"]
    assert [row["id"] for row in answer["ranking"]] == ["S35", "S11", "S38"]
    row = answer["tornado"][0]
    assert row["swing"] == pytest.approx(row["high"] - row["low"])
    assert row["swing"] == pytest.approx(0.4 * 24_000 / 30_000)
    assert len(answer["results"]["S11"]["sensitivity_curve"]) == 3


def test_intervals_are_the_point_where_nothing_else_is_uncertain(analyze):
    result = analyze({"parameters": ["S11"]})["results"]["S11"]
    for interval, point in zip(
        result["confidence_intervals"], result["sensitivity_curve"], strict=True
    ):
        assert interval["lower"] == interval["upper"] == point["result"]
    assert "the point itself" in result["metadata"]["intervals"]
    assert result["metadata"]["monte_carlo_iterations"] == 0


def test_intervals_hold_what_the_other_inputs_make_of_a_point(analyze):
    # Labor moves the price by labor/units: the interval's half-width is 1.96 std/units.
    body = {
        "parameters": [
            {"id": "S11", "steps": 3},
            {"id": "S35", "distribution": NORMAL},
        ],
        "config": {"monte_carlo_iterations": 4096, "seed": 3},
    }
    result = analyze(body)["results"]["S11"]
    for interval, point in zip(
        result["confidence_intervals"], result["sensitivity_curve"], strict=True
    ):
        half = 1.959964 * 2400 / 30_000
        # a quantile of 4,096 Sobol points in one dimension is off by 1/4,096 in rank
        assert interval["lower"] == pytest.approx(point["result"] - half, abs=1e-3)
        assert interval["upper"] == pytest.approx(point["result"] + half, abs=1e-3)


def test_type_monte_carlo_lets_all_other_parameters_vary(analyze):
    body = {"parameters": ["S11", "S35"], "config": {"monte_carlo_iterations": 500}}
    point = analyze(body)["results"]["S11"]["confidence_intervals"][0]
    drawn = analyze({**body, "type": "monte_carlo"})["results"]["S11"]
    assert point["lower"] == point["upper"]
    assert all(i["lower"] < i["upper"] for i in drawn["confidence_intervals"])


def test_the_same_seed_gives_the_same_answer_and_the_seed_is_told(analyze):
    body = {"parameters": ["S11", "S35"], "type": "monte_carlo"}
    zero, again, one = (
        analyze({**body, "config": {"seed": seed}}) for seed in (0, 0, 1)
    )
    assert zero == again
    assert zero["results"] != one["results"]
    unasked = analyze(body)["metadata"]["seed"]
    assert analyze({**body, "config": {"seed": unasked}})["metadata"]["seed"] == unasked


def test_all_inputs_are_meant_where_no_id_is_given(analyze):
    answer = analyze({"parameters": [{"version": 1}]})
    assert {"bare_erected_cost", "labor_cost", "plant_lifetime"} <= set(
        answer["results"]
    )
    assert "selling_price" not in answer["results"]  # the price is what is solved for


def test_filters_narrow_all_inputs_down(analyze):
    only = analyze({"parameters": [{"filters": ["S11", "S35"]}]})
    assert set(only["results"]) == {"bare_erected_cost", "labor_cost"}
    other = analyze({"parameters": [{"filters": {"S11": True, "colour": True}}]})
    assert set(other["results"]) == {"bare_erected_cost"}
    assert "colour" in other["metadata"]["warnings"][0]


def test_whole_years_stay_whole(analyze):
    result = analyze({"parameters": ["S10"]})["results"]["S10"]
    values = [p["value"] for p in result["sensitivity_curve"]]
    assert values == sorted({round(v) for v in values})
    assert result["elasticity"] < 0


def test_a_choice_is_priced_at_each_of_its_values(analyze):
    choice = {
        "id": "S20",
        "type": "categorical",
        "values": ["Straight-Line", "7-MACRS"],
    }
    result = analyze({"parameter": choice})["results"]
    assert [p["value"] for p in result["sensitivity_curve"]] == choice["values"]
    assert result["sensitivity_curve"][0]["result"] == pytest.approx(2.00579, abs=5e-6)
    assert result["elasticity"] is None


def test_the_front_ends_keys_have_their_meaning(analyze):
    answer = analyze(
        {
            "parameters": [
                {"id": "S11", "compareToKey": "npv", "waterfall": True, "bar": True},
                {"id": "S35", "enabled": False, "point": True},
                {"id": "S36", "point": True, "comparisonType": "secondary"},
            ]
        }
    )
    assert set(answer["results"]) == {"S11", "S36"}
    assert answer["results"]["S11"]["metadata"]["output"] == "npv"
    assert answer["metadata"]["pictures"] == [
        {"id": "S11", "kinds": ["waterfall", "bar"], "comparison_type": "primary"},
        {"id": "S36", "kinds": ["point"], "comparison_type": "secondary"},
    ]
    assert "different outputs" in answer["metadata"]["warnings"][0]


def test_further_outputs_stand_beside_the_first(analyze):
    answer = analyze({"parameters": ["S11"], "config": {"outputs": ["price", "irr"]}})
    outputs = answer["results"]["S11"]["outputs"]
    assert set(outputs) == {"price", "irr"}
    assert outputs["irr"]["elasticity"] < 0 < outputs["price"]["elasticity"]


def test_the_tornado_grows_while_it_runs(analyze, watch):
    seen = watch()
    analyze({"parameters": ["S11", "S35", "S36"]}, seen)
    assert [len(partial["tornado"]) for _, _, partial in seen.reports] == [0, 1, 2, 3]
    assert seen.reports[0][0] == 0
    assert seen.reports[-1][0] == seen.reports[-1][1]
    assert all(len(orjson.dumps(p)) < 16_000 for _, _, p in seen.reports)


def test_it_stops_when_told(analyze, watch):
    with pytest.raises(Stopped):
        analyze({"parameters": ["S11", "S35", "S36"]}, watch(stop_after=2))


def test_a_plant_no_price_can_save_is_said_to_be_one(analyze):
    body = {"parameters": ["S35"], "model": {"overrides": {"S12": 0}}}
    with pytest.raises(NoSolutionError, match="no price can save"):
        analyze(body)


def test_points_without_a_solution_are_null_and_counted(analyze, watch):
    seen = watch()
    answer = analyze(
        {"parameters": [{"id": "S12", "mode": "multipoint", "values": [0, 30000]}]},
        seen,
    )
    curve = answer["results"]["S12"]["sensitivity_curve"]
    assert curve[0]["result"] is None
    assert curve[1]["result"] is not None
    assert "1 of 2 points" in seen.warnings[0]


def test_listed_years_are_told_as_the_whole_years_that_were_priced(analyze):
    result = analyze(
        {"parameter": {"id": "S10", "mode": "multipoint", "values": [12.6, 15]}}
    )["results"]
    assert [point["value"] for point in result["sensitivity_curve"]] == [13, 15]


def test_an_inputs_own_distribution_does_not_blur_its_own_curve(analyze):
    shape = {"kind": "normal", "mean": 24000, "std": 3000}
    result = analyze({"parameter": {"id": "S35", "distribution": shape}})["results"]
    for point in result["confidence_intervals"]:
        assert point["lower"] == point["upper"]
    assert result["metadata"]["monte_carlo_iterations"] == 0


def test_whole_years_without_a_range_reach_a_year_to_either_side(analyze, tmp_path):
    given = {"plant_lifetime": 7, "bare_erected_cost": 9, "number_of_units": 1,
             "selling_price": 3, "required_irr": 0.1}  # fmt: skip
    lines = [f"  {name}: {value}" for name, value in given.items()]
    text = "\n".join(["title: bare", "inputs:", *lines])
    (tmp_path / "bare.yaml").write_text(text, encoding="utf-8")
    body = {"version": "bare", "parameter": {"id": "plant_lifetime"}}
    result = analyze(body, models_dir=str(tmp_path))["results"]
    # 5.6 and 8.4 outwards
    assert [p["value"] for p in result["sensitivity_curve"]] == [5, 6, 7, 8, 9]
