"""Internal rates: published ones, polynomials with chosen roots, a peer, no rate."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.price.measures import irr
from flask_api.domains.price.measures.irr import all_rates, internal_rate
from flask_api.domains.price.measures.irr_brackets import falling_brackets
from flask_api.domains.price.measures.real_roots import (
    odd_part,
    square_free,
    unit_roots,
)
from flask_api.numerics.errors import InputError


def with_rates(*rates: Fraction | str | float, last: int = -1) -> list[int]:
    """A flow of whole amounts that is worth nothing at exactly these rates.

    last   sign of the last amount
    """
    flow = [Fraction(1)]
    for rate in rates:
        growth = 1 + Fraction(rate)
        wider = [Fraction(0)] * (len(flow) + 1)
        for year, amount in enumerate(flow):
            wider[year] += amount
            wider[year + 1] -= amount * growth
        flow = wider
    scale = math.lcm(*(amount.denominator for amount in flow))
    sign = 1 if (flow[-1] > 0) == (last > 0) else -1
    return [int(amount * scale) * sign for amount in flow]


def worth(flow: list[float], rate: float) -> float:
    return math.fsum(amount / (1 + rate) ** year for year, amount in enumerate(flow))


# -- all rates of one flow -------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "rates"),
    [
        ([-70000, 12000, 15000, 18000, 21000], [-0.021244848]),
        ([-70000, 12000, 15000, 18000, 21000, 26000], [0.086630948]),
    ],
)
def test_published_rates_are_found(flow: list[float], rates: list[float]) -> None:
    assert all_rates(flow) == pytest.approx(rates, abs=5e-10)  # nine digits printed


def test_npv_is_zero_at_the_rate_that_makes_a_published_npv() -> None:
    flow = [-10000.0, 3000, 4200, 6800]
    # published with the first flow at the end of year 1
    assert worth([0.0, *flow], 0.1) == pytest.approx(1188.4434, abs=5e-5)
    (rate,) = all_rates(flow)
    assert worth(flow, rate) == pytest.approx(0, abs=1e-10)


def test_the_rates_of_the_plants_are_those_of_the_peer(
    tea_cases: list[dict[str, Any]],
) -> None:
    for case in tea_cases:
        flow = case["cashflow_table"]["Cash flow [MM$]"]
        expected = case["outputs"]["IRR_values_in_minus50_to_100pct"]
        rates = all_rates(flow)
        assert [r for r in rates if -0.5 <= r <= 1] == pytest.approx(expected, abs=1e-9)
        assert internal_rate(np.array(flow)[:, None], 0.1) == pytest.approx(
            expected, abs=1e-9
        )


@pytest.mark.parametrize(
    "rates",
    [
        ["1/10", "1/5"],
        ["-3/10", "1/10", "3/10"],
        ["0", "1/10"],  # NPV without discounting is 0
        ["1/100", "2/100", "3/100", "4/100"],
        ["-9/10", "-1/2", "1/20", "1/2", "3"],
        ["1/10", "100000001/1000000000"],  # 1e-9 apart
        ["-1/2", "0", "1", "3"],  # all where intervals are halved
    ],
)
def test_chosen_rates_are_all_found(rates: list[str]) -> None:
    flow = with_rates(*rates)
    expected = sorted(float(Fraction(rate)) for rate in rates)
    assert all_rates(flow) == pytest.approx(expected, abs=1e-15)
    assert all_rates([0.0, *flow, 0.0, 0.0]) == pytest.approx(expected, abs=1e-15)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-95, 300), min_size=1, max_size=6), st.booleans())
def test_all_chosen_percentages_are_found_each_once(
    percents: list[int], first_spent: bool
) -> None:
    flow = with_rates(*(Fraction(p, 100) for p in percents), last=1 - 2 * first_spent)
    assert max(map(abs, flow)) < 2**53  # so that a float holds each amount
    expected = sorted({p / 100 for p in percents})
    assert all_rates(flow) == pytest.approx(expected, abs=1e-14)


def test_a_double_rate_is_one_rate() -> None:
    assert all_rates([100, -220, 121]) == pytest.approx([0.1], abs=1e-15)
    # 1.1 and 2.2 are no binary numbers, but mean themselves
    assert all_rates([-1, 2.2, -1.21]) == pytest.approx([0.1], abs=1e-15)
    assert all_rates(with_rates("1/10", "1/10", "1/10", "1/4")) == pytest.approx(
        [0.1, 0.25], abs=1e-15
    )
    # NPV only touches zero there: nothing falls
    assert np.isnan(internal_rate(np.array([[100.0], [-220.0], [121.0]]), 0.1))


@pytest.mark.parametrize("flow", [[-1, -1], [5.0], [0, 0, -3], [-100, 200, -150]])
def test_a_flow_without_a_rate_has_none(flow: list[float]) -> None:
    assert all_rates(flow) == []
    assert np.isnan(internal_rate(np.array(flow, dtype=float)[:, None], 0.1))


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        ([], "zero in every year"),
        ([0.0, 0.0], "zero in every year"),
        ([-1.0, math.nan], "year 1 .* is nan"),
        ([-1.0, 2.0, math.inf], "year 2 .* is inf"),
    ],
)
def test_a_flow_that_is_none_is_named(flow: list[float], reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        all_rates(flow)
    assert caught.value.field == "cash"


def test_every_rate_of_a_long_wild_flow_is_found_within_50_ms() -> None:
    rng = np.random.default_rng(3)
    for years in (60, 121):
        flow = rng.normal(size=years) * 1e6
        began = time.process_time()
        rates = all_rates(flow.tolist())
        took = time.process_time() - began
        # NPV changes sign at each rate, and from one end to the other accordingly
        ends = flow[-1] > 0, flow[0] > 0
        assert len(rates) % 2 == (ends[0] != ends[1])
        size = np.abs(flow)
        for rate in rates:
            scale = worth(size.tolist(), rate)
            assert abs(worth(flow.tolist(), rate)) < 1e-12 * scale
        assert took < 0.25  # 10 ms alone; five times that while others work


def test_rates_a_float_can_hardly_hold_stay_above_total_loss() -> None:
    rates = all_rates([-1e300, 1e-300]) + all_rates([-5e-324, 1e308])
    assert all(-1 < rate < math.inf for rate in rates)


def test_repeated_roots_are_divided_out_exactly() -> None:
    flow = with_rates("1/10", "1/10", "1/5", "1/3", "1/3", "1/3")
    once, odd = square_free(flow), odd_part(flow)
    assert len(once) == 4
    assert [1 / x - 1 for x in reversed(unit_roots(once))] == pytest.approx(
        [0.1, 0.2, 1 / 3], abs=1e-15
    )
    assert [1 / x - 1 for x in reversed(unit_roots(odd))] == pytest.approx(
        [0.2, 1 / 3], abs=1e-15
    )
    assert odd_part([100, -220, 121]) == [1]


# -- many flows at once ----------------------------------------------------------------


def test_of_many_rates_the_falling_one_nearest_to_near_is_returned() -> None:
    # NPV falls at the first, third and fifth: from a profit at the end
    flow = with_rates("-1/2", "1/100", "1/20", "1/10", "2/10", last=1)
    near = np.array([-0.9, -0.23, -0.22, 0.04, 0.124, 0.126, 5.0])
    expected = [-0.5, -0.5, 0.05, 0.05, 0.05, 0.2, 0.2]
    cash = np.repeat(np.array(flow, dtype=float)[:, None], len(near), axis=1)
    # so close together, NPV is so flat that its rounding moves a rate by some 1e-11
    assert internal_rate(cash, near) == pytest.approx(expected, abs=1e-10)


def falling_rate(flow: list[float], near: float) -> float:
    """The rate that counts, by counting signs of NPV between all rates."""
    if not any(flow) or not all(map(math.isfinite, flow)):
        return math.nan
    rates = all_rates(flow)
    ends = [-1 + 1e-12, *rates, 1e12]
    between = [
        worth(flow, math.expm1((math.log1p(a) + math.log1p(b)) / 2)) > 0
        for a, b in pairwise(ends)
    ]
    falling = [
        rate
        for rate, (before, after) in zip(rates, pairwise(between), strict=True)
        if before and not after and irr.LOWEST <= rate <= irr.HIGHEST
    ]
    return min(falling, key=lambda rate: abs(rate - near), default=math.nan)


@pytest.mark.parametrize("years", [3, 6, 12, 25])
@pytest.mark.parametrize("samples", [40, 300])
def test_many_wild_flows_have_the_rate_that_exact_numbers_give(
    years: int, samples: int
) -> None:
    """300 samples go through the compiled kernel, 40 do not."""
    rng = np.random.default_rng(years)
    cash = rng.normal(size=(years, samples))
    cash[:, ::5] = np.rint(2 * cash[:, ::5])  # many zeros, rates at 0, repeated ones
    cash[:, 0] = 0
    cash[1, 1], cash[2, 2] = np.nan, np.inf
    near = rng.uniform(-0.5, 1.0, samples)
    expected = [falling_rate(cash[:, i].tolist(), near[i]) for i in range(samples)]
    # ill-conditioned by up to a few thousand: 1e-16 becomes 1e-12
    found = internal_rate(cash, near)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-11, nan_ok=True)


def test_doubtful_flows_are_left_to_exact_numbers() -> None:
    flow = with_rates("1/10", "100000001/1000000000", last=1)  # floats can't tell these
    cash = np.array([flow, [100, -220, 121]], dtype=float).T
    assert list(falling_brackets(cash, irr.LOWEST, irr.HIGHEST)[3]) == [0, 1]
    assert internal_rate(cash, 0.1) == pytest.approx([0.1, math.nan], nan_ok=True)


@pytest.mark.parametrize("flow", [[-6, 3, 4, -2], [-6, -1, 4, -1], [-5, 0, 3, 1, -1]])
def test_amounts_of_the_last_bits_have_the_rate_of_larger_ones(
    flow: list[int],
) -> None:
    """There signs at the ends of an interval are roundings: whole numbers decide."""
    whole = np.array(flow, dtype=float)[:, None]
    tiny = whole * 5e-324
    assert internal_rate(tiny, 0.1) == pytest.approx(internal_rate(whole, 0.1))


def test_a_doubtful_flow_whose_only_rate_is_beyond_the_range_has_none() -> None:
    flow = with_rates("1/10", "1/10", "150", last=1)  # touches 0 at 10 %
    cash = np.array(flow, dtype=float)[:, None]
    assert list(falling_brackets(cash, irr.LOWEST, irr.HIGHEST)[3]) == [0]
    assert all_rates(flow) == pytest.approx([0.1, 150.0])
    assert np.isnan(internal_rate(cash, 0.1))


def typical(years: int, samples: int, seed: int = 0) -> np.ndarray:
    """Plants: up to three years of construction, then uneven earnings."""
    rng = np.random.default_rng(seed)
    cash = rng.uniform(5, 30, samples) * rng.uniform(0.5, 1.5, (years, samples))
    cash[0] = -rng.uniform(20, 300, samples)
    cash[1] = np.where(rng.random(samples) < 0.5, -cash[1], cash[1])
    return cash


@pytest.mark.parametrize(("years", "samples"), [(3, 257), (21, 1003), (60, 300)])
@pytest.mark.parametrize("near", [-0.3, 0.1, 4.0])
def test_the_compiled_kernel_and_numpy_agree(
    years: int, samples: int, near: float
) -> None:
    cash = typical(years, samples)
    cash[:, 5], cash[:, 6], cash[1, 7] = -1, 1, np.nan
    cash[:, 8] = -cash[:, 8]  # earned first: no rate that counts
    compiled = internal_rate(cash, near)
    with np.errstate(all="ignore"):
        plain = irr._plain_rates(cash, np.full(samples, near))
    assert compiled == pytest.approx(plain, rel=1e-12, abs=1e-12, nan_ok=True)
    assert np.isnan(compiled[5:9]).all()
    assert not np.isnan(compiled[9:]).any()
    # other memory, the same numbers
    other_way = internal_rate(np.asfortranarray(cash), near)
    assert (other_way == compiled)[~np.isnan(compiled)].all()


@pytest.mark.parametrize("samples", [1, 300])
def test_a_rate_at_the_end_of_the_range_counts_and_beyond_it_does_not(
    samples: int,
) -> None:
    cash = np.tile([[-1.0, -1.0, -1.0, -1.0], [101.0, 101.1, 0.01, 0.0099]], samples)
    expected = [100.0, math.nan, -0.99, math.nan] * samples
    found = internal_rate(cash, 0.1)
    expected[2::4] = found[2::4].tolist()  # 1 / (1 - 0.99) rounds either way
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_rates_are_those_of_pyxirr() -> None:
    cash = typical(21, 400, seed=5)
    theirs = [pyxirr.irr(flow) for flow in cash.T.copy()]
    # pyxirr stops its search at some 1e-11
    assert internal_rate(cash, 0.1) == pytest.approx(theirs, abs=1e-9)


def test_a_small_job_does_not_wait_for_numba() -> None:
    code = (
        "import sys, numpy as np\n"
        "from flask_api.domains.price.measures.irr import internal_rate\n"
        "internal_rate(np.array([[-1.0], [1.1]]), 0.1)\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
