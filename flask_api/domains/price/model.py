"""A techno-economic plant, ready to be priced: once, or a million times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flask_api.domains.price.calculation import (
    capital,
    cash_flow,
    depreciation,
    no_price,
    rows,
)
from flask_api.domains.price.calculation.amounts import Amounts, amounts
from flask_api.domains.price.calculation.arrays import Amount, Array
from flask_api.domains.price.calculation.flows import (
    after_tax_cash,
    flows,
    plain,
    years,
)
from flask_api.domains.price.calculation.operation import worth_at
from flask_api.domains.price.calculation.plan import (
    PATTERN_INPUTS,
    Patterns,
    Plan,
    patterns,
)
from flask_api.domains.price.calculation.solve import (
    net_present_value,
    required_price,
    required_price_by_year,
)
from flask_api.domains.price.conventions import PRESETS, Conventions
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.measures.irr import internal_rate
from flask_api.numerics.errors import InputError, NoSolutionError

#: What can be computed, with its unit.
OUTPUTS: Mapping[str, str] = {"price": "$/unit", "npv": "$", "irr": "1/year"}


@dataclass(frozen=True)
class ModelInput:
    """One input as a model file gives it; `low` and `high` are its range, or None."""

    name: str
    value: float
    unit: str
    label: str
    low: float | None = None
    high: float | None = None
    distribution: Mapping[str, Any] | None = None
    s_number: str | None = None
    integer: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Period:
    """Operating years `start` to `end`, both included, in which other values apply."""

    start: int
    end: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Structure:
    """What a model file fixes besides numbers.

    schedule   share of fixed capital in each construction year; None = the same share
               in each of `construction_years`
    periods    values of `inputs.YEARLY` that apply in some operating years only; no
               year has two values for one input
    off        slots that are switched off and cost nothing: `V1` to `V10`, `F1` to `F5`
    solves     `price`: the price at which NPV is 0; `npv`: NPV at the selling price
    products   names of the products from the second on, for answers
    """

    conventions: Conventions = PRESETS["standard"]
    assets: tuple[depreciation.AssetClass, ...] = (
        depreciation.AssetClass("plant", depreciation.STRAIGHT_LINE, 1.0),
    )
    schedule: tuple[float, ...] | None = None
    replacements: Mapping[int, float] = field(default_factory=dict)
    replacement_method: str | None = None
    periods: tuple[Period, ...] = ()
    off: frozenset[str] = frozenset()
    solves: str = "price"
    products: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PriceModel:
    """One version, with its extension and overrides applied.

    notes   what the file's owner should know of it, and a user may
    """

    version: str
    extension: str | None
    title: str
    inputs: Mapping[str, ModelInput]
    structure: Structure
    description: str = ""
    source: str = ""
    date: str | None = None
    product_unit: str = "unit"
    notes: tuple[str, ...] = ()

    def baseline(self) -> dict[str, float]:
        """The value of every input, also of those the file leaves out."""
        values = {
            name: spec.default if spec.left_out is None else spec.left_out
            for name, spec in INPUTS.items()
        }
        values.update({name: item.value for name, item in self.inputs.items()})
        if self.structure.schedule is not None:
            values["construction_years"] = float(len(self.structure.schedule))
        return values

    @property
    def units(self) -> dict[str, str]:
        """Unit of each output of this model."""
        return {**OUTPUTS, "price": f"$/{self.product_unit}"}

    def plan(self, values: Mapping[str, Amount]) -> Plan:
        """The plant's shape in time for one lifetime and these construction years."""
        shape, life = self.structure, int(values["plant_lifetime"])
        return Plan(
            operating_years=life,
            schedule=(
                capital.even_schedule(values["construction_years"])
                if shape.schedule is None
                else np.array(shape.schedule)
            ),
            assets=shape.assets,
            conventions=shape.conventions,
            replacements=shape.replacements,
            replacement_method=shape.replacement_method,
            target_row=int(values["target_row"]),
            changes=_changes(shape.periods, life) if shape.periods else (),
            off=shape.off,
        )

    def evaluate(
        self,
        varied: Mapping[str, Array],
        outputs: Sequence[str] = ("price",),
        between: Callable[[], None] | None = None,
    ) -> dict[str, Array]:
        """Outputs for many plants that differ in the varied inputs.

        varied    arrays of one shape (n,) by input name; whole years are rounded
        outputs   `price` ($/unit at which NPV is 0; the selling price where the model
                  solves NPV), `npv` ($, at the selling price), `irr` (likewise)
        between   called after each part of the work, a few ms long; what it raises
                  ends the work

        Returns arrays of shape (n,). A row is NaN where its inputs are not possible or
        no price (or rate) exists. Raises InputError for unknown names.
        """
        for name in outputs:
            if name not in OUTPUTS:
                raise InputError(
                    f"{name!r} is no output; there are {', '.join(OUTPUTS)}",
                    field="outputs",
                )
        arrays, possible = rows.checked(varied, self.refuse_fixed)
        result = {name: np.full(possible.shape, np.nan) for name in outputs}
        if kernel.serves(possible.size):
            fast = [name for name in outputs if name in kernel.OUTPUTS]
            result |= kernel.evaluate(self, arrays, possible, fast, between)
            outputs = [name for name in outputs if name not in fast]
        if not outputs:
            return result
        with np.errstate(all="ignore"):  # rows that overflow come out as NaN
            for block, found in self._blocks(arrays, possible, outputs):
                for name, column in found.items():
                    result[name][block] = column
                if between is not None:
                    between()
        for column in result.values():
            column[~np.isfinite(column)] = np.nan
            column += 0.0  # makes -0 plain 0
        return result

    def _blocks(
        self,
        arrays: Mapping[str, Array],
        possible: rows.Possible,
        outputs: Sequence[str],
    ) -> Iterator[tuple[Any, dict[str, Array]]]:
        """Outputs block by block, with the index of each block's rows."""
        base, solve = self.baseline(), self.structure.solves == "price"
        varied = {n: array for n, array in arrays.items() if n not in rows.COUNTED}
        own_shape = any(name in varied for name in PATTERN_INPUTS)
        for counted, members in rows.groups(arrays, possible):
            baseline = {**base, **counted}
            plan = self.plan(baseline)
            common = None if own_shape else patterns(plan, baseline)
            room = np.empty((plan.horizon, rows.BLOCK))
            for block, samples in rows.blocks(arrays, members):
                values: dict[str, Amount] = {**baseline}
                values.update({name: array[block] for name, array in varied.items()})
                if "construction_years" in varied:
                    plan = self.plan(values)
                pattern = common or patterns(plan, values)
                yield (
                    block,
                    _outputs(plan, values, pattern, samples, outputs, solve, room),
                )

    def solved_price(self) -> float:
        """Price at which this plant earns its required rate exactly, $/unit.

        The selling price where the model solves NPV. Raises NoSolutionError with the
        reason where no price does.
        """
        price = float(self.evaluate({})["price"][0])
        if np.isfinite(price):
            return price
        raise NoSolutionError(self._why_no_price(), field="model")

    def cash_flow_table(self, price: float | None = None) -> dict[str, list[float]]:
        """The year table in $ at a price, or at the solved one.

        Years after `target_row` sell at the selling price. Returns a list per column of
        `cash_flow.COLUMNS`, and `year`: 1 is the first operating year, 0 the last year
        of construction.
        """
        at = self.solved_price() if price is None else price
        values, plan, pattern, money = self.parts()
        table = cash_flow.columns(plan, values, pattern, money, at)
        numbers = range(1 - len(plan.schedule), plan.operating_years + 1)
        return {
            "year": [float(year) for year in numbers],
            **{name: column[:, 0].tolist() for name, column in table.items()},
        }

    def parts(self) -> tuple[dict[str, float], Plan, Patterns, Amounts]:
        """Baseline values with the plan, patterns and amounts that follow from them."""
        values = self.baseline()
        plan = self.plan(values)
        pattern = patterns(plan, values)
        return values, plan, pattern, amounts(plan, values, pattern)

    def capital_ladder(self) -> dict[str, float]:
        """Every rung from bare erected cost to total capital, $."""
        rungs = capital.ladder(
            self.baseline(), self.structure.conventions.contingency_basis
        )
        return {name: float(value) for name, value in rungs.items()}

    def _why_no_price(self) -> str:
        values, plan, pattern, money = self.parts()
        return "no price can save this plant: " + no_price.reason(
            plan, values, pattern, money
        )

    def refuse_fixed(self, name: str, field: str) -> None:
        """InputError if the file's own schedule leaves no say to `name`."""
        if name == "construction_years" and self.structure.schedule is not None:
            raise InputError(
                f"version {self.version} gives its own construction_schedule of "
                f"{len(self.structure.schedule)} years, so construction_years can't be "
                "set",
                field=field,
            )


