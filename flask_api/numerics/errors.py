"""What maths raises when the user's values, not our code, are at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class InputError(ValueError):
    """A value that cannot be computed with; the worker turns it into INVALID_INPUT.

    message   what was got, what was wanted, what to do
    field     where the value stands in the request, such as `parameters[2].range`
    details   anything that helps to mend it (JSON-ready), or None
    """

    def __init__(
        self,
        message: str,
        field: str | None = None,
        details: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.details = details


class NoSolutionError(InputError):
    """A question without an answer, such as a plant no price can save: NO_SOLUTION."""
