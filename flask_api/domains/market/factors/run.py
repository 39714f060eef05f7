"""Runs factor analysis for the API: steps with words, and its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors import pace
from flask_api.domains.market.factors.fit import Factors, Fitting, fit
from flask_api.domains.market.factors.parallel import Parallel, parallel_analysis
from flask_api.domains.market.factors.scores import Scoring, pattern_scores, weighing
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.domains.market.runs.model import Outcome, Problem, Step
from flask_api.domains.market.runs.similarity import cosines

Floats = npt.NDArray[np.float64]

#: Correlations that the table lists, the largest first.
_PAIRS = 200
#: Of so many starts more than one should find the smallest misfit.
_SEVERAL = 5
#: Names in a warning at most.
_NAMED = 5


def factor_tetrachoric(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Factors of the purchases, with every diagnostic. See `fit`."""
    patterns, replicates = problem.patterns, settings["parallel_replicates"]
    tables, told = replicates * pace.table(patterns), pace.scores(patterns)
    state: Fitting | None = None
    for step, state in _fitted(problem, settings):
        yield _of(step, 0.0, state.total, state.total + tables + told)
    assert state is not None and state.answer is not None  # the last state has it
    found, chance, total = state.answer, None, state.total + tables + told
    if replicates:
        shares = found.tetrachoric.shares
        for chance in parallel_analysis(patterns, shares, replicates, problem.seed):
            step = Step(
                chance.share,
                1,
                f"Parallel analysis: table {chance.done}/{replicates}",
                extra={"replicate": chance.done, "replicates": replicates},
            )
            yield _of(step, state.total, tables, total)
    weights = Stepwise(weighing(found))
    for share in weights:
        step = Step(share / 2, 1, "Weights of the scores")
        yield _of(step, state.total + tables, told, total)
    points = np.empty((patterns.size, settings["n_factors"]))
    for part, values in pattern_scores(patterns, weights.found):
        points[part] = values
        words = f"Distinct rows scored: {part.stop:,} of {patterns.size:,}"
        step = Step(0.5 + part.stop / patterns.size / 2, 1, words)
        yield _of(step, state.total + tables, told, total)
    yield Step(
        1,
        1,
        f"{_factors(settings['n_factors'])} | RMSR {found.statistics.rmsr:.4f}",
        outcome=_outcome(problem, found, chance, weights.found, points),
    )


def _of(step: Step, before: float, width: float, total: float) -> Step:
    """The step as a part of all the work."""
    return replace(step, done=before + width * step.done / step.total, total=total)


def _fitted(
    problem: Problem, settings: Mapping[str, Any]
) -> Iterator[tuple[Step, Fitting]]:
    last = (0, -1)
    for state in fit(
        problem.patterns,
        settings["n_factors"],
        extraction=settings["extraction"],
        rotation=settings["rotation"],
        n_init=settings["n_init"],
        max_iter=settings["max_iter"],
        seed=problem.seed,
        names=problem.columns,
    ):
        step, now = _step(state, settings), state.current
        if now is not None:
            new, last = (
                last != (state.start, now.iteration),
                (state.start, now.iteration),
            )
            if new and state.phase == "extracting":
                step = replace(step, trace=now.objective)
        yield step, state


def _step(state: Fitting, settings: Mapping[str, Any]) -> Step:
    if state.current is None:
        words = (
            "First start" if state.start else "Correlations of the products in pairs"
        )
        return Step(state.done, state.total, words)
    now, starts = state.current, settings["n_init"]
    if state.phase != "extracting":
        words = f"Rotation | misfit: {now.objective:.6g}"
    else:
        change = "..." if now.change is None else f"{now.change:.4g}"
        words = (
            f"Start {state.start}/{starts}, iteration {now.iteration}/"
            f"{settings['max_iter']} | misfit: {now.objective:.6g} | change: {change}"
        )
    return Step(
        state.done,
        state.total,
        words,
        extra={
            "start": state.start,
            "starts": starts,
            "iteration": now.iteration,
            "misfit": now.objective,
            "delta": now.change,
        },
        partial={} if state.best is None else {"best_misfit": state.best.objective},
    )


