"""Simulated choices, and plain twins of what the kernels compute."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.draws import Draws
from flask_api.domains.market.choice.mixed import choice_mixed
from flask_api.domains.market.choice.multinomial import MultinomialLogit, choice_mnl
from flask_api.domains.market.choice.random_coefficients import Structure
from flask_api.domains.market.choice.report import ChoiceReport, choice_report
from flask_api.domains.market.choice.simulated_likelihood import MixedLogit
from flask_api.domains.market.choice.utility import Design, Utility, design
from flask_api.domains.market.choice.wide_form import from_wide

Floats = npt.NDArray[np.float64]

#: The survey is not ours to copy: it lies beside the project, or where SWISSMETRO says.
SWISSMETRO = Path(
    os.environ.get("SWISSMETRO")
    or Path(__file__).parents[4] / "shared" / "data" / "swissmetro.dat"
)
MODES = ("bus", "car", "train")


def last(states: Iterable[Any]) -> Any:
    *_, state = states
    return state


def mnl(made: Design) -> MultinomialLogit:
    fit = last(choice_mnl(made)).fit
    assert isinstance(fit, MultinomialLogit)
    return fit


def mixed(*args: Any, **settings: Any) -> MixedLogit:
    fit = last(choice_mixed(*args, **settings)).fit
    assert isinstance(fit, MixedLogit)
    return fit


def told(*args: Any, **settings: Any) -> ChoiceReport:
    report = last(choice_report(*args, **settings)).report
    assert isinstance(report, ChoiceReport)
    return report


def simulated(
    persons: int,
    each: int,
    seed: int,
    *,
    time: Any = -1.0,
    price: Any = -0.8,
    constants: tuple[float, float, float] = (0.5, -0.3, 0.0),
    gaps: bool = True,
) -> ChoiceData:
    """Choices among three modes; `time` and `price` may have a value per person."""
    random = np.random.default_rng(seed)
    rows = persons * each
    attributes = {
        "time": random.uniform(0.2, 3.0, (rows, 3)),
        "price": random.uniform(0.5, 4.0, (rows, 3)),
    }
    open_to = np.ones((rows, 3), bool)
    if gaps:
        open_to[random.random(rows) < 0.2, 1] = False
    taste = [np.repeat(np.broadcast_to(b, persons), each) for b in (time, price)]
    utility = sum(
        cells * b[:, None] for b, cells in zip(taste, attributes.values(), strict=True)
    )
    utility = utility + np.array(constants) + random.gumbel(size=(rows, 3))
    return ChoiceData(
        MODES,
        {name: np.where(open_to, cells, 0.0) for name, cells in attributes.items()},
        {"age": np.repeat(random.uniform(20, 70, persons), each)},
        open_to,
        np.where(open_to, utility, -np.inf).argmax(axis=1),
        np.repeat(np.arange(persons), each),
    )


def both(data: ChoiceData, **settings: Any) -> Design:
    return design(data, Utility(generic=("time", "price"), **settings))


def swissmetro() -> Design:
    """Biogeme's example: hundreds of minutes and francs, season tickets cost 0."""
    if not SWISSMETRO.exists():
        pytest.skip("the Swissmetro survey is not on this machine: set SWISSMETRO")
    names = SWISSMETRO.read_text().split("\n", 1)[0].split()
    table = np.loadtxt(SWISSMETRO, skiprows=1)
    given = dict(zip(names, table.T, strict=True))
    keep = np.isin(given["PURPOSE"], (1, 3)) & (given["CHOICE"] != 0)
    given = {name: values[keep] for name, values in given.items()}
    stated = given["SP"] != 0
    pays = given["GA"] == 0
    columns = {
        "CHOICE": given["CHOICE"],
        "time_TRAIN": given["TRAIN_TT"] / 100,
        "time_SM": given["SM_TT"] / 100,
        "time_CAR": given["CAR_TT"] / 100,
        "cost_TRAIN": given["TRAIN_CO"] * pays / 100,
        "cost_SM": given["SM_CO"] * pays / 100,
        "cost_CAR": given["CAR_CO"] / 100,
        "TRAIN_AV": given["TRAIN_AV"] * stated,
        "SM_AV": given["SM_AV"],
        "CAR_AV": given["CAR_AV"] * stated,
    }
    data = from_wide(
        columns,
        chosen="CHOICE",
        alternatives=["TRAIN", "SM", "CAR"],
        codes={"TRAIN": 1, "SM": 2, "CAR": 3},
        attributes=["time", "cost"],
        available={name: f"{name}_AV" for name in ("TRAIN", "SM", "CAR")},
    )
    return design(data, Utility(generic=("time", "cost"), base="SM"))


def probabilities_by_hand(made: Design, b: Floats) -> Floats:
    """Of all alternatives, shape (situations, alternatives, ...) for b (P, ...)."""
    v = np.tensordot(made.x, b, axes=(2, 0))
    open_to = made.data.available.reshape(
        *made.data.available.shape, *[1] * (v.ndim - 2)
    )
    v = np.where(open_to, v, -np.inf)
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def tastes_by_hand(found: Structure, theta: Floats, w: Floats) -> Floats:
    """Coefficients of one person under draws `w`, shape (coefficients, draws)."""
    b = np.repeat(theta[: found.size, None], w.shape[1], axis=1)
    shift = found.matrix(theta) @ w
    for i, k in enumerate(found.random):
        b[k] += shift[i]
        if found.kind[i]:
            b[k] = found.kind[i] * np.exp(b[k])
    return b


def simulated_by_hand(
    made: Design, found: Structure, theta: Floats, draws: Draws
) -> Floats:
    """Simulated log-likelihood of each person."""
    data, w = made.data, draws.of(0, draws.persons)
    persons = np.arange(data.situations) if data.persons is None else data.persons
    out = np.empty(draws.persons)
    for person in range(draws.persons):
        p = probabilities_by_hand(made, tastes_by_hand(found, theta, w[person]))
        rows = np.flatnonzero(persons == person)
        with np.errstate(divide="ignore"):
            logs = np.log(p[rows, data.chosen[rows]]).sum(axis=0)
        out[person] = np.logaddexp.reduce(logs) - np.log(draws.count)
    return out
