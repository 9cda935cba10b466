"""Past runs: what a workspace has a record of, as a sequence of runs."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from pypedream.engine.account import flat
from pypedream.engine.history import UNKNOWN, run_folders
from pypedream.engine.metrics import metrics_of
from pypedream.engine.options import ENVIRONMENT
from pypedream.engine.past_run import PastRun
from pypedream.engine.runs import FAILED, RunRow, Runs
from pypedream.engine.sweep_rows import files_of, mappers_of
from pypedream.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pypedream.engine.history import RecordedRun
    from pypedream.files.stage_files import StageFiles
    from pypedream.pipeline import Pipeline
    from pypedream.protocols import OutputMapper


def past_runs(pipeline: Pipeline, workspace: str | os.PathLike[str] | None = None) -> Runs:
    """Return the recorded runs of a pipeline, the newest last.

    Raises
    ------
    StoreError
        If there is no workspace, or it cannot be read.
    """
    base = pipeline.blueprint
    found = (
        workspace
        or pipeline.options.get("workspace")
        or os.environ.get(f"{ENVIRONMENT}WORKSPACE")
        or base.state
    )
    if not found:
        raise StoreError(
            f'pipeline "{pipeline.name}" has no workspace, so no run is recorded: write'
            ' Pipeline(workspace=".pypedream"), or history(workspace=...)'
        )
    mappers = mappers_of(base.definition.stages)
    runs = (PastRun(folder, mappers=mappers) for folder in run_folders(found))
    return runs_of(pipeline.name, (run.record for run in runs), mappers, files_of(base))


def runs_of(
    pipeline: str,
    records: Iterable[RecordedRun],
    mappers: dict[str, OutputMapper] | None = None,
    files: dict[str, StageFiles] | None = None,
) -> Runs:
    """Return those of some recorded runs that are of one pipeline, without holding the records."""
    rows, asked = [], dict[str, None]()
    for record in records:
        if record.pipeline == pipeline:
            rows.append(_row(record, mappers, files))
            set_ = record.asked.get("set")
            asked.update(dict.fromkeys(map(str, set_ if isinstance(set_, list) else ())))
    return Runs(pipeline, rows, names=_changed(rows, asked))


def recorded_sweep(records: Iterable[RecordedRun]) -> Runs:
    """Return the recorded runs of one sweep, in the order of its points.

    What they gave is there as far as it is numbers, see `metrics`; nothing else is loaded.
    """
    found = sorted(
        ((record.batch, record) for record in records if record.batch is not None),
        key=lambda pair: pair[0].index,
    )
    if not found:
        return Runs(UNKNOWN)
    batch, first = found[0]
    rows = [_row(record, None) for _, record in found]
    opened = [PastRun(record.folder) for _, record in found]
    workspace = first.folder.parent.parent
    numbers = metrics_of(workspace, [run.kept for run in opened])
    for row, run, results in zip(rows, opened, numbers, strict=True):
        row.about, row.results = {}, dict(results)
        row.error = run.error or "" if row.state in FAILED else ""
    names = dict.fromkeys(name for one, _ in found for name in one.point)
    return Runs(first.pipeline, rows, names=list(names), id=batch.id, of=batch.of)


def _row(
    record: RecordedRun,
    mappers: dict[str, OutputMapper] | None,
    files: dict[str, StageFiles] | None = None,
) -> RunRow:
    batch = record.batch
    about: dict[str, Any] = {"started": record.started, "batch": batch and batch.id}
    folder: Path = record.folder.absolute()
    opened = partial(PastRun, folder, mappers=mappers, files=files)
    parameters = dict(flat(record.parameters))
    return RunRow(record.id, opened, record.state, record.duration_s, parameters, about=about)


def _changed(rows: list[RunRow], asked: dict[str, None]) -> list[str]:
    """Return the parameters that somebody set, or that are not the same in all runs."""
    names = dict.fromkeys(name for row in rows for name in row.parameters)
    first = rows[0].parameters if rows else {}
    return [
        name
        for name in names
        if name in asked or any(row.parameters.get(name) != first.get(name) for row in rows)
    ]
