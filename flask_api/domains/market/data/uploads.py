"""Where an owner's data lie, before and after they are read.

Each has a folder named by its content: `upload` (as it came) with `upload.json` (how it
is to be read), until a worker has made `table/` of it. The same content has the same
id, so nothing is kept twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_ID = re.compile(r"d[0-9a-f]{32}\Z")
#: Drafts older than this are of requests that broke off, seconds.
_STALE_S = 24 * 3600.0


class Gone(LookupError):
    """There are no such data."""


@dataclass
class Draft:
    """Data that are coming in: bytes are written, then `Uploads.keep` names them."""

    folder: Path
    file: IO[bytes]
    sha: Any
    size: int = 0

    def write(self, piece: bytes) -> int:
        self.file.write(piece)
        self.sha.update(piece)
        self.size += len(piece)
        return len(piece)

    def drop(self) -> None:
        """Forget it."""
        self.file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Uploads:
    """What one owner has uploaded.

    folder   of all owners' data
    owner    as `current_owner` names them
    """

    def __init__(self, folder: str | Path, owner: str) -> None:
        self.folder = Path(folder) / hashlib.sha256(owner.encode()).hexdigest()[:32]

    def place(self, data_id: str) -> Path:
        """The folder of data that are there. Raises Gone."""
        if not _ID.match(data_id) or not (self.folder / data_id).is_dir():
            raise Gone(data_id)
        return self.folder / data_id

    def ids(self) -> list[str]:
        """All there are, the newest first."""
        try:
            with os.scandir(self.folder) as found:
                dated = [
                    (entry.stat().st_mtime, entry.name)
                    for entry in found
                    if _ID.match(entry.name)
                ]
        except FileNotFoundError:
            return []
        return [name for _, name in sorted(dated, reverse=True)]

    def draft(self) -> Draft:
        """A place to write incoming bytes to. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep_drafts()
        folder = self.folder / f".draft-{uuid.uuid4().hex}"
        folder.mkdir()
        return Draft(folder, (folder / "upload").open("wb"), hashlib.sha256())

    def keep(self, draft: Draft, form: str, options: Mapping[str, Any]) -> str:
        """The id of what was written, now kept. Raises OSError.

        form      csv, base64 (of CSV) or json (rows)
        options   how it is to be read; other ones make other data of the same bytes
        """
        asked = json.dumps({"form": form, **options}, sort_keys=True)
        digest = hashlib.sha256(asked.encode() + b"\0" + draft.sha.digest())
        data_id = "d" + digest.hexdigest()[:32]
        draft.file.close()  # no fsync: 512 MiB of it would hold up all other requests
        (draft.folder / "upload.json").write_text(asked, "utf-8")
        try:
            draft.folder.rename(self.folder / data_id)
        except OSError:
            shutil.rmtree(draft.folder, ignore_errors=True)
            if not (self.folder / data_id).is_dir():
                raise
        return data_id

    def facts(self, data_id: str) -> dict[str, Any] | None:
        """What `table.json` says; None where the data were not read yet."""
        try:
            text = (self.place(data_id) / "table" / "table.json").read_bytes()
        except FileNotFoundError:
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def own(self, data_id: str) -> None:
        """Keep data until they are deleted by name."""
        (self.place(data_id) / "kept").touch()

    def owned(self, data_id: str) -> bool:
        """Whether they were uploaded by themselves, not with a run."""
        return (self.place(data_id) / "kept").exists()

    def touch(self, data_id: str) -> None:
        """Note that they are used now."""
        os.utime(self.place(data_id))

    def age_s(self, data_id: str) -> float:
        """Seconds since they came or were used."""
        return time.time() - self.place(data_id).stat().st_mtime

    def delete(self, data_id: str) -> None:
        """Remove data, at once also for who is reading them. Raises Gone."""
        place = self.place(data_id)
        away = self.folder / f".draft-{uuid.uuid4().hex}"
        try:
            place.rename(away)
        except FileNotFoundError:
            raise Gone(data_id) from None  # another call was first
        shutil.rmtree(away, ignore_errors=True)

    def _sweep_drafts(self) -> None:
        for left in self.folder.glob(".draft-*"):
            try:
                if time.time() - left.stat().st_mtime > _STALE_S:
                    shutil.rmtree(left, ignore_errors=True)
            except FileNotFoundError:
                continue  # its request has ended meanwhile
