"""Standard errors of a latent class model, from the information in the data.

Legend
alpha    logits of class sizes against the last class, classes - 1 of them
theta    logits of the probabilities, class after class, classes x items
score    slope of a pattern's log-likelihood along (alpha, theta)
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.inverting import inverse
from flask_api.domains.market.latent_class.model import LatentClasses, memberships
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.domains.market.patterns.stepwise import drained
from flask_api.numerics.proportions import two_sided_z

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: A probability is at its boundary where fewer rows than this are behind it.
BOUNDARY_ROWS = 0.01
#: The same of the information expected of whole tables, which is exact: what is not
#: determined comes out at 1e-15, what hardly is at 1e-5. Up to so many products.
_DETERMINED, _WHOLE_TABLE = 1e-11, 10
_NUMBERS = 1 << 21  # of scores at a time: 16 MB
#: Beyond so many numbers of a model, or distinct rows times their square, no errors are
#: computed: a matrix of them has 200 MB, and the work takes some minutes.
MOST_NUMBERS, MOST_WORK = 5_000, 10**12


@dataclass(frozen=True)
class Errors:
    """How sure the numbers of a model are.

    kind                 `observed information`, or `sandwich`, which also holds where
                         rows of a class are not quite independent, or `not computed`
    sizes                standard errors of the class sizes, shape (classes,)
    probabilities        of the probabilities, shape (classes, items); NaN at a boundary
    sizes_low, _high     interval at `confidence`, found on the logit scale so that it
                         stays within 0 and 1, same shapes
    probabilities_low, _high
    boundary             where a probability is 0 or 1 as far as the data can tell:
                         treated as known, shape (classes, items)
    identified           whether the data tell all other numbers apart; if not, all
                         standard errors are NaN; None = not known, as they are not
                         computed
    beyond               why they are not computed, in a sentence; None = they are
    """

    kind: str
    confidence: float
    sizes: Floats
    probabilities: Floats
    sizes_low: Floats
    sizes_high: Floats
    probabilities_low: Floats
    probabilities_high: Floats
    boundary: Bools
    identified: bool | None
    beyond: str | None = None


def standard_errors(
    patterns: Patterns,
    model: LatentClasses,
    *,
    robust: bool = False,
    confidence: float = 0.95,
) -> Errors:
    """Standard errors and intervals, at once. See `finding_errors`."""
    return drained(finding_errors(patterns, model, robust, confidence))


def finding_errors(
    patterns: Patterns,
    model: LatentClasses,
    robust: bool = False,
    confidence: float = 0.95,
) -> Generator[float, None, Errors]:
    """Standard errors and intervals at the maximum of the likelihood.

    robust       sandwich instead of observed information
    confidence   of the intervals, 0 < confidence < 1

    Yields the share that is done after each block of work, and returns the errors; all
    are NaN, and `beyond` says why, where they would take many minutes or gigabytes.
    The information is the exact second derivative of the log-likelihood (Louis 1982,
    J. R. Stat. Soc. B 44, 226-233), not the outer product of scores.
    """
    classes, items = model.probabilities.shape
    p = model.probabilities
    beyond = _beyond(patterns, model)
    if beyond is None:
        outer, observed, rows = yield from _information(patterns, model)
    else:
        rows = _rows_behind(patterns, model)
    boundary = np.minimum(p, 1 - p) * rows < BOUNDARY_ROWS
    free = np.concatenate([np.ones(classes - 1, bool), ~boundary.ravel()])
    full = np.full((len(free), len(free)) if beyond is None else (0, 0), np.nan)
    identified: bool | None = None
    if beyond is None:
        variance, identified = yield from inverse(observed[np.ix_(free, free)])
        if identified and not _determined(patterns, model, free):
            variance, identified = np.full_like(variance, np.nan), False
        if robust:
            variance = variance @ outer[np.ix_(free, free)] @ variance
        full[np.ix_(free, free)] = variance
        spread = full[: classes - 1, : classes - 1]
        diagonal = np.diag(full)
    else:
        spread = np.full((classes - 1, classes - 1), np.nan)
        diagonal = np.full(len(free), np.nan)
    slope = np.diag(model.sizes) - np.outer(model.sizes, model.sizes)
    slope = slope[:, : classes - 1]
    size_error = np.sqrt(np.diag(slope @ spread @ slope.T))
    logit_error = np.sqrt(diagonal[classes - 1 :]).reshape(classes, items)
    z = two_sided_z(confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        size_logit = size_error / (model.sizes * (1 - model.sizes))
    if classes == 1:  # its size is 1, whatever the data
        size_logit = np.zeros(1)
    kind = "sandwich" if robust else "observed information"
    return Errors(
        kind if beyond is None else "not computed",
        confidence,
        size_error,
        p * (1 - p) * logit_error,
        _moved(model.sizes, -z * size_logit),
        _moved(model.sizes, z * size_logit),
        _moved(p, -z * logit_error),
        _moved(p, z * logit_error),
        boundary,
        identified,
        beyond,
    )


def identified(
    patterns: Patterns, model: LatentClasses
) -> Generator[float, None, bool | None]:
    """Whether the data tell all numbers apart; None where that takes too long to say.

    Yields the share that is done after each block of work.
    """
    if _beyond(patterns, model) is not None:
        return None
    errors = yield from finding_errors(patterns, model)
    return errors.identified


def _beyond(patterns: Patterns, model: LatentClasses) -> str | None:
    """Why the information is not computed, in a sentence; None where it is."""
    numbers = model.parameters
    if numbers > MOST_NUMBERS:
        return (
            f"Standard errors are not computed for models of more than "
            f"{MOST_NUMBERS:,} numbers; this one has {numbers:,}, whose covariances "
            "would fill gigabytes. Take fewer products or classes."
        )
    if patterns.size * numbers**2 > MOST_WORK:
        return (
            f"Standard errors are not computed: of {patterns.size:,} distinct rows and "
            f"a model of {numbers:,} numbers they would take many minutes. Take a "
            "sample of the rows, fewer products or fewer classes."
        )
    return None


def _rows_behind(patterns: Patterns, model: LatentClasses) -> Floats:
    """Rows behind each probability, shape (classes, items)."""
    rows = np.zeros(model.probabilities.shape)
    counts = np.where(patterns.informative(), patterns.counts, 0.0)
    for part, posterior, _ in memberships(patterns, model):
        weighted = posterior * counts[part][:, None]
        rows += weighted.T @ patterns.seen(part).astype(np.float64)
    return rows


def _determined(patterns: Patterns, model: LatentClasses, free: Bools) -> bool:
    """Whether even a table of all patterns would tell the numbers apart.

    Where it would not, the search ends somewhere on a ridge, near which the observed
    information is tiny but not nil: 3 classes of 4 products have 14 numbers, one less
    than the table, of which only 13 are determined (Goodman 1974, Biometrika 61,
    215-231). More than 10 products determine up to 20 classes in general (Allman,
    Matias and Rhodes 2009, Ann. Stat. 37, 3099-3132).
    """
    if patterns.items > _WHOLE_TABLE:
        return True
    numbers = np.arange(1 << patterns.items)[:, None]
    cells = pack(numbers >> np.arange(patterns.items) & 1)
    shares = np.concatenate([share for _, _, share in memberships(cells, model)])
    expected = cells.counted(np.exp(shares))
    outer, _, _ = drained(_information(expected, model))
    return _least(outer[np.ix_(free, free)]) >= _DETERMINED


def _least(information: Floats) -> float:
    """Smallest eigenvalue once the diagonal is scaled to ones."""
    diagonal = np.diag(information)
    if not len(diagonal):
        return 1.0
    if (diagonal <= 0).any():
        return 0.0
    scale = 1 / np.sqrt(diagonal)
    return float(np.linalg.eigvalsh(information * np.outer(scale, scale))[0])


def _moved(p: Floats, logits: Floats) -> Floats:
    """Probabilities `logits` further on the logit scale."""
    return np.asarray(p / (p + (1 - p) * np.exp(-logits)))


def _information(
    patterns: Patterns, model: LatentClasses
) -> Generator[float, None, tuple[Floats, Floats, Floats]]:
    """Sum of outer products of scores, observed information, rows behind each number.

    With r the membership, g_k the score and h_k the second derivative if the class were
    k, and g = sum of r_k g_k: information = g g' - sum of r_k (g_k g_k' + h_k).
    """
    sizes, p = model.sizes, model.probabilities
    classes, items = p.shape
    first = classes - 1
    length = first + p.size
    outer, second = np.zeros((length, length)), np.zeros((length, length))
    gathered, rows = np.zeros((classes, items)), np.zeros((classes, items))
    mass = np.zeros(classes)
    counts = np.where(patterns.informative(), patterns.counts, 0.0)
    size = max(1, _NUMBERS // length)
    for block, posterior, _ in memberships(patterns, model):
        for start in range(block.start, block.stop, size):
            part = slice(start, min(start + size, block.stop))
            r = posterior[part.start - block.start : part.stop - block.start]
            weight = counts[part][:, None]
            seen = patterns.seen(part).astype(np.float64)
            score = np.empty((len(r), length))
            score[:, :first] = (r - sizes)[:, :first]
            x = patterns.ones(part)
            for k in range(classes):
                here = slice(first + k * items, first + (k + 1) * items)
                away = (x - p[k]) * seen
                score[:, here] = r[:, k : k + 1] * away
                second[here, here] += away.T @ (weight * score[:, here])
                gathered[k] += (weight * score[:, here]).sum(axis=0)
            outer += score.T @ (weight * score)
            mass += (weight * r).sum(axis=0)
            rows += r.T @ (weight * seen)
            yield 0.5 * part.stop / patterns.size
    n = mass.sum()
    about = np.outer(sizes, sizes)
    crossed = np.outer(mass, sizes)
    square = np.diag(mass) - crossed - crossed.T + n * about
    second[:first, :first] = (square - n * (np.diag(sizes) - about))[:first, :first]
    for k in range(classes):
        here = slice(first + k * items, first + (k + 1) * items)
        mixed = np.outer(np.eye(classes)[k] - sizes, gathered[k])[:first]
        second[:first, here], second[here, :first] = mixed, mixed.T
        second[here, here] -= np.diag(p[k] * (1 - p[k]) * rows[k])
    return outer, outer - second, rows
