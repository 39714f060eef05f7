"""What a Monte Carlo run found, in sentences."""

from __future__ import annotations

from flask_api.domains.sensitivity.files import reading
from flask_api.domains.sensitivity.files.reading import Result, Row, told

_MEASURES = (
    "All inputs are drawn from their distributions, again and again. The contribution "
    "of an input is its share of the output's variance; its rank correlation tells "
    "which way it pulls."
)


def summary(result: Result) -> list[str]:
    """What the output may be, how surely that is known, and which input decides."""
    metadata, part = result["metadata"], result["results"]
    output, count = str(metadata["output"]), len(metadata["inputs"])
    unit = reading.unit_of(result, output)
    level = 100 * metadata["confidence_level"]
    inputs = "1 input is" if count == 1 else f"{count:,} inputs are"
    said = [
        f"Asked: what {output} of {reading.model_name(result)} may be while "
        f"{inputs} uncertain; {part['n']:,} draws have a result.",
        f"{output} is {told(part['mean'], unit)} on average, with a standard deviation "
        f"of {told(part['std'], unit)}.",
        _span(output, unit, part["percentiles"]),
        _last(part["convergence"], level, unit),
    ]
    target, chance = metadata.get("target"), part.get("probability_of_target")
    if target is not None and chance is not None:
        ends = part.get("probability_interval") or {}
        said.append(
            f"{output} {target['op']} {told(target['value'], unit)} has a probability "
            f"of {told(chance)}{reading.interval(ends)}."
        )
    rows = [r for r in part["contribution"] if r["variance_share"] is not None]
    if rows:
        first = max(rows, key=lambda row: row["variance_share"])
        said.append(
            f"{first['id']} matters most: it makes "
            f"{100 * first['variance_share']:.3g} % of the variance of {output}."
        )
    if result.get("converged") is not None:
        done = f"{result['iterations']:,} draws"
        reached = "was reached after" if result["converged"] else "was not reached in"
        said.append(f"The wanted accuracy {reached} {done}.")
    return [text for text in (*said, _MEASURES) if text]


def _span(output: str, unit: str, rows: list[Row]) -> str:
    known = sorted(
        (row for row in rows if row["value"] is not None),
        key=lambda row: row["percentile"],
    )
    if len(known) < 2:
        return ""
    # nine draws of ten, or as near as the percentiles that were asked for come
    low = min(known, key=lambda row: abs(row["percentile"] - 5))
    high = min(known, key=lambda row: abs(row["percentile"] - 95))
    share = high["percentile"] - low["percentile"]
    return (
        f"{share:g} % of the draws lie between {told(low['value'])} "
        f"(P{low['percentile']:g}) and {told(high['value'], unit)} "
        f"(P{high['percentile']:g})."
        if share > 0
        else ""
    )


def _last(rows: list[Row], level: float, unit: str) -> str:
    if not rows or rows[-1]["low"] is None or rows[-1]["high"] is None:
        return ""
    last = rows[-1]
    return (
        f"The mean is known to lie between {told(last['low'], '', 6)} and "
        f"{told(last['high'], unit, 6)} ({level:g} %)."
    )
