"""Probability distributions by their inverse distribution function, in closed form.

`make({"kind": "normal", "mean": 2, "std": 0.1})` gives one; `ppf` maps whole arrays of
uniform numbers to draws. Another distribution is one more class in `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]


class Distribution(Protocol):
    """One uncertain number."""

    @property
    def mean(self) -> float: ...

    @property
    def std(self) -> float: ...

    def ppf(self, u: Floats) -> Floats:
        """The values below which the shares `u` (0 < u < 1, any shape) lie."""

    def as_mapping(self) -> dict[str, Any]:
        """The form that `make` reads."""


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(message)


class _Named:
    kind: ClassVar[str]

    def as_mapping(self) -> dict[str, Any]:
        return {"kind": self.kind} | {
            f.name: getattr(self, f.name) for f in fields(cast(Any, self))
        }


@dataclass(frozen=True)
class Normal(_Named):
    """Gaussian with `mean` and standard deviation `std` > 0."""

    kind: ClassVar[str] = "normal"
    mean: float
    std: float

    def __post_init__(self) -> None:
        _demand(self.std > 0, f"got std {self.std}; it must be above 0")

    def ppf(self, u: Floats) -> Floats:
        x = cast(Floats, ndtri(u))
        x *= self.std
        x += self.mean
        return x


@dataclass(frozen=True)
class LogNormal(_Named):
    """exp of a Gaussian with mean `mu` and standard deviation `sigma` > 0."""

    kind: ClassVar[str] = "lognormal"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        _demand(self.sigma > 0, f"got sigma {self.sigma}; it must be above 0")
        # beyond, the largest of 10^8 draws (5.7 sigma) is no finite number
        _demand(
            abs(self.mu) + 8 * self.sigma < 700,
            f"got mu {self.mu} and sigma {self.sigma}; they are logarithms: "
            "|mu| + 8 sigma must stay below 700",
        )

    @classmethod
    def of_moments(cls, mean: float, std: float) -> LogNormal:
        """The lognormal whose own mean and standard deviation are given, both > 0."""
        _demand(mean > 0, f"got mean {mean}; a lognormal's mean is above 0")
        _demand(std > 0, f"got std {std}; it must be above 0")
        variance = math.log1p((std / mean) ** 2)
        return cls(math.log(mean) - variance / 2, math.sqrt(variance))

    @property
    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)

    @property
    def std(self) -> float:
        return self.mean * math.sqrt(math.expm1(self.sigma**2))

    def ppf(self, u: Floats) -> Floats:
        x = cast(Floats, ndtri(u))
        x *= self.sigma
        x += self.mu
        return cast(Floats, np.exp(x, out=x))


@dataclass(frozen=True)
class Uniform(_Named):
    """Every value from `low` to `high` equally likely."""

    kind: ClassVar[str] = "uniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        _demand(
            self.low < self.high,
            f"got low {self.low} and high {self.high}; low must be below high",
        )

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def std(self) -> float:
        return (self.high - self.low) / math.sqrt(12)

    def ppf(self, u: Floats) -> Floats:
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Triangular(_Named):
    """A density that rises from `low` to `mode` and falls to `high`."""

    kind: ClassVar[str] = "triangular"
    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        _demand(
            self.low <= self.mode <= self.high and self.low < self.high,
            f"got low {self.low}, mode {self.mode}, high {self.high}; "
            "wanted low <= mode <= high and low < high",
        )

    @property
    def mean(self) -> float:
        return (self.low + self.mode + self.high) / 3

    @property
    def std(self) -> float:
        left, right = self.mode - self.low, self.high - self.mode
        return math.sqrt((left * left + left * right + right * right) / 18)

    def ppf(self, u: Floats) -> Floats:
        width, left = self.high - self.low, self.mode - self.low
        rising = self.low + np.sqrt(u * (width * left))
        falling = self.high - np.sqrt((1 - u) * (width * (width - left)))
        return np.where(u * width < left, rising, falling)


@dataclass(frozen=True)
class Constant(_Named):
    """Always `value`."""

    kind: ClassVar[str] = "constant"
    value: float

    @property
    def mean(self) -> float:
        return self.value

    @property
    def std(self) -> float:
        return 0.0

    def ppf(self, u: Floats) -> Floats:
        return np.full_like(u, self.value)


#: kind -> {parameter names: constructor}
KINDS: Mapping[str, Mapping[tuple[str, ...], Any]] = {
    "normal": {("mean", "std"): Normal},
    "lognormal": {("mean", "std"): LogNormal.of_moments, ("mu", "sigma"): LogNormal},
    "uniform": {("low", "high"): Uniform},
    "triangular": {("low", "mode", "high"): Triangular},
    "constant": {("value",): Constant},
}


def make(described: Mapping[str, Any], field: str = "distribution") -> Distribution:
    """The distribution that `{"kind": ..., <parameters>}` describes.

    field   where it stands in the request; errors name it

    Raises InputError for an unknown kind (listing those offered), missing or unknown
    parameters, values that are no finite number, and values no distribution has.
    """
    kind = described.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        offered = ", ".join(sorted(KINDS))
        raise InputError(f"got kind {kind!r}; offered: {offered}", f"{field}.kind")
    given = {k: v for k, v in described.items() if k != "kind" and v is not None}
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise InputError(
                f"got {value!r}; wanted a finite number", f"{field}.{name}"
            )
    for names, build in KINDS[kind].items():
        if set(names) == set(given):
            try:
                return cast(
                    Distribution, build(**{k: float(v) for k, v in given.items()})
                )
            except InputError as error:
                raise InputError(str(error), field) from None
    forms = " or ".join("{" + ", ".join(names) + "}" for names in KINDS[kind])
    got = ", ".join(sorted(given)) or "nothing"
    raise InputError(f"{kind} wants {forms}; got {got}", field)
