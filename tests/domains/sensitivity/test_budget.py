"""What no slot could finish is refused at once, with the size that is fine."""

from __future__ import annotations

from typing import Any

import pytest

from flask_api.domains.sensitivity.variance.budget import (
    MOST_EVALUATIONS,
    MOST_RESAMPLED,
    MOST_ROWS,
    refuse_endless,
)
from flask_api.numerics.errors import InputError
from tests.domains.sensitivity.conftest import Run


def asked(method: str, inputs: int, **config: Any) -> dict[str, Any]:
    names = list("abcdefgh"[:inputs])
    return {
        "model": {"formula": "*".join(names), "inputs": dict.fromkeys(names, [1, 2])},
        "parameters": names,
        "method": method,
        "config": {"seed": 1, **config},
    }


@pytest.mark.parametrize(
    ("method", "inputs", "config", "field", "says"),
    [
        ("sobol", 1, {"samples": 2**32}, "samples", "2 to 536,870,912"),
        # A, B, and a column for each input: 6 evaluations in a row, and 10 with pairs
        ("sobol", 4, {"samples": 2**29}, "samples", "samples 268,435,456 or fewer"),
        (
            "sobol",
            4,
            {"samples": 2**27 + 1, "second_order": True},
            "samples",
            "samples 134,217,728 or fewer",
        ),
        (
            "sobol",
            2,
            {"samples": 2**22, "resamples": 10_000},
            "resamples",
            "at most 4,096 of so many",
        ),
        # every subset of 4 inputs: 16 evaluations in a row
        ("shapley", 4, {"samples": 2**28}, "samples", "samples 134,217,728 or fewer"),
        (
            "fast",
            4,
            {"samples": 2**20, "curves": 1000},
            "samples",
            "samples 536,870 or fewer",
        ),
    ],
)
def test_what_no_slot_could_finish_is_refused_at_once(
    method: str,
    inputs: int,
    config: dict[str, Any],
    field: str,
    says: str,
    analyze: Run,
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        analyze(asked(method, inputs, **config))
    assert caught.value.field == f"config.{field}"


@pytest.mark.parametrize("width", [3, 4, 6, 22, 42, 4002])
def test_the_size_named_passes_and_the_next_does_not(width: int) -> None:
    rows = 2
    while rows * 2 <= MOST_ROWS and rows * 2 * width <= MOST_EVALUATIONS:
        rows *= 2
    refuse_endless(rows, rows, width)
    refuse_endless(rows, rows, width, MOST_RESAMPLED // rows)
    with pytest.raises(InputError, match=f"give samples {rows:,} or fewer"):
        refuse_endless(rows + 1, 2 * rows, width)
    with pytest.raises(InputError, match=f"{MOST_RESAMPLED // rows:,} of so many"):
        refuse_endless(rows, rows, width, MOST_RESAMPLED // rows + 1)


def test_the_promised_size_fits() -> None:
    # 2^20 rows of 20 inputs, also with second order
    refuse_endless(2**20, 2**20, 42, 1000)
