"""Runs in a worker: `POST /sensitivity/analyze` by a method that judges all inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.analysis import Context, Progress
from flask_api.domains.sensitivity.answers import drawn_as, given_input, pictures
from flask_api.domains.sensitivity.curves import Entry, numeric_entry
from flask_api.domains.sensitivity.local import local
from flask_api.domains.sensitivity.magnitude import Magnitudes, measured
from flask_api.domains.sensitivity.method_answer import live, method_answer
from flask_api.domains.sensitivity.methods import LOCAL, METHODS, Method, State
from flask_api.domains.sensitivity.schema import AnalyzeRequest
from flask_api.domains.sensitivity.settings_given import refuse_settings, within
from flask_api.domains.sensitivity.studied_model import Start, begin
from flask_api.domains.sensitivity.sub_range import SubRanges
from flask_api.numerics.correlation import Correlation, read_correlation
from flask_api.numerics.errors import InputError, NoSolutionError

Floats = npt.NDArray[np.float64]

#: A report on the way costs a tenth of the time at most, and comes 4 times a second.
SHARE, PAUSE = 0.1, 0.25
#: What settings are called where methods take them.
_CALLED = {"confidence_level": "confidence"}


def by_method(
    request: AnalyzeRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Indices of all inputs by `request.method`, and the tornado of their ranges."""
    name, config = request.method, request.config
    method = LOCAL if name == "local" else METHODS[name]
    refuse_settings(request, method)
    start = begin(request, config.outputs, config.seed, progress, context)
    start.refuse_choices(f"method {name} wants numbers")
    correlation = _correlation(config.correlation, start)
    correlated = () if correlation is None else correlation.names
    start, parts = within(start, config.within, correlated)
    outputs = start.outputs or list(dict.fromkeys(v.output for v in start.varied))
    progress(0, 1, "model read", method=name, output=outputs[0], rows=[])
    base = _base(start, outputs, progress, needed=method is LOCAL)
    entries = _ends(start, outputs, base)
    progress.phase(name)
    told = Told(progress, method, name, outputs[0])
    sizes = Magnitudes(outputs)
    for state in _states(request, start, method, outputs, base, told.again, sizes):
        told.of(state)
    assert told.state is not None
    if not method.scale_free:
        sizes.refuse_tiny()
    reports = {output: told.state.report(output) for output in outputs}
    _judge(start, progress, method, reports, sizes)
    answer = method_answer(
        name,
        method,
        entries,
        reports,
        _metadata(request, start, method, told.state, outputs, base, parts),
        start.varied[0].id if request.parameter and len(start.varied) == 1 else None,
    )
    told.last(reports[outputs[0]])
    return answer


class Told:
    """What watchers are told while a method works."""

    def __init__(self, progress: Progress, method: Method, name: str, output: str):
        self.state: State | None = None
        self._progress, self._method = progress, method
        self._head = {"method": name, "output": output}
        self._rows: list[dict[str, Any]] = []
        self._next = 0.0

    def of(self, state: State) -> None:
        """Told after each block; the rows of the report are made anew now and then."""
        self.state = state
        began = time.monotonic()
        if state.done < state.total:
            if began >= self._next:
                self._rows = live(state.report(self._head["output"]), self._method)
                now = time.monotonic()
                self._next = now + max(PAUSE, (now - began) / SHARE)
            self.again()

    def again(self) -> None:
        """The same within a block, so that a stop is heard there too."""
        done, total = (0, 1) if self.state is None else (self.state.done, self._total)
        text = f"{done:,} of {total:,}"
        self._progress(done, total, text, **self._head, rows=self._rows)

    def last(self, report: Mapping[str, Any]) -> None:
        self._rows = live(report, self._method)
        self.again()

    @property
    def _total(self) -> int:
        assert self.state is not None
        return self.state.total


def _base(
    start: Start, outputs: Sequence[str], progress: Progress, needed: bool
) -> dict[str, float] | None:
    """Today's outputs; None where one has no value and the method can do without."""
    try:
        return start.baseline(outputs)
    except NoSolutionError as error:
        if needed:
            raise
        start.warn(progress, f"no tornado: {error}")
        return None


def _ends(
    start: Start, outputs: Sequence[str], base: Mapping[str, float] | None
) -> dict[str, Entry]:
    """The outputs at both ends of each input's range, all others as they are."""
    if base is None:
        return {}
    return {
        item.id: numeric_entry(
            start.model, item, base, outputs, ends_only=True, uncertain={}, draws=0,
            confidence=0.95, seed=start.seed, tick=lambda share: None,
        )
        for item in start.varied
    }  # fmt: skip


