"""The top of a smooth function by quasi-Newton steps, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
State = TypeVar("State")
#: Evaluates at a point: yields between blocks of work, returns (value, gradient).
Evaluation = Callable[[Floats], Generator[State, None, tuple[float, Floats]]]

#: A step must gain this share of what the slope promises.
_ENOUGH = 1e-4
#: A slope that is still so steep says that the step is too short.
_STEEP = 0.9
_MOST_TRIALS = 30


@dataclass
class Ascent:
    """Where a search stands.

    x, value, gradient   the point
    inverse              estimate of minus the inverse second derivatives there
    change               of the value by the last step
    stuck                whether no step gained anything
    """

    x: Floats
    value: float
    gradient: Floats
    inverse: Floats
    change: float = 0.0
    stuck: bool = False

    @property
    def promised(self) -> float:
        """What is left to gain, by the estimate."""
        return 0.5 * float(self.gradient @ self.inverse @ self.gradient)


def stepped(at: Ascent, evaluate: Evaluation[State]) -> Generator[State, None, None]:
    """One step upwards by BFGS, in place.

    Source: Nocedal and Wright (2006), Numerical optimization, chapter 6.
    """
    way = at.inverse @ at.gradient
    slope = float(way @ at.gradient)
    low, high, length = 0.0, np.inf, 1.0
    best: tuple[float, float, Floats] | None = None
    for _ in range(_MOST_TRIALS):
        value, gradient = yield from evaluate(at.x + length * way)
        gain = value - at.value
        if not np.isfinite(value) or gain < _ENOUGH * length * slope:
            high = length
            if best is not None and best[1] >= value:
                break
            length = _shorter(low, high, length, gain, slope)
        else:
            best = length, value, gradient
            if float(gradient @ way) <= _STEEP * slope or high < np.inf:
                break
            low, length = length, 3 * length
    if best is None:
        at.stuck = True
        return
    length, value, gradient = best
    step, bend = length * way, at.gradient - gradient
    at.change = value - at.value
    at.x, at.value, at.gradient = at.x + step, value, gradient
    curvature = float(step @ bend)
    if curvature > 1e-12 * float(np.linalg.norm(step) * np.linalg.norm(bend)):
        turn = np.eye(len(step)) - np.outer(step, bend) / curvature
        at.inverse = turn @ at.inverse @ turn.T + np.outer(step, step) / curvature


def _shorter(
    low: float, high: float, length: float, gain: float, slope: float
) -> float:
    """Where a parabola through what is known has its top, within bounds."""
    if low > 0 or not np.isfinite(gain):
        return (low + high) / 2 if low > 0 else length / 10
    top = slope * length**2 / (2 * (slope * length - gain))
    return float(np.clip(top, length / 10, length / 2))
