"""A price model in the whole numbers and tables that the compiled kernel reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation import depreciation
from flask_api.domains.price.calculation.amounts import FIXED_SLOTS
from flask_api.domains.price.calculation.arrays import Array
from flask_api.domains.price.conventions import CHOICES
from flask_api.domains.price.inputs import INPUTS, YEARLY
from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.model import PriceModel, Structure

Codes = NDArray[np.int64]

#: Inputs of which a plan must know the range.
COUNTED = ("plant_lifetime", "target_row", "loss_years")
_RAMP_INPUTS = (
    "inflation_rate",
    "startup_months",
    "startup_sales_fraction",
    "startup_variable_fraction",
    "startup_fixed_fraction",
)
#: Numbers in a cache line.
_LINE = 8
_TAXES = {"state_tax_rate": at.STATE_TAX, "federal_tax_rate": at.FEDERAL_TAX}


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


def plan(
    model: PriceModel,
    varied: tuple[str, ...],
    ranges: Mapping[str, tuple[int, int]],
    wanted: Set[str],
    stamp: int,
) -> KernelPlan:
    """The plan of a model whose named inputs vary.

    ranges   lowest and highest value of those of `COUNTED` that vary
    """
    shape, base = model.structure, model.baseline()
    ranges = {name: (int(base[name]), int(base[name])) for name in COUNTED} | {**ranges}
    shortest, longest = ranges["plant_lifetime"]
    terms = _Terms(shape, base, frozenset(varied))
    life = int(terms.highest("plant_lifetime"))
    changes = [_changes(shape, year) for year in range(1, life + 1)]
    segments = np.zeros(at.YEARS, dtype=np.int64)
    segments[1 : life + 1] = [terms.segment(change) for change in changes]
    share = depreciation.share_as_income_allows(shape.assets)
    general = _follows_income(shape, base, terms, share > 0)
    if general:
        terms.add_taxes()
    workspace = _aligned(at.CONSTANTS + len(terms.constants) * at.LANES)
    values = [*(base[name] for name in INPUTS), 1.0, *terms.constants]
    inputs = workspace[at.ROWS[next(iter(INPUTS))] :].reshape(-1, at.LANES)
    inputs[:] = np.array(values)[:, None]
    codes = _codes(shape, terms, varied)
    codes[at.STAMP], codes[at.SHORTEST] = stamp, shortest
    first, last = ranges["target_row"]
    codes[at.LONGEST] = longest if first == 0 else min(last, longest)
    codes[at.GENERAL], codes[at.FOLLOWS_INCOME] = general, share > 0
    codes[at.LOSSES_EXPIRE] = ranges["loss_years"][0] < longest
    codes[at.PRICE_WANTED] = "price" in wanted
    codes[at.NPV_WANTED] = "npv" in wanted
    return KernelPlan(
        workspace=workspace,
        rows=np.array([at.ROWS[name] for name in varied], dtype=np.int64),
        codes=codes,
        segments=segments,
        terms=np.array(terms.found, dtype=np.int64).reshape(-1, 3),
        tables=np.concatenate(
            [_tables(shape, life) for life in range(shortest, longest + 1)]
        ),
        numbers=np.array([share, *(shape.schedule or ())], dtype=float),
    )


def _aligned(size: int) -> Array:
    """Zeros that begin where a cache line does: rows across two would be slower."""
    room = np.zeros(size + _LINE)
    return room[-(room.ctypes.data // room.itemsize) % _LINE :][:size]


def _changes(shape: Structure, year: int) -> dict[str, float]:
    """Values that replace those of the other years in an operating year."""
    return {
        name: value
        for period in shape.periods
        if period.start <= year <= period.end
        for name, value in period.values.items()
        if name != "loan_rate" or shape.conventions.interest_type == "variable"
    }


class _Terms:
    """Products of inputs, summed by segment; what is 0 for all plants is left out."""

    def __init__(
        self, shape: Structure, base: Mapping[str, float], varied: frozenset[str]
    ) -> None:
        self.found: list[tuple[int, int, int]] = []
        self.constants: list[float] = []
        self._shape, self._base, self._varied = shape, base, varied
        self.segments: list[dict[str, float]] = []

    def changed(self, *names: str) -> bool:
        """Whether one of these inputs has another value in some operating years."""
        return any(name in change for change in self.segments for name in names)

    def varies(self, name: str) -> bool:
        return name in self._varied

    def highest(self, name: str) -> float:
        """What an input may come to, whichever rows there are."""
        return INPUTS[name].high if self.varies(name) else self._base[name]

    def active(self, name: str) -> bool:
        """Whether an input is not 0 for some plant in some year."""
        return any(self._counts(change, name) for change in [{}, *self.segments])

    def segment(self, change: dict[str, float]) -> int:
        """The number of the segment with these changes, made where it is new."""
        if change in self.segments:
            return self.segments.index(change)
        self.segments.append(change)
        number = len(self.segments) - 1
        for to, *names in _products(self._shape):
            self._add(number, to, *names)
        return number

    def add_taxes(self) -> None:
        """The tax rates of each segment."""
        for number in range(len(self.segments)):
            for name, to in _TAXES.items():
                self._add(number, to, name)

    def _add(self, segment: int, to: int, *names: str) -> None:
        change = self.segments[segment]
        if all(self._counts(change, name) for name in names):
            one, other = [*(self._row(change, name) for name in names), at.ONE][:2]
            self.found.append((to + segment * at.SEGMENT, one, other))

    def _counts(self, change: Mapping[str, float], name: str) -> bool:
        """Whether an input is not 0 for some plant in a segment."""
        if name in change:
            return change[name] != 0
        return name in self._varied or self._base[name] != 0

    def _row(self, change: Mapping[str, float], name: str) -> int:
        """Where an input's value lies in a segment."""
        if name not in change:
            return at.ROWS[name]
        self.constants.append(change[name])
        return at.CONSTANTS + (len(self.constants) - 1) * at.LANES


