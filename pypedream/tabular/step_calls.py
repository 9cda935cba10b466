"""One call of a step: what is kept before it, and what is committed when it has ended well."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from logging import INFO, Logger
from numbers import Real
from time import perf_counter
from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream import context
from pypedream.errors import TableRunError
from pypedream.tabular.going_on import SNAPSHOTS
from pypedream.tabular.manifest import FileRows, StepState, StepStatus
from pypedream.tabular.polars_library import pl
from pypedream.tabular.quarantine import StepQuarantine
from pypedream.tabular.stats import StatScope
from pypedream.tabular.steps import StepContext, StepKind
from pypedream.tabular.versions import Stamp
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pypedream.tabular.astro_file import AstroFile
    from pypedream.tabular.steps import StepDefinition
    from pypedream.tabular.table_run import Number, TableRun

__all__ = ["StepCall", "context_of"]


def context_of(run: TableRun, step_id: str) -> StepContext:
    """Return what a step gets to know when it is called."""
    manifest = run.manifest
    return StepContext(
        run.pipeline_dir,
        run.folder,
        manifest.run_id,
        manifest.run_date,
        step_id,
        # Not one of those that logging knows by name: nothing of a run stays behind.
        Logger(f"pypedream.tabular.{step_id}", INFO),
        _report_progress,
        StepQuarantine(run.folder, step_id),
        run.stats.for_step(step_id),
    )


@define(eq=False)
class StepCall:
    """A call of a step within a run; it lives as long as the call.

    Attributes
    ----------
    files
        The files of the step by name. When the call begins they are as the step before left them.
    context
        What the step gets to know.
    """

    run: TableRun
    step: StepDefinition
    files: Mapping[str, AstroFile]
    context: StepContext
    _state: StepState = field(init=False)
    _start_s: float = field(init=False)
    _rows_in: dict[str, int] = field(init=False)
    _stamps: dict[str, Stamp] = field(init=False)

    @property
    def quarantine(self) -> StepQuarantine:
        """What sets rows of the step aside."""
        return self.context.quarantine

    def begin(self, number: int) -> None:
        """Keep the files as they are.

        What an earlier call has left went when the run was prepared.

        Parameters
        ----------
        number
            The how manieth step of the run it is.

        Raises
        ------
        MissingRows
            If somebody has removed one of them.
        """
        self._start_s = perf_counter()
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        inputs = {name: self.run.path_of(file) for name, file in self.files.items()}
        self._state = StepState(number=number, started_at=started, inputs=inputs)
        self._rows_in, self._stamps = {}, {}
        for name, file in self.files.items():
            kept = self._kept(name)
            file.keep(kept)
            self._rows_in[name], self._stamps[name] = self.run.rows_of(file), Stamp.of(kept)

    def commit(self, value: Any) -> None:
        """Write down that the step has ended well.

        Parameters
        ----------
        value
            What it returned: of a filter, from each file to how many rows were taken out.

        Raises
        ------
        TableRunError
            If what it left cannot be taken: a file that it wrote into, or that is gone, or a frame
            that it returned in place of saving it.
        """
        self.quarantine.write()
        self._check(value)
        filtered = value if self.step.kind is StepKind.FILTER else {}
        files = {name: self._rows(name, filtered.get(name, 0)) for name in self.files}
        is_held = bool(self.quarantine.row_count)
        status = StepStatus.QUARANTINED if is_held else StepStatus.COMPLETE
        state = self._ended(status, files)
        self._record(state)
        self.run.commit(self.step.step_id, state, self.files)

    def fail(self, error: BaseException) -> None:
        """Write down that the step failed; what it did to its files does not count."""
        self._check_damage()
        first = str(error).partition("\n")[0]
        text = f"{type(error).__name__}: {first}".rstrip(": ")
        self.run.commit(self.step.step_id, self._ended(StepStatus.FAILED, {}, text), {})

    def _ended(
        self, status: StepStatus, files: Mapping[str, FileRows], error: str | None = None
    ) -> StepState:
        before, took_s = self._state, perf_counter() - self._start_s
        return StepState(
            status, before.number, before.started_at, took_s, files, before.inputs, error
        )

    def _rows(self, name: str, filtered: int) -> FileRows:
        quarantined = dict(self.quarantine.counts.get(name, {}))
        rows_out = self.run.rows_of(self.files[name])
        return FileRows(self._rows_in[name], rows_out, filtered, quarantined)

    def _record(self, state: StepState) -> None:
        """Note what is noted of every step; of all in one go, as each would cost as much."""
        rows = state.files.values()
        numbers: list[Number] = [
            (StatScope.STEP, self.step.step_id, "duration_ms", (state.duration_s or 0.0) * 1000),
            (StatScope.STEP, self.step.step_id, "rows_quarantined", self.quarantine.row_count),
            (StatScope.STEP, self.step.step_id, "rows_filtered", sum(one.filtered for one in rows)),
        ]
        if self.step.kind is StepKind.FILTER:
            for name, one in state.files.items():
                filtered = one.filtered + self._filtered_before(name)
                numbers.append((StatScope.FILE, name, "rows_filtered", filtered))
                numbers.append((StatScope.FILE, name, "rows_kept", one.rows_out))
        self.run.note(numbers)

    def _filtered_before(self, name: str) -> int:
        """Return how many rows other filters took out of a file."""
        steps = self.run.manifest.steps.items()
        others = [state.files for key, state in steps if key != self.step.step_id]
        return sum(files[name].filtered for files in others if name in files)

    def _check(self, value: Any) -> None:
        if damaged := self._check_damage():
            raise TableRunError(
                f'step "{self.step.step_id}" wrote into the file of "{damaged[0]}": save a new'
                " version with a method of the AstroFile; what the rows were is lost, so ingest"
                " again"
            )
        paths: dict[Path, str] = {}
        for name, file in self.files.items():
            path = file.active_path
            if not path.is_file():
                raise self._refused(f'the file of "{name}" is gone: {path}')
            if path in paths:
                raise self._refused(f'"{name}" and "{paths[path]}" have one file: {path}')
            paths[path] = name
        has_saved = any(file.has_saved for file in self.files.values())
        if isinstance(value, (pl.DataFrame, pl.LazyFrame)) and not has_saved:
            raise self._refused("it returned a frame and saved none: files[0].save_in_place(...)")

    def _check_damage(self) -> list[str]:
        """Return the files that the step wrote into, and write that down."""
        changed = [name for name, stamp in self._stamps.items() if self._is_other(name, stamp)]
        for name in changed:
            self.run.mark_damaged(name, self.step.step_id)
        return changed

    def _is_other(self, name: str, stamp: Stamp) -> bool:
        kept = self._kept(name)
        return not kept.is_file() or Stamp.of(kept) != stamp

    def _kept(self, name: str) -> Path:
        return self.run.folder / SNAPSHOTS / self.step.step_id / f"{name}.parquet"

    def _refused(self, why: str) -> TableRunError:
        return TableRunError(f'step "{self.step.step_id}": {why}')


def _report_progress(share: float | None) -> None:
    if share is None:
        context.progress(0.0)
    elif not isinstance(share, Real) or math.isnan(share):
        raise TypeError(f"report_progress() takes a share from 0 to 1, or None, not {said(share)}")
    else:
        context.progress(float(share), 1.0)
