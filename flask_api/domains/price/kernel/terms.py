"""Which products of inputs are summed to the yearly amounts, and in which years."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation.amounts import FIXED_SLOTS
from flask_api.domains.price.calculation.arrays import Array
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.model import Structure

Codes = NDArray[np.int64]
#: Offset of an amount, and the one or two inputs whose product is added to it.
Product = tuple[int, *tuple[str, ...]]

TAXES = {"state_tax_rate": at.STATE_TAX, "federal_tax_rate": at.FEDERAL_TAX}
_CREDITS = (at.CREDIT_45Q, at.CREDIT_45V)


class Terms:
    """Products of inputs, summed by segment; what is 0 for all plants is left out.

    A segment is all operating years in which the same values apply.

    of_year     the segment of each operating year, shape (at.YEARS,)
    segments    values that replace those of the inputs, of each segment
    constants   these values in the rows that follow the inputs, by segment and input

    It knows of a structure its `periods` and `off`, and of the conventions
    `operating_cost`, `v4_v5` and `interest_type`.
    """

    def __init__(
        self, shape: Structure, base: Mapping[str, float], varied: frozenset[str]
    ) -> None:
        self._base, self._varied = base, varied
        changes = _changes(shape, int(self.highest("plant_lifetime")))
        numbers: dict[frozenset[tuple[str, float]], int] = {}
        self.of_year: Codes = np.zeros(at.YEARS, dtype=np.int64)
        self.of_year[1 : 1 + len(changes)] = [
            numbers.setdefault(frozenset(change.items()), len(numbers))
            for change in changes
        ]
        self.segments = [dict(items) for items in numbers]
        placed = [(n, name) for n, found in enumerate(self.segments) for name in found]
        self.constants: Array = np.array([self.segments[n][k] for n, k in placed])
        self._places = {
            one: at.CONSTANTS + row * at.LANES for row, one in enumerate(placed)
        }
        self._changed = {name for _, name in placed}
        self._live = {k for n, k in placed if self.segments[n][k] != 0}
        self._products = [*_products(shape)]
        self._made: dict[bool, Codes] = {}

    def changed(self, *names: str) -> bool:
        """Whether one of these inputs has another value in some operating years."""
        return any(name in self._changed for name in names)

    def varies(self, name: str) -> bool:
        return name in self._varied

    def highest(self, name: str) -> float:
        """What an input may come to, whichever rows there are."""
        return INPUTS[name].high if self.varies(name) else self._base[name]

    def active(self, name: str) -> bool:
        """Whether an input is not 0 for some plant in some year."""
        return name in self._live or self._counts({}, name)

    @cached_property
    def credits(self) -> bool:
        """Whether some plant earns credits by quantity in some year."""
        return any(
            product[0] in _CREDITS and self._adds(change, product)
            for product in self._products
            for change in self.segments
        )

    def rows(self, taxes: bool) -> Codes:
        """(to, one, other) of each product that is summed, shape (products, 3).

        taxes   also the tax rates, for plants whose years are simulated
        """
        if taxes not in self._made:
            self._made[taxes] = self._rows(taxes)
        return self._made[taxes]

    def _rows(self, taxes: bool) -> Codes:
        """First as without changes, for all segments; then what changes touch."""
        products = [*self._products]
        if taxes:
            products += [(to, name) for name, to in TAXES.items()]
        plain = [self._row({}, 0, product) for product in products]
        found = np.tile(np.array(plain, dtype=np.int64), (len(self.segments), 1, 1))
        found[:, :, 0] += at.SEGMENT * np.arange(len(self.segments))[:, None]
        kept = np.tile([self._adds({}, one) for one in products], (len(found), 1))
        of_input: dict[str, list[int]] = {}
        for index, (_, *names) in enumerate(products):
            for name in names:
                of_input.setdefault(name, []).append(index)
        for n, change in enumerate(self.segments):
            for index in {i for name in change for i in of_input.get(name, ())}:
                found[n, index] = self._row(change, n, products[index])
                kept[n, index] = self._adds(change, products[index])
        return np.ascontiguousarray(found[kept])

    def _row(
        self, change: Mapping[str, float], segment: int, product: Product
    ) -> tuple[int, int, int]:
        """Where a product of a segment goes, and where its factors lie."""
        to, *names = product
        one, other = [
            *(
                self._places[segment, name] if name in change else at.ROWS[name]
                for name in names
            ),
            at.ONE,
        ][:2]
        return to + segment * at.SEGMENT, one, other

    def _adds(self, change: Mapping[str, float], product: Product) -> bool:
        _, *names = product
        return all(self._counts(change, name) for name in names)

    def _counts(self, change: Mapping[str, float], name: str) -> bool:
        """Whether an input is not 0 for some plant in a segment."""
        if name in change:
            return change[name] != 0
        return name in self._varied or self._base[name] != 0


def _changes(shape: Structure, life: int) -> list[dict[str, float]]:
    """Values that replace those of the other years, for each operating year."""
    fixed = shape.conventions.interest_type != "variable"
    found: list[dict[str, float]] = [{} for _ in range(life)]
    for period in shape.periods:
        values = {**period.values}
        if fixed:
            values.pop("loan_rate", None)
        for year in range(max(period.start, 1), min(period.end, life) + 1):
            found[year - 1].update(values)
    return found


def _products(shape: Structure) -> Iterator[Product]:
    """(to, input) or (to, input, input): what is summed to which yearly amount."""
    choice = shape.conventions
    yield at.UNITS, "number_of_units"
    for n in range(2, 6):
        yield at.UNITS, f"product_{n}_units", f"product_{n}_relative_price"
    yield at.BYPRODUCTS, "byproduct_revenue"
    for n in range(1, 11):
        yield at.BYPRODUCTS, f"r{n}_quantity", f"r{n}_unit_price"
    for n in range(1, 6):
        yield at.FIXED_REVENUE, f"rf{n}_revenue"
    yield at.LOAN_RATE, "loan_rate"
    itemised = choice.operating_cost == "itemised"
    paid_as = dict.fromkeys(range(1, 11), at.VARIABLE_COST) if itemised else {}
    if choice.v4_v5 == "credits":
        paid_as |= {4: at.CREDIT_45Q, 5: at.CREDIT_45V}
    for n, to in paid_as.items():
        if f"V{n}" not in shape.off:
            yield to, f"v{n}_quantity", f"v{n}_unit_cost"
    if not itemised:
        yield at.COST_SHARE, "operating_cost_fraction"
        return
    for name in ("variable_cost", "carbon_capture_cost", "convenience_fee"):
        yield at.VARIABLE_COST, name
    for slot, name in {**FIXED_SLOTS, "": "fixed_cost"}.items():
        if slot not in shape.off:
            yield at.FIXED_COST, name