def _outcome(
    problem: Problem,
    found: Factors,
    chance: Parallel | None,
    told: Scoring,
    points: Floats,
) -> Outcome:
    factors = [f"Factor_{k + 1}" for k in range(found.loadings.shape[1])]
    products = problem.columns
    data = found.tetrachoric
    arrays = {
        "loadings": found.loadings,
        "structure": found.structure,
        "unrotated_loadings": found.unrotated,
        "factor_correlations": found.between,
        "communalities": found.communalities,
        "uniquenesses": found.uniquenesses,
        "eigenvalues": found.eigenvalues,
        "tetra_corr": found.smoothing.correlations,
        "tetra_corr_se": data.standard_errors,
        "thresholds": data.thresholds,
        "residual_correlations": found.residuals,
        "score_weights": told.weights,
        "scores": problem.patterns.expand(points),
        "similarity": cosines(found.loadings),
    }
    if chance is not None:
        arrays |= {"chance_mean": chance.mean(), "chance_95": chance.high()}
    positions = [f"Dim_{k + 1}" for k in range(problem.n_items)]
    by_factor = (None, factors)
    return Outcome(
        arrays=arrays,
        labels={
            **dict.fromkeys(
                ("loadings", "structure", "unrotated_loadings", "scores"), by_factor
            ),
            "score_weights": by_factor,
            "factor_correlations": (factors, factors),
            **dict.fromkeys(
                ("eigenvalues", "chance_mean", "chance_95"), (positions, None)
            ),
        },
        product_embeddings="loadings",
        household_embeddings="scores",
        similarity="similarity",
        variance_explained=100 * found.explained,
        summary={
            "n_factors": len(factors),
            "n_iter": found.iterations,
            "var_explained_pct": (100 * found.explained).tolist(),
            "converged": found.converged,
        },
        metrics=_metrics(found, chance),
        tables=_tables(found, told, products),
        details={
            "extraction": found.method,
            "rotation": found.rotation,
            "heywood_cases": [products[j] for j in found.heywood],
            "zero_cells": [
                [products[i], products[j]] for i, j in data.zero_cells[:_PAIRS]
            ],
            "smoothing": {
                "changed": found.smoothing.changed,
                "least_eigenvalue": found.smoothing.least,
                "largest_change": found.smoothing.largest_change,
                "mean_change": found.smoothing.mean_change,
            },
        },
        warnings=_warnings(found, chance, products),
        converged=found.converged,
    )


def _metrics(
    found: Factors, chance: Parallel | None
) -> dict[str, float | int | bool | None]:
    metrics: dict[str, float | int | bool | None] = {
        **asdict(found.statistics),
        "objective": found.objective,
        "rows": found.rows,
        "variance_explained_pct": float(100 * found.explained.sum()),
        "heywood_cases": len(found.heywood),
        "zero_cells": len(found.tetrachoric.zero_cells),
        "starts_at_best": found.reached,
        "converged": found.converged,
    }
    if chance is not None:
        metrics["parallel_factors"] = chance.factors(found.eigenvalues)
    return metrics


def _tables(
    found: Factors, told: Scoring, products: tuple[str, ...]
) -> dict[str, list[dict[str, Any]]]:
    data = found.tetrachoric
    count = found.loadings.shape[1]
    loadings = [
        {
            "product": product,
            **{f"factor_{k + 1}": found.loadings[j, k] for k in range(count)},
            "communality": found.communalities[j],
            "uniqueness": found.uniquenesses[j],
            "threshold": data.thresholds[j],
            "heywood": j in found.heywood,
        }
        for j, product in enumerate(products)
    ]
    factors = [
        {
            "factor": k + 1,
            "variance_pct": 100 * found.explained[k],
            "cumulative_pct": 100 * found.explained[: k + 1].sum(),
            "score_reliability": told.reliability[k],
        }
        for k in range(count)
    ]
    starts = [
        {
            "start": number,
            "misfit": value,
            "above_best": max(0.0, value - found.objective),
        }
        for number, value in enumerate(found.starts, 1)
    ]
    return {
        "loadings": loadings,
        "factors": factors,
        "correlations": _pairs(found, products),
        "starts": starts,
    }


