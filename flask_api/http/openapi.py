"""The API's description: OpenAPI 3.1 at `/openapi.json`, readable at `/docs`.

Made from the route table and the models that validate, so it can't drift from them: a
view says with `@described` what it takes and answers, its docstring is the text. The
page is Swagger UI out of an installed wheel; it loads nothing from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import orjson
from flask import Blueprint, Flask, Response, current_app, request, send_file
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from flask_api import __doc__ as purpose
from flask_api import __version__
from flask_api.analysis import Analyses
from flask_api.errors import NotFound
from flask_api.http.answers import ErrorAnswer

bp = Blueprint("openapi", __name__)
View = TypeVar("View", bound=Callable[..., Any])

_REF = "#/components/schemas/{model}"
_WHEEL = "flask-openapi-swagger"


@dataclass(frozen=True)
class Media:
    """An answer that is no JSON."""

    type: str
    text: str


@dataclass(frozen=True)
class Form:
    """One of several bodies that an address takes.

    fixed     fields whose values tell this form from the others
    model     its other fields; those of the view's `body` are taken too
    example   of `model`: a request that works
    """

    fixed: Mapping[str, str]
    model: type[BaseModel]
    example: Mapping[str, Any]


@dataclass(frozen=True)
class Described:
    """What a view takes and answers."""

    tag: str
    kind: str | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, type[BaseModel] | Media | None] = field(default_factory=dict)
    waits: bool = False
    any_kind: bool = False
    also: Media | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)


def described(
    *,
    tag: str,
    answers: Mapping[int, type[BaseModel] | Media | None],
    kind: str | None = None,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    waits: bool = False,
    any_kind: bool = False,
    also: Media | None = None,
    forms: Mapping[str, Form] | None = None,
) -> Callable[[View], View]:
    """Put a view into the API's description; its docstring becomes the text.

    tag       the heading it stands under
    answers   status -> model; None = no body, or the shape of errors from 400 on
    kind      the analysis whose request model the body (GET: the query) must satisfy
    body      the model of the body, where `kind` does not name it
    query     the model of the query
    waits     it makes a job and takes `Prefer` and `Idempotency-Key`
    any_kind  `body` has `kind` and `params`: one form for each analysis
    also      the form of a body that is no JSON, taken too
    forms     title -> form, where a field of the body decides which others it has
    """
    made = Described(
        tag, kind, body, query, answers, waits, any_kind, also, forms or {}
    )

    def mark(view: View) -> View:
        view.described = made  # type: ignore[attr-defined]
        return view

    return mark


def document(app: Flask, analyses: Analyses) -> dict[str, Any]:
    """The OpenAPI 3.1 description of all described routes of `app`."""
    routes = sorted(_routes(app), key=lambda route: (route[0], route[1]))
    names, schemas = _schemas([made for *_, made, _ in routes], analyses)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, made, view in routes:
        writer = _Writer(made, analyses, names, schemas)
        operation = writer.operation(path, method, view.__doc__ or "")
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Model Zone",
            "version": __version__,
            "description": (purpose or "").strip(),
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _routes(app: Flask) -> Iterator[tuple[str, str, Described, Callable[..., Any]]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        made = getattr(view, "described", None)
        if made is None:
            continue
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield path, method.lower(), made, view


_Names = Mapping[tuple[Any, JsonSchemaMode], str]


def _schemas(
    all_made: list[Described], analyses: Analyses
) -> tuple[_Names, dict[str, Any]]:
    """Component names by (model, use), and the components."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    wanted[ErrorAnswer, "serialization"] = None
    for made in all_made:
        for taken in (made.body, made.query, _model_of(made.kind, analyses)):
            if taken is not None:
                wanted[taken, "validation"] = None
        for answer in made.answers.values():
            if isinstance(answer, type):
                wanted[answer, "serialization"] = None
        for form in made.forms.values():
            wanted[form.model, "validation"] = None
        if made.any_kind:
            for analysis in analyses.by_kind.values():
                wanted[analysis.request, "validation"] = None
    refs, defs = models_json_schema(list(wanted), ref_template=_REF)
    names = {key: ref["$ref"].rpartition("/")[2] for key, ref in refs.items()}
    return names, defs.get("$defs", {})


def _model_of(kind: str | None, analyses: Analyses) -> type[BaseModel] | None:
    analysis = analyses.get(kind) if kind else None
    return analysis.request if analysis else None


