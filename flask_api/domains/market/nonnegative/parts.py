"""What a non-negative factorisation found, and how far it is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from flask_api.domains.market.nonnegative.starts import Start
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]

#: Starts that explain a share this near to the best have found the same.
SAME = 1e-4


@dataclass(frozen=True)
class Parts:
    """Parts that add up to the purchases, by the share they explain.

    components          of products, each of length 1, shape (components, items), >= 0
    weights             of components by pattern, shape (patterns, components), >= 0;
                        a row is about weights @ components
    error               square root of the squared error summed over all cells
    rmse                the same per cell
    explained           1 - squared error / sum of squares, 0..1: how much of what was
                        bought the parts give back. No variance: the mean counts too
    explained_variance  1 - squared error / squares about each product's mean. Below 0
                        where the parts do worse than the means
    shares              parts of `explained` by component; they sum to it where the
                        search stood still
    sparsity            of each component, 0 (all products alike) to 1 (one product)
    weight_sparsity     of each component's weights over all rows, likewise
    stability           of each component: mean cosine with its counterpart in the other
                        starts, 0..1; None with one start
    starts              error that each start reached, the best first
    reached             starts that explain as much as the best
    iterations          rounds of the best start; converged, whether it stood still
    rank                of the data: more components than that need not be told apart
    never               products that nobody bought; their entries are 0
    copies              pairs of products that are alike, and whether of opposite sign
    """

    components: Floats
    weights: Floats = field(repr=False)
    error: float
    rmse: float
    explained: float
    explained_variance: float | None
    shares: Floats
    sparsity: Floats
    weight_sparsity: Floats
    stability: Floats | None
    starts: tuple[float, ...]
    reached: int
    iterations: int
    converged: bool
    rank: int
    never: tuple[int, ...]
    copies: tuple[tuple[int, int, bool], ...]


def parts_of(
    patterns: Patterns,
    components: int,
    best: Start,
    others: list[Start],
    both: Floats,
    rank: int,
    copies: list[tuple[int, int, bool]],
) -> Parts:
    """The parts of the best start, with what the others say of their stability.

    both   counts of products bought together, shape (items, items)
    """
    h = best.products[: patterns.items, :components].T
    lengths = np.sqrt((h * h).sum(axis=1))
    h = h / np.where(lengths > 0, lengths, 1.0)[:, None]
    w = best.weights(patterns.size, components) * lengths
    squares, taken = _squares(patterns, w, h)
    order = np.argsort(-taken, kind="stable")
    h, w = h[order], np.ascontiguousarray(w[:, order])
    whole, cells = float(np.trace(both)), patterns.rows * patterns.items
    about = whole - float((np.diag(both) ** 2).sum()) / patterns.rows
    others_squares = sorted(start.squares for start in others)
    near = best.squares + SAME * whole
    return Parts(
        components=h,
        weights=w,
        error=float(np.sqrt(squares)),
        rmse=float(np.sqrt(squares / cells)),
        explained=1 - squares / whole,
        explained_variance=1 - squares / about if about > 0 else None,
        shares=taken[order] / whole,
        sparsity=hoyer(h, np.ones(patterns.items)),
        weight_sparsity=hoyer(w.T, patterns.counts),
        stability=_stability(h, others, patterns.items) if others else None,
        starts=tuple(float(np.sqrt(s)) for s in [best.squares, *others_squares]),
        reached=1 + sum(s <= near for s in others_squares),
        iterations=best.iterations,
        converged=best.converged,
        rank=rank,
        never=tuple(int(j) for j in np.flatnonzero(np.diag(both) == 0)),
        copies=tuple(copies),
    )


def _squares(patterns: Patterns, w: Floats, h: Floats) -> tuple[float, Floats]:
    """Squared error over all cells, and what each component has of the purchases."""
    squares, taken = 0.0, np.zeros(len(h))
    for part in patterns.blocks():
        ones, counts = patterns.ones(part).astype(np.float64), patterns.counts[part]
        taken += np.einsum("u,uk,uk->k", counts, w[part], ones @ h.T)
        ones -= w[part] @ h
        squares += float(counts @ np.einsum("uj,uj->u", ones, ones))
    return squares, taken


def hoyer(lines: Floats, counts: Floats) -> Floats:
    """How much of each line a few entries hold: 0 = all alike, 1 = one is not 0.

    lines    shape (n, entries), >= 0; counts  how often each entry stands, (entries,)

    1 also for a single entry, or a line of zeros.
    Source: Hoyer (2004), J. Mach. Learn. Res. 5, 1457-1469.
    """
    entries = np.sqrt(counts.sum())
    sums, squares = lines @ counts, (lines * lines) @ counts
    if entries <= 1:
        return np.ones(len(lines))
    ratio = np.where(squares > 0, sums / np.sqrt(np.where(squares > 0, squares, 1)), 1)
    return np.asarray(np.clip((entries - ratio) / (entries - 1), 0.0, 1.0))


def _stability(h: Floats, others: list[Start], items: int) -> Floats:
    """Mean cosine of each component with what the other starts have in its place."""
    total = np.zeros(len(h))
    for start in others:
        theirs = start.products[:items, : len(h)].T
        lengths = np.sqrt((theirs * theirs).sum(axis=1))
        theirs = theirs / np.where(lengths > 0, lengths, 1.0)[:, None]
        cosines = h @ theirs.T
        ours, which = linear_sum_assignment(-cosines)
        total[ours] += cosines[ours, which]
    return np.asarray(total / len(others))
