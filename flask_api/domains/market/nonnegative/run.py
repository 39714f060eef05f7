"""Runs non-negative matrix factorisation for the API: steps, and its outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from flask_api.domains.market.nonnegative.fit import Fitting, fit
from flask_api.domains.market.nonnegative.parts import Parts
from flask_api.domains.market.runs.model import Outcome, Problem, Step
from flask_api.domains.market.runs.similarity import cosines

#: Below this mean cosine another start finds another part.
_STABLE = 0.9
#: Names in a warning at most.
_NAMED = 5


def nmf(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Parts of the purchases, from several starts. See `fit`."""
    state: Fitting | None = None
    for state in fit(
        problem.patterns,
        settings["n_components"],
        init=settings["init"],
        n_init=settings["n_init"],
        max_iter=settings["max_iter"],
        tol=settings["tol"],
        seed=problem.seed,
    ):
        yield _step(state)
    assert state is not None and state.answer is not None  # the last state has it
    found = state.answer
    yield Step(
        1,
        1,
        f"{len(found.components)} components | error {found.error:.4f}",
        outcome=_outcome(problem, found),
    )


def _step(state: Fitting) -> Step:
    now = state.current
    if now is None or not now.iterations:
        return Step(0, state.n_init, "Counting products in pairs", extra={})
    error = math.sqrt(now.squares)
    best = now if state.best is None else state.best
    return Step(
        state.done,
        state.n_init,
        f"Start {state.start}/{state.n_init}, round {now.iterations}/"
        f"{state.max_iter} | error: {error:.6g}",
        extra={
            "start": state.start,
            "starts": state.n_init,
            "iteration": now.iterations,
            "reconstruction_error": error,
        },
        partial={"best_reconstruction_error": math.sqrt(best.squares)},
        trace=error,
    )


def _outcome(problem: Problem, found: Parts) -> Outcome:
    names = [f"Component_{k + 1}" for k in range(len(found.components))]
    loadings = found.components.T
    return Outcome(
        arrays={
            "loadings": loadings,
            "components": found.components,
            "scores": problem.patterns.expand(found.weights),
            "similarity": cosines(loadings),
            "start_errors": np.array(found.starts),
        },
        labels={
            "loadings": (None, names),
            "components": (names, None),
            "scores": (None, names),
        },
        product_embeddings="loadings",
        household_embeddings="scores",
        similarity="similarity",
        variance_explained=100 * found.shares,
        summary={
            "n_components": len(names),
            "n_iter": found.iterations,
            "reconstruction_error": found.error,
            "var_explained_pct": (100 * found.shares).tolist(),
            "converged": found.converged,
        },
        metrics={
            "reconstruction_error": found.error,
            "rmse": found.rmse,
            "explained": found.explained,
            "explained_variance": found.explained_variance,
            "rank": found.rank,
            "starts_at_best": found.reached,
            "converged": found.converged,
        },
        tables=_tables(found, problem.columns),
        details={
            "variance_explained": "share of the sum of squares, by component; no "
            "variance about means: see the metric explained_variance",
        },
        warnings=_warnings(found, problem.columns),
        converged=found.converged,
    )


def _tables(found: Parts, products: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    each = range(len(found.components))
    stability = found.stability
    components = [
        {
            "component": k + 1,
            "share_pct": 100 * found.shares[k],
            "sparsity": found.sparsity[k],
            "weight_sparsity": found.weight_sparsity[k],
            "stability": None if stability is None else stability[k],
        }
        for k in each
    ]
    loadings = [
        {
            "product": product,
            **{f"component_{k + 1}": found.components[k, j] for k in each},
        }
        for j, product in enumerate(products)
    ]
    starts = [
        {"place": place, "reconstruction_error": error}
        for place, error in enumerate(found.starts, 1)
    ]
    return {"components": components, "loadings": loadings, "starts": starts}


def _warnings(found: Parts, products: tuple[str, ...]) -> list[str]:
    said = []
    if not found.converged:
        said.append(
            "The fit did not converge: give it more rounds (max_iter), or a larger tol."
        )
    if found.stability is not None and found.stability.min() < _STABLE:
        shaky = [k + 1 for k, one in enumerate(found.stability) if one < _STABLE]
        said.append(
            f"Components {_listed(shaky)} are not stable: other starts end with others "
            f"in their place (mean cosine below {_STABLE})."
        )
    if len(found.components) > found.rank:
        said.append(
            f"{len(found.components)} components of data of rank {found.rank}: some "
            "need not mean anything."
        )
    if found.copies:
        pairs = [f"{products[i]} and {products[j]}" for i, j, _ in found.copies]
        said.append(f"Products that are copies of each other: {_listed(pairs)}.")
    return said


def _listed(names: list[Any]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(map(str, names[:_NAMED]))
    return shown + (f" and {more} more" if more > 0 else "")
