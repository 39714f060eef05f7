"""What an input keeps of the plant that it changes: no range that its value is beyond.

A range or a distribution says what today's value may be instead. Whoever changes the
value and says nothing of them means to keep them, which can't be where they don't hold
it: draws and curves would be of the plant before the change.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from flask_api.domains.price.model import ModelInput
from flask_api.domains.price.model_files.shown import plainly
from flask_api.numerics.distributions import make


def with_value(before: ModelInput, value: float, unit: str | None = None) -> ModelInput:
    """The input with another value; without a range or distribution that lacks it.

    unit   of the value where it is not that of before: a range in another unit says
           nothing of it
    """
    low, high, distribution = before.low, before.high, before.distribution
    moved = unit is not None and unit != before.unit
    if low is None or high is None or moved or not low <= value <= high:
        low = high = None
    if distribution is not None and (moved or not _possible(value, distribution)):
        distribution = None
    return replace(
        before,
        value=value,
        unit=before.unit if unit is None else unit,
        low=low,
        high=high,
        distribution=distribution,
    )


def _possible(value: float, distribution: Mapping[str, Any]) -> bool:
    low, high = make(distribution, "distribution").support
    return bool(low <= value <= high)


def dropped(before: ModelInput, after: ModelInput, given: Container[str]) -> str | None:
    """What a file's owner should know of what is no longer there; None if nothing.

    given   `range` and `distribution` where the file gives them anew
    """
    lost = []
    if before.low is not None and before.high is not None and after.low is None:
        ends = f"{plainly(before.low)} to {plainly(before.high)}"
        lost.append(("range", f"range {ends}"))
    if before.distribution is not None and after.distribution is None:
        lost.append(("distribution", f"{before.distribution['kind']} distribution"))
    told = [(key, text) for key, text in lost if key not in given]
    if not told:
        return None
    says, falls = ("doesn't", "it falls") if len(told) == 1 else ("don't", "they fall")
    return (
        f"{after.name}: the {' and the '.join(text for _, text in told)} of the plant "
        f"that it builds on {says} hold its value, so {falls} away; give "
        f"{' or '.join(f'`{key}`' for key, _ in told)} beside the value"
    )
