"""What people would pay for an attribute: ratios of coefficients, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError
from flask_api.numerics.proportions import two_sided_z
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Draws of the coefficients for Krinsky and Robb's intervals.
_DRAWS = 10_000
_LANE = 72
#: A price that is fewer standard errors from 0 could as well be 0.
_SURE = 3.0


@dataclass(frozen=True)
class Willingness:
    """What one unit more of an attribute is worth, in units of the price.

    name                of the coefficient
    estimate            minus its mean over the price's mean; negative: people want to
                        be paid for it, as for travel time
    error               standard error by the delta method
    low, high           interval by the delta method
    low_drawn, high_drawn
                        interval by drawing coefficients (Krinsky and Robb 1986,
                        doi:10.2307/1924536): better where the price is unsure
    """

    name: str
    estimate: float
    error: float
    low: float
    high: float
    low_drawn: float
    high_drawn: float


def willingness(
    names: tuple[str, ...],
    theta: Floats,
    covariance: Floats,
    means: Callable[[Floats], Floats],
    price: str,
    wanted: tuple[str, ...],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[list[Willingness], list[str]]:
    """What units of the `wanted` coefficients are worth, and what to beware of.

    names        of the design's coefficients
    theta        all parameters, with their covariance (NaN: no intervals)
    means        coefficients' means over people, shape (..., coefficients), from
                 parameters of shape (..., parameters)
    price        name of the price's coefficient
    confidence   0 < confidence < 1
    seed         of the drawn intervals

    Raises InputError for a price that is no coefficient.
    """
    refuse_unknown(price, names)
    at = names.index(price)
    places = [names.index(name) for name in wanted if name != price]

    def worth(values: Floats) -> Floats:
        centre = means(values)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(-centre[..., places] / centre[..., at, None])

    estimate = worth(theta)
    size = len(places)
    error = np.full(size, np.nan)
    drawn = np.full((2, size), np.nan)
    warnings = _beware(theta, covariance, means, at, price)
    if np.isfinite(covariance).all():
        slopes = _slopes(worth, theta, covariance)
        error = np.sqrt(np.einsum("pk,pq,qk->k", slopes, covariance, slopes))
        values = worth(theta + _normal(covariance, seed))
        values = values[np.isfinite(values).all(axis=1)]
        tail = (1 - confidence) / 2
        drawn = np.quantile(values, [tail, 1 - tail], axis=0)
    half = two_sided_z(confidence) * error
    return [
        Willingness(
            name=names[k],
            estimate=float(estimate[i]),
            error=float(error[i]),
            low=float(estimate[i] - half[i]),
            high=float(estimate[i] + half[i]),
            low_drawn=float(drawn[0, i]),
            high_drawn=float(drawn[1, i]),
        )
        for i, k in enumerate(places)
    ], warnings


def _slopes(
    function: Callable[[Floats], Floats], theta: Floats, covariance: Floats
) -> Floats:
    """Derivatives by the parameters, shape (parameters, values)."""
    h = 1e-4 * np.sqrt(np.diag(covariance))
    away = np.diag(h)
    return np.asarray(
        (function(theta + away) - function(theta - away)) / (2 * h[:, None])
    )


def _normal(covariance: Floats, seed: int) -> Floats:
    """Errors of the parameters, drawn."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    z = stream(seed, 0, _LANE).standard_normal((_DRAWS, len(values)))
    return np.asarray(z @ root.T)


def _beware(
    theta: Floats,
    covariance: Floats,
    means: Callable[[Floats], Floats],
    at: int,
    price: str,
) -> list[str]:
    centre = float(means(theta)[at])
    if centre >= 0:
        return [
            f"The coefficient of the price {price!r} is not negative: dearer would be "
            "better, so that what people would pay means nothing."
        ]
    if not np.isfinite(covariance).all():
        return []
    slope = _slopes(lambda t: means(t)[..., [at]], theta, covariance)[:, 0]
    error = float(np.sqrt(slope @ covariance @ slope))
    if -centre < _SURE * error:
        return [
            f"The coefficient of the price {price!r} is less than {_SURE:g} standard "
            "errors from 0: what people would pay is not well known; trust the drawn "
            "intervals rather."
        ]
    return []


def refuse_unknown(price: str, names: Sequence[str]) -> None:
    """Raise InputError for a price that is no coefficient."""
    if price not in names:
        raise InputError(
            f"got price {price!r}; wanted one of the coefficients {', '.join(names)}",
            "params.price",
        )
