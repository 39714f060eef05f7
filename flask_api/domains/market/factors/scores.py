"""Where each row stands on the factors."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors.bivariate_normal import both_exceed
from flask_api.domains.market.factors.extraction import LEAST
from flask_api.domains.market.factors.fit import Factors
from flask_api.domains.market.factors.tetrachoric import PAIRS
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import drained

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Patterns with gaps whose weights are worked out side by side; of more than so many
#: products one by one, so many between two reports.
_TOGETHER, _MANY, _FEW = 256, 100, 32


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
    """What `weighing` finds, at once."""
    return drained(weighing(factors))


def weighing(factors: Factors) -> Generator[float, None, Scoring]:
    """The weights of regression scores: of all linear ones the nearest to the factors.
    Yields the share of the work, pair by pair of products.

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
    both = np.empty(len(first))
    for start in range(0, len(first), PAIRS):
        i, j = first[start : start + PAIRS], second[start : start + PAIRS]
        both[start : start + PAIRS] = both_exceed(t[i], t[j], model[i, j])
        yield min(1.0, (start + PAIRS) / len(first))
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
    if patterns.gaps:
        yield from _with_gaps(patterns, scoring)
        return
    for part in patterns.blocks():
        ones = patterns.ones(part).astype(np.float64)
        yield part, (ones - scoring.means) @ scoring.weights


def _with_gaps(patterns: Patterns, scoring: Scoring) -> Iterator[tuple[slice, Floats]]:
    """Each set of known products has weights of its own."""
    many = patterns.items > _MANY
    inverse = np.asarray(np.linalg.inv(scoring.covariance) if many else np.empty(0))
    for block in patterns.blocks():
        step = _FEW if many else block.stop - block.start
        for start in range(block.start, block.stop, step):
            part = slice(start, min(start + step, block.stop))
            seen = patterns.seen(part)
            apart = np.where(seen, patterns.ones(part) - scoring.means, 0.0)
            masks, which = np.unique(seen.astype(bool), axis=0, return_inverse=True)
            if many:
                weights = np.array([_weights(m, scoring, inverse) for m in masks])
            else:
                weights = _weights_of_all(masks, scoring)
            out = np.empty((len(apart), weights.shape[2]))
            order = np.argsort(which.ravel(), kind="stable")
            ends = np.searchsorted(which.ravel()[order], np.arange(len(masks) + 1))
            for i, each in enumerate(weights):
                rows = order[ends[i] : ends[i + 1]]
                out[rows] = apart[rows] @ each
            yield part, out


def _weights_of_all(masks: Bools, scoring: Scoring) -> Floats:
    """Of several sets of known products side by side, (sets, items, factors)."""
    found = []
    for start in range(0, len(masks), _TOGETHER):
        some = masks[start : start + _TOGETHER]
        known = some[:, :, None] & some[:, None, :]
        # a product that is missing stands alone, with variance 1 and no covariance
        blocks = np.where(known, scoring.covariance, np.eye(some.shape[1]))
        found.append(np.linalg.solve(blocks, scoring.with_factors * some[:, :, None]))
    return np.concatenate(found)


def _weights(known: Bools, scoring: Scoring, inverse: Floats) -> Floats:
    """Of one set of known products, shape (items, factors), 0 for the missing ones.

    By the smaller of two systems: of the known, or of the missing ones, which leave
    weights W - P_m (P_mm)^-1 W_m, where P is the inverse of the whole covariance.
    """
    out = np.zeros_like(scoring.weights)
    here, gone = np.flatnonzero(known), np.flatnonzero(~known)
    if len(gone) <= len(here):
        found = np.linalg.solve(inverse[np.ix_(gone, gone)], scoring.weights[gone])
        whole = scoring.weights - inverse[:, gone] @ found
        out[here] = whole[here]
    else:
        out[here] = np.linalg.solve(
            scoring.covariance[np.ix_(here, here)], scoring.with_factors[here]
        )
    return out


def scores(patterns: Patterns, scoring: Scoring) -> Floats:
    """Scores of all patterns, shape (patterns, factors)."""
    out = np.empty((patterns.size, scoring.weights.shape[1]))
    for part, values in pattern_scores(patterns, scoring):
        out[part] = values
    return out
