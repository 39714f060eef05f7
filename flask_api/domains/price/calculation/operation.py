"""A plant year by year at a price: the path for rules that follow income or price.

Losses within limits, credits that wait for tax, write-offs and loan payments that
follow what is earned: each year depends on those before it, so they are walked through
one by one, all plants at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flask_api.domains.price.calculation import taxes
from flask_api.domains.price.calculation.arrays import Amount, Array
from flask_api.domains.price.calculation.debt import RevenueLoan


@dataclass(frozen=True)
class End:
    """The plant's end, where its tax hangs on what income allowed to depreciate."""

    salvage: Amount
    book: Amount
    taxed: str
    rest: str


@dataclass(frozen=True)
class Years:
    """All that operation does not owe to the price; axis 0 runs over operating years.

    start            value of construction at the start of operation
    discount         (years, 1) or (years, samples), as all that follow
    revenue, kept    at a price of 1, and less the costs that are a fraction of it
    cash             received less paid, without taxes, credits and what follows price
    deducted         what lowers taxable income, likewise
    credits          earned
    refundable       credits are paid out, whether or not tax is due
    tax_rates        of each year
    follows_income   $ to be written off as fast as income allows, or None
    loan             repaid by a share of revenue, or None
    loan_deduction   `interest`, or the part of its payments that is deducted
    end              at the last of these years, or None
    """

    start: Amount
    discount: Array
    revenue: Array
    kept: Array
    cash: Array
    deducted: Array
    credits: Array
    refundable: bool
    tax_rates: Sequence[Amount]
    loss_limit: Amount
    loss_years: Amount
    follows_income: Amount | None
    loan: RevenueLoan | None
    loan_deduction: Amount | str
    end: End | None


class Year(NamedTuple):
    """One operating year at a price, $, each a number or one per sample.

    written_off   as income allowed
    interest, payment, owed   of the loan that is repaid by a share of revenue
    taxable       before losses of earlier years
    expired       losses that no later year may use
    losses        that later years may use
    used          credits: paid out, or set off against tax
    cash          after tax
    """

    written_off: Amount
    interest: Amount
    payment: Amount
    owed: Amount
    taxable: Amount
    taxed: Amount
    expired: Amount
    losses: Amount
    tax: Amount
    used: Amount
    cash: Amount


def year_by_year(years: Years, prices: Sequence[Amount]) -> Iterator[Year]:
    """The operating years, one after the other.

    prices   of each year, in money of the start of operation
    """
    count = len(years.kept)
    losses = taxes.Losses(years.loss_limit, years.loss_years, count)
    left: Amount = 0.0 if years.follows_income is None else years.follows_income
    owed: Amount = 0.0 if years.loan is None else years.loan.owed
    waiting: Amount = 0.0
    for t, price in enumerate(prices):
        income = years.kept[t] * price
        taxable, cash = income - years.deducted[t], income + years.cash[t]
        interest: Amount = 0.0
        payment: Amount = 0.0
        if years.loan is not None:
            revenue = years.revenue[t] * price
            interest, payment, owed = years.loan.pay(t + 1, owed, revenue)
            share = years.loan_deduction
            taxable = taxable - (
                interest if isinstance(share, str) else share * payment
            )
            cash = cash - payment
        written_off: Amount = 0.0
        if years.follows_income is not None:
            written_off = np.minimum(np.maximum(taxable, 0.0), left)
            left, taxable = left - written_off, taxable - written_off
        if years.end is not None and t == count - 1:
            end = years.end
            book = end.book + left
            taxable = taxable + taxes.taxed_at_end(
                end.salvage, book, end.taxed, end.rest
            )
        taxed, expired = losses.tax(taxable)
        tax = taxed * years.tax_rates[t]
        used: Amount = years.credits[t]
        if not years.refundable:
            waiting = waiting + years.credits[t]
            used = np.minimum(tax, waiting)
            waiting = waiting - used
        yield Year(
            written_off, interest, payment, owed, taxable, taxed, expired,
            losses.left, tax, used, cash - tax + used,
        )  # fmt: skip


def worth_at(years: Years, price: Amount) -> Array:
    """NPV at one price for all years, shape (samples,)."""
    value = years.start
    prices = [price] * len(years.kept)
    for discount, year in zip(years.discount, year_by_year(years, prices), strict=True):
        value = value + discount * year.cash
    return np.asarray(value)


def untaxed_root(years: Years) -> tuple[Array, Array]:
    """Price at which a plant breaks even that pays no tax and no such loan.

    Also its NPV's slope. As taxes less credits used are never below 0, no plant breaks
    even at a lower price.
    """
    certain = years.cash + years.credits if years.refundable else years.cash
    worth = years.start + (years.discount * certain).sum(axis=0)
    slope = (years.discount * years.kept).sum(axis=0)
    return -worth / slope, slope
