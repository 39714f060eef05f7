"""Units that a model file may write, and what each is in the input's own unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from flask_api.domains.price.inputs import INPUTS
from flask_api.numerics.errors import InputError

ONE = Fraction(1)
_MONEY = {
    "$": Fraction(1),
    "k$": Fraction(10**3),
    "M$": Fraction(10**6),
    "MM$": Fraction(10**6),
    "B$": Fraction(10**9),
}
_TIME = {"year": 1, "years": 1, "yr": 1}
_GALLON = Fraction("3.785411784")
#: Measures by dimension: each as a multiple of the dimension's first unit.
_MEASURES: tuple[Mapping[str, Fraction], ...] = (
    {
        "kg": Fraction(1),
        "g": Fraction(1, 1000),
        "t": Fraction(1000),
        "kt": Fraction(10**6),
        "Mt": Fraction(10**9),
        "lb": Fraction("0.45359237"),
    },
    {
        "MWh": Fraction(1),
        "kWh": Fraction(1, 1000),
        "GWh": Fraction(1000),
        "TWh": Fraction(10**6),
        "MJ": Fraction(1, 3600),
        "GJ": Fraction(1, Fraction("3.6")),
        "TJ": Fraction(1000, Fraction("3.6")),
        "MMBtu": Fraction("1.05505585262") / Fraction("3.6"),  # international table
    },
    {
        "L": Fraction(1),
        "m3": Fraction(1000),
        "gal": _GALLON,
        "bbl": 42 * _GALLON,
    },
    {"km": Fraction(1), "m": Fraction(1, 1000), "mi": Fraction("1.609344")},
    {"ha": Fraction(1), "m2": Fraction(1, 10**4), "km2": Fraction(100)},
    {"h": Fraction(1)},
    {"unit": Fraction(1), "units": Fraction(1), "1": Fraction(1)},
)
_SHARES = {"fraction": Fraction(1), "1": Fraction(1), "%": Fraction(1, 100)}
_YEARS = {
    "years": Fraction(1),
    "year": Fraction(1),
    "yr": Fraction(1),
    "months": Fraction(1, 12),
    "month": Fraction(1, 12),
}
_RATES = ("inflation_rate", "required_irr", "loan_rate")
_FOREIGN = re.compile(r"EUR|USD|GBP|CNY|JPY|CHF|INR|BRL|CAD|AUD|[€£¥₹]", re.I)
#: Parameters of distributions that are values of the input, and those that are not.
_VALUES = ("mean", "std", "low", "high", "mode", "value", "values", "data")
_SHAPES = ("kind", "sigma", "lambda", "weights")


@dataclass(frozen=True)
class Conversion:
    """What a file's unit means: `factor` times its number is in `unit`."""

    factor: Fraction
    unit: str

    def __call__(self, value: float) -> float:
        """The value in `unit`, rounded once."""
        return value if self.factor == 1 else float(Fraction(value) * self.factor)


def own_unit(name: str, product_unit: str) -> str:
    """The unit of an input where a file gives none."""
    unit = INPUTS[name].unit
    if product_unit == "unit" or name.startswith("product_"):
        return unit
    return {
        "units/year": f"{product_unit}/year",
        "$/unit": f"$/{product_unit}",
    }.get(unit, unit)


def conversion(name: str, text: str, product_unit: str) -> Conversion:
    """How numbers of input `name` that are written in unit `text` are meant.

    product_unit   of the file, in which units are sold

    Raises InputError that names the units this input can have.
    """
    unit = INPUTS[name].unit
    plain = text.strip()
    if unit == "fraction":
        found = _from_table(_SHARES, plain, "fraction")
    elif name in _RATES:
        number, _, time = plain.partition("/")
        fits = time in _TIME if time else number in ("%", "fraction")
        found = _from_table(_SHARES, number if fits else "", "1/year")
    elif unit in ("years", "months"):
        found = _from_table(_YEARS, plain, "years")
        if found is not None and unit == "months":
            found = Conversion(found.factor * 12, "months")
    elif unit.startswith("$"):
        found = _money(name, plain, product_unit)
    else:
        found = _quantity(name, plain, product_unit)
    if found is not None:
        return found
    advice = "; models are in $, convert it" if _FOREIGN.search(plain) else ""
    raise InputError(
        f"unknown unit {text[:40]!r} of {name}; want {_wanted(name, product_unit)}"
        f"{advice}"
    )


