"""Every setting: typed, with unit, default, and the names the seeds use for it.

Read from the process environment, then `./.env`, then `flask_api/.env`. Two names of
one setting with different values are refused. `.env.example` is generated from here:
`python -m flask_api env`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

WEAK_SECRETS = frozenset({"your-secret-key-here", "change-me", "secret", "dev"})


class SettingsError(ValueError):
    """The settings contradict each other or a value cannot be used."""


def _setting(default: Any, text: str, *names: str, **limits: Any) -> Any:
    """A field with its sentence in `.env.example` and the seeds' names for it."""
    return Field(
        default, description=text, json_schema_extra={"names": list(names)}, **limits
    )


class Settings(BaseModel):
    """The settings of one server; field names in capitals are the variables' names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flask_env: Literal["development", "production", "testing"] = _setting(
        "development", "development or production (stricter checks at start)."
    )
    flask_debug: bool = _setting(
        False, "Log at DEBUG. Never switches on Werkzeug's debugger.", "API_DEBUG"
    )
    flask_host: str = _setting("127.0.0.1", "Address to listen on.", "API_HOST")
    flask_port: int = _setting(5000, "Port to listen on.", "API_PORT", ge=1, le=65535)
    secret_key: str = _setting(
        "", "Signs sessions; empty: generated once into the instance folder."
    )
    web_workers: int = _setting(
        1, "Web processes; more than 1 needs Redis.", "API_WORKERS", ge=1
    )
    async_mode: Literal["eventlet", "threading", "gevent"] = _setting(
        "eventlet", "How the web process waits: eventlet, gevent, or threading."
    )
    max_concurrent_jobs: int = _setting(
        os.cpu_count() or 1,
        "Slots for jobs; default: cores.",
        "WORKER_CONCURRENCY",
        ge=1,
    )
    max_queued_jobs: int = _setting(
        10_000, "Jobs that may wait; one more is answered 503.", ge=1
    )
    job_timeout: float = _setting(600.0, "Seconds a job may run.", gt=0)
    market_job_timeout: float = _setting(
        3600.0,
        "Seconds a fit of market structure may run.",
        "JOB_TIMEOUT_SECONDS",
        gt=0,
    )
    job_max_attempts: int = _setting(
        3, "Attempts at a job when workers or servers are lost.", ge=1
    )
    job_memory_mb: int = _setting(
        8192, "Memory a worker may use for one job, MB (0: no limit).", ge=0
    )
    job_history: int = _setting(1000, "Finished jobs kept per owner.", ge=1)
    job_executor: Literal["local", "inline"] = _setting(
        "local", "local: worker processes; inline: threads of the server, for tests."
    )
    client_job_idle_s: float = _setting(
        600.0, "Seconds of silence after which a client-driven job fails.", gt=0
    )
    worker_nice: int = _setting(10, "Niceness of worker processes, 0..19.", ge=0, le=19)
    worker_max_jobs: int = _setting(
        1000, "Jobs after which a worker process is replaced.", ge=1
    )
    wait_s: float = _setting(
        20.0, "Seconds a request waits for its result before 202.", ge=0
    )
    database_url: str = _setting(
        "", "Where jobs are kept; empty: SQLite file, memory: nowhere."
    )
    instance_folder: Path = _setting(
        Path("instance"), "Folder for database and results."
    )
    log_folder: Path = _setting(Path("logs"), "Folder for log files.")
    models_dir: Path | None = _setting(
        None, "Folder with your own price models (YAML)."
    )
    cors_origins: str = _setting(
        "", "Allowed origins, comma-separated; development: http://localhost:3000."
    )
    allow_anonymous: bool = _setting(
        False, "Serve production without log-in beyond this machine."
    )
    trusted_proxies: int = _setting(
        0, "Reverse proxies in front whose X-Forwarded-* headers count.", ge=0
    )
    trusted_hosts: str = _setting(
        "",
        "Hosts answered to, comma-separated (.example.org: all below); empty: any.",
    )
    max_json_bytes: int = _setting(16 * 2**20, "Largest JSON body, bytes.", ge=1024)
    max_content_length: int = _setting(100 * 2**20, "Largest upload, bytes.", ge=1024)
    max_data_bytes: int = _setting(
        512 * 2**20, "Largest upload of market data, bytes.", ge=1024
    )
    max_base64_bytes: int = _setting(
        64 * 2**20, "Largest market data inside a JSON body, bytes.", ge=1024
    )
    max_message_bytes: int = _setting(
        2**20, "Largest Socket.IO or WebSocket message, bytes.", ge=1024
    )
    max_sockets: int = _setting(
        20, "WebSockets that one owner, or one address without log-in, may hold.", ge=1
    )
    max_socket_messages_per_s: int = _setting(
        50, "Messages a second that one owner or address may send on them.", ge=1
    )
    socket_heartbeat_s: float = _setting(
        30.0, "Seconds between two pings and heartbeats on a WebSocket.", gt=0
    )
    socket_silence_s: float = _setting(
        60.0, "Seconds without message or pong after which a WebSocket closes.", gt=0
    )
    log_level: str = _setting("", "DEBUG, INFO, WARNING, ERROR; empty: INFO.")
    log_levels: str = _setting(
        "", "Levels of single loggers: sqlalchemy=WARNING,flask_api.jobs=DEBUG."
    )
    log_format: Literal["text", "json"] = _setting("text", "text or json.")
    log_max_bytes: int = _setting(1_000_000, "Size at which a log rotates.", ge=1000)
    log_backups: int = _setting(10, "Rotated log files kept.", ge=0)

    @field_validator("models_dir", mode="before")
    @classmethod
    def _no_folder(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def allowed_origins(self) -> list[str]:
        """Origins that browsers may call from; `*` alone means any."""
        if not self.cors_origins and self.flask_env != "production":
            return ["http://localhost:3000"]
        return [o.strip() for o in self.cors_origins.split(",") if o.strip()]

    @property
    def hosts(self) -> list[str]:
        """Host names this server answers to; none: any."""
        return [h.strip() for h in self.trusted_hosts.split(",") if h.strip()]

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.flask_host in ("127.0.0.1", "::1", "localhost")

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the job store."""
        if not self.database_url:
            return f"sqlite:///{(self.instance_folder / 'jobs.sqlite').absolute()}"
        url = self.database_url.replace("sqlite+aiosqlite:", "sqlite:")
        for prefix in ("postgresql+asyncpg:", "postgres:", "postgresql:"):
            if url.startswith(prefix):
                return "postgresql+psycopg:" + url.removeprefix(prefix)
        return url

    @property
    def results_folder(self) -> Path:
        """Where large results are kept."""
        return self.instance_folder / "results"

    @property
    def stored_models_folder(self) -> Path:
        """Where the price models that users store are kept."""
        return self.instance_folder / "models"

    @property
    def data_folder(self) -> Path:
        """Where the data that users upload are kept."""
        return self.instance_folder / "data"


