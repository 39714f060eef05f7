"""Borgonovo's delta: how much of an output's distribution an input decides.

Half the area between the output's density and its density with the input known, on
average: 0 without effect, 1 where the input decides all. Needs no variance and no
independence of the inputs. With it, from the same rows, the first-order Sobol index.

Sources: Borgonovo (2007), doi:10.1016/j.ress.2006.04.015; from given data, with the
bootstrap that takes out the bias: Plischke, Borgonovo, Smith (2013),
doi:10.1016/j.ejor.2012.11.047, equations 26 and 30.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from flask_api.domains.sensitivity.given_data.density_shift import (
    Counts,
    Floats,
    between_share,
    class_count,
    classes_of,
    grid_of,
    shifts,
)
from flask_api.domains.sensitivity.given_data.first_order import first_order
from flask_api.domains.sensitivity.given_data.sample import (
    GivenData,
    Judgement,
    draw,
    finite,
    interval,
    ranking,
)
from flask_api.domains.sensitivity.resampled import kept, ranks, refuse_keeping
from flask_api.numerics.correlation import Correlation
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.proportions import two_sided_z
from flask_api.numerics.streams import stream

#: Fewer rows than this make no density; more than this no better one.
FEWEST = 50
MOST = 1 << 17
#: Counts kept at most, two for each row and resample: 134 MB.
MOST_COUNTS = 1 << 27
#: Resamples at most, as of other methods.
MOST_RESAMPLES = 10_000
#: Resamples where none are asked for.
RESAMPLES = 100

_LANE, _DUMMY_LANE = 45, 46  # keep purposes apart that share a seed
_STRIP = 1 << 20  # rows drawn at a time


@dataclass(frozen=True)
class Found:
    """Delta of each input, shape (inputs,).

    raw     as it comes from the sample
    value   less the bias that the bootstrap sees
    half    half-width of the interval of `value`
    resampled   `raw` in each resample, shape (resamples, inputs)
    """

    raw: Floats
    value: Floats
    half: Floats
    resampled: Floats


def delta_indices(
    x: Floats, y: Floats, counts: Counts, confidence: float = 0.95
) -> Found:
    """Delta of the rows of `x`, shape (inputs, n), on `y`.

    y        shape (n,), finite, not constant
    counts   how often each row is in each resample, shape (n, 1 + 2 resamples), as
             `resampling_counts` has them

    The corrected value scatters more than a resample does, since the correction
    scatters too; how much more, a second resample of each resample tells.
    """
    classes = class_count(len(y))
    parts = [classes_of(np.argsort(row, kind="stable"), y, classes) for row in x]
    grid = grid_of(y, counts, np.concatenate([part.width for part in parts]))
    found = np.stack([shifts(y, part, grid) for part in parts])
    raw, resamples = found[:, 0], (counts.shape[1] - 1) // 2
    once, twice = found[:, 1 : 1 + resamples], found[:, 1 + resamples :]
    simple = once.var(axis=1, ddof=1)
    # a second resample adds a scatter of its own, as large as that of the first
    corrected = (2 * once - twice).var(axis=1, ddof=1) - simple
    half = two_sided_z(confidence) * np.sqrt(np.maximum(corrected, simple))
    return Found(raw, 2 * raw - once.mean(axis=1), half, once.T)


def resampling_counts(seed: int, n: int, resamples: int) -> Counts:
    """How often each of `n` rows is in each resample, shape (n, 1 + 2 resamples).

    First ones: the sample itself. Then n draws out of the n rows for each resample, and
    at last n draws out of those of each.
    """
    out = np.ones((n, 1 + 2 * resamples), dtype=np.uint8)
    random = stream(seed, 0, _LANE)
    strip = max(1, _STRIP // n)
    for low in range(0, resamples, strip):
        some = min(strip, resamples - low)
        once = random.integers(0, n, (some, n))
        again = np.take_along_axis(once, random.integers(0, n, (some, n)), axis=1)
        for first, drawn in ((1 + low, once), (1 + resamples + low, again)):
            flat = (drawn + n * np.arange(some)[:, None]).ravel()
            counts = np.bincount(flat, minlength=some * n).reshape(some, n)
            out[:, first : first + some] = counts.T
    return out


def delta(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    keep_resamples: bool = False,
    sampling: str = "random",
    correlation: Correlation | None = None,
    confidence: float = 0.95,
) -> Iterator[Judgement]:
    """The growing delta of several outputs, once after each block of rows.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       uncertain inputs by name, at least one
    samples      rows, FEWEST to MOST; some thousand give two digits
    resamples    size of the bootstrap that takes out the bias and gives the intervals
    keep_resamples   the last report holds `delta_raw` in each resample
    sampling     `random`, for which the intervals are made, or an even design such as
                 `sobol`, whose error they overstate
    correlation  of the inputs; None = they are independent
    confidence   of the intervals, 0 < confidence < 1

    The bounds of delta tell how the corrected estimate scatters from sample to sample.
    What bias is left they don't hold: classes and kernels of finite width pull a large
    delta down (0.49 to 0.46 in 2,000 rows of a linear model), noise pushes a small one
    up (0 to 0.03, which the dummy shows). Both shrink as rows grow.

    Raises InputError for a wrong number of rows or resamples, or no input.
    """
    if not FEWEST <= samples <= MOST:
        raise InputError(
            f"got {samples:,} samples; wanted {FEWEST} to {MOST:,}: fewer make no "
            "density, and beyond the number of classes no longer grows",
            "config.samples",
        )
    most = min(MOST_RESAMPLES, MOST_COUNTS // samples // 2)
    if not 2 <= resamples <= most:
        raise InputError(
            f"got {resamples:,} resamples of {samples:,} rows; wanted 2 to {most:,}",
            "config.resamples",
        )
    refuse_keeping(keep_resamples, resamples, len(inputs), len(outputs))
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
        ask = partial(
            judge,
            data,
            seed=seed,
            resamples=resamples,
            keep=keep_resamples and data.done == data.total,
            confidence=confidence,
        )
        yield Judgement(data.total, data.done, ask)


def judge(
    data: GivenData,
    output: str,
    *,
    seed: int,
    resamples: int,
    keep: bool = False,
    confidence: float,
) -> dict[str, Any]:
    """Delta of `output` from the rows of `data`, in plain data.

    delta        {input: {value, lower, upper}}, less the bias that a bootstrap sees
    delta_raw    {input: as it comes from the sample}
    first        {input: {value, lower, upper}}: first-order Sobol index, by the delta
                 method
    first_raw    {input: the same from means of classes alone, as SALib has it}
    dummy        delta {value, lower, upper} of an input that has no effect
    above_dummy  {input: whether its delta exceeds the upper bound of the dummy's}
    ranking      by delta, largest first
    ranks        by delta_raw in the resamples: see `resampled.ranks`
    resampled    with `keep`: {delta_raw: {input: its value in each resample}}
    """
    x, y = data.finite(output)
    names, n = data.names, len(y)
    head: dict[str, Any] = {
        "rows": n,
        "failed": data.done - n,
        "confidence": confidence,
        "interval": "double bootstrap",
        "resamples": resamples,
    }
    if n < FEWEST or y.min() == y.max():
        return head | _nothing(names, output, n)
    dummy = stream(seed, 0, _DUMMY_LANE).random(n)
    counts = resampling_counts(seed, n, resamples)
    delta = delta_indices(np.vstack([x, dummy]), y, counts, confidence)
    first, first_raw = _first(names, x, y, confidence)
    value, half = delta.value, delta.half
    noise = value[-1] + half[-1]
    each = delta.resampled[:, :-1]
    hidden = [name for name, v in zip(names, value[:-1], strict=True) if v <= noise]
    notes = [
        f"{', '.join(hidden)}: no more effect on {output} than an input without any "
        "has by chance"
    ]
    return head | {
        "classes": class_count(n),
        "delta": _named(names, delta),
        "delta_raw": dict(zip(names, map(finite, delta.raw), strict=False)),
        "first": first,
        "first_raw": first_raw,
        "dummy": interval(value[-1], value[-1] - half[-1], noise),
        "above_dummy": {name: name not in hidden for name in names},
        "ranking": ranking(names, value[:-1]),
        "ranks": ranks(names, value[:-1], each, confidence),
        **({"resampled": {"delta_raw": kept(names, each)}} if keep else {}),
        "notes": notes if hidden else [],
    }


def _first(
    names: Sequence[str], x: Floats, y: Floats, confidence: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """First-order indices with their bounds, and SALib's."""
    z = two_sided_z(confidence)
    found, raw = {}, {}
    for name, row in zip(names, x, strict=True):
        order = np.argsort(row, kind="stable")
        share = first_order(order, row, y)
        half = z * share.error
        found[name] = interval(share.value, share.value - half, share.value + half)
        raw[name] = finite(between_share(y, classes_of(order, y, class_count(len(y)))))
    return found, raw


def _named(names: Sequence[str], found: Found) -> dict[str, Any]:
    """By input; the dummy, which comes last, is left out."""
    return {
        name: interval(value, value - half, value + half)
        for name, value, half in zip(names, found.value, found.half, strict=False)
    }


def _nothing(names: Sequence[str], output: str, rows: int) -> dict[str, Any]:
    few = rows < FEWEST
    value = None if few else interval(0.0, 0.0, 0.0)
    effect = None if few else 0.0
    said = (
        f"{rows} rows with a value of {output} are too few; {FEWEST} at least"
        if few
        else f"{output} does not vary: all its indices are 0"
    )
    return {
        "classes": None,
        "delta": dict.fromkeys(names, value),
        "delta_raw": dict.fromkeys(names, effect),
        "first": dict.fromkeys(names, value),
        "first_raw": dict.fromkeys(names, effect),
        "dummy": None,
        "above_dummy": dict.fromkeys(names),
        "ranks": None,
        "ranking": [{"id": name, "effect": effect} for name in names],
        "notes": [said],
    }
