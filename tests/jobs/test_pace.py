"""Rate of work and time left: of the work that is counted, and of nothing before it."""

from __future__ import annotations

import time

import pytest

from flask_api.jobs import turn
from flask_api.jobs.turn import Pace


class Clock:
    """A clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_slow_start_of_the_worker_is_no_part_of_the_rate(clock: Clock) -> None:
    pace = Pace()
    clock.now += 60
    assert pace.note(0, 1000) == (None, None)  # "model read"
    clock.now += 2
    assert pace.note(100, 1000) == (50.0, 18.0)


def test_who_first_reports_what_is_done_has_a_rate_since_the_start(
    clock: Clock,
) -> None:
    pace = Pace()
    clock.now += 10
    assert pace.note(50, 100) == (5.0, 10.0)


def test_there_is_no_forecast_at_once_nor_where_nothing_moves(clock: Clock) -> None:
    pace = Pace()
    clock.now += turn.ETA_AFTER_S / 2
    assert pace.note(1, 100) == (None, None)
    clock.now += 5
    rate, left = pace.note(1, 100)
    assert rate is not None and left is not None
    clock.now += turn.RATE_WINDOW_S
    assert pace.note(1, 100) == (None, None)
