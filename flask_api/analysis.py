"""The plug-in contract: what a domain declares so that the engine can run it.

A domain's `schema.py` holds `ANALYSES`, a tuple of `Analysis`. It names its function
by text (`run="job:break_even"`), so that the web process never imports mathematics.

The function has the form `(request, progress, context) -> result`:

    request    the validated request model of the analysis
    progress   a `Progress`; call it as often as you like, it never blocks
    context    a `Context`: settings that travel from server to worker
    result     a dict of JSON values; numpy arrays may stand in it, NaN becomes null
"""

from __future__ import annotations

import importlib
import pkgutil
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict
from pydantic import ValidationError as PydanticError
from pydantic.alias_generators import to_camel


class Stopped(BaseException):
    """Raised by `progress(...)` when the job should end; let it pass through."""


class Progress(Protocol):
    """The handle by which running code reports, and learns that it should stop."""

    def __call__(
        self, done: float, total: float, message: str = "", /, **partial: Any
    ) -> None:
        """Report `done` of `total`, a sentence, and partial results for watchers.

        `partial` is what a watcher sees as `latest_results`: at most 16 kB as JSON.
        Raises Stopped if a stop was asked.
        """

    def warn(self, message: str) -> None:
        """Tell the user something that does not stop the work; kept in the job."""

    def phase(self, name: str) -> None:
        """Name the stage of the work, such as `sampling`."""


class Warnings(list[str]):
    """Warnings that are told as they come, and kept for the answer."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def tell(self, text: str) -> None:
        self.append(text)
        self._progress.warn(text)


def fresh_seed() -> int:
    """A seed nobody asked for, from the operating system.

    Below 2**53, so that a browser can read it back without rounding.
    """
    return secrets.randbits(53)


@dataclass(frozen=True)
class Context:
    """What a job may know of the server it runs for."""

    models_dir: str | None = None  # the user's own price models, or None
    stored_models_dir: str | None = None  # where owners' stored price models are
    owner: str = "anonymous"  # of the job
    job_id: str | None = None
    #: For a request that names no seed; report it with the result. It belongs to the
    #: job: a second attempt, and a rerun, draw the same numbers.
    seed: int = field(default_factory=fresh_seed)
    #: Where the job may leave files beside its result, such as large arrays: they stay
    #: until the job is deleted, also those of a run that was stopped. Not made yet.
    files_dir: str | None = None
    data_dir: str | None = None  # where owners' uploaded data are
    scratch_dir: str | None = None  # a folder this job may fill; removed after it
    document: Mapping[str, Any] | None = (
        None  # what `jobs/documents/job.py` is to write
    )
    #: Of the jobs that `Analysis.reads` found: {kind, path, data, files} of the result,
    #: by the id in the request; `data` is JSON text, or None where it is a file at
    #: `path`; `files` is the folder of what the job left beside it.
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One table of a result, for CSV and workbooks: which rows, with which columns.

    name      as in `/result?format=csv&table=<name>`, and on the workbook's sheet
    path      keys that lead from the result to a list of flat rows, or to a mapping
              of them (its key then becomes the first column, `id`), or to columns
              (mappings of lists of one length); `*` walks over all keys of a mapping
              and adds them as first column
    """

    name: str
    path: tuple[str, ...]
    #: Says of a request, as validated, whether its result has rows there; None: always.
    when: Callable[[Any], bool] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Analysis:
    """One kind of run that users can start."""

    #: `<domain>.<name>`, as in `POST /api/jobs {kind}`.
    kind: str
    #: The pydantic model that the request's parameters must satisfy.
    request: type[BaseModel]
    #: `module:function`, relative to the domain's package.
    run: str
    #: A small real request: feeds docs, page and the suite for every analysis.
    example: Mapping[str, Any]
    #: Has its own reserved slot: answers within a second or so.
    quick: bool = False
    #: Hidden from job lists (GETs that compute).
    hidden: bool = False
    #: Its jobs stay until they are deleted, whatever JOB_HISTORY says.
    kept: bool = False
    #: Seconds between a polite request to stop and the kill.
    cancel_grace_s: float = 2.0
    #: Seconds a run may take; None = the setting JOB_TIMEOUT.
    timeout_s: float | None = None
    #: Other names, such as seed 000's socket types.
    aliases: tuple[str, ...] = ()
    #: Tables that can be fetched as CSV, XLSX and HTML; the first is the default.
    tables: tuple[Table, ...] = ()
    #: Writers of documents that say more than the tables do: `xlsx`, `html`, `zip` ->
    #: `module:function`, relative to the domain's package. The function has the form
    #: `(result, info, file) -> None`; see `flask_api/documents/info.py`.
    documents: Mapping[str, str] = field(default_factory=dict)
    #: Where a request may name earlier jobs of its owner whose results are read: keys
    #: that lead to the id, or to a list of ids. Unknown: 404, unfinished: 409; see
    #: `Context.sources`.
    reads: tuple[tuple[str, ...], ...] = ()
    #: Import the job's module when a worker starts, before its first job; and then, in
    #: the background, call its function `warm()` if it has one.
    prewarm: bool = False
    #: Says whether a parameter's name is known: decides who computes (contract 3.4).
    knows_parameter: Callable[[str], bool] | None = None
    #: False = named in the contract but answered NOT_AVAILABLE for now.
    available: bool = True

    @property
    def title(self) -> str:
        """First line of the request model's docstring."""
        return (self.request.__doc__ or self.kind).strip().splitlines()[0]

    def tables_of(self, params: bytes) -> tuple[Table, ...]:
        """The tables that the result of a job with these parameters has.

        All of them where an earlier version of the service took the parameters.
        """
        if all(table.when is None for table in self.tables):
            return self.tables
        try:
            asked = self.request.model_validate_json(params)
        except PydanticError:
            return self.tables
        return tuple(t for t in self.tables if t.when is None or t.when(asked))


