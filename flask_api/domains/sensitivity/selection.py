"""Which inputs vary, and over what: from a user's items to numbers.

Knows the vocabulary of the seed's front-end: modes, `S<n>` names, items without an id
that mean every input of the version, `compareToKey`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.numerics.distributions import Constant, Distribution, Uniform, make
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Half-width of a range where neither request nor model file gives one.
DEFAULT_SPREAD = 0.2
#: Modes that say: draw this input.
DRAWN = ("montecarlo", "monte_carlo", "monteCarlo")


class Ends(Protocol):
    """The two ends of a range."""

    @property
    def min(self) -> float: ...

    @property
    def max(self) -> float: ...


class Item(Protocol):
    """What a user says of one input; `schema.Parameter` is one."""

    @property
    def id(self) -> str | None: ...

    @property
    def type(self) -> str: ...

    @property
    def range(self) -> Ends | None: ...

    @property
    def mode(self) -> str | None: ...

    @property
    def values(self) -> Sequence[float | bool | str] | None: ...

    @property
    def steps(self) -> int: ...

    @property
    def enabled(self) -> bool: ...

    @property
    def compare_to_key(self) -> str | None: ...

    @property
    def filters(self) -> list[str] | dict[str, Any] | str | None: ...


@dataclass(frozen=True)
class Varied:
    """One input that varies.

    id            as the user named it; the result's key
    name          canonical name; None for a named convention such as S20
    field         where it stands in the request
    baseline      today's value; None for a convention
    values        points of its curve, in the order asked for
    low, high     its range
    distribution  given in the request or the model file, else None
    assumed       what a Monte Carlo run draws from
    origin        where `assumed` comes from: request, model, range, default
    ends_from     where `low` and `high` come from: the same, or distribution
    drawn         the user asked for it to be drawn (mode `monte_carlo`)
    output        that its curve shows
    choices       values of a categorical or boolean input, else None
    """

    id: str
    name: str | None
    field: str
    baseline: float | None
    values: tuple[float, ...]
    low: float
    high: float
    distribution: Distribution | None
    assumed: Distribution
    origin: str
    drawn: bool
    output: str
    choices: tuple[str | bool | float, ...] | None
    integer: bool
    unit: str
    ends_from: str = "request"


def select(
    model: Studied,
    items: Sequence[tuple[str, Item, Mapping[str, Any] | None]],
    default_output: str | None = None,
) -> tuple[list[Varied], list[str]]:
    """The inputs that vary, in order, and what the user should know about it.

    items            (field in the request, item, its distribution as a mapping or None)
    default_output   that curves show; None = the model's first

    Raises InputError for an unknown input or output, an input named twice, a fixed
    one, an impossible value, or where nothing is left to vary.
    """
    chosen: dict[str, Varied] = {}
    notes: list[str] = []
    enabled = [entry for entry in items if entry[1].enabled]
    ids = [item.id for _, item, _ in enabled if item.id is not None]
    named = {model.find(id) or id for id in ids}
    for field, item, shape in enabled:
        output = default_output or model.outputs[0]
        if item.compare_to_key:
            output = model.output_name(item.compare_to_key, f"{field}.compareToKey")
        if item.id is None:
            # inputs with an item of their own keep it
            for name in _all(model, item, output, field, notes):
                if name not in named and name not in chosen:
                    chosen[name] = _numeric(
                        model, name, name, field, item, None, output
                    )
            continue
        one = _one(model, item, field, shape, output)
        key = one.name or one.id
        if key in chosen and chosen[key].field != field:
            raise InputError(f"{item.id} is given twice; give it once", f"{field}.id")
        chosen[key] = one
    if not chosen:
        raise InputError("no input is left that could vary", "parameters")
    return list(chosen.values()), notes


def _all(
    model: Studied, item: Item, output: str, field: str, notes: list[str]
) -> Iterator[str]:
    """Names of the inputs that an item without id means."""
    wanted = _filtered(model, item, field, notes)
    if item.range is not None or item.values:
        notes.append(
            f"{field} has no id and so means all inputs: its range or values can't fit "
            "them all; each keeps its own range"
        )
    for name in model.inputs:
        if not model.idle(name, output) and (wanted is None or name in wanted):
            yield name


def _filtered(
    model: Studied, item: Item, field: str, notes: list[str]
) -> set[str] | None:
    given = item.filters
    if not given:
        return None
    if isinstance(given, str):
        given = [given]
    names = [k for k, v in given.items() if v] if isinstance(given, dict) else given
    found = {name: model.find(name) for name in names}
    for name, known in found.items():
        if known is None:
            notes.append(f"{field}.filters: {name[:60]!r} is no input, so not applied")
    return {known for known in found.values() if known is not None} or None


def _one(
    model: Studied,
    item: Item,
    field: str,
    shape: Mapping[str, Any] | None,
    output: str,
) -> Varied:
    assert item.id is not None
    if item.type != "numeric" and model.find(item.id) is None:
        return _choice(item, item.id, field, output)
    name = model.canonical(item.id, f"{field}.id")
    model.refuse_fixed(name, f"{field}.id")
    return _numeric(model, name, item.id, field, item, shape, output)


def _choice(item: Item, id: str, field: str, output: str) -> Varied:
    """A convention, such as the depreciation method."""
    values = tuple(item.values or ())
    if not values and item.type == "boolean":
        values = (False, True)
    if not values:
        raise InputError(f"{id} is categorical; list its `values`", f"{field}.values")
    nothing = Constant(0.0)
    return Varied(
        id, None, field, None, (), 0.0, 0.0, None, nothing, "request", False, output,
        values, False, "",
    )  # fmt: skip


def _numeric(
    model: Studied,
    name: str,
    id: str,
    field: str,
    item: Item,
    shape: Mapping[str, Any] | None,
    output: str,
) -> Varied:
    spec, baseline = model.possible(name), model.baseline()[name]
    entry = model.inputs.get(name)
    given = make(shape, f"{field}.distribution") if shape is not None else None
    filed = None
    if entry is not None and entry.distribution is not None:
        filed = make(entry.distribution, f"inputs.{name}.distribution")
    low, high, origin = _range(model, name, item, field, given, filed)
    ends_from = origin
    values = _values(item, baseline, low, high, spec.integer, field)
    for value in values if item.mode or item.range else ():
        if not spec.allows(value):
            raise InputError(f"{name} would be {value:g}; want {spec.bounds}", field)
    if item.id is not None and (item.mode or item.range) and min(values) < max(values):
        low, high = min(values), max(values)
    if origin == "distribution":
        origin = "default"
    own_range = item.id is not None and origin == "request"
    distribution = given or (None if own_range else filed)
    if given is not None:
        origin = "request"
    elif distribution is not None:
        origin = "model"
    return Varied(
        id=id,
        name=name,
        field=field,
        baseline=baseline,
        values=values,
        low=low,
        high=high,
        distribution=distribution,
        assumed=distribution or (Uniform(low, high) if low < high else Constant(low)),
        origin=origin,
        drawn=item.mode in DRAWN,
        output=output,
        choices=None,
        integer=spec.integer,
        unit=entry.unit if entry is not None else spec.unit,
        ends_from=ends_from,
    )


def _range(
    model: Studied,
    name: str,
    item: Item,
    field: str,
    given: Distribution | None,
    filed: Distribution | None,
) -> tuple[float, float, str]:
    """Lower end, upper end, and who said so: request, range, distribution or default.

    given, filed   its distribution in the request, and in the model
    """
    spec, x0 = model.possible(name), model.baseline()[name]
    if item.id is not None and item.range is not None:
        return item.range.min, item.range.max, "request"
    if item.id is not None and item.values:
        moved = _moved(item, x0, field)
        # one value spans a range together with today's
        ends = moved if min(moved) < max(moved) else [*moved, x0]
        return min(ends), max(ends), "request"
    entry = model.inputs.get(name)
    likely = None if given is None else _likely(given)
    if likely is None and entry is not None:
        if entry.low is not None and entry.high is not None:
            return entry.low, entry.high, "range"
        likely = None if filed is None else _likely(filed)
    if likely is not None:
        low, high = np.rint(likely).tolist() if spec.integer else likely
        low, high = max(low, spec.low), min(high, spec.high)
        if low < high:
            return low, high, "distribution"
    around = [x0 * (1 - DEFAULT_SPREAD), x0 * (1 + DEFAULT_SPREAD)]
    low, high = min(around), max(around)
    if spec.integer:
        low, high = float(np.floor(low)), float(np.ceil(high))
    if low == high and item.id is not None and (given or filed) is None:
        raise InputError(
            f"{name} is 0 in this model, so 20 % either side is no range; give `range`",
            field,
        )
    return max(low, spec.low), min(high, spec.high), "default"


def _likely(distribution: Distribution) -> tuple[float, float] | None:
    """Between which 9 of 10 draws lie; all, where that is one value; None: no range."""
    low, high = distribution.ppf(np.array([0.05, 0.95])).tolist()
    if low == high:
        low, high = distribution.support
    return (low, high) if low < high and np.isfinite([low, high]).all() else None


def _moved(item: Item, x0: float, field: str) -> list[float]:
    """The values that a mode and its numbers stand for."""
    v = np.array([float(value) for value in item.values or ()])
    match item.mode:
        case "percentage":
            found = x0 * (1 + v / 100)
        case "absolutedeparture":
            found = x0 + v
        case "symmetrical":
            if v[0] == 0:
                raise InputError("0 % either side is no range", f"{field}.values")
            found = x0 * (1 + np.array([-v[0], 0.0, v[0]]) / 100)
        case _:
            found = v
    if not np.isfinite(found).all():
        raise InputError("the values exceed all numbers", f"{field}.values")
    return [float(value) for value in found]


def _values(
    item: Item, x0: float, low: float, high: float, integer: bool, field: str
) -> tuple[float, ...]:
    """Points of the curve."""
    if item.id is not None and item.values and item.mode not in DRAWN:
        moved = np.array(_moved(item, x0, field))
        if integer:
            moved = np.rint(moved)
    else:
        moved = np.linspace(low, high, item.steps)
        if integer:
            return tuple(np.unique(np.rint(moved)).tolist())
    return tuple(moved.tolist())
