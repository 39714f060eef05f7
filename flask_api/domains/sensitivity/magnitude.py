"""Outputs too large or too small for their squares to be numbers, told in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import NoSolutionError

Floats = npt.NDArray[np.float64]

#: Fourth powers of larger outputs exceed all numbers: they count as no value. Those of
#: smaller ones vanish, so that they would seem not to vary.
LARGEST, SMALLEST = 1e75, 1e-75


class Magnitudes:
    """The sizes of the outputs that a model has given so far.

    largest   of the values that count, by output; 0 where there is none yet
    beyond    how many exceed `LARGEST`, by output
    """

    def __init__(self, outputs: Sequence[str]) -> None:
        self.largest = dict.fromkeys(outputs, 0.0)
        self.beyond = dict.fromkeys(outputs, 0)

    def kept(self, found: Mapping[str, Floats]) -> dict[str, Floats]:
        """The same outputs, with NaN in place of values beyond `LARGEST`."""
        kept = {}
        for name, values in found.items():
            size = np.abs(values)
            too_large = (size > LARGEST) & np.isfinite(size)
            if too_large.any():
                self.beyond[name] += int(too_large.sum())
                values = np.where(too_large, np.nan, values)
            usable = size[size <= LARGEST]
            if usable.size:
                self.largest[name] = max(self.largest[name], float(usable.max()))
            kept[name] = values
        return kept

    def hint(self, output: str) -> str:
        """What to add where values were left out for their size, or nothing."""
        if not self.beyond[output]:
            return ""
        return (
            f"; values beyond {LARGEST:g} count as none, since their powers exceed all "
            "numbers: give the model in a larger unit"
        )

    def refuse_tiny(self) -> None:
        """NoSolutionError for an output whose values are all below `SMALLEST`, not 0.

        An output that is 0 everywhere is one that does not vary.
        """
        for output, largest in self.largest.items():
            if 0 < largest < SMALLEST:
                raise NoSolutionError(
                    f"{output} is {largest:.3g} in size at most; squares of numbers "
                    f"below {SMALLEST:g} vanish, so that its spread can't be told: "
                    "give the model in a smaller unit",
                    field="model",
                )


def measured(
    evaluate: Callable[[Mapping[str, Floats]], Mapping[str, Floats]],
    sizes: Magnitudes,
) -> Callable[[Mapping[str, Floats]], Mapping[str, Floats]]:
    """The same model, whose outputs `sizes` looks at."""

    def looked_at(x: Mapping[str, Floats]) -> Mapping[str, Floats]:
        return sizes.kept(evaluate(x))

    return looked_at
