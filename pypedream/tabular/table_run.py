"""A run of tables while it is carried out: one process has it, and commits one step at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import Factory, define, evolve, frozen

from pypedream.errors import TableRunError
from pypedream.names import did_you_mean, there_are
from pypedream.tabular.astro_file import AstroFile, AstroFileSpec
from pypedream.tabular.going_on import prepare
from pypedream.tabular.identity_stage import commit_identities
from pypedream.tabular.locking import lock, unlock
from pypedream.tabular.manifest import RunStatus, StepState, StepStatus, write_manifest
from pypedream.tabular.models import IngestedFileRecord
from pypedream.tabular.run_folders import LOCK, WORKING, find_run
from pypedream.tabular.stat_store import StatisticsStore
from pypedream.tabular.stats import StatisticsRecorder, StatRecord, StatScope
from pypedream.tabular.versions import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pypedream.tabular.manifest import Manifest
    from pypedream.tabular.steps import StepDefinition

__all__ = ["FilesOfRun", "Number", "Sizes", "TableRun", "file_of", "hindrance", "open_run"]

Spec = AstroFileSpec | type[AstroFileSpec]
Number = tuple[StatScope, str | None, str, float]


@frozen
class Sizes:
    """What counts as a large file, and how many rows are a batch."""

    large_file_threshold_bytes: int = 104_857_600
    run_batch_size: int = 100_000


@define(eq=False, repr=False)
class TableRun:
    """One run that this process has taken; it lives until it is let go of.

    Attributes
    ----------
    manifest
        What is known of the run now, as it is on the disk.
    steps
        The steps of its pipeline, in the order of registration.
    """

    pipeline_dir: Path
    manifest: Manifest
    steps: Sequence[StepDefinition]
    sizes: Sizes
    store: StatisticsStore
    _taken: BinaryIO
    _guard: Any = Factory(Lock)
    _rows: dict[Stamp, int] = Factory(dict)
    _number: int = 0
    _calls: int = 0
    _is_left: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.pipeline_dir / WORKING / self.manifest.run_id

    @property
    def stats(self) -> StatisticsRecorder:
        """What records numbers of the run."""
        of_steps = (name for step in self.steps for name in step.file_names)
        names = tuple(dict.fromkeys([*self.manifest.files, *of_steps]))
        return StatisticsRecorder(self.manifest.run_id, self.store, file_names=names)

    def prepare(self, called: set[str]) -> None:
        """Make ready to call these steps."""
        self.manifest = prepare(self.folder, self.manifest, self.steps, called)
        self._number = max((each.number for each in self.manifest.steps.values()), default=0)

    def enter(self) -> int:
        """Say that a step begins; return the how manieth of the run it is."""
        with self._guard:
            self._calls += 1
            self._number += 1
            return self._number

    def leave(self) -> None:
        """Say that a step is over."""
        with self._guard:
            self._calls -= 1
            if self._is_left and not self._calls:
                unlock(self._taken)

    def file(self, name: str, spec: Spec | None = None) -> AstroFile:
        """Return a file as it is now; as `file_of`."""
        return file_of(self.pipeline_dir, self.manifest, name, self.sizes, spec)

    def rows_of(self, file: AstroFile) -> int:
        """Return how many rows a file has; of each version it is counted once."""
        stamp = Stamp.of(file.active_path)
        if stamp not in self._rows:
            self._rows[stamp] = file.row_count()
        return self._rows[stamp]

    def note(self, numbers: Iterable[Number]) -> None:
        """Note numbers that are noted of every run: scope, subject, what was counted, how many."""
        now, run_id = datetime.now(UTC), self.manifest.run_id
        self.store.write(StatRecord(run_id, *number, now) for number in numbers)

    def commit(self, step_id: str, state: StepState, files: Mapping[str, AstroFile]) -> None:
        """Write down how a step ended, and what its files are then.

        Parameters
        ----------
        files
            What the step has saved; empty when it failed.

        Raises
        ------
        TableRunError
            If a step beside it has saved another file to the same path, whose rows are lost then.
        """
        with self._guard:
            manifest = self.manifest.with_step(step_id, state)
            for name, file in files.items():
                if file.has_saved:
                    path = self.path_of(file)
                    self._refuse_shared(path, files, step_id)
                    manifest = manifest.with_file(name, active_path=path, is_ours=file.is_ours)
            self._write(manifest)

    def _refuse_shared(self, path: str, files: Mapping[str, AstroFile], step_id: str) -> None:
        for other, state in self.manifest.files.items():
            if state.active_path == path and other not in files:
                self._write(self.manifest.with_file(other, damaged_by=step_id))
                raise TableRunError(
                    f'step "{step_id}" saved to {path}, and so did one for "{other}", the rows of'
                    " which are lost: save each file to a name of its own, and ingest again"
                )

    def mark_damaged(self, name: str, step_id: str) -> None:
        """Write down that a step has written into a file, so that its rows are lost."""
        with self._guard:
            self._write(self.manifest.with_file(name, damaged_by=step_id))

    def path_of(self, file: AstroFile) -> str:
        """Return the path of a file as the manifest has it."""
        path = file.active_path
        inside = path.relative_to(self.folder) if path.is_relative_to(self.folder) else path
        return inside.as_posix()

    def hindrance(self, step: StepDefinition) -> str:
        """Say what keeps a step from being called now; "" if nothing does."""
        return hindrance(self.manifest, self.steps, step)

    def is_absent(self, step: StepDefinition) -> bool:
        """Say whether a file of a step did not come in, as it is optional."""
        return _is_absent(self.manifest, step)

    def finish(self, state: str) -> RunStatus:
        """Write down how far the run is when all that could be called was.

        When it is completed, what steps found out about identities is added to the stores before.

        Parameters
        ----------
        state
            How the run of the pipeline ended.
        """
        manifest = self.manifest
        for step in self.steps:
            manifest = manifest.with_step(step.step_id, self._settled(step, manifest))
        manifest = evolve(manifest, status=_status(manifest, state))
        if manifest.status is RunStatus.COMPLETED:
            commit_identities(self.folder, self.pipeline_dir)
        if manifest != self.manifest:
            self._write(manifest)
        return manifest.status

    def let_go(self) -> None:
        """Let another process have the run, when no step is at work any more.

        A step that did not end in time goes on in its thread; what it does does not count.
        """
        with self._guard:
            self._is_left = True
            if not self._calls:
                unlock(self._taken)

    def _settled(self, step: StepDefinition, manifest: Manifest) -> StepState:
        """Return the state of a step when no other will be called."""
        before = manifest.step(step.step_id)
        if before.status is not StepStatus.PENDING:
            return before
        if self.is_absent(step):
            return evolve(before, status=StepStatus.SKIPPED)
        needs = [manifest.step(key).status for key in step.depends_on]
        is_blocked = any(status in _BLOCKING for status in needs)
        return evolve(before, status=StepStatus.BLOCKED) if is_blocked else before

    def _write(self, manifest: Manifest) -> None:
        if self._is_left:
            raise TableRunError(f'run "{manifest.run_id}" is over: what a step does now is lost')
        write_manifest(manifest, self.folder)
        self.manifest = manifest


class FilesOfRun(Mapping[str, AstroFile]):
    """The files of a run by name; each is as it is when it is asked for."""

    def __init__(self, run: TableRun) -> None:
        self._run = run

    def __getitem__(self, name: str) -> AstroFile:
        if name not in self._run.manifest.files:
            raise KeyError(name)
        return self._run.file(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.manifest.files)

    def __len__(self) -> int:
        return len(self._run.manifest.files)


_WORDS = {StepStatus.QUARANTINED: "has rows in quarantine", StepStatus.FAILED: "failed"}
_BLOCKING = (StepStatus.QUARANTINED, StepStatus.FAILED, StepStatus.BLOCKED)


def open_run(
    pipeline_dir: Path, run_id: str, steps: Sequence[StepDefinition], sizes: Sizes
) -> TableRun:
    """Take a run, which no other process or thread can take then.

    Raises
    ------
    Locked
        If another one has it; the text names its process.
    NoTableRun
        If there is no such run.
    """
    find_run(pipeline_dir, run_id)  # nothing is made for one that is not there
    taken = lock(pipeline_dir / WORKING / run_id / LOCK, doing=f"run {run_id}")
    try:
        manifest = find_run(pipeline_dir, run_id)
        store = StatisticsStore(pipeline_dir)
        return TableRun(pipeline_dir, manifest, steps, sizes, store, taken)
    except BaseException:
        unlock(taken)
        raise


def hindrance(manifest: Manifest, steps: Sequence[StepDefinition], step: StepDefinition) -> str:
    """Say what keeps a step from being called; see `TableRun.hindrance`."""
    absent = [name for name in step.file_names if name not in manifest.files]
    if absent:
        return f"not called: {', '.join(absent)} did not come in"
    waits = []
    for other in steps:
        state = manifest.step(other.step_id)
        is_needed = other.step_id in step.depends_on and not state.status.is_done
        if is_needed and not _is_absent(manifest, other):
            waits.append(f"{other.step_id}, which {_WORDS.get(state.status, 'was not called')}")
    return f"waits for {' and '.join(waits)}" if waits else ""


def _is_absent(manifest: Manifest, step: StepDefinition) -> bool:
    return any(name not in manifest.files for name in step.file_names)


def file_of(
    pipeline_dir: Path, manifest: Manifest, name: str, sizes: Sizes, spec: Spec | None = None
) -> AstroFile:
    """Return a file of a run as its manifest says that it is.

    Raises
    ------
    TableRunError
        If it is not in the run.
    """
    state, folder = manifest.files.get(name), pipeline_dir / WORKING / manifest.run_id
    if state is None:
        near = did_you_mean(str(name), manifest.files) or f": {there_are(manifest.files)}"
        raise TableRunError(f'run "{manifest.run_id}" has no file "{name}"{near}')
    file = AstroFile(
        spec or _spec_of(name),
        IngestedFileRecord(**state.record),
        folder,
        folder / state.active_path,
        sizes.large_file_threshold_bytes,
        sizes.run_batch_size,
    )
    file.is_ours = state.is_ours
    file.saved_by = manifest.last_at(name)
    file.others = {
        folder / each.active_path: other for other, each in manifest.files.items() if other != name
    }
    return file


def _status(manifest: Manifest, state: str) -> RunStatus:
    found = {each.status for each in manifest.steps.values()}
    if found & {StepStatus.FAILED, StepStatus.BLOCKED} or state == "failed":
        return RunStatus.FAILED
    if StepStatus.QUARANTINED in found:
        return RunStatus.QUARANTINED
    is_over = state == "ok" and StepStatus.PENDING not in found
    return RunStatus.COMPLETED if is_over else RunStatus.INGESTED


def _spec_of(name: str) -> type[AstroFileSpec]:
    return type("FileSpec", (AstroFileSpec,), {"ingest_name": name})
