"""Where each row stands on the factors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors.bivariate_normal import both_exceed
from flask_api.domains.market.factors.extraction import LEAST
from flask_api.domains.market.factors.fit import Factors
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]

#: Patterns with gaps whose weights are worked out side by side.
_TOGETHER = 256


@dataclass(frozen=True)
class Scoring:
    """Weights that tell a row's factors from what it bought.

    weights       of the difference of a purchase (0 or 1) to its mean, shape
                  (items, factors)
    means         share that bought, shape (items,)
    reliability   squared correlation of scores with factors, shape (factors,): how
                  much of a factor the purchases tell
    covariance    of the purchases, shape (items, items); with_factors theirs with the
                  factors, shape (items, factors)
    """

    weights: Floats
    means: Floats
    reliability: Floats
    covariance: Floats
    with_factors: Floats


def scoring(factors: Factors) -> Scoring:
    """The weights of regression scores: of all linear ones the nearest to the factors.

    A purchase is a leaning cut at its threshold t, so that its covariance with a factor
    is density(t) times the leaning's, and two purchases come together as often as both
    leanings exceed theirs. Regression on the purchases follows (Thurstone's scores, for
    binary data). Factors have mean 0 and variance 1; scores vary less.
    Source: Thurstone (1935), The Vectors of Mind; Bock and Aitkin (1981), Psychometrika
    46, 443-459 (the model).
    """
    t, p = factors.tetrachoric.thresholds, factors.tetrachoric.shares
    # a Heywood case may load by more than 1: no leaning is told that well
    most = np.sqrt((1 - LEAST) / np.maximum(factors.communalities, 1 - LEAST))
    loadings = factors.unrotated * most[:, None]
    model = loadings @ loadings.T
    first, second = np.triu_indices(len(t), 1)
    both = both_exceed(t[first], t[second], model[first, second])
    covariance = np.diag(p * (1 - p))
    covariance[first, second] = both - p[first] * p[second]
    covariance[second, first] = covariance[first, second]
    density = np.exp(-t * t / 2) / np.sqrt(2 * np.pi)
    across = (density * most)[:, None] * factors.structure
    weights = np.linalg.solve(covariance, across)
    return Scoring(weights, p, (across * weights).sum(axis=0), covariance, across)


def pattern_scores(
    patterns: Patterns, scoring: Scoring
) -> Iterator[tuple[slice, Floats]]:
    """Scores block by block: (which patterns, their scores (patterns, factors)).

    Where values are missing, weights are those of the products that are known. Give
    all of them to `patterns.expand` for the scores of rows.
    """
    for part in patterns.blocks():
        ones = patterns.ones(part).astype(np.float64)
        if not patterns.gaps:
            yield part, (ones - scoring.means) @ scoring.weights
            continue
        seen = patterns.seen(part)
        apart = np.where(seen, ones - scoring.means, 0.0)
        yield part, _with_gaps(apart, seen.astype(bool), scoring)


def _with_gaps(apart: Floats, seen: npt.NDArray[np.bool_], scoring: Scoring) -> Floats:
    """Each set of known products has weights of its own."""
    masks, which = np.unique(seen, axis=0, return_inverse=True)
    which = which.ravel()
    out = np.empty((len(apart), scoring.weights.shape[1]))
    order = np.argsort(which, kind="stable")
    ends = np.searchsorted(which[order], np.arange(len(masks) + 1))
    for start in range(0, len(masks), _TOGETHER):
        some = masks[start : start + _TOGETHER]
        known = some[:, :, None] & some[:, None, :]
        # a product that is missing stands alone, with variance 1 and no covariance
        blocks = np.where(known, scoring.covariance, np.eye(some.shape[1]))
        weights = np.linalg.solve(blocks, scoring.with_factors * some[:, :, None])
        for i, each in enumerate(weights, start):
            rows = order[ends[i] : ends[i + 1]]
            out[rows] = apart[rows] @ each
    return out


def scores(patterns: Patterns, scoring: Scoring) -> Floats:
    """Scores of all patterns, shape (patterns, factors)."""
    out = np.empty((patterns.size, scoring.weights.shape[1]))
    for part, values in pattern_scores(patterns, scoring):
        out[part] = values
    return out
