"""Where a non-negative factorisation starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from flask_api.domains.market.nonnegative import kernel
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.spectrum import largest

Floats = npt.NDArray[np.float64]

INITS = ("nndsvda", "nndsvd", "random")
#: Entries below this start at 0, as in scikit-learn.
_TINY = 1e-6
#: Squared singular values below this share of the largest are rounding.
_RANK = 1e-12


@dataclass
class Start:
    """One start and how far it has come.

    tiles        weights as the kernel has them, shape (tiles, lanes, 64)
    products     likewise, shape (8 bytes, lanes); ahead, the same pushed on
    progress     the kernel's; trace holds the squared error after each block of rounds
    """

    init: str
    tiles: Floats = field(repr=False)
    products: Floats = field(repr=False)
    ahead: Floats = field(repr=False)
    progress: Floats = field(default_factory=lambda: np.zeros(kernel.PROGRESS))
    converged: bool = False
    trace: list[tuple[int, float]] = field(default_factory=list)

    @property
    def iterations(self) -> int:
        return int(self.progress[kernel.ROUNDS])

    @property
    def squares(self) -> float:
        """Squared error, summed over all cells of the table; inf before round 1."""
        return float(self.progress[kernel.SQUARES]) if self.iterations else np.inf

    def weights(self, patterns: int, components: int) -> Floats:
        """By pattern, shape (patterns, components)."""
        kept = self.tiles[:, :components].transpose(0, 2, 1)
        return np.asarray(kept.reshape(-1, components)[:patterns])


@dataclass(frozen=True)
class Spectrum:
    """Singular values of the table and its right singular vectors, as columns.

    Of many products only the first are here, more than there are components; `rank`
    is that of the whole table.
    """

    values: Floats
    vectors: Floats
    rank: int


def spectrum(both: Floats, count: int) -> Spectrum:
    """Of the counts of products bought together, X^T X: at least the largest."""
    squares, vectors = largest(both, count)
    least = _RANK * float(squares[0])
    rank = int((squares > least).sum())
    if len(squares) < len(both):  # Cholesky with pivots: a twentieth of all eigenvalues
        rank = int(lapack.dpstrf(both, tol=least)[2])
    return Spectrum(np.sqrt(np.maximum(squares, 0.0)), vectors, rank)


def make_start(
    patterns: Patterns,
    known: Spectrum,
    components: int,
    init: str,
    mean: float,
    random: np.random.Generator,
) -> Start:
    """A start by singular vectors (Boutsidis and Gallopoulos 2008), or at random.

    mean   of all cells: `nndsvda` puts it where `nndsvd` has 0; random entries have the
           scale of sqrt(mean / components)
    """
    if init == "random":
        scale = np.sqrt(mean / components)
        h = scale * np.abs(random.standard_normal((patterns.items, components)))
        return _start(init, np.full((patterns.size, components), scale), h)
    w, h = _from_vectors(patterns, known, components)
    if init == "nndsvda":
        w[w == 0] = mean
        h[h == 0] = mean
    return _start(init, w, h)


def _start(init: str, w: Floats, h: Floats) -> Start:
    components = w.shape[1]
    lanes = -(-components // kernel.LANES) * kernel.LANES
    tiles = np.zeros((-(-len(w) // kernel.TILE), lanes, kernel.TILE))
    whole = len(w) // kernel.TILE * kernel.TILE
    tiles[: whole // kernel.TILE, :components] = (
        w[:whole].reshape(-1, kernel.TILE, components).transpose(0, 2, 1)
    )
    if whole < len(w):
        tiles[-1, :components, : len(w) - whole] = w[whole:].T
    products = np.zeros((8 * -(-len(h) // 8), lanes))
    products[: len(h), :components] = h
    return Start(init, tiles, products, products.copy())


def _from_vectors(
    patterns: Patterns, known: Spectrum, components: int
) -> tuple[Floats, Floats]:
    """The larger of the positive and the negative part of each pair of vectors."""
    used = min(components, known.rank)
    values, right = known.values[:used], known.vectors[:, :used]
    left = np.empty((patterns.size, used))
    for part in patterns.blocks():
        left[part] = patterns.sums(part, right / values)
    w, h = np.zeros((patterns.size, components)), np.zeros((patterns.items, components))
    for k in range(used):
        u, v = left[:, k], right[:, k]
        best = 0.0
        for sign in (1.0, -1.0):
            x, y = np.maximum(sign * u, 0.0), np.maximum(sign * v, 0.0)
            long = float(np.sqrt(patterns.counts @ (x * x))), float(np.sqrt(y @ y))
            size = long[0] * long[1]
            if size > best:
                best, scale = size, np.sqrt(values[k] * size)
                w[:, k], h[:, k] = scale * x / long[0], scale * y / long[1]
    w[w < _TINY] = 0.0
    h[h < _TINY] = 0.0
    return w, h