def names_of(field: str) -> list[str]:
    """All variables that set `field`: ours first, then the seeds'."""
    extra = Settings.model_fields[field].json_schema_extra
    assert isinstance(extra, dict)
    names = extra["names"]
    assert isinstance(names, list)
    return [field.upper(), *(str(name) for name in names)]


def load_settings(
    environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """The settings of this process.

    environ  the process environment; None = os.environ
    folder   where `.env` and `flask_api/.env` are looked for; None = here

    Raises SettingsError naming the variable, what it holds and what would be right.
    """
    here = folder or Path.cwd()
    merged: dict[str, str] = {}
    for file in (here / "flask_api" / ".env", here / ".env"):
        if file.is_file():
            found = dotenv_values(file)
            merged.update({k: v for k, v in found.items() if v is not None})
    merged.update(os.environ if environ is None else environ)
    values: dict[str, str] = {}
    for field in Settings.model_fields:
        given = {n: merged[n] for n in names_of(field) if merged.get(n, "") != ""}
        if len(set(given.values())) > 1:
            shown = " and ".join(f"{n}={v!r}" for n, v in given.items())
            raise SettingsError(f"{shown} name one setting; keep one of them")
        if given:
            values[field] = next(iter(given.values()))
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        raise SettingsError(
            f"{name}={first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        ) from None
    _refuse_several_workers(settings)
    _refuse_weak_production(settings)
    return settings


def _refuse_several_workers(settings: Settings) -> None:
    if settings.web_workers > 1:
        raise SettingsError(
            f"WEB_WORKERS={settings.web_workers}: several web processes need Redis, "
            "which this version does not use yet; leave it at 1: it moves bytes only, "
            "and MAX_CONCURRENT_JOBS processes compute beside it"
        )


def concerns(settings: Settings) -> list[str]:
    """What the server's owner should know, although the server starts."""
    found = []
    if _weak(settings.secret_key):
        found.append(
            "SECRET_KEY is weak: fine on this machine, refused in production; leave "
            "it out and a strong one is generated"
        )
    if not settings.loopback:
        found.append(
            f"FLASK_HOST={settings.flask_host}: everyone who reaches this machine can "
            "start, see and cancel jobs, because there is no log-in"
        )
    return found


def _weak(key: str) -> bool:
    return bool(key) and (len(key) < 32 or key in WEAK_SECRETS)


def _refuse_weak_production(settings: Settings) -> None:
    if settings.flask_env != "production":
        return
    if "*" in settings.allowed_origins:
        raise SettingsError("CORS_ORIGINS=* is refused in production: name the origins")
    if not settings.loopback and not settings.allow_anonymous:
        raise SettingsError(
            f"FLASK_HOST={settings.flask_host} opens a server without log-in to the "
            "network: listen on 127.0.0.1 behind a proxy that asks who comes, or set "
            "ALLOW_ANONYMOUS=true"
        )
    if _weak(settings.secret_key):
        raise SettingsError(
            "SECRET_KEY is too weak for FLASK_ENV=production: use 32 characters or "
            "more, e.g. from `python -c 'import secrets; print(secrets.token_hex())'`, "
            "or leave it out and one is generated"
        )


def make_writable(name: str, folder: Path) -> None:
    """Create the folder of a setting. Raises SettingsError if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise SettingsError(
            f"{name}={folder} cannot be written ({error.strerror}): choose a folder "
            "that the server's user may write"
        ) from None


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: the setting, else one generated once (0600)."""
    if settings.secret_key:
        return settings.secret_key
    file = settings.instance_folder / "secret_key"
    make_writable("INSTANCE_FOLDER", settings.instance_folder)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(handle, "w") as out:
        key = secrets.token_hex()
        out.write(key)
    return key


def example() -> str:
    """The text of `.env.example`: every setting, commented out, with its default."""
    lines = [
        "# Settings of Model Zone, all optional: copy to .env, change what you need.",
        "# Generated by `python -m flask_api env`; docs/settings.md says more.",
    ]
    for name, field in Settings.model_fields.items():
        names = names_of(name)
        also = f" Also: {', '.join(names[1:])}." if len(names) > 1 else ""
        default = "" if field.default is None else field.default
        if name == "max_concurrent_jobs":
            default = ""  # of this machine; empty means the same
        shown = str(default).lower() if isinstance(default, bool) else default
        lines += ["", f"# {field.description}{also}", f"# {names[0]}={shown}"]
    return "\n".join(lines) + "\n"
