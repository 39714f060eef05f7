"""Which distribution data come from: every kind fitted, judged and ranked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.distribution import Continuous, Floats
from flask_api.numerics.errors import InputError
from flask_api.numerics.fit_shapes import FITS, Range, Unfit

#: Data wanted at least: three parameters from fewer say nothing.
FEWEST = 8
#: Data read at most.
MOST = 100_000
#: Beyond, squares are no finite numbers.
LARGEST = 1e150
#: Squares of less would be 0.
SMALLEST = 1e-150
#: Rows of the table of quantiles at most.
ROWS = 101

__all__ = [
    "FITS",
    "Candidates",
    "anderson_darling",
    "candidates",
    "fit",
    "kolmogorov_smirnov",
    "quantile_table",
]


class Candidates:
    """The kinds that were tried so far.

    total, done   kinds to try, and tried
    x             the data in rising order
    """

    def __init__(self, x: Floats, kinds: int) -> None:
        self.x, self.total, self.done = x, kinds, 0
        self.fits: list[dict[str, Any]] = []
        self.unfit: list[dict[str, str]] = []

    def report(self) -> dict[str, Any]:
        """{n, mean, std, min, max, distinct, fits, unfit, warnings}, as `fit` says."""
        x, fits = self.x, sorted(self.fits, key=lambda one: float(one["aic"]))
        weights = [math.exp((fits[0]["aic"] - one["aic"]) / 2) for one in fits]
        total = math.fsum(weights)
        distinct = len(np.unique(x))
        return {
            "n": len(x),
            "mean": float(x.mean()),
            "std": float(x.std(ddof=1)),
            "min": float(x[0]),
            "max": float(x[-1]),
            "distinct": distinct,
            "fits": [
                {**one, "weight": weight / total}
                for one, weight in zip(fits, weights, strict=True)
            ],
            "unfit": list(self.unfit),
            "warnings": _warnings(len(x), distinct),
        }


def candidates(
    data: Sequence[Any] | npt.NDArray[Any],
    kinds: Sequence[str] | None = None,
    within: Range = None,
    field: str = "data",
) -> Iterator[Candidates]:
    """The growing list of what `fit` gives: before the first kind, and after each.

    The same object is yielded again and again; the last one is complete.
    """
    wanted = _kinds(kinds)
    state = Candidates(_read(data, field), len(wanted))
    yield state
    for kind in wanted:
        estimate, parameters = FITS[kind]
        try:
            distribution, errors = estimate(state.x, within)
            judged = _judged(state.x, distribution, dict(errors or {}), parameters)
            state.fits.append(judged)
        except (Unfit, InputError) as reason:
            state.unfit.append({"kind": kind, "reason": str(reason)})
        state.done += 1
        yield state


def fit(
    data: Sequence[Any] | npt.NDArray[Any],
    kinds: Sequence[str] | None = None,
    within: Range = None,
    field: str = "data",
) -> dict[str, Any]:
    """Distributions fitted to `data` by maximum likelihood, the best (by AIC) first.

    data     8 to 100,000 finite numbers, not all equal
    kinds    to try; None = all of `FITS`
    within   ends of a beta; None = 0 and 1

    Returns {n, mean, std, min, max, distinct, fits, unfit, warnings}. Each of `fits`
    has distribution (as `make` reads it), parameters (how many were fitted),
    log_likelihood, aic, bic, weight
    (Akaike's: 1 shared out among the kinds), ks, anderson_darling (None = infinite: a
    datum stands on an end of the range), standard_errors (None where none exist) and
    qq [{probability, theoretical, data}]. Each of `unfit` says kind and reason.

    ks and anderson_darling are distances, without a p value: the usual tables don't
    hold for parameters that were fitted to the same data.

    Raises InputError naming the index of what is no finite number, and an unknown kind.
    Sources: Akaike (1974), doi:10.1109/TAC.1974.1100705; Schwarz (1978),
    doi:10.1214/aos/1176344136; Anderson and Darling (1954), doi:10.2307/2281537.
    """
    *_, last = candidates(data, kinds, within, field)
    return last.report()


def _read(data: Sequence[Any] | npt.NDArray[Any], field: str) -> Floats:
    """The data in rising order."""
    if not isinstance(data, list | tuple | np.ndarray):
        raise InputError(f"got {data!r:.60}; wanted a list of numbers", field)
    if not FEWEST <= len(data) <= MOST:
        raise InputError(
            f"got {len(data)} numbers; a fit wants {FEWEST} to {MOST:,}", field
        )
    for index, value in enumerate(data):
        number = isinstance(value, int | float | np.number)
        if isinstance(value, bool) or not number or not math.isfinite(value):
            raise InputError(
                f"got {value!r:.60}; wanted a finite number", f"{field}[{index}]"
            )
    x = np.sort(np.array(data, dtype=np.float64))
    if x[0] == x[-1]:
        raise InputError(f"all {len(x)} numbers are {x[0]:g}; use kind constant", field)
    if x[-1] - x[0] < SMALLEST:
        raise InputError(
            f"the numbers span {x[-1] - x[0]:g}, too little to compute with; give them "
            "in another unit",
            field,
        )
    if not (abs(x[0]) < LARGEST and abs(x[-1]) < LARGEST):
        raise InputError(
            f"some numbers are beyond {LARGEST:g}, too large to compute with", field
        )
    return x


def _kinds(kinds: Sequence[str] | None) -> list[str]:
    for index, kind in enumerate(kinds or ()):
        if kind not in FITS:
            offered = ", ".join(FITS)
            raise InputError(f"got {kind!r}; offered: {offered}", f"kinds[{index}]")
    return list(dict.fromkeys(kinds or FITS))


def _judged(
    x: Floats, distribution: Continuous, errors: dict[str, float], parameters: int
) -> dict[str, Any]:
    likelihood = float(distribution.logpdf(x).sum())
    if not math.isfinite(likelihood):
        raise Unfit("some of the data are impossible under the best fit")
    described = distribution.as_mapping()
    return {
        "kind": described["kind"],
        "distribution": described,
        "parameters": parameters,
        "log_likelihood": likelihood,
        "aic": 2 * parameters - 2 * likelihood,
        "bic": parameters * math.log(len(x)) - 2 * likelihood,
        "ks": kolmogorov_smirnov(x, distribution),
        "anderson_darling": anderson_darling(x, distribution),
        "standard_errors": errors or None,
        "qq": quantile_table(x, distribution),
    }


def kolmogorov_smirnov(x: Floats, distribution: Continuous) -> float:
    """The largest gap between the shares of rising data `x` and the distribution's."""
    n = len(x)
    share = distribution.cdf(x)
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - share).max(), (share - steps[:-1]).max()))


