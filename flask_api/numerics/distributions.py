"""Probability distributions by their inverse distribution function.

`make({"kind": "normal", "mean": 2, "std": 0.1})` gives one; `ppf` maps whole arrays of
uniform numbers to draws. Another distribution is one more class and a line in `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_api.numerics.distribution import Continuous, Distribution, Floats
from flask_api.numerics.distributions_given import Discrete, Empirical, Truncated
from flask_api.numerics.distributions_plain import (
    Constant,
    LogNormal,
    Normal,
    Triangular,
    Uniform,
)
from flask_api.numerics.distributions_shaped import Beta, Gamma, Pert, Weibull
from flask_api.numerics.errors import InputError

__all__ = [
    "KINDS",
    "Beta",
    "Constant",
    "Continuous",
    "Discrete",
    "Distribution",
    "Empirical",
    "Floats",
    "Form",
    "Gamma",
    "LogNormal",
    "Normal",
    "Pert",
    "Triangular",
    "Truncated",
    "Uniform",
    "Weibull",
    "make",
]

#: Distributions within distributions, at most.
DEEPEST = 4
#: Parameters that are lists of numbers; `of` is a distribution; all others numbers.
LISTS = ("values", "weights", "data")


@dataclass(frozen=True)
class Form:
    """One way to write a kind: what builds it, and its parameters by name."""

    build: Callable[..., Distribution]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def takes(self, names: set[str]) -> bool:
        return set(self.required) <= names <= {*self.required, *self.optional}

    def __str__(self) -> str:
        return (
            "{" + ", ".join((*self.required, *(f"{n}?" for n in self.optional))) + "}"
        )


def _pert(**given: Any) -> Distribution:
    if "lambda" in given:
        given["lambda_"] = given.pop("lambda")
    return Pert(**given)


#: kind -> the forms in which it can be given
KINDS: Mapping[str, tuple[Form, ...]] = {
    "normal": (Form(Normal, ("mean", "std")),),
    "lognormal": (
        Form(LogNormal.of_moments, ("mean", "std")),
        Form(LogNormal, ("mu", "sigma")),
    ),
    "uniform": (Form(Uniform, ("low", "high")),),
    "triangular": (Form(Triangular, ("low", "mode", "high")),),
    "pert": (Form(_pert, ("low", "mode", "high"), ("lambda",)),),
    "beta": (Form(Beta, ("a", "b"), ("low", "high")),),
    "gamma": (
        Form(Gamma, ("shape", "scale"), ("location",)),
        Form(Gamma.of_moments, ("mean", "std")),
    ),
    "weibull": (Form(Weibull, ("shape", "scale"), ("location",)),),
    "truncated": (Form(Truncated, ("of",), ("low", "high")),),
    "discrete": (Form(Discrete, ("values", "weights")),),
    "empirical": (Form(Empirical, ("data",)),),
    "constant": (Form(Constant, ("value",)),),
}


def make(
    described: Mapping[str, Any], field: str = "distribution", depth: int = 1
) -> Distribution:
    """The distribution that `{"kind": ..., <parameters>}` describes.

    field   where it stands in the request; errors name it
    depth   how many distributions it stands in, itself included

    Raises InputError for an unknown kind (listing those offered), missing or unknown
    parameters, values that are no finite number, and values no distribution has.
    """
    kind = described.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        offered = ", ".join(sorted(KINDS))
        raise InputError(f"got kind {kind!r}; offered: {offered}", f"{field}.kind")
    if depth > DEEPEST:
        raise InputError(f"more than {DEEPEST} distributions in one another", field)
    given = {k: v for k, v in described.items() if k != "kind" and v is not None}
    read = {k: _value(k, v, f"{field}.{k}", depth) for k, v in given.items()}
    for form in KINDS[kind]:
        if form.takes(set(given)):
            try:
                return form.build(**read)
            except InputError as error:
                where = f"{field}.{error.field}" if error.field else field
                raise InputError(str(error), where) from None
    forms = " or ".join(str(form) for form in KINDS[kind])
    got = ", ".join(sorted(given)) or "nothing"
    raise InputError(f"{kind} wants {forms}; got {got}", field)


def _value(name: str, value: Any, field: str, depth: int) -> Any:
    """One parameter, read: a number, numbers, or a distribution."""
    if name == "of":
        if not isinstance(value, Mapping):
            raise InputError(
                f"got {value!r:.60}; wanted a distribution, such as "
                '{"kind": "normal", "mean": 2, "std": 0.1}',
                field,
            )
        return make(value, field, depth + 1)
    if name in LISTS:
        if not isinstance(value, list | tuple):
            raise InputError(f"got {value!r:.60}; wanted a list of numbers", field)
        return tuple(_number(v, f"{field}[{i}]") for i, v in enumerate(value))
    return _number(value, field)


def _number(value: Any, field: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number:
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if math.isfinite(found):
            return found
    raise InputError(f"got {value!r:.60}; wanted a finite number", field)
