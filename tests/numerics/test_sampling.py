"""Streams and designs: which numbers come, and that nothing else decides them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from flask_api.numerics import InputError
from flask_api.numerics.designs import BLOCK, RandomDesign, SobolDesign, blocks, design
from flask_api.numerics.sobol import Sobol
from flask_api.numerics.streams import LARGEST_SEED, fresh_seed, stream

DESIGNS = [RandomDesign, SobolDesign]


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
    with pytest.raises(InputError, match="offered: random, sobol"):
        design("latin", 2, 0)
    with pytest.raises(InputError, match="21201"):
        Sobol(30_000)
    with pytest.raises(ValueError, match="no multiple"):
        Sobol(1).words(32, 64)


def test_a_fresh_seed_survives_a_browser():
    assert all(0 <= fresh_seed() < 2**53 for _ in range(100))
