"""Maths that two domains or more use; knows no job, HTTP, database or settings."""

from flask_api.numerics.errors import InputError, NoSolutionError

__all__ = ["InputError", "NoSolutionError"]