def _from_table(
    table: Mapping[str, Fraction], text: str, unit: str
) -> Conversion | None:
    return Conversion(table[text], unit) if text in table else None


def _money(name: str, text: str, product_unit: str) -> Conversion | None:
    """$, $ per year, $ per unit sold, or $ per whatever the quantity counts."""
    money, _, per = text.partition("/")
    if money not in _MONEY:
        return None
    factor, unit = _MONEY[money], INPUTS[name].unit
    if _is_free(name):
        if not per:
            return Conversion(factor, "$")
        return Conversion(factor, f"$/{per}") if _known(per, product_unit) else None
    wanted = own_unit(name, product_unit).partition("/")[2]
    if wanted == "year" or not wanted:
        fits = per in _TIME if wanted else not per
        return Conversion(factor, unit) if fits else None
    ratio = _ratio(per, wanted)
    return None if ratio is None else Conversion(factor / ratio, f"$/{wanted}")


def _quantity(name: str, text: str, product_unit: str) -> Conversion | None:
    measure, _, time = text.partition("/")
    if time not in _TIME:
        return None
    if _is_free(name):
        known = _known(measure, product_unit)
        return Conversion(Fraction(1), f"{measure}/year") if known else None
    wanted = own_unit(name, product_unit).partition("/")[0]
    ratio = _ratio(measure, wanted)
    return None if ratio is None else Conversion(ratio, f"{wanted}/year")


def _is_free(name: str) -> bool:
    """Whether the input counts whatever its file says: V1..V10 (but 4, 5, 8), R1.."""
    if name.startswith("product_"):
        return True
    return name.endswith(("_quantity", "_unit_cost", "_unit_price")) and INPUTS[
        name
    ].unit in ("1/year", "$")


def _known(measure: str, product_unit: str) -> bool:
    return _ratio(measure, product_unit) is not None or any(
        measure in table for table in _MEASURES
    )


def _ratio(measure: str, wanted: str) -> Fraction | None:
    """How many of `wanted` one `measure` is; None where that is not known."""
    if measure in (wanted, f"{wanted}s"):
        return Fraction(1)
    for table in _MEASURES:
        if measure in table and wanted in table:
            return table[measure] / table[wanted]
    return None


def _wanted(name: str, product_unit: str) -> str:
    """The units an input can have, in words."""
    unit, own = INPUTS[name].unit, own_unit(name, product_unit)
    if unit == "fraction":
        return "fraction or %"
    if name in _RATES:
        return "1/year or %/year"
    if unit in ("years", "months"):
        return "years or months"
    if _is_free(name):
        some = f"{product_unit}, kg, t, MWh, L, m3, km, ha, h, unit"
        return f"$ or $/x, x one of {some}" if unit == "$" else f"x/year, x of {some}"
    multiples = ", ".join(one + own[1:] for one in _MONEY) if own[0] == "$" else own
    measure = own.partition("/")[2] if own[0] == "$" else own.partition("/")[0]
    like = next((", ".join(t) for t in _MEASURES if measure in t), "")
    return f"{multiples}" + (f" ({measure} may be {like})" if like else "")


def convert_distribution(
    shape: Mapping[str, object], convert: Conversion
) -> dict[str, object]:
    """A distribution in the input's own unit.

    Raises InputError where a parameter does not scale with the unit.
    """
    if convert.factor == 1:
        return dict(shape)
    found: dict[str, object] = {}
    for key, value in shape.items():
        if key in _VALUES:
            if isinstance(value, list):
                found[key] = [convert(one) for one in value]
            else:
                assert isinstance(value, float)
                found[key] = convert(value)
        elif key in _SHAPES:
            found[key] = value
        else:
            raise InputError(
                f"{key} does not scale with the unit; give the value and its "
                f"distribution in {convert.unit}"
            )
    return found


def disagreement(units: Mapping[str, str]) -> tuple[str, str] | None:
    """Quantity and unit price that count different things, or None.

    units   by input name, as `Conversion.unit` says

    Returns (name of the unit price, message).
    """
    for slot, price in (("v", "unit_cost"), ("r", "unit_price")):
        for number in range(1, 11):
            quantity = f"{slot}{number}_quantity"
            cost = f"{slot}{number}_{price}"
            counted = units.get(quantity, "1/year").partition("/")[0]
            priced = units.get(cost, "$").partition("/")[2]
            if counted != "1" and priced and counted != priced:
                return cost, (
                    f"{cost} is in {units[cost]} and {quantity} in {units[quantity]}; "
                    "give both for the same thing"
                )
    return None
