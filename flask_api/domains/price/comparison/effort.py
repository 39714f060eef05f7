"""How many orders of change a comparison may draw, so that it ends in about a minute.

Plants of the same choices are priced together, a microsecond or two each; every further
set of choices has to be prepared first, which takes as long as some 25 plants. The
estimate depends on the request alone: the same request draws the same orders anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_api.domains.price.comparison.attribution import BLOCK, EXACT, worths
from flask_api.domains.price.comparison.mixtures import Difference
from flask_api.domains.price.model import PriceModel

#: Work is counted in sets of choices, of about 0.05 ms each: 40 s.
MOST = 800_000
#: A plant of a set that is prepared.
_PLANT = 0.04
#: A period of years with values of their own.
_PERIOD = 0.003
#: Exact splits may leave less than this of the whole; drawing has it in any case.
_LEFT = MOST / 4
#: An order and its reverse.
_FEWEST = 4


@dataclass(frozen=True)
class Effort:
    """What one variant takes: what differs, choices of that, periods of both plants."""

    things: int
    choices: int
    periods: int

    @classmethod
    def of(
        cls, base: PriceModel, variant: PriceModel, things: Sequence[Difference]
    ) -> Effort:
        plants = (base, variant)
        return cls(
            len(things),
            sum(thing.part != "inputs" for thing in things),
            sum(len(plant.structure.periods) for plant in plants),
        )

    @property
    def drawn(self) -> bool:
        """Whether its parts are estimated from orders that are drawn."""
        return self.things > EXACT

    @property
    def exact_work(self) -> float:
        """Of all coalitions."""
        return self._set * (1 << self.choices) + _PLANT * worths(self.things)

    @property
    def work_per_order(self) -> float:
        """Of one order, with those drawn beside it: they may share sets of choices."""
        sets = min(max(0, self.choices - 1), (1 << self.choices) / (2 * BLOCK))
        return self._set * sets + _PLANT * (self.things - 1)

    @property
    def _set(self) -> float:
        return 1.0 + _PERIOD * self.periods


def orders(efforts: Sequence[Effort], asked: int) -> int:
    """How many orders to draw for each variant that needs them, at most `asked`."""
    per_order = sum(effort.work_per_order for effort in efforts if effort.drawn)
    if not per_order:
        return asked
    exact = sum(effort.exact_work for effort in efforts if not effort.drawn)
    possible = int(max(MOST - exact, _LEFT) / per_order)
    return min(asked, max(_FEWEST, possible - possible % 2))
