"""Slopes by extrapolated differences, judged by functions whose slope is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from flask_api.numerics.richardson import LEVELS, Floats, slope, stencil

ANYWHERE = (-np.inf, np.inf)


def found(
    function: Callable[[Floats], Floats],
    at: list[float],
    scale: float = 1.0,
    bounds: tuple[float, float] = ANYWHERE,
) -> tuple[Floats, Floats]:
    points = np.array(at)
    where = stencil(points, np.full(points.shape, scale), *bounds)
    assert where.at.shape == (2, LEVELS, points.size)
    assert (where.at >= bounds[0]).all() and (where.at <= bounds[1]).all()
    return slope(where, function(where.at))


def test_a_smooth_slope_is_found_within_its_error() -> None:
    at = [-1.0, 0.0, 0.7, 3.0]
    value, error = found(np.sin, at)
    assert (np.abs(value - np.cos(at)) <= error).all()
    assert (error < 1e-10).all()  # 1e-14 over the widest steps, some 1e-3


def test_at_the_edge_of_what_is_allowed_the_slope_is_one_sided() -> None:
    value, error = found(np.sqrt, [4.0, 4.5, 5.0], bounds=(4.0, 5.0))
    assert (np.abs(value - 0.5 / np.sqrt([4.0, 4.5, 5.0])) <= error).all()
    assert (error < 1e-9).all()


def test_a_point_without_room_has_no_slope() -> None:
    value, error = found(np.sin, [1.0], bounds=(1.0, 1.0))
    assert np.isnan(value).all() and np.isinf(error).all()


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 3e-4])
def test_a_kink_beside_the_point_does_not_spoil_the_slope(distance: float) -> None:
    value, error = found(lambda x: 3 * x + np.abs(x - distance), [0.0])
    assert value[0] == pytest.approx(2.0, abs=error[0])
    assert error[0] < 1e-9


def test_a_jump_at_the_point_shows_as_an_error_as_large_as_the_slope() -> None:
    value, error = found(lambda x: x + (x > 0), [0.0])
    assert error[0] > 0.1 * abs(value[0]) > 1


def test_the_slope_of_a_line_is_exact() -> None:
    value, error = found(lambda x: 5 + 2 * x, [1e6, 2e6], scale=1e6)
    assert value == pytest.approx([2.0, 2.0], abs=error.max())
    assert (error < 1e-11).all()


def test_of_nothing_but_zeros_the_slope_is_zero_without_error() -> None:
    value, error = found(np.zeros_like, [0.0, 1.0])
    assert not value.any() and not error.any()


def test_where_the_function_ends_nearer_steps_are_used() -> None:
    def broken(x: Floats) -> Floats:
        return np.where(x < 1.005, np.exp(x), np.nan)

    value, error = found(broken, [1.0])
    assert abs(value[0] - np.e) <= error[0] < 1e-9


def test_functions_may_share_the_stencil_of_one_point() -> None:
    where = stencil(np.array([1.0]), np.array([1.0]), *ANYWHERE)
    both = np.concatenate([where.at**2, where.at**3], axis=2)
    value, error = slope(where, both)
    assert (np.abs(value - [2.0, 3.0]) <= error).all()
