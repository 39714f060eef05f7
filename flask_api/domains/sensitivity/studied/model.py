"""What a sensitivity method asks of a model, be it a plant or a user's formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import NoSolutionError

Floats = npt.NDArray[np.float64]


class GivenInput(Protocol):
    """One input as its model gives it; `low` and `high` are its range, or None."""

    @property
    def value(self) -> float: ...

    @property
    def unit(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...

    @property
    def distribution(self) -> Mapping[str, Any] | None: ...


class Possible(Protocol):
    """Which values an input may have at all; `bounds` says it in words."""

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    @property
    def integer(self) -> bool: ...

    @property
    def unit(self) -> str: ...

    @property
    def bounds(self) -> str: ...

    def allows(self, value: float) -> bool: ...


class Studied(Protocol):
    """A model with named inputs and outputs, computed for many rows at once."""

    @property
    def inputs(self) -> Mapping[str, GivenInput]:
        """The inputs that the model names, by canonical name."""

    @property
    def outputs(self) -> Sequence[str]:
        """What can be computed; the first is looked at where nobody says."""

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each output."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Which model this is, for `metadata.model` of an answer."""

    @property
    def notes(self) -> Sequence[str]:
        """What whoever studies it is to be warned of."""

    def kernel(self, rows: int) -> str:
        """What computes so many rows, for `metadata.kernel`: numba or numpy."""

    def find(self, name: str) -> str | None:
        """The canonical name of an input, or None where `name` is none."""

    def canonical(self, name: str, field: str) -> str:
        """The same; InputError that names the closest inputs where `name` is none."""

    def output_name(self, key: str, field: str) -> str:
        """The output that `key` means; InputError that lists them where it is none."""

    def possible(self, name: str) -> Possible:
        """Which values the input of this canonical name may have."""

    def baseline(self) -> Mapping[str, float]:
        """The value of every input, by canonical name."""

    def idle(self, name: str, output: str) -> bool:
        """Whether `name` can't move `output`, so that "all inputs" leaves it out."""

    def refuse_fixed(self, name: str, field: str) -> None:
        """InputError if the model leaves no say to the input of this name."""

    def evaluate(
        self,
        varied: Mapping[str, Floats],
        outputs: Sequence[str],
        between: Callable[[], None] | None = None,
    ) -> dict[str, Floats]:
        """Outputs for many rows that differ in the varied inputs, shape (n,).

        Whole-number inputs are rounded; a row without an answer is NaN. `between` is
        called after each part of the work, and ends it by what it raises.
        """

    def slope(self, name: str, output: str) -> float | None:
        """Exact derivative at the baseline; None = not known, use differences.

        NaN where there is none, such as at a kink.
        """

    def why_none(self, output: str) -> NoSolutionError:
        """Why `output` has no value at the baseline."""

    def with_choice(self, name: str, value: str | bool | float, field: str) -> Studied:
        """The model with another convention; InputError where it has no such."""