def anderson_darling(x: Floats, distribution: Continuous) -> float | None:
    """The squared gap over rising data `x`, weighted so that both tails count.

    None where it is infinite: a datum at an end of the distribution's range.
    """
    n = len(x)
    below, above = distribution.cdf(x), distribution.sf(x)
    if not (below > 0).all() or not (above > 0).all():
        return None
    odd = 2 * np.arange(1, n + 1) - 1
    return -n - float((odd * (np.log(below) + np.log(above[::-1]))).sum()) / n


def quantile_table(x: Floats, distribution: Continuous) -> list[dict[str, float]]:
    """Quantiles of rising data `x` beside those of the distribution: a QQ plot.

    One row per datum to 101 data, above them as many even ranks. The share of the k-th
    of n data is (k - 0.5)/n: Hazen's rule.
    """
    n = len(x)
    ranks = np.unique(np.linspace(0, n - 1, min(n, ROWS)).round().astype(np.int64))
    shares = (ranks + 0.5) / n
    return [
        {"probability": p, "theoretical": t, "data": d}
        for p, t, d in zip(
            shares.tolist(),
            distribution.ppf(shares).tolist(),
            x[ranks].tolist(),
            strict=True,
        )
    ]


def _warnings(n: int, distinct: int) -> list[str]:
    found = []
    if distinct < n / 2:
        found.append(
            f"only {distinct} of {n} numbers differ: the data look rounded or "
            "discrete; consider kind discrete or empirical"
        )
    if n < 30:
        found.append(f"{n} numbers tell kinds apart only roughly")
    return found
