"""How a request asks what an analysis is worth: computed in `efficacy_job.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from flask_api.analysis import Analysis, Request, Table

#: Entries of a series, at most.
LONGEST = 200_000


#: A number whose square is one too.
Number = Annotated[float, Field(ge=-1e150, le=1e150)]


class _Item(BaseModel):
    """One entry of a series; what else it says is not read."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


class ValuePoint(_Item):
    """A value, or null where there was no answer; a bare number is one too."""

    value: Number | None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: Any) -> Any:
        return data if isinstance(data, Mapping) else {"value": data}


class PricePoint(_Item):
    """A price, or null; a bare number is one too."""

    price: Number | None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: Any) -> Any:
        return data if isinstance(data, Mapping) else {"price": data}


class IterationError(_Item):
    """The error that was left after an iteration; a bare number is one too."""

    error: Number

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: Any) -> Any:
        return data if isinstance(data, Mapping) else {"error": data}


Numbers = Annotated[list[Number | None], Field(max_length=LONGEST)]
Word = Annotated[str, StringConstraints(max_length=40)]
Trends = Annotated[list[float | Word], Field(max_length=LONGEST)]


class SensitivitySeries(Request):
    """Values that an analysis of one's own gave, with what it predicted."""

    points: Annotated[list[ValuePoint], Field(max_length=LONGEST)] = Field(
        default=[], description="[{value}], in the order of the prices."
    )
    predictions: Numbers | None = Field(
        default=None, description="As many as validation_data.actual_values."
    )
    iterations: Annotated[list[IterationError], Field(max_length=LONGEST)] = Field(
        default=[], description="[{error}], as the computation went on."
    )
    computation_time: float | None = Field(
        default=None, gt=0, description="Seconds that it took."
    )
    trends: Trends | None = Field(
        default=None,
        description="Directions: numbers, or increasing, decreasing, flat.",
    )


class PriceSeries(Request):
    """Prices, one for each point of the sensitivity data."""

    points: Annotated[list[PricePoint], Field(max_length=LONGEST)] = Field(
        default=[], description="[{price}]"
    )


class GivenAnalysis(_Item):
    """An answer of `/sensitivity/analyze`, as it came."""

    results: dict[str, Any]
    parameter_id: str | None = None
    indices: dict[str, Any] | None = None


class GivenPriceData(_Item):
    """An answer of `/price/data`, as it came."""

    price_data: dict[str, Any]


class EarlierJob(Request):
    """A completed job of one's own, whose result is read."""

    analysis_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]


def _form(answer_key: str) -> Any:
    """Tells series, answer and job apart by their keys."""
    models = (GivenAnalysis, GivenPriceData)

    def tell(data: Any) -> str:
        if isinstance(data, EarlierJob):
            return "job"
        if not isinstance(data, Mapping):
            return "answer" if isinstance(data, models) else "series"
        if answer_key in data:
            return "answer"
        return "job" if {"analysis_id", "analysisId"} & set(data) else "series"

    return Discriminator(tell)


SensitivityData = Annotated[
    Annotated[SensitivitySeries, Tag("series")]
    | Annotated[GivenAnalysis, Tag("answer")]
    | Annotated[EarlierJob, Tag("job")],
    _form("results"),
]
PriceData = Annotated[
    Annotated[PriceSeries, Tag("series")]
    | Annotated[GivenPriceData, Tag("answer")]
    | Annotated[EarlierJob, Tag("job")],
    _form("price_data"),
]


class ValidationData(Request):
    """What came, to hold against what was predicted."""

    actual_values: Numbers = []
    trends: Trends | None = Field(
        default=None, description="As many as sensitivity_data.trends."
    )


class EfficacyRequest(Request):
    """What an analysis is worth: accuracy, stability, confidence, and its levers.

    All scores lie between 0 and 1; parts that the data can't tell are named and left
    out of the weighted means.
    """

    sensitivity_data: SensitivityData = Field(
        description="Series, an answer of /sensitivity/analyze, or {analysis_id}."
    )
    price_data: PriceData = Field(
        description="Series, an answer of /price/data, or {analysis_id}."
    )
    validation_data: ValidationData | None = None


EFFICACY = (
    Analysis(
        "sensitivity.efficacy",
        EfficacyRequest,
        run="efficacy.job:efficacy",
        example={
            "sensitivity_data": {
                "points": [{"value": v} for v in (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)],
                "predictions": [2.0, 2.1, 2.2],
                "iterations": [{"error": 0.4}, {"error": 0.2}, {"error": 0.1}],
                "computation_time": 0.5,
            },
            "price_data": {
                "points": [{"price": p} for p in (2.0, 2.1, 2.2, 2.4, 2.4, 2.5)]
            },
            "validation_data": {"actual_values": [2.0, 2.0, 2.5]},
        },
        quick=True,
        prewarm=True,
        reads=(
            ("sensitivity_data", "analysis_id"),
            ("price_data", "analysis_id"),
        ),
        documents={
            "html": "files.efficacy:write_page",
            "xlsx": "files.efficacy:write_workbook",
        },
        tables=(
            Table("levers", ("levers",)),
            Table("missing", ("metadata", "missing")),
        ),
    ),
)
