"""The pages on market structure are true: examples, settings, outputs are as told.

And seed 001's own words hold. One file, as one service answers all of it.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic.fields import FieldInfo

from flask_api.app import create_app
from flask_api.domains.market.runs.registry import MODELS
from flask_api.domains.market.runs.request_schema import FitParams, Model
from flask_api.settings import Settings, load_settings
from tests.doc_pages import DOCS, ROOT, Block, blocks
from tests.test_docs_methods import Shown, assert_comments_are_true, at, misfits

OVERVIEW = DOCS / "market.md"
#: Models whose page bears another name, and pages that are of no model.
PAGE_OF = {"model_selection": "selection"}
GENERAL = ("clustering", "data")
HEADINGS = ("When to use it", "How to read it", "Worked example")


def name_of(page: Path) -> str:
    return page.stem


def type_of(model: Model) -> str:
    return model.model_type


def page_of(model: Model) -> Path:
    name = PAGE_OF.get(model.model_type, model.model_type)
    return DOCS / "market" / f"{name}.md"


PAGES = [DOCS / "market" / f"{name}.md" for name in GENERAL]
PAGES += [page_of(model) for model in MODELS]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One service for all pages."""
    folder = tmp_path_factory.mktemp("market")
    app = create_app(
        Settings(
            flask_env="testing",
            job_executor="inline",
            async_mode="threading",
            database_url="memory:",
            wait_s=55,
            instance_folder=folder / "instance",
            log_folder=folder / "logs",
        )
    )
    until = time.monotonic() + 60
    while not app.extensions["engine"].ready and time.monotonic() < until:
        time.sleep(0.005)
    yield app
    app.extensions["drain"]("the test is over")
    app.extensions["registry"].store.close()


@pytest.fixture
def asking(service: Flask) -> FlaskClient:
    return service.test_client()


class Conversation:
    """A page's requests, one after the other, and what they said."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.names: dict[str, Any] = {}  # of the page's Python
        self.ids: dict[str, str] = {}

    def ask(self, request: str) -> Any:
        """The answer to a request as the page prints it.

        `{rows}` stands for a value of the page's Python; `{id}` for the id that was
        told last; a run is waited for before anything is asked about it.
        """
        text = re.sub(
            r"\{(\w+)\}",
            lambda found: self._value(found[1], found[0]),
            request,
        )
        head, _, body = text.partition("\n\n")
        first, *rest = head.strip().splitlines()
        method, address = first.split()
        headers = dict(line.split(": ", 1) for line in rest)
        answer = self._client.open(
            address, method=method, headers=headers, data=body.encode()
        )
        told: Any = answer.get_json(silent=True) or {}
        if method == "POST" and answer.status_code == 201 and "id" in told:
            self.ids["id"] = told["id"]
            registry = self._client.application.extensions["registry"]
            job = registry.wait("anonymous", told["id"], 60)
            assert job.status.value == "completed", job.error
        if method == "POST" and answer.status_code == 201 and "data_id" in told:
            self.ids["data_id"] = told["data_id"]
        return answer

    def _value(self, name: str, otherwise: str) -> str:
        if name in self.ids:
            return self.ids[name]
        return json.dumps(self.names[name]) if name in self.names else otherwise


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_examples_of_a_page_give_what_it_says(
    page: Path, asking: FlaskClient
) -> None:
    talk, found = Conversation(asking), list(blocks(page))
    answer: Any = None
    judged = 0
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.info == "python":
            judged += "known = " in block.body
            run_python(block, talk.names, answer)
        elif block.info == "http":
            assert after is not None
            answer = answered(talk, block, after)
            assert not unexplained(page, answer)
    assert judged, "a page has an example whose answer is known"


def answered(talk: Conversation, request: Block, expected: Block) -> Any:
    kind, status = expected.info.split()
    assert kind == "json"
    answer = talk.ask(request.body)
    assert answer.status_code == int(status), f"{request}: {answer.text[:500]}"
    wanted = json.loads(expected.body, parse_float=Shown.of)
    assert not list(misfits(wanted, answer.json)), str(request)
    return answer.json


def run_python(block: Block, names: dict[str, Any], answer: Any) -> None:
    """Data for later requests, or what is known of the last answer."""
    space = dict(names)
    exec(block.body, space)
    for path, (by_formula, near) in space.pop("known", {}).items():
        assert abs(at(answer, path) - by_formula) <= near, f"{block}: {path}"
    assert_comments_are_true(block, space)
    names.update({k: v for k, v in space.items() if isinstance(v, list | int | float)})


# -- settings ----------------------------------------------------------------------


def settings_of(page: Path) -> dict[str, tuple[str, str]]:
    """Default and bounds by setting, from the page's table."""
    row = r"^\| `(\w+)` \| (.*?) \| (.*?) \| .* \|$"
    table = page.read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    return {
        name: (default, bounds)
        for name, default, bounds in re.findall(row, table, re.M)
    }


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default in (None, [], {}, ()):
        return "none"
    default = field.default
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def bounds_of(schema: dict[str, Any]) -> str | None:
    """The bounds of a setting, in the page's words; None where they need more words."""
    choices = schema.get("enum")
    if choices is not None:
        return ", ".join(f"`{choice}`" for choice in choices)
    parts = [p for p in schema.get("anyOf", [schema]) if p.get("type") != "null"]
    if len(parts) != 1:
        return None
    (part,) = parts
    if part is not schema and "enum" in part:
        return bounds_of(part)
    if part.get("type") == "boolean":
        return "true or false"
    if part.get("type") not in ("integer", "number"):
        return None
    low, high = part.get("minimum"), part.get("maximum")
    over, under = part.get("exclusiveMinimum"), part.get("exclusiveMaximum")
    ends = [f"above {number(over)}"] if over is not None else []
    if low is not None and high is not None:
        return f"{number(low)} to {number(high)}"
    ends += [f"from {number(low)}"] if low is not None else []
    ends += [f"below {number(under)}"] if under is not None else []
    ends += [f"to {number(high)}"] if high is not None else []
    return ", ".join(ends) or None


