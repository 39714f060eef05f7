"""How fast capital may be written off: a share of it for each operating year."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.calculation.arrays import Array
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
CUSTOM = "custom"
_MACRS = "macrs"
_DOUBLE = "double_declining"
_150 = "declining_150"
_DIGITS = "sum_of_years_digits"
_SWITCH = "_to_straight_line"
#: No plant runs longer, so no table needs more years.
_LONGEST = 100
#: A table is written with decimals; thirds and sevenths don't sum to 1 exactly.
_SUM_TOLERANCE = 1e-9

METHODS = (
    "straight_line (over the plant's life), straight_line_<n>, "
    "double_declining_<n>, double_declining_<n>_to_straight_line, "
    "declining_150_<n>, declining_150_<n>_to_straight_line, sum_of_years_digits_<n> "
    "(each over the plant's life without its <n>), "
    "macrs_3, macrs_5, macrs_7, macrs_10, macrs_15, macrs_20, custom (with a table of "
    "yearly shares), as_income_allows"
)

_LINE_WORDS = r"straight_?line|sl"
#: How users and the seed spell each kind, after blanks and dashes became underscores.
_KINDS = {
    STRAIGHT_LINE: _LINE_WORDS,
    _MACRS: "macrs",
    _DOUBLE: "ddb|200_?db|db_?200|(?:double|200)_declining(?:_balance)?"
    "|declining_(?:balance_)?200",
    _150: "150_?db|db_?150|150_declining(?:_balance)?|declining_(?:balance_)?150",
    _DIGITS: "so?yd|sum_of_(?:the_)?years_digits",
}
_DECLINING = {_DOUBLE: 2.0, _150: 1.5}
_YEARS = r"(\d{1,3})(?:_?y(?:ea)?rs?)?"
_SPELLINGS = {
    kind: re.compile(
        rf"(?:{_YEARS}_?)?(?:{words})(?:_?{_YEARS})?"
        rf"(_?(?:(?:switch(?:ing)?_)?to_)?(?:{_LINE_WORDS}))?(?:_?{_YEARS})?"
    )
    for kind, words in _KINDS.items()
}


@dataclass(frozen=True)
class AssetClass:
    """A part of the depreciable capital that is written off in its own way.

    share   of total overnight cost; the shares of all classes may sum to less than 1
    table   yearly shares of method `custom`, as `check_table` returns them
    """

    name: str
    method: str
    share: float
    table: tuple[float, ...] | None = None

    def shares(self, plant_years: int) -> Array:
        """Shares of this class written off in the years after the start, in order."""
        return shares(self.method, plant_years, self.table)


def method_name(text: str, field: str = "depreciation") -> str:
    """The canonical name of a method given as `MACRS7`, `7-MACRS`, `Straight-Line`...

    Also `DDB10`, `DDB10-SL`, `150DB15`, `SYD10`, `Custom`. Raises InputError that lists
    the methods.
    """
    plain = re.sub(r"['\u2019%]", "", text.strip().lower())
    plain = re.sub(r"[\s\-_]+", "_", plain)
    if plain in (AS_INCOME_ALLOWS, "fraction_of_toc"):
        return AS_INCOME_ALLOWS
    if plain == CUSTOM:
        return CUSTOM
    for kind, spelling in _SPELLINGS.items():
        found = spelling.fullmatch(plain)
        if found:
            before, after, switch, last = found.groups()
            name = _canonical(kind, [before, after, last], switch is not None)
            if name is not None:
                return name
    raise InputError(
        f"{text[:60]!r} is no depreciation method; there are {METHODS}", field=field
    )


def _canonical(kind: str, numbers: Sequence[str | None], switch: bool) -> str | None:
    """Name of a kind with its years, or None where the two don't go together."""
    years = [int(one) for one in numbers if one is not None]
    if len(years) > 1 or 0 in years or (switch and kind not in _DECLINING):
        return None
    if kind == _MACRS and (not years or years[0] not in _MACRS_PERCENT):
        return None
    return kind + "".join(f"_{n}" for n in years) + (_SWITCH if switch else "")


