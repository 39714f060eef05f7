"""Runs the choice of a number of classes or factors for the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from flask_api.domains.market.factors.selection import Selecting
from flask_api.domains.market.factors.selection import select as select_factors
from flask_api.domains.market.latent_class.recommendation import Candidate
from flask_api.domains.market.latent_class.run import step_of
from flask_api.domains.market.latent_class.selection import Selection
from flask_api.domains.market.latent_class.selection import select as select_classes
from flask_api.domains.market.runs.model import Outcome, Problem, Step


def model_selection(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """A table of models with a recommendation. See the two functions called."""
    if settings["model"] == "lca":
        yield from _classes(problem, settings)
    else:
        yield from _factors(problem, settings)


# -- classes -----------------------------------------------------------------------


def _classes(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    numbers = range(settings["min_number"], settings["max_number"] + 1)
    resamples = settings["bootstrap_resamples"]
    state: Selection | None = None
    for state in select_classes(
        problem.patterns,
        numbers,
        n_init=settings["n_init"],
        max_iter=settings["max_iter"],
        tol=settings["tol"],
        seed=problem.seed,
        resamples=resamples,
    ):
        yield _class_step(state, resamples)
    assert state is not None
    yield Step(1, 1, "compared", outcome=_class_outcome(state))


def _class_step(state: Selection, resamples: int) -> Step:
    """Where it stands: one part of the work for each number, and for each test."""
    numbers, fitted = len(state.numbers), len(state.candidates)
    total = numbers * (2 if resamples else 1)
    if state.looked_at is not None:
        done = total if _tested(state) else float(fitted)
        message = f"Looking whether the data determine {state.looked_at} classes"
        extra: dict[str, Any] = {"classes": state.looked_at}
    elif state.test is not None:
        done = numbers + max(0, _tested(state)) + state.test.done / state.test.total
        smaller, larger = state.test.classes
        message = (
            f"{larger} classes against {smaller}: resample {state.test.done}/"
            f"{state.test.total}"
        )
        extra = {"classes": larger, "resample": state.test.done}
    elif state.fitting is not None and fitted < numbers:
        step = step_of(state.fitting)
        done = fitted + min(0.99, step.done / step.total)
        message = f"{state.fitting.classes} classes: {step.message}"
        extra = {**step.extra, "classes": state.fitting.classes}
    else:
        done, message, extra = float(fitted), f"{fitted} numbers fitted", {}
    return Step(
        min(done, total),
        total,
        message,
        extra=extra,
        partial={"candidates": [_brief(one) for one in state.candidates]},
    )


def _tested(state: Selection) -> int:
    return sum(one.p_value is not None for one in state.candidates)


def _brief(one: Candidate) -> dict[str, Any]:
    return {
        "number": one.classes,
        "bic": one.criteria.bic,
        "log_likelihood": one.criteria.log_likelihood,
    }


def _class_outcome(state: Selection) -> Outcome:
    found = state.recommendation
    assert found is not None
    chosen = next(c for c in state.candidates if c.classes == found.classes)
    rows = [
        {
            "number": one.classes,
            **asdict(one.criteria),
            "degrees_of_freedom": one.degrees_of_freedom,
            "relative_entropy": one.relative_entropy,
            "error_rate": one.error_rate,
            "smallest_class": one.smallest,
            "boundaries": one.boundaries,
            "starts_finished": one.finished,
            "starts_at_best": one.reached,
            "converged": one.model.converged,
            "identified": one.identified,
            "bootstrap_p_value": one.p_value,
            "recommended": one is chosen,
        }
        for one in state.candidates
    ]
    names = ("bic", "aic", "caic", "icl", "log_likelihood")
    return Outcome(
        arrays={
            "numbers": np.array([one.classes for one in state.candidates]),
            **{
                name: np.array(
                    [getattr(one.criteria, name) for one in state.candidates]
                )
                for name in names
            },
        },
        summary={"model": "lca", "recommended": found.classes},
        metrics={"recommended": found.classes, "bic": chosen.criteria.bic},
        tables={"candidates": rows},
        details={
            "recommendation": {
                "model": "lca",
                "number": found.classes,
                "reasons": list(found.reasons),
                "reservations": list(found.reservations),
            }
        },
        warnings=found.reservations,
        converged=all(one.model.converged for one in state.candidates),
    )


# -- factors -----------------------------------------------------------------------


def _factors(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    state: Selecting | None = None
    for state in select_factors(
        problem.patterns,
        settings["max_number"],
        replicates=settings["replicates"],
        n_init=settings["n_init"],
        max_iter=settings["max_iter"],
        seed=problem.seed,
        names=problem.columns,
    ):
        parallel = state.parallel
        drawn = 0 if parallel is None else parallel.done
        if state.phase == "correlating":
            message = "Correlations of the products in pairs"
        elif state.phase == "parallel":
            message = f"Parallel analysis: table {drawn}/{settings['replicates']}"
        else:
            message = f"{len(state.table)} numbers of factors fitted"
        yield Step(
            min(state.done, state.total),
            state.total,
            message,
            extra={"search": state.phase, "tables": drawn},
            partial={"eigenvalues": state.eigenvalues[:50].tolist()},
        )
    assert state is not None
    yield Step(1, 1, "compared", outcome=_factor_outcome(state))


def _factor_outcome(state: Selecting) -> Outcome:
    found, parallel = state.recommendation, state.parallel
    assert found is not None and parallel is not None
    rows = [
        {
            "number": number,
            **asdict(one.statistics),
            "heywood_products": len(one.heywood),
            "converged": one.converged,
            "recommended": number == found.n_factors,
        }
        for number, one in enumerate(state.table, 1)
    ]
    reasons = [reason[:1].upper() + reason[1:] + "." for reason in found.reasons]
    chosen = state.table[found.n_factors - 1]
    return Outcome(
        arrays={
            "eigenvalues": state.eigenvalues,
            "chance_mean": parallel.mean(),
            "chance_high": parallel.high(),
        },
        summary={"model": "factor_tetrachoric", "recommended": found.n_factors},
        metrics={
            "recommended": found.n_factors,
            "parallel": found.parallel,
            "kaiser": found.kaiser,
            "lowest_bic": found.lowest_bic,
            "rmsea": chosen.statistics.rmsea,
        },
        tables={"candidates": rows},
        details={
            "recommendation": {
                "model": "factor_tetrachoric",
                "number": found.n_factors,
                "reasons": reasons,
                "reservations": [],
            }
        },
        converged=all(one.converged for one in state.table),
    )