@pytest.mark.parametrize("model", MODELS, ids=type_of)
def test_every_model_has_a_page_with_its_settings_defaults_and_bounds(
    model: Model,
) -> None:
    page = page_of(model)
    told, schema = settings_of(page), model.params.model_json_schema()
    own = set(model.params.model_fields) - set(FitParams.model_fields)
    assert set(told) == own
    for name in own:
        assert told[name][0] == default_of(model.params.model_fields[name]), name
        bounds = bounds_of(schema["properties"][name])
        assert bounds is None or told[name][1] == bounds, (name, bounds)


def test_what_every_run_may_be_told_stands_in_the_overview() -> None:
    text = OVERVIEW.read_text()
    fields = {*FitParams.model_fields, *MODELS[0].request.model_fields} - {"params"}
    assert not sorted(name for name in fields if f"`{name}`" not in text)


# -- outputs -----------------------------------------------------------------------


def named_in(answer: dict[str, Any]) -> set[str]:
    """Every name that an answer bears."""
    found = {*answer["results"], *answer["metrics"], *answer["tables"]}
    found |= {*answer["details"], *answer["results_summary"]}
    for rows in answer["tables"].values():
        found |= {name for row in rows[:1] for name in row}
    return found


def unexplained(page: Path, answer: dict[str, Any]) -> list[str]:
    """Names in a run's results that its page does not explain; `class_1` for any."""
    if "results" not in answer:
        return []
    numbered = r"(class|factor|component)_\d+$"
    text = page.read_text()
    names = {re.sub(numbered, r"\1_1", name) for name in named_in(answer)}
    return sorted(name for name in names if f"`{name}`" not in text)


@pytest.fixture(scope="module")
def examples(service: Flask) -> dict[str, Any]:
    """The bodies of `POST /api/v1/runs` that the API description shows, by model."""
    described: Any = service.test_client().get("/openapi.json").json
    body = described["paths"]["/api/v1/runs"]["post"]["requestBody"]
    found: dict[str, Any] = body["content"]["application/json"]["examples"]
    return {name: example["value"] for name, example in found.items()}


@pytest.mark.parametrize("model", MODELS, ids=type_of)
def test_each_models_example_in_the_api_description_runs_and_its_answer_is_explained(
    model: Model, asking: FlaskClient, examples: dict[str, Any]
) -> None:
    run = asking.post("/api/v1/runs", json=examples[model.model_type])
    assert run.status_code == 201 and run.json is not None, run.text[:500]
    assert run.json["model_type"] == model.model_type
    registry = asking.application.extensions["registry"]
    job = registry.wait("anonymous", run.json["id"], 60)
    assert job.status.value == "completed", job.error
    answer = asking.get(f"/api/v1/runs/{run.json['id']}/results")
    assert answer.status_code == 200 and answer.json is not None, answer.text[:500]
    assert not unexplained(page_of(model), answer.json)


def test_every_page_has_its_parts_and_is_linked_from_the_overview() -> None:
    for page in PAGES:
        heads = re.findall(r"^## (.*)$", page.read_text(), re.M)
        assert not [head for head in HEADINGS if head not in heads], page.name
        assert f"(market/{page.name})" in OVERVIEW.read_text(), page.name


