"""What a fitted model says will be chosen, and what a change of attributes does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice import enumeration_kernel
from flask_api.domains.market.choice.multinomial import MultinomialLogit
from flask_api.domains.market.choice.simulated_likelihood import MixedLogit
from flask_api.domains.market.choice.utility import Contrasts, Design

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Alternatives times draws between two looks from outside.
_WORK = 1 << 22


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the model says will be chosen.

    probabilities   of each alternative in each situation, in the data's order, shape
                    (situations, alternatives); 0 where not available. Over the whole
                    population: a person's own choices are not used to guess the
                    person's coefficients
    shares          mean probabilities, shape (alternatives,)
    observed        shares of the choices made, shape (alternatives,)
    confusion       how often (chosen, most likely) occurs, shape (alternatives,
                    alternatives)
    hit_rate        share of situations whose most likely alternative was chosen
    elasticities    by attribute: percent that the demand for the first alternative
                    changes by when the attribute of the second rises by 1 percent,
                    shape (alternatives, alternatives); NaN where there is no demand
    """

    probabilities: Floats
    shares: Floats
    observed: Floats
    confusion: Ints
    hit_rate: float
    elasticities: Mapping[str, Floats]


@dataclass
class Predicting:
    """The state after each block: situations done, in all; the answer in the last."""

    done: int
    total: int
    prediction: Prediction | None = None


def predicted(
    made: Design, pairs: Contrasts, model: MultinomialLogit | MixedLogit
) -> Iterator[Predicting]:
    """Predictions for the situations of the data, yielded after each block of them.

    Elasticities are enumerated over the sample: those of single situations are weighted
    by their probabilities, so that the market as a whole is meant.
    Source: Ben-Akiva and Lerman (1985), Discrete choice analysis, chapter 6.
    """
    data = made.data
    shape = data.available.shape
    names = list(made.attributes)
    uses = np.zeros((len(names), len(made.names)))
    for a, name in enumerate(names):
        uses[a, list(made.attributes[name])] = 1.0
    probabilities, moves = np.zeros(shape), np.zeros((len(names), shape[1], shape[1]))
    mean, random, kind, matrix = _coefficients(model)
    counts, open_to = np.diff(pairs.person), np.ascontiguousarray(data.available)
    state = Predicting(0, data.situations)
    block = _block(model, shape[1])
    for first in range(0, pairs.persons, block):
        end = min(first + block, pairs.persons)
        w = (
            model.draws.of(first, end)
            if isinstance(model, MixedLogit)
            else np.zeros((end - first, 0, 1))
        )
        enumeration_kernel.enumerated()(
            made.x,
            open_to,
            pairs.order[pairs.person[first] : pairs.person[end]],
            np.repeat(np.arange(end - first), counts[first:end]),
            mean,
            random,
            kind,
            matrix,
            w,
            uses,
            probabilities,
            moves,
        )
        state.done = int(pairs.person[end])
        yield state
    state.prediction = _told(made, names, probabilities, moves)
    yield state


def _block(model: MultinomialLogit | MixedLogit, width: int) -> int:
    """Persons at a time."""
    if isinstance(model, MultinomialLogit):
        return max(1, _WORK // width)
    draws = model.draws
    return max(1, _WORK // (width * draws.count * draws.block)) * draws.block


def _coefficients(
    model: MultinomialLogit | MixedLogit,
) -> tuple[Floats, Ints, Ints, Floats]:
    if isinstance(model, MultinomialLogit):
        none = np.empty(0, np.int64)
        return model.coefficients, none, none, np.empty((0, 0))
    found = model.structure
    mean = np.ascontiguousarray(model.theta[: found.size])
    return mean, found.random, found.kind, found.matrix(model.theta)


def _told(
    made: Design, names: list[str], probabilities: Floats, moves: Floats
) -> Prediction:
    data, width = made.data, probabilities.shape[1]
    likely = np.where(data.available, probabilities, -1.0).argmax(axis=1)
    confusion = np.zeros((width, width), np.int64)
    np.add.at(confusion, (data.chosen, likely), 1)
    demand = probabilities.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        elasticities = np.where(demand[:, None] > 0, moves / demand[:, None], np.nan)
    return Prediction(
        probabilities=probabilities,
        shares=demand / data.situations,
        observed=data.chosen_counts / data.situations,
        confusion=confusion,
        hit_rate=float(np.trace(confusion) / data.situations),
        elasticities=dict(zip(names, elasticities, strict=True)),
    )
