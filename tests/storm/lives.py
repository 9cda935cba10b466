"""Lives: a pipeline that is run by one process after the other, each killed, until one ends it.

The processes come off one that has imported everything, so that a life costs little more than what
it does. Whoever uses this has no other thread.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from attrs import Factory, define

from pypedream.engine.history import recorded_events, recorded_runs
from pypedream.errors import PypedreamError, StoreError
from pypedream.store import CacheStore
from pypedream.store.disk import _owner_of
from tests.storm.work import calls_in, flow_in

SAID = "said.json"
LONGEST_S = 60.0


@define
class Life:
    """What one process came to.

    Attributes
    ----------
    killed
        Whether it ended by the signal 9.
    said
        What it said at its end: the values, the states of its stages, warnings or an error.
    calls
        The stages that it called.
    """

    pid: int
    killed: bool
    said: dict[str, Any]
    calls: list[str]


@define
class History:
    """The lives of one workspace, and whatever went against what is promised.

    Attributes
    ----------
    executor, mode
        How stages are called, and whether a new process resumes or runs with ``cache="cached"``.
    """

    folder: Path
    executor: str = "serial"
    mode: str = "resume"
    lives: list[Life] = Factory(list)
    violations: list[tuple[str, str]] = Factory(list)
    swept_from: int = 0

    @property
    def workspace(self) -> Path:
        return self.folder / "w"

    def live(
        self,
        stop: Callable[[int], object] | None = None,
        before: Callable[[], Any] | None = None,
        is_damaged: bool = False,
    ) -> Life:
        """Let one process run or resume the pipeline, and look at what it left.

        Parameters
        ----------
        stop
            Is called with the process that has begun, to kill it.
        before
            What that process does first; may return what undoes it.
        is_damaged
            Whether files were damaged, so that what they hold is not looked at.
        """
        done = set() if is_damaged else self.completed()
        was_called = len(calls_in(self.folder))
        (self.folder / SAID).unlink(missing_ok=True)
        pid = fork(lambda: self._work(before))
        if stop is not None:
            stop(pid)
        killed = ended(pid) == -signal.SIGKILL
        calls = [name for name, _ in calls_in(self.folder)[was_called:]]
        life = Life(pid, killed, _read(self.folder / SAID), calls)
        self.lives.append(life)
        if not is_damaged:
            self._check(life, done)
        return life

    def completed(self) -> set[str]:
        """Return the stages of which a journal says that they ended well."""
        found: set[str] = set()
        for run in recorded_runs(self.workspace):
            states = {
                event.stage: (event.data or {}).get("state")
                for event in recorded_events(run)
                if event.kind == "stage.end"
            }
            found.update(str(name) for name, state in states.items() if state == "ok")
        return found

    def _work(self, before: Callable[[], Any] | None) -> None:
        flow = flow_in(self.folder)
        is_first = not recorded_runs(self.workspace)
        run: Any = None
        said: dict[str, Any] = {}
        undo = before() if before is not None else None
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                if self.mode == "resume" and not is_first:
                    run = flow.resume(executor=self.executor)
                else:
                    cache = "off" if self.mode == "resume" else "cached"
                    run = flow.run(seed=2, executor=self.executor, cache=cache)
                said["values"] = {name: _digest(value) for name, value in run.items()}
            except Exception as error:  # noqa: BLE001 - whatever comes is looked at
                run = flow.last_run
                said["error"] = f"{type(error).__name__}: {error}"
                said["trace"] = traceback.format_exc()
                said["is_ours"] = isinstance(error, PypedreamError)
        if undo is not None:
            undo()
        if run is not None:
            said["states"] = {name: stage.state for name, stage in run.stages.items()}
            said["warnings"] = [event.event for event in run.events if event.kind == "warning"]
        said["warned"] = [str(one.message) for one in warned]
        Path(self.folder, SAID).write_text(json.dumps(said))

    def _check(self, life: Life, done: set[str]) -> None:
        allowed = {"hidden"} if self.mode == "cached" else set()
        for name in sorted(done.intersection(life.calls) - allowed):
            self._violated("re-runs of completed stages", name)
        for name in {name for name in life.calls if life.calls.count(name) > 1}:
            self._violated("calls made twice by one process", name)
        for text in (*life.said.get("warnings", ()), *life.said.get("warned", ())):
            if "is not used" in text or "called again" in text:
                self._violated("corrupt reads", text)
        self._check_record(life)
        try:
            self._check_store(life)
        except StoreError as error:
            self._violated("corrupt reads", str(error))

    def _check_record(self, life: Life) -> None:
        runs = recorded_runs(self.workspace)
        for run in runs:
            if run.state not in ("crashed", "ok", "failed"):
                self._violated("dead runs that seem alive", f"{run.id} {run.state}")
        if runs and life.killed and runs[0].state == "failed":
            self._violated("dead runs that seem alive", f"{runs[0].id} failed")

    def _check_store(self, life: Life) -> None:
        store = CacheStore(self.workspace / "store", readonly=True)
        try:
            for one in store.verify():
                if one.state != "ok":
                    self._violated("corrupt reads", f"{one.key}: {one.state}")
            found = [store.get_artifact(key).additional_metadata for key in store]
        finally:
            store.close()
        kept = {about.get("stage") for about in found}
        for name in sorted(self.completed() - kept):
            self._violated("lost completions", name)
        if life.calls or "values" in life.said:  # it came as far as to sweep
            self.swept_from = len(self.lives) - 1
        recent = {life.pid for life in self.lives[self.swept_from :]}
        for path in self.workspace.glob("store/staging/*"):
            owner = _owner_of(path.name)
            if owner is None or owner.pid not in recent:
                self._violated("files left by dead processes", path.name)

    def _violated(self, what: str, detail: str) -> None:
        self.violations.append((what, f"{self.folder.name}, life {len(self.lives)}: {detail}"))


def fork(work: Callable[[], object]) -> int:
    """Do *work* in a process of its own; it prints nothing."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        gc.disable()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - the parent process must not go on here
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(pid: int) -> int:
    """Wait for a process; return its status, or minus the signal that ended it."""
    until = monotonic() + LONGEST_S
    while monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise TimeoutError(f"process {pid} did not end within {LONGEST_S:g} s")


def _digest(value: Any) -> str:
    return sha256(pickle.dumps(value)).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return said
