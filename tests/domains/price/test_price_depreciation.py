"""Yearly shares of the depreciable capital: IRS tables, closed forms, own tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.calculation import depreciation
from flask_api.domains.price.calculation.depreciation import AssetClass
from flask_api.numerics.errors import InputError


def half_year_percentages(years: int, speed: float) -> list[float]:
    """IRS Pub. 946, chapter 4: declining balance that goes over to a straight line.

    In the first year half a year counts; the straight line runs over the time that
    remains, the last half year included.
    """
    left, shares = 1.0, []
    for year in range(years + 1):
        remaining = years if year == 0 else years - year + 0.5
        part = 0.5 if year == 0 else min(1.0, remaining)
        share = left * max(speed / years * part, part / max(remaining, part))
        shares.append(share)
        left -= share
    return shares


@pytest.mark.parametrize(
    ("years", "speed", "digits"),
    [
        (3, 2.0, 2),
        (5, 2.0, 2),
        (7, 2.0, 2),
        (10, 2.0, 2),
        (15, 1.5, 2),
        (20, 1.5, 3),
    ],
)
def test_a_macrs_table_follows_from_declining_balance_with_a_half_year(
    years: int, speed: float, digits: int
) -> None:
    percent = 100 * np.array(half_year_percentages(years, speed))
    # the IRS rounds each year and lets a neighbour carry the difference
    assert 100 * depreciation.macrs(years) == pytest.approx(percent, abs=10.0**-digits)


def test_double_declining_without_switch_loses_what_is_left(
    tea_cases: list[dict[str, Any]],
) -> None:
    shares = depreciation.shares("double_declining_10", 30)
    assert shares == pytest.approx([0.2 * 0.8**t for t in range(10)], rel=1e-14)
    assert shares.sum() == pytest.approx(1 - 0.8**10, rel=1e-14)
    case = next(c for c in tea_cases if c["inputs"]["depreciation"] == "DDB10")
    table = np.array(case["cashflow_table"]["Depreciation [MM$]"])
    begin = len(case["inputs"]["construction_schedule"])
    ours = depreciation.pattern(depreciation.method_name("DDB10"), len(table) - begin)
    assert ours * case["derived"]["TDC"] / 1e6 == pytest.approx(
        table[begin:], rel=1e-12
    )


def test_sum_of_years_digits_matches_its_closed_form_and_the_peer(
    tea_cases: list[dict[str, Any]],
) -> None:
    shares = depreciation.shares("sum_of_years_digits_5", 30)
    assert shares == pytest.approx(np.array([5, 4, 3, 2, 1]) / 15, rel=1e-15)
    case = next(c for c in tea_cases if c["inputs"]["depreciation"] == "SYD10")
    table = np.array(case["cashflow_table"]["Depreciation [MM$]"])
    begin = len(case["inputs"]["construction_schedule"])
    ours = depreciation.pattern(depreciation.method_name("SYD10"), len(table) - begin)
    assert ours * case["derived"]["TDC"] / 1e6 == pytest.approx(
        table[begin:], rel=1e-12
    )


def test_double_declining_goes_over_to_the_line_where_that_gives_more() -> None:
    # 40, 24, 14.4 % leave 21.6 %: over two years 10.8 % beats 40 % of it
    assert depreciation.shares(
        "double_declining_5_to_straight_line", 30
    ) == pytest.approx([0.4, 0.24, 0.144, 0.108, 0.108], abs=1e-15)


def test_150_percent_declining_goes_over_to_the_line_earlier() -> None:
    assert depreciation.shares("declining_150_5", 30) == pytest.approx(
        [0.3 * 0.7**t for t in range(5)], rel=1e-14
    )
    # 30, 21 % leave 49 %: a third of it beats 30 %
    assert depreciation.shares("declining_150_5_to_straight_line", 30) == pytest.approx(
        [0.3, 0.21] + [0.49 / 3] * 3, abs=1e-15
    )


@pytest.mark.parametrize("plant_years", [1, 2, 3, 7, 30, 100])
@pytest.mark.parametrize(
    "method",
    [
        "straight_line",
        "double_declining_to_straight_line",
        "declining_150_to_straight_line",
        "sum_of_years_digits",
    ],
)
def test_a_method_over_the_plants_life_writes_off_all_by_its_end(
    method: str, plant_years: int
) -> None:
    assert depreciation.over_plant_life(method)
    shares = depreciation.shares(method, plant_years)
    assert shares.shape == (plant_years,)
    assert (shares >= 0).all()  # double declining over 2 years: all in the first
    assert (np.diff(shares) <= 1e-15).all()  # never more than the year before
    assert math.fsum(shares) == pytest.approx(1, abs=1e-13)  # a hundred roundings
    kind, to, line = method.partition("_to_")
    same = depreciation.shares(f"{kind}_{plant_years}{to}{line}", 55)
    assert (shares == same).all()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("DDB10", "double_declining_10"),
        ("DDB", "double_declining"),
        ("ddb-10-sl", "double_declining_10_to_straight_line"),
        ("DDB10-SL", "double_declining_10_to_straight_line"),
        ("200DB7", "double_declining_7"),
        ("Double-declining balance 10 years", "double_declining_10"),
        ("150DB15", "declining_150_15"),
        ("150% declining balance", "declining_150"),
        ("150DB15 switching to straight line", "declining_150_15_to_straight_line"),
        ("SYD10", "sum_of_years_digits_10"),
        ("Sum of years' digits", "sum_of_years_digits"),
        ("5-MACRS", "macrs_5"),
        ("7-MACRS", "macrs_7"),
        ("15-MACRS", "macrs_15"),
        ("Straight-Line", "straight_line"),
        ("10-year straight line", "straight_line_10"),
        ("Custom", "custom"),
    ],
)
def test_a_method_is_known_as_users_write_it_and_by_its_own_name(
    given: str, name: str
) -> None:
    assert depreciation.method_name(given) == name
    assert depreciation.method_name(name) == name
    if name != "custom":
        assert len(depreciation.shares(name, 12)) >= 5


@pytest.mark.parametrize(
    "given",
    ["MACRS", "DDB0", "SL10-SL", "10-SYD-10", "declining", "MACRS7-SL", "DDB1000"],
)
def test_what_is_no_method_is_refused_with_all_there_are(given: str) -> None:
    with pytest.raises(InputError, match="sum_of_years_digits_<n>") as caught:
        depreciation.method_name(given, field="model.depreciation")
    assert caught.value.field == "model.depreciation"
    assert given in str(caught.value)


def test_an_own_table_starts_in_the_first_operating_year_and_ends_with_the_plant() -> (
    None
):
    table = depreciation.check_table([0.5, 0.3, 0, 0.2], "table")
    assert table == (0.5, 0.3, 0.0, 0.2)
    asset = AssetClass("kiln", "custom", 0.5, table)
    assert asset.shares(2) == pytest.approx(table)
    assert depreciation.fixed_pattern([asset], 2) == pytest.approx([0.25, 0.15])
    late = depreciation.pattern("custom", 5, start=4, table=table)
    assert late == pytest.approx([0, 0, 0, 0.5, 0.3])


def test_thirds_and_sevenths_written_as_decimals_sum_to_one() -> None:
    assert len(depreciation.check_table([1 / 7] * 7, "table")) == 7
    assert len(depreciation.check_table([0.3333333333] * 2 + [0.3333333334], "t")) == 3


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([], "0 yearly shares"),
        ([0.01] * 101, "101 yearly shares"),
        ([0.5, 0.4], r"sum to 0\.9;"),
        ([0.5, 0.6], r"sum to 1\.1;"),
        ([1.2, -0.2], "writes off 1.2 in year 1"),
        ([0.7, 0.5, -0.2], "writes off -0.2 in year 3"),
        ([float("nan"), 1.0], "writes off nan in year 1"),
        ([0.5, float("inf")], "writes off inf in year 2"),
        (["1"], "writes off '1' in year 1"),
        ([True], "writes off True in year 1"),
        ([10**400], "in year 1"),
    ],
)
def test_a_table_that_does_not_write_off_the_whole_is_refused(
    table: list[Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        depreciation.check_table(table, "depreciation.kiln.table")
    assert caught.value.field == "depreciation.kiln.table"
    assert "depreciation.kiln.table" in str(caught.value)


def test_custom_without_a_table_is_refused() -> None:
    with pytest.raises(InputError, match="needs a table"):
        depreciation.shares("custom", 20)
    with pytest.raises(InputError, match="as_income_allows has no table"):
        depreciation.shares("as_income_allows", 20)
