"""Which coefficients differ between people, how, and what that means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from flask_api.domains.market.choice.utility import Design
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DISTRIBUTIONS = ("normal", "lognormal", "triangular", "uniform")


@dataclass(frozen=True)
class Random:
    """A coefficient that differs between people.

    name           of a coefficient, or of an attribute: all its coefficients
    distribution   normal; lognormal (one sign for everybody); triangular and uniform,
                   symmetric about their mean, with an end
    sign           of a lognormal one: 1, -1, or 0 = that of the multinomial logit
    """

    name: str
    distribution: str = "normal"
    sign: int = 0


@dataclass(frozen=True, eq=False)
class Structure:
    """Where the parameters of a mixed logit stand.

    names      of all parameters: the design's coefficients, then spreads
    size       number of the design's coefficients
    fixed      those without a distribution
    random     those with one
    families   by random coefficient its distribution
    kind       0, or the sign of a lognormal one
    row, column
               which random coefficient each spread belongs to, and whose draws it
               multiplies: the same, unless correlated
    """

    names: tuple[str, ...]
    size: int
    fixed: Ints
    random: Ints
    families: tuple[str, ...]
    kind: Ints
    row: Ints
    column: Ints

    @property
    def shapes(self) -> tuple[str, ...]:
        """Of the standard draws."""
        return tuple("normal" if f == "lognormal" else f for f in self.families)

    def matrix(self, theta: Floats) -> Floats:
        """What standard draws are multiplied by, lower triangular.

        theta   shape (..., parameters); returns shape (..., random, random)
        """
        size = len(self.random)
        found = np.zeros((*theta.shape[:-1], size, size))
        found[..., self.row, self.column] = theta[..., self.size :]
        return found


def structure(
    made: Design, randoms: Sequence[Random], correlated: bool, guess: Floats
) -> Structure:
    """Where the parameters stand.

    correlated   whether normal and lognormal coefficients are
    guess        coefficients of the multinomial logit: signs of lognormal ones

    Raises InputError for no random coefficient, unknown names or distributions.
    """
    if not randoms:
        raise InputError(
            "got no random coefficient; wanted at least one, or a multinomial logit",
            "params.random",
        )
    families: dict[int, str] = {}
    kinds: dict[int, int] = {}
    for number, one in enumerate(randoms):
        where = f"params.random[{number}]"
        if one.distribution not in DISTRIBUTIONS:
            raise InputError(
                f"got distribution {one.distribution!r}; wanted one of "
                f"{', '.join(DISTRIBUTIONS)}",
                f"{where}.distribution",
            )
        if one.sign not in (-1, 0, 1):
            raise InputError(
                f"got sign {one.sign}; wanted 1, -1, or 0 for that of the multinomial "
                "logit",
                f"{where}.sign",
            )
        for k in _named(made, one.name, where):
            if k in families:
                raise InputError(
                    f"{made.names[k]!r} has two distributions; name it once",
                    f"{where}.name",
                )
            families[k] = one.distribution
            sign = one.sign or (1 if guess[k] > 0 else -1)
            kinds[k] = sign if one.distribution == "lognormal" else 0
    random = np.array(sorted(families), np.int64)
    ordered = tuple(families[int(k)] for k in random)
    row, column = _entries(ordered, correlated)
    names = [made.names[int(k)] for k in random]
    spreads = [
        f"spread of {names[i]}" if i == j else f"{names[i]} with {names[j]}"
        for i, j in zip(row, column, strict=True)
    ]
    return Structure(
        names=(*made.names, *spreads),
        size=len(made.names),
        fixed=np.setdiff1d(np.arange(len(made.names)), random).astype(np.int64),
        random=random,
        families=ordered,
        kind=np.array([kinds[int(k)] for k in random], np.int64),
        row=row,
        column=column,
    )


def _named(made: Design, name: str, where: str) -> tuple[int, ...]:
    if name in made.names:
        return (made.names.index(name),)
    if name in made.attributes:
        return made.attributes[name]
    raise InputError(
        f"there is no coefficient {name!r}; wanted one of {', '.join(made.names)}",
        f"{where}.name",
    )


def _entries(families: tuple[str, ...], correlated: bool) -> tuple[Ints, Ints]:
    """Rows and columns of the spread's entries."""
    bound = [correlated and f in ("normal", "lognormal") for f in families]
    places = [
        (i, j)
        for i in range(len(families))
        for j in range(i + 1)
        if i == j or (bound[i] and bound[j])
    ]
    found = np.array(places, np.int64)
    return np.ascontiguousarray(found[:, 0]), np.ascontiguousarray(found[:, 1])


@dataclass(frozen=True)
class Spread:
    """How a coefficient differs between people.

    name, distribution   of the coefficient
    location, spread     its parameters: mean and standard deviation (normal), those of
                         the logarithm (lognormal), mean and half width (others)
    mean, deviation      of the coefficient itself
    median               likewise
    positive             share of people for whom it is above 0
    """

    name: str
    distribution: str
    location: float
    spread: float
    mean: float
    deviation: float
    median: float
    positive: float


def means(found: Structure, theta: Floats) -> Floats:
    """Mean of each coefficient over people.

    theta   parameters, shape (..., parameters); returns shape (..., coefficients)
    """
    out = theta[..., : found.size].copy()
    spreads = np.linalg.norm(found.matrix(theta), axis=-1)
    for i, k in enumerate(found.random):
        if found.kind[i]:
            with np.errstate(over="ignore"):
                middle = np.exp(theta[..., k] + spreads[..., i] ** 2 / 2)
                out[..., k] = found.kind[i] * middle
    return np.asarray(out)


def spreads(found: Structure, theta: Floats) -> list[Spread]:
    """How each random coefficient differs between people."""
    sizes, centre = np.linalg.norm(found.matrix(theta), axis=1), means(found, theta)
    out = []
    for i, k in enumerate(found.random):
        a, s, family = float(theta[k]), float(sizes[i]), found.families[i]
        median, kind = a, int(found.kind[i])
        ratio = a / s if s > 0 else np.inf * np.sign(a)
        if family == "normal":
            deviation, positive = s, float(ndtr(ratio))
        elif family == "uniform":
            deviation, positive = s / 3**0.5, float(np.clip((1 + ratio) / 2, 0, 1))
        elif family == "triangular":
            deviation = s / 6**0.5
            tail = max(0.0, 1 - abs(ratio)) ** 2 / 2
            positive = 1 - tail if ratio > 0 else tail
        else:
            with np.errstate(over="ignore"):
                deviation = float(abs(centre[k]) * np.sqrt(np.expm1(s * s)))
                median, positive = kind * float(np.exp(a)), float(kind > 0)
        out.append(
            Spread(
                name=found.names[int(k)],
                distribution=family,
                location=a,
                spread=s,
                mean=float(centre[k]),
                deviation=deviation,
                median=median,
                positive=positive,
            )
        )
    return out


def correlations(found: Structure, theta: Floats) -> Floats:
    """Of the random coefficients (of the logarithms, for lognormal ones)."""
    matrix = found.matrix(theta)
    size = np.linalg.norm(matrix, axis=1)
    size = np.where(size > 0, size, 1.0)
    return np.asarray((matrix / size[:, None]) @ (matrix / size[:, None]).T)
