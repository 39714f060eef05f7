"""`start_analysis`: from its payload to a submitted job, and who computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from flask_api.analysis import Analyses, Analysis
from flask_api.errors import NotAvailable, ValidationError
from flask_api.jobs.job import CLIENT, problem_with_client_id

if TYPE_CHECKING:
    from flask_api.jobs.registry import Registry
    from flask_api.jobs.submission import Submission

#: The seed's default, for clients that compute themselves and don't say.
_TOTAL_STEPS = 100
MOST_STEPS = 10**9

_OURS = ("analysis_id", "type", "parameters", "total_steps", "config", "runner")
_MODEL = ("iterations", "model", "version", "extension")


def start(
    registry: Registry, owner: str, payload: Mapping[str, Any]
) -> tuple[Submission, str | None]:
    """The submitted job, and, where its client computes it, the reason for that.

    Raises ValidationError (with the messages of seed 000), NotAvailable, Conflict for
    an id used with other content, QueueFull, ShuttingDown.
    """
    given = one_spelling(payload, (*_OURS, *_MODEL))
    client_id = analysis_id(given)
    analysis = _analysis(registry.analyses, given.get("type"))
    _refuse_unknown(given, analysis)
    steps = _total_steps(given.get("total_steps"))
    reason = _why_client(analysis, given)
    if analysis is None or reason is not None:
        left_out = ("analysis_id", "total_steps", "runner")
        content = {k: v for k, v in given.items() if k not in left_out}
        submission = registry.clients.start(
            owner=owner,
            client_id=client_id,
            total_steps=_TOTAL_STEPS if steps is None else steps,
            parameters=content,
        )
        return submission, reason or "the type is `client`"
    submission = registry.submit(
        analysis.kind,
        request_of(analysis.request, given),
        owner=owner,
        client_id=client_id,
        total_steps=steps,
    )
    return submission, None


def analysis_id(payload: Mapping[str, Any]) -> str:
    """The client's id in `payload`; raises ValidationError in the seed's words."""
    value = payload.get("analysis_id")
    if value is None or value == "":
        raise ValidationError(
            "Analysis ID is required",
            details=[{"field": "analysis_id", "problem": "is missing"}],
        )
    problem = problem_with_client_id(value)
    if problem:
        raise ValidationError(
            "Invalid analysis ID",
            details=[{"field": "analysis_id", "problem": problem}],
        )
    return str(value)


def _analysis(analyses: Analyses, name: object) -> Analysis | None:
    """The analysis called `name`; None for kind `client`."""
    if name == CLIENT:
        return None
    found = analyses.get(name) if isinstance(name, str) else None
    if found is None:
        known = ", ".join(sorted({*analyses.by_alias, *analyses.by_kind, CLIENT}))
        got = "is missing" if name is None else f"got {str(name)[:60]!r}"
        raise ValidationError(
            "Invalid analysis type",
            details=[{"field": "type", "problem": f"{got}; known: {known}"}],
        )
    return found


def _total_steps(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= MOST_STEPS:
        problem = f"must be a whole number, 1 to {MOST_STEPS:,}"
        raise _wrong("total_steps", f"{problem}, got {value!r:.60}")
    return value


def _wrong(field: str, problem: str) -> ValidationError:
    return ValidationError(
        f"{field}: {problem}", details=[{"field": field, "problem": problem}]
    )


def one_spelling(payload: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """`payload` with `names` in snake_case; both spellings at once are refused."""
    snake = {to_camel(name): name for name in names}
    given: dict[str, Any] = {}
    for key, value in payload.items():
        name = snake.get(key, key)
        if name in given:
            raise _wrong(name, "is given in both spellings; keep one")
        given[name] = value
    return given


def _refuse_unknown(given: Mapping[str, Any], analysis: Analysis | None) -> None:
    fields = _spellings(analysis.request) if analysis else {}
    for key in given:
        if key not in _OURS and key not in _MODEL and key not in fields:
            known = ", ".join((*_OURS, *_MODEL))
            raise _wrong(str(key)[:60], f"is not a known key; known here: {known}")


def _spellings(model: type[BaseModel]) -> dict[str, str]:
    """Both spellings of each field, to its name."""
    return {s: name for name in model.model_fields for s in (name, to_camel(name))}


# -- who computes ------------------------------------------------------------------


def _why_client(analysis: Analysis | None, given: Mapping[str, Any]) -> str | None:
    """Why the client computes; None where the server does."""
    runner = given.get("runner")
    if runner not in (None, "client", "server"):
        raise _wrong("runner", f"must be 'client' or 'server', got {runner!r:.60}")
    if runner == "client":
        return "runner is 'client'"
    if analysis is None:
        if runner == "server":
            raise _wrong("runner", "is 'server', but type 'client' is its opposite")
        return None
    if not analysis.available:
        raise NotAvailable(
            f"{analysis.kind} is not offered by this version of the server; compute "
            "it yourself with runner 'client', or choose another type",
            details=[{"field": "type", "problem": "is not available"}],
        )
    if analysis.knows_parameter is None:
        return None
    parameters = given.get("parameters")
    if not parameters and parameters in (None, [], {}):
        return None if runner == "server" else "no parameters were given"
    if not isinstance(parameters, list | Mapping):
        raise _wrong(
            "parameters",
            "must be a list, or an object such as {S11: {range: [0, 100]}}, got "
            f"{parameters!r:.60}",
        )
    config = given.get("config")
    said = {**config, **given} if isinstance(config, Mapping) else given
    knows, some = _known(analysis.knows_parameter, said.get("model"))
    modelled = any(said.get(k) is not None for k in ("model", "version", "extension"))
    server = modelled or runner == "server"
    names = list(_parameter_names(parameters, choices=False))
    if not names and not server:  # of choices alone the server knows nothing
        names = list(_parameter_names(parameters, choices=True))
    unknown = [n for n in names if n is None or not knows(n)]
    if not unknown:
        return None
    if server:
        name = next((n for n in unknown if n is not None), None)
        if name is None:
            return None  # the request model says what is wrong with such an item
        raise _wrong("parameters", f"{name!r:.60} is no input of the model; {some}")
    if len(unknown) == len(names):
        shown = ", ".join(str(n)[:40] for n in unknown[:3] if n is not None)
        return f"no parameter is known to the server: {shown or 'none has an id'}"
    name = next((n for n in unknown if n is not None), None)
    raise _wrong(
        "parameters",
        f"{name!r:.60} is unknown, but others are known; name only known ones, or set "
        "runner to 'client'",
    )


def _known(
    of_plants: Callable[[str], bool], model: object
) -> tuple[Callable[[str], bool], str]:
    """Which names are inputs, and where they are listed: those of a formula its own."""
    if isinstance(model, Mapping) and {"formula", "outputs"} & set(model):
        inputs = model.get("inputs")
        if isinstance(inputs, Mapping):
            shown = ", ".join(str(name)[:40] for name in [*inputs][:20])
            return lambda name: name in inputs, f"its inputs are {shown}"
        return lambda name: True, ""  # the request model says what is wrong with it
    return of_plants, "`GET /price/models` lists the inputs of every model"


def _parameter_names(
    parameters: list[Any] | Mapping[Any, Any], choices: bool
) -> Iterator[str | None]:
    """Each parameter's id; None for what can have none. Items that mean all inputs
    (objects without an id) are left out, and unless asked for choices: these name
    conventions, which are no inputs."""
    if isinstance(parameters, Mapping):
        for name, item in parameters.items():
            if choices or not _is_choice(item):
                yield str(name)
        return
    for item in parameters:
        if isinstance(item, Mapping):
            name = item.get("id")
            if name is not None and (choices or not _is_choice(item)):
                yield str(name)
        else:
            yield item if isinstance(item, str) else None


def _is_choice(item: object) -> bool:
    return isinstance(item, Mapping) and item.get("type") in ("categorical", "boolean")


# -- what the server computes ------------------------------------------------------


def request_of(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """The REST body that means the same as the payload `given`.

    Keys of `config` that are fields of `model` go to the top; the others stay in
    `config`. Raises ValidationError for a field given twice.
    """
    fields = _spellings(model)
    body = {
        fields.get(key, key): value
        for key, value in given.items()
        if key not in _OURS and value is not None
    }
    config = given.get("config")
    if config is not None and not isinstance(config, Mapping):
        raise _wrong("config", f"must be an object, got {type(config).__name__}")
    rest: dict[str, Any] = {}
    for key, value in (config or {}).items():
        name = fields.get(key)
        if name is None or name == "config":
            rest[key] = value
        elif name in body:
            raise _wrong(name, "is given at the top and in config; keep one")
        else:
            body[name] = value
    if rest:
        body["config"] = rest
    parameters = given.get("parameters")
    if "parameters" in model.model_fields:
        if parameters is not None:
            body["parameters"] = _as_list(parameters)
    elif isinstance(parameters, Mapping):
        body = {**parameters, **body}
    elif parameters:
        raise _wrong("parameters", "must be an object with the fields of this request")
    return body


def _as_list(parameters: object) -> object:
    """`[{id, range: {min, max}}]` of the seed's `{id: {range: [lo, hi]}}`."""
    if isinstance(parameters, Mapping):
        items: list[Any] = []
        for name, item in parameters.items():
            if item is None:
                item = {}
            elif isinstance(item, list):
                item = {"range": item}
            if not isinstance(item, Mapping):
                problem = f"must be an object such as {{range: [0, 100]}}, got {item!r}"
                raise _wrong(f"parameters.{name}"[:60], problem[:160])
            items.append({"id": name, **item})
        parameters = items
    if not isinstance(parameters, list):
        return parameters  # the request model says what is wrong with it
    return [_with_range(item) for item in parameters]


def _with_range(item: object) -> object:
    if not isinstance(item, Mapping):
        return item
    pair = item.get("range")
    if not isinstance(pair, list) or len(pair) != 2:
        return item
    return {**item, "range": {"min": pair[0], "max": pair[1]}}
