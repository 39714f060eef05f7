"""Units of a model file, against published sizes."""

from __future__ import annotations

import pytest

from flask_api.domains.price.model_files import units
from flask_api.domains.price.model_files.units import conversion

#: Size of every unit in one of its kind, as published: SI; the pound and the mile by
#: the agreement of 1959; US gallon 231 cubic inches; oil barrel 42 gallons; Btu of the
#: international table, 1055.05585262 J.
PUBLISHED = {
    "g": {"kg": 1e3, "t": 1e6, "kt": 1e9, "Mt": 1e12, "lb": 453.59237, "g": 1.0},
    "MJ": {
        "MJ": 1.0, "GJ": 1e3, "TJ": 1e6, "kWh": 3.6, "MWh": 3.6e3, "GWh": 3.6e6,
        "TWh": 3.6e9, "MMBtu": 1055.05585262,
    },
    "L": {"L": 1.0, "m3": 1e3, "gal": 231 * 0.016387064, "bbl": 9702 * 0.016387064},
    "m": {"m": 1.0, "km": 1e3, "mi": 1609.344},
    "m2": {"m2": 1.0, "ha": 1e4, "km2": 1e6},
    "h": {"h": 1.0},
    "$": {"$": 1.0, "k$": 1e3, "M$": 1e6, "MM$": 1e6, "B$": 1e9},
}  # fmt: skip
PAIRS = [
    (kind, unit, other)
    for kind, sizes in PUBLISHED.items()
    for unit in sizes
    for other in sizes
    if kind != "$"
]


@pytest.mark.parametrize(("kind", "unit", "other"), PAIRS)
def test_every_unit_has_its_published_size(kind: str, unit: str, other: str) -> None:
    ratio = PUBLISHED[kind][unit] / PUBLISHED[kind][other]
    sold = conversion("number_of_units", f"{unit}/year", other)
    # published sizes and their ratio are rounded
    assert sold(1.0) == pytest.approx(ratio, rel=1e-15)
    assert sold.unit == f"{other}/year"
    price = conversion("selling_price", f"$/{unit}", other)
    assert price(1.0) == pytest.approx(1 / ratio, rel=1e-15)


@pytest.mark.parametrize(("unit", "dollars"), PUBLISHED["$"].items())
def test_every_multiple_of_the_dollar_is_exact(unit: str, dollars: float) -> None:
    assert conversion("bare_erected_cost", unit, "unit")(1.0) == dollars
    assert conversion("labor_cost", f"{unit}/year", "unit")(1.0) == dollars


def test_no_unit_is_without_a_published_size() -> None:
    published = {unit for sizes in PUBLISHED.values() for unit in sizes}
    measures = {unit for table in units._MEASURES for unit in table}
    assert measures | {*units._MONEY} == published | {"unit", "units", "1"}


@pytest.mark.parametrize(
    ("unit", "years"),
    [("years", 1.0), ("year", 1.0), ("yr", 1.0), ("months", 1 / 12), ("month", 1 / 12)],
)
def test_times_are_years_or_twelfths_of_them(unit: str, years: float) -> None:
    assert conversion("plant_lifetime", unit, "unit")(12.0) == 12 * years
    assert conversion("startup_months", unit, "unit")(1.0) == 12 * years
