"""How much an analysis is worth: scores from 0 (nothing) to 1, each with its formula.

Every function takes plain series and gives None where the series can't tell: a part
that is missing is left out of the weighted means and named, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

Floats = npt.NDArray[np.float64]

#: Weights of the parts; of those that are missing the others take the place.
CONFIDENCE = {"accuracy": 0.4, "consistency": 0.2, "convergence": 0.2, "stability": 0.2}
OVERALL = {"accuracy": 0.3, "performance": 0.2, "stability": 0.25, "confidence": 0.25}
#: A rolling window has this share of the points, at least `SMALLEST`.
WINDOWS = 4
SMALLEST = 3
#: Points of all windows together, at most: some tenths of a second.
MOST_POINTS = 4_000_000


def weighted(
    parts: Mapping[str, float | None], weights: Mapping[str, float]
) -> float | None:
    """Weighted mean of the parts that are known; None if none is."""
    known = {name: part for name, part in parts.items() if part is not None}
    total = sum(weights[name] for name in known)
    if not known:
        return None
    return sum(weights[name] * part for name, part in known.items()) / total


def mean(parts: Sequence[float | None]) -> float | None:
    """Mean of the parts that are known; None if none is."""
    known = [part for part in parts if part is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Errors:
    """How far predictions are from what came.

    mae, rmse    in the unit of the values
    mape         mean of |error| / |actual|, of the actual values that are not 0; None
                 where all are
    r_squared    1 - squared errors / squared deviations of the actual values, at most
                 1; None where these are all alike
    """

    mae: float
    rmse: float
    mape: float | None
    r_squared: float | None

    @property
    def score(self) -> float | None:
        """Mean of 1 / (1 + mape) and max(0, r_squared)."""
        return mean(
            [
                None if self.mape is None else 1 / (1 + self.mape),
                None if self.r_squared is None else max(0.0, self.r_squared),
            ]
        )


def errors(predicted: Floats, actual: Floats) -> Errors:
    """Errors of predictions, for arrays of one shape (n,), n at least 1."""
    apart = predicted - actual
    sizes = np.abs(actual)
    around = float(((actual - actual.mean()) ** 2).sum())
    return Errors(
        mae=float(np.abs(apart).mean()),
        rmse=float(np.sqrt((apart**2).mean())),
        mape=(
            float((np.abs(apart)[sizes > 0] / sizes[sizes > 0]).mean())
            if (sizes > 0).any()
            else None
        ),
        r_squared=1 - float((apart**2).sum()) / around if around > 0 else None,
    )


@dataclass(frozen=True)
class PairedTest:
    """Student's t of the mean error, and its two-sided p-value."""

    t_statistic: float
    p_value: float


def paired_test(predicted: Floats, actual: Floats) -> PairedTest | None:
    """Whether predictions are off on average; None if n < 2 or all are off alike."""
    apart = predicted - actual
    if len(apart) < 2:
        return None
    spread = float(apart.std(ddof=1))
    if spread == 0:
        return PairedTest(0.0, 1.0) if apart[0] == 0 else None
    t = float(apart.mean()) / (spread / np.sqrt(len(apart)))
    return PairedTest(float(t), float(2 * stdtr(len(apart) - 1, -abs(t))))


def agreement(one: Sequence[int], other: Sequence[int]) -> float | None:
    """Share of the directions (-1, 0, 1) in which two series agree."""
    pairs = list(zip(one, other, strict=True))
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else None


def directions(values: Floats) -> list[int]:
    """Where a series goes from each value to the next: -1, 0 or 1."""
    return [int(step) for step in np.sign(np.diff(values))]


def consistency(values: Floats) -> float | None:
    """1 - std / mean |step| of a series' steps, at least 0; None under 3 values.

    1 for a straight line, and for a series that stays where it is.
    """
    if len(values) < 3:
        return None
    steps = np.diff(values)
    size = float(np.abs(steps).mean())
    return max(0.0, 1 - float(steps.std()) / size) if size > 0 else 1.0


def convergence(error: Floats) -> float | None:
    """Share of the largest error that is gone at the end; None under 2 errors."""
    if len(error) < 2:
        return None
    largest = float(np.abs(error).max())
    return 1 - abs(float(error[-1])) / largest if largest > 0 else 1.0


def steadiness(values: Floats) -> float | None:
    """1 / (1 + coefficient of variation); None under 2 values.

    1 if all are alike, 0 if they vary around 0.
    """
    if len(values) < 2:
        return None
    spread, middle = float(values.std()), abs(float(values.mean()))
    return middle / (middle + spread) if spread > 0 else 1.0


def correlation(x: Floats, y: Floats) -> float | None:
    """Pearson's; None under 2 points or where one of them stays as it is."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    a, b = x - x.mean(), y - y.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()  # else squares may vanish
    found = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return max(-1.0, min(1.0, found))


def rolling_correlations(x: Floats, y: Floats) -> Floats:
    """Correlation in each window of a quarter of the points (at least 3), in order.

    Windows in which a series stays as it is have none and are left out. Where
    they hold more than MOST_POINTS together, fewer are looked at, evenly spaced from
    the first to the last: they overlap nearly whole.
    """
    width = max(SMALLEST, len(x) // WINDOWS)
    last = len(x) - width
    if last < 0:
        return np.empty(0)
    spaced = np.rint(np.linspace(0, last, min(last + 1, MOST_POINTS // width)))
    found = [
        correlation(x[first : first + width], y[first : first + width])
        for first in spaced.astype(int).tolist()
    ]
    return np.array([value for value in found if value is not None])


@dataclass(frozen=True)
class Effect:
    """What is known of one input.

    relative     size of its effect, relative to the output: |elasticity| times the
                 width of its range relative to its value; None = not known
    size         size of its effect in the output's unit (or of its index)
    half_width   of the interval around that; None = no interval
    """

    id: str
    relative: float | None
    size: float
    half_width: float | None


@dataclass(frozen=True)
class Lever:
    """Worth of an input as a lever on the output, all in 0..1; None = not known."""

    id: str
    leverage: float | None
    certainty: float | None
    efficacy: float | None


def levers(effects: Sequence[Effect]) -> list[Lever]:
    """Leverage, certainty and their product for each input, the best lever first.

    Where no effect is known relative to its output, all are taken by their size.
    """
    by_size = all(effect.relative is None for effect in effects)
    raw = [effect.size if by_size else effect.relative for effect in effects]
    largest = max((value for value in raw if value is not None), default=0.0)
    found = []
    for effect, value in zip(effects, raw, strict=True):
        leverage = None
        if value is not None:
            leverage = value / largest if largest > 0 else 0.0
        certainty = _certainty(effect)
        worth = None
        if leverage is not None and certainty is not None:
            worth = leverage * certainty
        found.append(Lever(effect.id, leverage, certainty, worth))
    return sorted(found, key=lambda lever: -(lever.efficacy or 0.0))


def _certainty(effect: Effect) -> float | None:
    """1 - half-width / size, within 0..1; an effect surely 0 is certain."""
    if effect.half_width is None:
        return None
    if effect.size == 0:
        return 1.0 if effect.half_width == 0 else 0.0
    return 1 - min(1.0, effect.half_width / effect.size)
