"""Which columns of a table a model can take, judged by what `table.json` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from flask_api.domains.market.data.words import counted, shown
from flask_api.numerics.errors import InputError

Facts = Sequence[Mapping[str, Any]]

#: What to do about missing values: refuse, leave the rows out, take the more frequent
#: value of the column, or leave single cells out of the likelihood.
#: Numbers beyond it have squares that no computer number holds.
LARGEST = 1e50
MISSING_WAYS = ("refuse", "drop", "impute_mode", "mar")


def place_of(name: str, columns: Facts, field: str = "columns") -> int:
    """Number of a column, from 0. Raises InputError naming those there are."""
    names = [str(column["name"]) for column in columns]
    if name in names:
        return names.index(name)
    close = get_close_matches(name, names, 1)
    known = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    hint = f"did you mean {close[0]!r}? There are {known}" if close else known
    raise InputError(
        f"{field}: there is no column {name[:60]!r}; "
        + (hint if close else f"there are {hint}"),
        field,
    )


def _by_name(columns: Facts) -> dict[str, Mapping[str, Any]]:
    """Columns may be thousands: each is looked for once, in no list."""
    return {str(column["name"]): column for column in columns}


def refuse_not_binary(column: Mapping[str, Any], field: str) -> None:
    """Raise InputError naming the first cell that is neither 0 nor 1."""
    if column["kind"] != "binary":
        first = column["first_not_binary"]
        raise InputError(
            f"column {column['name']!r}, row {first['row']}: got {first['value']!r}; "
            "wanted 0 or 1 (true/false, yes/no); leave the column out of "
            "product_columns if it is no product",
            field,
        )


def products(
    columns: Facts,
    asked: Sequence[str] | None,
    *,
    least: int = 2,
    beside: Sequence[str] = (),
) -> list[str]:
    """Names of the product columns: those asked for, else every binary one.

    beside   columns that explain the products or count them: no products themselves

    Raises InputError where one is unknown, named twice or not binary, and where there
    are fewer than `least`.
    """
    field = "product_columns"
    if asked is None:
        found = [
            str(c["name"])
            for c in columns
            if c["kind"] == "binary" and c["name"] not in beside
        ]
    else:
        found = list(asked)
        by_name, seen = _by_name(columns), set[str]()
        for name in found:
            if name in seen:
                raise InputError(f"{field}: {shown(name)} is named twice", field)
            seen.add(name)
            if name not in by_name:
                place_of(name, columns, field)  # says which there are
            refuse_not_binary(by_name[name], field)
    if len(found) < least:
        other = next((c for c in columns if c["kind"] != "binary"), None)
        if asked is None and other is not None:
            refuse_not_binary(other, field)
        raise InputError(
            f"{field}: got {counted(len(found), 'column')} of 0 and 1; wanted at least "
            f"{least}",
            field,
        )
    return found


def refuse_unusable(
    columns: Facts, names: Sequence[str], missing: str, takes_missing: bool
) -> None:
    """Raise InputError for constant columns and for missing values that nobody meant.

    names           product columns
    missing         one of MISSING_WAYS
    takes_missing   whether the model can leave single cells out
    """
    if missing == "mar" and not takes_missing:
        raise InputError(
            "missing: this model has no use for `mar`; wanted drop or impute_mode",
            "missing",
        )
    by_name = _by_name(columns)
    for name in names:
        column = by_name[name]
        if column["constant"]:
            known = column["ones"] + column["zeros"]
            value = "missing" if not known else str(int(column["ones"] > 0))
            raise InputError(
                f"column {name!r} is {value} in every row: it tells households apart "
                "in no way; leave it out of product_columns",
                "product_columns",
            )
    for name in names:
        column = by_name[name]
        if column["missing"] and missing == "refuse":
            raise InputError(
                f"column {name!r}, row {column['first_missing']}: the value is missing "
                f"({column['missing']:,} in this column); wanted 0 or 1, or say what "
                "to do by `missing`: drop (leave such rows out), impute_mode (the more "
                "frequent value)"
                + (", mar (leave single cells out)" if takes_missing else ""),
                "product_columns",
            )


def refuse_product_as_count(counts: str, asked: Sequence[str] | None) -> None:
    """Raise InputError where the column of counts is named as a product, too."""
    if counts in (asked or ()):
        raise InputError(
            f"count_column: {shown(counts)} is one of product_columns, too; a column "
            "says either what was bought or how many households a row stands for",
            "count_column",
        )


def counting_column(columns: Facts, names: Sequence[str]) -> str | None:
    """A column beside the products that looks like numbers of households, or None."""
    for column in columns:
        name = str(column["name"])
        counting = name.strip().lower() in ("count", "counts", "freq", "frequency", "n")
        if counting and column["kind"] == "numeric" and name not in names:
            return name
    return None


def nearly_binary(columns: Facts) -> str | None:
    """A warning of columns that a few odd cells kept from being products, or None.

    A column of which most known cells are 0 or 1 looks like a product with an error.
    """
    found = []
    for column in columns:
        odd = int(column.get("not_binary", 0))
        zeros_and_ones = int(column.get("zeros_and_ones", 0))
        if 0 < odd < zeros_and_ones:
            first = column["first_not_binary"]
            cell = f"row {first['row']} holds {first['value']!r}"
            found.append(f"{column['name']!r} ({cell}, {counted(odd, 'such cell')})")
    if not found:
        return None
    more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
    return (
        f"Not taken for products, as they hold more than 0 and 1: "
        f"{', '.join(found[:3])}{more}. Name product_columns if that is meant."
    )


def refuse_unfit(
    columns: Facts, names: Sequence[str], asked: Sequence[str] | None, field: str
) -> None:
    """Raise InputError for covariates that a model can't take.

    asked   products by name, None where they are all other columns of 0 and 1

    Those are, beyond what `refuse_text` refuses, columns that are named twice, are
    products too, the same in every row, or too large.
    """
    seen = set[str]()
    refuse_text(columns, names, field)
    for name in names:
        if name in seen:
            raise InputError(f"{field}: {shown(name)} is named twice", field)
        seen.add(name)
        if name in (asked or ()):
            raise InputError(
                f"{field}: {shown(name)} is one of product_columns, too; a column is "
                "either what is to be explained or what explains it",
                field,
            )
        column = columns[place_of(name, columns, field)]
        if column["constant"]:
            raise InputError(
                f"column {name!r} is the same in every row: it explains nothing; leave "
                "it out",
                field,
            )
        ends = [column.get("minimum") or 0.0, column.get("maximum") or 0.0]
        if max(map(abs, ends)) > LARGEST:
            raise InputError(
                f"column {name!r} reaches {max(ends, key=abs):g}; wanted numbers up to "
                f"{LARGEST:g}: mend it, or take another unit",
                field,
            )


def refuse_text(columns: Facts, names: Sequence[str], field: str) -> None:
    """Raise InputError for covariates that are unknown, text, or not complete."""
    for name in names:
        column = columns[place_of(name, columns, field)]
        if column["kind"] == "text":
            first = column["first_text"]
            raise InputError(
                f"column {name!r}, row {first['row']}: got {first['value']!r}; wanted "
                "a number: code text as 0/1 columns, one for each of its values",
                field,
            )
        if column["missing"]:
            raise InputError(
                f"column {name!r}, row {column['first_missing']}: the value is "
                "missing; fill it, or leave the row out",
                field,
            )
