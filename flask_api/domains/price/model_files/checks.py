"""What numbers and choices of one plant must keep to together.

Used on model files and on what a request changes: each says where an input stands.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from flask_api.domains.price.inputs import INPUTS, YEARLY, canonical
from flask_api.domains.price.model import Period, Structure
from flask_api.domains.price.model_files.shown import plainly, shown
from flask_api.numerics.errors import InputError

#: Slots that can be switched off, by the letter of the seed's switch.
SLOTS: Mapping[str, tuple[str, ...]] = {
    "V": tuple(f"V{n}" for n in range(1, 11)),
    "F": tuple(f"F{n}" for n in range(1, 6)),
}
#: Calculations by name, and the seed's word for each.
SOLVES: Mapping[str, str] = {
    "price": "price",
    "npv": "npv",
    "calculateForPrice": "price",
    "freeFlowNPV": "npv",
}
MOST_PERIODS = 100
_TOLERANCE = 1e-9

#: Says what is wrong with item `index` of a list (None: the list) at its key.
Refuse = Callable[[int | None, str | None, str], NoReturn]
#: A given number in the input's own unit.
Convert = Callable[[str, float], float]


@dataclass(frozen=True)
class Fault:
    """What can't be, and the inputs or choices that make it so, likeliest first.

    hopeless   each value may be meant so, but no price could save such a plant
    """

    names: tuple[str, ...]
    problem: str
    hopeless: bool = False


def faults(
    values: Mapping[str, float], structure: Structure, named: Container[str]
) -> Iterator[Fault]:
    """What is wrong with a plant whose single values are all possible.

    values   of every input by canonical name
    named    inputs that a file or a request gives; a term or a horizon that none
             gives is cut at the plant's end
    """
    life, term = values["plant_lifetime"], values["loan_years"]
    if values["loan_fraction"] > 0 and term > life and "loan_years" in named:
        yield Fault(
            ("loan_years", "plant_lifetime", "loan_fraction"),
            f"loan_years is {plainly(term)} and plant_lifetime {life:g}: a loan can't "
            f"outlast the plant; set loan_years to {life:g} or less",
        )
    parts = values["interest_proportion"] + values["principal_proportion"]
    if abs(parts - 1) > _TOLERANCE:
        yield Fault(
            ("interest_proportion", "principal_proportion"),
            f"interest_proportion and principal_proportion sum to {parts:.12g}; they "
            "are the two parts of a payment and must sum to 1",
        )
    row = values["target_row"]
    if row > life and "target_row" in named:
        yield Fault(
            ("target_row", "plant_lifetime"),
            f"target_row is {row:g} and plant_lifetime {life:g}: the plant has no such "
            f"year; give 1 to {life:g}, or 0 for the last one",
        )
    yield from _tax_faults(values, structure)
    if structure.conventions.interest_type != "variable":
        if any("loan_rate" in period.values for period in structure.periods):
            yield Fault(
                ("periods", "interest_type"),
                "periods give loan_rate, but interest_type is fixed: set it to "
                "variable, or leave loan_rate out of the periods",
            )


def _tax_faults(values: Mapping[str, float], structure: Structure) -> Iterator[Fault]:
    rates = ("federal_tax_rate", "state_tax_rate")
    years: list[tuple[str, Mapping[str, float]]] = [("", values)]
    if any(name in period.values for period in structure.periods for name in rates):
        years = [
            (f" in year {year}", {**values, **_of_year(structure.periods, year)})
            for year in range(1, int(values["plant_lifetime"]) + 1)
        ]
    for when, of_year in years:
        federal, state = (of_year[name] for name in rates)
        together = state + federal
        if structure.conventions.state_deductible:
            together = state + federal * (1 - state)
        if together >= 1:
            yield Fault(
                (*rates, "periods", "state_deductible"),
                "no price can save this plant: federal_tax_rate "
                f"{federal:g} and state_tax_rate {state:g} take {together:.0%} of "
                f"every dollar earned{when}; together they must stay below 1",
                hopeless=True,
            )
            return


def _of_year(periods: Sequence[Period], year: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for period in periods:
        if period.start <= year <= period.end:
            found.update(period.values)
    return found


def complete_proportions(
    given: Mapping[str, object],
) -> tuple[str, str] | None:
    """The part of a loan payment that is given, and the one that follows from it."""
    pair = ("interest_proportion", "principal_proportion")
    if (pair[0] in given) == (pair[1] in given):
        return None
    return pair if pair[0] in given else (pair[1], pair[0])


def within_life(structure: Structure, plant_lifetime: float) -> Structure:
    """The structure without what lies beyond the plant's last year.

    With one rate for the whole loan, rates of single years have no meaning either.
    """
    fixed = structure.conventions.interest_type != "variable"
    kept = []
    for period in structure.periods:
        values = {
            name: value
            for name, value in period.values.items()
            if not (fixed and name == "loan_rate")
        }
        if values and period.start <= plant_lifetime:
            end = min(period.end, int(plant_lifetime))
            kept.append(replace(period, end=end, values=values))
    return replace(structure, periods=tuple(kept))


def check_periods(
    given: Sequence[object], plant_lifetime: float, convert: Convert, refuse: Refuse
) -> tuple[Period, ...]:
    """Values that apply in some operating years, from a list of {start, end, inputs}.

    Refused: years outside 1..plant_lifetime, inputs that can't change by year, values
    that are not possible, and a year that gets two values for one input.
    """
    if len(given) > MOST_PERIODS:
        refuse(None, None, f"want {MOST_PERIODS} periods at most, got {len(given)}")
    found: list[Period] = []
    taken: dict[tuple[str, int], int] = {}
    for index, item in enumerate(given):
        if not isinstance(item, Mapping):
            refuse(index, None, "want {start, end, inputs}")
        for key in item:
            if key not in ("start", "end", "inputs"):
                refuse(index, str(key), "unknown key; there are start, end, inputs")
        start, end = _years(index, item, int(plant_lifetime), refuse)
        values = _values(index, item.get("inputs"), convert, refuse)
        for name in values:
            for year in range(start, end + 1):
                other = taken.setdefault((name, year), index)
                if other != index:
                    refuse(
                        index,
                        "inputs",
                        f"{name} has a value for year {year} in item {other} already",
                    )
        found.append(Period(start, end, values))
    return tuple(found)


def _years(
    index: int, item: Mapping[str, object], life: int, refuse: Refuse
) -> tuple[int, int]:
    found = []
    for key in ("start", "end"):
        year = item.get(key)
        if isinstance(year, float) and year.is_integer():
            year = int(year)
        if isinstance(year, bool) or not isinstance(year, int):
            refuse(
                index,
                key,
                f"want an operating year from 1 to {life}, got {shown(year)}",
            )
        if not 1 <= year <= life:
            refuse(
                index,
                key,
                f"year {shown(year)} is not within 1..{life} (plant_lifetime)",
            )
        found.append(year)
    if found[0] > found[1]:
        refuse(index, "end", f"end {found[1]} is before start {found[0]}")
    return found[0], found[1]


def _values(
    index: int, given: object, convert: Convert, refuse: Refuse
) -> dict[str, float]:
    if not isinstance(given, Mapping) or not given:
        refuse(index, "inputs", "want a mapping from input to value")
    values: dict[str, float] = {}
    for key, number in given.items():
        place = f"inputs.{key}"
        try:
            name = canonical(str(key))
        except InputError as error:
            refuse(index, place, str(error))
        if name not in YEARLY:
            refuse(
                index,
                place,
                f"{name} can't change from year to year; quantities, unit costs, units "
                "sold, yearly costs and revenues, operating_cost_fraction, tax rates "
                "and loan_rate can",
            )
        if name in values:
            refuse(index, place, f"{name} is given twice")
        values[name] = check_value(name, number, convert, partial(refuse, index, place))
    return values


def check_value(
    name: str, given: object, convert: Convert, refuse: Callable[[str], NoReturn]
) -> float:
    """The value of an input, if it is one that can be."""
    spec = INPUTS[name]
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        refuse(f"{name} is {shown(given)}; want a finite number")
    try:
        value = convert(name, float(given))
    except OverflowError:
        value = float("inf")
    if not abs(value) < float("inf"):
        refuse(f"{name} is {shown(given)}; want a finite number")
    if not spec.allows(value):
        refuse(f"{name} is {plainly(value)}; want {spec.bounds}")
    if spec.integer and value != round(value):
        refuse(f"{name} is {plainly(value)}; want whole {spec.unit}")
    return value


def switched(
    off: frozenset[str],
    given: object,
    letter: str,
    refuse: Callable[[str | None, str], NoReturn],
) -> frozenset[str]:
    """`off` after the switches of `selectedV` or `selectedF`: {V1: on, V3: off}."""
    slots = SLOTS[letter]
    if not isinstance(given, Mapping):
        refuse(None, f"want a mapping such as {{{slots[0]}: on, {slots[1]}: off}}")
    words = {"on": True, "off": False, "true": True, "false": False}
    result = set(off)
    for slot, state in given.items():
        if slot not in slots:
            refuse(
                str(slot),
                f"there is no slot {shown(slot)}; there are {', '.join(slots)}",
            )
        on = words.get(state.lower()) if isinstance(state, str) else state
        if not isinstance(on, bool):
            refuse(str(slot), f"{slot} is {shown(state)}; want on or off")
        result = result - {slot} if on else result | {slot}
    return frozenset(result)


def calculation(given: object, refuse: Callable[[str], NoReturn]) -> str:
    """`price` or `npv`, also by the seed's words."""
    found = SOLVES.get(given) if isinstance(given, str) else None
    if found is None:
        refuse(f"got {shown(given)}; choose one of {', '.join(SOLVES)}")
    return found
