"""The vocabulary of a price model: every number that can be set, varied or drawn.

Standard library only: the web process reads it to tell a known name from a foreign one.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask_api.numerics.errors import InputError

#: Without these there is no plant.
_REQUIRED = (
    "plant_lifetime",
    "bare_erected_cost",
    "number_of_units",
    "selling_price",
    "required_irr",
)
#: Inputs of the seed whose default changes nothing: it holds where a file is silent.
_NEUTRAL_DEFAULT = (
    "construction_years",
    "interest_proportion",
    "principal_proportion",
    "repayment_of_revenue",
)


@dataclass(frozen=True)
class InputSpec:
    """One scalar input: its names, unit, version 1's value, and what is possible.

    number      the seed's S-number, None for inputs the seed did not have
    property_name   the seed's property name, which ends in `Amount<number>`
    default     value in version 1
    low, high   values beyond are refused; a drawn sample beyond gives no price
    integer     whole years: drawn samples are rounded to the nearest one
    """

    name: str
    number: int | None
    property_name: str | None
    label: str
    unit: str
    default: float
    low: float = 0.0
    high: float = math.inf
    integer: bool = False

    @property
    def left_out(self) -> float | None:
        """Value where a model file leaves the input out; None = it may not."""
        if self.name in _REQUIRED:
            return None
        neutral = self.number is None or self.name in _NEUTRAL_DEFAULT
        return self.default if neutral else 0.0

    @property
    def s_number(self) -> str | None:
        return None if self.number is None else f"S{self.number}"

    def allows(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def bounds(self) -> str:
        """The allowed range in words, for messages."""
        low = "any number" if math.isinf(self.low) else f"at least {self.low:g}"
        return low if math.isinf(self.high) else f"{low} and at most {self.high:g}"


def _seed(
    number: int,
    name: str,
    property_name: str,
    label: str,
    unit: str,
    default: float,
    low: float = 0.0,
    high: float = math.inf,
    integer: bool = False,
) -> InputSpec:
    full = f"{property_name}Amount{number}"
    return InputSpec(name, number, full, label, unit, default, low, high, integer)


def _ours(
    name: str,
    label: str,
    unit: str,
    default: float,
    low: float = 0.0,
    high: float = math.inf,
    integer: bool = False,
) -> InputSpec:
    return InputSpec(name, None, None, label, unit, default, low, high, integer)


_SHARE = "fraction"
_COST = "$/year"
_EPC = "engineering_Procurement_and_Construction_EPC_"
_FEED = "rawmaterial(Feedstock)"

#: What the seed's front-end puts into V1 to V10: label and unit of the quantity.
_V_QUANTITIES = (
    ("V1 added node 1: quantity per year", "1/year"),
    ("V2 added node 2: quantity per year", "1/year"),
    ("V3 added node 3: quantity per year", "1/year"),
    ("V4 carbon dioxide captured, for 45Q", "t/year"),
    ("V5 clean hydrogen produced, for 45V", "kg/year"),
    ("V6 sustainable-farming premium: quantity per year", "1/year"),
    ("V7 transport: quantity per year", "1/year"),
    ("V8 hydrogen stored", "kg/year"),
    ("V9 further operation: quantity per year", "1/year"),
    ("V10 distance to viability: quantity per year", "1/year"),
)
_V_UNIT_COSTS = (
    ("V1 unit cost", "$"),
    ("V2 unit cost", "$"),
    ("V3 unit cost", "$"),
    ("V4 45Q credit", "$/t"),
    ("V5 45V credit", "$/kg"),
    ("V6 unit cost", "$"),
    ("V7 unit cost", "$"),
    ("V8 unit cost", "$/kg"),
    ("V9 unit cost", "$"),
    ("V10 unit cost", "$"),
)

_SPECS = (
    _seed(
        10,
        "plant_lifetime",
        "plantLifetime",
        "Plant lifetime",
        "years",
        20,
        1,
        100,
        True,
    ),
    _seed(11, "bare_erected_cost", "bEC", "Bare erected cost", "$", 200_000),
    _seed(
        12,
        "number_of_units",
        "numberOfUnits",
        "Units sold per year",
        "units/year",
        30_000,
    ),
    _seed(
        13,
        "selling_price",
        "initialSellingPrice",
        "Selling price",
        "$/unit",
        2,
        -math.inf,
    ),
    _seed(
        14,
        "operating_cost_fraction",
        "totalOperatingCostPercentage",
        "Direct operating cost, of revenue",
        _SHARE,
        0.1,
        0,
        1,
    ),
    _seed(
        15,
        "epc",
        _EPC,
        "Engineering, procurement and construction, of bare erected cost",
        _SHARE,
        0,
    ),
    _seed(
        16,
        "process_contingency",
        "process_contingency_PC_",
        "Process contingency",
        _SHARE,
        0,
    ),
    _seed(
        17,
        "project_contingency",
        "project_Contingency_PT_BEC_EPC_PC",
        "Project contingency",
        _SHARE,
        0,
    ),
    _seed(
        23,
        "inflation_rate",
        "generalInflationRate",
        "General inflation of prices and operating costs",
        "1/year",
        0,
        -0.5,
        10,
    ),
    _seed(
        24,
        "interest_proportion",
        "interestProportion",
        "Interest, of each loan payment, where loan_deduction is proportion",
        _SHARE,
        0.5,
        0,
        1,
    ),
    _seed(
        25,
        "principal_proportion",
        "principalProportion",
        "Principal, of each loan payment: 1 less interest_proportion",
        _SHARE,
        0.5,
        0,
        1,
    ),
    _seed(
        26, "loan_fraction", "loanPercentage", "Loan, of fixed capital", _SHARE, 0, 0, 1
    ),
    _seed(
        27,
        "repayment_of_revenue",
        "repaymentPercentageOfRevenue",
        "Loan payment, of revenue, where loan_repayment is revenue_share",
        _SHARE,
        0.1,
        0,
        1,
    ),
    _seed(
        28,
        "construction_years",
        "numberofconstructionYears",
        "Years of construction",
        "years",
        1,
        1,
        20,
        True,
    ),
    _seed(
        30,
        "required_irr",
        "iRR",
        "Required internal rate of return",
        "1/year",
        0.05,
        0,
        10,
    ),
    _seed(
        31,
        "loan_rate",
        "annualInterestRate",
        "Interest rate of the loan",
        "1/year",
        0.04,
        0,
        10,
    ),
    _seed(32, "state_tax_rate", "stateTaxRate", "State income tax", _SHARE, 0.05, 0, 1),
    _seed(
        33,
        "federal_tax_rate",
        "federalTaxRate",
        "Federal income tax",
        _SHARE,
        0.21,
        0,
        1,
    ),
    _seed(34, "raw_material_cost", _FEED, "F1 raw material (feedstock)", _COST, 10_000),
    _seed(35, "labor_cost", "labor", "F2 labor", _COST, 24_000),
    _seed(36, "utility_cost", "utility", "F3 utilities", _COST, 5_000),
    _seed(37, "maintenance_cost", "maintenance", "F4 maintenance", _COST, 2_500),
    _seed(38, "insurance_cost", "insurance", "F5 insurance", _COST, 500),
    *(
        _seed(39 + n, f"v{n}_quantity", "v", label, unit, 0)
        for n, (label, unit) in enumerate(_V_QUANTITIES, start=1)
    ),
    *(
        _seed(49 + n, f"v{n}_unit_cost", "v", label, unit, 0, -math.inf)
        for n, (label, unit) in enumerate(_V_UNIT_COSTS, start=1)
    ),
    _seed(
        60,
        "carbon_capture_cost",
        "v",
        "Carbon capture and storage at full capacity",
        _COST,
        0,
    ),
    _seed(61, "convenience_fee", "v", "Convenience fee at full capacity", _COST, 0),
    *(
        _seed(79 + n, f"rf{n}_revenue", "rf", f"RF{n} fixed revenue", _COST, 0)
        for n in range(1, 6)
    ),
    _ours(
        "variable_cost", "Variable operating cost at full capacity", _COST, 0, -math.inf
    ),
    _ours("fixed_cost", "Other fixed operating cost", _COST, 0),
    _ours("byproduct_revenue", "Revenue of by-products at full capacity", _COST, 0),
    *(
        _ours(f"r{n}_quantity", f"R{n} by-product sold per year", "1/year", 0)
        for n in range(1, 11)
    ),
    *(
        _ours(f"r{n}_unit_price", f"R{n} price of the by-product", "$", 0, -math.inf)
        for n in range(1, 11)
    ),
    *(
        _ours(f"product_{n}_units", f"Product {n} sold per year", "units/year", 0)
        for n in range(2, 6)
    ),
    *(
        _ours(
            f"product_{n}_relative_price",
            f"Price of product {n}, multiple of the first product's",
            _SHARE,
            1,
        )
        for n in range(2, 6)
    ),
    _ours(
        "target_row",
        "Operating year by which net present value is 0; 0 = the last one",
        "years",
        0,
        0,
        100,
        True,
    ),
    _ours("credit_45q_years", "Years in which 45Q is paid", "years", 12, 0, 100, True),
    _ours("credit_45v_years", "Years in which 45V is paid", "years", 10, 0, 100, True),
    _ours(
        "investment_credit",
        "Investment credit of the first operating year, of total overnight cost",
        _SHARE,
        0,
        0,
        1,
    ),
    _ours(
        "investment_credit_basis_reduction",
        "Part of the investment credit that may not be depreciated",
        _SHARE,
        0.5,
        0,
        1,
    ),
    _ours(
        "loss_limit",
        "Part of a year's taxable income that earlier losses may offset",
        _SHARE,
        1,
        0,
        1,
    ),
    _ours(
        "loss_years",
        "Years for which a loss may be carried forward; 100 = for ever",
        "years",
        100,
        0,
        100,
        True,
    ),
    _ours(
        "salvage_fraction",
        "Salvage value in the last year, of total overnight cost",
        _SHARE,
        0,
    ),
    _ours(
        "loan_years",
        "Years to repay the loan",
        "years",
        20,
        1,
        100,
        True,
    ),
    _ours("working_capital_fraction", "Working capital, of fixed capital", _SHARE, 0),
    _ours(
        "owners_costs", "Owner's costs, spent with the plant, not depreciated", "$", 0
    ),
    _ours(
        "land_cost", "Land, bought in the first year, sold at cost in the last", "$", 0
    ),
    _ours("startup_costs", "Start-up costs, in the last year of construction", "$", 0),
    _ours("startup_months", "Months of ramp-up", "months", 0, 0, 120),
    _ours(
        "startup_sales_fraction", "Sales during ramp-up, of full sales", _SHARE, 1, 0, 1
    ),
    _ours(
        "startup_variable_fraction",
        "Variable cost during ramp-up, of full cost",
        _SHARE,
        1,
    ),
    _ours(
        "startup_fixed_fraction", "Fixed cost during ramp-up, of full cost", _SHARE, 1
    ),
    _ours(
        "replacement_factor",
        "Replacement capital, multiple of the file's amounts",
        _SHARE,
        1,
    ),
)

#: All inputs by canonical name, in the seed's order.
INPUTS: Mapping[str, InputSpec] = {spec.name: spec for spec in _SPECS}

#: Inputs that may have another value in some operating years (`periods` of a model).
YEARLY: frozenset[str] = frozenset(
    name
    for name in INPUTS
    if name.endswith(("_quantity", "_unit_cost", "_unit_price", "_units"))
    or name.startswith("rf")
    or INPUTS[name].unit == _COST
    or name
    in (
        "number_of_units",
        "operating_cost_fraction",
        "state_tax_rate",
        "federal_tax_rate",
        "loan_rate",
    )
)

#: What the seed's own engine recognises: any property that ends in `Amount<n>`.
_NUMBERED = re.compile(r"(?:S|.*Amount)(\d{1,3})", re.IGNORECASE | re.ASCII)
_BY_NUMBER = {spec.number: spec.name for spec in _SPECS if spec.number is not None}


def find(name: str) -> str | None:
    """The canonical name, or None where `name` is no input."""
    if name in INPUTS:
        return name
    match = _NUMBERED.fullmatch(name)
    return _BY_NUMBER.get(int(match[1])) if match else None


def is_input(name: str) -> bool:
    """Whether `name` is an input in any of its three spellings."""
    return find(name) is not None


def canonical(name: str, field: str | None = None) -> str:
    """The one name of an input given as `bare_erected_cost`, `S11` or `bECAmount11`.

    Raises InputError that names the closest inputs.
    """
    found = find(name)
    if found is not None:
        return found
    shown = name if len(name) <= 60 else name[:57] + "..."
    close = difflib.get_close_matches(name[:60].lower(), INPUTS, n=3, cutoff=0.5)
    advice = (
        f"did you mean {', '.join(close)}?"
        if close
        else "`GET /price/models` lists the inputs of every model"
    )
    raise InputError(f"{shown!r} is no input of a price model; {advice}", field=field)
