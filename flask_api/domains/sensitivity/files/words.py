"""What each method of `/sensitivity/analyze` measures, in words, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Sources = tuple[tuple[str, str], ...]

#: Units of an index: of the output, or none.
OUTPUT = "output"


@dataclass(frozen=True)
class Words:
    """A method for readers.

    title      of the report
    measures   what its numbers say and how to read them
    indices    what each index is called; the first ranks the inputs
    unit       at the axis of the bars; `OUTPUT`: that of the output
    """

    title: str
    measures: str
    indices: Mapping[str, str]
    unit: str
    sources: Sources


_TORNADO = (
    "One input at a time",
    "Eschenbach (1992), Spiderplots versus tornado diagrams for sensitivity analysis, "
    "Interfaces 22(6), 40-46, doi:10.1287/inte.22.6.40",
)
_SHARE = "share of the output's variance"
_SOBOL_TOTAL = (
    "Total order",
    "Jansen (1999), Computer Physics Communications 117, 35-43, "
    "doi:10.1016/S0010-4655(98)00154-4",
)

CURVES: Mapping[str, Words] = {
    "oat": Words(
        "One input at a time",
        "Each input moves over its range while all others keep today's values; the "
        "swing is the largest less the smallest output on the way. It shows no "
        "interactions: what two inputs do together is not seen.",
        {"effect": "Swing"},
        OUTPUT,
        (_TORNADO,),
    ),
    "tornado": Words(
        "Tornado",
        "Each input goes to its lowest and its highest value while all others keep "
        "today's; the widest swing stands on top.",
        {"effect": "Swing"},
        OUTPUT,
        (_TORNADO,),
    ),
    "spider": Words(
        "Spider",
        "All inputs move by the same percentages of today's values, one at a time: the "
        "steeper a line, the more an input matters per percent. How uncertain inputs "
        "are plays no part.",
        {"effect": "Swing"},
        OUTPUT,
        (_TORNADO,),
    ),
}

INDICES: Mapping[str, Words] = {
    "local": Words(
        "Slopes at today's values",
        "The derivative of the output by each input where the model stands today; the "
        "effect is the derivative times the width of the input's range. It says "
        "nothing of what happens far away from today's values.",
        {"effect": "Effect over the range", "derivative": "Derivative"},
        OUTPUT,
        (
            (
                "Differences extrapolated to step 0",
                "Ridders (1982), Advances in Engineering Software 4, 75-76, "
                "doi:10.1016/S0141-1195(82)80057-0",
            ),
        ),
    ),
    "morris": Words(
        "Morris screening",
        "The change of the output while one input moves by a step, from many starting "
        "points. mu* is the mean size of these effects: near 0, the input can be "
        "fixed. sigma, their scatter, is near 0 for a straight line and large for "
        "curves and interactions. Effects are for the whole width of a range.",
        {"mu_star": "mu*", "mu": "mu"},
        OUTPUT,
        (
            (
                "Elementary effects",
                "Morris (1991), Technometrics 33, 161-174, "
                "doi:10.1080/00401706.1991.10484804",
            ),
            (
                "mu*",
                "Campolongo, Cariboni, Saltelli (2007), Environmental Modelling & "
                "Software 22, 1509-1518, doi:10.1016/j.envsoft.2006.10.004",
            ),
            (
                "Shape by sigma / mu*",
                "Garcia Sanchez et al. (2014), Energy and Buildings 68, 741-750, "
                "doi:10.1016/j.enbuild.2012.08.048",
            ),
        ),
    ),
    "sobol": Words(
        "Sobol indices",
        "The share of the output's variance that an input makes: first order alone, "
        "total order with all its interactions. Where both agree it takes part in no "
        "interaction; where the total is 0 it can be fixed.",
        {"total": "Total order", "first": "First order", "second": "Second order"},
        _SHARE,
        (
            (
                "First order",
                "Saltelli et al. (2010), Computer Physics Communications 181, 259-270, "
                "doi:10.1016/j.cpc.2009.09.018",
            ),
            _SOBOL_TOTAL,
            (
                "Second order",
                "Saltelli (2002), Computer Physics Communications 145, 280-297, "
                "doi:10.1016/S0010-4655(02)00280-1",
            ),
        ),
    ),
    "shapley": Words(
        "Shapley effects",
        "The output's variance shared out among the inputs: each gets the mean, over "
        "all orders in which inputs become known, of the variance that knowing it "
        "adds. The shares add up to 1, also where inputs are correlated.",
        {"shapley": "Shapley effect"},
        _SHARE,
        (
            (
                "Shapley effects",
                "Owen (2014), SIAM/ASA Journal on Uncertainty Quantification 2, "
                "245-251, doi:10.1137/130936233",
            ),
            (
                "For correlated inputs",
                "Owen, Prieur (2017), SIAM/ASA Journal on Uncertainty Quantification "
                "5, 986-1002, doi:10.1137/16M1097717",
            ),
        ),
    ),
    "src": Words(
        "Standardised regression",
        "SRC is the change of the output, in its standard deviations, for one of the "
        "input's, on a straight line fitted to all inputs. PCC is the correlation once "
        "the other inputs are taken out of both. They hold as far as R2, the share of "
        "the variance that the line explains, is near 1.",
        {"pcc": "PCC", "src": "SRC"},
        "coefficient",
        (
            (
                "Regression",
                "Saltelli et al. (2008), Global Sensitivity Analysis: The Primer, "
                "doi:10.1002/9780470725184",
            ),
        ),
    ),
    "prcc": Words(
        "Partial rank correlation",
        "The correlation of ranks once the other inputs are taken out of both (PRCC), "
        "and the regression on ranks (SRRC): any relation that only rises, or only "
        "falls, counts as a line.",
        {"prcc": "PRCC", "srrc": "SRRC"},
        "coefficient",
        (
            (
                "PRCC",
                "Marino, Hogue, Ray, Kirschner (2008), Journal of Theoretical Biology "
                "254, 178-196, doi:10.1016/j.jtbi.2008.04.011",
            ),
        ),
    ),
    "pawn": Words(
        "PAWN",
        "How far the output's distribution shifts when an input is held in a slice of "
        "its range: the largest distance of the two distribution functions, 0 to 1. "
        "Inputs without effect tell what chance alone would give.",
        {"median": "Median", "mean": "Mean", "maximum": "Maximum"},
        "Kolmogorov-Smirnov distance",
        (
            (
                "PAWN from any sample",
                "Pianosi, Wagener (2018), Environmental Modelling & Software 108, "
                "197-207, doi:10.1016/j.envsoft.2018.07.019",
            ),
            (
                "The input without effect",
                "Khorashadi Zadeh et al. (2017), Environmental Modelling & Software "
                "91, 210-222, doi:10.1016/j.envsoft.2017.02.001",
            ),
        ),
    ),
    "delta": Words(
        "Borgonovo's delta",
        "Half the mean area between the output's density and its density with an input "
        "known: 0 without effect, 1 where the input decides all. It looks at the whole "
        "distribution, not at the variance alone.",
        {"delta": "Delta", "first": "First order"},
        "index, 0 to 1",
        (
            (
                "Delta",
                "Borgonovo (2007), Reliability Engineering & System Safety 92, "
                "771-784, doi:10.1016/j.ress.2006.04.015",
            ),
            (
                "From given data",
                "Plischke, Borgonovo, Smith (2013), European Journal of Operational "
                "Research 226, 536-550, doi:10.1016/j.ejor.2012.11.047",
            ),
        ),
    ),
    "fast": Words(
        "FAST",
        "First and total order indices from curves on which each input swings at a "
        "frequency of its own: the part of the output's spectrum at that frequency is "
        "its share of the variance.",
        {"total": "Total order", "first": "First order"},
        _SHARE,
        (
            (
                "Extended FAST",
                "Saltelli, Tarantola, Chan (1999), Technometrics 41, 39-56, "
                "doi:10.1080/00401706.1999.10485594",
            ),
        ),
    ),
    "rbd_fast": Words(
        "RBD-FAST",
        "First order indices from one sample: sorted by an input, the output is a "
        "wave, and the low part of its spectrum is the input's share of the variance.",
        {"first": "First order"},
        _SHARE,
        (
            (
                "RBD-FAST",
                "Tarantola, Gatelli, Mara (2006), Reliability Engineering & System "
                "Safety 91, 717-727, doi:10.1016/j.ress.2005.06.003",
            ),
            (
                "Its bias",
                "Tissot, Prieur (2012), Reliability Engineering & System Safety 107, "
                "205-213, doi:10.1016/j.ress.2012.06.010",
            ),
        ),
    ),
}
