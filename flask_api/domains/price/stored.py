"""Models that users have stored: every revision is kept, none is ever overwritten.

A version is a folder. `000003.json` is the record of its third revision, and says by
hash which text (`<sha256>.yaml`) it is; `<sha256>.row-1.json` is what lists tell of
that text, so that they needn't read it; `retired-000003.json` says that the version was
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
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask_api.domains.price.stored_record import (
    MAX_BYTES,
    MAX_NAME,
    Priced,
    Refused,
    Revision,
    is_name,
)

__all__ = [
    "MAX_BYTES",
    "MAX_NAME",
    "MOST_REVISIONS",
    "MOST_VERSIONS",
    "Priced",
    "Refused",
    "Revision",
    "Stored",
    "is_name",
]

MOST_REVISIONS = 200
MOST_VERSIONS = 500
_RECORD = re.compile(r"(\d{6})\.json")
_RETIRED = re.compile(r"retired-(\d{6})\.json")
#: Form of the rows that lists keep; others are left alone and made anew.
_ROW_FORM = 1


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
        return [name for name in self._names() if self.in_use(name)]

    def in_use(self, version: str) -> bool:
        """Whether there is a revision, and the version was not retired there."""
        files = self._files(version)
        last = max(_numbers(files, _RECORD), default=0)
        return last > 0 and _retirement(last) not in files

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
        return str(self._json(version, name)["timestamp"])

    def content(self, record: Revision) -> bytes:
        """The text of a revision. Raises Refused if someone changed it on disk."""
        file = self._folder / record.version / f"{record.sha256}.yaml"
        try:
            found = file.read_bytes()
        except OSError as error:
            raise Refused(
                f"the text of {record.version}, revision {record.revision}, can't be "
                f"read ({file.name}: {error.strerror}): put it back, or store it anew"
            ) from None
        if hashlib.sha256(found).hexdigest() != record.sha256:
            raise Refused(
                f"the text of {record.version}, revision {record.revision}, was "
                f"changed on disk ({file.name}): put it back, or store it anew"
            )
        return found

    def row(self, record: Revision) -> dict[str, Any] | None:
        """What lists tell of a revision's text; None where that was not kept."""
        file = self._folder / record.version / _row(record.sha256)
        try:
            found = json.loads(file.read_bytes())
        except (OSError, ValueError):
            return None  # it can always be made anew from the text
        return found if isinstance(found, dict) else None

    def keep_row(self, record: Revision, row: bytes) -> None:
        """Keep what lists tell of a revision's text, where it isn't kept yet."""
        _publish(self._folder / record.version / _row(record.sha256), row)

    def fingerprint(self, version: str | None = None) -> bytes:
        """Changes with every revision and retirement, of one version or of all."""
        digest = hashlib.sha256()
        for name in self._names() if version is None else [version]:
            events = [
                file
                for file in self._files(name)
                if _RECORD.fullmatch(file) or _RETIRED.fullmatch(file)
            ]
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
            if text.row is not None:
                _publish(folder / _row(text.sha256), text.row)
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
        name = f"{number:06d}.json"
        found = self._json(version, name)
        try:
            return Revision(**found | {"warnings": tuple(found["warnings"])})
        except (TypeError, KeyError):
            raise _broken(version, name) from None

    def _json(self, version: str, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / version / name).read_bytes())
        except (OSError, ValueError):
            raise _broken(version, name) from None
        if not isinstance(found, dict):
            raise _broken(version, name)
        return found


def _broken(version: str, name: str) -> Refused:
    return Refused(
        f"{name} of the stored model {version} can't be read: someone changed it on "
        "disk; put it back from a copy"
    )


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


def _row(sha256: str) -> str:
    return f"{sha256}.row-{_ROW_FORM}.json"


def _retirement(number: int) -> str:
    return f"retired-{number:06d}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