def check_table(table: Sequence[object], field: str) -> tuple[float, ...]:
    """The yearly shares of a `custom` method, checked.

    table   share of the capital written off in operating year 1, 2, ...; each >= 0,
            at most 100 of them, together 1 to 1e-9
    field   where they stand, for messages

    Raises InputError that names the share or the sum that is wrong.
    """
    if not 1 <= len(table) <= _LONGEST:
        raise InputError(
            f"{field} has {len(table)} yearly shares; want 1 to {_LONGEST}", field=field
        )
    found: list[float] = []
    for year, share in enumerate(table, start=1):
        if (
            not isinstance(share, int | float)
            or isinstance(share, bool)
            or not 0 <= share <= 1 + _SUM_TOLERANCE
        ):
            raise InputError(
                f"{field} writes off {repr(share)[:40]} in year {year}; want a number "
                "from 0 to 1, the share of the capital",
                field=field,
            )
        found.append(float(share))
    total = math.fsum(found)
    if abs(total - 1) > _SUM_TOLERANCE:
        raise InputError(
            f"the shares of {field} sum to {total:.12g}; want 1 (to 1e-9): a share of "
            "the capital for each operating year",
            field=field,
        )
    return tuple(found)


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


def sum_of_years_digits(years: int) -> Array:
    """Shares n, n - 1, ... 1 over their sum: shape (years,), sum 1."""
    return np.arange(years, 0, -1) / (years * (years + 1) / 2)


def declining(years: int, speed: float, switch: bool) -> Array:
    """The share `speed / years` of what is left, each year; shape (years,).

    speed    2 for double declining balance, 1.5 for 150 % declining
    switch   True: goes over to a straight line across the years that remain as soon as
             that writes off more, and so sums to 1; False: what is left after the last
             year, (1 - speed / years) ** years of the capital, is lost
    """
    left, result = 1.0, np.zeros(years)
    for year in range(years):
        share = min(speed / years, 1.0) * left
        if switch:
            share = max(share, left / (years - year))
        result[year] = share
        left -= share
    return result


def over_plant_life(method: str) -> bool:
    """Whether a method's shares depend on the plant's life, as those without n do.

    method   canonical name
    """
    kind, years, _ = _parts(method)
    return years is None and kind not in (CUSTOM, AS_INCOME_ALLOWS)


def shares(
    method: str, plant_years: int, table: Sequence[float] | None = None
) -> Array:
    """Shares written off in the years after the start, whatever the plant's life.

    method        canonical name, not `as_income_allows`: that one follows the price
    plant_years   life of the plant, over which a method without years runs
    table         yearly shares of `custom`
    """
    kind, number, switch = _parts(method)
    if kind == CUSTOM:
        if table is None:
            raise InputError(
                "the depreciation method custom needs a table: the share of the "
                "capital for each operating year",
                field="depreciation",
            )
        return np.array(table, dtype=float)
    years = plant_years if number is None else number
    if kind == _MACRS:
        return macrs(years)
    if kind == _DIGITS:
        return sum_of_years_digits(years)
    if kind in _DECLINING:
        return declining(years, _DECLINING[kind], switch)
    if kind == STRAIGHT_LINE:
        return np.full(years, 1.0 / years)
    raise InputError(f"{method} has no table of yearly shares", field="depreciation")


def _parts(method: str) -> tuple[str, int | None, bool]:
    """Kind, years (None = the plant's life), whether it goes over to a line."""
    switch = method.endswith(_SWITCH)
    plain = method.removesuffix(_SWITCH)
    if plain in _KINDS or plain in (CUSTOM, AS_INCOME_ALLOWS):
        return plain, None, switch
    kind, _, years = plain.rpartition("_")
    return kind, int(years), switch


def pattern(
    method: str,
    plant_years: int,
    start: int = 1,
    table: Sequence[float] | None = None,
) -> Array:
    """Share written off in each operating year by what is bought in year `start`.

    Returns shape (plant_years,). What is left after the plant's last year is lost.
    """
    result = np.zeros(plant_years)
    used = shares(method, plant_years, table)[: plant_years - start + 1]
    result[start - 1 : start - 1 + len(used)] = used
    return result


def fixed_pattern(assets: Sequence[AssetClass], plant_years: int) -> Array:
    """Share of total overnight cost written off in each year by fixed tables."""
    result = np.zeros(plant_years)
    for asset in assets:
        if asset.method != AS_INCOME_ALLOWS:
            result += asset.share * pattern(
                asset.method, plant_years, table=asset.table
            )
    return result


def share_as_income_allows(assets: Sequence[AssetClass]) -> float:
    """Share of total overnight cost that is written off as fast as income allows."""
    return sum(asset.share for asset in assets if asset.method == AS_INCOME_ALLOWS)
