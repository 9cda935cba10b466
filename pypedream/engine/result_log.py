"""The record of what the stages of a run gave: ``results.jsonl`` in the folder of the run.

A line a stage: what it was called with, under which key its result is kept and what that is. It is
written before the journal says that the stage has ended, and it stays when the store is pruned. Of
a call that failed there is what it was called with.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field, frozen

from pypedream.engine.calls import Call, call_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FILE = "results.jsonl"


@frozen(repr=False)
class ResultLine:
    """What one stage gave in one run.

    Attributes
    ----------
    state
        "ok", or "reused": it was not called.
    key
        Under which key the result is kept; "" if it could not be.
    identity
        What the result is: equal for equal values.
    run
        The run in which it was computed.
    duration_s
        How long that took.
    call
        What it was called with.
    """

    stage: str
    state: str
    key: str
    identity: str
    run: str
    duration_s: float
    call: Call

    def text(self) -> str:
        """Return the line as it is written."""
        about = {
            "kind": "result",
            "stage": self.stage,
            "state": self.state,
            "key": self.key,
            "identity": self.identity,
            "run": self.run,
            "duration_s": self.duration_s,
            "call": self.call.about(),
        }
        return f"{json.dumps(about)}\n"


@frozen(repr=False)
class FailedCall:
    """A call of a stage that gave nothing."""

    stage: str
    call: Call

    def text(self) -> str:
        """Return the line as it is written."""
        about = {"kind": "call", "stage": self.stage, "call": self.call.about()}
        return f"{json.dumps(about)}\n"


@frozen(repr=False)
class RecordedResults:
    """What the record of a run says of the results.

    Attributes
    ----------
    lines
        From stage to what it gave.
    failed
        From stage to the last call of it that failed.
    unreadable
        In one line what cannot be read, "" if everything can.
    """

    lines: dict[str, ResultLine] = Factory(dict)
    failed: dict[str, Call] = Factory(dict)
    unreadable: str = ""


@define(eq=False, repr=False)
class ResultLog:
    """Appends to the file; may be called from any thread.

    What cannot be written waits for the next line, so that nothing is lost to a passing fault and
    no line is torn.

    Attributes
    ----------
    tell
        Is told once, in one line, that the file cannot be written.
    """

    path: Path
    tell: Callable[[str], object]
    _file: int | None = None
    _waiting: bytes = b""
    _is_told: bool = False
    _lock: Lock = field(default=Factory(Lock), init=False)

    def add(self, lines: Iterable[str]) -> None:
        """Append lines. A record that cannot be written is no reason for a stage to fail."""
        text = "".join(lines)
        with self._lock:
            self._waiting += text.encode()
            self._write()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._write()
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _write(self) -> None:
        try:
            while self._waiting:
                if self._file is None:
                    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                    self._file = os.open(self.path, flags, 0o600)
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]
        except OSError as error:
            if not self._is_told:
                self._is_told = True
                self.tell(f"cannot write {self.path}: {error.strerror or error}")


def recorded_results(folder: Path) -> RecordedResults:
    """Return what is recorded in the folder of a run; a torn line says nothing of its stage."""
    try:
        text = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return RecordedResults()  # nothing was kept
    except OSError as error:
        return RecordedResults(unreadable=f"{FILE} cannot be read: {error.strerror or error}")
    found = list(map(_line, filter(None, text.split(b"\n"))))
    torn = found.count(None)
    return RecordedResults(
        {line.stage: line for line in found if isinstance(line, ResultLine)},
        {line.stage: line.call for line in found if isinstance(line, FailedCall)},
        f"{'1 line' if torn == 1 else f'{torn} lines'} of {FILE} cannot be read" if torn else "",
    )


def latest_results(workspace: str | os.PathLike[str], pipeline: str) -> Iterator[ResultLine]:
    """Yield what the last runs of a pipeline gave, the newest first; a stage may come again."""
    folders = Path(workspace, "runs")
    try:
        names = sorted(os.listdir(folders), reverse=True)
    except OSError:
        return
    found = 0
    for name in names:
        if _pipeline_of(folders / name) == pipeline:
            lines = recorded_results(folders / name).lines
            yield from lines.values()
            found += bool(lines)
            if found == _MOST_RUNS:
                return


_MOST_RUNS = 5


def _line(text: bytes) -> ResultLine | FailedCall | None:
    try:
        values: Mapping[str, Any] = json.loads(text)
        stage, call = str(values["stage"]), call_from(values["call"])
        if values["kind"] == "call":
            return FailedCall(stage, call)
        state, key, identity, run = (
            str(values[name]) for name in ("state", "key", "identity", "run")
        )
        return ResultLine(stage, state, key, identity, run, float(values["duration_s"]), call)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None


def _pipeline_of(folder: Path) -> object:
    try:
        return json.loads((folder / "run.json").read_bytes()).get("pipeline")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