@dataclass(frozen=True)
class _Writer:
    """Writes one operation."""

    made: Described
    analyses: Analyses
    names: _Names
    schemas: Mapping[str, Any]

    def operation(self, path: str, method: str, text: str) -> dict[str, Any]:
        summary, _, rest = text.strip().partition("\n")
        made = self.made
        words = re.findall(r"[a-z0-9]+", path.lower())
        written: dict[str, Any] = {
            "operationId": "_".join([method, *words]),
            "tags": [made.tag],
            "summary": summary.strip(),
            "description": " ".join(rest.split()),
            "parameters": list(self._parameters(path, method)),
            "responses": self._responses(),
        }
        body = self._body() if method != "get" else None
        if body is not None:
            content: dict[str, Any] = {"application/json": body}
            if made.also is not None:
                schema = {"type": "string", "description": made.also.text}
                content[made.also.type] = {"schema": schema}
            written["requestBody"] = {"required": True, "content": content}
        return written

    def _ref(self, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, str]:
        return {"$ref": _REF.format(model=self.names[model, mode])}

    def _body(self) -> dict[str, Any] | None:
        made = self.made
        if made.any_kind and made.body is not None:
            return self._body_of_any_kind(made.body)
        if made.forms and made.body is not None:
            return self._body_of_forms(made.body)
        model = made.body or _model_of(made.kind, self.analyses)
        if model is None:
            return None
        body: dict[str, Any] = {"schema": self._ref(model, "validation")}
        analysis = self.analyses.get(made.kind) if made.kind else None
        if analysis is not None:
            body["example"] = dict(analysis.example)
        return body

    def _body_of_any_kind(self, model: type[BaseModel]) -> dict[str, Any]:
        base = self.schemas[self.names[model, "validation"]]
        forms, examples = [], {}
        for kind, analysis in sorted(self.analyses.by_kind.items()):
            if not analysis.available:
                continue
            params = self._ref(analysis.request, "validation")
            properties = {**base["properties"], "kind": {"const": kind}}
            properties["params"] = params
            forms.append({**base, "title": kind, "properties": properties})
            value = {"kind": kind, "params": dict(analysis.example)}
            examples[kind] = {"summary": analysis.title, "value": value}
        if not forms:
            return {"schema": self._ref(model, "validation")}
        return {"schema": {"oneOf": forms}, "examples": examples}

    def _body_of_forms(self, model: type[BaseModel]) -> dict[str, Any]:
        base = self.schemas[self.names[model, "validation"]]
        forms, examples = [], {}
        for title, form in self.made.forms.items():
            own = self.schemas[self.names[form.model, "validation"]]
            constants = {name: {"const": value} for name, value in form.fixed.items()}
            properties = {**base["properties"], **own["properties"], **constants}
            required = [*form.fixed, *own.get("required", ())]
            shape = {"properties": properties, "required": required}
            forms.append({**base, "title": title, **shape})
            examples[title] = {
                "summary": str(own.get("description", title)).partition("\n")[0],
                "value": {**form.fixed, **form.example},
            }
        return {"schema": {"oneOf": forms}, "examples": examples}

    def _parameters(self, path: str, method: str) -> Iterator[dict[str, Any]]:
        for name in re.findall(r"\{(\w+)\}", path):
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
            }
        model = self.made.query
        if model is None and method == "get":
            model = _model_of(self.made.kind, self.analyses)
        if model is not None:
            schema = self.schemas[self.names[model, "validation"]]
            for name, wanted in schema.get("properties", {}).items():
                yield {
                    "name": name,
                    "in": "query",
                    "required": name in schema.get("required", ()),
                    "schema": wanted,
                }
        if self.made.waits:
            yield from _WAITING_HEADERS if method == "post" else _WAITING_HEADERS[:1]

    def _responses(self) -> dict[str, Any]:
        answers = dict(self.made.answers)
        errors = self._ref(ErrorAnswer, "serialization")
        written: dict[str, Any] = {}
        for status, answer in sorted(answers.items()):
            entry: dict[str, Any] = {"description": HTTPStatus(status).phrase}
            if isinstance(answer, Media):
                entry["description"] = answer.text
                entry["content"] = {answer.type: {"schema": {"type": "string"}}}
            elif answer is not None:
                entry["description"] = (answer.__doc__ or "").strip().split("\n")[0]
                schema = self._ref(answer, "serialization")
                entry["content"] = {"application/json": {"schema": schema}}
            elif status >= HTTPStatus.BAD_REQUEST:
                entry["content"] = {"application/json": {"schema": errors}}
            written[str(status)] = entry
        written["default"] = {
            "description": "An error; `code` says which",
            "content": {"application/json": {"schema": errors}},
        }
        return written


_WAITING_HEADERS = (
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`respond-async`: answer 202 at once; `wait=N`: wait N seconds",
        "schema": {"type": "string", "examples": ["respond-async", "wait=5"]},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "same key and body: the same job; kept for 24 hours",
        "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]+$"},
    },
)


@bp.get("/openapi.json")
@bp.get("/api/openapi.json")
@described(tag="service", answers={200: Media("application/json", "OpenAPI 3.1")})
def openapi() -> Response:
    """This description."""
    made: dict[str, bytes] = current_app.extensions["openapi"]
    if "data" not in made:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        analyses = current_app.extensions["registry"].analyses
        made["data"] = orjson.dumps(document(app, analyses))
    response = current_app.response_class(made["data"], mimetype="application/json")
    response.set_etag(sha256(made["data"]).hexdigest())
    response.make_conditional(request)
    return response


_ASSETS = {
    "swagger-ui.css": ("css", "text/css"),
    "swagger-ui-bundle.js": ("js", "text/javascript"),
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Model Zone: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/{version}/swagger-ui.css">
</head>
<body>
<main id="api"><noscript>The description is at
<a href="/openapi.json">/openapi.json</a>.</noscript></main>
<script src="/docs/assets/{version}/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({{
  url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
}});
</script>
</body>
</html>
"""


@bp.get("/docs")
@described(tag="service", answers={200: Media("text/html", "A page to read and try")})
def docs() -> Response:
    """This description as a page to read and to try; works offline."""
    page = _PAGE.format(version=version(_WHEEL))
    return current_app.response_class(page, mimetype="text/html")


@bp.get("/docs/assets/<version>/<name>")
def docs_asset(version: str, name: str) -> Response:
    """A file of Swagger UI; `version` makes a new one a new address."""
    if name not in _ASSETS:
        raise NotFound()
    folder, mimetype = _ASSETS[name]
    path = _wheel_folder() / "templates" / "swagger" / folder / name
    response = send_file(path, mimetype=mimetype, max_age=365 * 86400)
    response.cache_control.immutable = True
    return response


def _wheel_folder() -> Path:
    """Where the wheel lies; it is not imported, so neither is what it needs."""
    spec = find_spec(_WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise NotFound(f"the package {_WHEEL} is not installed: pip install {_WHEEL}")
    return Path(next(iter(spec.submodule_search_locations)))


def init_app(app: Flask) -> None:
    app.extensions["openapi"] = {}
    app.register_blueprint(bp)
