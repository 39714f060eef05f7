"""Screening after Morris: which inputs matter at all, for a few runs of each.

Source: Morris (1991), doi:10.1080/00401706.1991.10484804; mu* from Campolongo,
Cariboni, Saltelli (2007), doi:10.1016/j.envsoft.2006.10.004.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.given_data.sample import finite, interval
from flask_api.domains.sensitivity.resampled import kept, ranks, refuse_keeping
from flask_api.domains.sensitivity.screening.elementary_effects import (
    Effects,
    summarise,
)
from flask_api.domains.sensitivity.screening.trajectories import (
    TAIL,
    Trajectories,
    distances,
    level_values,
    random_trajectories,
    spread_out,
)
from flask_api.domains.sensitivity.variance.columns import Columns, columns_of
from flask_api.numerics.designs import blocks
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Candidates at most, and points of all of them: their distances to each other then
#: take a second.
MOST_CANDIDATES = 1_000
MOST_POINTS = 16_384
#: Evaluations at most; their outputs are kept for the report.
MOST_ROWS = 1 << 24

_CORNERS = (
    "the trajectories were chosen far apart, which favours corners of the grid: good "
    "for ranking; for the size of effects and their intervals take candidates = 0"
)
_LANE = 43  # keeps resampling apart from other uses of the same seed
#: Upper ends of sigma/mu* and what they say, after Garcia Sanchez et al. (2014),
#: doi:10.1016/j.enbuild.2012.08.048.
_SHAPES = ((0.1, "linear"), (0.5, "monotone"), (1.0, "almost monotone"))


@dataclass
class MorrisState:
    """The state after a block: how far it is, and what is known so far.

    total, done   evaluations of the model wanted, and had
    candidates    walks that these were chosen from; 0 = random ones
    """

    total: int
    done: int
    candidates: int
    confidence: float
    resamples: int
    keep: bool
    seed: int
    columns: Columns
    walks: Trajectories
    notes: list[str]
    y: dict[str, Floats]

    def report(self, output: str) -> dict[str, Any]:
        """The effects on `output` so far, in plain data.

        mu, mu_star    {input or group: {value, lower, upper}}: mean of the effects,
                       and of their sizes
        sigma          {input or group: standard deviation of the effects}
        shape          {input or group: linear, monotone, almost monotone, curved or
                       interacting}
        ranks          by mu_star, with a bootstrap: see `resampled.ranks`
        resampled      at the end, where they are kept: {mu_star and mu: {input or
                       group: its value in each resample}}
        trajectories   used; `failed`: left out because the output had no value
                       at some point of them
        ranking        by mu_star, largest first

        An effect is the change of the output, in its unit, for the whole width of the
        input's range. mu, sigma and shape of a group of several inputs are None: they
        move in different directions. Numbers are finite or None.
        """
        finished = self.done // self.walks.points
        y = self.y[output][: finished * self.walks.points]
        y = y.reshape(finished, self.walks.points)
        good = np.isfinite(y).all(axis=1)
        walks = self.walks.pick(np.flatnonzero(good))
        effects = walks.effects(y[good])
        n = len(effects)
        picks = None
        if self.resamples and n > 1:
            random = stream(self.seed, 0, _LANE)
            picks = random.integers(0, n, (self.resamples, n))
        found = summarise(effects, self.confidence, picks)
        return {
            "trajectories": n,
            "failed": finished - n,
            "evaluations": self.done,
            "levels": walks.levels,
            "step": walks.step,
            "candidates": self.candidates,
            "confidence": self.confidence,
            "interval": "bootstrap" if self.resamples else "Student's t",
            "resamples": self.resamples,
            **self._named(found),
            **self._resampled(found),
            "notes": self._notes(output, finished, y[good]),
        }

    def _named(self, found: Effects) -> dict[str, Any]:
        names = self.columns.names
        members = np.bincount(self.columns.of_input)
        single = dict(zip(names, members == 1, strict=True))

        def each(value: Floats, half: Floats, groups: bool) -> dict[str, Any]:
            return {
                name: interval(v, v - h, v + h) if groups or single[name] else None
                for name, v, h in zip(names, value, half, strict=True)
            }

        sigma = {
            name: finite(s) if single[name] else None
            for name, s in zip(names, found.sigma, strict=True)
        }
        order = np.argsort(-np.nan_to_num(found.mu_star), kind="stable")
        return {
            "mu": each(found.mu, found.mu_half, groups=False),
            "mu_star": each(found.mu_star, found.mu_star_half, groups=True),
            "sigma": sigma,
            "shape": {
                name: _shape(sigma[name], size)
                for name, size in zip(names, found.mu_star, strict=True)
            },
            "ranking": [
                {"id": names[i], "effect": finite(found.mu_star[i])} for i in order
            ],
        }

    def _resampled(self, found: Effects) -> dict[str, Any]:
        mu_star = found.mu_star_resampled
        if mu_star is None or found.mu_resampled is None:
            return {"ranks": None}
        names = self.columns.names
        told = {"ranks": ranks(names, found.mu_star, mu_star, self.confidence)}
        if self.keep and self.done == self.total:
            every = {
                "mu_star": kept(names, mu_star),
                "mu": kept(names, found.mu_resampled),
            }
            told["resampled"] = every
        return told

    def _notes(self, output: str, finished: int, y: Floats) -> list[str]:
        notes = list(self.notes)
        failed = finished - len(y)
        if failed:
            notes.append(
                f"{failed} of {finished} trajectories are left out: {output} has no "
                "value at some of their points"
            )
        if len(y) and y.min() == y.max():
            notes.append(f"{output} does not vary: all its effects are 0")
        return notes


def _shape(sigma: float | None, mu_star: float) -> str | None:
    """What sigma/mu* says of the way the output follows the input."""
    if sigma is None or not mu_star > 0:
        return None
    ratio = sigma / mu_star
    return next((text for end, text in _SHAPES if ratio < end), "curved or interacting")


def morris(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    levels: int = 4,
    candidates: int = 0,
    groups: Mapping[str, Sequence[str]] | None = None,
    resamples: int = 0,
    keep_resamples: bool = False,
    confidence: float = 0.95,
) -> Iterator[MorrisState]:
    """The growing elementary effects on several outputs, once after each block of rows.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       uncertain inputs by name, at least one
    outputs      names that `model` returns
    samples      trajectories; one is D + 1 evaluations, D = number of inputs or groups
    levels       of the grid, even
    candidates   random trajectories from which those farthest apart are chosen
                 (Campolongo, Ruano); 0 = all are random
    groups       inputs that count as one, by the group's name; the others stand alone
    resamples    size of a bootstrap as SALib has it; 0 = intervals by Student's t
    keep_resamples   the last report holds the means of each resample
    confidence   of the intervals, 0 < confidence < 1

    The same object is yielded again and again; the last one is complete.
    Trajectories far apart cover the grid with few runs, but they favour its corners:
    where the output is curved, mu and mu* are then those of the corners. With 20 of 200
    for the Ishigami function, mu* of x1 is 11.9 on average instead of 7.7, of x3 2.1
    instead of 6.2. So they are for ranking alone, and a note says so; the intervals
    are made for random ones.
    Raises InputError for an odd number of levels, a wrong grouping, less than 2
    trajectories or fewer candidates than trajectories.
    """
    columns = columns_of(inputs, groups)
    points = len(columns.names) + 1
    total = samples * points
    _check(samples, total, resamples)
    refuse_keeping(keep_resamples, resamples, 2 * len(columns.names), len(outputs))
    _check_candidates(candidates, samples, points)
    walks = random_trajectories(candidates or samples, columns.of_input, levels, seed)
    if candidates:
        walks = walks.pick(spread_out(distances(walks), samples))
    names = list(inputs)
    values = [level_values(inputs[name], levels) for name in names]
    notes = _ends(inputs) + ([_CORNERS] if candidates else [])
    y = {name: np.empty(total) for name in outputs}
    state = MorrisState(
        total,
        0,
        candidates,
        confidence,
        resamples,
        keep_resamples,
        seed,
        columns,
        walks,
        notes,
        y,
    )
    for start, n in blocks(total):
        rows = walks.rows(start, n)
        found = model({name: values[i][rows[i]] for i, name in enumerate(names)})
        for name, values_of in y.items():
            values_of[start : start + n] = found[name]
        state.done = start + n
        yield state


def _check(samples: int, total: int, resamples: int) -> None:
    if samples < 2:
        raise InputError(
            f"got {samples} trajectories; wanted at least 2, usually 10 to 100",
            "config.samples",
        )
    if total > MOST_ROWS:
        raise InputError(
            f"got {samples:,} trajectories, which are {total:,} evaluations; wanted at "
            f"most {MOST_ROWS:,}: take fewer, or form groups",
            "config.samples",
        )
    if resamples == 1 or resamples < 0:
        raise InputError(
            f"got {resamples} resamples; wanted 0 (none) or at least 2",
            "config.resamples",
        )


def _check_candidates(candidates: int, samples: int, points: int) -> None:
    if candidates and candidates <= samples:
        raise InputError(
            f"got {candidates} candidates for {samples} trajectories; wanted more of "
            "them, or 0 for random trajectories",
            "config.candidates",
        )
    most = min(MOST_CANDIDATES, MOST_POINTS // points)
    if candidates < 0 or candidates > most:
        raise InputError(
            f"got {candidates} candidates; wanted 0 to {most} of {points} points each: "
            "the distance of each two has to be known",
            "config.candidates",
        )


def _ends(inputs: Mapping[str, Distribution]) -> list[str]:
    """What to know of inputs without a smallest or largest value."""
    open_ended = [
        name for name, one in inputs.items() if not np.isfinite(one.support).all()
    ]
    if not open_ended:
        return []
    return [
        f"{', '.join(open_ended)}: no smallest or largest value, so moved between the "
        f"quantiles {TAIL:.1%} and {1 - TAIL:.1%}"
    ]
