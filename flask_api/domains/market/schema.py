"""The analyses of market structure that users can start."""

from __future__ import annotations

from flask_api.analysis import Analysis
from flask_api.domains.market.choice.schema import CHECK_CHOICES
from flask_api.domains.market.clusters.schema import CLUSTERING, COMPARISON
from flask_api.domains.market.data.schema import ReadDataRequest
from flask_api.domains.market.runs.registry import MODELS

ANALYSES: tuple[Analysis, ...] = (
    *(model.analysis for model in MODELS),
    Analysis(
        "market.read_data",
        ReadDataRequest,
        run="data.job:read_data",
        example={
            "data": {
                "data_json": [[1, 0, 34], [0, 1, 51]],
                "column_names": ["bread", "beer", "age"],
            }
        },
        quick=True,
        hidden=True,
    ),
    CHECK_CHOICES,
    CLUSTERING,
    COMPARISON,
)
