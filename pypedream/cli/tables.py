"""What commands for pipelines of tables share."""

from __future__ import annotations

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
    "is_run_of_tables",
    "say_runs",
    "say_unfinished",
    "tables_of",
    "write_report_of",
]


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
    return name.isalnum() and Path(".working", name, "manifest.json").is_file()


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


def say_unfinished(pipeline: Pipeline, run: Run) -> bool:
    """Say of a run of tables that ended well what is left to do; return whether anything is."""
    if not has_tables(pipeline):
        return False
    from pypedream.tabular.manifest import RunStatus
    from pypedream.tabular.running import manifest_of

    before = manifest_of(run)
    if before is None:
        return False
    manifest = pipeline.manifest(before.run_id)
    is_left = manifest.status in (RunStatus.QUARANTINED, RunStatus.FAILED)
    if is_left:
        say(f"run {manifest.run_id} is not completed yet", err=True)
    return is_left
