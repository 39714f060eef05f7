"""Runs latent class analysis for the API: steps with words, and its outcome."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.covariates import (
    CovariateEffects,
)
from flask_api.domains.market.latent_class.covariates import (
    lca_covariates as three_step,
)
from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.latent_class.likelihood_ratio import likelihood_ratio
from flask_api.domains.market.latent_class.outcome import outcome_of, with_effects
from flask_api.domains.market.latent_class.report import Report, reporting
from flask_api.domains.market.runs.model import Problem, Step

Floats = npt.NDArray[np.float64]

#: Work of one resample of the likelihood-ratio test, as a part of the search.
_RESAMPLE = 0.2
#: The search's part of the work, where standard errors take long, too.
_SEARCH = 0.8


def lca(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Latent classes with every diagnostic. See `fit` and `report`."""
    searched = _Searched()
    yield from _search(problem, settings, searched)
    fitting = searched.found()
    told = yield from _reported(problem, fitting, settings)
    yield Step(
        1, 1, _said(fitting), outcome=outcome_of(problem, told, searched.p_value)
    )


def lca_covariates(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Latent classes, then what decides who belongs to which."""
    names = settings["covariate_columns"]
    covariates = problem.covariates(names)
    searched = _Searched()
    yield from _search(problem, settings, searched)
    fitting = searched.found()
    found: CovariateEffects | None = None
    for state in three_step(
        problem.patterns,
        fitting.best(),
        covariates,
        reference=settings["reference_class"] - 1,
        standardise=settings["standardise"],
        confidence=settings["confidence_level"],
        names=names,
    ):
        yield Step(
            _SEARCH,
            1,
            f"Covariates, step {state.iteration} | LL: {state.log_likelihood:.2f}",
            extra={
                "iteration": state.iteration,
                "log_likelihood": state.log_likelihood,
                "delta": state.change,
            },
        )
        found = state.effects
    assert found is not None  # the last state has them
    told = yield from _reported(problem, fitting, settings)
    outcome = outcome_of(problem, told, searched.p_value)
    yield Step(1, 1, _said(fitting), outcome=with_effects(outcome, found, names))


# -- steps -----------------------------------------------------------------------


@dataclass
class _Searched:
    """Where a search and its test leave what they found."""

    fitting: Fitting | None = None
    p_value: float | None = None

    def found(self) -> Fitting:
        assert self.fitting is not None  # a search has at least one state
        return self.fitting


def _search(
    problem: Problem, settings: Mapping[str, Any], into: _Searched
) -> Iterator[Step]:
    """The fit, and the bootstrap test against one class less if it was asked for."""
    common = {name: settings[name] for name in ("n_init", "max_iter", "tol")}
    resamples = settings["bootstrap_resamples"]
    total = 2 + _RESAMPLE * resamples if resamples else 1
    for into.fitting in fit(
        problem.patterns,
        settings["n_classes"],
        seed=problem.seed,
        exhaustive_starts=settings["exhaustive_starts"],
        **common,
    ):
        yield _part(step_of(into.fitting), 0, total)
    if not resamples:
        return
    smaller: Fitting | None = None
    fewer = settings["n_classes"] - 1
    for smaller in fit(problem.patterns, fewer, seed=problem.seed, **common):
        yield _part(step_of(smaller), 1, total)
    assert smaller is not None
    fitting = into.found()
    for state in likelihood_ratio(
        problem.patterns,
        smaller.best(),
        fitting.best(),
        resamples=resamples,
        max_iter=settings["max_iter"],
        tol=settings["tol"],
        seed=problem.seed,
    ):
        yield Step(
            _SEARCH * (2 + _RESAMPLE * state.done),
            total,
            f"Likelihood-ratio test: resample {state.done}/{resamples}",
            extra={"resample": state.done, "resamples": resamples},
        )
        into.p_value = state.p_value if state.done else None


def _part(step: Step, before: int, total: float) -> Step:
    """A step of a search, of which so many come before, out of a whole."""
    done = before + min(1.0, step.done / step.total)
    return replace(step, done=_SEARCH * done, total=total)


def step_of(state: Fitting) -> Step:
    """The state of a fit in words."""
    number = state.starts.index(state.current) + 1
    change = "..." if state.change is None else f"{state.change:.4g}"
    extra = {
        "start": number,
        "starts": len(state.starts),
        "search": state.phase,
        "iteration": state.iteration,
        "log_likelihood": state.log_likelihood,
        "delta": state.change,
        "class_sizes": state.sizes.tolist(),
    }
    return Step(
        state.done,
        max(state.total, state.done + 1),
        f"Start {number}/{len(state.starts)}, iteration {state.iteration}/"
        f"{state.max_iter} | LL: {state.log_likelihood:.2f} | change: {change}",
        extra=extra,
        partial={
            "class_sizes": extra["class_sizes"],
            "best_log_likelihood": state.leader.log_likelihood,
        },
        trace=state.log_likelihood,
    )


def _reported(
    problem: Problem, fitting: Fitting, settings: Mapping[str, Any]
) -> Generator[Step, None, Report]:
    """Every diagnostic, told step by step."""
    work = reporting(
        fitting,
        settings["robust_errors"],
        settings["confidence_level"],
        problem.columns,
    )
    share = 0.0
    while True:
        yield Step(
            _SEARCH + (1 - _SEARCH) * share,
            1,
            f"Standard errors and residuals: {share:.0%}",
        )
        try:
            share = next(work)
        except StopIteration as end:
            told: Report = end.value
            return told


def _said(state: Fitting) -> str:
    best = state.leader
    return f"{state.classes} classes | LL: {best.log_likelihood:.4f}"
