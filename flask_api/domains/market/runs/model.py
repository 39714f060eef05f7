"""How a model of market structure plugs in: what its fit is given, and what it tells.

A model is two files in its own room, and one line in `runs/registry.py`:

    <room>/schema.py    what may be asked: a pydantic class of parameters, a class of
                        requests and one `Model(...)`; the web process reads it, so it
                        imports no mathematics. See `latent_class/schema.py`.
    <room>/run.py       a generator `(problem, settings) -> Iterator[Step]`, plain: no
                        pydantic, no job, no HTTP. See `latent_class/run.py`.

    def run(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
        for state in fit(problem.matrix(), settings["n_factors"], seed=problem.seed):
            yield Step(state.done, state.total, f"Iteration {state.iteration}",
                       extra={"iteration": state.iteration})
        yield Step(1, 1, "fitted", outcome=outcome_of(state))

`settings` are the request's `params` with every default filled in. The job between two
steps reports progress and stops if it was asked to: a step should take some tens of
milliseconds, up to half a second. The last step must bear an `Outcome`. Of a run that
is stopped only the files in `problem.folder` are kept: what is worth keeping, such as
draws, is saved there on the way.
Refuse with `flask_api.numerics.errors.InputError(message, field="params.n_factors")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.data.table import MISSING, Table
from flask_api.domains.market.patterns.patterns import Patterns, pack

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Problem:
    """What is to be fitted.

    values      0, 1 or 255 = missing, shape (rows, items); 255 only where the model
                takes missing values (`Model.takes_missing`) and the user chose `mar`
    columns     names of the items, the products
    seed        for every random number
    table       all columns of the data, for covariates: `table.number("age")`
    folder      where a long fit may save what it has, such as draws; None = nowhere.
                What lies in it when the run ends, also by a stop, is kept with the run
    rows        numbers of the rows fitted, in the data, from 0; None = all. Covariates
                are to be taken at these: `problem.covariates(["age"])` does so
    """

    values: Bytes
    columns: tuple[str, ...]
    seed: int
    table: Table
    folder: Path | None = None
    rows: npt.NDArray[np.intp] | None = None

    @property
    def n_rows(self) -> int:
        return len(self.values)

    @property
    def n_items(self) -> int:
        return len(self.columns)

    @cached_property
    def missing(self) -> npt.NDArray[np.bool_] | None:
        """Where a value is missing, or None if it is nowhere."""
        gaps = self.values == MISSING
        return gaps if gaps.any() else None

    @cached_property
    def patterns(self) -> Patterns:
        """The distinct rows with their counts; missing values are marked."""
        return pack(self.values, self.missing)

    def matrix(self) -> Floats:
        """The values as numbers, NaN where missing, shape (rows, items)."""
        found = self.values.astype(np.float64)
        if self.missing is not None:
            found[self.missing] = np.nan
        return found

    def covariates(self, names: Sequence[str]) -> Floats:
        """Numeric columns of the data at the fitted rows, shape (rows, names).

        Raises InputError for an unknown column or one that is text, and for a missing
        value, by column and row.
        """
        return self.table.numbers(names, self.rows)


@dataclass(frozen=True)
class Outcome:
    """A fitted model, as the job keeps and the API tells it.

    arrays      name -> numbers: `item_probs`, `loadings`, `responsibilities`, ... Each
                becomes an .npy and a Parquet file; up to 50,000 numbers stand in the
                result as nested lists too. NaN becomes null
    labels      name of an array -> (labels of its rows, labels of its columns); either
                may be None. Where left out: a side as long as there are products gets
                their names, the other one Dim_1, Dim_2, ...
    product_embeddings      shape (items, dimensions); a name in `arrays` will do
    household_embeddings    shape (rows, dimensions), likewise
    similarity              of the products, shape (items, items), likewise
    variance_explained      per dimension, in percent
    summary     what lists show: n_iter, n_classes, ... ; small
    metrics     name -> number: bic, aic, log_likelihood, ... ; NaN becomes null
    absent      metrics that are None because this model, as it was asked for, has no
                such number; other ones are told to be undefined for the data
    tables      name -> flat rows, each a dict of JSON values: class profiles, residuals
    details     further JSON values, small
    warnings    whole sentences for the user
    converged   None where that means nothing
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    labels: Mapping[str, tuple[Sequence[str] | None, Sequence[str] | None]] = field(
        default_factory=dict
    )
    product_embeddings: str | None = None
    household_embeddings: str | None = None
    similarity: str | None = None
    variance_explained: Floats | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float | int | bool | None] = field(default_factory=dict)
    absent: Sequence[str] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    converged: bool | None = None


@dataclass(frozen=True)
class Step:
    """Where a fit stands after a block of work.

    done, total   in any unit that rises evenly with time; total may be a guess
    message       "Start 2/10, iteration 5/1000 | LL: -123.45 | change: 0.0001"
    phase         initializing, running (EM, VI), tuning or sampling
    extra         what the message says, as values: start, iteration, log_likelihood,
                  delta, class_sizes, elbo, ...; the keys iteration, log_likelihood,
                  chain, draw, total_draws, samples_per_second and divergences are told
                  under their own names too
    partial       results so far, for live pictures: class_sizes, elbo, step_size ...;
                  with `extra` below 16 kB as JSON. A `trace` here is told instead of
                  the job's
    trace         a value to add to the live trace, such as the log-likelihood; the job
                  keeps some hundred of them, evenly thinned
    outcome       the answer, in the last step; a function where making it takes work
    """

    done: float
    total: float
    message: str
    phase: str = "running"
    extra: Mapping[str, Any] = field(default_factory=dict)
    partial: Mapping[str, Any] = field(default_factory=dict)
    trace: float | None = None
    outcome: Outcome | Callable[[], Outcome] | None = None


class Run(Protocol):
    """The generator of a model."""

    def __call__(
        self, problem: Problem, settings: Mapping[str, Any]
    ) -> Iterator[Step]: ...
