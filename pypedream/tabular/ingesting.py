"""Ingesting: from a folder of files to a run, which is there when all of them came in.

The run is made in a folder beside the others, under a name that no run has, and gets its own name
in one step. What fails, or is killed, leaves nothing that anybody would take for a run.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, frozen

import pypedream.pipeline
from pypedream import context
from pypedream.engine.carry_out import Launch
from pypedream.engine.request import plan_for, request_of
from pypedream.errors import IngestError, TableRunError
from pypedream.stage import Stage
from pypedream.store.disk import new_name, remove_tree, stale
from pypedream.tabular.astro_file import INGESTED
from pypedream.tabular.ingest import ingest_file
from pypedream.tabular.locking import held
from pypedream.tabular.manifest import FileState, Manifest, RunStatus, write_manifest
from pypedream.tabular.matching import match_files
from pypedream.tabular.models import ExecutionMode, IngestedFileRecord
from pypedream.tabular.rule_results import FileRules
from pypedream.tabular.run_folders import WORKING, damaged_runs, new_run_id, runs_in
from pypedream.tabular.run_log import NAME, RunLog
from pypedream.tabular.stat_store import StatisticsStore
from pypedream.tabular.stats import StatRecord, StatScope
from pypedream.values import said

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pypedream.engine.run import Run
    from pypedream.tabular.ingest import IngestedFile
    from pypedream.tabular.models import IngestFileSpec, OnError
    from pypedream.tabular.pipeline import Pipeline

__all__ = ["ingest"]

_BEGUN = ".ingest"
REJECTS = "rejects"


@frozen
class _Asked:
    """How files are to come in, where the caller says otherwise than their specs."""

    batch_size: int
    on_error: OnError | None
    max_errors: float | None


def ingest(
    pipeline: Pipeline,
    folder: str | os.PathLike[str],
    *,
    run_date: date | None,
    on_error: OnError | None,
    max_errors: float | None,
    options: Mapping[str, Any],
    host: str = "",
) -> Manifest:
    """Take in the files of a folder as a new run; see `Pipeline.ingest`.

    Parameters
    ----------
    host
        The id of the run of another system that this is part of.
    """
    working, day = pipeline.pipeline_dir / WORKING, _day(run_date)
    with _in_its_turn(pipeline, working):
        files = match_files(folder, pipeline.ingest_files)
        asked = _Asked(pipeline.ingest_batch_size, on_error, max_errors)
        run_id = new_run_id(pipeline.pipeline_dir)
        with _new_folder(working) as begun:
            found = _all_in(pipeline, run_id, begun, files, asked, options)
            found = {name: _moved(each, begun, working / run_id) for name, each in found.items()}
            manifest = evolve(_manifest(pipeline, run_id, day, found), host=host)
            manifest = evolve(manifest, status=RunStatus.INGESTED)
            write_manifest(manifest, begun)
            with _numbers_of(pipeline, run_id, found):
                begun.rename(working / run_id)
    return manifest


def _day(run_date: object) -> date:
    """Return the day of a run: of a moment its own, and today where none is said."""
    if run_date is None:
        return datetime.now(UTC).astimezone().date()
    if not isinstance(run_date, date):
        what = f"run_date={said(run_date)} is no day"
        raise TypeError(f"{what}: give a date, such as datetime.date(2026, 1, 5)")
    return run_date.date() if isinstance(run_date, datetime) else run_date


def _in_its_turn(pipeline: Pipeline, working: Path) -> AbstractContextManager[None]:
    """Refuse to ingest while another run is to be gone on with, unless there may be several."""
    if pipeline.execution_mode != ExecutionMode.SERIAL:
        return nullcontext()
    return _alone(pipeline, working)


@contextmanager
def _alone(pipeline: Pipeline, working: Path) -> Iterator[None]:
    with held(working / "ingest.lock", doing=f'ingest into "{pipeline.name}"'):
        runs = runs_in(pipeline.pipeline_dir)
        open_ = [f"{each.run_id} ({each.status})" for each in runs if not _is_completed(each)]
        if open_:
            raise TableRunError(
                f"not completed: {', '.join(open_)}; carry it out (pipeline.run(), or python -m"
                " pypedream run) or remove it (python -m pypedream cleanup --all), or let there be"
                ' several runs: execution_mode = "parallel"'
            )
        broken = damaged_runs(pipeline.pipeline_dir)
        if broken:
            raise TableRunError(str(broken[0]))
        yield


def _is_completed(manifest: Manifest) -> bool:
    return manifest.status is RunStatus.COMPLETED


@contextmanager
def _new_folder(working: Path) -> Iterator[Path]:
    """Give a folder for a run that is being made; it goes unless it got another name."""
    begun = working / _BEGUN
    for path in stale(begun):
        remove_tree(path)
    folder = begun / new_name()
    (folder / INGESTED).mkdir(parents=True)
    try:
        yield folder
    finally:
        remove_tree(folder)
        with suppress(OSError):  # another one is at work
            begun.rmdir()
        with suppress(OSError):  # there are runs
            working.rmdir()


def _all_in(
    pipeline: Pipeline,
    run_id: str,
    folder: Path,
    files: Mapping[str, Path],
    asked: _Asked,
    options: Mapping[str, Any],
) -> dict[str, IngestedFile]:
    """Take in each file as a stage of a run, so that the log, the console and views show it."""
    specs = {spec.name: spec for spec in pipeline.ingest_files}
    stages = {
        name: Stage(_taking_in(specs[name], source, folder, asked), name=name, cache="off")
        for name, source in files.items()
    }
    log = RunLog(folder / NAME, f"ingest {run_id}")
    try:
        flow = pypedream.pipeline.Pipeline(f"{pipeline.name} ingest", stages=stages)
        sinks = (*options.get("sinks", ()), log)
        run = _run(flow, {**options, "on_error": "continue", "sinks": sinks})
    finally:
        log.close()
    _raise_failures(run)
    return {name: run[name] for name in files}


def _run(flow: pypedream.pipeline.Pipeline, options: Mapping[str, Any]) -> Run:
    """Run a pipeline without parameters; those of the environment are for another one."""
    plan = plan_for(
        request_of({}, options), flow.blueprint, flow.options, parameters=flow.parameters
    )
    run = Launch(plan, flow).show().carry_out()
    if run.error is not None and not run.failures:
        raise run.error
    return run


def _taking_in(
    spec: IngestFileSpec, source: Path, folder: Path, asked: _Asked
) -> Callable[[], IngestedFile]:
    def take_in() -> IngestedFile:
        target = folder / INGESTED / f"{spec.name}.parquet"
        found = ingest_file(
            source,
            spec,
            target,
            batch_size=asked.batch_size,
            on_error=asked.on_error,
            max_errors=asked.max_errors,
            rejects=folder / REJECTS / f"{spec.name}.csv",
            progress=_progress,
        )
        came = f"{found.rows:,} rows, {found.columns} columns"
        print(f"{came}, {found.rejected:,} rejected" if found.rejected else came)
        return found

    return take_in


def _progress(rows: int, estimated: int | None) -> None:
    context.progress(rows, estimated, "rows")


def _raise_failures(run: Run) -> None:
    """Raise what kept files out: of several, all that is wrong with them in one error."""
    errors = [failure.error for failure in run.failures]
    others = [error for error in errors if not isinstance(error, IngestError)]
    if others or len(errors) == 1:
        raise [*others, *errors][0]
    wrong = [error for error in errors if isinstance(error, IngestError)]
    if wrong:
        counts: dict[str, int] = {}
        for error in wrong:
            for code, count in error.counts.items():
                counts[code] = counts.get(code, 0) + count
        problems = [problem for error in wrong for problem in error.problems]
        raise IngestError("\n\n".join(map(str, wrong)), problems=problems, counts=counts)


def _moved(file: IngestedFile, folder: Path, home: Path) -> IngestedFile:
    """Return what is known of a file, with its places as they are when the run has its name."""
    target = home / file.target.relative_to(folder)
    if file.rejects is None:
        return evolve(file, target=target)
    rejects = home / file.rejects.relative_to(folder)
    rules = (evolve(rule, extract=rule.extract and str(rejects)) for rule in file.rules)
    return evolve(file, target=target, rejects=rejects, rules=tuple(rules))


def _manifest(
    pipeline: Pipeline,
    run_id: str,
    day: date,
    found: Mapping[str, IngestedFile],
) -> Manifest:
    now = datetime.now(UTC)
    files = {}
    for name, file in found.items():
        record = IngestedFileRecord(
            name,
            str(file.source),
            str(file.target),
            file.rows,
            file.columns,
            file.size_bytes,
            file.sha256,
            file.rejected,
            None if file.rejects is None else str(file.rejects),
        )
        files[name] = FileState(asdict(record), f"{INGESTED}/{name}.parquet")
    made = now.isoformat(timespec="microseconds")
    return Manifest(run_id, pipeline.name, day, made, files=files)


@contextmanager
def _numbers_of(
    pipeline: Pipeline, run_id: str, found: Mapping[str, IngestedFile]
) -> Iterator[None]:
    """Note numbers of the files that came in, and forget them if the block raises."""
    now, store = datetime.now(UTC), StatisticsStore(pipeline.pipeline_dir)
    records = [StatRecord(run_id, StatScope.RUN, None, "files_ingested", len(found), now)]
    for name, file in found.items():
        for action, value in (
            ("row_count", file.rows),
            ("column_count", file.columns),
            ("source_size_bytes", file.size_bytes),
            ("rows_rejected", file.rejected),
        ):
            records.append(StatRecord(run_id, StatScope.FILE, name, action, value, now))
    try:
        store.begin_run(run_id, pipeline.name)
        store.write(records)
        for name, file in found.items():
            store.write_rules(run_id, FileRules(name, file.rows + file.rejected, file.rules))
        yield
    except BaseException:
        store.forget(run_id)
        raise
    finally:
        store.close()
