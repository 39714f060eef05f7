"""What nutpie has written down of its chains, read again and again while they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_COLUMNS = ("diverging", "maxdepth_reached", "logp", "step_size")
#: Twice as many blocks become this many.
KEPT = 64


class Blocks:
    """Means of series of any length, in at most 128 blocks that grow with it.

    series   how many run side by side

    Blocks are equally long but for the last one, whose values still come; the first one
    begins with the series. However the values come in, the blocks are the same.
    """

    def __init__(self, series: int) -> None:
        self._sums = np.zeros((2 * KEPT, series))
        self._size, self._seen = 1, 0

    def add(self, values: Floats) -> None:
        """The next values, shape (values, series)."""
        for value in values:
            if self._seen == 2 * KEPT * self._size:
                self._sums[:KEPT] = self._sums[::2] + self._sums[1::2]
                self._sums[KEPT:] = 0
                self._size *= 2
            self._sums[self._seen // self._size] += value
            self._seen += 1

    @property
    def ends(self) -> npt.NDArray[np.intp]:
        """The number of each block's last value, from 1."""
        last = self._seen + self._size
        return np.minimum(np.arange(self._size, last, self._size), self._seen)

    @property
    def means(self) -> Floats:
        """Shape (blocks, series)."""
        lengths = np.diff(self.ends, prepend=0)
        return np.asarray(self._sums[: len(lengths)] / lengths[:, None])


@dataclass(frozen=True)
class Noted:
    """The record at one look.

    places        what each chain that has begun told as its `place`, in nutpie's order
    divergences   after tuning, of all chains
    deepest       share of draws after tuning whose tree was cut at its largest depth
    step_size     mean of the chains' present ones; None before it is known
    """

    places: list[int]
    divergences: int
    deepest: float
    step_size: float | None


class Record:
    """Looks into the record of so many chains with so many draws of tuning.

    curves   log posterior (up to a constant) and step size, each the mean of the
             chains, in blocks of the draws that all chains have, tuning included
    """

    def __init__(self, chains: int, tune: int) -> None:
        self._chains, self._tune = chains, tune
        self.curves = Blocks(2)
        self._seen = 0

    def look(self, results: Any) -> Noted:
        """The record now; `results` holds nutpie's traces, which can be taken once."""
        import pyarrow

        values, statistics = results.get_arrow_trace()
        places, chains = [], []
        for kept, told in zip(values, statistics, strict=True):
            if not told.num_rows:
                continue
            place = pyarrow.record_batch(kept).column("place")[0].as_py()[0]
            places.append(int(place))
            table = pyarrow.record_batch(told)
            chains.append(
                {
                    name: table.column(name).to_numpy(zero_copy_only=False)
                    for name in _COLUMNS
                }
            )
        self._grow(chains)
        drawn = [chain["diverging"][self._tune :] for chain in chains]
        cut = [chain["maxdepth_reached"][self._tune :].sum() for chain in chains]
        steps = [chain["step_size"][-1] for chain in chains]
        return Noted(
            places,
            int(sum(each.sum() for each in drawn)),
            float(sum(cut) / max(1, sum(map(len, drawn)))),
            float(np.mean(steps)) if steps else None,
        )

    def _grow(self, chains: list[dict[str, Floats]]) -> None:
        if len(chains) < self._chains:
            return  # some have not begun
        common = min(len(chain["logp"]) for chain in chains)
        new = slice(self._seen, common)
        values = [
            np.column_stack([c["logp"][new], c["step_size"][new]]) for c in chains
        ]
        self.curves.add(np.mean(values, axis=0))
        self._seen = max(self._seen, common)
