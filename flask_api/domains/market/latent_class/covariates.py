"""What decides which class a row belongs to: covariates by the three-step method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, ndtr
from scipy.stats import chi2

from flask_api.domains.market.latent_class.classification import classification
from flask_api.domains.market.latent_class.covariate_likelihood import (
    Point,
    Search,
    sandwich,
)
from flask_api.domains.market.latent_class.model import LatentClasses, posteriors
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError
from flask_api.numerics.proportions import two_sided_z

Floats = npt.NDArray[np.float64]

_MOST_STEPS = 200
#: Newton's steps end where half the squared step, in log-likelihood, is below this.
_STILL = 1e-10
#: A coefficient per standard deviation beyond this tells classes apart for certain.
_SEPARATED = 15.0


@dataclass(frozen=True)
class CovariateEffects:
    """How covariates change the odds of each class against the reference class.

    reference        number of that class, from 0, in the order of the model
    means, scales    of the covariates, shape (covariates,): coefficients are per
                     `scales` (standard deviations; 1 where not standardised)
    coefficients     intercept, then covariates, by class: shape (1 + covariates,
                     classes); 0 for the reference class. The intercept is that of a row
                     with mean covariates where these are standardised
    errors           their sandwich standard errors; NaN for the reference class
    z, p             coefficient over its error, and two-sided p value
    low, high        intervals at `confidence`
    odds_ratios      exp of the coefficients, with odds_low and odds_high
    per_unit, per_unit_errors
                     the same as coefficients and errors, per unit of the covariates as
                     given
    wald, wald_p     per covariate: whether it changes any class, chi-square with
                     classes - 1 degrees of freedom, shape (covariates,)
    sizes            mean class probabilities over the rows, shape (classes,)
    log_likelihood   of the assignments given the covariates
    rows             rows used
    converged        whether the search ended at a maximum
    warnings         what to beware of
    """

    reference: int
    means: Floats
    scales: Floats
    coefficients: Floats
    errors: Floats
    z: Floats
    p: Floats
    low: Floats
    high: Floats
    odds_ratios: Floats
    odds_low: Floats
    odds_high: Floats
    per_unit: Floats
    per_unit_errors: Floats
    wald: Floats
    wald_p: Floats
    sizes: Floats
    log_likelihood: float
    rows: int
    converged: bool
    confidence: float
    warnings: list[str]

    def probabilities(self, covariates: Floats) -> Floats:
        """Of the classes given covariates, of shape (rows, classes)."""
        slopes = (covariates - self.means) / self.scales @ self.coefficients[1:]
        return np.asarray(np.exp(log_softmax(slopes + self.coefficients[0], axis=1)))


@dataclass
class ThreeStep:
    """The state after each step of the search.

    iteration, log_likelihood, change   of the last step; change None before the second
    effects                             the answer, once it is there
    """

    iteration: int = 0
    log_likelihood: float = -np.inf
    change: float | None = None
    effects: CovariateEffects | None = None


def lca_covariates(
    patterns: Patterns,
    model: LatentClasses,
    covariates: Floats,
    *,
    reference: int = 0,
    standardise: bool = True,
    confidence: float = 0.95,
    names: Sequence[str] | None = None,
) -> Iterator[ThreeStep]:
    """The effects of covariates on class membership, yielded after each Newton step.

    patterns     the data, one row each (not packed with counts)
    model        fitted without covariates: the first step
    covariates   shape (rows, covariates), finite, in the order of the data
    reference    class, from 0, that the others are compared with: 0 = the largest
    standardise  subtract means and divide by standard deviations
    names        of the covariates, for words; None = covariate 1, covariate 2, ...

    Rows are assigned to their most likely class, and the probabilities of a wrong
    assignment are part of the third step's likelihood, so that coefficients are not
    drawn towards 0: Vermunt (2010), doi:10.1093/pan/mpq025. Standard errors are
    sandwich ones; they take the classes of the first step as known.

    Raises InputError for one class, covariates that are missing, constant or multiples
    of each other, or numbers of rows that differ.
    """
    rows = np.flatnonzero(patterns.expand(patterns.informative()))
    called = _called(covariates, names)
    z, means, scales = _design(
        patterns, model, covariates, called, reference, standardise
    )
    z = z[rows] if len(rows) < len(z) else z
    chosen = posteriors(patterns, model).argmax(axis=1)
    errors = classification(patterns, model).assigned
    found = Search(z, patterns.expand(chosen)[rows], errors, reference)
    state = ThreeStep()
    b = np.zeros((z.shape[1], model.classes))
    b[0] = np.log(model.sizes / model.sizes[reference])
    now = found.at(b)
    damping, converged = 1e-3, False
    while state.iteration < _MOST_STEPS and not converged:
        step = found.step(now, damping)
        new = found.at(b + step)
        gain = new.log_likelihood - now.log_likelihood
        promised = 0.5 * float((step[:, found.free] * now.gradient).sum())
        converged = promised < _STILL
        if gain >= 0:
            b, now, damping = b + step, new, damping / 10
        else:
            damping = max(10 * damping, 1e-8)
        state.iteration += 1
        state.change = gain if gain >= 0 else 0.0
        state.log_likelihood = now.log_likelihood
        yield state
    state.effects = _effects(
        found, b, now, means, scales, called, converged, confidence
    )
    yield state


def _called(covariates: Floats, names: Sequence[str] | None) -> list[str]:
    if names is None:
        return [f"covariate {number}" for number in range(1, covariates.shape[-1] + 1)]
    return [f"covariate {name!r}" for name in names]


def _design(
    patterns: Patterns,
    model: LatentClasses,
    covariates: Floats,
    called: Sequence[str],
    reference: int,
    standardise: bool,
) -> tuple[Floats, Floats, Floats]:
    """Covariates with a leading 1, their means and scales."""
    if model.classes < 2:
        raise InputError(
            "got one class; wanted at least two for covariates to tell apart",
            "params.n_classes",
        )
    if not 0 <= reference < model.classes:
        raise InputError(
            f"got reference class {reference} (counted from 0); wanted 0 to "
            f"{model.classes - 1}",
            "params.reference_class",
        )
    if patterns.rows != len(patterns.of_row):
        raise InputError(
            "got rows with counts; wanted one row each, as covariates belong to rows",
            "data",
        )
    if covariates.ndim != 2 or len(covariates) != len(patterns.of_row):
        raise InputError(
            f"got covariates of shape {covariates.shape}; wanted a line for each of "
            f"{len(patterns.of_row):,} rows",
            "covariates",
        )
    if covariates.shape[1] == 0:
        raise InputError("got no covariate; wanted at least one", "covariates")
    bad = np.argwhere(~np.isfinite(covariates))
    if bad.size:
        row, column = bad[0]
        raise InputError(
            f"{called[column]} has no number in row {row + 1}; leave the row or "
            "the covariate out",
            f"covariates[{row}][{column}]",
        )
    means, scales = covariates.mean(axis=0), covariates.std(axis=0)
    flat = scales <= 1e-12 * np.maximum(np.abs(means), 1e-300)
    if flat.any():
        column = int(np.argmax(flat))
        raise InputError(
            f"{called[column]} has the same value in every row; leave it out",
            f"covariates[{column}]",
        )
    centred = (covariates - means) / scales
    spread, ways = np.linalg.eigh(centred.T @ centred / len(centred))
    if spread[0] < 1e-10:
        together = np.compress(np.abs(ways[:, 0]) > 1e-4, called)
        raise InputError(
            f"{', '.join(together)}: one follows from the others exactly, as all "
            "indicators of one question do; leave one of them out",
            "covariates",
        )
    if not standardise:
        means, scales = np.zeros(len(means)), np.ones(len(means))
        centred = covariates
    return np.column_stack([np.ones(len(centred)), centred]), means, scales


def _effects(
    found: Search,
    b: Floats,
    point: Point,
    means: Floats,
    scales: Floats,
    called: Sequence[str],
    converged: bool,
    confidence: float,
) -> CovariateEffects:
    free, length = found.free, len(b)
    variance, known = sandwich(point)
    errors = np.full(b.shape, np.nan)
    errors[:, free] = np.sqrt(np.diag(variance)).reshape(length, len(free))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        z = np.where(np.isnan(errors), np.nan, b / errors)
        half = two_sided_z(confidence) * errors
        odds = np.exp(b), np.exp(b - half), np.exp(b + half)
    wald = np.full(length - 1, np.nan)
    for i in range(1, length) if known else ():
        here = slice(i * len(free), (i + 1) * len(free))
        wald[i - 1] = b[i, free] @ np.linalg.solve(variance[here, here], b[i, free])
    # back to the units given: slopes over scales, and the intercept of a row of zeros
    back = np.eye(length)
    back[1:, 1:] = np.diag(1 / scales)
    back[0, 1:] = -means / scales
    wide = np.kron(back, np.eye(len(free)))
    unit_errors = np.full(b.shape, np.nan)
    unit_errors[:, free] = np.sqrt(np.diag(wide @ variance @ wide.T)).reshape(
        length, len(free)
    )
    warnings = []
    if not converged:
        warnings.append("The effects of the covariates did not converge.")
    if not known:
        warnings.append("The data don't determine all effects of the covariates.")
    endless = np.abs(b[1:]) * found.z[:, 1:].std(axis=0)[:, None] > _SEPARATED
    for name in np.compress(endless.any(axis=1), called):
        warnings.append(
            f"{name[:1].upper()}{name[1:]} tells some classes apart for certain: its "
            "coefficient has no end, and its standard error means nothing."
        )
    return CovariateEffects(
        reference=found.reference,
        means=means,
        scales=scales,
        coefficients=b,
        errors=errors,
        z=z,
        p=2 * ndtr(-np.abs(z)),
        low=b - half,
        high=b + half,
        odds_ratios=odds[0],
        odds_low=odds[1],
        odds_high=odds[2],
        per_unit=back @ b,
        per_unit_errors=unit_errors,
        wald=wald,
        wald_p=chi2.sf(wald, len(free)),
        sizes=point.sizes,
        log_likelihood=point.log_likelihood,
        rows=len(found.z),
        converged=converged,
        confidence=confidence,
        warnings=warnings,
    )
