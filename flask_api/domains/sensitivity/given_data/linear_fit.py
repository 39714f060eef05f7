"""The straight-line fit of an output to its inputs, and what each input adds to it.

Standard errors are those of the delta method: each coefficient is a smooth function of
the correlations, so that its error is the spread of its influence function. This holds
for independent rows of any distribution, whatever is left over after the fit; the
textbook's t and Fisher intervals want leftovers that are Gaussian and alike everywhere.
Ranks add an influence of their own, since a row moves the ranks of all others.

Sources: influence functions: Hampel (1974), doi:10.1080/01621459.1974.10482962; Fisher
(1921) for the scale; ranks as in Hoeffding (1948), doi:10.1214/aoms/1177730196.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from flask_api.domains.sensitivity.given_data.rank_order import Ranks, order_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Below these shares of the variance a direction is none, and a leftover rounding.
_FLAT = 1e-10
_EXACT = 1e-20
_NUMBERS = 1 << 18  # floats of one temporary array: 2 MB, the processor's cache


@dataclass(frozen=True)
class Fit:
    """What the fit says of each input, shape (inputs,); NaN = not told.

    standardised         change of y in standard deviations for one of the input's
    standardised_error   its standard error
    partial              correlation with y once the other inputs are taken out of both
    fisher_error         standard error of atanh(partial)
    p_value              of a partial correlation of 0, by Student's t: exact where y is
                         a straight line plus a Gaussian error
    r2, r2_adjusted      share of the variance that the fit explains
    freedom              degrees of freedom left
    constant             inputs that do not vary
    together             sets of inputs that determine each other
    """

    standardised: Floats
    standardised_error: Floats
    partial: Floats
    fisher_error: Floats
    p_value: Floats
    r2: float
    r2_adjusted: float
    freedom: int
    constant: list[int]
    together: list[list[int]]


def fewest(inputs: int) -> int:
    """Rows that a fit to so many inputs wants at least."""
    return inputs + 3


def fit(x: Floats, y: Floats, ranked: bool) -> Fit | None:
    """The fit of `y`, shape (n,), to the rows of `x`, shape (inputs, n).

    ranked   fit ranks to ranks: any rising or falling relation is then a straight line

    Returns None where y does not vary or has no more rows than inputs + 2.
    """
    d, n = x.shape
    if n < fewest(d) or y.min() == y.max():
        return None
    orders = [order_of(row) for row in (*x, y)] if ranked else None
    if orders is not None:
        x = np.stack([one.ranks for one in orders[:-1]])
        y = orders[-1].ranks
    z, spread, constant = _standardised(x)
    zy, y_spread, _ = _standardised(y[None])
    inverse, together = _inverse(z @ z.T / n, constant)
    slopes = inverse @ (z @ zy[0] / n)
    left = zy[0] - slopes @ z
    rest = float(left @ left) / n
    lines = _Lines(z, zy[0], inverse, slopes, left, rest if rest > _EXACT else 0.0)
    told = np.ones(d, dtype=bool)
    told[[*constant, *(i for group in together for i in group)]] = False
    freedom = n - 1 - int(np.linalg.matrix_rank(inverse, tol=1e-9, hermitian=True))
    scale = None if orders is None else np.append(spread, y_spread)
    errors = _errors(lines, told, orders, scale)
    partial = np.where(told, lines.partial(), np.nan)
    return Fit(
        np.where(told, slopes, np.nan),
        errors[0] / math.sqrt(n),
        partial,
        errors[1] / math.sqrt(n),
        _p_value(partial, freedom),
        1 - rest,
        1 - rest * (n - 1) / freedom,
        freedom,
        constant,
        together,
    )


def _standardised(x: Floats) -> tuple[Floats, Floats, list[int]]:
    """Rows with mean 0 and variance 1, their spreads, and the rows that are flat."""
    z = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", z, z) / x.shape[1])
    flat = x.min(axis=1) == x.max(axis=1)
    z /= np.where(flat, 1.0, spread)[:, None]
    z[flat] = 0.0
    return z, spread, [int(i) for i in np.flatnonzero(flat)]


def _inverse(
    correlation: Floats, constant: list[int]
) -> tuple[Floats, list[list[int]]]:
    """Inverse on the directions that vary, and sets of inputs that are collinear."""
    values, vectors = np.linalg.eigh(correlation)
    good = values > _FLAT * len(values)
    inverse = (vectors[:, good] / values[good]) @ vectors[:, good].T
    null = vectors[:, ~good]
    # the projector onto what does not vary: its blocks are the sets
    shared = np.abs(null @ null.T) > 1e-6
    together: list[list[int]] = []
    seen = set(constant)
    for i in range(len(values)):
        if i in seen or not shared[i, i]:
            continue
        members, fresh = {i}, [i]
        while fresh:
            near = np.flatnonzero(shared[fresh.pop()])
            new = {int(j) for j in near} - members - set(constant)
            members |= new
            fresh += new
        seen |= members
        together.append(sorted(members))
    return inverse, together


@dataclass(frozen=True)
class _Lines:
    """z = standardised inputs, zy = output, inverse = of the correlations of z."""

    z: Floats
    zy: Floats
    inverse: Floats
    slopes: Floats
    left: Floats
    rest: float

    def partial(self) -> Floats:
        """Partial correlations; NaN where the other inputs leave nothing of y."""
        own = self.slopes**2 / self._own()
        spread = self.rest + own
        blank = spread <= _EXACT
        sign = np.sign(self.slopes)
        found = sign * np.sqrt(own / np.where(blank, 1.0, spread))
        return np.where(blank, np.nan, found)

    def _own(self) -> Floats:
        """1 / variance of an input that the other inputs leave."""
        diagonal = np.diagonal(self.inverse)
        return np.where(diagonal > 0, diagonal, 1.0)

    def pull(self) -> Floats:
        """How much more a row's absence moves the fit than its influence says.

        1/(1 - leverage), as the jackknife has it: without it errors are too small
        where few far rows decide (MacKinnon, White 1985,
        doi:10.1016/0304-4076(85)90158-7).
        """
        n = self.z.shape[1]
        leverage = (np.einsum("ij,ij->j", self.inverse @ self.z, self.z) + 1) / n
        kept: Floats = np.maximum(1 - leverage, 1 / n)
        return 1 / kept

    def slope_scores(self, j: Ints) -> tuple[Floats, Floats]:
        """Influence of each row on the slopes `j`; and z * inverse."""
        part = self.inverse[j] @ self.z
        b = self.slopes[j, None]
        return part * self.left + b / 2 * (self.z[j] ** 2 - self.zy**2), part

    def partial_scores(
        self, j: Ints, part: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Influence of each row on the partial correlations `j`.

        Also u, v (what is left of input and output, variance 1) and the spread of v
        before that.
        """
        own = self._own()[j, None]
        b = self.slopes[j, None]
        spread = np.sqrt(self.rest + b * b / own)
        u = part / np.sqrt(own)
        v = (self.left + b / own * part) / spread
        r = self.partial()[j, None]
        return u * v - r / 2 * (u * u + v * v), u, v, spread


