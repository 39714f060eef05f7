"""How alike two models are: loadings, and who belongs together."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Floats = npt.NDArray[np.float64]


def congruence(one: Floats, other: Floats) -> tuple[Floats, list[tuple[int, int]]]:
    """Tucker's coefficient of factors that correspond, and which do.

    one, other   loadings, shape (items, factors), of the same items

    Factors are matched so that the coefficients' sizes sum to most; the sign of a
    factor means nothing, so sizes count. From 0.95 on two factors are the same, from
    0.85 alike: Lorenzo-Seva & ten Berge (2006), doi:10.1027/1614-2241.2.2.57.
    """
    lengths = np.outer(np.sqrt((one**2).sum(axis=0)), np.sqrt((other**2).sum(axis=0)))
    product = one.T @ other
    phi = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
    rows, columns = linear_sum_assignment(-np.abs(phi))
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    return np.abs(phi[rows, columns]), pairs


def adjusted_rand(one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> float:
    """How alike two groupings are: 1 = the same, 0 = as chance would have it.

    one, other   group of each point, whole numbers from 0, same length

    Hubert & Arabie (1985), doi:10.1007/BF01908075.
    """
    width = int(other.max()) + 1
    table = np.bincount(one * width + other, minlength=(int(one.max()) + 1) * width)
    cells = table.reshape(-1, width).astype(np.float64)
    together = float((cells * (cells - 1)).sum() / 2)
    rows, columns = cells.sum(axis=1), cells.sum(axis=0)
    in_one = float((rows * (rows - 1)).sum() / 2)
    in_other = float((columns * (columns - 1)).sum() / 2)
    pairs = len(one) * (len(one) - 1) / 2
    expected = in_one * in_other / pairs if pairs else 0.0
    most = (in_one + in_other) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def correlation(one: Floats, other: Floats) -> float | None:
    """Of two lists of numbers; None where one is constant."""
    a, b = one - one.mean(), other - other.mean()
    scale = sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0 else None
