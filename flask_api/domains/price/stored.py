"""Models that users have stored: every revision is kept, none is ever overwritten.

A version is a folder. `000003.json` is the record of its third revision, and says by
hash which text (`<sha256>.yaml`) it is; `retired-000003.json` says that the version was
retired at that revision. A record appears whole or not at all, by a hard link under a
name that must be free: of two writers one gets the number, the other the next.

Standard library only: the web process reads it too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: Largest model text, bytes.
MAX_BYTES = 2**20
MOST_REVISIONS = 200
MOST_VERSIONS = 500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RECORD = re.compile(r"(\d{6})\.json")
_RETIRED = re.compile(r"retired-(\d{6})\.json")


def is_name(text: str) -> bool:
    """Whether a version may be called so."""
    return _NAME.fullmatch(text) is not None


class Refused(ValueError):
    """A stored model's state does not allow what was asked; says what to do."""


@dataclass(frozen=True)
class Revision:
    """One stored text of a version, with the price it was solved to.

    price              $ per `unit`'s denominator, at the text's own values
    extension_prices   the same for each extension that has a price
    job_id             the job that stored it
    """

    version: str
    revision: int
    timestamp: str
    sha256: str
    title: str
    price: float
    unit: str
    comment: str | None = None
    extension_prices: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    job_id: str | None = None

    @property
    def etag(self) -> str:
        return f"{self.revision}-{self.sha256[:16]}"

    def as_dict(self) -> dict[str, Any]:
        """What is told of it."""
        told = asdict(self) | {"warnings": list(self.warnings)}
        del told["job_id"]
        return told


