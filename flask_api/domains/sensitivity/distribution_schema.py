"""How requests describe an uncertain number: `{kind, ...}`, one class for each kind.

What the numbers must be among each other is checked by `numerics.distributions.make`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Values of a discrete distribution, and data of an empirical one, at most.
MOST_VALUES = 10_000
MOST_DATA = 100_000


class _Shape(BaseModel):
    """Base of distributions: one-word keys, because a tag can't have two spellings."""

    # by name too: a job's request is read again from what was dumped of it
    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )

    def as_mapping(self) -> dict[str, Any]:
        """The form that `numerics.distributions.make` reads."""
        return self.model_dump(exclude_none=True, by_alias=True)


class NormalShape(_Shape):
    """Gaussian."""

    kind: Literal["normal"]
    mean: float
    std: float = Field(gt=0)


class LogNormalShape(_Shape):
    """Lognormal: `mean` and `std` of itself, or `mu` and `sigma` of its logarithm."""

    kind: Literal["lognormal"]
    mean: float | None = Field(default=None, gt=0)
    std: float | None = Field(default=None, gt=0)
    mu: float | None = None
    sigma: float | None = Field(default=None, gt=0)


class UniformShape(_Shape):
    """All values from `low` to `high` alike."""

    kind: Literal["uniform"]
    low: float
    high: float


class TriangularShape(_Shape):
    """Most likely `mode`, never below `low` or above `high`."""

    kind: Literal["triangular"]
    low: float
    mode: float
    high: float


class PertShape(_Shape):
    """As triangular, but smooth: `lambda` (4) says how much `mode` weighs."""

    kind: Literal["pert"]
    low: float
    mode: float
    high: float
    lambda_: float | None = Field(default=None, gt=0, alias="lambda")


class BetaShape(_Shape):
    """Beta with exponents `a` and `b`, between `low` (0) and `high` (1)."""

    kind: Literal["beta"]
    a: float = Field(gt=0)
    b: float = Field(gt=0)
    low: float | None = None
    high: float | None = None


class GammaShape(_Shape):
    """Gamma: `shape` and `scale`, above `location` (0); or its `mean` and `std`."""

    kind: Literal["gamma"]
    shape: float | None = Field(default=None, gt=0)
    scale: float | None = Field(default=None, gt=0)
    location: float | None = None
    mean: float | None = Field(default=None, gt=0)
    std: float | None = Field(default=None, gt=0)


class WeibullShape(_Shape):
    """Weibull: `shape` and `scale`, above `location` (0)."""

    kind: Literal["weibull"]
    shape: float = Field(gt=0)
    scale: float = Field(gt=0)
    location: float | None = None


class DiscreteShape(_Shape):
    """One of `values`, each as often as its weight among `weights`."""

    kind: Literal["discrete"]
    values: Annotated[list[float], Field(min_length=1, max_length=MOST_VALUES)]
    weights: Annotated[list[float], Field(min_length=1, max_length=MOST_VALUES)]


class EmpiricalShape(_Shape):
    """One of the observed `data`, each as likely as any other."""

    kind: Literal["empirical"]
    data: Annotated[list[float], Field(min_length=1, max_length=MOST_DATA)]


class ConstantShape(_Shape):
    """Always `value`."""

    kind: Literal["constant"]
    value: float


class TruncatedShape(_Shape):
    """The distribution `of`, cut off below `low` and above `high`."""

    kind: Literal["truncated"]
    of: Shape
    low: float | None = None
    high: float | None = None


Shape = Annotated[
    NormalShape
    | LogNormalShape
    | UniformShape
    | TriangularShape
    | PertShape
    | BetaShape
    | GammaShape
    | WeibullShape
    | DiscreteShape
    | EmpiricalShape
    | ConstantShape
    | TruncatedShape,
    Field(discriminator="kind"),
]

TruncatedShape.model_rebuild()
