"""The report of `sensitivity.monte_carlo`."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.pictures import (
    MOST_BARS,
    Bars,
    Curve,
    Curves,
    Picture,
    Series,
)
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import parameter_pictures, reading
from flask_api.domains.sensitivity.files.monte_carlo_summary import summary
from flask_api.domains.sensitivity.files.parameter_pictures import (
    distribution_function,
    histogram,
)
from flask_api.domains.sensitivity.files.reading import Result, Row, told

#: Outputs that have pictures; tables have all.
MOST_OUTPUTS = 4
_SAMPLINGS = {
    "sobol": (
        "Scrambled Sobol points",
        "Owen (1997), The Annals of Statistics 25, 1541-1562, "
        "doi:10.1214/aos/1031594731",
    ),
    "lhs": (
        "Latin hypercube",
        "McKay, Beckman, Conover (1979), Technometrics 21, 239-245, "
        "doi:10.1080/00401706.1979.10489755",
    ),
}
_WILSON = (
    "Interval of a probability",
    "Wilson (1927), Journal of the American Statistical Association 22, 209-212, "
    "doi:10.1080/01621459.1927.10502953",
)
_IMAN = (
    "Correlated draws",
    "Iman, Conover (1982), Communications in Statistics B 11, 311-334, "
    "doi:10.1080/03610918208812265",
)
_COPULA = (
    "Correlated draws (Gaussian copula)",
    "Nelsen (2006), An Introduction to Copulas, doi:10.1007/0-387-28678-0",
)
#: Single numbers of an output, in order.
_NUMBERS = (
    "n", "failed", "mean", "std", "sem", "skewness", "kurtosis", "min", "max",
    "probability_of_target", "percentile_rank_error",
)  # fmt: skip


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """Distribution, convergence and contribution of each output."""
    outputs, metadata = result["results"]["outputs"], result["metadata"]
    sections = [
        _output(result, name, outputs[name], alone=len(outputs) == 1)
        for name in list(outputs)[:MOST_OUTPUTS]
    ]
    alone = result["results"].get("per_parameter") or {}
    sections += [_alone(result, alone)] if len(alone) > 1 else []
    sections += parameter_pictures.sections(result, alone)
    sections.append(Section("Numbers", tables=_tables(result, alone)))
    return Report(
        title="Monte Carlo",
        kicker=f"Uncertainty · {reading.model_name(result)}",
        summary=summary(result),
        tiles=_tiles(result),
        sections=sections,
        assumptions=metadata.get("assumptions") or (),
        sources=_sources(metadata),
    )


def _output(result: Result, name: str, part: Row, *, alone: bool) -> Section:
    unit = reading.with_unit(name, reading.unit_of(result, name))
    target = _target(result, name)
    pictures: list[Picture] = []
    bins = part["distribution"]
    if bins:
        mean = [(f"mean: {told(part['mean'])}", part["mean"])]
        drawn = histogram(f"Distribution of {name}", unit, bins)
        pictures.append(
            Curves(drawn.title, unit, drawn.up, drawn.curves, [*mean, *target])
        )
        pictures.append(_functions(name, unit, part, target))
    if part["convergence"]:
        pictures.append(_convergence(name, unit, part["convergence"]))
    pictures += _contributions(name, part["contribution"])
    return Section("Distribution" if alone else f"Distribution: {name}", (), pictures)


def _target(result: Result, name: str) -> list[tuple[str, float]]:
    target = result["metadata"].get("target")
    if target is None:
        return []
    return [(f"target: {target['op']} {told(target['value'])}", target["value"])]


def _functions(
    name: str, unit: str, part: Row, target: list[tuple[str, float]]
) -> Picture:
    """Probability of less, and of more, with the percentiles on it."""
    below = distribution_function("probability of less", part["distribution"])
    others = [None if share is None else 1 - share for share in below.y]
    above = Curve("probability of more", below.x, others)
    known = [p for p in part["percentiles"] if p["value"] is not None]
    dots = Curve(
        "percentiles",
        [p["value"] for p in known],
        [p["percentile"] / 100 for p in known],
        kind="dots",
    )
    return Curves(
        f"Probability of less, and of more, {name}",
        unit,
        "probability",
        [below, above, dots],
        target,
    )


def _convergence(name: str, unit: str, rows: list[Row]) -> Picture:
    curve = Curve(
        "mean",
        [row["n"] for row in rows],
        [row["mean"] for row in rows],
        [row["low"] for row in rows],
        [row["high"] for row in rows],
    )
    title = f"Mean of {name} as draws grow"
    return Curves(title, "draws", unit, [curve], log=True)


def _contributions(name: str, rows: list[Row]) -> list[Picture]:
    drawn, left = rows[:MOST_BARS], max(0, len(rows) - MOST_BARS)
    labels = [row["id"] for row in drawn]
    kinds = (
        ("variance_share", f"Contribution to the variance of {name}", "share"),
        ("rank_correlation", f"Rank correlation with {name}", "Spearman's rho"),
    )
    return [
        Bars(
            title,
            unit,
            labels,
            [Series(reading.words(key), [row[key] for row in drawn])],
            left_out=left,
        )
        for key, title, unit in kinds
        if any(row[key] is not None for row in drawn)
    ]


def _alone(result: Result, alone: Row) -> Section:
    output = result["metadata"]["output"]
    rows = sorted(alone.items(), key=lambda item: -(item[1]["std"] or 0.0))
    drawn = rows[:MOST_BARS]
    picture = Bars(
        f"Standard deviation of {output} when one input alone varies",
        reading.with_unit(output, reading.unit_of(result, output)),
        [id for id, _ in drawn],
        [Series("Standard deviation", [part["std"] for _, part in drawn])],
        left_out=len(rows) - len(drawn),
    )
    return Section("Each input alone", (), [picture])


def _tiles(result: Result) -> list[tuple[str, Any, str]]:
    metadata, part = result["metadata"], result["results"]
    output = str(metadata["output"])
    unit = reading.unit_of(result, output)
    found: list[tuple[str, Any, str]] = [
        (f"Mean of {output}", part["mean"], unit),
        ("Standard deviation", part["std"], unit),
    ]
    middle = [p for p in part["percentiles"] if p["percentile"] in (5, 50, 95)]
    found += [(f"P{p['percentile']:g}", p["value"], unit) for p in middle]
    if part.get("probability_of_target") is not None:
        target = metadata["target"]
        name = f"Probability of {target['op']} {told(target['value'])}"
        found.append((name, part["probability_of_target"], ""))
    return [*found, ("Draws", part["n"], "")]


def _tables(result: Result, alone: Row) -> list[ReportTable]:
    outputs, metadata = result["results"]["outputs"], result["metadata"]
    numbers = [
        {"output": name, **{k: part[k] for k in _NUMBERS if k in part}}
        for name, part in outputs.items()
    ]
    found = [reading.table("Statistics", numbers)]
    for key in ("percentiles", "contribution", "convergence", "distribution"):
        rows = [
            {"output": n, **row} for n, part in outputs.items() for row in part[key]
        ]
        title = "Histogram" if key == "distribution" else reading.words(key)
        found.append(reading.table(title, rows))
    rows = [
        {
            "id": id,
            **{key: part[key] for key in ("n", "failed", "mean", "std", "min", "max")},
            **{f"P{p['percentile']:g}": p["value"] for p in part["percentiles"]},
        }
        for id, part in alone.items()
    ]
    found.append(reading.table("Statistics alone", rows))
    found.append(reading.inputs_table(result))
    names = ("sampling", "iterations", "replicates", "confidence_level", "seed")
    pairs = [(name, metadata.get(name)) for name in (*names, "kernel")]
    tied = metadata.get("correlation")
    if tied is not None:
        heads = ("Input", *tied["names"])
        matrix = [
            (name, *row)
            for name, row in zip(tied["names"], tied["matrix"], strict=True)
        ]
        found.append(ReportTable("Rank correlation", heads, matrix))
    return [*found, reading.settings_table(pairs)]


def _sources(metadata: Row) -> list[tuple[str, str]]:
    found = (
        [_SAMPLINGS[metadata["sampling"]]] if metadata["sampling"] in _SAMPLINGS else []
    )
    tied = metadata.get("correlation")
    if tied is not None:
        found.append(_IMAN if tied["method"] == "iman_conover" else _COPULA)
    return [*found, _WILSON] if metadata.get("target") else found


write_page, write_workbook = writers(report)