def _errors(
    lines: _Lines,
    told: npt.NDArray[np.bool_],
    orders: list[Ranks] | None,
    scale: Floats | None,
) -> tuple[Floats, Floats]:
    """Root mean square influence on the slopes and on atanh(partial correlation)."""
    d, n = lines.z.shape
    slope, fisher = np.full(d, np.nan), np.full(d, np.nan)
    strip = max(1, _NUMBERS // n)
    wanted = np.flatnonzero(told)
    partial, pull = lines.partial(), lines.pull()
    for first in range(0, len(wanted), strip):
        j = wanted[first : first + strip]
        scores, part = lines.slope_scores(j)
        if orders is not None and scale is not None:
            scores += _rank_slopes(lines, j, part, orders, scale)
        scores *= pull
        slope[j] = np.sqrt(np.einsum("ij,ij->i", scores, scores) / n)
        if lines.rest == 0.0:
            fisher[j] = np.where(np.isnan(partial[j]), np.nan, 0.0)
            continue
        scores, u, v, spread = lines.partial_scores(j, part)
        if orders is not None and scale is not None:
            scores += _rank_partials(lines, j, u, v, spread, orders, scale)
        scores *= pull / (1 - partial[j, None] ** 2)
        fisher[j] = np.sqrt(np.einsum("ij,ij->i", scores, scores) / n)
    return slope, fisher


def _moved(order: Ranks, score: Floats, spread: float) -> Floats:
    """Influence that a row has by moving the ranks above it, shape (k, n).

    score    how the estimate changes with a row's standardised rank
    """
    above = order.above(score)
    above -= above.mean(axis=1, keepdims=True)
    return above / spread if spread > 0 else np.zeros_like(above)


def _rank_slopes(
    lines: _Lines, j: Ints, part: Floats, orders: list[Ranks], scale: Floats
) -> Floats:
    b = lines.slopes[j, None]
    total = _moved(orders[-1], part - b * lines.zy, scale[-1])
    for k, order in enumerate(orders[:-1]):
        score = lines.inverse[j, k, None] * lines.left - lines.slopes[k] * part
        mine = j == k
        score[mine] += b[mine] * lines.z[k]
        total += _moved(order, score, scale[k])
    return total


def _rank_partials(
    lines: _Lines,
    j: Ints,
    u: Floats,
    v: Floats,
    spread: Floats,
    orders: list[Ranks],
    scale: Floats,
) -> Floats:
    r = lines.partial()[j, None]
    own = np.diagonal(lines.inverse)[j, None]
    b = lines.slopes[j, None]
    by_u, by_v = v - r * u, u - r * v
    total = _moved(orders[-1], by_v / spread, scale[-1])
    for k, order in enumerate(orders[:-1]):
        toward = lines.inverse[j, k, None]
        score = toward / np.sqrt(own) * by_u
        score += (b * toward / own - lines.slopes[k]) / spread * by_v
        total += _moved(order, score, scale[k])
    return total


def _p_value(partial: Floats, freedom: int) -> Floats:
    """Two-sided chance of a partial correlation this large where there is none."""
    known = np.clip(np.nan_to_num(np.abs(partial)), 0.0, 1 - 1e-16)
    t = known * np.sqrt(freedom / (1 - known**2))
    return np.where(np.isnan(partial), np.nan, 2 * stdtr(freedom, -t))