def _products(shape: Structure) -> Iterator[tuple[int, *tuple[str, ...]]]:
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


def _follows_income(
    shape: Structure,
    base: Mapping[str, float],
    terms: _Terms,
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
        or terms.changed(*_TAXES)
        or (choice.loan_repayment == "revenue_share" and terms.active("loan_fraction"))
        or (choice.credit_use == "carried_forward" and _credits(shape, terms))
    )


def _credits(shape: Structure, terms: _Terms) -> bool:
    earned = any(
        (to - at.CREDIT_45Q) % at.SEGMENT in (0, at.LANES) for to, _, _ in terms.found
    )
    return earned or terms.active("investment_credit")


def _codes(shape: Structure, terms: _Terms, varied: tuple[str, ...]) -> Codes:
    """Choices, what there is, and which stages the varied inputs touch."""
    choice, names = shape.conventions, set(varied)
    codes = np.zeros(at.CODES, dtype=np.int64)

    def which(name: str) -> int:
        return CHOICES[name].index(getattr(choice, name))

    capitalised = choice.construction_interest == "capitalised"
    real = choice.required_rate == "real"
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
    written_off = choice.book_value_at_end == "written_off"
    lent = terms.active("loan_fraction")
    by_revenue = choice.loan_repayment == "revenue_share"
    for code, value in (
        (at.SEGMENTS, len(terms.segments)),
        (at.HAS_LOAN, lent and not by_revenue),
        (at.HAS_REVENUE_LOAN, lent and by_revenue),
        (at.HAS_REPLACEMENTS, bool(shape.replacements)),
        (at.HAS_CREDITS, _credits(shape, terms)),
        (at.HAS_END, terms.active("salvage_fraction") or written_off),
        (at.CONTINGENCY_ON_BARE, choice.contingency_basis == "bare"),
        (at.REAL_RATE, real),
        (at.OWN_SCHEDULE, shape.schedule is not None),
        (at.CONSTRUCTION_INTEREST, which("construction_interest")),
        (at.REPAYMENT, which("loan_repayment")),
        (at.DEDUCTION, which("loan_deduction")),
        (at.STATE_DEDUCTIBLE, choice.state_deductible),
        (at.CREDITS_WAIT, choice.credit_use == "carried_forward"),
        (at.CREDITS_GROW, choice.credit_indexation == "inflation"),
        (at.SALVAGE_TAX, which("salvage_tax")),
        (at.WRITTEN_OFF_AT_END, written_off),
    ):
        codes[code] = value
    return codes


_RELATIVE = {f"product_{n}_relative_price" for n in range(2, 6)}


def _tables(shape: Structure, life: int) -> Array:
    """What happens by tables in each year of a life, as `patterns` reads it."""
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
