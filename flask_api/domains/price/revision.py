"""Where model files are found, and a fingerprint of what they hold.

Standard library only: the web process uses the fingerprint as a cache key.
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from flask_api.numerics.errors import InputError

SUFFIXES = (".yaml", ".yml")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def model_files(models_dir: str | None = None) -> dict[str, Traversable]:
    """The model file of each version: ours, and those of the user's own folder.

    A version is named by its file, without the ending. Raises InputError where two
    files claim one version, and where `models_dir` is no folder.
    """
    found: dict[str, Traversable] = {}
    folders: list[Traversable] = [resources.files(__package__) / "models"]
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
            if dot + suffix.lower() not in SUFFIXES or not _VERSION.fullmatch(stem):
                continue
            if stem in found:
                raise InputError(
                    f"two model files are called version {stem!r}: {found[stem]} and "
                    f"{file}; rename one of them",
                    field="version",
                )
            found[stem] = file
    return found


def revision(models_dir: str | None = None) -> str:
    """A hash that changes whenever any model file does."""
    digest = hashlib.sha256()
    for version, file in sorted(model_files(models_dir).items()):
        digest.update(version.encode() + b"\0" + file_revision(file).encode())
    return digest.hexdigest()[:16]


def file_revision(file: Traversable) -> str:
    """A hash of one model file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
