"""All that is told of a fitted choice model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from flask_api.domains.market.choice.fit_statistics import (
    FitStatistics,
    fit_statistics,
)
from flask_api.domains.market.choice.multinomial import MultinomialLogit
from flask_api.domains.market.choice.prediction import Prediction, predicted
from flask_api.domains.market.choice.random_coefficients import (
    Spread,
    correlations,
    means,
    spreads,
)
from flask_api.domains.market.choice.simulated_likelihood import MixedLogit
from flask_api.domains.market.choice.utility import Contrasts, Design, contrasts
from flask_api.domains.market.choice.willingness import Willingness, willingness
from flask_api.numerics.errors import InputError
from flask_api.numerics.proportions import two_sided_z

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A parameter: error from the curvature, robust_error from the sandwich.

    z, p, low, high   by the robust error; NaN, like errors, where not determined
    """

    name: str
    estimate: float
    error: float
    robust_error: float
    z: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class ChoiceReport:
    """All that is told of a fitted choice model.

    estimates     of all parameters, in the model's order
    spreads       how random coefficients differ between people; empty without any
    correlations  of these, shape (random, random)
    statistics    how well it fits
    prediction    shares, hit rate, confusion, elasticities
    willingness   what attributes are worth; empty without a price
    warnings      of the data, the fit and the ratios
    """

    estimates: list[Estimate]
    spreads: list[Spread]
    correlations: Floats
    statistics: FitStatistics
    prediction: Prediction
    willingness: list[Willingness]
    warnings: list[str]


@dataclass
class Reporting:
    """The state after each block: situations done, in all; the report in the last."""

    done: int
    total: int
    report: ChoiceReport | None = None


def choice_report(
    made: Design,
    model: MultinomialLogit | MixedLogit,
    *,
    price: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    pairs: Contrasts | None = None,
) -> Iterator[Reporting]:
    """All that is told of a fitted model, yielded after each block of situations.

    made         the utility that was fitted
    price        the coefficient that others are divided by, for what people would pay
    confidence   of all intervals, 0 < confidence < 1
    seed         of the drawn intervals of willingness to pay

    Intervals use robust errors. Raises InputError for a price that is no coefficient.
    """
    if not 0 < confidence < 1:
        raise InputError(
            f"got confidence {confidence}; wanted a number between 0 and 1",
            "params.confidence",
        )
    found = model.structure if isinstance(model, MixedLogit) else None
    theta = model.theta if isinstance(model, MixedLogit) else model.coefficients

    def centre(values: Floats) -> Floats:
        return values if found is None else means(found, values)

    worth: tuple[list[Willingness], list[str]] = [], []
    if price is not None:
        wanted = tuple(
            name
            for name, constant in zip(made.names, made.constants, strict=True)
            if not constant
        )
        worth = willingness(
            made.names,
            theta,
            model.robust_covariance,
            centre,
            price,
            wanted,
            confidence=confidence,
            seed=seed,
        )
    pairs = contrasts(made) if pairs is None else pairs
    state = Reporting(0, made.data.situations)
    for step in predicted(made, pairs, model):
        state.done, prediction = step.done, step.prediction
        yield state
    assert prediction is not None
    state.report = ChoiceReport(
        estimates=_estimates(
            made.names if found is None else found.names, theta, model, confidence
        ),
        spreads=[] if found is None else spreads(found, theta),
        correlations=(
            np.empty((0, 0)) if found is None else correlations(found, theta)
        ),
        statistics=fit_statistics(
            made.data,
            model.log_likelihood,
            len(theta),
            nests=bool(made.constants.any()),
        ),
        prediction=prediction,
        willingness=worth[0],
        warnings=[*made.data.warnings, *model.warnings, *worth[1]],
    )
    yield state


def _estimates(
    names: tuple[str, ...],
    theta: Floats,
    model: MultinomialLogit | MixedLogit,
    confidence: float,
) -> list[Estimate]:
    errors = np.sqrt(np.diag(model.covariance))
    robust = np.sqrt(np.diag(model.robust_covariance))
    z = theta / robust
    half = two_sided_z(confidence) * robust
    return [
        Estimate(
            name=name,
            estimate=float(theta[k]),
            error=float(errors[k]),
            robust_error=float(robust[k]),
            z=float(z[k]),
            p=float(2 * ndtr(-abs(z[k]))),
            low=float(theta[k] - half[k]),
            high=float(theta[k] + half[k]),
        )
        for k, name in enumerate(names)
    ]
