"""What factors are searched in: the correlations of the data, fit to be factored."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors import pace
from flask_api.domains.market.factors.smoothing import Smoothing, smoothing, spectrum
from flask_api.domains.market.factors.tetrachoric import Tetrachoric, correlating
from flask_api.domains.market.patterns.pairs import PairCounts, count_pairs
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import Stepwise

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """Tetrachoric correlations, how they were mended, and then their eigenvalues,
    descending, shape (items,)."""

    tetrachoric: Tetrachoric
    smoothing: Smoothing
    eigenvalues: Floats


def finding(
    patterns: Patterns, names: Sequence[str] | None = None
) -> Generator[float, None, Basis]:
    """The basis of the data. Yields the share of the work after each block of it.

    names   of the products, for refusals; None = their numbers

    Raises InputError for data without correlations: see `correlating`.
    """
    items = patterns.items
    count, pairs = pace.counting(patterns), pace.pairs(items)
    whole = count + pairs + pace.eigenvalues(items)
    counts: PairCounts | None = None
    for counts in count_pairs(patterns):
        yield count * counts.done / counts.patterns / whole
    assert counts is not None  # patterns are one block at least
    work = Stepwise(correlating(counts, names))
    for share in work:
        yield (count + pairs * share) / whole
    eigen = pace.eigenvalues(items) / whole
    smooth = Stepwise(smoothing(work.found.correlations))
    for share in smooth:
        yield 1 - eigen * (1 - 0.6 * share)
    yield 1 - 0.4 * eigen
    values = Stepwise(spectrum(smooth.found.correlations))
    for share in values:
        yield 1 - 0.4 * eigen * (1 - share)
    return Basis(work.found, smooth.found, values.found)
