"""Pick-freeze designs: two independent points, and mixtures of the two.

The points are the two halves of one sequence of twice as many dimensions, its first
point kept: Owen (2020), arXiv:2008.08051. Saltelli (2002),
doi:10.1016/S0010-4655(02)00280-1, Theorem 2 is the design with both mixtures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.variance.columns import Columns
from flask_api.numerics.designs import BLOCK, FIRST_BLOCK
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.monte_carlo import Model

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: The fourth powers of outputs beyond cannot be summed: they count as no value.
LARGEST = 1e75


def usable(y: Floats) -> Flags:
    """Which rows of `y`, shape (values, n), have only values to compute with."""
    return cast(Flags, (np.abs(y) < LARGEST).all(axis=0))


def layout(total: int, most: int) -> Iterator[tuple[int, int]]:
    """(start, n) of each block: 64, 64, 128 .., then the power of two within `most`."""
    largest = min(BLOCK, 1 << (most.bit_length() - 1))
    start = 0
    while start < total:
        size = min(max(start, FIRST_BLOCK), largest)
        yield start, min(size, total - start)
        start += size


class Rows:
    """The rows of a pick-freeze design, through a model.

    width   evaluations in one row: A, AB_1.., [BA_1..,] B
    """

    def __init__(
        self,
        model: Model,
        inputs: Mapping[str, Distribution],
        columns: Columns,
        second: bool,
    ) -> None:
        self._model, self._inputs, self._columns = model, inputs, columns
        self._second = second
        count = len(columns.names)
        self.width = 2 * count + 2 if second else count + 2

    def evaluate(self, u: Floats, outputs: Sequence[str]) -> dict[str, Floats]:
        """Outputs at the rows that `u`, shape (2 inputs, n), makes: (width, n) each."""
        n = u.shape[1]
        a = [d.ppf(v) for d, v in zip(self._inputs.values(), u, strict=False)]
        half = len(a)
        b = [d.ppf(v) for d, v in zip(self._inputs.values(), u[half:], strict=True)]
        out = {name: np.empty((self.width, n)) for name in outputs}
        step = BLOCK // self.width
        for low in range(0, n, step):
            part = slice(low, low + step)
            y = self._model(self.mixed([v[part] for v in a], [v[part] for v in b]))
            for name, values in out.items():
                values[:, part] = y[name].reshape(self.width, -1)
        return out

    def mixed(self, a: Sequence[Floats], b: Sequence[Floats]) -> dict[str, Floats]:
        """The columns of the inputs: all of A, of each AB_j, of each BA_j, of B."""
        count = len(self._columns.names)
        x = {}
        for name, j, at_a, at_b in zip(
            self._inputs, self._columns.of_input, a, b, strict=True
        ):
            column = np.empty((self.width, len(at_a)))
            column[: 1 + count] = at_a
            column[1 + count :] = at_b
            column[1 + j] = at_b
            if self._second:
                column[1 + count + j] = at_a
            x[name] = column.ravel()
        return x
