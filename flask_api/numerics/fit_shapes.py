"""Maximum likelihood estimates of one kind each, with standard errors where they exist.

Each takes rising data, not all equal, and returns (distribution, standard errors by
parameter or None); it raises `Unfit` with the reason where the kind can't have made
the data. Standard errors come from the expected information; ends of a range have
none: their estimates don't scatter as a normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import digamma, polygamma

from flask_api.numerics import fit_ranges
from flask_api.numerics.distribution import Continuous, Floats
from flask_api.numerics.distributions_plain import LogNormal, Normal, Uniform
from flask_api.numerics.distributions_shaped import (
    BETA_SHAPES,
    WEIBULL_SHAPE,
    Beta,
    Gamma,
    Weibull,
)

Errors = Mapping[str, float]
Fitted = tuple[Continuous, Errors | None]
Range = tuple[float, float] | None


class Unfit(ValueError):
    """Why a kind can't have made the data."""


def normal(x: Floats, within: Range) -> Fitted:
    n, std = len(x), float(x.std())
    errors = {"mean": std / math.sqrt(n), "std": std / math.sqrt(2 * n)}
    return Normal(float(x.mean()), std), errors


def lognormal(x: Floats, within: Range) -> Fitted:
    _positive(x)
    logs = np.log(x)
    n, sigma = len(x), float(logs.std())
    if sigma == 0:
        raise Unfit("the logarithms of the data are all equal")
    errors = {"mu": sigma / math.sqrt(n), "sigma": sigma / math.sqrt(2 * n)}
    return LogNormal(float(logs.mean()), sigma), errors


def uniform(x: Floats, within: Range) -> Fitted:
    return Uniform(float(x[0]), float(x[-1])), None


def triangular(x: Floats, within: Range) -> Fitted:
    return fit_ranges.triangular(x), None


def pert(x: Floats, within: Range) -> Fitted:
    return fit_ranges.pert(x), None


def gamma(x: Floats, within: Range) -> Fitted:
    """Source: Minka (2002), Estimating a Gamma distribution (the equation solved)."""
    _positive(x)
    mean = float(x.mean())
    gap = -float(np.log(x / mean).mean())  # log of the mean less mean of the logs
    if gap < 1e-12:
        raise Unfit("the data lie too close together beside their size")

    def equation(log_shape: float) -> float:
        shape = math.exp(log_shape)
        return log_shape - float(digamma(shape)) - gap

    # log k - digamma(k) lies between 1/(2k) and 1/k
    start, end = math.log(0.4 / gap), math.log(1.1 / gap)
    shape = math.exp(brentq(equation, start, end, xtol=1e-15, rtol=1e-14))
    scale = mean / shape
    information = np.array(
        [[float(polygamma(1, shape)), 1 / scale], [1 / scale, shape / scale**2]]
    )
    return Gamma(shape, scale), _errors(information, len(x), ("shape", "scale"))


def weibull(x: Floats, within: Range) -> Fitted:
    _positive(x)
    logs = np.log(x)
    top = float(logs[-1])
    centred = logs - float(logs.mean())
    if float(centred[-1] - centred[0]) < 1e-9:
        raise Unfit("the data lie too close together beside their size")

    def equation(log_shape: float) -> float:
        shape = math.exp(log_shape)
        weight = np.exp(shape * (logs - top))
        return float((weight * centred).sum() / weight.sum()) - 1 / shape

    # the equation rises from -inf to the largest less the mean of the logarithms
    end = math.log(2 * (1 + math.log(len(x))) / float(centred[-1]))
    while equation(end) < 0:
        end += 1
    shape = math.exp(brentq(equation, end - 40, end, xtol=1e-14, rtol=1e-14))
    if shape < WEIBULL_SHAPE:
        raise Unfit(f"its shape would be {shape:.3g}, below {WEIBULL_SHAPE}")
    mean_power = float(np.exp(shape * (logs - top)).mean())
    scale = math.exp(top + math.log(mean_power) / shape)
    euler = float(np.euler_gamma)
    both = (1 - euler) / scale
    information = np.array(
        [
            [((1 - euler) ** 2 + math.pi**2 / 6) / shape**2, -both],
            [-both, (shape / scale) ** 2],
        ]
    )
    return Weibull(shape, scale), _errors(information, len(x), ("shape", "scale"))


