"""Opening the store's database: settings per kind, migrations, faults told apart."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from flask_api.errors import DiskFull
from flask_api.settings import SettingsError
from flask_api.store.base import StoreBusy


def open_database(url: str) -> Engine:
    """The database at `url` (SQLAlchemy's form), brought up to date.

    Raises SettingsError where `url` is no address or its driver is missing.
    """
    sqlite = url.startswith("sqlite")
    # SQLite waits in C, where the whole web loop waits with it: not long, and
    # StoreBusy is tried again.
    connect_args = {"timeout": 2.0} if sqlite else {}
    try:
        engine = create_engine(url, connect_args=connect_args, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"DATABASE_URL needs the package {error.name}, which is not installed: "
            "this version is tested with SQLite; leave it empty for a file in the "
            "instance folder"
        ) from None
    except ArgumentError:
        raise SettingsError(
            "DATABASE_URL is no database's address; leave it empty for a file in "
            "the instance folder, or write sqlite:////absolute/path/jobs.sqlite"
        ) from None
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    migrate(engine)
    return engine


@contextmanager
def told_apart() -> Iterator[None]:
    """Faults of the database as the errors that `Store` promises."""
    try:
        yield
    except OperationalError as error:
        reason = str(error.orig)
        if any(word in reason for word in ("readonly", "full", "disk I/O")):
            raise DiskFull(f"The jobs cannot be kept: {reason}.") from error
        raise StoreBusy(f"The database did not answer: {reason}.") from error
    except PoolTimeout as error:  # all its connections are in use
        raise StoreBusy("The database did not answer: too many callers.") from error


def migrate(engine: Engine) -> None:
    """Bring the database at `engine` to the present tables; safe to call again."""
    config = Config()
    config.set_main_option(
        "script_location", str(files("flask_api.store").joinpath("migrations"))
    )
    with _alone(engine), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One process at a time, where the database is a file.

    SQLite runs DDL outside of what alembic calls a transaction, so two servers that
    start together would both create the tables.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        yield
        return
    with Path(f"{engine.url.database}.migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
