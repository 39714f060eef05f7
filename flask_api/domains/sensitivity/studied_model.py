"""What a request is about: its model, read, and which of its inputs vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flask_api.analysis import Context, Progress
from flask_api.domains.price.catalogue import load, override
from flask_api.domains.price.model_choice import stored_models
from flask_api.domains.sensitivity.parameters_schema import Varies
from flask_api.domains.sensitivity.selection import Varied, select
from flask_api.domains.sensitivity.studied.formula_model import (
    formula_model,
)
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.domains.sensitivity.studied.studied_plant import StudiedPlant
from flask_api.numerics.errors import InputError


@dataclass(frozen=True)
class Start:
    """What every analysis begins with.

    outputs    those that the request lists; empty where it lists none
    warnings   so far; what comes later is added to them
    """

    model: Studied
    outputs: list[str]
    varied: list[Varied]
    warnings: list[str]
    seed: int

    def warn(self, progress: Progress, text: str) -> None:
        """Tell watchers at once, and whoever reads the answer."""
        self.warnings.append(text)
        progress.warn(text)

    def warn_of_failed(
        self,
        progress: Progress,
        name: str,
        failed: int,
        total: int,
        what: str,
        more: str = "",
    ) -> None:
        text = f"{name}: {failed} of {total} {what} have no solution and are left out"
        self.warn(progress, text + more)

    def id_of(self, name: str, field: str) -> str:
        """What the user calls the varied input that `name` means in any spelling.

        Raises InputError for what is no input, and for one that does not vary.
        """
        known = self.model.canonical(name, field)
        for item in self.varied:
            if item.name == known:
                return item.id
        offered = ", ".join(item.id for item in self.varied[:20])
        raise InputError(f"{name[:60]} does not vary here; {offered} do", field)

    def refuse_choices(self, why: str) -> None:
        """InputError for the first item that is a choice and no number."""
        for item in self.varied:
            if item.name is None:
                raise InputError(
                    f"{item.id} is a choice and {why}; vary it with method oat of "
                    "/sensitivity/analyze",
                    item.field,
                )

    def baseline(self, outputs: Sequence[str]) -> dict[str, float]:
        """The outputs at the model's own values; NoSolutionError where one has none."""
        found = self.model.evaluate({}, outputs)
        base = {name: float(found[name][0]) for name in outputs}
        for name, value in base.items():
            if not np.isfinite(value):
                raise self.model.why_none(name)
        return base


def begin(
    request: Varies,
    outputs: Sequence[str] | None,
    seed: int | None,
    progress: Progress,
    context: Context,
) -> Start:
    """Reads the model and what varies.

    outputs   `config.outputs`
    seed      `config.seed`; None = the job's own

    Raises InputError for whatever the model does not know.
    """
    model = studied(request, context)
    wanted = outputs_of(model, outputs)
    items = [
        (
            request.field(i),
            item,
            None if item.distribution is None else item.distribution.as_mapping(),
        )
        for i, item in enumerate(request.items())
    ]
    varied, notes = select(model, items, wanted[0] if wanted else None)
    warnings = [*model.notes, *notes]
    for warning in warnings:
        progress.warn(warning)
    return Start(
        model, wanted, varied, warnings, context.seed if seed is None else seed
    )


def studied(request: Varies, context: Context) -> Studied:
    """The request's model, read.

    Raises InputError for a version that is not there, an override that no plant has,
    and a formula that is not understood, with its place in the request.
    """
    own = request.formula
    if own is not None:
        return formula_model(own.formulas(), own.inputs, own.places())
    stored = stored_models(context)
    place = request.place
    plant = load(*request.chosen(), context.models_dir, stored, place=place)
    return StudiedPlant(plant, override)


def outputs_of(model: Studied, given: Sequence[str] | None) -> list[str]:
    """The outputs in `config.outputs`, each once; InputError for one there is not."""
    found = [
        model.output_name(name, f"config.outputs[{i}]")
        for i, name in enumerate(given or ())
    ]
    return list(dict.fromkeys(found))
