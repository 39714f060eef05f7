"""What an output does when one input moves and all others stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: Inputs by name, each shape (n,) -> outputs by name, each shape (n,), NaN = failed.
Model = Callable[[Mapping[str, Floats]], Mapping[str, Floats]]

#: Relative step of a derivative: its error is some 1e-10, of truncation and rounding.
STEP = 1e-5


@dataclass(frozen=True)
class Curve:
    """One output along the values of one input.

    values, results   shape (n,), in the order asked for; NaN = no solution
    low, high         the output at the smallest and at the largest value
    swing             largest less smallest result, >= 0; NaN where nothing is known
    slope             d output / d input at the baseline, or None
    """

    values: Floats
    results: Floats
    low: float
    high: float
    swing: float
    slope: float | None


def curves(
    model: Model,
    baseline: Mapping[str, float],
    name: str,
    values: Floats,
    bounds: tuple[float, float],
    outputs: Sequence[str],
    step: float | None = None,
) -> dict[str, Curve]:
    """The curve of each output along `values` of the input `name`.

    baseline   value of every input that the design holds fixed (at least `name`)
    bounds     the input's smallest and largest sensible value: the derivative at
               the baseline is one-sided at its end, else central
    step       of the derivative; None = small beside the baseline; 1 for inputs that
               only take whole numbers

    All points are one call of `model`.
    """
    x0 = baseline[name]
    around = _around(x0, bounds, step)
    y = model({name: np.concatenate([values, around])})
    n = len(values)
    return {o: _curve(values, y[o][:n], around, y[o][n:]) for o in outputs}


def _around(x0: float, bounds: tuple[float, float], step: float | None) -> Floats:
    low, high = bounds
    width = high - low if np.isfinite(high - low) else 0.0
    h = STEP * (abs(x0) or width or 1.0) if step is None else step
    return np.array([x0 - h if x0 - h >= low else x0, x0 + h if x0 + h <= high else x0])


def _curve(values: Floats, results: Floats, x: Floats, y: Floats) -> Curve:
    known = results[np.isfinite(results)]
    swing = float(known.max() - known.min()) if len(known) else float("nan")
    rise, run = float(y[1] - y[0]), float(x[1] - x[0])
    slope = rise / run if run > 0 and np.isfinite(rise) else None
    first, last = int(values.argmin()), int(values.argmax())
    return Curve(
        values, results, float(results[first]), float(results[last]), swing, slope
    )


def elasticity(slope: float | None, x0: float, y0: float) -> float | None:
    """Percent of output per percent of input: slope times x0 / y0; None at y0 = 0."""
    return None if slope is None or y0 == 0 else slope * x0 / y0


def impact_score(swing: float, y0: float) -> float | None:
    """swing / (swing + |y0|): 0 = no effect, 1 = the baseline vanishes beside it."""
    if not np.isfinite(swing) or not np.isfinite(y0):
        return None
    return swing / (swing + abs(y0)) if swing + abs(y0) > 0 else 0.0
