"""Bayesian factors of binary purchases by the No-U-Turn sampler.

x_ij ~ Bernoulli(logistic(alpha_j + l_j . theta_i)), theta_i ~ N(0, I),
l_jk ~ N(0, s^2), alpha_j ~ N(0, 2^2).

With one or two factors the scores are integrated out over a grid: only intercepts and
loadings are sampled, households that bought alike are one row with a count, and draws
are nearly independent. With more factors a grid would be too large, and the scores of
each household are sampled too. Collapsing rows is right only in the first case: alike
households have different scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian import quadrature
from flask_api.domains.market.bayesian.convergence import Judged, judged
from flask_api.domains.market.bayesian.identification import (
    Triangle,
    common_rotations,
    shares_explained,
    triangle_of,
)
from flask_api.domains.market.bayesian.predictive import Predictive, predictive
from flask_api.domains.market.bayesian.sampler import Effort, Sampling, checked, sample
from flask_api.domains.market.bayesian.scores import (
    Integrated,
    household_scores,
    rows_of,
)
from flask_api.domains.market.bayesian.targets import (
    HouseholdUtilities,
    IntegratedFactors,
    Priors,
)
from flask_api.domains.market.bayesian.variational import Variational, fit_variational
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

SCORES = ("auto", "integrated", "sampled")
#: Rows times nodes, or households times products: an evaluation takes some 0.15 s.
MOST_NODES, MOST_CELLS = 20_000_000, 20_000_000
#: Draws that scores and criteria are taken from, evenly spread.
SUMMARISED = 240
#: Prior standard deviations within which the grid reckons with loadings: the
#: variational start, which draws them towards 0, is no guide to steep ones.
_STEEPEST = 4.0
#: How far chains start from the variational start, logits.
_SCATTER = 0.2


@dataclass(frozen=True, eq=False)
class FactorPosterior:
    """What is known of the factors, in one rotation common to all draws.

    intercepts, intercepts_std   shape (J,), logits
    loadings, loadings_std       shape (J, K), logits per standard deviation of a score
    scores, scores_std           per distinct row, or per household where scores were
                                 sampled (`per_household`), shape (rows, K)
    variance_explained, variance_explained_std   percent of the latent variance, (K,)
    judged                       intercepts (`alpha`), then loadings: interval, R-hat
    predictive                   None in a partial posterior
    draws                        of each chain
    """

    intercepts: Floats
    intercepts_std: Floats
    loadings: Floats
    loadings_std: Floats
    scores: Floats
    scores_std: Floats
    per_household: bool
    variance_explained: Floats
    variance_explained_std: Floats
    judged: Judged
    predictive: Predictive | None
    draws: int


@dataclass(eq=False)
class FactorSampling:
    """Where the fit is.

    phase       `initializing` (variational start), `tuning`, `sampling`, `summarising`,
                `finished`
    start       the variational approximation it starts from
    integrated  whether the scores were integrated out
    triangle    anchors: the highest-loading product of each factor
    sampling    the chains, None before they begin
    posterior   set when `finished`
    """

    patterns: Patterns = field(repr=False)
    rotation: str
    phase: str = "initializing"
    start: Variational | None = None
    integrated: bool = True
    triangle: Triangle | None = None
    target: IntegratedFactors | HouseholdUtilities | None = None
    sampling: Sampling | None = None
    summarised: float = 0.0
    posterior: FactorPosterior | None = None

    def so_far(self) -> FactorPosterior | None:
        """The posterior from what every chain has drawn; None below 4 draws."""
        if self.sampling is None or self.sampling.draws.common < 4:
            return None
        return list(_summaries(self, criteria=False))[-1]


def sample_factors(
    patterns: Patterns,
    n_factors: int,
    *,
    effort: Effort | None = None,
    priors: Priors | None = None,
    scores: str = "auto",
    rotation: str = "varimax",
    max_iter: int = 200,
    seed: int = 0,
    folder: Path | None = None,
) -> Iterator[FactorSampling]:
    """The growing posterior of a factor model.

    n_factors  1 to the number of products
    scores     `integrated` (1 or 2 factors), `sampled`, or `auto`: integrated where
               that is possible and not much slower
    rotation   `varimax`, or `none`: the anchors' triangle
    max_iter   passes of the variational start at most
    seed       same seed, data and effort: same draws, however many threads
    folder     for draws, every 10 seconds

    The same object is yielded again and again; the last one is `finished`. Leave the
    loop to stop: `so_far()` is the posterior then.
    Raises InputError for settings out of range or a table that is too large.
    """
    effort, priors = checked(effort or Effort()), priors or Priors()
    state = FactorSampling(patterns, rotation)
    for start in fit_variational(
        patterns, n_factors, max_iter=max_iter, priors=priors, seed=seed
    ):
        state.start = start
        yield state
    assert state.start is not None
    turned = state.start.turned()
    state.triangle = triangle_of(turned.loadings)
    nodes = _nodes(patterns, n_factors, state.start.known_to, priors, scores)
    state.integrated = nodes is not None
    free, rotation_in = state.triangle.free(turned.loadings)
    centre = np.concatenate([turned.intercepts, free])
    if nodes is not None:
        ones, seen = rows_of(patterns)
        state.target = IntegratedFactors(
            ones, seen, patterns.counts, state.triangle, *nodes, priors
        )
    else:
        state.target = _with_households(patterns, state.triangle, priors)
        own = patterns.expand(turned.scores @ rotation_in).ravel()
        centre = np.concatenate([centre, own])
    chains = sample(state.target, _around(centre), effort, seed=seed, folder=folder)
    for sampling in chains:
        state.sampling, state.phase = sampling, sampling.phase
        if state.phase != "finished":
            yield state
    state.phase = "summarising"
    for posterior in _summaries(state, criteria=True):
        state.posterior = posterior
        if posterior is None:
            yield state
    state.phase = "finished"
    yield state


def _around(centre: Floats) -> Callable[[np.random.Generator], Floats]:
    def start(random: np.random.Generator) -> Floats:
        return centre + _SCATTER * random.normal(size=len(centre))

    return start


def _with_households(
    patterns: Patterns, triangle: Triangle, priors: Priors
) -> HouseholdUtilities:
    ones, seen = rows_of(patterns)
    if len(seen):
        ones = np.where(seen > 0, ones, np.nan)
    data = patterns.expand(ones)
    households, items = data.shape
    return HouseholdUtilities(
        data,
        np.ones(households),
        np.empty((households, 0)),
        np.empty((items, 0)),
        False,
        triangle,
        False,
        priors,
    )


def _nodes(
    patterns: Patterns, factors: int, known_to: float, priors: Priors, scores: str
) -> tuple[Floats, Floats] | None:
    """Nodes of the integral; None where scores are to be sampled."""
    if scores not in SCORES:
        raise InputError(
            f"got scores {scores!r}; wanted one of {', '.join(SCORES)}", "params.scores"
        )
    if scores == "integrated" and factors not in quadrature.REACH:
        raise InputError(
            f"got scores integrated with {factors} factors; they can be with 1 or 2: "
            "choose sampled or auto",
            "params.scores",
        )
    cells = len(patterns.of_row) * patterns.items
    if scores != "sampled" and factors in quadrature.REACH:
        nodes = quadrature.grid(factors, known_to, _STEEPEST * priors.loading)
        work = patterns.size * len(nodes[1])
        # Nanoseconds of an evaluation, times steps of a draw, times draws for one that
        # is independent: 7 x 12 x 1 against 6.6 x 60 x 3, as measured at 30 products.
        faster = work * (4 + 0.1 * patterns.items) * 12 <= cells * 6.6 * 180
        if work <= MOST_NODES and (scores == "integrated" or faster):
            return nodes
        if scores == "integrated":
            raise InputError(
                f"got {patterns.size:,} distinct rows, {len(nodes[1])} nodes each; "
                f"wanted at most {MOST_NODES:,} in all: use bayesian_factor_vi",
                "data",
            )
    if cells > MOST_CELLS:
        raise InputError(
            f"got {len(patterns.of_row):,} rows of {patterns.items} products; wanted "
            f"at most {MOST_CELLS:,} cells to sample each one's scores: use "
            "bayesian_factor_vi, or a sample of the rows",
            "data",
        )
    return None


def _summaries(
    state: FactorSampling, criteria: bool
) -> Iterator[FactorPosterior | None]:
    """None while it works, then the posterior."""
    assert state.sampling is not None and state.triangle is not None
    draws, triangle, items = state.sampling.draws, state.triangle, state.patterns.items
    structure = draws.structure()
    chains, each = structure.shape[:2]
    flat = structure.reshape(chains * each, -1)
    loadings = triangle.loadings(flat[:, items:])
    turns = common_rotations(loadings, state.rotation)
    loadings = loadings @ turns
    quantities = np.concatenate([flat[:, :items], loadings.reshape(len(flat), -1)], 1)
    width = loadings.shape[2]
    names = [("alpha", j, -1) for j in range(items)]
    names += [("loading", j, k) for j in range(items) for k in range(width)]
    known = judged(tuple(names), quantities.reshape(chains, each, -1))
    yield None
    work = household_scores(state.target, draws, turns, SUMMARISED, criteria)
    done: Integrated | None = None
    for done in work:
        state.summarised = done.done / done.total
        yield None
    assert done is not None
    shares = shares_explained(loadings)
    yield FactorPosterior(
        flat[:, :items].mean(axis=0),
        flat[:, :items].std(axis=0),
        loadings.mean(axis=0),
        loadings.std(axis=0),
        done.means,
        done.deviations,
        not state.integrated,
        shares.mean(axis=0),
        shares.std(axis=0),
        known,
        predictive(done.log_likelihood, done.counts) if criteria else None,
        each,
    )