# -- seed 001 ----------------------------------------------------------------------

#: What seed 001 tells its reader to put into `.env`.
SEED_ENV = """
API_HOST=0.0.0.0
API_PORT=8000
API_DEBUG=false
API_WORKERS=1
REDIS_HOST=localhost
REDIS_PORT=6379
REDIS_DB=0
REDIS_PASSWORD=
DATABASE_URL=sqlite+aiosqlite:///./model_runs.db
WORKER_CONCURRENCY=4
JOB_TIMEOUT_SECONDS=3600
"""
#: Its table of addresses.
SEED_ADDRESSES = [
    "POST /api/v1/runs",
    "GET /api/v1/runs",
    "GET /api/v1/runs/{id}",
    "GET /api/v1/runs/{id}/results",
    "DELETE /api/v1/runs/{id}",
    "POST /api/v1/runs/{id}/cancel",
    "GET /api/v1/progress/{id}",
    "GET /api/v1/progress/{id}/stream",
    "GET /health",
    "GET /ready",
    "GET /live",
]


def test_the_seeds_settings_for_market_structure_are_understood(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(SEED_ENV)
    found = load_settings({}, tmp_path)
    assert (found.flask_host, found.flask_port) == ("0.0.0.0", 8000)
    assert (found.flask_debug, found.web_workers) == (False, 1)
    assert found.database_url == "sqlite+aiosqlite:///./model_runs.db"
    assert (found.max_concurrent_jobs, found.market_job_timeout) == (4, 3600)


def test_every_address_of_the_seed_is_there(service: Flask) -> None:
    adapter = service.url_map.bind("localhost")
    for line in SEED_ADDRESSES:
        method, address = line.split()
        endpoint, _ = adapter.match(address.replace("{id}", "x"), method=method)
        assert endpoint.split(".")[0] != "web", line


def test_what_the_seed_submits_is_run_listed_read_and_deleted(
    asking: FlaskClient,
) -> None:
    purchases = "prod_a,prod_b,prod_c,prod_d\n" + "1,1,0,0\n0,1,1,0\n0,0,1,1\n" * 20
    purchases += "1,0,0,1\n1,1,1,1\n0,0,0,0\n1,0,1,0\n" * 5
    body = {
        "model_type": "lca",
        "name": "My LCA Analysis",
        "params": {"n_classes": 4, "max_iter": 100, "n_init": 10},
        "data": {"csv_base64": base64.b64encode(purchases.encode()).decode()},
        "product_columns": ["prod_a", "prod_b", "prod_c"],
    }
    run = asking.post("/api/v1/runs", json=body)
    assert run.status_code == 201 and run.json is not None, run.text
    address = f"/api/v1/runs/{run.json['id']}"
    registry = asking.application.extensions["registry"]
    registry.wait("anonymous", run.json["id"], 60)
    read = asking.get(address).json
    assert read is not None and read["status"] == "completed"
    assert read["name"] == "My LCA Analysis" and read["completed_at"] is not None
    assert read["data_shape"] == {"n_obs": 80, "n_items": 3}
    results = asking.get(f"{address}/results").json
    assert results is not None and len(results["class_probs"]) == 4
    listed = asking.get("/api/v1/runs?model_type=lca&status=completed").json
    assert listed is not None
    assert run.json["id"] in [row["id"] for row in listed["runs"]]
    progress = asking.get(f"/api/v1/progress/{run.json['id']}").json
    assert progress is not None and progress["progress"] == 1
    assert asking.delete(address).status_code == 204
    assert asking.get(address).status_code == 404


def test_the_container_starts_the_service_and_the_licence_is_the_seeds() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "EXPOSE 5000" in dockerfile and "flask_api.app:create_app()" in dockerfile
    assert "build: ." in (ROOT / "docker-compose.yml").read_text()
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


#: Its types of models.
SEED_MODELS = {
    "lca",
    "lca_covariates",
    "factor_tetrachoric",
    "bayesian_factor_vi",
    "bayesian_factor_pymc",
    "nmf",
    "mca",
    "dcm",
}


def test_every_model_of_the_seed_is_offered_and_all_are_told_in_the_overview() -> None:
    offered, table = {model.model_type for model in MODELS}, OVERVIEW.read_text()
    assert offered >= SEED_MODELS
    assert not [name for name in offered if f"| [`{name}`](market/" not in table]


def test_every_page_is_of_a_model_that_is_offered_or_of_all() -> None:
    assert sorted(PAGES) == sorted((DOCS / "market").glob("*.md"))
