"""What every distribution can do, and how one says what is wrong with its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol, TypeGuard, cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]


class Distribution(Protocol):
    """One uncertain number."""

    @property
    def mean(self) -> float: ...

    @property
    def std(self) -> float: ...

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value it can take; infinite where nothing bounds it."""

    def ppf(self, u: Floats) -> Floats:
        """The values below which the shares `u` (0 < u < 1, any shape) lie."""

    def of_normal(self, z: Floats) -> Floats:
        """The values that stand where `z` stands in a standard normal."""

    def as_mapping(self) -> dict[str, Any]:
        """The form that `make` reads."""


class Continuous(Distribution, Protocol):
    """A distribution with a density: it can be fitted, and cut off at both ends."""

    def cdf(self, x: Floats) -> Floats:
        """The share of values up to `x`, any shape."""

    def sf(self, x: Floats) -> Floats:
        """The share of values above `x`: 1 - cdf, exact where that rounds to 0."""

    def isf(self, u: Floats) -> Floats:
        """The values above which the shares `u` lie: exact in the upper tail."""

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density at `x`; -inf outside the support."""


def is_continuous(distribution: Distribution) -> TypeGuard[Continuous]:
    """Whether it has a density."""
    return hasattr(distribution, "isf")


def demand(holds: bool, message: str, name: str | None = None) -> None:
    """InputError with `message` unless `holds`; `name` is the parameter at fault."""
    if not holds:
        raise InputError(message, name)


class Named:
    """Reads and writes itself by the names of its fields."""

    kind: ClassVar[str]
    #: names in requests that Python keeps for itself: field -> name
    spelled: ClassVar[Mapping[str, str]] = {}

    def as_mapping(self) -> dict[str, Any]:
        """The form that `make` reads."""
        given = {f.name: getattr(self, f.name) for f in fields(cast(Any, self))}
        return {"kind": self.kind} | {
            self.spelled.get(name, name): value for name, value in given.items()
        }

    def of_normal(self, z: Floats) -> Floats:
        """The values that stand where `z` stands in a standard normal."""
        return cast(Distribution, self).ppf(share_of_normal(z))


def share_of_normal(z: Floats) -> Floats:
    """Shares of a standard normal below `z`, strictly between 0 and 1."""
    u = cast(Floats, ndtr(z))
    return np.clip(u, 2.0**-1022, 1 - 2.0**-53, out=u)
