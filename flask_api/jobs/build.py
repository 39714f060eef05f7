"""The engine that the settings ask for: which store, which log, which executor."""

from __future__ import annotations

from flask_api.analysis import Analyses
from flask_api.jobs.engine import Engine, EngineSettings, Spawn
from flask_api.jobs.event_log.memory import MemoryEventLog
from flask_api.jobs.events import Events
from flask_api.jobs.executors.base import Executor
from flask_api.jobs.executors.inline import InlineExecutor
from flask_api.jobs.executors.local import LocalExecutor
from flask_api.jobs.queue import Queue
from flask_api.jobs.registry import Registry
from flask_api.settings import Settings, SettingsError, make_writable
from flask_api.store.base import Store
from flask_api.store.memory import MemoryStore
from flask_api.store.sql import SqlStore


def build_engine(settings: Settings, analyses: Analyses, spawn: Spawn) -> Engine:
    """Store, log, queue, registry, executor and engine, not yet started.

    Raises SettingsError if the instance folder cannot be written.
    """
    folder = settings.instance_folder
    make_writable("INSTANCE_FOLDER", folder)
    make_writable("INSTANCE_FOLDER", settings.results_folder)
    models_dir = settings.models_dir
    if models_dir is not None and not models_dir.is_dir():
        raise SettingsError(
            f"MODELS_DIR={models_dir} is no folder: create it, or leave it empty"
        )
    store = _store(settings)
    events = Events(store, MemoryEventLog())
    queue = Queue(store, settings.max_queued_jobs)
    registry = Registry(store, events, queue, analyses, settings.results_folder)
    executor = _executor(settings, analyses, spawn)
    limits = EngineSettings(
        slots=settings.max_concurrent_jobs,
        timeout_s=settings.job_timeout,
        max_attempts=settings.job_max_attempts,
        max_jobs_per_worker=settings.worker_max_jobs,
        history=settings.job_history,
        client_idle_s=settings.client_job_idle_s,
        lock_file=folder / "engine.lock",
        models_dir=str(models_dir.absolute()) if models_dir else None,
        stored_models_dir=str(settings.stored_models_folder.absolute()),
        data_dir=str(settings.data_folder.absolute()),
    )
    return Engine(registry, executor, limits, spawn)


def _store(settings: Settings) -> Store:
    if settings.database == "memory:":
        return MemoryStore()
    return SqlStore(settings.database)


def _executor(settings: Settings, analyses: Analyses, spawn: Spawn) -> Executor:
    if settings.job_executor == "inline":
        return InlineExecutor()
    modules = {
        analysis.run.partition(":")[0]
        for analysis in analyses.by_kind.values()
        if analysis.prewarm
    }
    return LocalExecutor(
        spawn,
        nice=settings.worker_nice,
        memory_mb=settings.job_memory_mb,
        modules=sorted(modules),
    )
