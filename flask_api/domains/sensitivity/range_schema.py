"""A range of numbers, as requests give it."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from flask_api.analysis import Request


class Range(Request):
    """From `min` to `max`; `[min, max]` is understood too."""

    min: float
    max: float

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        if isinstance(data, list):
            if len(data) != 2:
                raise ValueError(f"got {len(data)} numbers; wanted [min, max]")
            return {"min": data[0], "max": data[1]}
        return data

    @model_validator(mode="after")
    def _upright(self) -> Range:
        if not self.min < self.max:
            raise ValueError(
                f"got min {self.min:g} and max {self.max:g}; min must be below max"
            )
        return self
