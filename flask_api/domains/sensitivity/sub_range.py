"""Inputs that are looked at in a part of their range only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from flask_api.domains.sensitivity.selection import Varied
from flask_api.numerics.conditioning import conditioned
from flask_api.numerics.errors import InputError


class Part(Protocol):
    """A part of a range; None = no end there."""

    @property
    def min(self) -> float | None: ...

    @property
    def max(self) -> float | None: ...


@dataclass(frozen=True)
class SubRanges:
    """The parts that inputs were restricted to.

    parts   {id: {min, max, probability}}: the share of its draws that lie there
    """

    parts: Mapping[str, Mapping[str, float | None]]

    def report(self) -> dict[str, Any]:
        """{probability, inputs}; probability is that of all parts together."""
        shares = [part["probability"] or 0.0 for part in self.parts.values()]
        return {"probability": math.prod(shares), "inputs": dict(self.parts)}

    def assumptions(self) -> list[str]:
        """What the numbers of the analysis are given."""
        return [
            f"{id}: only {_said(part['min'], part['max'])}, which has a probability of "
            f"{part['probability']:.4g}"
            for id, part in self.parts.items()
        ]


def restricted(
    varied: Sequence[Varied], parts: Mapping[str, Part], field: str
) -> tuple[list[Varied], SubRanges]:
    """The inputs, those in `parts` given that they lie there.

    parts   by id
    field   where they stand in the request

    The ends of a restricted input are those of its part. Raises InputError, which tells
    the range there is, for a part in which no draw lies.
    """
    found, told = [], {}
    for item in varied:
        part = parts.get(item.id)
        if part is None:
            found.append(item)
            continue
        low = -math.inf if part.min is None else part.min
        high = math.inf if part.max is None else part.max
        try:
            assumed, probability = conditioned(item.assumed, low, high, item.integer)
        except InputError as error:
            raise InputError(f"{item.id}: {error}", f"{field}.{item.id}") from None
        told[item.id] = {
            "min": part.min,
            "max": part.max,
            "probability": probability,
        }
        first, last = _ends(item, low, high, assumed.support)
        found.append(
            replace(
                item,
                low=first,
                high=last,
                values=(first, last),
                assumed=assumed,
                distribution=None if item.distribution is None else assumed,
            )
        )
    return found, SubRanges(told)


def _ends(
    item: Varied, low: float, high: float, support: tuple[float, float]
) -> tuple[float, float]:
    """The part of the input's own range, else of what it may be at all."""
    own = max(low, item.low), min(high, item.high)
    if own[0] <= own[1]:
        return own
    # a tail beyond the range that is shown
    least, most = max(low, support[0]), min(high, support[1])
    return (
        least if math.isfinite(least) else most,
        most if math.isfinite(most) else least,
    )


def _said(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" + ("" if high is None else f" to {high:g}")
