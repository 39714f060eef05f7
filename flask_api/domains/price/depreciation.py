"""How fast capital may be written off: a share of it for each operating year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.arrays import Array
from flask_api.numerics.errors import InputError

# IRS Publication 946, table A-1 (general system, half-year convention), in percent.
_MACRS_PERCENT: dict[int, tuple[float, ...]] = {
    3: (33.33, 44.45, 14.81, 7.41),
    5: (20.00, 32.00, 19.20, 11.52, 11.52, 5.76),
    7: (14.29, 24.49, 17.49, 12.49, 8.93, 8.92, 8.93, 4.46),
    10: (10.00, 18.00, 14.40, 11.52, 9.22, 7.37, 6.55, 6.55, 6.56, 6.55, 3.28),
    15: (5.00, 9.50, 8.55, 7.70, 6.93, 6.23)
    + (5.90, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91, 2.95),
    20: (3.750, 7.219, 6.677, 6.177, 5.713, 5.285, 4.888, 4.522)
    + (4.462, 4.461) * 6
    + (2.231,),
}

AS_INCOME_ALLOWS = "as_income_allows"
STRAIGHT_LINE = "straight_line"
METHODS = (
    "straight_line (over the plant's life), straight_line_<n>, "
    "macrs_3, macrs_5, macrs_7, macrs_10, macrs_15, macrs_20, as_income_allows"
)
_LINE = re.compile(r"(?:straight_?line|sl)_?(\d{1,3})?(?:_?years?)?")
_MACRS = re.compile(r"macrs_?(\d{1,2})|(\d{1,2})_?(?:year_?)?macrs")


@dataclass(frozen=True)
class AssetClass:
    """A part of the depreciable capital that is written off in its own way.

    share   of total overnight cost; the shares of all classes may sum to less than 1
    """

    name: str
    method: str
    share: float


def method_name(text: str, field: str = "depreciation") -> str:
    """The canonical name of a method given as `MACRS7`, `7-MACRS`, `Straight-Line`...

    Raises InputError that lists the methods.
    """
    plain = re.sub(r"[\s\-]+", "_", text.strip().lower())
    if plain in (AS_INCOME_ALLOWS, "fraction_of_toc"):
        return AS_INCOME_ALLOWS
    line, macrs = _LINE.fullmatch(plain), _MACRS.fullmatch(plain)
    if line and (line[1] is None or int(line[1]) > 0):
        return STRAIGHT_LINE if line[1] is None else f"{STRAIGHT_LINE}_{int(line[1])}"
    if macrs and int(macrs[1] or macrs[2]) in _MACRS_PERCENT:
        return f"macrs_{int(macrs[1] or macrs[2])}"
    raise InputError(
        f"{text[:60]!r} is no depreciation method; there are {METHODS}", field=field
    )


def macrs(recovery_years: int) -> Array:
    """Shares written off in each year, shape (recovery_years + 1,), sum 1.

    Half-year convention: the first and the last year count half. IRS Publication 946,
    table A-1.
    """
    if recovery_years not in _MACRS_PERCENT:
        raise InputError(
            f"MACRS has no class of {recovery_years} years; "
            f"there are {', '.join(map(str, _MACRS_PERCENT))}",
            field="depreciation",
        )
    return np.array(_MACRS_PERCENT[recovery_years]) / 100


def shares(method: str, plant_years: int) -> Array:
    """Shares written off in the years after the start, whatever the plant's life.

    method        canonical name, not `as_income_allows`: that one follows the price
    plant_years   life of the plant, over which plain `straight_line` runs
    """
    kind, _, number = method.rpartition("_")
    if kind == "macrs":
        return macrs(int(number))
    years = int(number) if number.isdigit() else plant_years
    return np.full(years, 1.0 / years)


def pattern(method: str, plant_years: int, start: int = 1) -> Array:
    """Share written off in each operating year by what is bought in year `start`.

    Returns shape (plant_years,). What is left after the plant's last year is lost.
    """
    result = np.zeros(plant_years)
    table = shares(method, plant_years)[: plant_years - start + 1]
    result[start - 1 : start - 1 + len(table)] = table
    return result


def fixed_pattern(assets: Sequence[AssetClass], plant_years: int) -> Array:
    """Share of total overnight cost written off in each year by fixed tables."""
    result = np.zeros(plant_years)
    for asset in assets:
        if asset.method != AS_INCOME_ALLOWS:
            result += asset.share * pattern(asset.method, plant_years)
    return result


def share_as_income_allows(assets: Sequence[AssetClass]) -> float:
    """Share of total overnight cost that is written off as fast as income allows."""
    return sum(asset.share for asset in assets if asset.method == AS_INCOME_ALLOWS)
