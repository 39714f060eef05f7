"""What may be asked about data."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from flask_api.analysis import Request
from flask_api.validation import misplaced

Encoding = Literal["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
Separator = Literal[",", ";", "\t", "|"]


class ReadOptions(Request):
    """How a file of rows is written, where it is not to be guessed."""

    encoding: Encoding | None = Field(None, description="of the text")
    separator: Separator | None = Field(None, description="between the cells")
    header: bool | None = Field(
        None, description="whether the first line names the columns"
    )


class DataGiven(ReadOptions):
    """A table in the request itself."""

    csv_base64: str | None = Field(None, description="a CSV file, in base64")
    data_json: list[Any] | None = Field(
        None, description="rows, each a list of cells: 0, 1, true, false, text, null"
    )
    column_names: list[str] | None = Field(None, description="of `data_json`")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.csv_base64 is None) == (self.data_json is None):
            raise misplaced(
                "csv_base64", "give either csv_base64 or data_json, and one of them"
            )
        if self.column_names is not None and self.data_json is None:
            raise misplaced("column_names", "goes with data_json; a CSV names its own")
        return self


class ReadDataRequest(Request):
    """Reads a table: its columns, what they hold, and its first rows."""

    data_id: str | None = Field(None, max_length=64, description="of uploaded data")
    data: DataGiven | None = Field(None, description="the table itself")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        refuse_unless_one(self.data_id, self.data)
        return self


def refuse_unless_one(data_id: str | None, data: DataGiven | None) -> None:
    """Raise where a request names no data, or two."""
    if (data_id is None) == (data is None):
        raise misplaced("data", "give either data or data_id, and one of them")
