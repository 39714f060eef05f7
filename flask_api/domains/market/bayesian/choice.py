"""The binary choice model of households and products, by the No-U-Turn sampler.

x_ij ~ Bernoulli(logistic(U_ij)),
U_ij = alpha_j + x_i beta_j + z_j gamma + u_i + theta_i . lambda_j, with
alpha ~ N(0, 2^2), beta, gamma ~ N(0, 1) per standard deviation of the feature,
u ~ N(0, sigma_hh^2), sigma_hh ~ HalfN(1), theta ~ N(0, theta_sd^2),
lambda ~ N(0, lambda_sd^2), theta_sd, lambda_sd ~ HalfN(scale).

Without values of the households' own (u, theta), alike households are one row with a
count. Of lambda_sd and theta_sd data tell only the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian.choice_posterior import (
    ChoicePosterior,
    summaries,
)
from flask_api.domains.market.bayesian.identification import triangle_of
from flask_api.domains.market.bayesian.sampler import Effort, Sampling, checked, sample
from flask_api.domains.market.bayesian.scores import rows_of
from flask_api.domains.market.bayesian.targets import HouseholdUtilities, Priors
from flask_api.domains.market.bayesian.variational import Variational, fit_variational
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Households (or distinct rows) times products: an evaluation takes some 0.15 s.
MOST_CELLS = 20_000_000
#: Numbers beyond it have squares that no computer number holds.
_LARGEST = 1e50
_SCATTER = 0.2


@dataclass(frozen=True, eq=False)
class Standardised:
    """Features per standard deviation.

    values   shape (rows, features), mean 0 and standard deviation 1
    means, deviations   what was taken out, shape (features,)
    """

    values: Floats
    means: Floats
    deviations: Floats


@dataclass(eq=False)
class ChoiceSampling:
    """Where the fit is.

    phase     `initializing`, `tuning`, `sampling`, `summarising`, `finished`
    start     variational, of latent features
    of_row    the row of the target for each household, shape (N,)
    features, attributes   standardised
    posterior set when `finished`
    """

    of_row: npt.NDArray[np.intp] = field(repr=False)
    features: Standardised
    attributes: Standardised
    rotation: str
    start: Variational | None = None
    target: HouseholdUtilities | None = None
    phase: str = "initializing"
    sampling: Sampling | None = None
    summarised: float = 0.0
    posterior: ChoicePosterior | None = None

    def so_far(self) -> ChoicePosterior | None:
        """The posterior from what every chain has drawn; None below 4 draws."""
        if self.sampling is None or self.sampling.draws.common < 4:
            return None
        return list(self.summaries(criteria=False))[-1]

    def summaries(self, criteria: bool) -> Iterator[ChoicePosterior | None]:
        """None while it works, then the posterior."""
        assert self.sampling is not None and self.target is not None
        for share, posterior in summaries(
            self.target, self.sampling.draws, self.of_row, self.rotation, criteria
        ):
            self.summarised = share
            yield posterior


def sample_choice(
    patterns: Patterns,
    *,
    features: Floats | None = None,
    attributes: Floats | None = None,
    random_effects: bool = False,
    n_latent_features: int = 0,
    latent_prior_scale: float = 1.0,
    rotation: str = "varimax",
    effort: Effort | None = None,
    seed: int = 0,
    folder: Path | None = None,
) -> Iterator[ChoiceSampling]:
    """The growing posterior of the binary choice model.

    patterns            purchases
    features            x_i, shape (N, F), finite, each of which varies; None = none
    attributes          z_j, shape (J, G), likewise
    random_effects      whether each household has a level u_i of its own
    n_latent_features   K, 0 to 10 and below the number of products
    latent_prior_scale  of the half-normal priors of lambda_sd and theta_sd, 0.1 to 10
    rotation            of latent features: `varimax`, or `none`
    seed                same seed, data and effort: same draws
    folder              for draws, every 10 seconds

    The same object is yielded again and again; the last one is `finished`. Leave the
    loop to stop: `so_far()` is the posterior then.
    Raises InputError for settings out of range, a feature that does not vary, or a
    table that is too large.
    """
    effort = checked(effort or Effort())
    _checked(patterns, n_latent_features, latent_prior_scale)
    priors = Priors(latent=latent_prior_scale)
    households, items = len(patterns.of_row), patterns.items
    x = _standardised(
        features, households, "feature", "params.household_feature_columns"
    )
    z = _standardised(attributes, items, "attribute", "params.product_attributes")
    data, counts, own_x, of_row = _rows(
        patterns, x.values, random_effects or n_latent_features > 0
    )
    state = ChoiceSampling(of_row, x, z, rotation)
    triangle, free, own = None, np.empty(0), np.empty(0)
    if n_latent_features:
        for start in fit_variational(
            patterns, n_latent_features, seed=seed, max_iter=200
        ):
            state.start = start
            yield state
        assert state.start is not None
        turned = state.start.turned()
        triangle = triangle_of(turned.loadings)
        free, turn = triangle.free(turned.loadings)
        own = patterns.expand(turned.scores @ turn).ravel()
    state.target = HouseholdUtilities(
        data,
        counts,
        own_x,
        z.values,
        random_effects,
        triangle,
        n_latent_features > 0,
        priors,
    )
    centre = _centre(state.target, patterns, free, own)
    chains = sample(state.target, _around(centre), effort, seed=seed, folder=folder)
    for sampling in chains:
        state.sampling, state.phase = sampling, sampling.phase
        if state.phase != "finished":
            yield state
    state.phase = "summarising"
    for posterior in state.summaries(criteria=True):
        state.posterior = posterior
        if posterior is None:
            yield state
    state.phase = "finished"
    yield state


def _checked(patterns: Patterns, latent: int, scale: float) -> None:
    if not 0 <= latent <= min(10, patterns.items - 1):
        raise InputError(
            f"got {latent} latent features for {patterns.items} products; wanted 0 to "
            f"{min(10, patterns.items - 1)}",
            "params.n_latent_features",
        )
    if not 0.1 <= scale <= 10:
        raise InputError(
            f"got latent_prior_scale {scale}; wanted 0.1 to 10",
            "params.latent_prior_scale",
        )


def _standardised(
    values: Floats | None, rows: int, what: str, field_name: str
) -> Standardised:
    given = np.empty((rows, 0)) if values is None else np.asarray(values, np.float64)
    if given.ndim != 2 or len(given) != rows:
        raise InputError(
            f"got {what}s of shape {given.shape}; wanted {rows:,} rows", field_name
        )
    bad = ~(np.abs(given) <= _LARGEST)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{what} {column + 1} is {given[row, column]:g} in row {row + 1}; wanted a "
            f"finite number up to {_LARGEST:g}",
            field_name,
        )
    means, deviations = given.mean(axis=0), given.std(axis=0)
    still = deviations <= 1e-12 * np.maximum(1.0, np.abs(means))
    if still.any():
        raise InputError(
            f"{what} {int(np.argmax(still)) + 1} is the same everywhere; leave it out: "
            "alpha says as much",
            field_name,
        )
    return Standardised((given - means) / deviations, means, deviations)


def _rows(
    patterns: Patterns, features: Floats, own: bool
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.intp]]:
    """Data, counts, features of the target's rows, and the row of each household."""
    ones, seen = rows_of(patterns)
    if len(seen):
        ones = np.where(seen > 0, ones, np.nan)
    if own:
        data, counts = patterns.expand(ones), np.ones(len(features))
        of_row = np.arange(len(features))
    else:
        key = np.column_stack([patterns.of_row.astype(np.float64), features])
        _, first, of_row, times = np.unique(
            key, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        data, features = ones[patterns.of_row[first]], features[first]
        counts = times.astype(np.float64)
    if data.size > MOST_CELLS:
        raise InputError(
            f"got {len(data):,} rows of {patterns.items} products to sample with; "
            f"wanted at most {MOST_CELLS:,} cells: use a sample of the households",
            "data",
        )
    return data, counts, features, of_row.ravel()


def _centre(
    target: HouseholdUtilities, patterns: Patterns, free: Floats, own: Floats
) -> Floats:
    bought, known = patterns.totals()
    share = (bought + 0.5) / (known + 1.0)
    point, part = np.zeros(target.size), target.parts
    point[part["intercept"]] = np.log(share / (1 - share))
    point[part["spread"]] = np.log(0.5)
    point[part["triangle"]], point[part["score"]] = free, own
    return point


def _around(centre: Floats) -> Callable[[np.random.Generator], Floats]:
    def start(random: np.random.Generator) -> Floats:
        return centre + _SCATTER * random.normal(size=len(centre))

    return start
