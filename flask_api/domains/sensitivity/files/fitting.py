"""The report of `sensitivity.fit`: which distribution data come from."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.pictures import Bars, Curve, Curves, Picture, Series
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import reading
from flask_api.domains.sensitivity.files.reading import Result, told

#: Candidates that have a QQ plot; the table of quantiles has all.
MOST_PLOTS = 4
_MEASURES = (
    "Every candidate is fitted by maximum likelihood. AIC weighs the likelihood "
    "against the number of parameters; the weight is a candidate's chance to be the "
    "best of these. In a QQ plot, points on the line mean that the candidate has the "
    "data's quantiles; points that leave it at the ends mean other tails."
)
_SOURCES = (
    (
        "AIC",
        "Akaike (1974), IEEE Transactions on Automatic Control 19, 716-723, "
        "doi:10.1109/TAC.1974.1100705",
    ),
    (
        "BIC",
        "Schwarz (1978), The Annals of Statistics 6, 461-464, "
        "doi:10.1214/aos/1176344136",
    ),
    (
        "Anderson-Darling distance",
        "Anderson, Darling (1954), Journal of the American Statistical Association 49, "
        "765-769, doi:10.2307/2281537",
    ),
)


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """The candidates by AIC, with a QQ plot of the best and its distribution."""
    fits = result["fits"]
    return Report(
        title="Distributions fitted to data",
        kicker="Fit",
        summary=[*_summary(result), _MEASURES],
        tiles=_tiles(result),
        sections=[
            Section("Candidates", (), _candidates(result)),
            Section(
                "QQ plots", (), [_qq(result, one["kind"]) for one in fits[:MOST_PLOTS]]
            ),
            Section("Distribution", (), [_function(result)]),
            Section("Numbers", tables=_tables(result)),
        ],
        sources=_SOURCES,
    )


def _candidates(result: Result) -> list[Picture]:
    fits = result["fits"]
    kinds = [one["kind"] for one in fits]
    best = fits[0]["aic"]
    return [
        Bars(
            "Akaike's weight of each candidate",
            "weight, all together 1",
            kinds,
            [Series("Weight", [one["weight"] for one in fits])],
        ),
        Bars(
            "AIC above the best candidate's",
            "difference of AIC, 0 = best",
            kinds,
            [Series("Difference", [one["aic"] - best for one in fits])],
        ),
    ]


def _qq(result: Result, kind: str) -> Picture:
    rows = [r for r in result["quantiles"] if r.get(kind) is not None]
    x, y = [row[kind] for row in rows], [row["data"] for row in rows]
    ends = [min(x), max(x)] if x else [0.0, 1.0]
    return Curves(
        f"QQ plot: {kind}",
        f"quantile of the fitted {kind}",
        "quantile of the data",
        [Curve("equal", ends, ends), Curve("data", x, y, kind="dots")],
    )


def _function(result: Result) -> Picture:
    """The data's distribution function with those of the best candidates."""
    rows = result["quantiles"]
    shares = [row["probability"] for row in rows]
    data = Curve("data", [row["data"] for row in rows], shares, kind="step")
    curves = [data]
    for one in result["fits"][: MOST_PLOTS - 1]:
        known = [r for r in rows if r.get(one["kind"]) is not None]
        x = [row[one["kind"]] for row in known]
        curves.append(Curve(one["kind"], x, [row["probability"] for row in known]))
    title = "Distribution function of the data and of the best candidates"
    return Curves(title, "value", "probability of less", curves)


def _summary(result: Result) -> list[str]:
    data, fits = result["data"], result["fits"]
    best = fits[0]
    said = [
        f"Asked: which of {len(fits) + len(result['unfit'])} distributions "
        f"{data['n']:,} numbers from {told(data['min'])} to {told(data['max'])} come "
        "from.",
        f"The best is {reading.distribution_text(best['distribution'])}, with a weight "
        f"of {told(best['weight'], '', 3)}.",
    ]
    if len(fits) > 1:
        gap = fits[1]["aic"] - best["aic"]
        sure = "it is much less likely" if gap > 10 else "it is less likely"
        if gap < 2:
            sure = "the data hardly tell them apart"
        said.append(
            f"Next is {fits[1]['kind']}, whose AIC is {told(gap, '', 3)} higher: "
            f"{sure}."
        )
    if result["unfit"]:
        kinds = ", ".join(one["kind"] for one in result["unfit"])
        said.append(f"Not fitted: {kinds}; the table says why.")
    return said


def _tiles(result: Result) -> list[tuple[str, Any, str]]:
    best, data = result["fits"][0], result["data"]
    return [
        ("Best", best["kind"], ""),
        ("Weight", best["weight"], ""),
        ("AIC", best["aic"], ""),
        ("Mean of the data", data["mean"], ""),
        ("Standard deviation", data["std"], ""),
        ("Numbers", data["n"], ""),
    ]


def _tables(result: Result) -> list[ReportTable]:
    errors = [
        {"kind": one["kind"], "parameter": name, "standard error": value}
        for one in result["fits"]
        for name, value in (one["standard_errors"] or {}).items()
    ]
    data = [{"what": key, "value": value} for key, value in result["data"].items()]
    return [
        reading.table("Fits", result["table"]),
        reading.table("Standard errors", errors),
        reading.table("Quantiles", result["quantiles"]),
        reading.table("Not fitted", result["unfit"]),
        reading.table("Data", data),
    ]


write_page, write_workbook = writers(report)