def _states(
    request: AnalyzeRequest,
    start: Start,
    method: Method,
    outputs: Sequence[str],
    base: Mapping[str, float] | None,
    again: Callable[[], None],
    sizes: Magnitudes,
) -> Iterator[State]:
    """The method's growing state."""
    if method is LOCAL:
        assert base is not None
        return local(start.model, start.varied, outputs, base, again)
    names = {item.id: str(item.name) for item in start.varied}

    def evaluate(x: Mapping[str, Floats]) -> Mapping[str, Floats]:
        columns = {names[id]: column for id, column in x.items()}
        return start.model.evaluate(columns, outputs, again)

    return method.run(
        evaluate if method.scale_free else measured(evaluate, sizes),
        {item.id: item.assumed for item in start.varied},
        outputs,
        request.config.samples or method.samples,
        seed=start.seed,
        **_settings(request, start, method),
    )


def _settings(request: AnalyzeRequest, start: Start, method: Method) -> dict[str, Any]:
    """The settings that the request gives, in the words of the method."""
    config = request.config
    given = {
        _CALLED.get(name, name): getattr(config, name)
        for name in (*method.settings, "sampling")
        if getattr(config, name) is not None
    }
    if "groups" in given:
        given["groups"] = {
            group: [start.id_of(member, f"config.groups.{group}") for member in members]
            for group, members in given["groups"].items()
        }
    if "correlation" in given:
        read = _correlation(given["correlation"], start)
        given["correlation"] = _of_scores(read, start) if method.conditional else read
    return given


def _correlation(described: Any, start: Start) -> Correlation | None:
    """The correlation of the inputs that vary, by the user's names."""
    field = "config.correlation"
    return read_correlation(
        described,
        [item.id for item in start.varied],
        field,
        resolve=lambda name: start.id_of(name, field),
    )


def _of_scores(read: Correlation | None, start: Start) -> Floats | None:
    """Correlations of the normal scores of all inputs that vary, in their order."""
    if read is None:
        return None
    if read.method == "iman_conover":
        raise InputError(
            "got iman_conover; Shapley effects draw one input given others, for which "
            "only the copula has a rule: leave out method",
            "config.correlation.method",
        )
    ids = [item.id for item in start.varied]
    matrix = np.eye(len(ids))
    at = [ids.index(name) for name in read.names]
    matrix[np.ix_(at, at)] = read.normals
    return matrix


def _judge(
    start: Start,
    progress: Progress,
    method: Method,
    reports: Mapping[str, Mapping[str, Any]],
    sizes: Magnitudes,
) -> None:
    """Tells the notes; NoSolutionError where nothing is known of an output."""
    for output, report in reports.items():
        counted = report.get(method.counted)
        failed = report.get("failed") or 0
        if counted == 0 and failed:
            raise NoSolutionError(
                f"none of the {failed:,} {method.counted} has a value of {output}"
                f"{sizes.hint(output) or '; narrow the ranges'}",
                field="parameters",
            )
        if failed and method.counted == "rows":
            total = failed + int(counted or 0)
            start.warn_of_failed(
                progress, output, failed, total, "rows", sizes.hint(output)
            )
        for note in report["notes"]:
            if note not in start.warnings:
                start.warn(progress, note)


def _metadata(
    request: AnalyzeRequest,
    start: Start,
    method: Method,
    state: State,
    outputs: Sequence[str],
    base: Mapping[str, float] | None,
    parts: SubRanges | None,
) -> dict[str, Any]:
    config, model = request.config, start.model
    evaluations = int(getattr(state, "evaluations", state.done))
    samples = None if method is LOCAL else config.samples or method.samples
    settings = {name: getattr(config, name) for name in method.settings}
    correlation = _correlation(config.correlation, start)
    sampling: str | None = config.sampling
    if sampling is None and method.samplings:
        sampling = method.samplings[0]
    return {
        "method": request.method,
        "output": outputs[0],
        "baseline": base,
        "units": {name: model.units[name] for name in outputs},
        "seed": start.seed,
        "kernel": model.kernel(evaluations),
        "samples": samples,
        "evaluations": evaluations,
        "sampling": sampling,
        "settings": settings,
        "correlation": (
            None if correlation is None else correlation.report(str(sampling))
        ),
        "inputs": {item.id: given_input(item) for item in start.varied},
        "model": dict(model.identity),
        "within": None if parts is None else parts.report(),
        "assumptions": [
            *_assumptions(correlation, start, method),
            *(() if parts is None else parts.assumptions()),
        ],
        "warnings": start.warnings,
        "pictures": pictures(request, start.varied),
    }


def _assumptions(
    correlation: Correlation | None, start: Start, method: Method
) -> list[str]:
    if method is LOCAL:
        return []
    said = ["the inputs vary independently of each other"] if not correlation else []
    return said + drawn_as(start.varied)
