"""Results of the price domain in the order in which a report tells them.

A document may be made of a result that an earlier version computed: what that did not
have yet is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flask_api.documents.numbers import quantity
from flask_api.documents.steps import Step

Result = Mapping[str, Any]

#: Rungs of the capital ladder that sum up those below.
_SUMS = ("bare_erected_cost", "total_overnight_cost", "fixed_capital", "total_capital")

_PARTS: Mapping[str, str] = {
    "capital": "Fixed capital and start-up",
    "working_capital_and_land": "Working capital and land",
    "operating_cost": "Operating cost",
    "loan": "Loan",
    "tax": "Income tax",
    "byproducts": "By-products",
    "credits": "Credits",
    "salvage": "Salvage",
}
_RATES = ("rate", "irr", "return")


class Figure(NamedTuple):
    """One number of the economic summary."""

    name: str
    label: str
    value: Any
    unit: str


def unit_of(result: Result) -> str:
    """The unit of prices, such as `$/kg`."""
    return str(result.get("metadata", {}).get("unit", "$/unit"))


def words(name: str) -> str:
    """`total_overnight_cost` as a reader says it."""
    text = name.replace("_", " ").strip()
    for short, whole in (("irr", "IRR"), ("npv", "NPV")):
        text = " ".join(whole if word == short else word for word in text.split(" "))
    return text[:1].upper() + text[1:]


def plant(result: Result) -> str:
    """Version and extension of the plant in words."""
    extension = result.get("extension")
    return f"version {result.get('version')}" + (f", {extension}" if extension else "")


def ladder(data: Result) -> list[Step]:
    """The capital ladder as steps: rungs that add, and the sums between them."""
    return [
        Step(
            _plain(str(rung.get("label") or words(rung["rung"]))),
            float(rung["value"]),
            rung["rung"] in _SUMS,
        )
        for rung in data.get("capital_ladder", ())
        if rung.get("value") is not None
    ]


def _plain(label: str) -> str:
    """A rung's label without the sign that says whether it adds or sums."""
    text = label.lstrip("+= ").strip()
    return text[:1].upper() + text[1:]


def breakdown(data: Result) -> list[Step]:
    """What each part adds to the price, and the price."""
    steps = [
        Step(_PARTS.get(part, words(part)), float(value))
        for part, value in data.get("cost_breakdown", {}).items()
        if value is not None
    ]
    shown = [step for step in steps if step.value]
    return [*shown, Step(price_name(data), float(data["current_price"]), True)]


def price_name(data: Result) -> str:
    """What the price is: solved, unless the model solves none."""
    mode = str(data.get("economics", {}).get("calculation_mode", "price"))
    return "Minimum selling price" if mode.startswith("price") else "Selling price"


def economics(result: Result) -> list[Figure]:
    """The economic summary line by line, with units."""
    price = unit_of(result)
    found = []
    for name, value in result["price_data"].get("economics", {}).items():
        unit = _unit(name, value, price)
        if not isinstance(value, list):
            found.append(Figure(name, words(name), value, unit))
        elif name != "products":
            each = "; ".join(quantity(item, unit) for item in value)
            found.append(Figure(name, words(name), each or "none", ""))
    return found


def _unit(name: str, value: Any, price: str) -> str:
    if isinstance(value, str | bool) or value is None:
        return ""
    if name.endswith("_years") or "payback" in name:
        return "years"
    if any(word in _RATES for word in name.split("_")):
        return "1/year"
    per_unit = "price" in name.replace("at_base_price", "") or name == "levelised_cost"
    return price if per_unit else "$"


def table(data: Result) -> tuple[list[str], list[Mapping[str, Any]]]:
    """The year table: its columns, `year` first, and its rows."""
    rows = list(data.get("cash_flow_table", ()))
    columns: dict[str, None] = {"year": None}
    for row in rows:
        columns.update(dict.fromkeys(row))
    return list(columns), rows


def inputs(result: Result) -> list[Mapping[str, Any]]:
    """Every input: name, s_number, label, value, unit, range, source."""
    found = result["price_data"].get("inputs") or result["metadata"].get("inputs") or ()
    return list(found)


def range_of(item: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The range of an input, or None twice."""
    ends = item.get("range") or {}
    return ends.get("min"), ends.get("max")


def conventions(result: Result) -> list[tuple[str, str]]:
    """Each convention and the choice that was made."""
    metadata = result["metadata"]
    rows = [("preset", str(metadata.get("preset", "")))]
    for name, value in (metadata.get("conventions") or {}).items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {key}", _choice(item)) for key, item in value.items()]
        else:
            rows.append((name, _choice(value)))
    if metadata.get("npv_origin"):
        rows.append(("npv_origin", str(metadata["npv_origin"])))
    return [(words(name), value) for name, value in rows if value]


def _choice(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


class Choice(NamedTuple):
    """What the price would be had a convention been chosen otherwise."""

    convention: str
    chosen: str
    choice: str
    price: float | None
    difference: float | None
    reason: str


def audit(result: Result) -> list[Choice]:
    """Every other choice of every convention, in the order of the result."""
    found = result["price_data"].get("audit") or result["metadata"].get("audit") or ()
    return [
        Choice(
            words(str(item["convention"])),
            _choice(item["chosen"]),
            _choice(other["choice"]),
            other.get("price"),
            other.get("difference"),
            str(other.get("reason") or ""),
        )
        for item in found
        for other in item.get("choices", ())
        if other["choice"] != item["chosen"]
    ]


def products(data: Result) -> list[Mapping[str, Any]]:
    """Prices of further products, where the plant has some."""
    found = data.get("products") or data.get("economics", {}).get("products") or ()
    if len(found) < 2:
        return []
    if isinstance(found, Mapping):
        return [{"product": key, **_row(item)} for key, item in found.items()]
    return [_row(item) for item in found]


def _row(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else {"price": item}


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of all columns, in the order in which rows first have them."""
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(row))
    return list(found)


class Variant(NamedTuple):
    """One variant of a comparison; `steps` is empty where it has no price."""

    id: str
    about: Mapping[str, Any]
    drivers: list[Mapping[str, Any]]
    steps: list[Step]


def variants(result: Result) -> Iterator[Variant]:
    """The variants of a comparison with the steps from the base's price to theirs."""
    for name, about in result.get("comparisons", {}).items():
        drivers = list(about.get("drivers") or ())
        yield Variant(name, about, drivers, _steps(result, name, about, drivers))


def _steps(
    result: Result, name: str, about: Result, drivers: Sequence[Mapping[str, Any]]
) -> list[Step]:
    if about.get("price") is None:
        return []
    bars = about.get("waterfall")
    if bars:
        return [_bar(bar) for bar in bars]
    return [
        Step("Base", float(result["base_price"]), True),
        *(Step(driver_label(one), float(one["contribution"])) for one in drivers),
        Step(name, float(about["price"]), True),
    ]


def _bar(bar: Mapping[str, Any]) -> Step:
    total = bar.get("kind") in ("base", "variant", "total")
    value = float(bar["end"]) - (0.0 if total else float(bar["start"]))
    label = str(bar["label"])
    return Step(f"Base: {label}" if bar.get("kind") == "base" else label, value, total)


def variant_unit(result: Result, variant: Variant) -> str:
    """The unit of a variant's price: its own, else the base's."""
    return str(variant.about.get("unit") or unit_of(result))


def driver_label(driver: Mapping[str, Any]) -> str:
    """A driver's name for a reader."""
    return str(driver.get("label") or words(str(driver["input"])))
