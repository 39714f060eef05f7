"""Capital, depreciation, debt, tax and rate of return, each on its own."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from flask_api.domains.price.calculation import debt, depreciation, taxes
from flask_api.domains.price.calculation.arrays import discount_factors, present_value
from flask_api.domains.price.calculation.capital import check_schedule, ladder
from flask_api.domains.price.calculation.flows import flows
from flask_api.domains.price.calculation.solve import net_present_value
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.measures.irr import internal_rate
from flask_api.numerics.errors import InputError


def test_a_loan_has_the_known_interest_payment_and_balances() -> None:
    draws = np.array([11.4, 85.5, 45.6])
    loan = debt.loan(
        tuple(draws / draws.sum()),
        0.08,
        10,
        10,
        interest_in_construction="own_year",
    )
    drawn = draws.sum()
    # the published table has three digits
    assert drawn * loan.construction_interest == pytest.approx(
        [0.912, 6.84, 3.65], rel=1e-3
    )
    assert drawn * loan.payment == pytest.approx([21.2] * 10, rel=5e-3)
    assert drawn * loan.balance[:6] == pytest.approx(
        [133, 122, 111, 98.1, 84.8, 70.3], rel=5e-3
    )
    assert loan.balance[-1] == 0


def test_cumulative_interest_is_paid_on_all_draws_so_far() -> None:
    paid, principal = debt.construction_interest((0.2, 0.3, 0.5), 0.1, "cumulative")
    assert paid == pytest.approx([0.02, 0.05, 0.1])
    assert principal == 1


def test_level_principal_repays_equal_parts() -> None:
    interest, payment, balance = debt.repayment(0.1, 4, 6, "level_principal")
    assert balance == pytest.approx([0.75, 0.5, 0.25, 0, 0, 0])
    assert payment - interest == pytest.approx([0.25] * 4 + [0, 0])


def test_a_loan_without_interest_is_repaid_in_equal_parts() -> None:
    interest, payment, _ = debt.repayment(0.0, 5, 5, "level_payment")
    assert payment == pytest.approx([0.2] * 5)
    assert not interest.any()


def test_a_loan_longer_than_the_plants_life_is_repaid_within_it() -> None:
    _, _, balance = debt.repayment(0.05, 30, 20, "level_payment")
    assert balance[-1] == 0


@pytest.mark.parametrize("years", [3, 5, 7, 10, 15, 20])
def test_a_macrs_table_has_a_year_more_than_its_class_and_writes_off_all(
    years: int,
) -> None:
    table = depreciation.macrs(years)
    assert len(table) == years + 1
    assert table.sum() == pytest.approx(1, abs=1e-12)
    # half a year of 200 % (150 % from 15 years on) declining balance; four digits
    speed = 2 if years <= 10 else 1.5
    assert table[0] == pytest.approx(speed / years / 2, abs=5e-5)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("MACRS7", "macrs_7"),
        ("15-MACRS", "macrs_15"),
        ("Straight-Line", "straight_line"),
        ("SL10", "straight_line_10"),
        ("as_income_allows", "as_income_allows"),
    ],
)
def test_a_depreciation_method_is_known_by_its_usual_spellings(
    given: str, name: str
) -> None:
    assert depreciation.method_name(given) == name


@pytest.mark.parametrize("given", ["MACRS9", "SL0", "declining", ""])
def test_an_unknown_depreciation_method_is_refused_with_the_known_ones(
    given: str,
) -> None:
    with pytest.raises(InputError, match="macrs_3"):
        depreciation.method_name(given)


def test_taxed_income_matches_a_pool_of_losses_kept_by_hand() -> None:
    rng = np.random.default_rng(0)
    for taxable in rng.normal(size=(50, 12)):
        pool, by_hand = 0.0, []
        for income in taxable:
            pool += income
            by_hand.append(max(pool, 0.0))
            pool = min(pool, 0.0)
        taxed, losses = taxes.taxed_income(taxable)
        assert taxed == pytest.approx(by_hand, abs=1e-12)  # a dozen roundings
        assert losses[-1] == pytest.approx(pool, abs=1e-12)


def test_a_bullet_loan_pays_interest_until_it_is_repaid_at_once() -> None:
    interest, payment, balance = debt.repayment(0.1, 3, 5, "bullet")
    assert interest == pytest.approx([0.1, 0.1, 0.1, 0, 0])
    assert payment == pytest.approx([0.1, 0.1, 1.1, 0, 0])
    assert balance == pytest.approx([1, 1, 0, 0, 0])


@pytest.mark.parametrize("rate", [0.0, 1e-12, 1.1e-10, 1e-6, 0.07, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("term", [1, 2, 20, 99, 100])
def test_level_payments_are_exact_at_any_rate_and_term(rate: float, term: int) -> None:
    """A balance carried on by payment less interest is off by (1 + rate)^term."""
    interest, payment, balance = debt.repayment(rate, term, 100, "level_payment")
    growth = 1 + Fraction(rate)
    part = 1 / sum((growth**year for year in range(term)), Fraction(0))
    level, left = Fraction(rate) + part, Fraction(1)
    for year in range(term):
        # a hundred roundings at most
        assert payment[year] == pytest.approx(float(level), rel=2e-14)
        assert interest[year] == pytest.approx(
            float(left * Fraction(rate)), rel=1e-12, abs=1e-14 * float(level)
        )
        left -= part * growth**year
        assert balance[year] == pytest.approx(float(left), abs=1e-14)
    assert not payment[term:].any() and not balance[term - 1 :].any()


@pytest.mark.parametrize("rate", [0.0, 0.3, 10.0])
@pytest.mark.parametrize("method", ["level_principal", "bullet"])
def test_other_loans_are_exact_at_any_rate_too(method: str, rate: float) -> None:
    interest, payment, _ = debt.repayment(rate, 100, 100, method)
    for year in range(100):
        left, part = 1 - Fraction(year, 100), Fraction(1, 100)
        if method == "bullet":
            left, part = Fraction(1), Fraction(year == 99)
        want = left * Fraction(rate) + part
        # a hundred roundings of a balance of 1
        assert payment[year] == pytest.approx(float(want), abs=1e-14 * (1 + rate))


def test_level_payments_are_set_anew_when_the_rate_changes() -> None:
    _, payment, balance = debt.repayment([0.1, 0.1, 0.2, 0.0], 4, 4, "level_payment")
    first = 0.1 / (1 - 1.1**-4)
    left = 1.1**2 - first * 2.1
    assert payment[:2] == pytest.approx([first, first])
    second = left * 0.2 / (1 - 1.2**-2)
    assert payment[2] == pytest.approx(second)
    assert payment[3] == pytest.approx(left * 1.2 - second)  # no interest any more
    assert balance[3] == 0


@pytest.mark.parametrize("method", ["level_payment", "level_principal", "bullet"])
def test_the_same_rate_each_year_is_one_rate(method: str) -> None:
    once = debt.repayment(0.07, 6, 9, method)
    yearly = debt.repayment([0.07] * 9, 6, 9, method)
    for one, other in zip(once, yearly, strict=True):
        assert other == pytest.approx(one, abs=1e-14)


def test_a_loan_of_next_to_no_interest_costs_next_to_nothing() -> None:
    # the first terms of the annuity's series: 1/n + (n+1)/(2n) r
    _, payment, _ = debt.repayment(1e-9, 10, 10, "level_payment")
    assert payment[0] - 0.1 == pytest.approx(11 / 20 * 1e-9, rel=1e-6)


def test_a_loan_paid_from_revenue_grows_in_lean_years_and_ends_with_its_term() -> None:
    loan = debt.RevenueLoan(owed=100.0, rates=[0.1] * 3, term=3, share=0.5)
    assert loan.pay(1, 100.0, 8.0) == pytest.approx((10, 4, 106))
    assert loan.pay(2, 106.0, -5.0) == pytest.approx((10.6, 0, 116.6))
    assert loan.pay(2, 106.0, 1000.0) == pytest.approx((10.6, 116.6, 0))
    assert loan.pay(3, 116.6, 8.0) == pytest.approx((11.66, 128.26, 0))


def test_losses_expire_oldest_first_and_offset_a_part_of_income_only() -> None:
    losses = taxes.Losses(limit=0.5, expire=2, years=6)
    steps = [(-10, 0, 0, 10), (-4, 0, 0, 14), (6, 3, 7, 4), (6, 3, 1, 0), (6, 6, 0, 0)]
    # year 3 uses 3 of year 1's 10, whose other 7 end with it; year 4 uses 3 of year 2's
    for income, taxed, expired, left in steps:
        assert losses.tax(income) == pytest.approx((taxed, expired))
        assert losses.left == pytest.approx(left)


def test_losses_of_unlike_terms_are_kept_apart() -> None:
    expire = np.array([0.0, 1.0, 3.0, 100.0])
    losses = taxes.Losses(1.0, expire, 4)
    for income in (-9.0, 2.0):
        taxed, _ = losses.tax(np.full(4, income))
    assert taxed == pytest.approx([2, 0, 0, 0])
    assert losses.left == pytest.approx([0, 0, 7, 7])


@pytest.mark.parametrize(
    ("taxed", "rest", "income"),
    [
        ("gain", "lost", 0),
        ("whole", "lost", 30),
        ("none", "lost", 0),
        ("gain", "written_off", -20),
        ("whole", "written_off", -20),
        ("none", "written_off", -50),
    ],
)
def test_the_end_of_a_plant_is_taxed_as_chosen(
    taxed: str, rest: str, income: float
) -> None:
    assert taxes.taxed_at_end(30.0, 50.0, taxed, rest) == income


def test_a_deductible_state_tax_lowers_the_federal_base() -> None:
    assert taxes.combined_rate(0.05, 0.21, True) == pytest.approx(0.05 + 0.95 * 0.21)
    assert taxes.combined_rate(0.05, 0.21, False) == pytest.approx(0.26)


def test_contingencies_climb_on_each_other_or_stand_on_bare_cost() -> None:
    values = load("1", overrides={"epc": 0.1, "S16": 0.2, "S17": 0.3}).baseline()
    cumulative, bare = ladder(values, "cumulative"), ladder(values, "bare")
    assert cumulative["total_overnight_cost"] == pytest.approx(2e5 * 1.1 * 1.2 * 1.3)
    assert bare["total_overnight_cost"] == pytest.approx(2e5 * 1.6)


@pytest.mark.parametrize("shares", [[], [0.5, 0.4], [1.2, -0.2]])
def test_a_schedule_that_does_not_spend_all_is_refused(shares: list[float]) -> None:
    with pytest.raises(InputError, match=r"schedule") as caught:
        check_schedule(shares, "construction_schedule")
    assert caught.value.field == "construction_schedule"


def test_flows_at_the_ends_of_years_are_worth_what_is_published() -> None:
    flows = np.array([-10_000.0, 3000, 4200, 6800])
    worth = present_value(discount_factors(0.1, 4), flows)
    assert worth == pytest.approx(1188.4434, abs=5e-5)  # all digits given


def test_internal_rates_match_the_published_ones() -> None:
    flows = np.array(
        [
            [-70000.0, 12000, 15000, 18000, 21000, 0],
            [-70000.0, 12000, 15000, 18000, 21000, 26000],
        ]
    ).T
    rates = internal_rate(flows, 0.05)
    assert rates == pytest.approx([-0.021244848, 0.086630948], abs=5e-10)


@pytest.mark.parametrize("years", [20, 40, 60, 100])
@pytest.mark.parametrize("near", [0.0, 0.05, 0.35, 5.0])
def test_the_rate_of_a_long_annuity_is_found_from_anywhere(
    years: int, near: float
) -> None:
    """From a far start, NPV spans 50 powers of ten: a step of Newton's is nothing."""
    rate = np.array([-0.04, 0.001, 0.15])
    worth = (1 - (1 + rate) ** -years) / rate
    flows = np.vstack([-worth, np.ones((years, 3))])
    # NPV is flat near 0.1 %: its rounding moves the root by some 1e-15 / rate
    assert internal_rate(flows, near) == pytest.approx(rate, abs=1e-11)


