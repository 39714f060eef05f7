"""When draws are enough: a chosen number is known to a chosen relative error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_api.numerics.errors import InputError
from flask_api.numerics.summary import Interval, Metric, Summary

#: Draws before the first look: fewer can look settled by luck.
FIRST_LOOK = 1024
#: Next look when the draws have grown by this factor; looks too often find luck.
LOOK_AGAIN = 1.1
#: Independent scrambles under sobol and lhs where a run may stop early.
REPLICATES = 16


@dataclass(frozen=True)
class StopRule:
    """Stop when half the interval of `metric` is at most `relative_error` of its value.

    metric           mean, standard deviation, a percentile, or the target's probability
    relative_error   0 < relative_error < 1, such as 0.001
    output           whose metric; None = the first output
    """

    metric: Metric
    relative_error: float
    output: str | None = None


@dataclass(frozen=True)
class Reached:
    """How well the metric is known after the last look."""

    rule: StopRule
    output: str
    converged: bool
    draws: int
    interval: Interval | None

    def report(self) -> dict[str, Any]:
        """As plain data; `reached` is the relative error, None where it has none."""
        known = self.interval
        return {
            "metric": self.rule.metric.name,
            "output": self.output,
            "wanted": self.rule.relative_error,
            "reached": None if known is None else known.relative,
            "converged": self.converged,
            "draws": self.draws,
            "value": None if known is None else known.value,
            "lower": None if known is None else known.lower,
            "upper": None if known is None else known.upper,
            "basis": None if known is None else known.basis,
        }


class Watch:
    """Looks at fixed numbers of draws whether the rule is fulfilled."""

    def __init__(self, rule: StopRule, outputs: Sequence[str]) -> None:
        self.rule, self.output = rule, rule.output or outputs[0]
        self.reached = Reached(rule, self.output, False, 0, None)
        self._next = float(FIRST_LOOK)

    def look(self, summary: Summary, done: int, total: int) -> bool:
        """Whether to stop after `done` of `total` draws, in the order of blocks."""
        if done < self._next and done < total:
            return False
        self._next = done * LOOK_AGAIN
        interval = summary.interval(self.rule.metric)
        enough = interval is not None and (
            interval.relative is not None
            and interval.relative <= self.rule.relative_error
        )
        # with fewer finite draws than a first look has, luck is still likely
        enough = enough and summary.moments.n >= FIRST_LOOK // 2
        self.reached = Reached(self.rule, self.output, enough, done, interval)
        return enough


def read_stop(
    described: Mapping[str, Any] | None,
    outputs: Sequence[str],
    target: bool,
    field: str = "config.stop",
) -> StopRule | None:
    """The stop rule of a request: {metric, relative_error, output?}.

    target   whether a target is given, whose probability could be the metric

    Raises InputError for an unknown metric or output, and for a relative error that is
    not between 0 and 1.
    """
    if described is None:
        return None
    unknown = sorted(set(described) - {"metric", "relative_error", "output"})
    if unknown:
        wanted = "wanted metric, relative_error, output"
        raise InputError(f"got {unknown[0]!r:.60}; {wanted}", f"{field}.{unknown[0]}")
    error = described.get("relative_error")
    number = isinstance(error, int | float) and not isinstance(error, bool)
    if not number or not 0 < float(error or 0) < 1:
        raise InputError(
            f"got {error!r:.60}; wanted a share between 0 and 1, such as 0.001",
            f"{field}.relative_error",
        )
    output = described.get("output")
    if output is not None and output not in outputs:
        raise InputError(
            f"got {output!r:.60}; these are computed: {', '.join(outputs)}",
            f"{field}.output",
        )
    metric = read_metric(described.get("metric"), f"{field}.metric")
    if metric.name == "probability_of_target" and not target:
        raise InputError(
            "the probability of the target needs a target; give config.target",
            f"{field}.metric",
        )
    return StopRule(metric, float(error or 0), output)


def read_metric(name: Any, field: str) -> Metric:
    """`mean`, `std`, `probability_of_target` or a percentile such as `p90`, `p2.5`."""
    if name in ("mean", "std", "probability_of_target"):
        return Metric(str(name))
    found = (
        re.fullmatch(r"p(\d{1,3}(?:\.\d{1,6})?)", name)
        if isinstance(name, str)
        else None
    )
    if found and 0 < float(found[1]) < 100:
        return Metric(str(name), float(found[1]) / 100)
    raise InputError(
        f"got {name!r:.60}; offered: mean, std, probability_of_target, and percentiles "
        "such as p90",
        field,
    )
