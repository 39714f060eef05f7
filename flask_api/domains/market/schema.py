"""The analyses of market structure that users can start."""

from __future__ import annotations

from flask_api.analysis import Analysis

ANALYSES: tuple[Analysis, ...] = ()
