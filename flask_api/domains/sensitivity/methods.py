"""The methods that judge inputs by a sample: what runs each, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from flask_api.domains.sensitivity.given_data.delta import delta
from flask_api.domains.sensitivity.given_data.pawn import pawn
from flask_api.domains.sensitivity.given_data.regression import regression
from flask_api.domains.sensitivity.local import local
from flask_api.domains.sensitivity.screening.morris import morris
from flask_api.domains.sensitivity.variance.fast import fast
from flask_api.domains.sensitivity.variance.rbd_fast import rbd_fast
from flask_api.domains.sensitivity.variance.shapley import shapley
from flask_api.domains.sensitivity.variance.sobol import sobol


class State(Protocol):
    """What a method yields after each part of its work."""

    @property
    def total(self) -> int:
        """Of whatever it counts: rows, evaluations or inputs."""

    @property
    def done(self) -> int: ...

    def report(self, output: str) -> dict[str, Any]:
        """What is known of `output` so far, in plain data."""


@dataclass(frozen=True)
class Method:
    """One method.

    run         (model, inputs, outputs, samples, *, seed, ...) -> states
    samples     where the request says none, and `most` that it takes
    counted     what `rows` and `failed` of its report count
    conditional whether it draws inputs given others: where they are correlated, only
                the copula has a rule for that
    scale_free  whether it does as well with outputs of any size: it sees their order,
                or brings them to size 1
    settings    names in `config` that it takes beside samples, seed, outputs
    samplings   designs that it takes
    indices     values by input in its report -> their names in the answer; the first
                is what inputs are ranked by
    details     further values by input in its report, and `live` those of them that
                are told on the way
    """

    run: Callable[..., Iterator[State]]
    samples: int
    indices: Mapping[str, str]
    settings: tuple[str, ...]
    details: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    samplings: tuple[str, ...] = ()
    counted: str = "rows"
    most: int = 1 << 32
    conditional: bool = False
    scale_free: bool = False

    @property
    def by_input(self) -> tuple[str, ...]:
        """All parts of its report that have a value for each input."""
        return (*self.indices, *self.details)


_GIVEN = ("random", "sobol")
_EVEN = ("sobol", "random")

#: Slopes at today's values: run by `local.local`, which asks the model itself.
LOCAL = Method(
    run=local,
    samples=0,
    indices={"effect": "effect", "derivative": "derivative"},
    details=("elasticity", "scheme"),
    settings=(),
    live=("elasticity",),
)

#: By the name in the request.
METHODS: Mapping[str, Method] = {
    "morris": Method(
        run=morris,
        samples=50,
        indices={"mu_star": "mu_star", "mu": "mu"},
        details=("sigma", "shape", "ranks"),
        live=("sigma",),
        settings=(
            "resamples",
            "keep_resamples",
            "groups",
            "levels",
            "candidates",
            "confidence_level",
        ),
        counted="trajectories",
    ),
    "sobol": Method(
        run=sobol,
        samples=4096,
        indices={"total": "total", "first": "first"},
        details=("ranks",),
        settings=(
            "resamples",
            "keep_resamples",
            "second_order",
            "groups",
            "confidence_level",
        ),
        samplings=_EVEN,
    ),
    "shapley": Method(
        run=shapley,
        samples=4096,
        indices={"effects": "shapley"},
        settings=("groups", "correlation", "confidence_level"),
        samplings=_EVEN,
        conditional=True,
    ),
    "src": Method(
        run=partial(regression, ranked=False),
        samples=4096,
        indices={"src": "src", "pcc": "pcc"},
        details=("p_value",),
        settings=("correlation", "confidence_level"),
        samplings=_GIVEN,
        scale_free=True,
    ),
    "prcc": Method(
        run=partial(regression, ranked=True),
        samples=4096,
        indices={"prcc": "prcc", "srrc": "srrc"},
        details=("p_value",),
        settings=("correlation", "confidence_level"),
        samplings=_GIVEN,
        scale_free=True,
    ),
    "pawn": Method(
        run=pawn,
        samples=4096,
        indices={"median": "median", "mean": "mean", "maximum": "maximum"},
        details=("minimum", "cv", "stdev", "distances", "above_noise"),
        settings=("correlation", "slices", "dummies"),
        samplings=_GIVEN,
        scale_free=True,
    ),
    "delta": Method(
        run=delta,
        samples=4096,
        indices={"delta": "delta", "first": "first"},
        details=("delta_raw", "first_raw", "above_dummy", "ranks"),
        settings=("correlation", "resamples", "keep_resamples", "confidence_level"),
        samplings=_GIVEN,
        scale_free=True,
    ),
    "fast": Method(
        run=fast,
        samples=1025,
        most=1 << 20,
        indices={"total": "total", "first": "first"},
        settings=("curves", "harmonics", "confidence_level"),
        counted="curves",
    ),
    "rbd_fast": Method(
        run=rbd_fast,
        samples=4096,
        indices={"first": "first"},
        settings=("harmonics", "confidence_level"),
        samplings=("lhs", "random"),
    ),
}
