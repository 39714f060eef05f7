"""Inputs that move together: rank correlations, read, judged, and put into draws.

A rank correlation (Spearman's) says how far two inputs rise together whatever their
distributions are, so each input keeps its own. Two ways to draw it:

- `copula`: normal scores are mixed, and each input takes the value that stands where
  its score stands. Every draw has the right joint distribution by itself. The
  correlation of the scores is 2 sin(pi rho / 6): Pearson (1907); Nelsen (2006), An
  Introduction to Copulas, doi:10.1007/0-387-28678-0.
- `iman_conover`: draws are made as if independent, then each input's own draws are put
  in another order, **block by block**. So exactly the values that were drawn stay: the
  slices of a Latin hypercube, the frequencies of data. Iman and Conover (1982),
  doi:10.1080/03610918208812265.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError
from flask_api.numerics.nearest_correlation import (
    ROUNDING,
    lower_factor,
    nearest_correlation,
    smallest_eigenvalue,
)

Floats = npt.NDArray[np.float64]

METHODS = ("copula", "iman_conover")
#: Entries of a matrix that should be equal may differ by this: rounding of a file.
EQUAL = 1e-9
#: Correlated inputs at most: beyond, a matrix is a request of megabytes.
MOST = 500


@dataclass(frozen=True, eq=False)
class Correlation:
    """Rank correlations among the inputs `names`; all other inputs are independent.

    ranks    Spearman's, shape (d, d)
    method   `copula`, `iman_conover`, or None = what suits the sampling: Iman-Conover
             for a Latin hypercube, whose slices a copula would blur, else the copula
    """

    names: tuple[str, ...]
    ranks: Floats
    method: str | None = None

    @cached_property
    def normals(self) -> Floats:
        """Correlations of the normal scores that give `ranks`.

        Where scores can't be so correlated though ranks could, the nearest that can.
        """
        scores = 2 * np.sin(np.pi / 6 * self.ranks)
        np.fill_diagonal(scores, 1.0)
        if smallest_eigenvalue(scores) < ROUNDING:
            scores = nearest_correlation(scores)
        return scores

    @property
    def shift(self) -> float:
        """By how much a rank correlation is missed at most: 0, or a few thousandths."""
        got = 6 / np.pi * np.arcsin(np.clip(self.normals / 2, -0.5, 0.5))
        return float(np.abs(got - self.ranks).max())

    @cached_property
    def factor(self) -> Floats:
        """Lower triangular: turns independent normal scores into correlated ones."""
        return lower_factor(self.normals)

    def suited(self, sampling: str) -> str:
        """The method that draws it: the one asked for, else what suits the sampling."""
        return self.method or ("iman_conover" if sampling == "lhs" else "copula")

    def report(self, sampling: str) -> dict[str, Any]:
        """What was asked for, how it was drawn and how nearly it is met, as results
        show it.
        """
        return {
            "names": list(self.names),
            "matrix": self.ranks.tolist(),
            "method": self.suited(sampling),
            "missed_by": self.shift,
        }


def read_correlation(
    described: Any,
    inputs: Sequence[str],
    field: str = "config.correlation",
    resolve: Callable[[str], str] = str,
) -> Correlation | None:
    """The correlation that a request describes; None where it describes none.

    described   {names: [...], matrix: [[...]]}, {pairs: [[name, name, rho], ...]}, or
                the list of pairs alone; with `method` (`copula`, `iman_conover`) or
                without. Pairs left out are 0
    inputs      names of the inputs that vary
    resolve     turns a name as the user wrote it into one of `inputs`

    Raises InputError for unknown, repeated or constant inputs, a matrix that is not
    square, not symmetric, without ones on its diagonal or beyond -1..1, and for one
    that no inputs can have: then `details` hold the nearest that some can.
    """
    if described is None:
        return None
    if isinstance(described, list | tuple):
        described = {"pairs": described}
    if not isinstance(described, Mapping):
        raise InputError(f"got {described!r:.60}; {_WANTED}", field)
    keys = {k for k, v in described.items() if v is not None}
    method = described.get("method")
    if method is not None and method not in METHODS:
        offered = ", ".join(METHODS)
        raise InputError(f"got {method!r:.60}; offered: {offered}", f"{field}.method")
    if keys - {"method"} == {"pairs"}:
        names, ranks = _pairs(described["pairs"], inputs, f"{field}.pairs", resolve)
    elif keys - {"method"} == {"names", "matrix"}:
        names = _names(described["names"], inputs, f"{field}.names", resolve)
        ranks = _matrix(described["matrix"], names, f"{field}.matrix")
    else:
        got = ", ".join(sorted(map(str, keys))) or "nothing"
        raise InputError(f"got {got:.200}; {_WANTED}", field)
    if not names or (ranks == np.eye(len(names))).all():
        return None
    _refuse_impossible(names, ranks, field)
    return Correlation(tuple(names), ranks, method)


_WANTED = (
    'wanted {"names": ["a", "b"], "matrix": [[1, 0.5], [0.5, 1]]} or '
    '{"pairs": [["a", "b", 0.5]]}'
)


def _name(given: Any, inputs: Sequence[str], field: str, resolve: _Resolve) -> str:
    if isinstance(given, str):
        name = resolve(given)
        if name in inputs:
            return name
    offered = ", ".join(inputs[:30])
    raise InputError(
        f"got {given!r:.60}, which is no input that varies here; these do: {offered}",
        field,
    )


_Resolve = Callable[[str], str]


def _names(
    given: Any, inputs: Sequence[str], field: str, resolve: _Resolve
) -> list[str]:
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MOST:
        raise InputError(f"wanted a list of 1 to {MOST} names of inputs", field)
    names: list[str] = []
    for index, one in enumerate(given):
        name = _name(one, inputs, f"{field}[{index}]", resolve)
        if name in names:
            raise InputError(f"{one} is named twice", f"{field}[{index}]")
        names.append(name)
    return names


def _rho(value: Any, field: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not -1 - EQUAL <= value <= 1 + EQUAL:
        raise InputError(
            f"got {value!r:.60}; a correlation is a number from -1 to 1", field
        )
    return max(-1.0, min(1.0, float(value)))


def _matrix(given: Any, names: list[str], field: str) -> Floats:
    d = len(names)
    rows = given if isinstance(given, list | tuple) else []
    if len(rows) != d:
        got = f"{len(rows)} rows"
        raise InputError(f"got {got} for {d} names; wanted {d} rows of {d}", field)
    found = np.empty((d, d))
    for i, row in enumerate(rows):
        size = len(row) if isinstance(row, list | tuple) else 0
        if size != d:
            raise InputError(f"got {size} numbers; wanted {d}", f"{field}[{i}]")
        for j, value in enumerate(row):
            found[i, j] = _rho(value, f"{field}[{i}][{j}]")
    for i in range(d):
        if abs(found[i, i] - 1) > EQUAL:
            raise InputError(
                f"got {found[i, i]:g} for {names[i]} with itself; that is always 1",
                f"{field}[{i}][{i}]",
            )
        for j in range(i):
            if abs(found[i, j] - found[j, i]) > EQUAL:
                raise InputError(
                    f"got {found[i, j]:g} for {names[i]} with {names[j]} but "
                    f"{found[j, i]:g} the other way round; give the same number twice",
                    f"{field}[{i}][{j}]",
                )
    found = (found + found.T) / 2
    np.fill_diagonal(found, 1.0)
    return found


def _pairs(
    given: Any, inputs: Sequence[str], field: str, resolve: _Resolve
) -> tuple[list[str], Floats]:
    if not isinstance(given, list | tuple) or len(given) > MOST * (MOST - 1) // 2:
        raise InputError('wanted a list such as [["a", "b", 0.5]]', field)
    values: dict[frozenset[str], float] = {}
    for index, pair in enumerate(given):
        at = f"{field}[{index}]"
        if not isinstance(pair, list | tuple) or len(pair) != 3:
            raise InputError(f'got {pair!r:.60}; wanted ["a", "b", 0.5]', at)
        a, b = (_name(pair[k], inputs, f"{at}[{k}]", resolve) for k in (0, 1))
        if a == b:
            raise InputError(f"{a} with itself is always 1; leave it out", at)
        key = frozenset((a, b))
        if key in values:
            raise InputError(f"{a} with {b} is given twice; give it once", at)
        values[key] = _rho(pair[2], f"{at}[2]")
    used = {name for key in values for name in key}
    names = [name for name in inputs if name in used]
    if len(names) > MOST:
        raise InputError(f"got {len(names)} inputs; at most {MOST}", field)
    ranks = np.eye(len(names))
    for key, rho in values.items():
        i, j = (names.index(name) for name in key)
        ranks[i, j] = ranks[j, i] = rho
    return names, ranks


def _refuse_impossible(names: Sequence[str], ranks: Floats, field: str) -> None:
    least = smallest_eigenvalue(ranks)
    if least >= ROUNDING:
        return
    nearest = nearest_correlation(ranks)
    change = np.abs(nearest - ranks)
    i, j = divmod(int(change.argmax()), len(names))
    raise InputError(
        f"no inputs can be so correlated (smallest eigenvalue {least:.3g}, below 0); "
        f"the nearest matrix that works stands in details: it moves {names[i]} with "
        f"{names[j]} most, from {ranks[i, j]:.4g} to {nearest[i, j]:.4g}",
        field,
        details={
            "nearest": {"names": list(names), "matrix": nearest.tolist()},
            "smallest_eigenvalue": least,
            "largest_change": float(change.max()),
            "distance": math.sqrt(float((change**2).sum())),
        },
    )