class Request(BaseModel):
    """Base of all request models: strict, no unknown keys, both spellings of a key.

    snake_case and camelCase are both accepted; both at once are refused by the body
    reader, which sees the raw keys.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        populate_by_name=True,
        alias_generator=AliasGenerator(
            validation_alias=lambda name: AliasChoices(name, to_camel(name))
        ),
    )


@dataclass(frozen=True)
class Analyses:
    """All analyses of this service, by kind and alias."""

    by_kind: Mapping[str, Analysis] = field(default_factory=dict)
    by_alias: Mapping[str, Analysis] = field(default_factory=dict)

    def get(self, name: str) -> Analysis | None:
        return self.by_kind.get(name) or self.by_alias.get(name)

    def names(self) -> list[str]:
        return sorted(self.by_kind)

    def limited(self, domain: str, timeout_s: float) -> Analyses:
        """The same, where analyses of a domain may run so long if they don't say."""

        def of(analysis: Analysis) -> Analysis:
            own = analysis.timeout_s is not None or analysis.quick
            if own or not analysis.kind.startswith(f"{domain}."):
                return analysis
            return replace(analysis, timeout_s=timeout_s)

        return Analyses(
            {kind: of(analysis) for kind, analysis in self.by_kind.items()},
            {alias: of(analysis) for alias, analysis in self.by_alias.items()},
        )


def discover(package: str = "flask_api.domains") -> Analyses:
    """All `ANALYSES` of the domains under `package`, their functions made absolute.

    Raises ValueError where two analyses share a kind or alias, or two request models
    a name: they would silently overwrite each other in the API description.
    """
    by_kind: dict[str, Analysis] = {}
    by_alias: dict[str, Analysis] = {}
    schemas: dict[str, type[BaseModel]] = {}
    root = importlib.import_module(package)
    for module in sorted(m.name for m in pkgutil.iter_modules(root.__path__)):
        schema = importlib.import_module(f"{package}.{module}.schema")
        for analysis in schema.ANALYSES:
            kind, model = analysis.kind, analysis.request
            if kind in by_kind or kind in by_alias:
                raise ValueError(f"two analyses are called {kind!r}")
            if schemas.setdefault(model.__name__, model) is not model:
                raise ValueError(f"two request models are called {model.__name__!r}")
            home = f"{package}.{module}"
            by_kind[kind] = replace(
                analysis,
                run=f"{home}.{analysis.run}",
                documents={
                    form: f"{home}.{writer}"
                    for form, writer in analysis.documents.items()
                },
            )
            for alias in analysis.aliases:
                if alias in by_alias or alias in by_kind:
                    raise ValueError(f"two analyses are called {alias!r}")
                by_alias[alias] = by_kind[kind]
    return Analyses(by_kind, by_alias)
