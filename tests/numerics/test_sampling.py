"""Streams and designs: which numbers come, and that nothing else decides them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare, qmc

import flask_api
from flask_api.numerics import InputError
from flask_api.numerics.designs import (
    BLOCK,
    LatinDesign,
    RandomDesign,
    Replicated,
    SobolDesign,
    blocks,
    design,
    parts,
    shares,
)
from flask_api.numerics.permutation import Permutation
from flask_api.numerics.sobol import Sobol
from flask_api.numerics.streams import LARGEST_SEED, stream


def latin(dims: int, seed: int) -> LatinDesign:
    return LatinDesign(dims, seed, 3 * BLOCK)


def scrambles(dims: int, seed: int) -> Replicated:
    found = design("sobol", dims, seed, 3 * BLOCK, 16)
    assert isinstance(found, Replicated)
    return found


DESIGNS = [RandomDesign, SobolDesign, latin, scrambles]


def test_unscrambled_points_are_those_of_scipy():
    theirs = qmc.Sobol(80, scramble=False, bits=32).random(4096)
    ours = Sobol(80)
    assert np.array_equal(ours.words(0, 4096).T * 2.0**-32, theirs)
    assert np.array_equal(ours.words(2048, 1000).T * 2.0**-32, theirs[2048:3048])


def test_scrambling_keeps_every_elementary_interval_filled_once():
    # The first two dimensions are a (0, 8, 2)-net: each box of 2^-i x 2^-(8-i) has one.
    u = SobolDesign(2, 3).block(0, 256)
    for i in range(9):
        box = (u[0] * 2**i).astype(int) * 2 ** (8 - i) + (u[1] * 2 ** (8 - i)).astype(
            int
        )
        assert len(set(box.tolist())) == 256


def test_scrambled_dimensions_are_each_stratified_in_every_aligned_block():
    points = SobolDesign(12, 0)
    for start in (0, 256, 4096):
        for row in points.block(start, 256):
            assert len(set((row * 256).astype(int).tolist())) == 256


@pytest.mark.parametrize("kind", DESIGNS)
def test_a_block_does_not_depend_on_who_asked_for_what_before(kind):
    whole = kind(3, 7)
    layout = list(blocks(3 * BLOCK))
    in_order = [whole.block(start, n) for start, n in layout]
    for (start, n), expected in reversed(list(zip(layout, in_order, strict=True))):
        assert np.array_equal(kind(3, 7).block(start, n), expected)


@pytest.mark.parametrize("kind", DESIGNS)
def test_seed_zero_is_a_seed_and_not_seed_one(kind):
    zero = kind(2, 0).block(0, 64)
    assert np.array_equal(zero, kind(2, 0).block(0, 64))
    assert not np.array_equal(zero, kind(2, 1).block(0, 64))
    assert not np.array_equal(zero, kind(2, LARGEST_SEED).block(0, 64))


@pytest.mark.parametrize("kind", DESIGNS)
def test_points_lie_strictly_inside_the_unit_cube(kind):
    u = kind(4, 5).block(0, BLOCK)
    assert u.shape == (4, BLOCK)
    assert u.min() > 0
    assert u.max() < 1


def test_sobol_points_are_the_middles_of_their_cells():
    # So the cell at 0, which one seed in 2**32 draws first, gives no infinite draw.
    words = Sobol(3, stream(5, 0, 1)).words(0, 64)
    assert np.array_equal(SobolDesign(3, 5).block(0, 64), (words + 0.5) / 2**32)


def test_streams_of_neighbouring_blocks_are_2_to_the_128_apart():
    # So two blocks overlap only after 2**128 numbers: never.
    generator: Any = stream(9, 4).bit_generator
    far = generator.advance(2**128)
    assert np.array_equal(np.random.Generator(far).random(8), stream(9, 5).random(8))


def test_streams_of_other_seeds_and_lanes_share_no_number():
    drawn = [stream(s, b, *lane).random(1000) for s, b, lane in STREAMS]
    assert len(np.unique(np.concatenate(drawn))) == 1000 * len(STREAMS)


STREAMS = [(s, b, lane) for s in (0, 1) for b in (0, 64) for lane in ((), (1,), (1, 2))]


def test_each_purpose_has_a_lane_of_its_own():
    # two purposes that share a lane would draw the same numbers from one seed
    found = Counter(
        number
        for source in Path(flask_api.__file__).parent.rglob("*.py")
        for line in source.read_text().splitlines()
        if (said := re.match(r"(_\w*LANE(?:, _\w*LANE)*) = ([\d, ]+)", line))
        for number in map(int, said[2].split(","))
    )
    assert len(found) >= 10
    assert set(found.values()) == {1}


def test_the_mean_of_many_blocks_scatters_as_independent_draws_do():
    # Overlapping streams would shrink or swell the scatter of means: 400 means of 256
    # uniforms have std 1/sqrt(12 x 256); its own error is 1/sqrt(800) = 3.5 %: 4 of it.
    means = [RandomDesign(1, 11).block(256 * k, 256).mean() for k in range(400)]
    assert np.std(means) == pytest.approx(1 / np.sqrt(12 * 256), rel=0.14)


@pytest.mark.parametrize("total", [1, 63, 64, 100, 65, 16_384, 100_001])
def test_blocks_cover_all_draws_once_and_start_where_sobol_wants(total):
    layout = list(blocks(total))
    assert [start for start, _ in layout] == np.cumsum(
        [0] + [n for _, n in layout[:-1]]
    ).tolist()
    assert sum(n for _, n in layout) == total
    assert all(n <= BLOCK for _, n in layout)
    Sobol(1).words(*layout[-1])  # aligned, else ValueError


def test_what_cannot_be_sampled_is_refused():
    with pytest.raises(InputError, match="offered: lhs, random, sobol"):
        design("latin", 2, 0)
    with pytest.raises(InputError, match="21201"):
        Sobol(30_000)
    with pytest.raises(ValueError, match="no multiple"):
        Sobol(1).words(32, 64)


@pytest.mark.parametrize("total", [1, 2, 64, 100, 1000, 20_000])
def test_a_latin_hypercube_meets_each_slice_once(total):
    points = LatinDesign(3, 5, total)
    u = np.hstack([points.block(start, n) for start, n in blocks(total)])
    for row in u:
        slices = (row * total).astype(int)
        assert sorted(slices.tolist()) == list(range(total))


def test_places_of_draws_are_in_no_order_and_inputs_are_independent():
    # Correlation of two orders of n has std 1/sqrt(n - 1); 45 pairs: 4 of it.
    n = 5000
    points = LatinDesign(10, 1, n)
    u = np.hstack([points.block(start, m) for start, m in blocks(n)])
    apart = np.asarray(np.corrcoef(u))[np.triu_indices(10, 1)]
    assert np.abs(apart).max() < 4 / np.sqrt(n)
    assert np.std(apart) == pytest.approx(1 / np.sqrt(n - 1), rel=4 / np.sqrt(90))
    follow = [float(np.asarray(np.corrcoef(r[:-1], r[1:]))[0, 1]) for r in u]
    assert np.abs(follow).max() < 4 / np.sqrt(n)


def test_every_order_of_a_short_list_comes_equally_often():
    runs = 2400
    seen = Counter(
        tuple(Permutation(4, stream(s, 0, 77)).places(0, 4).tolist())
        for s in range(runs)
    )
    assert len(seen) == 24
    # one test at a fixed seed: seen to be 1e-12 with half the rounds
    assert chisquare(list(seen.values())).pvalue > 1e-3


def test_the_mean_of_a_latin_hypercube_scatters_far_less_than_at_random():
    n = 1000
    means = [LatinDesign(1, s, n).block(0, n).mean() for s in range(50)]
    # each slice of 1/n has variance 1/(12 n^2), the mean of n of them 1/(12 n^3)
    expected = 1 / np.sqrt(12 * n**3)
    assert np.std(means) == pytest.approx(expected, rel=4 / np.sqrt(100))


def test_a_latin_hypercube_of_10_to_the_8_needs_no_memory_of_that_size():
    points = LatinDesign(4, 3, 10**8)
    u = points.block(6104 * BLOCK, 100)  # near the end, at once
    assert u.shape == (4, 100)
    assert 0 < u.min() < u.max() < 1


def test_replicates_share_each_block_and_are_designs_of_their_own():
    points = design("lhs", 2, 3, 1000, 8)
    rows: list[list[Any]] = [[] for _ in range(8)]
    for start, n in blocks(1000):
        u = points.block(start, n)
        for kept, part in zip(rows, parts(n, 8), strict=True):
            kept.append(u[:, part])
    sizes = shares(1000, 8)
    assert sum(sizes) == 1000
    for size, kept in zip(sizes, rows, strict=True):
        u = np.hstack(kept)
        assert u.shape == (2, size)
        assert sorted((u[0] * size).astype(int).tolist()) == list(range(size))
    sobol = design("sobol", 1, 3, 1024, 16)
    u = np.hstack([sobol.block(s, n) for s, n in blocks(64)])
    assert len(np.unique(u)) == 64
    for part in parts(64, 16):  # each scramble fills its quarters once
        assert sorted((u[0, part] * 4).astype(int).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(("n", "count"), [(64, 16), (100, 8), (5, 8), (16_384, 64)])
def test_parts_cover_a_block_once(n, count):
    rows = [list(range(n))[part] for part in parts(n, count)]
    assert sum(rows, []) == list(range(n))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1


def test_designs_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="number of draws"):
        design("lhs", 2, 0)
    with pytest.raises(InputError, match="power of two"):
        design("sobol", 2, 0, 1000, 12)
    with pytest.raises(InputError, match="2\\*\\*32"):
        LatinDesign(2, 0, 2**33)
    with pytest.raises(ValueError, match="at most"):
        Permutation(0, stream(0))
