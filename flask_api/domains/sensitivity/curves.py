"""The curve of one input, with the intervals that all other uncertain inputs leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.selection import Varied
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.numerics.designs import design
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.one_at_a_time import Curve, curves, elasticity, impact_score

Floats = npt.NDArray[np.float64]

#: Plants priced in one call: some 10 ms of work between two reports.
ROWS = 8192


@dataclass(frozen=True)
class Entry:
    """One input's part of the answer.

    low, high   output at the lower and upper end of the input
    swing       largest less smallest output
    failed      points without a solution, of `points`
    """

    result: dict[str, Any]
    low: float | None
    high: float | None
    swing: float | None
    failed: int
    points: int


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def numeric_entry(
    model: Studied,
    item: Varied,
    base: Mapping[str, float],
    outputs: Sequence[str],
    *,
    ends_only: bool,
    uncertain: Mapping[str, Distribution],
    draws: int,
    confidence: float,
    seed: int,
    tick: Callable[[float], None],
) -> Entry:
    """Curve, elasticity, impact and intervals of a numeric input.

    base        the outputs at today's values
    outputs     the one to show first, then others that are wanted beside it
    ends_only   lowest, today's and highest value instead of the whole curve
    uncertain   distributions by canonical name, of all uncertain inputs
    tick        called with the share that is done, after each `ROWS` plants
    """
    assert item.name is not None and item.baseline is not None
    spec = model.possible(item.name)
    values = np.array(item.values)
    if ends_only:
        values = np.unique([values.min(), item.baseline, values.max()])
    found = curves(
        lambda x: model.evaluate(x, outputs),
        {item.name: item.baseline},
        item.name,
        values,
        (spec.low, spec.high),
        outputs,
        step=1.0 if spec.integer else None,
    )
    for name, curve in found.items():
        exact = model.slope(item.name, name)
        if exact is not None:
            found[name] = replace(curve, slope=_known(exact))
    others = {name: d for name, d in uncertain.items() if name != item.name}
    main = outputs[0]
    intervals = _intervals(
        model, item.name, found[main], main, others, draws, confidence, seed, tick
    )
    parts = {o: _part(found[o], item.baseline, base[o]) for o in outputs}
    curve = found[main]
    result = {
        "baseline_value": item.baseline,
        **parts[main],
        "confidence_intervals": intervals,
        "metadata": {
            "name": item.name,
            "unit": item.unit,
            "output": main,
            "steps": len(values),
            "range": {"min": item.low, "max": item.high},
            "range_origin": item.ends_from,
            "monte_carlo_iterations": draws if others else 0,
            "intervals": _explained(others, confidence),
        },
    }
    if len(outputs) > 1:
        result["outputs"] = parts
    low, high, swing = _known(curve.low), _known(curve.high), _known(curve.swing)
    failed = int((~np.isfinite(curve.results)).sum())
    return Entry(result, low, high, swing, failed, len(values))


def _explained(others: Mapping[str, Distribution], confidence: float) -> str:
    if not others:
        return "no other input is uncertain, so each interval is the point itself"
    names = ", ".join(sorted(others)[:8])
    more = f" and {len(others) - 8} more" if len(others) > 8 else ""
    return f"{confidence:.0%} of the results while these vary: {names}{more}"


def _part(curve: Curve, x0: float, y0: float) -> dict[str, Any]:
    return {
        "baseline_result": y0,
        "sensitivity_curve": [
            {"value": x, "result": _known(y)}
            for x, y in zip(curve.values.tolist(), curve.results.tolist(), strict=True)
        ],
        "elasticity": elasticity(curve.slope, x0, y0),
        "impact_score": impact_score(curve.swing, y0),
    }


def _intervals(
    model: Studied,
    name: str,
    curve: Curve,
    output: str,
    others: Mapping[str, Distribution],
    draws: int,
    confidence: float,
    seed: int,
    tick: Callable[[float], None],
) -> list[dict[str, Any]]:
    """Interval of the output at each value: the same draws of the others at all."""
    if not others:
        return [
            {"value": x, "lower": _known(y), "upper": _known(y)}
            for x, y in zip(curve.values.tolist(), curve.results.tolist(), strict=True)
        ]
    u = design("sobol", len(others), seed).block(0, draws)
    x = {
        other: shape.ppf(row)
        for (other, shape), row in zip(others.items(), u, strict=True)
    }
    tails = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
    rows: list[dict[str, Any]] = []
    together = max(1, ROWS // draws)  # points whose draws are priced in one call
    for first in range(0, len(curve.values), together):
        points = curve.values[first : first + together]
        y = np.empty(len(points) * draws)
        for start in range(0, len(y), ROWS):
            cell = np.arange(start, min(start + ROWS, len(y)))
            block = {other: column[cell % draws] for other, column in x.items()}
            block[name] = points[cell // draws]
            y[cell] = model.evaluate(block, [output])[output]
            done = first + (start + len(cell)) / draws
            tick(done / len(curve.values))
        for value, results in zip(points, y.reshape(-1, draws), strict=True):
            known = results[np.isfinite(results)]
            ends = np.quantile(known, tails) if len(known) else np.full(2, np.nan)
            lower, upper = _known(ends[0]), _known(ends[1])
            rows.append({"value": float(value), "lower": lower, "upper": upper})
    return rows


def choice_entry(
    model: Studied,
    item: Varied,
    outputs: Sequence[str],
    base: Mapping[str, float],
) -> Entry:
    """The outputs at each value of an input that is no number."""
    assert item.choices is not None
    wanted = [item.output, *(o for o in outputs if o != item.output)]
    found = [
        model.with_choice(item.id, c, item.field).evaluate({}, wanted)
        for c in item.choices
    ]
    parts: dict[str, dict[str, Any]] = {}
    for output in wanted:
        y = np.array([float(outcome[output][0]) for outcome in found])
        known = y[np.isfinite(y)]
        swing = float(known.max() - known.min()) if len(known) else float("nan")
        parts[output] = {
            "baseline_result": base[output],
            "sensitivity_curve": [
                {"value": c, "result": _known(v)}
                for c, v in zip(item.choices, y.tolist(), strict=True)
            ],
            "elasticity": None,
            "impact_score": impact_score(swing, base[output]),
        }
    points: list[dict[str, Any]] = parts[item.output]["sensitivity_curve"]
    known_results = [p["result"] for p in points if p["result"] is not None]
    low = min(known_results, default=None)
    high = max(known_results, default=None)
    result = {
        "baseline_value": None,
        **parts[item.output],
        "confidence_intervals": [
            {"value": p["value"], "lower": p["result"], "upper": p["result"]}
            for p in points
        ],
        "metadata": {
            "output": item.output,
            "steps": len(points),
            "range": None,
            "monte_carlo_iterations": 0,
            "intervals": "each interval is the point itself",
        },
    }
    if len(wanted) > 1:
        result["outputs"] = parts
    width = None if low is None or high is None else high - low
    failed = len(points) - len(known_results)
    return Entry(result, low, high, width, failed, len(points))