def _pairs(found: Factors, products: tuple[str, ...]) -> list[dict[str, Any]]:
    """The strongest correlations, with what the factors leave of them."""
    data, empty = found.tetrachoric, set(found.tetrachoric.zero_cells)
    rows, columns = np.triu_indices(len(products), 1)
    order = np.argsort(-np.abs(data.correlations[rows, columns]), kind="stable")
    chosen = order[:_PAIRS]
    return [
        {
            "product": products[i],
            "other": products[j],
            "correlation": data.correlations[i, j],
            "standard_error": data.standard_errors[i, j],
            "residual": found.residuals[i, j],
            "rows": data.rows[i, j],
            "empty_cell": (i, j) in empty,
        }
        for i, j in zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True)
    ]


def _warnings(
    found: Factors, chance: Parallel | None, products: tuple[str, ...]
) -> list[str]:
    data, smooth, told = found.tetrachoric, found.smoothing, []
    if not found.converged:
        told.append(
            "The fit did not converge: give it more iterations (max_iter), or fewer "
            "factors."
        )
    if found.reached == 1 and len(found.starts) >= _SEVERAL:
        told.append(
            f"Only 1 of {len(found.starts)} starts found the smallest misfit: there "
            "may be a smaller one. Raise n_init, or take fewer factors."
        )
    if found.heywood:
        names = [products[j] for j in found.heywood]
        told.append(
            f"Heywood case: the uniqueness of {_listed(names)} fell to its lowest "
            "value, 0.005: too many factors, too few rows, or copies."
        )
    if data.zero_cells:
        count, one = len(data.zero_cells), len(data.zero_cells) == 1
        told.append(
            f"{'1 pair has' if one else f'{count:,} pairs have'} an empty cell "
            "(never bought together, or never apart), filled with half a row: "
            f"{_paired(data.zero_cells, products)}. "
            + (
                "Its correlation is a bound rather than an estimate."
                if one
                else "Their correlations are bounds rather than estimates."
            )
        )
    if data.copies:
        copies = _paired([(i, j) for i, j, _ in data.copies], products)
        told.append(f"Products that are copies of each other: {copies}.")
    if smooth.changed:
        told.append(
            "The correlations did not fit together (smallest eigenvalue "
            f"{smooth.least:.3g}) and were smoothed: one changed by up to "
            f"{smooth.largest_change:.3f}, root mean square {smooth.mean_change:.3f}."
        )
    if found.rows < len(products):
        told.append(
            f"Only {found.rows} rows for {len(products)} products: correlations are "
            "hardly known."
        )
    told += _of_number(found, chance)
    return told


def _of_number(found: Factors, chance: Parallel | None) -> list[str]:
    told, count = [], found.loadings.shape[1]
    if found.statistics.degrees < 0:
        have = "1 factor has" if count == 1 else f"{count} factors have"
        told.append(
            f"{have} more free numbers than {len(found.loadings)} "
            "products have correlations: loadings are not unique."
        )
    if chance is not None and chance.factors(found.eigenvalues) < count:
        found_by_it = _factors(chance.factors(found.eigenvalues))
        told.append(
            f"Parallel analysis finds {found_by_it}: of the {count} fitted some may be "
            "chance."
        )
    return told


def _factors(count: int) -> str:
    return "1 factor" if count == 1 else f"{count} factors"


def _paired(pairs: Sequence[tuple[int, int]], products: tuple[str, ...]) -> str:
    """The first of many pairs by name."""
    named = [f"{products[i]} and {products[j]}" for i, j in pairs[:_NAMED]]
    more = len(pairs) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
