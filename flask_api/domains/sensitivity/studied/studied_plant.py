"""A plant as sensitivity methods see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.price.derivatives import gradient
from flask_api.domains.price.inputs import INPUTS, InputSpec, canonical, find
from flask_api.domains.price.kernel.prices import name as kernel_name
from flask_api.domains.price.model import OUTPUTS, ModelInput, PriceModel
from flask_api.numerics.errors import InputError, NoSolutionError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StudiedPlant:
    """A price model in the words of `studied.Studied`.

    change   the same version with other values or conventions
    """

    plant: PriceModel
    change: Callable[[PriceModel, Mapping[str, Any]], PriceModel]
    outputs: Sequence[str] = tuple(OUTPUTS)

    @property
    def inputs(self) -> Mapping[str, ModelInput]:
        return self.plant.inputs

    @property
    def units(self) -> Mapping[str, str]:
        return self.plant.units

    @property
    def identity(self) -> Mapping[str, Any]:
        plant = self.plant
        return {
            "version": plant.version,
            "extension": plant.extension,
            "title": plant.title,
        }

    @property
    def notes(self) -> Sequence[str]:
        return self.plant.notes

    def kernel(self, rows: int) -> str:
        return kernel_name(rows)

    def find(self, name: str) -> str | None:
        return find(name)

    def canonical(self, name: str, field: str) -> str:
        return canonical(name, field)

    def output_name(self, key: str, field: str) -> str:
        """The output that `price`, `S13`, `npv` or `irr` means."""
        if key.lower() in OUTPUTS:
            return key.lower()
        if find(key) == "selling_price":
            return "price"
        raise InputError(
            f"got {key[:60]!r}; outputs are {', '.join(OUTPUTS)} (S13 is price)", field
        )

    def possible(self, name: str) -> InputSpec:
        return INPUTS[name]

    def baseline(self) -> Mapping[str, float]:
        return self.plant.baseline()

    def idle(self, name: str, output: str) -> bool:
        """What is 0, set by the file, or does not enter the solved price."""
        scheduled = self.plant.structure.schedule is not None
        return (
            self.plant.inputs[name].value == 0
            or (name == "construction_years" and scheduled)
            or (name == "selling_price" and output == "price")
        )

    def refuse_fixed(self, name: str, field: str) -> None:
        self.plant.refuse_fixed(name, field)

    def evaluate(
        self,
        varied: Mapping[str, Floats],
        outputs: Sequence[str],
        between: Callable[[], None] | None = None,
    ) -> dict[str, Floats]:
        return self.plant.evaluate(varied, outputs, between)

    def slope(self, name: str, output: str) -> float | None:
        """Of the solved price, by the implicit rule; others are not known exactly."""
        if output != "price" or INPUTS[name].integer:
            return None
        return float(gradient(self.plant, [name])[1][name][0])

    def why_none(self, output: str) -> NoSolutionError:
        if output == "price":
            try:
                self.plant.solved_price()
            except NoSolutionError as error:
                return error
        return NoSolutionError(
            f"{output} has no solution at the model's own values", field="model"
        )

    def with_choice(
        self, name: str, value: str | bool | float, field: str
    ) -> StudiedPlant:
        changed = self.change(self.plant, {name: value})
        return StudiedPlant(changed, self.change, self.outputs)