def test_of_two_internal_rates_the_one_where_value_falls_is_taken() -> None:
    # -1 + 2.3 x - 1.32 x^2 has roots 1/x = 1.1 (rising) and 1.2 (falling)
    assert internal_rate(np.array([[-1.0], [2.3], [-1.32]]), 0.1) == pytest.approx(
        [0.2]
    )


def test_money_that_is_only_spent_has_no_internal_rate() -> None:
    assert np.isnan(internal_rate(np.array([[-1.0], [-1.0]]), 0.1)).all()


@pytest.mark.parametrize(
    ("version", "extension"),
    [("1", None), ("1", "loan"), ("corn_stover_ethanol", None)],
)
def test_the_slope_of_npv_is_that_of_its_piece(
    version: str, extension: str | None
) -> None:
    # a wrong slope would still find the root, only in many more passes
    model = load(version, extension)
    values, plan, pattern, money = model.parts()
    sums = flows(plan, values, pattern, money, samples=50)
    solved = model.solved_price() * sums.per_price
    at = np.linspace(0.5, 1.5, 50) * solved
    value, slope = net_present_value(sums, at)
    ahead, _ = net_present_value(sums, at + 1e-6 * solved)
    # NPV is some 1e3 times larger than its change here: 1e3 roundings of 1e-16 / 1e-6
    assert slope == pytest.approx((ahead - value) / (1e-6 * solved), rel=1e-6)
