"""Where model texts are found, and a fingerprint of what they hold.

Standard library only: the web process uses the fingerprint as a cache key.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flask_api.domains.price.stored import (
    MAX_BYTES,
    Refused,
    Revision,
    Stored,
    is_name,
)
from flask_api.numerics.errors import InputError

_OURS = Path(__file__).parent / "models"
SUFFIXES = (".yaml", ".yml")
_NAMED = 8  # versions that a message lists

Origin = Literal["built-in", "models_dir", "stored"]


@dataclass(frozen=True)
class ModelText:
    """The YAML text of a version, and where it comes from.

    name      of the file, for messages
    record    of the stored revision, where it is one
    warning   what its owner should know of it, or None
    """

    version: str
    name: str
    content: bytes
    origin: Origin
    record: Revision | None = None
    warning: str | None = None

    @property
    def etag(self) -> str:
        """Changes with the text; of a stored one with the revision too."""
        return self.record.etag if self.record else _hash(self.content)


@dataclass(frozen=True)
class Source:
    """The file of a version, that was not opened yet.

    problem   why it can't be used, or None
    ignored   a file of the user's folder that has the name of a built-in one, or None
    """

    path: Path
    origin: Origin
    problem: str | None = None
    ignored: str | None = None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def warning(self) -> str | None:
        """What should be told of a version that works."""
        if self.ignored is None:
            return None
        return (
            f"{self.ignored} in MODELS_DIR is not used: its name is that of a built-in "
            "model, which stays; rename the file"
        )

    def read(self) -> bytes:
        """What the file holds; never waits, and never reads more than it may hold.

        Raises Refused that names the file.
        """
        if self.problem is not None:
            raise Refused(self.problem)
        try:
            _refuse_unreadable(self.name, os.stat(self.path))
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(handle, "rb") as file:
                _refuse_unreadable(self.name, os.fstat(handle))  # not swapped meanwhile
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Refused(f"{self.name} can't be read: {error.strerror}") from None
        if len(content) > MAX_BYTES:
            raise Refused(_too_large(self.name, len(content)))
        return content


def _refuse_unreadable(name: str, state: os.stat_result) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise Refused(f"{name} is a folder; a model is a file")
    if not stat.S_ISREG(state.st_mode):
        raise Refused(f"{name} is a device, pipe or socket; a model is a plain file")
    if state.st_size > MAX_BYTES:
        raise Refused(_too_large(name, state.st_size))


def _too_large(name: str, size: int) -> str:
    return f"{name} has {size:,} bytes; a model text has at most {MAX_BYTES:,}"


def problem_with_name(name: str) -> str | None:
    """Why `name` can't be that of a version, or None."""
    if not is_name(name):
        return (
            f"is {name[:80]!r}; want 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a "
            "letter or a digit"
        )
    if name.lower().endswith(SUFFIXES):
        return f"is {name!r}; leave the ending out"
    return None


def model_files(models_dir: str | None = None) -> dict[str, Source]:
    """The model file of each version: ours, and those of the user's own folder.

    A version is named by its file, without the ending. A built-in model keeps its name:
    a file of the user's that has it too is not used. Two files of the user's with one
    name are both unusable. Raises InputError where `models_dir` can't be listed.
    """
    found = {
        version: Source(_OURS / names[0], "built-in")
        for version, names in _named(os.listdir(_OURS)).items()
    }
    if models_dir is None:
        return found
    try:
        there = os.listdir(models_dir)
    except OSError as error:
        raise InputError(
            f"MODELS_DIR is no readable folder: {error.strerror}", field="models_dir"
        ) from None
    for version, names in _named(there).items():
        path = Path(models_dir) / names[0]
        if version in found:
            known = found[version]
            found[version] = Source(
                known.path, known.origin, ignored=" and ".join(names)
            )
            continue
        problem = None
        if len(names) > 1:
            problem = f"{' and '.join(names)} claim one version: rename one of them"
        found[version] = Source(path, "models_dir", problem)
    return found


def _named(files: Iterable[str]) -> dict[str, list[str]]:
    """File names by the version that each means, in order; others are left out."""
    found: dict[str, list[str]] = {}
    for name in sorted(files):
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix.lower() in SUFFIXES and is_name(stem):
            found.setdefault(stem, []).append(name)
    return found


def model_text(
    version: str,
    models_dir: str | None = None,
    stored: Stored | None = None,
    field: str = "version",
) -> ModelText:
    """The text of a version: a file, or what its owner stored last.

    Raises InputError with `field`: there is no such version, it was retired, or it
    can't be read.
    """
    try:
        return _text(version, model_files(models_dir), stored, field)
    except Refused as error:
        raise InputError(str(error), field=field) from None


def _text(
    version: str, files: dict[str, Source], stored: Stored | None, field: str
) -> ModelText:
    in_use = stored is not None and stored.in_use(version)
    file = files.get(version)
    if file is not None:
        if in_use:
            mend = f"DELETE /price/models/{version}"
            if file.origin == "models_dir":
                mend = f"rename the file, or {mend}"
            raise Refused(
                f"version {version!r} is a file ({file.name}) and also a model you "
                f"stored: {mend}"
            )
        content = file.read()
        return ModelText(version, file.name, content, file.origin, warning=file.warning)
    record = stored.latest(version) if stored else None
    if stored and record and in_use:
        content = stored.content(record)
        return ModelText(version, f"{version}.yaml", content, "stored", record)
    if stored and record:
        raise Refused(
            f"version {version!r} was retired at {stored.retired(version)}: GET "
            f"/price/models/{version}?revision={record.revision} still shows it, POST "
            "/price/models stores it anew"
        )
    there = [*files, *(stored.versions() if stored else [])]
    raise InputError(_nothing_called(version, there), field=field)


def _nothing_called(version: str, there: list[str]) -> str:
    said = f"there is no price model of version {version[:60]!r}"
    if len(there) <= _NAMED:
        return f"{said}; there are {', '.join(there)}"
    near = difflib.get_close_matches(version[:64], there, 3, 0.6)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    return f"{said}; {hint}GET /price/models lists the {len(there)} there are"


def revision(
    models_dir: str | None = None,
    stored: Stored | None = None,
    version: str | None = None,
) -> str:
    """A hash that changes whenever a model does: a file's text, a store, a retirement.

    version   only this one counts; None = all of them

    The names of all files count always: they decide what a version means. A file that
    can't be read counts as the reason why.
    """
    digest = hashlib.sha256()
    for name, file in sorted(model_files(models_dir).items()):
        digest.update(f"{name}\0{file.problem}\0{file.ignored}\0".encode())
        if version is None or version == name:
            try:
                digest.update(_hash(file.read()).encode())
            except Refused as error:
                digest.update(str(error).encode())
    if stored is not None:
        digest.update(stored.fingerprint(version))
    return digest.hexdigest()[:16]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
