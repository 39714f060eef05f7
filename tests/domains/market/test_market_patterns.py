"""Distinct patterns: nothing lost, counted right, in little memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest

from flask_api.domains.market.patterns.patterns import pack
from flask_api.numerics.errors import InputError


@pytest.mark.parametrize("items", [1, 7, 8, 9, 50, 64, 65, 130])
@pytest.mark.parametrize("gaps", [False, True])
def test_every_cell_comes_back_from_the_patterns(items: int, gaps: bool) -> None:
    random = np.random.default_rng(items)
    data = (random.random((300, items)) < 0.3).astype(np.uint8)
    missing = random.random(data.shape) < 0.1 if gaps else None
    patterns = pack(data, missing)
    known = np.ones(data.shape, bool) if missing is None else ~missing
    everything = slice(0, patterns.size)
    np.testing.assert_array_equal(
        patterns.expand(patterns.ones(everything)), data * known
    )
    np.testing.assert_array_equal(patterns.expand(patterns.seen(everything)), known)
    said = Counter(map(bytes, np.hstack([data * known, known.astype(np.uint8)])))
    assert patterns.size == len(said)
    assert sorted(patterns.counts) == sorted(said.values())
    np.testing.assert_array_equal(np.bincount(patterns.of_row), patterns.counts)
    bought, seen = patterns.totals()
    np.testing.assert_array_equal(bought, (data * known).sum(axis=0))
    np.testing.assert_array_equal(seen, known.sum(axis=0))


def test_a_zero_and_a_missing_value_are_two_things() -> None:
    data = np.zeros((3, 2), np.uint8)
    missing = np.array([[False, True], [False, False], [False, True]])
    patterns = pack(data, missing)
    assert sorted(patterns.counts) == [1, 2]
    assert patterns.of_row[0] == patterns.of_row[2] != patterns.of_row[1]


def test_a_row_with_a_count_is_as_many_rows() -> None:
    data = np.array([[0, 1], [1, 1], [0, 1]], np.int64)
    by_count = pack(data, counts=np.array([2, 5, 1]))
    by_row = pack(np.repeat(data, [2, 5, 1], axis=0))
    np.testing.assert_array_equal(by_count.codes, by_row.codes)
    np.testing.assert_array_equal(by_count.counts, by_row.counts)
    assert by_count.rows == by_row.rows == 8


def test_patterns_that_are_drawn_again_keep_their_cells() -> None:
    data = np.array([[0, 1], [1, 1], [1, 0]], np.uint8)
    patterns = pack(data)
    again = patterns.counted(np.array([3.0, 0.0, 2.0]))
    kept = patterns.ones(slice(0, 3))[[2, 0]]
    np.testing.assert_array_equal(again.ones(slice(0, 2)), kept)
    np.testing.assert_array_equal(again.counts, [2, 3])


def test_what_a_missing_cell_holds_is_not_looked_at() -> None:
    data = np.array([[0.0, np.nan], [1.0, 7.0]])
    patterns = pack(data, np.array([[False, True], [False, True]]))
    assert patterns.size == 2


@pytest.mark.parametrize("wrong", [2, -1, 255, 0.5, np.nan, np.inf])
def test_a_cell_that_is_neither_0_nor_1_is_named(wrong: float) -> None:
    data = np.zeros((40_000, 3))
    data[30_001, 1] = wrong
    with pytest.raises(InputError, match="row 30002, column 2; wanted 0 or 1") as told:
        pack(data)
    assert told.value.field == "data[30001][1]"


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,)])
def test_an_empty_table_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="at least one row and one product"):
        pack(np.zeros(shape))


@pytest.mark.parametrize(
    ("counts", "said"),
    [([1, -1], "row 2"), ([1.5, 1], "row 1"), ([0, 0], "all 0"), ([1], "each of 2")],
)
def test_counts_are_whole_and_not_negative(counts: list[float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        pack(np.array([[0], [1]]), counts=np.array(counts))


def test_packing_takes_few_bytes_a_row() -> None:
    rows, items = 200_000, 50
    data = np.random.default_rng(0).integers(0, 2, (rows, items), np.uint8)
    tracemalloc.start()
    try:
        pack(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Packed rows 7 + words 8, an order of 8, patterns of 7 + count 8 + place 4 and a
    # few passing copies of 8: below 100 a row, where the table itself has 50.
    assert peak < 100 * rows
