"""The files beside a run: arrays that it wrote, and what it saved on the way."""

from __future__ import annotations

import re
from pathlib import Path

from flask_api.http.waiting import registry
from flask_api.jobs.job import Job

#: Names that are served; others in the folder are unfinished.
FILE = re.compile(r"[a-z0-9_]{1,64}\.(npy|parquet|csv)\Z")


def folder_of(job: Job) -> Path:
    """Where its arrays lie, also draws of a run that was stopped."""
    return registry().files(job) / "arrays"


def kept_files(job: Job) -> list[str]:
    """Names of the files of an ended run, in order; none while it runs."""
    folder = folder_of(job)
    if not job.status.terminal or not folder.is_dir():
        return []
    return sorted(file.name for file in folder.iterdir() if FILE.match(file.name))
