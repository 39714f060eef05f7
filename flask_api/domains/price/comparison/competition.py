"""Where a price stands among those of competitors, and what share it may win.

p, p0     price of the product, and the price at which its share is known
c         prices of competitors, all above 0
e         own-price elasticity of demand, below 0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Own-price elasticity where none is given; answers that lean on it say so.
ASSUMED_ELASTICITY = -1.0


@dataclass(frozen=True)
class Market:
    """What is known of the market; None = not given.

    competitor_prices   $/unit, each above 0; empty = not given
    own_share           share of the market at the base price, above 0 and below 1
    elasticity          own-price elasticity of demand, below 0
    """

    competitor_prices: tuple[float, ...] = ()
    own_share: float | None = None
    elasticity: float | None = None


def percentile(price: float, competitors: Sequence[float]) -> float | None:
    """Percent of competitors that are cheaper, equals counted half; None of none."""
    if not competitors:
        return None
    others = np.asarray(competitors, dtype=float)
    below = float((others < price).sum() + 0.5 * (others == price).sum())
    return 100.0 * below / len(others)


def competitive_position(price: float, competitors: Sequence[float]) -> float | None:
    """Share of competitors that are dearer, equals counted half: 1 = the cheapest."""
    found = percentile(price, competitors)
    return None if found is None else 1.0 - found / 100.0


def relative_position(price: float, competitors: Sequence[float]) -> float | None:
    """Standard deviations above the competitors' mean price.

    The competitors are the whole market, not a sample of it: their standard deviation
    is the population's. None where it is 0, as it is of a single price.
    """
    if not competitors:
        return None
    others = np.asarray(competitors, dtype=float)
    spread = float(others.std())
    # equal prices may differ from their mean by rounding
    if spread <= 1e-12 * float(np.abs(others).max()):
        return None
    return (price - float(others.mean())) / spread


def share(price: float, base_price: float, market: Market) -> float | None:
    """Share of the market at `price` by a logit in the price; it falls as price rises.

    With a known share s0 at the base price p0, the logit that has the elasticity e
    there:

        s = s0 / (s0 + (1 - s0) exp(-e (p - p0) / (p0 (1 - s0))))

    Else from n competitors that differ in price alone (mean price m), with elasticity e
    where all prices are equal:

        s = 1 / (1 + sum over c of exp(a (p - c) / m)),  a = -e (n + 1) / n

    None where neither is given, or p0 <= 0 stands where it must divide.
    """
    elasticity = market.elasticity or ASSUMED_ELASTICITY
    if market.own_share is not None:
        if base_price <= 0:
            return None
        known = market.own_share
        steps = -elasticity * (price - base_price) / (base_price * (1 - known))
        return _logistic(math.log(known / (1 - known)) - steps)
    if not market.competitor_prices:
        return None
    others = np.asarray(market.competitor_prices, dtype=float)
    number = len(others)
    keen = -elasticity * (number + 1) / number
    utility = -keen * others / others.mean()
    top = float(utility.max())
    rest = top + math.log(float(np.exp(utility - top).sum()))
    return _logistic(-keen * price / float(others.mean()) - rest)


def halved_by(market: Market) -> float | None:
    """The relative rise of the price that costs half of the share; None: no share.

        log((2 - s0) / (1 - s0)) (1 - s0) / -e

    with the known share s0, or that among n equal competitors, 1 / (n + 1). Close to 0
    the logit is a step: it says little of any but the smallest change.
    """
    known = market.own_share
    if known is None:
        if not market.competitor_prices:
            return None
        known = 1 / (len(market.competitor_prices) + 1)
    elasticity = market.elasticity or ASSUMED_ELASTICITY
    return math.log((2 - known) / (1 - known)) * (1 - known) / -elasticity


def _logistic(x: float) -> float:
    """1 / (1 + exp(-x)), for any x."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    grown = math.exp(x)
    return grown / (1.0 + grown)
