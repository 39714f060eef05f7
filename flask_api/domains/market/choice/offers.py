"""What is offered beside what: few enough alternatives, and all of them linked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from flask_api.domains.market.choice import columns as table
from flask_api.numerics.errors import InputError

#: Tables of elasticities have a row for each pair of alternatives.
MOST_ALTERNATIVES = 200
_TOLD = 5


def refuse_many(names: Sequence[str], alternative: str) -> None:
    """Refuse more alternatives than a table of all of them can be made for."""
    if len(names) > MOST_ALTERNATIVES:
        raise InputError(
            f"column {alternative!r} names {len(names):,} alternatives; wanted at most "
            f"{MOST_ALTERNATIVES}. Where each situation has alternatives of its own, "
            "number them within it (1, 2, 3, ...) and fit without constants",
            table.field(alternative),
        )


def refuse_unlinked(
    names: Sequence[str], available: npt.NDArray[np.bool_], terms: str
) -> None:
    """Refuse alternatives that no chain of common offers compares with the others.

    names       of the alternatives
    available   what could be chosen, shape (situations, alternatives)
    terms       of the utility, which can't be told then: `constants`, `traits`
    """
    open_to = available.astype(np.float32)
    linked = csr_array(open_to.T @ open_to > 0)
    count, part = connected_components(linked, directed=False)
    if count > 1:
        first, other = (
            _listed([name for name, at in zip(names, part, strict=True) if at == k])
            for k in (0, 1)
        )
        raise InputError(
            f"{first} and {other} are never offered together, nor is there a chain of "
            f"situations that compares them: their {terms} can't be told apart. Fit "
            f"them in runs of their own, or fit without {terms}",
            "params" if terms == "traits" else "params.constants",
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(map(repr, names[:_TOLD])) + more