#: Width of the data in that of a beta's range, at least: below it the shapes of the
#: beta exceed what can be drawn.
_NARROWEST = 1e-4


def beta(x: Floats, within: Range) -> Fitted:
    low, high = within or (0.0, 1.0)
    if not (low < x[0] and x[-1] < high):
        raise Unfit(
            f"the data go from {x[0]:.6g} to {x[-1]:.6g}, not inside {low:g} to "
            f"{high:g}; with unknown ends a beta has no largest likelihood: give its "
            "range"
        )
    if (x[-1] - x[0]) / 2 < _NARROWEST * (high / 2 - low / 2):
        raise Unfit(
            f"the range from {low:g} to {high:g} is more than {1 / _NARROWEST:g} times "
            "as wide as the data are: give a narrower one"
        )
    share = (x - low) / (high - low)
    logs, rest = float(np.log(share).mean()), float(np.log1p(-share).mean())
    mean, variance = float(share.mean()), float(share.var())
    total = max(mean * (1 - mean) / variance - 1, 1e-2)
    start = np.log([mean * total, (1 - mean) * total])

    def loss(point: Floats) -> tuple[float, Floats]:
        a, b = np.exp(np.clip(point, *np.log(BETA_SHAPES)))
        constant = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
        both = float(digamma(a + b))
        slope = np.array(
            [a * (digamma(a) - both - logs), b * (digamma(b) - both - rest)]
        )
        return constant - (a - 1) * logs - (b - 1) * rest, slope

    options = {"gtol": 1e-13, "ftol": 1e-16, "maxiter": 500}
    bounds = [tuple(np.log(BETA_SHAPES))] * 2
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    a, b = _polished(np.exp(found.x), logs, rest)
    both = float(polygamma(1, a + b))
    information = np.array(
        [
            [float(polygamma(1, a)) - both, -both],
            [-both, float(polygamma(1, b)) - both],
        ]
    )
    return Beta(a, b, low, high), _errors(information, len(x), ("a", "b"))


def _polished(shapes: Floats, logs: float, rest: float) -> tuple[float, float]:
    """A few steps of Newton's method on the beta's likelihood equations."""
    for _ in range(5):
        both, slope = digamma(shapes.sum()), polygamma(1, shapes.sum())
        wrong = digamma(shapes) - both - np.array([logs, rest])
        step = np.linalg.solve(np.diag(polygamma(1, shapes)) - slope, wrong)
        if not (np.isfinite(step).all() and (shapes - step > 0).all()):
            break
        shapes = shapes - step
    least, most = BETA_SHAPES
    a, b = np.clip(shapes, least, most).tolist()
    return a, b


def _positive(x: Floats) -> None:
    if x[0] <= 0:
        raise Unfit(f"the smallest of the data is {x[0]:.6g}; it wants all above 0")


def _errors(information: Floats, n: int, names: tuple[str, ...]) -> Errors | None:
    """Standard errors from the information of one datum."""
    try:
        variances = np.diag(np.linalg.inv(information)) / n
    except np.linalg.LinAlgError:
        return None
    if not (variances > 0).all():
        return None
    return dict(zip(names, np.sqrt(variances).tolist(), strict=True))


#: kind -> its fit, and the parameters that AIC counts
FITS: Mapping[str, tuple[Callable[[Floats, Range], Fitted], int]] = {
    "normal": (normal, 2),
    "lognormal": (lognormal, 2),
    "uniform": (uniform, 2),
    "triangular": (triangular, 3),
    "pert": (pert, 3),
    "beta": (beta, 2),
    "gamma": (gamma, 2),
    "weibull": (weibull, 2),
}
