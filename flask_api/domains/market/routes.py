"""Market structure over REST, at `/api/v1`."""

from __future__ import annotations

from flask import Blueprint

from flask_api.domains.market.data.routes import bp as data
from flask_api.domains.market.runs.leftovers import watch
from flask_api.domains.market.runs.progress_routes import bp as progress
from flask_api.domains.market.runs.results_routes import bp as results
from flask_api.domains.market.runs.routes import bp as runs

bp = Blueprint("market", __name__)
bp.record(watch)
for part in (data, runs, results, progress):
    bp.register_blueprint(part)
