"""A techno-economic plant, ready to be priced: once, or a million times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price import capital, cash_flow, depreciation
from flask_api.domains.price.arrays import Amount, Array
from flask_api.domains.price.conventions import PRESETS, Conventions
from flask_api.domains.price.flows import Amounts, after_tax_cash, amounts, flows
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.irr import internal_rate
from flask_api.domains.price.plan import PATTERN_INPUTS, Patterns, Plan, patterns
from flask_api.domains.price.solve import net_present_value, required_revenue
from flask_api.numerics.errors import InputError, NoSolutionError

#: What can be computed, with its unit.
OUTPUTS: Mapping[str, str] = {"price": "$/unit", "npv": "$", "irr": "1/year"}

#: Samples at a time: more would gain a tenth in time and double the memory, some 10 MB.
BLOCK = 8192


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
class Structure:
    """What a model file fixes besides numbers.

    schedule   share of fixed capital in each construction year; None = the same share
               in each of `construction_years`
    """

    conventions: Conventions = PRESETS["standard"]
    assets: tuple[depreciation.AssetClass, ...] = (
        depreciation.AssetClass("plant", depreciation.STRAIGHT_LINE, 1.0),
    )
    schedule: tuple[float, ...] | None = None
    replacements: Mapping[int, float] = field(default_factory=dict)
    replacement_method: str | None = None


@dataclass(frozen=True)
class PriceModel:
    """One version, with its extension and overrides applied."""

    version: str
    extension: str | None
    title: str
    inputs: Mapping[str, ModelInput]
    structure: Structure
    description: str = ""
    source: str = ""
    date: str | None = None
    product_unit: str = "unit"

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
        shape = self.structure
        return Plan(
            operating_years=int(values["plant_lifetime"]),
            schedule=(
                capital.even_schedule(values["construction_years"])
                if shape.schedule is None
                else np.array(shape.schedule)
            ),
            assets=shape.assets,
            conventions=shape.conventions,
            replacements=shape.replacements,
            replacement_method=shape.replacement_method,
        )

    def evaluate(
        self,
        varied: Mapping[str, Array],
        outputs: Sequence[str] = ("price",),
        between: Callable[[], None] | None = None,
    ) -> dict[str, Array]:
        """Outputs for many plants that differ in the varied inputs.

        varied    arrays of one shape (n,) by input name; whole years are rounded
        outputs   `price` ($/unit at which NPV is 0), `npv` ($, at the file's selling
                  price), `irr` (at the selling price)
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
        arrays, possible = self._checked(varied)
        result = {name: np.full(possible.shape, np.nan) for name in outputs}
        with np.errstate(all="ignore"):  # rows that overflow come out as NaN
            for values, rows in self._groups(arrays, possible):
                for block, found in self._blocks(values, arrays, rows, outputs):
                    for name, column in found.items():
                        result[name][block] = column
                    if between is not None:
                        between()
        for column in result.values():
            column[~np.isfinite(column)] = np.nan
            column += 0.0  # makes -0 plain 0
        return result

    def solved_price(self) -> float:
        """Price at which this plant earns its required rate exactly, $/unit.

        Raises NoSolutionError with the reason where no price does.
        """
        price = float(self.evaluate({})["price"][0])
        if np.isfinite(price):
            return price
        raise NoSolutionError(self._why_no_price(), field="model")

    def cash_flow_table(self, price: float | None = None) -> dict[str, list[float]]:
        """The year table in $ at a price, or at the solved one.

        Returns a list per column of `cash_flow.COLUMNS`, and `year`: 1 is the first
        operating year, 0 the last year of construction.
        """
        at = self.solved_price() if price is None else price
        values, plan, pattern, money = self.parts()
        table = cash_flow.columns(plan, values, pattern, money, at)
        years = range(1 - len(plan.schedule), plan.operating_years + 1)
        return {
            "year": [float(year) for year in years],
            **{name: column[:, 0].tolist() for name, column in table.items()},
        }

    def parts(self) -> tuple[dict[str, float], Plan, Patterns, Amounts]:
        """Baseline values with the plan, patterns and amounts that follow from them."""
        values = self.baseline()
        plan = self.plan(values)
        return values, plan, patterns(plan, values), amounts(plan, values)

    def capital_ladder(self) -> dict[str, float]:
        """Every rung from bare erected cost to total capital, $."""
        rungs = capital.ladder(
            self.baseline(), self.structure.conventions.contingency_basis
        )
        return {name: float(value) for name, value in rungs.items()}

    def _why_no_price(self) -> str:
        values, _, pattern, money = self.parts()
        if values["number_of_units"] <= 0:
            return (
                "no price can save this plant: number_of_units is 0, it sells nothing"
            )
        if not money.revenue_per_price > 0:
            return (
                "no price can save this plant: operating_cost_fraction is 1, "
                "so its operating cost takes all revenue"
            )
        if not pattern.sales.any():
            return (
                "no price can save this plant: it is in its ramp-up for its whole life "
                "(startup_months) and sells nothing then (startup_sales_fraction)"
            )
        if money.tax_rate >= 1:
            return (
                f"no price can save this plant: state and federal tax together take "
                f"{money.tax_rate:.0%} of every further dollar"
            )
        return "no price was found at which net present value is 0"

    def _checked(
        self, varied: Mapping[str, Array]
    ) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """Varied inputs by canonical name, and which rows are possible at all."""
        arrays: dict[str, Array] = {}
        for given, column in varied.items():
            name = canonical(given, field=f"varied.{given}")
            self.refuse_fixed(name, field=f"varied.{given}")
            array = np.asarray(column, dtype=float)
            if array.ndim != 1 or name in arrays:
                problem = "given twice" if name in arrays else f"of {array.ndim} axes"
                raise InputError(
                    f"{name} is {problem}; want one array of shape (n,)",
                    field=f"varied.{given}",
                )
            arrays[name] = array
        sizes = {array.size for array in arrays.values()} or {1}
        if len(sizes) > 1:
            raise InputError(
                f"the varied inputs have lengths {sorted(sizes)}; want one length",
                field="varied",
            )
        possible = np.ones(sizes.pop(), dtype=bool)
        for name, array in arrays.items():
            spec = INPUTS[name]
            possible &= np.isfinite(array)
            possible &= (array >= spec.low) & (array <= spec.high)
            if spec.integer:
                arrays[name] = np.rint(array)
        return arrays, possible

    def refuse_fixed(self, name: str, field: str) -> None:
        """InputError if the file's own schedule leaves no say to `name`."""
        if name == "construction_years" and self.structure.schedule is not None:
            raise InputError(
                f"version {self.version} gives its own construction_schedule of "
                f"{len(self.structure.schedule)} years, so construction_years can't be "
                "set",
                field=field,
            )

    def _groups(
        self, arrays: Mapping[str, Array], possible: NDArray[np.bool_]
    ) -> Iterator[tuple[dict[str, float], NDArray[np.intp] | None]]:
        """Rows that share the plant's lifetime, with it set; None = all rows."""
        values = self.baseline()
        rows = None if possible.all() else np.flatnonzero(possible)
        if "plant_lifetime" not in arrays:
            yield values, rows
            return
        lifetimes = arrays["plant_lifetime"]
        if rows is None:
            rows = np.arange(lifetimes.size)
        different, group = np.unique(lifetimes[rows], return_inverse=True)
        order = np.argsort(group, kind="stable")
        ends = np.cumsum(np.bincount(group, minlength=len(different)))
        for years, members in zip(different, np.split(order, ends[:-1]), strict=True):
            yield {**values, "plant_lifetime": float(years)}, rows[members]

    def _blocks(
        self,
        baseline: Mapping[str, float],
        arrays: Mapping[str, Array],
        rows: NDArray[np.intp] | None,
        outputs: Sequence[str],
    ) -> Iterator[tuple[Any, dict[str, Array]]]:
        """Outputs of one group of rows, block by block, in flat memory."""
        plan = self.plan(baseline)
        columns = {name: a for name, a in arrays.items() if name != "plant_lifetime"}
        own_shape = any(name in columns for name in PATTERN_INPUTS)
        common = None if own_shape else patterns(plan, baseline)
        count = len(rows) if rows is not None else _length(arrays)
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            block = part if rows is None else rows[part]
            values: dict[str, Amount] = {**baseline}
            values.update({name: array[block] for name, array in columns.items()})
            if "construction_years" in columns:
                plan = self.plan(values)
            pattern = common or patterns(plan, values)
            yield (
                block,
                _outputs(plan, values, pattern, part.stop - start, outputs),
            )


def _length(arrays: Mapping[str, Array]) -> int:
    return next((array.size for array in arrays.values()), 1)


def _outputs(
    plan: Plan,
    values: Mapping[str, Amount],
    pattern: Patterns,
    samples: int,
    outputs: Sequence[str],
) -> dict[str, Array]:
    """The asked outputs of one block of plants."""
    money = amounts(plan, values)
    result: dict[str, Array] = {}
    price = values["selling_price"]
    if "price" in outputs or "npv" in outputs:
        sums = flows(plan, values, pattern, money, samples)
        if "price" in outputs:
            result["price"] = required_revenue(sums) / money.revenue_per_price
        if "npv" in outputs:
            revenue = np.broadcast_to(
                np.asarray(price * money.revenue_per_price), (samples,)
            )
            result["npv"] = net_present_value(sums, revenue)[0]
    if "irr" in outputs:
        cash = after_tax_cash(plan, values, pattern, money, price, samples)
        result["irr"] = internal_rate(cash, values["required_irr"])
    return result
