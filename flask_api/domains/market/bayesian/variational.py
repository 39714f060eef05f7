"""Bayesian factors of binary purchases by variational inference, in closed steps.

x_ij ~ Bernoulli(logistic(alpha_j + l_j . theta_i)), theta_i ~ N(0, I),
l_jk ~ N(0, s^2), alpha_j ~ N(0, 2^2). With the bound of Jaakkola & Jordan (2000),
Statistics and Computing 10, 25-37 (the same as Polya-Gamma augmentation: Durante &
Rigon 2019, Statistical Science 34, 472-485) every block has a Gaussian optimum: a
household's scores with their covariance, and a product's intercept and loadings with
theirs. So each step raises the evidence lower bound (ELBO). Alike households have the
same optimum, so distinct rows with counts do.

Known limits: the deviations are too small, and loadings come out too near to 0, by a
fifth at 12 products, a sixth at 30, a fourteenth at 90 (simulated, see the tests): the
bound is loose where scores are uncertain. Signs, order and structure are right.

Symbols: R rows, c their counts, J items, K factors, D = K + 1 with the intercept first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian.identification import (
    LOGISTIC_VARIANCE,
    shares_explained,
)
from flask_api.domains.market.bayesian.targets import Priors
from flask_api.domains.market.factors.rotation import rotate
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.spectrum import largest
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Cells at a time: rows by products, or by squares of factors.
BLOCK = 1 << 20
#: Numbers of the scores' covariances that are held: 0.8 GB.
MOST_COVARIANCES = 100_000_000
#: Passes in a row without a rise worth speaking of, before it stands still.
QUIET = 3
_TINY = 1e-6


@dataclass(eq=False)
class Variational:
    """The approximation after a pass over the rows.

    patterns       distinct rows and their counts
    intercepts, loadings     means, shape (J,) and (J, K), in no particular rotation
    covariances    of each item's intercept and loadings, shape (J, D, D)
    scores         means per distinct row, shape (R, K)
    score_covariances        shape (R, K, K)
    elbo           after each pass, natural logarithm, of the whole table; never falls
    change         of the last pass; None after the first
    converged      rises fell below `tol` per household and cell, thrice in a row
    """

    patterns: Patterns = field(repr=False)
    priors: Priors
    intercepts: Floats
    loadings: Floats
    covariances: Floats
    scores: Floats
    score_covariances: Floats
    max_iter: int
    elbo: list[float] = field(default_factory=list)
    converged: bool = False
    finished: bool = False

    @property
    def iteration(self) -> int:
        return len(self.elbo)

    @property
    def change(self) -> float | None:
        return self.elbo[-1] - self.elbo[-2] if len(self.elbo) > 1 else None

    @property
    def known_to(self) -> float:
        """The least standard deviation of a score in any direction."""
        return float(np.sqrt(np.linalg.eigvalsh(self.score_covariances).min()))

    def turned(self, rotation: str = "varimax") -> VariationalFactors:
        """Loadings and scores with their deviations, in one common rotation."""
        turn = rotate(self.loadings, rotation).turned
        spread = np.einsum("ak,jab,bk->jk", turn, self.covariances[:, 1:, 1:], turn)
        own = np.einsum("ak,rab,bk->rk", turn, self.score_covariances, turn)
        loadings = self.loadings @ turn
        return VariationalFactors(
            self.intercepts,
            np.sqrt(self.covariances[:, 0, 0]),
            loadings,
            np.sqrt(spread),
            self.scores @ turn,
            np.sqrt(own),
            shares_explained(loadings),
        )


@dataclass(frozen=True, eq=False)
class VariationalFactors:
    """The approximate posterior, for the reader.

    intercepts, intercepts_std   shape (J,), logits
    loadings, loadings_std       shape (J, K), logits per standard deviation of a score
    scores, scores_std           per distinct row, shape (R, K)
    variance_explained           percent of the latent variance, shape (K,)

    The deviations are those of a mean-field approximation: too small, by how much the
    sampler (`bayesian_factor_pymc`) tells.
    """

    intercepts: Floats
    intercepts_std: Floats
    loadings: Floats
    loadings_std: Floats
    scores: Floats
    scores_std: Floats
    variance_explained: Floats


def fit_variational(
    patterns: Patterns,
    n_factors: int,
    *,
    max_iter: int = 1000,
    tol: float = 1e-8,
    priors: Priors | None = None,
    seed: int = 0,
) -> Iterator[Variational]:
    """The growing approximation, once after each pass.

    n_factors   1..J, at most the number of distinct rows
    max_iter    passes at most, >= 1
    tol         it stands still when a pass raises the ELBO by less than this per cell
                of the table, three times in a row, > 0
    seed        of the little noise that keeps starting loadings from being alike

    The same object is yielded again and again; the last one is `finished`. Missing
    cells are left out of the likelihood.
    Raises InputError for settings out of range.
    """
    priors = priors or Priors()
    _checked(patterns, n_factors, max_iter, tol)
    state = _start(patterns, n_factors, priors, max_iter, seed)
    cells = float(patterns.totals()[1].sum())
    quiet = 0
    while state.iteration < max_iter and not state.converged:
        _pass(state)
        small = state.change is not None and state.change < tol * cells
        quiet = quiet + 1 if small else 0
        state.converged = quiet >= QUIET
        if not state.converged and state.iteration < max_iter:
            yield state
    state.finished = True
    yield state


def _checked(patterns: Patterns, factors: int, max_iter: int, tol: float) -> None:
    most = min(patterns.items, patterns.size)
    if not 1 <= factors <= most:
        raise InputError(
            f"got {factors} factors for {patterns.items} products and {patterns.size} "
            f"distinct rows; wanted 1 to {most}",
            "params.n_factors",
        )
    if patterns.size * factors**2 > MOST_COVARIANCES:
        raise InputError(
            f"got {factors} factors for {patterns.size:,} distinct rows; wanted rows x "
            f"factors^2 up to {MOST_COVARIANCES:,}: fewer factors, or a sample",
            "params.n_factors",
        )
    if max_iter < 1:
        raise InputError(
            f"got max_iter {max_iter}; wanted 1 or more", "params.max_iter"
        )
    if not tol > 0:
        raise InputError(f"got tol {tol}; wanted a number above 0", "params.tol")


def _start(
    patterns: Patterns, factors: int, priors: Priors, max_iter: int, seed: int
) -> Variational:
    """Main axes of the correlations between products, as loadings of logits."""
    bought, known = patterns.totals()
    share = (bought + 0.5) / (known + 1.0)
    items, rows = patterns.items, patterns.size
    products = np.zeros((items, items))
    for part in patterns.blocks():
        centred = (patterns.ones(part) - share) * patterns.seen(part)
        products += centred.T @ (centred * patterns.counts[part, None])
    sizes = np.sqrt(np.maximum(products.diagonal(), _TINY))
    values, axes = largest(products / np.outer(sizes, sizes), factors)
    chosen = axes[:, :factors] * np.sqrt(np.maximum(values[:factors], 0))
    room = np.maximum(1 - (chosen**2).sum(axis=1), 0.2)
    loadings = chosen * np.sqrt(LOGISTIC_VARIANCE / room)[:, None]
    noise = np.random.default_rng(seed).normal(size=loadings.shape)
    intercepts = np.log(share / (1 - share)) * np.sqrt(1 / room)
    return Variational(
        patterns,
        priors,
        intercepts,
        loadings + 1e-3 * noise,
        np.tile(1e-2 * np.eye(factors + 1), (items, 1, 1)),
        np.zeros((rows, factors)),
        np.tile(np.eye(factors), (rows, 1, 1)),
        max_iter,
    )


def _pass(state: Variational) -> None:
    """Scores, then loadings, then the scale between them; each at its optimum."""
    patterns, counts = state.patterns, state.patterns.counts
    items, width = patterns.items, state.loadings.shape[1] + 1
    means = np.column_stack([state.intercepts, state.loadings])
    seconds = state.covariances + means[:, :, None] * means[:, None, :]
    precision = np.zeros((items, width * width))
    linear = np.zeros((items, width))
    total = 0.0
    block = max(16, BLOCK // max(items, width * width))
    for start in range(0, patterns.size, block):
        part = slice(start, start + block)
        known = patterns.seen(part).astype(np.float64)
        centred = (patterns.ones(part) - 0.5) * known
        value, weight = _scored(state, part, known, centred, means, seconds)
        total += float(counts[part] @ value)
        first = np.column_stack([np.ones(len(known)), state.scores[part]])
        second = first[:, :, None] * first[:, None, :]
        second[:, 1:, 1:] += state.score_covariances[part]
        weight *= counts[part, None]
        precision += weight.T @ second.reshape(len(known), -1)
        linear += (centred * counts[part, None]).T @ first
    # The bound is that of the present loadings with the best scores.
    state.elbo.append(total - _divergence_of_items(state, means))
    prior = _prior_precision(state.priors, width)
    found = np.linalg.inv(precision.reshape(items, width, width) + prior)
    state.covariances = np.asarray((found + np.swapaxes(found, 1, 2)) / 2)
    means = np.einsum("jab,jb->ja", state.covariances, linear)
    state.intercepts, state.loadings = means[:, 0].copy(), means[:, 1:].copy()
    _rescale(state)


def _scored(
    state: Variational,
    part: slice,
    known: Floats,
    centred: Floats,
    means: Floats,
    seconds: Floats,
) -> tuple[Floats, Floats]:
    """Best scores of a block: its part of the bound per row, and weights of the cells.

    The bound of a cell holds at xi^2 = E[utility^2]; the weights before are those of
    the block's present scores, those returned of its new ones.
    """
    factors = means.shape[1] - 1
    cells = seconds.reshape(len(seconds), -1)
    weight = known * _weights(_squares(state, part, cells))
    inner = seconds[:, 1:, 1:].reshape(len(seconds), -1)
    precision = (weight @ inner).reshape(-1, factors, factors) + np.eye(factors)
    covariance = np.linalg.inv(precision)
    linear = centred @ means[:, 1:] - weight @ seconds[:, 0, 1:]
    scores = np.einsum("rab,rb->ra", covariance, linear)
    state.scores[part], state.score_covariances[part] = scores, covariance
    squares = _squares(state, part, cells)
    utility = means[:, 0] + scores @ means[:, 1:].T
    root = np.sqrt(squares)
    # log(2 cosh(xi / 2)) = xi / 2 + log(1 + exp(-xi))
    bound = centred * utility - known * (root / 2 + np.log1p(np.exp(-root)))
    trace = np.trace(covariance, axis1=1, axis2=2) + (scores**2).sum(axis=1)
    apart = trace - factors + np.linalg.slogdet(precision)[1]
    return bound.sum(axis=1) - apart / 2, known * _weights(squares)


def _squares(state: Variational, part: slice, cells: Floats) -> Floats:
    """E[utility^2] of each cell, shape (rows, J)."""
    scores = state.scores[part]
    first = np.column_stack([np.ones(len(scores)), scores])
    second = first[:, :, None] * first[:, None, :]
    second[:, 1:, 1:] += state.score_covariances[part]
    return np.maximum(second.reshape(len(scores), -1) @ cells.T, 1e-12)


def _weights(squares: Floats) -> Floats:
    """E of the Polya-Gamma variable: tanh(xi / 2) / (2 xi)."""
    root = np.sqrt(squares)
    return np.asarray(np.tanh(root / 2) / (2 * root))


def _prior_precision(priors: Priors, width: int) -> Floats:
    deviations = np.full(width, priors.loading)
    deviations[0] = priors.intercept
    return np.diag(deviations**-2.0)


def _divergence_of_items(state: Variational, means: Floats) -> float:
    """Kullback-Leibler distance of intercepts and loadings from their prior."""
    prior = _prior_precision(state.priors, means.shape[1])
    spread = np.einsum("jaa,a->j", state.covariances, prior.diagonal())
    apart = (means**2) @ prior.diagonal()
    dets = np.linalg.slogdet(state.covariances)[1] + np.linalg.slogdet(prior)[1]
    return float((spread + apart - means.shape[1] - dets).sum() / 2)


def _rescale(state: Variational) -> None:
    """The linear map between scores and loadings at which the bound is highest.

    theta -> A theta, l -> A^-T l leaves every utility as it is. With B = A'A, M the sum
    of E[theta theta'] and V that of E[l l'] / s^2, the bound asks to minimise
    tr(B M) + tr(B^-1 V) - (N - J) log det B: a quadratic equation in M^1/2 B M^1/2.
    Without it scores and loadings crawl along each other (Luttinen & Ilin 2010).
    """
    counts, rows = state.patterns.counts, state.patterns.rows
    items = state.patterns.items
    scores = np.einsum("r,ra,rb->ab", counts, state.scores, state.scores)
    scores += np.einsum("r,rab->ab", counts, state.score_covariances)
    loads = state.loadings.T @ state.loadings + state.covariances[:, 1:, 1:].sum(axis=0)
    values, axes = np.linalg.eigh(scores)
    root = (axes * np.sqrt(values)) @ axes.T
    back = (axes / np.sqrt(values)) @ axes.T
    inner, frame = np.linalg.eigh(root @ loads @ root / state.priors.loading**2)
    surplus = float(rows - items)
    sizes = (surplus + np.sqrt(surplus**2 + 4 * np.maximum(inner, 0))) / 2
    if not (sizes > _TINY * max(1.0, rows)).all():
        return
    # B = back frame diag(sizes) frame' back = A'A
    forward = (np.sqrt(sizes) * (back @ frame)).T
    inverse = np.linalg.inv(forward)
    state.scores = state.scores @ forward.T
    state.score_covariances = forward @ state.score_covariances @ forward.T
    state.loadings = state.loadings @ inverse
    whole = np.eye(len(forward) + 1)
    whole[1:, 1:] = inverse
    state.covariances = whole.T @ state.covariances @ whole
