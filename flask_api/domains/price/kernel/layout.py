"""Where the compiled kernel keeps what: offsets into its one flat workspace.

One array with offsets known to the compiler, because only then can it see that a row
read and a row written don't overlap, and work on several plants in one instruction.
"""

from __future__ import annotations

from flask_api.domains.price.inputs import INPUTS

#: Plants worked on side by side; a row of the workspace holds one number of each.
LANES = 16
#: Operating years a plant can have, and year 0.
YEARS = 1 + int(INPUTS["plant_lifetime"].high)

# -- one row per operating year --------------------------------------------------------
_BLOCK = YEARS * LANES
(
    SALES,  # share of a full year's sales, at the year's prices
    VOLUME,  # the same without the price level
    VARIABLE,  # share of a full year's variable cost, at the year's prices
    FIXED,  # share of a full year's fixed cost, at the year's prices
    LEVEL,  # price level
    DISCOUNT,  # value at the start of operation; 0 after the horizon
    WEIGHT,  # of income taxed to date: discount less the next year's
    WRITE_OFF,  # of the depreciable basis, by tables
    REPLACED,  # $ spent on replacements
    REPLACED_OFF,  # $ of them written off
    PAYMENT,  # to the lender, per dollar borrowed
    DEDUCTED,  # part of it that lowers taxable income
    REVENUE,  # net of operating cost that follows it, per dollar of price
    GROSS,  # revenue per dollar of price
    INCOME,  # taxable, but for what the price adds
    CASH,  # before tax, but for what the price adds
    CREDIT,  # tax credits that wait for tax to be due
    TAX,  # of a dollar taxed
    TO_DATE,  # REVENUE so far
    SHIELD,  # -INCOME so far
    LOSSES,  # made so far
) = range(0, 21 * _BLOCK, _BLOCK)
_PLANTS = LOSSES + _BLOCK

# -- one row ---------------------------------------------------------------------------
(
    LIFE,  # operating years
    HORIZON,  # operating years that count
    TERM,  # operating years in which the loan is repaid
    GROWTH,  # 1 + rate of discount
    STEP,  # its inverse
    LATER,  # 1 less that: what delaying a tax by a year saves
    SPENT,  # value at the start of operation of a dollar spent by the schedule
    INTEREST,  # and of a dollar's interest in construction at a rate of 1
    BEGINS,  # and of a dollar spent when construction begins
    OWED,  # when operation begins, per dollar borrowed
    OVERNIGHT,  # total overnight cost
    WORKING,  # working capital
    LOAN,  # borrowed
    BASIS,  # what may be depreciated
    SALVAGE,
    BOOK,  # not depreciated at the end by tables
    BY_INCOME,  # depreciated as income allows
    TAX_RATE,
    BUILT,  # value of all flows before operation
    INVESTED,  # value of all flows that depend on neither price nor tax
    WORTH,  # value of a dollar of price in all years
    SHIELDED,  # value of all deductions
    PRICE,
    NPV,
    RETURNED,  # in the last year: working capital, land, salvage
    TAXED_AT_END,
    SUM,
) = range(_PLANTS, _PLANTS + 27 * LANES, LANES)
_SUMS = SUM + LANES

# -- one row per segment of years whose inputs have the same values --------------------
(
    UNITS,
    BYPRODUCTS,
    FIXED_REVENUE,
    VARIABLE_COST,
    FIXED_COST,
    CREDIT_45Q,
    CREDIT_45V,
    COST_SHARE,  # of revenue
    STATE_TAX,
    FEDERAL_TAX,
    LOAN_RATE,
) = range(_SUMS, _SUMS + 11 * LANES, LANES)
#: Numbers from one segment to the next.
SEGMENT = 11 * LANES

# -- the inputs; then a row of ones, and rows of the constants that periods bring ------
_INPUTS = _SUMS + SEGMENT * (YEARS - 1)
ROWS = {name: _INPUTS + n * LANES for n, name in enumerate(INPUTS)}
ONE = _INPUTS + len(INPUTS) * LANES
CONSTANTS = ONE + LANES

# -- whole numbers of a plan -----------------------------------------------------------
(
    STAMP,  # of the source that made the plan
    SEGMENTS,
    SHORTEST,  # life of the plant in the first of the tables
    GENERAL,  # 1: every plant year by year, 0: all lanes at once
    PRICE_WANTED,
    NPV_WANTED,
    LONGEST,  # operating years that count for any plant
    LIFE_VARIES,
    RAMP_VARIES,
    RATE_VARIES,  # of discount
    SPENDING_VARIES,  # in construction
    LOAN_VARIES,
    SUMS_VARY,
    HAS_LOAN,  # whose payments the price has no say in
    HAS_REVENUE_LOAN,
    HAS_REPLACEMENTS,
    HAS_CREDITS,
    FOLLOWS_INCOME,  # some of the write-offs
    LOSSES_EXPIRE,
    EXPIRY_VARIES,
    HAS_END,  # salvage and book value
    CONTINGENCY_ON_BARE,
    REAL_RATE,
    OWN_SCHEDULE,
    CONSTRUCTION_INTEREST,
    REPAYMENT,
    DEDUCTION,
    STATE_DEDUCTIBLE,
    CREDITS_WAIT,
    CREDITS_GROW,
    SALVAGE_TAX,
    WRITTEN_OFF_AT_END,
) = range(32)
CODES = 32
