"""Two jobs that need the same upload may read it at once: both get its table.

A run that was accepted before its data were read reads them itself, while the job that
was asked first still does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_api.domains.market.data.opening import opened
from flask_api.domains.market.data.table import Table
from flask_api.domains.market.data.uploads import Uploads

CSV = b"bread,beer,age\n" + b"1,0,34\n0,1,51\n1,1,28\n" * 40


def kept(folder: Path, form: str, content: bytes) -> tuple[Uploads, str]:
    """Bytes as they came, not read yet."""
    uploads = Uploads(folder, "anonymous")
    draft = uploads.draft()
    draft.write(content)
    draft.file.close()
    return uploads, uploads.keep(draft, form, {})


def tables(uploads: Uploads, data_id: str, folder: Path, after: int) -> list[Table]:
    """What two readers find, the second one beginning after a state of the first."""
    folder.mkdir()
    first, found = opened(uploads, data_id, None, folder), []
    for _ in range(after):
        found.append(next(first, None))
    found += list(opened(uploads, data_id, None, folder))
    found += list(first)
    return [state for state in found if isinstance(state, Table)]


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", CSV),
        ("json", b'{"data_json": [[1, 0], [0, 1], [1, 1]], "column_names": null}'),
    ],
)
def test_two_readers_of_one_upload_find_the_same_table(
    tmp_path: Path, form: str, content: bytes, after: int
) -> None:
    uploads, data_id = kept(tmp_path / "data", form, content)
    first, second = tables(uploads, data_id, tmp_path / "scratch", after)
    assert first.facts == second.facts
    assert not list(uploads.place(data_id).glob("draft-*"))


def test_an_upload_that_is_gone_before_anybody_read_it_is_an_error(
    tmp_path: Path,
) -> None:
    uploads, data_id = kept(tmp_path / "data", "csv", CSV)
    (uploads.place(data_id) / "upload").unlink()
    with pytest.raises(FileNotFoundError):
        list(opened(uploads, data_id, None, tmp_path))
