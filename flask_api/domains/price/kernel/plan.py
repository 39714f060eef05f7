"""A price model in the whole numbers and tables that the compiled kernel reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from flask_api.domains.price.calculation import depreciation
from flask_api.domains.price.calculation.arrays import Array
from flask_api.domains.price.conventions import CHOICES
from flask_api.domains.price.inputs import INPUTS, YEARLY
from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel.terms import TAXES, Codes, Terms
from flask_api.domains.price.model import PriceModel, Structure

T = TypeVar("T")

#: Inputs of which a plan must know the range.
COUNTED = ("plant_lifetime", "target_row", "loss_years")
_RAMP_INPUTS = (
    "inflation_rate",
    "startup_months",
    "startup_sales_fraction",
    "startup_variable_fraction",
    "startup_fixed_fraction",
)
_RELATIVE = {f"product_{n}_relative_price" for n in range(2, 6)}
_INTEREST, _REPAYMENT, _DEDUCTION, _SALVAGE = (
    {str(value): number for number, value in enumerate(CHOICES[name])}
    for name in (
        "construction_interest",
        "loan_repayment",
        "loan_deduction",
        "salvage_tax",
    )
)
#: Numbers in a cache line.
_LINE = 8


@dataclass(frozen=True)
class KernelPlan:
    """What all plants of one evaluation share.

    workspace   the kernel's own, with the baseline value of every input in each lane
    rows        where the varied inputs go, in their order
    codes       as `layout` numbers them
    segments    of each operating year, the one whose values apply
    terms       (to, one, other): products of inputs to be summed by segment
    tables      for each life: year by year what is written off, replaced, and written
                off of replacements
    numbers     share of the basis written off as income allows; the file's own schedule
    """

    workspace: Array
    rows: Codes
    codes: Codes
    segments: Codes
    terms: Codes
    tables: Array
    numbers: Array


class _Once(Generic[T]):
    """Makes what comes of the same objects only once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, ...], tuple[tuple[object, ...], T]] = {}

    def of(self, make: Callable[[], T], *objects: object) -> T:
        """What `make` returned when it was first called for these very objects."""
        key = tuple(map(id, objects))
        if key not in self._made:
            # with the objects: once they were gone, others might take their ids
            self._made[key] = objects, make()
        return self._made[key][1]


class Plans:
    """Plans of models in which the same inputs vary: what they share is made once.

    For plants that differ in choices, of which there may be thousands: models made by
    `dataclasses.replace` of one another hold the same objects where they don't differ.

    A plan is good until the next one is asked for, as they share a workspace.
    """

    def __init__(self, varied: tuple[str, ...], stamp: int) -> None:
        self._varied, self._names = varied, frozenset(varied)
        self._rows = np.array([at.ROWS[name] for name in varied], dtype=np.int64)
        self._stamp = stamp
        self._bases = _Once[dict[str, float]]()
        self._terms = _Once[Terms]()
        self._tables = _Once[Array]()
        self._numbers = _Once[Array]()
        self._touched = _Once[list[int]]()
        self._room = np.zeros(0)
        self._laid_out: tuple[object, object] = (None, None)

    def of(
        self,
        model: PriceModel,
        ranges: Mapping[str, tuple[int, int]],
        wanted: Set[str],
    ) -> KernelPlan:
        """The plan of one model.

        ranges   lowest and highest value of those of `COUNTED` that vary
        """
        shape, choice = model.structure, model.structure.conventions
        base = self._bases.of(model.baseline, model.inputs, shape.schedule)
        terms = self._terms.of(
            lambda: Terms(shape, base, self._names),
            *(base, shape.periods, shape.off),
            *(choice.operating_cost, choice.v4_v5, choice.interest_type),
        )
        own = {name: (int(base[name]), int(base[name])) for name in COUNTED}
        ranges = {**own, **ranges}
        shortest, longest = ranges["plant_lifetime"]
        tables = self._tables.of(
            lambda: _tables(shape, shortest, longest),
            *(shape.assets, shape.replacements, shape.replacement_method),
            *(shortest, longest),
        )
        numbers = self._numbers.of(
            lambda: _numbers(shape), shape.assets, shape.schedule
        )
        general = _follows_income(shape, base, terms, numbers[0] > 0)
        codes = self._codes(shape, terms)
        first, last = ranges["target_row"]
        codes[at.SHORTEST] = shortest
        codes[at.LONGEST] = longest if first == 0 else min(last, longest)
        codes[at.GENERAL], codes[at.FOLLOWS_INCOME] = general, numbers[0] > 0
        codes[at.LOSSES_EXPIRE] = ranges["loss_years"][0] < longest
        codes[at.PRICE_WANTED] = "price" in wanted
        codes[at.NPV_WANTED] = "npv" in wanted
        return KernelPlan(
            workspace=self._workspace(base, terms),
            rows=self._rows,
            codes=np.array(codes, dtype=np.int64),
            segments=terms.of_year,
            terms=terms.rows(general),
            tables=tables,
            numbers=numbers,
        )

    def _workspace(self, base: Mapping[str, float], terms: Terms) -> Array:
        """The workspace with these inputs and constants; all else in it is stale."""
        size = at.CONSTANTS + len(terms.constants) * at.LANES
        if self._room.size < size:
            self._room, self._laid_out = _aligned(size), (None, None)
        laid_out, room = self._laid_out, self._room
        if laid_out[0] is not base:
            values = np.array([*(base[name] for name in INPUTS), 1.0])
            inputs = room[at.ROWS[next(iter(INPUTS))] : at.CONSTANTS]
            inputs.reshape(-1, at.LANES)[:] = values[:, None]
        if laid_out[1] is not terms:
            constants = room[at.CONSTANTS : size].reshape(-1, at.LANES)
            constants[:] = terms.constants[:, None]
        self._laid_out = base, terms
        return room

    def _codes(self, shape: Structure, terms: Terms) -> list[int]:
        """Choices, what there is, and which stages the varied inputs touch."""
        choice = shape.conventions
        written_off = choice.book_value_at_end == "written_off"
        lent = terms.active("loan_fraction")
        by_revenue = choice.loan_repayment == "revenue_share"
        real = choice.required_rate == "real"
        capitalised = choice.construction_interest == "capitalised"
        codes = self._touched.of(
            lambda: _touched(self._names, real, capitalised), real, capitalised
        ).copy()
        codes[at.STAMP] = self._stamp
        codes[at.SEGMENTS] = len(terms.segments)
        codes[at.HAS_LOAN] = lent and not by_revenue
        codes[at.HAS_REVENUE_LOAN] = lent and by_revenue
        codes[at.HAS_REPLACEMENTS] = bool(shape.replacements)
        codes[at.HAS_CREDITS] = _earns_credits(terms)
        codes[at.HAS_END] = terms.active("salvage_fraction") or written_off
        codes[at.CONTINGENCY_ON_BARE] = choice.contingency_basis == "bare"
        codes[at.REAL_RATE] = real
        codes[at.OWN_SCHEDULE] = shape.schedule is not None
        codes[at.CONSTRUCTION_INTEREST] = _INTEREST[choice.construction_interest]
        codes[at.REPAYMENT] = _REPAYMENT[choice.loan_repayment]
        codes[at.DEDUCTION] = _DEDUCTION[choice.loan_deduction]
        codes[at.STATE_DEDUCTIBLE] = choice.state_deductible
        codes[at.CREDITS_WAIT] = choice.credit_use == "carried_forward"
        codes[at.CREDITS_GROW] = choice.credit_indexation == "inflation"
        codes[at.SALVAGE_TAX] = _SALVAGE[choice.salvage_tax]
        codes[at.WRITTEN_OFF_AT_END] = written_off
        return codes


