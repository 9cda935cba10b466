"""What commands for pipelines of tables share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import command_line, say, say_json
from pypedream.parameters.display import table

if TYPE_CHECKING:
    from pypedream.engine.run import Run
    from pypedream.pipeline import Pipeline
    from pypedream.tabular.manifest import Manifest
    from pypedream.tabular.pipeline import Pipeline as TablePipeline

__all__ = [
    "has_tables",
    "held_as",
    "is_run_of_tables",
    "say_runs",
    "standing_of",
    "tables_of",
    "write_report_of",
]

_NOT_COMPLETED = ("quarantined", "failed")


def has_tables(pipeline: Pipeline) -> TypeGuard[TablePipeline]:
    """Say whether a pipeline is one of tables; of others nothing is loaded to find out."""
    return any(kind.__module__ == "pypedream.tabular.pipeline" for kind in type(pipeline).__mro__)


def tables_of(pipeline: Pipeline) -> TablePipeline:
    """Return a pipeline of tables.

    Raises
    ------
    Refused
        If it is another one.
    """
    if has_tables(pipeline):
        return pipeline
    raise Refused(
        f'pipeline "{pipeline.name}" has no tables: derive its class from'
        " pypedream.tabular.Pipeline; other pipelines have the commands list, show and run"
    )


def say_runs(tables: TablePipeline, *, as_json: bool) -> None:
    """Write the runs of a pipeline, the newest last."""
    from pypedream.tabular.run_folders import damaged_runs

    runs, broken = tables.runs(), damaged_runs(tables.pipeline_dir)
    if as_json:
        rows = [dict(zip(_HEADING, _row(each), strict=True)) for each in runs]
        say_json({"pipeline": tables.name, "runs": rows, "problems": list(map(str, broken))})
        return
    if runs:
        say(*table([_HEADING, *map(_row, runs)]).splitlines())
    else:
        say(f"no run yet; begin with: {command_line('ingest', 'FOLDER')}")
    say(*(f"problem: {error}" for error in broken), err=True)


_HEADING = ("run", "status", "run_date", "ingested", "rows", "steps_done")


def _row(manifest: Manifest) -> tuple[str, ...]:
    done = sum(step.status.is_done for step in manifest.steps.values())
    rows = sum(int(file.record.get("row_count", 0)) for file in manifest.files.values())
    came_in = manifest.created_at[:16].replace("T", " ")
    steps = f"{done} of {len(manifest.steps)}" if manifest.steps else ""
    own = manifest.run_id, str(manifest.status), str(manifest.run_date)
    return *own, came_in, str(rows), steps


def is_run_of_tables(name: str) -> bool:
    """Say whether a word is the id of a run of tables in this folder."""
    return name.isalnum() and os.path.isfile(Path(".working", name, "manifest.json"))


def write_report_of(run_id: str, out: Path | None) -> tuple[Path, dict[str, Any]]:
    """Write the report of a run of tables; return where, and what is said of it.

    Raises
    ------
    Refused
        If it cannot be written.
    """
    from pypedream.tabular.run_report import report_of
    from pypedream.view.tables_report import write_tables_report

    report = report_of(Path.cwd(), run_id)
    path = out or Path(".working", run_id, "report.html")
    try:
        write_tables_report(report, path)
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror or error}") from None
    manifest = report.manifest
    return path, {"run": run_id, "pipeline": manifest.pipeline, "status": str(manifest.status)}


def standing_of(pipeline: Pipeline, run: Run) -> dict[str, str] | None:
    """Return which run of tables a run carried out, and how that stands; None if it was none."""
    if not has_tables(pipeline):
        return None
    from pypedream.tabular.running import manifest_of

    before = manifest_of(run)
    if before is None:
        return None
    manifest = pipeline.manifest(before.run_id)
    return {"run": manifest.run_id, "status": str(manifest.status)}


def held_as(run: Run, tables: dict[str, str] | None) -> str:
    """Return the status of a run of tables whose steps ended well and which is not completed."""
    is_held = tables is not None and run.state == "ok" and tables["status"] in _NOT_COMPLETED
    return tables["status"] if tables is not None and is_held else ""
