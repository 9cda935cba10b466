"""The record of a run in a workspace: ``.pypedream/runs/<id>/``.

::

    run.json        what was run: pipeline, parameters, versions, host; written once, at the start
    journal.jsonl   how run and stages went, a line each as it happens; locked while the run lives:
                    a run without an end and with a free journal has crashed
    logs.jsonl      what was printed, logged and warned

All prints go to one file with the stage on every line. A file for each stage would cost more than
many a stage does, and a reader would have to merge them again. For the same reason the lock is
no file of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import define, field

from pypedream.errors import StoreError

if TYPE_CHECKING:
    from pypedream.engine.plan import Plan

JOURNAL = "journal.jsonl"
FAR = 1 << 30
JOURNAL_KINDS = (
    "run.start",
    "run.end",
    "stage.start",
    "stage.end",
    "stage.skip",
    "attempt.start",
    "attempt.end",
)
LOG_KINDS = ("print", "log", "warning", "progress", "artifact", "dropped")
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_run_id() -> str:
    """Return a new id of 26 letters and digits that sorts by time and suits any file system.

    48 bits of Unix time in milliseconds and 80 random bits in Crockford's base 32, as in the
    ULID specification, in lower case.
    """
    from time import time_ns

    number = (time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


@define(eq=False)
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
    def create(cls, workspace: str | os.PathLike[str], run_id: str, plan: Plan) -> RunFolder:
        """Make the folder and write what is to be run.

        Raises
        ------
        StoreError
            If the folder cannot be made or written.
        """
        from pypedream.log.sinks import JsonLinesSink

        path = Path(workspace) / "runs" / run_id
        try:
            _private(Path(workspace))
            _private(path.parent)
            path.mkdir(mode=0o700)
            folder = cls(path)
            folder._lock = _locked(path / JOURNAL)
            _write_once(path / "run.json", _description(run_id, plan))
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(f"cannot write the workspace {workspace}: {reason}") from error
        folder.sinks = [
            JsonLinesSink(path / JOURNAL, kinds=JOURNAL_KINDS),
            JsonLinesSink(path / "logs.jsonl", kinds=LOG_KINDS),
        ]
        return folder

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def is_alive(folder: Path) -> bool:
    """Say whether a living process works on the run that *folder* records."""
    try:
        lock = (folder / JOURNAL).open("r+b" if os.name == "nt" else "rb")
    except OSError:
        return False
    with lock:
        return not _try_lock(lock)


def _private(path: Path) -> None:
    """Make a folder that only its owner may enter; one that is there stays as it is."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _locked(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    lock = os.fdopen(descriptor, "r+b", buffering=0)
    _try_lock(lock)
    return lock


def _try_lock(lock: BinaryIO) -> bool:
    """Lock the file without waiting; the system lets go of it when the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            lock.seek(FAR)  # nobody may read or write what is locked
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _write_once(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file so that a reader finds all of it or nothing."""
    import json

    # An entry a line. With indent= the encoder is ten times slower, and stages may be thousands.
    entries = [f'  "{name}": {json.dumps(content[name], default=str)}' for name in content]
    text = "{\n" + ",\n".join(entries) + "\n}\n"
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _source_of(plan: Plan) -> str:
    """Return the file in which the pipeline was made; "" for a notebook cell."""
    place = plan.blueprint.definition.place
    return place.file if place is not None and os.path.isfile(place.file) else ""


def _description(run_id: str, plan: Plan) -> dict[str, Any]:
    from time import gmtime, strftime

    from pypedream.engine.asked_before import asked_of
    from pypedream.engine.environment import environment
    from pypedream.log.encode import plain

    return {
        "run": run_id,
        "pipeline": plan.pipeline,
        "source": _source_of(plan),
        "started": strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime()),
        "stages": plan.blueprint.order,
        "parameters": plain(plan.parameters.redacted()),
        "selection": str(plan.selection),
        "asked": asked_of(plan),
        "skipped": plan.skipped,
        **environment(),
        "pid": os.getpid(),
    }
