"""Random numbers whose value depends on seed, lane and position alone.

A stream is a Philox generator: its key comes from the seed, its counter from the
block. Each block owns 2**128 counters, so blocks cannot overlap, and it makes no
difference which worker computes which block, or in which order.

Source: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3,
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

import numpy as np

#: Seeds are whole numbers from 0 to this.
LARGEST_SEED = 2**63 - 1


def stream(seed: int, block: int = 0, *lane: int) -> np.random.Generator:
    """The random numbers that belong to `block` of the stream `(seed, *lane)`.

    seed    0 <= seed <= LARGEST_SEED; every value is a stream of its own, 0 too
    block   0 <= block < 2**64, such as the number of the block's first row
    lane    whole numbers that keep purposes apart (sampling, resampling, input k)
    """
    key = np.random.SeedSequence(seed, spawn_key=lane).generate_state(2, np.uint64)
    counter = np.array([0, 0, block, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
