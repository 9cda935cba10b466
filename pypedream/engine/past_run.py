"""A run of which the record is left: it is read like a run, and its values come from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream._lazy import shown_as, view
from pypedream.engine.history import recorded_events, recorded_run_in
from pypedream.engine.result_log import recorded_results
from pypedream.errors import NoResult, UnreadableResult, UnsafePayload
from pypedream.log.durations import duration_text
from pypedream.names import did_you_mean, there_are
from pypedream.outputs import RETURN
from pypedream.values import one_line, said

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from pypedream.engine.account import StageAccount
    from pypedream.engine.batch import Batch
    from pypedream.engine.diff import RunDiff
    from pypedream.engine.history import RecordedRun
    from pypedream.engine.result_log import RecordedResults
    from pypedream.engine.run import Run
    from pypedream.files.stage_files import StageFiles
    from pypedream.log.events import Event
    from pypedream.protocols import OutputMapper
    from pypedream.store.results import Result, Results

FILES = "files"


@frozen
class PastFailure:
    """What the record of a run says of a stage that failed.

    Attributes
    ----------
    stage
        Key of the stage.
    error
        Type and message of what it raised.
    traceback
        As Python prints it, without pypedream's frames.
    """

    stage: str
    error: str
    traceback: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f'stage "{self.stage}" failed: {self.error}'


class PastRun(Mapping[str, Any]):
    """A run that a workspace has a record of: from stage key to what that stage gave.

    A value is loaded from the store each time that it is asked for, and not held. Id, state,
    parameters and so on are those of a `Run`, without secrets; ``pipeline.resume(run)`` goes on
    with it.

    Parameters
    ----------
    folder
        Of its record.
    held
        Values that are not in the store, by stage.
    mappers
        What names the outputs of stages, by stage.
    files
        What loads the files of stages, by stage. Of others their digests are the value.
    """

    def __init__(
        self,
        folder: Path,
        held: Mapping[str, Any] | None = None,
        mappers: Mapping[str, OutputMapper] | None = None,
        files: Mapping[str, StageFiles] | None = None,
    ) -> None:
        self._files = files or {}
        self._folder = folder
        self._held = held or {}
        self._mappers = mappers or {}
        self._record: RecordedRun | None = None
        self._results: RecordedResults | None = None

    @property
    def record(self) -> RecordedRun:
        """All that its record says at once; read again as long as it runs."""
        if self._record is None or self._record.state == "running":
            self._record = recorded_run_in(self._folder)
        return self._record

    @property
    def id(self) -> str:
        """Sorts by time of start, and names the run on the command line."""
        return self._folder.name

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.record.pipeline

    @property
    def state(self) -> str:
        """As of a `Run`; or "crashed": its process is gone and did not write an end."""
        return self.record.state

    @property
    def started(self) -> str:
        """Time in UTC, ISO 8601."""
        return self.record.started

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, or to the last sign of life."""
        return self.record.duration_s

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What they were set to, as plain data."""
        return self.record.parameters

    @property
    def batch(self) -> Batch | None:
        """The sweep that it was part of, and which point of it."""
        return self.record.batch

    @property
    def workspace(self) -> Path:
        """Where it is recorded."""
        return self._folder.parent.parent

    @property
    def stages(self) -> dict[str, StageAccount]:
        """From key to what became of the stage, in the order of the run."""
        from pypedream.engine.account_recorded import recorded_account

        return dict(recorded_account(self.record).stages)

    @property
    def events(self) -> Sequence[Event]:
        """Everything that was said and happened, in order."""
        return recorded_events(self.record)

    @property
    def failure(self) -> PastFailure | None:
        """The first stage that failed; None if none did."""
        for key, stage in self.stages.items():
            if stage.error:
                told = (stage.error.get("type"), stage.error.get("message"))
                text = one_line(": ".join(filter(None, told)))
                return PastFailure(key, text, stage.error.get("traceback", ""))
        return None

    @property
    def error(self) -> str | None:
        """Type and message of what the first stage that failed raised."""
        return self.failure.error if self.failure is not None else None

    @property
    def kept(self) -> dict[str, str]:
        """From stage to the key under which the store has what it gave."""
        return {stage: line.key for stage, line in self._lines.items() if line.key}

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """From stage to its outputs by name; "return" is its return value."""
        return _PastOutputs(self, self._mappers)

    def diff(self, other: Run | PastRun | str) -> RunDiff:
        """Compare this run with another one of the same workspace, as `Run.diff` does."""
        from pypedream.engine.compare import compared_records

        name = other if isinstance(other, str) else getattr(other, "id", None)
        if not isinstance(name, str):
            raise TypeError(f"diff takes a Run or the id of one, not {said(other)}")
        return compared_records(self.workspace, self.id, name)

    def report(self, path: str | os.PathLike[str] = "report.html") -> Path:
        """Write all that is recorded of the run to one HTML file, as `Run.report` does."""
        written: Path = view("report").write_report(self, path)
        return written

    def timeline(self) -> Any:
        """Return a picture of which worker was at which stage, and when, as `Run.timeline` does."""
        return view("timeline").timeline_of(self)

    def __getitem__(self, key: str) -> Any:
        if key in self._held:
            return self._held[key]
        line = self._lines.get(key)
        if line is None or not line.key:
            raise NoResult(self._why_none(key))
        from pypedream.store.results import Results

        results = Results(self.workspace, readonly=True)
        try:
            return _loaded(results, key, line.key, self._files.get(key))
        finally:
            results.close()

    def __iter__(self) -> Iterator[str]:
        lines, order = self._lines, self.record.stages or tuple(self._lines)
        return (key for key in order if key in self._held or (key in lines and lines[key].key))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return key in self._held or any(key == each for each in self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PastRun):
            return self._folder == other._folder
        return dict(self) == other if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._folder)

    def __repr__(self) -> str:
        stages = self.stages
        wide = max(map(len, stages), default=0)
        took = "" if self.duration_s is None else f" in {duration_text(self.duration_s)}"
        lines = [f"{self.pipeline}: {self.state}{took} (run {self.id})"]
        for key, stage in stages.items():
            told = stage.error.get("message", "") if stage.error else stage.reason
            lines.append(f"  {key:<{wide}}  {stage.state:<11}  {one_line(told, 60)}".rstrip())
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    @property
    def _lines(self) -> Mapping[str, Any]:
        if self._results is None or self.state == "running":
            self._results = recorded_results(self._folder)
        return self._results.lines

    def _why_none(self, key: str) -> str:
        stage = self.stages.get(key)
        if stage is None:
            near = did_you_mean(key, self.record.stages) or f": {there_are(self.record.stages)}"
            return f'no stage "{key}"{near}'
        if stage.has_result:
            return f'the result of stage "{key}" was not kept in run {self.id}'
        reason = f": {stage.reason}" if stage.reason else ""
        return f'stage "{key}" has no result, it is {stage.state}{reason}'


class _PastOutputs(Mapping[str, Mapping[str, Any]]):
    """The outputs of a past run, each loaded when it is asked for."""

    def __init__(self, run: PastRun, mappers: Mapping[str, OutputMapper]) -> None:
        self._run = run
        self._mappers = mappers

    def __getitem__(self, key: str) -> dict[str, Any]:
        value = self._run[key]
        mapper = self._mappers.get(key)
        return {RETURN: value, **(mapper(value) if mapper is not None else {})}

    def __iter__(self) -> Iterator[str]:
        return iter(self._run)

    def __len__(self) -> int:
        return len(self._run)


def _loaded(results: Results, stage: str, key: str, files: StageFiles | None) -> Any:
    """Return the value that is kept under a key.

    Raises
    ------
    NoResult
        If it is kept no more.
    UnreadableResult
        If it is damaged, or made of what is not there any more.
    """
    from pypedream.store.corruption import Damaged

    found = results.find(key)
    if found is None:
        raise NoResult(f'the result of stage "{stage}" is kept no more')
    if files is not None and FILES in found.about:
        return _loaded_from_files(results, found, files)
    try:
        return results.load(found)
    except (UnsafePayload, MemoryError):
        raise
    except Damaged as damage:
        raise UnreadableResult(f'the kept result of stage "{stage}" is {damage.reason}') from damage
    except Exception as error:
        what = f"{type(error).__name__}: {one_line(str(error))}"
        raise UnreadableResult(
            f'the kept result of stage "{stage}" cannot be read: {what}'
        ) from error


def _loaded_from_files(results: Results, found: Result, files: StageFiles) -> Any:
    """Return what a stage wrote, from its files or from the copies of them."""
    from pypedream.files.keeping import KeptFiles
    from pypedream.files.written import Written

    return Written.from_about(found.about[FILES], files, KeptFiles(results.store)).present()
