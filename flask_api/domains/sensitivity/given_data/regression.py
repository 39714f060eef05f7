"""Regression and partial correlation: which way, and how strongly, an output follows.

SRC and PCC judge straight lines; SRRC and PRCC the same on ranks, so that any relation
that only rises or only falls counts as a line.

Sources: Saltelli, Ratto, Andres et al. (2008), Global Sensitivity Analysis, 1.2; PRCC:
Marino, Hogue, Ray, Kirschner (2008), doi:10.1016/j.jtbi.2008.04.011.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.special import stdtrit

from flask_api.domains.sensitivity.given_data.linear_fit import Fit, fewest, fit
from flask_api.domains.sensitivity.given_data.sample import (
    GivenData,
    Judgement,
    draw,
    finite,
    interval,
    ranking,
)
from flask_api.numerics.correlation import Correlation
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.proportions import two_sided_z

#: Below this R^2 the fit misses too much for its coefficients to rank inputs.
GOOD_R2 = 0.7


def regression(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    ranked: bool,
    sampling: str = "random",
    correlation: Correlation | None = None,
    confidence: float = 0.95,
) -> Iterator[Judgement]:
    """The growing coefficients of several outputs, once after each block of rows.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       uncertain inputs by name, at least one
    samples      rows, at least inputs + 3; 10 times as many as inputs are few
    ranked       SRRC and PRCC instead of SRC and PCC
    sampling     `random`, for which the intervals are made, or an even design such as
                 `sobol`, whose error they overstate
    correlation  of the inputs; None = they are independent
    confidence   of the intervals, 0 < confidence < 1

    Raises InputError for no input, no row, or more rows than are kept.
    """
    drawn = draw(
        model,
        inputs,
        outputs,
        samples,
        seed=seed,
        sampling=sampling,
        correlation=correlation,
    )
    for data in drawn:
        ask = partial(judge, data, ranked=ranked, confidence=confidence)
        yield Judgement(data.total, data.done, ask)


def judge(
    data: GivenData, output: str, *, ranked: bool, confidence: float
) -> dict[str, Any]:
    """Coefficients of `output` from the rows of `data`, in plain data.

    src or srrc    {input: {value, lower, upper}}: change of the output in its standard
                   deviations for one of the input's
    pcc or prcc    {input: {value, lower, upper}}: correlation once the other inputs are
                   taken out of both
    p_value        {input: chance of a partial correlation this large by luck}
    r2             share of the variance that the fit explains; r2_adjusted: less what
                   it would explain by luck
    ranking        by the partial correlation, largest size first
    notes          what to know before believing it
    """
    x, y = data.finite(output)
    found = fit(x, y, ranked)
    names = data.names
    slope, part = ("srrc", "prcc") if ranked else ("src", "pcc")
    head: dict[str, Any] = {
        "rows": len(y),
        "failed": data.done - len(y),
        "confidence": confidence,
        "interval": "delta method",
    }
    if found is None:
        # of few rows nobody knows whether the output varies
        flat = len(y) >= fewest(len(names)) and y.min() == y.max()
        same = dict.fromkeys(names, interval(0.0, 0.0, 0.0) if flat else None)
        return head | {
            slope: same,
            part: dict(same),
            "p_value": dict.fromkeys(names),
            "r2": None,
            "r2_adjusted": None,
            "ranking": ranking(names, np.full(len(names), 0.0 if flat else np.nan)),
            "notes": [_nothing(output, len(y), len(names), flat)],
        }
    t = float(stdtrit(found.freedom, 0.5 + confidence / 2))
    half = t * found.standardised_error
    slopes = zip(
        names,
        found.standardised,
        found.standardised - half,
        found.standardised + half,
        strict=True,
    )
    return head | {
        slope: {name: interval(*three) for name, *three in slopes},
        part: _partial(names, found, two_sided_z(confidence)),
        "p_value": dict(zip(names, map(finite, found.p_value), strict=True)),
        "r2": finite(found.r2),
        "r2_adjusted": finite(found.r2_adjusted),
        "ranking": ranking(names, found.partial),
        "notes": _notes(found, names, output, ranked),
    }


def _partial(names: Sequence[str], found: Fit, z: float) -> dict[str, Any]:
    """Partial correlations between bounds from Fisher's scale, within -1..1."""
    sure = np.abs(found.partial) >= 1 - 1e-15
    at = np.arctanh(np.where(sure, 0.0, found.partial))
    half = z * found.fisher_error
    lower = np.where(sure, found.partial, np.tanh(at - half))
    upper = np.where(sure, found.partial, np.tanh(at + half))
    each = zip(names, found.partial, lower, upper, strict=True)
    return {name: interval(*three) for name, *three in each}


def _nothing(output: str, rows: int, inputs: int, flat: bool) -> str:
    """Why there is no fit."""
    if not rows:
        return f"{output} has no value in any row"
    if flat:
        return f"{output} does not vary: all its coefficients are 0"
    return (
        f"rows with a value of {output}: {rows}, too few for {inputs} inputs; "
        f"{fewest(inputs)} at least, ten times as many as inputs for a picture"
    )


def _notes(found: Fit, names: Sequence[str], output: str, ranked: bool) -> list[str]:
    notes = [
        f"{names[i]} does not vary in these rows: it has no coefficient"
        for i in found.constant
    ]
    for members in found.together:
        said = ", ".join(names[i] for i in members)
        notes.append(
            f"{said} determine each other (collinear): no coefficient of them can be "
            "told; leave one out, or form a group in another method"
        )
    if found.r2_adjusted < GOOD_R2:
        fitted = "ranks" if ranked else "straight lines"
        better = "" if ranked else "PRCC (if it only rises or falls), "
        notes.append(
            f"{fitted} explain only {found.r2_adjusted:.0%} of the variance of "
            f"{output}: an input that counts can have a small coefficient; use "
            f"{better}Sobol indices, PAWN or delta instead"
        )
    if found.r2 > 1 - 1e-12:
        notes.append(
            f"{output} is exactly a line in the {'ranks of the ' if ranked else ''}"
            "inputs: partial correlations are 1, -1, or not told where nothing is left"
        )
    return notes
