"""How the kernel's functions are compiled, and what they work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function, compiled where a compiled one calls it.

    Division by 0 gives infinity as in numpy. Without `fastmath`, so that NaN stays NaN
    and sums are never reordered: the same bits on every processor. Inlined, as a call
    would move all vector registers to memory and back; for the same reason a function
    that is called in a loop should be handed lanes, not the workspace: each array
    handed over is counted, by a call.
    """
    return cast(F, numba.njit(error_model="numpy", forceinline=True)(function))
