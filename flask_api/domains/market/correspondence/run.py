"""Runs multiple correspondence analysis for the API: steps, and its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.correspondence.analysis import (
    Correspondence,
    fit,
)
from flask_api.domains.market.correspondence.inertia import Inertia, inertia
from flask_api.domains.market.correspondence.rows import row_maps
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.runs.model import Outcome, Problem, Step
from flask_api.domains.market.runs.similarity import cosines

Floats = npt.NDArray[np.float64]

#: Names in a warning at most.
_NAMED = 5


def mca(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """The map of products and households. See `fit`."""
    patterns, state = problem.patterns, None
    counting, decomposing, placing = _seconds(patterns)
    total = counting + decomposing + placing
    for state in fit(patterns, settings["n_components"]):
        done = counting * state.done / state.total + decomposing * state.decomposed
        yield Step(
            done,
            total,
            (
                f"Distinct rows counted: {state.done:,} of {state.total:,}"
                if state.done < state.total
                else f"Dimensions: {100 * state.decomposed:.0f} % worked out"
            ),
            extra={"patterns": state.done},
        )
    assert state is not None and state.answer is not None  # the last state has it
    found = state.answer
    places = np.empty((patterns.size, found.dimensions))
    shown, made = np.empty_like(places), np.empty_like(places)
    for block in row_maps(patterns, found):
        places[block.part] = block.coordinates
        shown[block.part], made[block.part] = block.cos2, block.contributions
        yield Step(
            counting + decomposing + placing * block.part.stop / patterns.size,
            total,
            f"Distinct rows placed: {block.part.stop:,} of {patterns.size:,}",
            extra={"patterns": block.part.stop},
        )
    told = inertia(found)
    yield Step(
        1,
        1,
        f"{found.dimensions} dimensions | inertia {found.total_inertia:.4f}",
        outcome=_outcome(problem, found, told, places, shown, made),
    )


def _seconds(patterns: Patterns) -> tuple[float, float, float]:
    """About how long counting, decomposing and placing take, for progress only."""
    items = patterns.items
    return (
        (3 if patterns.gaps else 1) * 5e-11 * patterns.size * items**2,
        1e-10 * items**3,
        5e-9 * patterns.size * items,
    )


def _outcome(
    problem: Problem,
    found: Correspondence,
    told: Inertia,
    places: Floats,
    shown: Floats,
    made: Floats,
) -> Outcome:
    products, patterns = problem.columns, problem.patterns
    columns = [f"{product}__{value}" for product in products for value in (1, 0)]
    bought = [f"{product}__1" for product in products]
    dimensions = [f"Dim_{k + 1}" for k in range(found.dimensions)]
    all_dimensions = [f"Dim_{k + 1}" for k in range(found.items)]
    by_column = (columns, dimensions)
    return Outcome(
        arrays={
            "row_coordinates": patterns.expand(places),
            "row_cos2": patterns.expand(shown),
            "row_contributions": patterns.expand(made),
            "column_coordinates": found.coordinates,
            "column_cos2": found.cos2,
            "column_contributions": found.contributions,
            "column_masses": found.masses,
            "product_coordinates": found.bought(),
            "eigenvalues": found.eigenvalues,
            "explained_inertia": told.raw_share,
            "benzecri_inertia": told.benzecri_share,
            "greenacre_inertia": told.greenacre_share,
            "phi": found.correlations,
            "similarity": cosines(found.bought()),
        },
        labels={
            "row_coordinates": (None, dimensions),
            "row_cos2": (None, dimensions),
            "row_contributions": (None, dimensions),
            "column_coordinates": by_column,
            "column_cos2": by_column,
            "column_contributions": by_column,
            "column_masses": (columns, None),
            "product_coordinates": (products, dimensions),
            **dict.fromkeys(
                (
                    "eigenvalues",
                    "explained_inertia",
                    "benzecri_inertia",
                    "greenacre_inertia",
                ),
                (all_dimensions, None),
            ),
        },
        product_embeddings="product_coordinates",
        household_embeddings="row_coordinates",
        similarity="similarity",
        variance_explained=100 * told.raw_share[: found.dimensions],
        summary={
            "n_components": found.dimensions,
            "total_inertia": found.total_inertia,
            "var_explained_pct": (100 * told.raw_share[: found.dimensions]).tolist(),
        },
        metrics={
            "total_inertia": found.total_inertia,
            "n_components": found.dimensions,
            "rank": found.rank,
            "dimensions_above_average": told.shown,
            "explained_pct": float(100 * told.raw_share[: found.dimensions].sum()),
            "benzecri_pct": float(100 * told.benzecri_share[: found.dimensions].sum()),
            "greenacre_pct": float(
                100 * told.greenacre_share[: found.dimensions].sum()
            ),
        },
        tables=_tables(found, told, products),
        details={"product_labels": bought},
        warnings=_warnings(found, told, products),
    )


def _tables(
    found: Correspondence, told: Inertia, products: tuple[str, ...]
) -> dict[str, list[dict[str, Any]]]:
    columns = [
        {
            "product": product,
            "bought": value,
            "mass": found.masses[2 * j + 1 - value],
            "dimension": k + 1,
            "coordinate": found.coordinates[2 * j + 1 - value, k],
            "contribution_pct": 100 * found.contributions[2 * j + 1 - value, k],
            "cos2": found.cos2[2 * j + 1 - value, k],
        }
        for k in range(found.dimensions)
        for j, product in enumerate(products)
        for value in (1, 0)
    ]
    dimensions = [
        {
            "dimension": k + 1,
            "eigenvalue": told.raw[k],
            "raw_pct": 100 * told.raw_share[k],
            "raw_cumulative_pct": 100 * told.raw_share[: k + 1].sum(),
            "adjusted": told.adjusted[k],
            "benzecri_pct": 100 * told.benzecri_share[k],
            "greenacre_pct": 100 * told.greenacre_share[k],
        }
        for k in range(found.rank)
    ]
    return {"columns": columns, "dimensions": dimensions}


def _warnings(
    found: Correspondence, told: Inertia, products: tuple[str, ...]
) -> list[str]:
    said = []
    if found.copies:
        pairs = [f"{products[i]} and {products[j]}" for i, j, _ in found.copies]
        more = len(pairs) - _NAMED
        listed = ", ".join(pairs[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        said.append(
            f"Products that are copies of each other count twice in the map: {listed}."
        )
    if found.dimensions > told.shown:
        have = "1 dimension has" if told.shown == 1 else f"{told.shown} dimensions have"
        said.append(
            f"Only {have} more inertia than the average, "
            f"1/{found.items}: the others show what independent products would, too."
        )
    if found.total_inertia < 1 - 1e-9:
        said.append(
            "Missing values were placed at their product's average: "
            f"{100 * (1 - found.total_inertia):.1f} % of the cells."
        )
    return said
