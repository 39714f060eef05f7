"""One sample of a model, kept: what methods need that judge given data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import blocks
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.sampling import Sampler

Floats = npt.NDArray[np.float64]

#: Numbers kept at most, of inputs and outputs together: 64 MB; ranks take 8 times that.
MOST_NUMBERS = 1 << 23
#: Sizes between which fourth powers are numbers, with room for sums.
_SMALL, _LARGE = 1e-70, 1e70


@dataclass
class GivenData:
    """The rows so far.

    names         of the inputs
    x             inputs, shape (inputs, total); the first `done` of each row are known
    y             outputs by name, each shape (total,)
    """

    names: list[str]
    total: int
    done: int
    x: Floats
    y: dict[str, Floats]

    def finite(self, output: str) -> tuple[Floats, Floats]:
        """(x, y) of the rows where `output` has a value: (inputs, n) and (n,).

        In units that bring the largest to size 1: no measure depends on the unit, and
        squares of numbers such as 1e200 or 1e-200 are none.
        """
        x, y = self.x[:, : self.done], self.y[output][: self.done]
        good = np.isfinite(y)
        if not good.all():
            x, y = np.compress(good, x, axis=1), y[good]
        return brought_to_one(x), brought_to_one(y)


@dataclass(frozen=True)
class Judgement:
    """The state after a block: how far it is, and what the rows so far say.

    total, done   rows wanted and rows evaluated
    report        of one output, in plain data whose numbers are finite or None
    """

    total: int
    done: int
    report: Callable[[str], dict[str, Any]]


def draw(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    sampling: str,
    correlation: Correlation | None = None,
) -> Iterator[GivenData]:
    """The growing sample, once after each block of rows; always the same object.

    model         called with whole columns, at most `designs.BLOCK` rows at a time
    inputs        uncertain inputs by name, at least one
    samples       rows, at least 1
    sampling      a design, such as `random` or `sobol`
    correlation   of the inputs; None = they are independent

    Raises InputError for no input, no row, or more rows than are kept.
    """
    if not inputs:
        raise InputError("got no uncertain input; wanted at least one", "parameters")
    most = MOST_NUMBERS // (len(inputs) + len(outputs))
    if not 1 <= samples <= most:
        raise InputError(
            f"got {samples:,} samples of {len(inputs)} inputs; wanted 1 to {most:,}: "
            "all are kept",
            "config.samples",
        )
    names = list(inputs)
    sampler = Sampler(
        inputs, samples, seed=seed, sampling=sampling, correlation=correlation
    )
    y = {name: np.empty(samples) for name in outputs}
    data = GivenData(names, samples, 0, np.empty((len(names), samples)), y)
    for start, n in blocks(samples):
        rows = slice(start, start + n)
        for i, drawn in enumerate(sampler.block(start, n).values()):
            data.x[i, rows] = drawn
        found = model({name: data.x[i, rows] for i, name in enumerate(names)})
        for name, kept in y.items():
            kept[rows] = found[name]
        data.done = start + n
        yield data


def brought_to_one(values: Floats) -> Floats:
    """Each row times the power of two that brings its largest size to 0.5..1.

    values   shape (..., n); a row of zeros stays as it is

    Powers of two change no digit. Rows of a usual size are left alone.
    """
    if not values.shape[-1]:
        return values
    size = np.maximum(values.max(axis=-1), -values.min(axis=-1))
    if ((size == 0) | ((size > _SMALL) & (size < _LARGE))).all():
        return values
    return np.asarray(np.ldexp(values, -np.frexp(size)[1][..., None]))


def finite(value: float) -> float | None:
    """The number as JSON can say it."""
    return float(value) if np.isfinite(value) else None


def interval(value: float, lower: float, upper: float) -> dict[str, float | None]:
    """A value between its bounds, as results show it."""
    return {"value": finite(value), "lower": finite(lower), "upper": finite(upper)}


def ranking(names: Sequence[str], effects: Floats) -> list[dict[str, Any]]:
    """Names with their effects, the largest size first, unknown ones last."""
    order = np.argsort(-np.nan_to_num(np.abs(effects), nan=-1.0), kind="stable")
    return [{"id": names[i], "effect": finite(effects[i])} for i in order]
