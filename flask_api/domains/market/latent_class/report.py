"""All that is known of a fitted latent class model, and what to beware of."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.classification import (
    Classification,
    classification,
)
from flask_api.domains.market.latent_class.criteria import (
    Criteria,
    GoodnessOfFit,
    criteria,
    goodness_of_fit,
)
from flask_api.domains.market.latent_class.fit import Fitting
from flask_api.domains.market.latent_class.information import (
    Errors,
    finding_errors,
)
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.latent_class.residuals import (
    Residuals,
    finding_residuals,
)
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import drained

Floats = npt.NDArray[np.float64]
T = TypeVar("T")

#: A class with a smaller share, or with fewer rows, is worth a second look.
SMALL_SHARE, SMALL_ROWS = 0.01, 10
#: Below, classes overlap so much that rows can't be told apart.
LOW_ENTROPY = 0.6


@dataclass(frozen=True)
class Report:
    """A fitted model with its diagnostics.

    model              classes by size
    criteria           information criteria
    fit                G2, X2, degrees of freedom
    classification     how surely rows belong to their class
    residuals          pairs of products that the classes don't explain
    errors             standard errors and intervals
    log_likelihoods    of all starts, in order, shape (starts,)
    finished           starts that were followed to their end, shape (starts,)
    reached            finished starts that found the best
    boundaries         probabilities at 0 or 1
    warnings           what to beware of, in whole sentences
    """

    model: LatentClasses
    criteria: Criteria
    fit: GoodnessOfFit
    classification: Classification
    residuals: Residuals
    errors: Errors
    log_likelihoods: Floats
    finished: npt.NDArray[np.bool_]
    reached: int
    boundaries: int
    warnings: list[str]


def report(
    fitting: Fitting,
    *,
    robust: bool = False,
    confidence: float = 0.95,
    names: Sequence[str] | None = None,
) -> Report:
    """Every diagnostic of the best model so far, at once. See `reporting`."""
    return drained(reporting(fitting, robust, confidence, names))


def reporting(
    fitting: Fitting,
    robust: bool = False,
    confidence: float = 0.95,
    names: Sequence[str] | None = None,
) -> Generator[float, None, Report]:
    """Every diagnostic of the best model so far.

    fitting      the state of `fit`, also one that was left before its end
    robust       sandwich standard errors instead of those from observed information
    confidence   of the intervals
    names        of the columns, for warnings; None = 1, 2, ...

    Yields the share that is done after each block of work, and returns the report.
    """
    patterns, model = fitting.patterns, fitting.best()
    rows = int(patterns.counts[patterns.informative()].sum())
    classes = classification(patterns, model)
    left = yield from _part(finding_residuals(patterns, model), 0.0, 0.3)
    found = finding_errors(patterns, model, robust, confidence)
    errors = yield from _part(found, 0.3, 0.7)
    boundaries = int(errors.boundary.sum())
    judged = goodness_of_fit(patterns, model)
    warnings = [
        *_search_warnings(fitting, model),
        *_data_warnings(patterns, left.identical, names),
        *_model_warnings(model, judged, classes, errors, rows),
    ]
    return Report(
        model,
        criteria(model, rows, classes.entropy),
        judged,
        classes,
        left,
        errors,
        np.array([start.log_likelihood for start in fitting.starts]),
        np.array([start.finished for start in fitting.starts]),
        fitting.reached,
        boundaries,
        warnings,
    )


def _part(
    work: Generator[float, None, T], before: float, width: float
) -> Generator[float, None, T]:
    """Work whose shares are those of a part of the whole."""
    while True:
        try:
            share = next(work)
        except StopIteration as end:
            found: T = end.value
            return found
        yield before + width * share


def _search_warnings(fitting: Fitting, model: LatentClasses) -> list[str]:
    said = []
    if fitting.phase != "finished":
        said.append("The search was stopped: this is the best model until then.")
    elif not model.converged:
        said.append(
            f"The fit did not converge within {fitting.max_iter:,} iterations: raise "
            "max_iter or tol."
        )
    finished = sum(start.finished for start in fitting.starts)
    if fitting.phase == "finished" and finished > 1 and fitting.reached < 2:
        said.append(
            f"Only 1 of {finished} finished starts reached the best log-likelihood: "
            "there may be a better one. Raise n_init."
        )
    return said


def _data_warnings(
    patterns: Patterns,
    identical: list[tuple[int, int]],
    names: Sequence[str] | None,
) -> list[str]:
    said = []
    called = (
        [str(number) for number in range(1, patterns.items + 1)]
        if names is None
        else [repr(name) for name in names]
    )
    bought, known = patterns.totals()
    constant = np.flatnonzero((bought == 0) | (bought == known))
    if constant.size:
        said.append(
            f"{_columns([called[i] for i in constant])} the same value in every row, "
            "and tell nothing of classes."
        )
    varied = [(i, j) for i, j in identical if i not in constant and j not in constant]
    if varied:
        i, j = varied[0]
        said.append(
            f"Columns {called[i]} and {called[j]} are alike in every row{_more(varied)}"
            ": classes tend to copy them. Leave one of each pair out."
        )
    empty = int(patterns.counts[~patterns.informative()].sum())
    if empty:
        said.append(f"{empty:,} rows have no known value, and are not counted.")
    return said


def _more(pairs: Sequence[tuple[int, int]]) -> str:
    return f" (and {len(pairs) - 1} more pairs)" if len(pairs) > 1 else ""


def _columns(called: Sequence[str]) -> str:
    named = ", ".join(called[:10])
    more = f" and {len(called) - 10} more" if len(called) > 10 else ""
    return f"Column {named} has" if len(called) == 1 else f"Columns {named}{more} have"


def _model_warnings(
    model: LatentClasses,
    judged: GoodnessOfFit,
    classes: Classification,
    errors: Errors,
    rows: int,
) -> list[str]:
    said = []
    if judged.degrees_of_freedom < 0:
        said.append(
            f"The model has {model.parameters:,} free numbers, more than the data can "
            "tell apart (negative degrees of freedom): take fewer classes."
        )
    if errors.beyond is not None:
        said.append(errors.beyond)
    elif not errors.identified:
        said.append(
            "The data don't determine all numbers of the model: other numbers are as "
            "likely, and there are no standard errors. Take fewer classes."
        )
    boundaries = int(errors.boundary.sum())
    if boundaries:
        said.append(
            f"{boundaries:,} of {model.probabilities.size:,} probabilities are 0 or 1"
            + (
                "."
                if errors.beyond is not None
                else ": they have no standard error, and are taken as known for the "
                "others."
            )
        )
    smallest = float(model.sizes[-1])
    if model.classes > 1 and smallest < max(SMALL_SHARE, SMALL_ROWS / rows):
        said.append(
            f"The smallest class holds {smallest:.2%} of the rows "
            f"({smallest * rows:,.1f}): it may be chance."
        )
    entropy = classes.relative_entropy
    if entropy is not None and entropy < LOW_ENTROPY:
        said.append(
            f"Classes overlap (relative entropy {entropy:.2f}): don't take the most "
            "likely class of a row for certain."
        )
    return said