def _changes(periods: Sequence[Period], life: int) -> tuple[dict[str, float], ...]:
    """Values that apply in each operating year in place of those of the inputs."""
    result: tuple[dict[str, float], ...] = tuple({} for _ in range(life))
    for period in periods:
        for year in range(max(period.start, 1), min(period.end, life) + 1):
            result[year - 1].update(period.values)
    return result


def _outputs(
    plan: Plan,
    values: Mapping[str, Amount],
    pattern: Patterns,
    samples: int,
    outputs: Sequence[str],
    solve: bool,
    room: Array,
) -> dict[str, Array]:
    """The asked outputs of one block of plants; `room` is overwritten."""
    money = amounts(plan, values, pattern)
    result: dict[str, Array] = {}
    price = np.broadcast_to(np.asarray(values["selling_price"]), (samples,))
    if "price" in outputs and not solve:
        result["price"] = price
    wanted = {name for name in ("price", "npv") if name in outputs} - result.keys()
    if wanted and plain(plan, values, money):
        sums = flows(plan, values, pattern, money, samples, room)
        if "price" in wanted:
            result["price"] = required_price(sums)
        if "npv" in wanted:
            result["npv"] = net_present_value(sums, price * sums.per_price)[0]
    elif wanted:
        by_year = years(plan, values, pattern, money, samples)
        if "price" in wanted:
            result["price"] = required_price_by_year(by_year)
        if "npv" in wanted:
            result["npv"] = worth_at(by_year, price)
    if "irr" in outputs:
        cash = after_tax_cash(plan, values, pattern, money, price, samples)
        result["irr"] = internal_rate(cash, values["required_irr"])
    return result