def _aligned(size: int) -> Array:
    """Zeros that begin where a cache line does: rows across two would be slower."""
    room = np.zeros(size + _LINE)
    return room[-(room.ctypes.data // room.itemsize) % _LINE :][:size]


def _follows_income(
    shape: Structure,
    base: Mapping[str, float],
    terms: Terms,
    writes_off: bool,
) -> bool:
    """Whether some rule may follow income or price, so that years are simulated.

    It goes by what varies and not by the rows at hand: the two ways differ in the last
    bit, and a row's bits must not hang on its neighbours.
    """
    choice = shape.conventions
    return (
        writes_off
        or terms.varies("loss_years")
        or base["loss_years"] < terms.highest("plant_lifetime")
        or terms.varies("loss_limit")
        or base["loss_limit"] < 1
        or terms.changed(*TAXES)
        or (choice.loan_repayment == "revenue_share" and terms.active("loan_fraction"))
        or (choice.credit_use == "carried_forward" and _earns_credits(terms))
    )


def _earns_credits(terms: Terms) -> bool:
    return terms.credits or terms.active("investment_credit")


def _touched(names: Set[str], real: bool, capitalised: bool) -> list[int]:
    """The codes of a plan, of which those are set that the varied inputs touch.

    real, capitalised   the required rate; the interest of construction
    """
    codes = [0] * at.CODES
    rate = {"required_irr", *(("inflation_rate",) if real else ())}
    building = {"construction_years", *(("loan_rate",) if capitalised else ())}
    clock = {"plant_lifetime", "target_row"}
    lending = {"loan_rate", "loan_years", "interest_proportion", "plant_lifetime"}
    lending |= building if capitalised else set()
    for code, touched_by in (
        (at.LIFE_VARIES, {"plant_lifetime"}),
        (at.EXPIRY_VARIES, {"loss_years"}),
        (at.RAMP_VARIES, set(_RAMP_INPUTS)),
        (at.RATE_VARIES, rate | clock),
        (at.SPENDING_VARIES, rate | building),
        (at.LOAN_VARIES, lending),
        (at.SUMS_VARY, YEARLY | _RELATIVE),
    ):
        codes[code] = bool(names & touched_by)
    return codes


def _tables(shape: Structure, shortest: int, longest: int) -> Array:
    """What happens by tables in each year of each life, as `patterns` reads it."""
    return np.concatenate(
        [_table(shape, life) for life in range(shortest, longest + 1)]
    )


def _table(shape: Structure, life: int) -> Array:
    result = np.zeros((3, at.YEARS))
    written_off, replaced, replaced_off = result
    written_off[1 : life + 1] = depreciation.fixed_pattern(shape.assets, life)
    by_table = [
        asset.share
        for asset in shape.assets
        if asset.method != depreciation.AS_INCOME_ALLOWS
    ]
    written_off[0] = sum(by_table) - written_off[1:].sum()
    method = shape.replacement_method
    for year, dollars in shape.replacements.items():
        if year > life:
            continue
        replaced[year] += dollars
        if method is not None:
            share = depreciation.pattern(method, life, start=year)
            replaced_off[1 : life + 1] += dollars * share
            replaced_off[0] += dollars * (1 - share.sum())
    return result.ravel()


def _numbers(shape: Structure) -> Array:
    share = depreciation.share_as_income_allows(shape.assets)
    return np.array([share, *(shape.schedule or ())], dtype=float)
