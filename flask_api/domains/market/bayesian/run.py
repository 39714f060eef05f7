"""Runs the Bayesian models for the API: steps with words, and their outcomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian.choice import ChoiceSampling, sample_choice
from flask_api.domains.market.bayesian.factors import FactorSampling, sample_factors
from flask_api.domains.market.bayesian.outcomes import (
    choice_outcome,
    factor_outcome,
    variational_outcome,
)
from flask_api.domains.market.bayesian.record import KEPT
from flask_api.domains.market.bayesian.sampler import Effort, Sampling
from flask_api.domains.market.bayesian.targets import Priors
from flask_api.domains.market.bayesian.variational import Variational, fit_variational
from flask_api.domains.market.runs.model import Outcome, Problem, Step
from flask_api.domains.market.runs.trace import Trace
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Seconds between two looks at partial results; what follows the draws, as a share of
#: their time; quantities whose means are told live.
_LOOK_S, _AFTER, _TOLD = 0.5, 0.05, 200


def bayesian_factor_vi(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Factors by variational inference. See `fit_variational`."""
    for state in fit_variational(
        problem.patterns,
        settings["n_factors"],
        max_iter=settings["max_iter"],
        tol=settings["tol"],
        priors=Priors(loading=settings["loading_prior_scale"]),
        seed=problem.seed,
    ):
        change = "..." if state.change is None else f"{state.change:.4g}"
        yield Step(
            state.max_iter if state.finished else state.iteration,
            state.max_iter,
            f"Pass {state.iteration}/{state.max_iter} | ELBO: {_last(state)} | "
            f"change: {change}",
            extra={
                "iteration": state.iteration,
                "elbo": state.elbo[-1] if state.elbo else None,
                "delta": state.change,
            },
            trace=state.elbo[-1] if state.elbo else None,
            outcome=(
                partial(variational_outcome, problem, settings, state)
                if state.finished
                else None
            ),
        )


def bayesian_factor_pymc(
    problem: Problem, settings: Mapping[str, Any]
) -> Iterator[Step]:
    """Factors by the No-U-Turn sampler. See `sample_factors`."""
    words = _Words()
    for state in sample_factors(
        problem.patterns,
        settings["n_factors"],
        effort=_effort(settings),
        priors=Priors(loading=settings["loading_prior_scale"]),
        scores=settings["scores"],
        rotation=settings["rotation"],
        max_iter=settings["max_iter"],
        seed=problem.seed,
        folder=problem.folder,
    ):
        yield words.step(state, partial(factor_outcome, problem, state))


def dcm(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Binary choice by the No-U-Turn sampler. See `sample_choice`."""
    names = settings["household_feature_columns"]
    attributes = settings["product_attributes"]
    words = _Words()
    for state in sample_choice(
        problem.patterns,
        features=problem.covariates(names) if names else None,
        attributes=_attributes(attributes, problem.columns),
        random_effects=settings["include_random_effects"],
        n_latent_features=settings["n_latent_features"],
        latent_prior_scale=settings["latent_prior_scale"],
        rotation=settings["rotation"],
        effort=_effort(settings),
        seed=problem.seed,
        folder=problem.folder,
    ):
        outcome = partial(choice_outcome, problem, state, names, list(attributes))
        yield words.step(state, outcome)


# -- steps -----------------------------------------------------------------------


def _effort(settings: Mapping[str, Any]) -> Effort:
    return Effort(
        settings["n_chains"],
        settings["n_tune"],
        settings["n_samples"],
        settings["target_accept"],
    )


def _attributes(
    given: Mapping[str, list[float]], products: tuple[str, ...]
) -> Floats | None:
    for name, values in given.items():
        if len(values) != len(products):
            raise InputError(
                f"got {len(values)} values of {name!r}; wanted one for each of "
                f"{len(products)} products, in their order",
                f"params.product_attributes.{name}",
            )
    return np.column_stack(list(given.values())) if given else None


def _last(state: Variational) -> str:
    return f"{state.elbo[-1]:.2f}" if state.elbo else "..."


class _Words:
    """Steps of a sampled model; partial results are looked at twice a second."""

    def __init__(self) -> None:
        self._looked, self._drawn = 0.0, 0
        self._agreement = Trace(KEPT)
        self._partial: dict[str, Any] = {}

    def step(
        self, state: FactorSampling | ChoiceSampling, outcome: Callable[[], Outcome]
    ) -> Step:
        sampling = state.sampling
        if sampling is None:
            return Step(0, 1, "Variational start", "initializing")
        total = sampling.total_draws * (1 + _AFTER)
        if state.phase in ("summarising", "finished"):
            share = 1.0 if state.phase == "finished" else state.summarised
            self._look(sampling, last=True)
            done = sampling.total_draws * (1 + _AFTER * share)
            return Step(
                done,
                total,
                "Posterior of the households, and criteria",
                "sampling",
                extra=_told(sampling),
                partial=self._partial,
                outcome=outcome,
            )
        self._look(sampling)
        speed = sampling.samples_per_second or 0.0
        each = sampling.total_draws // len(sampling.draws.chains)
        return Step(
            sampling.done,
            total,
            f"Chain {sampling.chain}/{len(sampling.draws.chains)}, draw "
            f"{sampling.draw}/{each} | divergences: {sampling.divergences} | "
            f"{speed:.0f} draws/s",
            sampling.phase,
            extra=_told(sampling),
            partial=self._partial,
        )

    def _look(self, sampling: Sampling, last: bool = False) -> None:
        """Renew the partial results, from time to time.

        last   the chains are through: look if there is anything new
        """
        now, drawn = time.monotonic(), sampling.draw
        if drawn == self._drawn or (now - self._looked < _LOOK_S and not last):
            return
        self._looked, self._drawn = now, drawn
        agreement = sampling.r_hat()
        if agreement is not None:
            self._agreement.add(_rounded(agreement, 5), drawn)
        ends, levels = sampling.curves.ends.tolist(), sampling.curves.means.tolist()
        self._partial = {
            "r_hat_max": agreement,
            "r_hat_trace": self._agreement.points(),
            "trace": [
                [n, _rounded(v, 9)] for n, (v, _) in zip(ends, levels, strict=True)
            ],
            "step_size_trace": [
                [n, _rounded(v, 4)] for n, (_, v) in zip(ends, levels, strict=True)
            ],
        }
        if sampling.draws.common:
            means = sampling.draws.means(_TOLD)
            self._partial["coordinate_means"] = [_rounded(m, 5) for m in means]


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _told(sampling: Sampling) -> dict[str, Any]:
    return {
        "chain": sampling.chain,
        "draw": sampling.draw,
        "total_draws": sampling.total_draws,
        "divergences": sampling.divergences,
        "step_size": sampling.step_size,
        "samples_per_second": sampling.samples_per_second,
        "engine": sampling.engine,
    }
