"""Where model texts are found, and a fingerprint of what they hold.

Standard library only: the web process uses the fingerprint as a cache key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from flask_api.domains.price.stored import Revision, Stored, is_name
from flask_api.numerics.errors import InputError

SUFFIXES = (".yaml", ".yml")
_NAMED = 20  # versions that a message lists

Origin = Literal["built-in", "models_dir", "stored"]


@dataclass(frozen=True)
class ModelText:
    """The YAML text of a version, and where it comes from.

    name     of the file, for messages
    record   of the stored revision, where it is one
    """

    version: str
    name: str
    content: bytes
    origin: Origin
    record: Revision | None = None

    @property
    def etag(self) -> str:
        """Changes with the text; of a stored one with the revision too."""
        return self.record.etag if self.record else _hash(self.content)


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


def _ours() -> Traversable:
    return resources.files(__package__) / "models"


def model_files(models_dir: str | None = None) -> dict[str, Traversable]:
    """The model file of each version: ours, and those of the user's own folder.

    A version is named by its file, without the ending. Raises InputError where two
    files claim one version, and where `models_dir` is no folder.
    """
    found: dict[str, Traversable] = {}
    folders: list[Traversable] = [_ours()]
    if models_dir is not None:
        if not Path(models_dir).is_dir():
            raise InputError(
                f"MODELS_DIR is {models_dir!r}, which is no readable folder",
                field="models_dir",
            )
        folders.append(Path(models_dir))
    for folder in folders:
        for file in sorted(folder.iterdir(), key=lambda item: item.name):
            stem, dot, suffix = file.name.rpartition(".")
            if dot + suffix.lower() not in SUFFIXES or not is_name(stem):
                continue
            if stem in found:
                raise InputError(
                    f"two model files are called version {stem!r}: {found[stem]} and "
                    f"{file}; rename one of them",
                    field="version",
                )
            found[stem] = file
    return found


def origin_of(version: str, models_dir: str | None) -> Origin:
    """Whose file that of a version is."""
    ours = any((_ours() / f"{version}{suffix}").is_file() for suffix in SUFFIXES)
    return "built-in" if ours else "models_dir"


def model_text(
    version: str,
    models_dir: str | None = None,
    stored: Stored | None = None,
    field: str = "version",
) -> ModelText:
    """The text of a version: a file, or what its owner stored last.

    Raises InputError with `field`, which says what versions there are, or that this
    one was retired.
    """
    files = model_files(models_dir)
    record = stored.latest(version) if stored else None
    retired = stored.retired(version) if stored and record else None
    if version in files and record and not retired:
        raise InputError(
            f"version {version!r} is a file ({files[version]}) and also a model you "
            f"stored: rename the file, or DELETE /price/models/{version}",
            field=field,
        )
    if version in files:
        file = files[version]
        content = file.read_bytes()
        origin = origin_of(version, models_dir)
        return ModelText(version, file.name, content, origin)
    if stored and record and not retired:
        content = stored.content(record)
        return ModelText(version, f"{version}.yaml", content, "stored", record)
    if record:
        raise InputError(
            f"version {version!r} was retired at {retired}: GET /price/models/{version}"
            f"?revision={record.revision} still shows it, POST /price/models stores it "
            "anew",
            field=field,
        )
    there = [*files, *(stored.versions() if stored else [])]
    more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
    raise InputError(
        f"there is no price model of version {version[:60]!r}; there are "
        f"{', '.join(there[:_NAMED])}{more}",
        field=field,
    )


def revision(
    models_dir: str | None = None,
    stored: Stored | None = None,
    version: str | None = None,
) -> str:
    """A hash that changes whenever a model does: a file's text, a store, a retirement.

    version   only this one counts; None = all of them

    The names of all files count always: they decide what a version means.
    """
    digest = hashlib.sha256()
    for name, file in sorted(model_files(models_dir).items()):
        wanted = version is None or version == name
        digest.update(name.encode() + b"\0")
        if wanted:
            digest.update(_hash(file.read_bytes()).encode())
    if stored is not None:
        digest.update(stored.fingerprint(version))
    return digest.hexdigest()[:16]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