@dataclass(frozen=True)
class Priced:
    """A text that was read and priced, ready to be stored."""

    content: bytes
    title: str
    price: float
    unit: str
    extension_prices: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Stored:
    """What one owner has stored.

    folder   of all owners' stored models; made when the first is stored
    owner    as `current_owner` names them
    """

    def __init__(self, folder: str | Path, owner: str = "anonymous") -> None:
        key = hashlib.sha256(owner.encode()).hexdigest()[:32]
        self._folder = Path(folder) / key

    # -- looking -----------------------------------------------------

    def versions(self) -> list[str]:
        """Names of the versions that can be used, in order."""
        return [
            name
            for name in self._names()
            if self.latest(name) is not None and self.retired(name) is None
        ]

    def latest(self, version: str) -> Revision | None:
        """The last revision, also of a retired version; None if there never was one."""
        numbers = _numbers(self._files(version), _RECORD)
        return self._record(version, max(numbers)) if numbers else None

    def record(self, version: str, number: int) -> Revision | None:
        """The revision of that number, or None."""
        known = f"{number:06d}.json" in self._files(version)
        return self._record(version, number) if known else None

    def history(self, version: str) -> list[Revision]:
        """Every revision, the first one first."""
        numbers = _numbers(self._files(version), _RECORD)
        return [self._record(version, number) for number in sorted(numbers)]

    def retired(self, version: str) -> str | None:
        """When the version was retired; None if it is in use."""
        files = self._files(version)
        last = max(_numbers(files, _RECORD), default=0)
        name = _retirement(last)
        if name not in files:
            return None
        text = (self._folder / version / name).read_text("utf-8")
        return str(json.loads(text)["timestamp"])

    def content(self, record: Revision) -> bytes:
        """The text of a revision. Raises Refused if someone changed it on disk."""
        file = self._folder / record.version / f"{record.sha256}.yaml"
        found = file.read_bytes()
        if hashlib.sha256(found).hexdigest() != record.sha256:
            raise Refused(
                f"the text of {record.version}, revision {record.revision}, was "
                f"changed on disk ({file.name}): put it back, or store it anew"
            )
        return found

    def fingerprint(self, version: str | None = None) -> bytes:
        """Changes with every revision and retirement, of one version or of all."""
        digest = hashlib.sha256()
        for name in self._names() if version is None else [version]:
            events = [f for f in self._files(name) if f.endswith(".json")]
            digest.update("\0".join([name, *sorted(events)]).encode() + b"\0\0")
        return digest.digest()

    # -- changing ----------------------------------------------------

    def add(
        self,
        version: str,
        text: Priced,
        comment: str | None = None,
        if_match: str | None = None,
        job_id: str | None = None,
    ) -> Revision:
        """The text as the newest revision; the latest one if that has the same text.

        if_match   ETags of which one must be the latest revision's; `*` = any is there
        job_id     a job that comes here again gets the revision it stored

        Raises Refused for another `if_match`, and where there are too many revisions
        or versions; OSError where the folder can't be written.
        """
        folder = self._folder / version
        while True:
            last = self.latest(version)
            if last is not None and job_id is not None and last.job_id == job_id:
                return last
            retired = self.retired(version)
            _refuse_mismatch(version, last, retired, if_match)
            if last is not None and not retired and last.sha256 == text.sha256:
                return last
            self._refuse_too_many(version, last)
            folder.mkdir(parents=True, exist_ok=True)
            _publish(folder / f"{text.sha256}.yaml", text.content)
            made = Revision(
                version=version,
                revision=1 if last is None else last.revision + 1,
                timestamp=_now(),
                sha256=text.sha256,
                title=text.title,
                price=text.price,
                unit=text.unit,
                comment=comment,
                extension_prices=dict(text.extension_prices),
                warnings=text.warnings,
                job_id=job_id,
            )
            file = folder / f"{made.revision:06d}.json"
            if _publish(file, json.dumps(asdict(made)).encode()):
                return made

    def retire(self, version: str, if_match: str | None = None) -> None:
        """The version is used no more; its history stays.

        Raises Refused where it is not in use, or for another `if_match`.
        """
        last, retired = self.latest(version), self.retired(version)
        if last is None or retired:
            raise Refused(f"{version} is not in use")
        _refuse_mismatch(version, last, retired, if_match)
        file = self._folder / version / _retirement(last.revision)
        _publish(file, json.dumps({"timestamp": _now()}).encode())

    def _refuse_too_many(self, version: str, last: Revision | None) -> None:
        if last is not None and last.revision >= MOST_REVISIONS:
            raise Refused(
                f"{version} has {MOST_REVISIONS} revisions, the most there can be: "
                "store it under a new name"
            )
        if last is None and len(self._names()) >= MOST_VERSIONS:
            raise Refused(
                f"there are {MOST_VERSIONS} stored versions (retired ones too), the "
                "most there can be: store a revision of one of them, or remove "
                f"folders from instance/models/{self._folder.name}/"
            )

    # -- files -------------------------------------------------------

    def _files(self, version: str) -> set[str]:
        if not is_name(version):
            return set()
        try:
            return set(os.listdir(self._folder / version))
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as found:
                return sorted(e.name for e in found if e.is_dir() and is_name(e.name))
        except FileNotFoundError:
            return []

    def _record(self, version: str, number: int) -> Revision:
        file = self._folder / version / f"{number:06d}.json"
        found = json.loads(file.read_text("utf-8"))
        return Revision(**found | {"warnings": tuple(found["warnings"])})


def _refuse_mismatch(
    version: str, last: Revision | None, retired: str | None, if_match: str | None
) -> None:
    if if_match is None:
        return
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")}
    if last is None or retired:
        state = f"was retired at {retired}" if retired else "is not stored yet"
        raise Refused(f"{version} {state}: send it without If-Match")
    if "*" not in tags and last.etag not in tags:
        raise Refused(
            f"{version} is at revision {last.revision} now, and If-Match names "
            f"another one: GET /price/models/{version}, bring the two together, and "
            f'send the result with If-Match: "{last.etag}"'
        )


def _publish(file: Path, content: bytes) -> bool:
    """Make a file that must not be there yet: whole, also after a power cut.

    Returns False where it is there.
    """
    draft = file.parent / f".{uuid.uuid4().hex}.draft"
    try:
        with draft.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    handle = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(handle)  # the new name too
    finally:
        os.close(handle)
    return True


def _numbers(files: set[str], pattern: re.Pattern[str]) -> list[int]:
    return [int(found[1]) for name in files if (found := pattern.fullmatch(name))]


def _retirement(number: int) -> str:
    return f"retired-{number:06d}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
