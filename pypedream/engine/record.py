"""The record of a run in a workspace: ``.pypedream/runs/<id>/``.

::

    run.json        what was run: pipeline, parameters, versions, host; written once, at the start,
                    when all is there that is needed to resume: a folder without it is no run
    journal.jsonl   how run and stages went, a line each as it happens; locked while the run lives:
                    a run without an end and with a free journal has crashed
    logs.jsonl      what was printed, logged, warned and displayed
    displays/       what that looks like, a file each; only if there is any

All prints go to one file with the stage on every line. A file for each stage would cost more than
many a stage does, and a reader would have to merge them again. For the same reason the lock is
no file of its own.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import define, field

from pypedream.errors import StoreError, WorkspaceError
from pypedream.log.redaction import Redactor
from pypedream.places import from_here
from pypedream.store.file_lock import lock, try_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.engine.batch import Batch
    from pypedream.engine.plan import Plan

JOURNAL = "journal.jsonl"
DESCRIPTION = "run.json"
JOURNAL_KINDS = (
    "run.start",
    "run.end",
    "stage.start",
    "stage.end",
    "stage.skip",
    "attempt.start",
    "attempt.end",
    "items",
)
LOG_KINDS = ("print", "log", "warning", "display", "progress", "artifact", "dropped")
DISPLAYS = "displays"
_BEGUN_S = 60
_RECENT = 20
_LENGTH = 26
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_run_id() -> str:
    """Return a new id of 26 letters and digits that sorts by time and suits any file system.

    48 bits of Unix time in milliseconds and 80 random bits in Crockford's base 32, as in the
    ULID specification, in lower case.
    """
    from time import time_ns

    number = (time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


_SWEPT: set[Path] = set()
"""Where this process has looked for folders of runs that never started: once is enough."""


@define(eq=False, repr=False)
class RunFolder:
    """The folder of one run while it is being written.

    Attributes
    ----------
    path
        The folder.
    sinks
        Where the events of the run go.
    """

    path: Path
    sinks: list[Any] = field(factory=list)
    _lock: BinaryIO | None = None

    @classmethod
    def create(cls, workspace: str | os.PathLike[str], run_id: str) -> RunFolder:
        """Make the folder; remove some that were begun by processes that are gone.

        Raises
        ------
        WorkspaceError
            If the folder cannot be made or written.
        """
        from pypedream.log.sinks import JsonLinesSink

        path = Path(workspace) / "runs" / run_id
        folder = cls(path)
        with folder._told():
            _private(Path(workspace))
            _private(path.parent)
            path.mkdir(mode=0o700)
            folder._lock = _locked(path / JOURNAL)
        runs = path.parent.absolute()
        if runs not in _SWEPT:
            _SWEPT.add(runs)
            _sweep(runs)
        folder.sinks = [
            JsonLinesSink(path / JOURNAL, kinds=JOURNAL_KINDS),
            JsonLinesSink(path / "logs.jsonl", kinds=LOG_KINDS),
        ]
        return folder

    def describe(self, plan: Plan, batch: Batch | None = None) -> None:
        """Write what is to be run; from now on the run is in the history.

        Parameters
        ----------
        batch
            Which runs it belongs to.

        Raises
        ------
        WorkspaceError
            If it cannot be written.
        """
        with self._told():
            hide = Redactor(plan.parameters.secrets()).text
            _write_once(self.path / DESCRIPTION, _description(self.path.name, plan, batch), hide)

    def remove(self) -> None:
        """Remove the folder of a run that does not start."""
        self.close()
        with suppress(OSError):  # the next runs try it again
            _remove(self.path)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn a failure of the file system into one line that names the workspace."""
        try:
            yield
        except OSError as error:
            self.remove()
            workspace, reason = from_here(self.path.parent.parent), error.strerror or str(error)
            raise WorkspaceError(f"cannot write the workspace {workspace}: {reason}") from error

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def is_alive(folder: Path) -> bool:
    """Say whether a living process works on the run that *folder* records.

    Raises
    ------
    StoreError
        If nobody can tell, as its file system has no locks.
    """
    path = folder / JOURNAL
    try:
        journal = path.open("r+b" if os.name == "nt" else "rb")
    except OSError:
        return False
    with journal:
        try:
            return not try_lock(journal.fileno(), is_shared=True)
        except OSError as error:
            what = f"cannot tell whether run {folder.name} goes on"
            raise StoreError(f"{what}: {path} cannot be locked: {error.strerror}") from error


def _sweep(runs: Path) -> None:
    """Remove recent folders of runs that never started, as a killed process leaves them."""
    with suppress(OSError):  # another process removes the same, or the disk fails
        for name in sorted(os.listdir(runs))[-_RECENT:]:
            if not os.path.exists(f"{runs}/{name}/{DESCRIPTION}") and _never_started(runs / name):
                _remove(runs / name)


def _never_started(path: Path) -> bool:
    """Say whether nothing has happened in a run; one that was just made may not be locked yet."""
    from time import time

    journal = path / JOURNAL
    if journal.exists() and journal.stat().st_size:
        return False
    is_run = len(path.name) == _LENGTH and set(path.name) <= set(_DIGITS)
    return is_run and path.stat().st_mtime < time() - _BEGUN_S and not is_alive(path)


def _remove(path: Path) -> None:
    from shutil import rmtree  # heavy, and seldom needed

    rmtree(path)


def _private(path: Path) -> None:
    """Make a folder that only its owner may enter; one that is there stays as it is."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _locked(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    journal = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        lock(descriptor)  # who looks whether the run lives has it for a moment
    except BaseException:
        journal.close()
        raise
    return journal


def _write_once(path: Path, content: dict[str, Any], hide: Callable[[str], str]) -> None:
    """Write a JSON file so that a reader finds all of it or nothing, and no secret."""
    import json

    # An entry a line. With indent= the encoder is ten times slower, and stages may be thousands.
    entries = [f'  "{name}": {json.dumps(content[name], default=str)}' for name in content]
    text = hide("{\n" + ",\n".join(entries) + "\n}\n")
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _source_of(plan: Plan) -> str:
    """Return the file in which the pipeline was made; "" for a notebook cell."""
    place = plan.blueprint.definition.place
    return place.file if place is not None and os.path.isfile(place.file) else ""


def _description(run_id: str, plan: Plan, batch: Batch | None) -> dict[str, Any]:
    from time import gmtime, strftime

    from pypedream.engine.asked_before import asked_of
    from pypedream.engine.environment import environment
    from pypedream.log.encode import plain

    parameters = plain(plan.parameters.redacted())
    return {
        "run": run_id,
        "pipeline": plan.pipeline,
        "source": _source_of(plan),
        "started": strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime()),
        "stages": plan.blueprint.order,
        "needs": {key: wired.needs for key, wired in plan.blueprint.wiring.wires.items()},
        "parameters": parameters,
        "selection": str(plan.selection),
        "asked": asked_of(plan),
        "skipped": plan.skipped,
        **({} if batch is None else {"batch": _batch_data(batch, parameters)}),
        **environment(),
        "pid": os.getpid(),
    }


def _batch_data(batch: Batch, parameters: dict[str, Any]) -> dict[str, Any]:
    point = {}
    for name in batch.point:
        value: Any = parameters
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        point[name] = value
    return {"id": batch.id, "point": point, "index": batch.index, "of": batch.of}
