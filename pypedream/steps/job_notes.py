"""Notes of which job has which items: lines of JSON in the folder of a step."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from pypedream._extras import need

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.steps.paths import StepPaths

__all__ = ["job_of", "live_jobs", "note"]

FILE = "jobs.jsonl"
_ASKED = "lookup(...).job()"

_under_way: Final[WeakValueDictionary[tuple[str, str], Any]] = WeakValueDictionary()
"""The jobs of this process: only who started a process of this machine knows how it ended."""


def note(paths: StepPaths, job: Any, keys: Iterable[str]) -> None:
    """Note that a job of submitit has the items of these keys."""
    place = paths.step_folder / FILE
    folder = str(job.paths._folder)
    line = {"kind": type(job).__name__, "id": job.job_id, "folder": folder, "items": list(keys)}
    _under_way[str(place), job.job_id] = job
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def job_of(paths: StepPaths, key: str) -> Any | None:
    """Return the job that had the item of a key last; None if none had."""
    found = None
    for line in _lines(paths):
        if key in line["items"]:
            found = line
    return None if found is None else _job(paths, found)


def live_jobs(paths: StepPaths, keys: Iterable[str]) -> dict[str, Any]:
    """Return the jobs that are still at work on items of these keys, by key."""
    last: dict[str, Any] = {}
    wanted = set(keys)
    for line in _lines(paths):
        last.update(dict.fromkeys(wanted.intersection(line["items"]), line))
    jobs = {line["id"]: _job(paths, line) for line in last.values()}
    live = {number for number, job in jobs.items() if is_live(job)}
    return {key: jobs[line["id"]] for key, line in last.items() if line["id"] in live}


def is_live(job: Any) -> bool:
    """Say whether a job is waiting or at work, as far as this machine can tell."""
    if type(job).__name__ != "LocalJob":
        return not job.done()
    if job._process is not None:
        return not job.done()
    return not job.paths.result_pickle.exists() and _is_controller(int(job.job_id))


def _is_controller(pid: int) -> bool:
    """Say whether a process is one of submitit: its number may be another's by now."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"submitit" in command


def _lines(paths: StepPaths) -> Iterator[dict[str, Any]]:
    place = paths.step_folder / FILE
    if not os.path.exists(place):
        return
    with place.open(encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:  # it was half written when the machine stopped
                continue
            yield line


def _job(paths: StepPaths, line: dict[str, Any]) -> Any:
    known = _under_way.get((str(paths.step_folder / FILE), line["id"]))
    if known is not None:
        return known
    name = "submitit.local.local" if line["kind"] == "LocalJob" else "submitit.slurm.slurm"
    module = need(name, extra="slurm", for_=_ASKED)
    return getattr(module, line["kind"])(folder=line["folder"], job_id=line["id"])
