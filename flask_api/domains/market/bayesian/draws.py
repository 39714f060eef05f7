"""Draws of several chains as they come: kept in memory, saved to a folder."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Seconds between two savings.
SAVED_EVERY_S = 10.0
#: Numbers of households' own values that are kept of all chains together.
HOUSEHOLD_NUMBERS = 1 << 24


class Chain:
    """The draws of one chain after tuning.

    structure   what holds for all households, every draw, shape (draws, structure)
    own         households' values of every `thin`-th draw, shape (kept, own values)
    """

    def __init__(
        self, tune: int, draws: int, structure: int, own: int, thin: int
    ) -> None:
        self.tune, self.thin = tune, thin
        self.done = 0
        self.structure = np.empty((draws, structure))
        self.own = np.empty((-(-draws // thin) if own else 0, own), np.float32)

    def add(self, point: Floats) -> None:
        """Take the next draw; those of the tuning are only counted."""
        draw = self.done - self.tune
        if draw >= 0:
            split = self.structure.shape[1]
            self.structure[draw] = point[:split]
            if self.own.size and draw % self.thin == 0:
                self.own[draw // self.thin] = point[split:]
        self.done += 1

    @property
    def drawn(self) -> int:
        """Draws after tuning."""
        return max(0, self.done - self.tune)


class Draws:
    """All chains. Several threads may add, each to a chain of its own.

    tune, draws   of each chain
    thin          households' own values are kept of each so-manieth draw
    """

    def __init__(
        self, chains: int, tune: int, draws: int, structure: int, size: int
    ) -> None:
        self.tune, self.draws, self.width = tune, draws, structure
        own = size - structure
        most = max(1, HOUSEHOLD_NUMBERS // max(1, own) // chains)
        self.thin = max(1, -(-draws // most))
        self.chains = [
            Chain(tune, draws, structure, own, self.thin) for _ in range(chains)
        ]

    @property
    def done(self) -> int:
        """Draws of all chains, tuning included."""
        return sum(chain.done for chain in self.chains)

    @property
    def total(self) -> int:
        return len(self.chains) * (self.tune + self.draws)

    @property
    def common(self) -> int:
        """Draws after tuning that every chain has."""
        return min(chain.drawn for chain in self.chains)

    def structure(self) -> Floats:
        """Shape (chains, draws, structure): as many draws as every chain has."""
        common = self.common  # threads go on drawing
        return np.stack([chain.structure[:common] for chain in self.chains])

    def some(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Floats:
        """Some draws of some quantities, shape (chains, rows, columns).

        rows   below `common`
        """
        return np.stack(
            [chain.structure[np.ix_(rows, columns)] for chain in self.chains]
        )

    def means(self, most: int) -> Floats:
        """Mean of each of the first quantities, over the draws that every chain has."""
        common = self.common
        each = [chain.structure[:common, :most].mean(axis=0) for chain in self.chains]
        return np.asarray(np.mean(each, axis=0))

    def kept(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Numbers of the draws whose households' values are kept, and these values.

        Shapes (kept,) and (chains, kept, values).
        """
        which = np.arange(0, self.common, self.thin)
        return which, np.stack([chain.own[: len(which)] for chain in self.chains])


class Saving:
    """Writes the draws to a folder every 10 seconds, whole files only.

    `draws_chain_1.npy`, ...: shape (draws, structure), in the sampler's own frame.
    """

    def __init__(self, draws: Draws, folder: Path | None) -> None:
        self._draws, self._folder = draws, folder
        self._last = time.monotonic()
        self._saved = [0] * len(draws.chains)

    def due(self) -> None:
        """Save if 10 seconds have passed."""
        if time.monotonic() - self._last >= SAVED_EVERY_S:
            self.now()

    def now(self, all_again: bool = False) -> None:
        """Save what is new, or everything."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for number, chain in enumerate(self._draws.chains):
            drawn = chain.drawn
            if not drawn or (drawn == self._saved[number] and not all_again):
                continue
            path = self._folder / f"draws_chain_{number + 1}.npy"
            unfinished = path.with_suffix(".part")
            with unfinished.open("wb") as file:
                np.save(file, chain.structure[:drawn], allow_pickle=False)
            unfinished.replace(path)
            self._saved[number] = drawn
        self._last = time.monotonic()
