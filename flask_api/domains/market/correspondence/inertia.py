"""How much of the data each dimension of a map shows, by three measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.correspondence.analysis import Correspondence

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Inertia:
    """Inertia by dimension, all of them, shape (items,), and its shares (sum <= 1).

    raw                eigenvalues of the table of indicators: pessimistic, since even
                       perfect relations leave most of a product's inertia unexplained
    raw_share          of their sum
    adjusted           (J/(J-1))^2 (raw - 1/J)^2 where raw > 1/J, else 0
    benzecri_share     of the sum of adjusted: optimistic, sums to 1
    greenacre_share    of the average inertia off the diagonal of the table of pairs
                       (Burt's): between both
    shown              dimensions with raw above 1/J, the average
    """

    raw: Floats
    raw_share: Floats
    adjusted: Floats
    benzecri_share: Floats
    greenacre_share: Floats
    shown: int


def inertia(analysis: Correspondence) -> Inertia:
    """The three measures of a map.

    Where no dimension exceeds the average, the adjusted shares are 0: products are
    independent, or nearly.
    Sources: Benzecri (1979), Cah. Anal. Donnees 4, 377-378; Greenacre (1993),
    Correspondence Analysis in Practice, chapter 19.
    """
    raw, items = analysis.eigenvalues, analysis.items
    above = raw > 1 / items * (1 + 1e-12)
    factor = items / (items - 1)
    adjusted = np.where(above, (factor * (raw - 1 / items)) ** 2, 0.0)
    # a product with itself makes so much of Burt's inertia: 1 / J^2 if it is all known
    own = float((np.diag(analysis.correlations) ** 2).sum()) / items**2
    average = factor * (float((raw**2).sum()) - own)
    return Inertia(
        raw=raw,
        raw_share=raw / analysis.total_inertia,
        adjusted=adjusted,
        benzecri_share=_share(adjusted, float(adjusted.sum())),
        greenacre_share=_share(adjusted, average),
        shown=int(above.sum()),
    )


def _share(adjusted: Floats, total: float) -> Floats:
    if total <= 1e-12:
        return np.zeros(len(adjusted))
    return np.asarray(adjusted / total)
