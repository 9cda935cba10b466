"""Sweep: carry out many runs of one pipeline as one batch, one by one or several at a time.

The thread that asked for the sweep plans each run when its turn comes, so that what the runs before
it kept is taken over, and takes in how it ended; with *at_once* the runs themselves are in threads
of their own. Of a run that is over only what its row of the table shows is held, as long as the
workspace has the rest.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream import context
from pypedream._lazy import view
from pypedream.engine.batch import Batch
from pypedream.engine.carry_out import Launch, is_viewed
from pypedream.engine.interrupts import interrupts_told
from pypedream.engine.options import ENVIRONMENT
from pypedream.engine.record import new_run_id
from pypedream.engine.request import request_of
from pypedream.engine.reuse import LOOKS
from pypedream.engine.runs import FAILED, Runs
from pypedream.engine.sweep_check import (
    Asking,
    check_at_once,
    checked,
    no_points,
    point_text,
    read_points,
    wanted_results,
)
from pypedream.engine.sweep_rows import settle, shown_values, started
from pypedream.log.durations import duration_text
from pypedream.log.ended import add_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pypedream.engine.options import Options
    from pypedream.engine.plan import Plan
    from pypedream.engine.problem import Problem
    from pypedream.engine.run import Run
    from pypedream.engine.runs import RunRow
    from pypedream.pipeline import Pipeline

LOOK_UP_S = 0.5
GRACE_S = 10.0
"""How long the runs that are under way may take to end after the first Ctrl-C."""
HURRY_S = 1.0
"""How long after the second."""


def sweep(
    pipeline: Pipeline,
    points: Any,
    at_once: int,
    results: str | Iterable[str] | None,
    request: Mapping[str, Any],
) -> Runs:
    """Carry out a run for each point.

    Raises
    ------
    PlanError
        If anything is wrong with any of them; nothing was called then.
    Exception
        What ended the sweep early.
    """
    __tracebackhide__ = True
    if points is None:
        raise no_points(pipeline.name, request_of(None, request).values)
    base = pipeline.blueprint
    problems: list[Problem] = []
    listed = read_points(points, problems)
    wanted = wanted_results(results, base, problems)
    problems += check_at_once(at_once)
    asking = Asking(listed, base, request, _own_options(pipeline))
    names = checked(asking, problems, are_apart=at_once == 1)
    runs = Runs(pipeline.name, names=names, wanted=wanted, id=new_run_id(), of=len(listed))
    pipeline.last_runs = runs
    carried_out = _Sweep(pipeline, asking, at_once, runs, asking.options)
    carried_out.carry_out()
    error = carried_out.error
    if error is not None:
        raise error
    return runs


def _own_options(pipeline: Pipeline) -> dict[str, Any]:
    """Return the options of a pipeline; a sweep goes on after a failure if nobody says else."""
    usual = {} if os.environ.get(f"{ENVIRONMENT}ON_ERROR") else {"on_error": "continue"}
    return {**usual, **pipeline.options}


@define(eq=False)
class _Sweep:
    """One sweep while it is carried out.

    Attributes
    ----------
    options
        Those that hold for all runs.
    error
        What the caller is to see raised.
    """

    pipeline: Pipeline
    asking: Asking
    at_once: int
    runs: Runs
    options: Options
    error: BaseException | None = None
    _is_stopping: bool = False
    _has_failed: bool = False
    _deadline: float | None = None
    _under_way: dict[int, tuple[Launch, RunRow]] = Factory(dict)
    _done: SimpleQueue[tuple[int, BaseException | None] | None] = Factory(SimpleQueue)

    def carry_out(self) -> None:
        """Carry out the runs; what ended the sweep early is in *error*."""
        if is_viewed(self.options):
            self.runs.view = view("notebook").begin_sweep(self.runs)
        try:
            with interrupts_told(self._interrupt):
                if self.at_once == 1:
                    self._one_by_one()
                else:
                    self._side_by_side()
        except BaseException as error:  # noqa: BLE001 - it is raised when all is in order
            self.error = self.error or error
        for row in self.runs.rows:
            if row.state == "running":  # it could not be taken in
                row.state = row.open().state
        if self.error is not None:
            self._explain(self.error)
        if self.runs.view is not None:
            self.runs.view.end()

    def _one_by_one(self) -> None:
        for index in range(len(self.asking.points)):
            plan = self._plan(index)
            if self._is_stopping:
                return
            launch, row = self._launch(index, plan)
            error = None
            try:
                launch.carry_out()
            except BaseException as raised:  # noqa: BLE001 - the engine's own, or Ctrl-C at the end
                error = raised
            del self._under_way[index]
            self._take_in(index, launch, row, error)

    def _side_by_side(self) -> None:
        waiting = iter(range(len(self.asking.points)))
        is_left = True
        while True:
            try:
                while is_left and not self._is_stopping and len(self._under_way) < self.at_once:
                    index = next(waiting, None)
                    is_left = index is not None
                    if index is not None:
                        self._start(index)
                if self._is_too_late():
                    self._give_up()
                if not self._under_way:
                    return
                self._wait()
            except KeyboardInterrupt:  # from a handler of the user's
                self._interrupt()
            except BaseException as error:  # noqa: BLE001 - those under way are not to be left
                self._stop(error)

    def _plan(self, index: int) -> Plan:
        progress: dict[str, Any] = {}
        if self.at_once > 1 and self.options.progress:
            progress["progress"] = None  # of several runs nobody would know which is meant
        return self.asking.plan(self.asking.points[index], **progress)

    def _launch(self, index: int, plan: Plan) -> tuple[Launch, RunRow]:
        runs = self.runs
        values = shown_values(plan.parameters, runs.names)
        batch = Batch(runs.id, index, len(self.asking.points), values)
        launch = Launch(plan, self.pipeline, None, batch)
        self.pipeline.last_run = launch.run
        row = started(launch.run, values)
        runs.rows.append(row)
        self._under_way[index] = launch, row
        if self._is_stopping:  # Ctrl-C came in between
            launch.interrupt()
        return launch, row

    def _start(self, index: int) -> None:
        """Let a thread carry out a run, or do it here if none is to be had."""
        from threading import Thread

        plan = self._plan(index)
        if self._is_stopping:
            return
        launch, _ = self._launch(index, plan)
        work = partial(context.copy().run, self._work, index, launch)
        try:
            Thread(target=work, name=f"pypedream-run-{index + 1}", daemon=True).start()
        except RuntimeError:
            work()

    def _work(self, index: int, launch: Launch) -> None:
        error = None
        try:
            launch.carry_out()
        except BaseException as raised:  # noqa: BLE001 - whoever waits for it decides
            error = raised
        self._done.put((index, error))

    def _wait(self) -> None:
        try:
            said = self._done.get(timeout=LOOK_UP_S)
        except Empty:
            return
        if said is not None:
            index, error = said
            launch, row = self._under_way.pop(index)
            self._take_in(index, launch, row, error)

    def _take_in(
        self, index: int, launch: Launch, row: RunRow, error: BaseException | None
    ) -> None:
        """Take in how a run ended, and decide whether the sweep goes on."""
        run = launch.run
        is_first_failure = run.state != "ok" and not self._has_failed
        self._has_failed = self._has_failed or is_first_failure
        settle(row, run, self.runs, is_held=is_first_failure)
        self._say(index, run)
        if error is not None:
            self._stop(error)
        elif run.state != "ok":
            from pypedream.engine.failure import raised_by

            raised = raised_by(run)
            is_fatal = not isinstance(raised, Exception) or self.options.on_error == "stop"
            if raised is not None and is_fatal:
                self.pipeline.last_run = run  # what resume() goes on from
                self._stop(raised)

    def _stop(self, error: BaseException) -> None:
        """Start no new run; the first error is the one to be raised."""
        self._is_stopping = True
        self.error = self.error or error

    def _interrupt(self) -> None:
        """Start no new run, and let those under way end, as after Ctrl-C; a handler may call it."""
        launches = [launch for launch, _ in [*self._under_way.values()]]
        if self._deadline is None:
            self._deadline = monotonic() + GRACE_S
            self._stop(KeyboardInterrupt())
            for launch in launches:
                launch.interrupt()
            if self.at_once > 1 and launches and self.options.progress is not False:
                runs = "1 run" if len(launches) == 1 else f"{len(launches)} runs"
                _show(
                    f"interrupted: waiting up to {GRACE_S:g} s for {runs}; once more to leave now"
                )
        elif self.at_once == 1:
            raise KeyboardInterrupt  # what is between two runs takes too long
        else:
            self._deadline = min(self._deadline, monotonic() + HURRY_S)
            for launch in launches:
                launch.hurry()
        self._done.put(None)

    def _is_too_late(self) -> bool:
        return self._deadline is not None and monotonic() > self._deadline

    def _give_up(self) -> None:
        """Complete the runs that did not end in time."""
        while self._under_way:
            index, (launch, row) = self._under_way.popitem()
            launch.give_up()
            self._take_in(index, launch, row, None)

    def _say(self, index: int, run: Run) -> None:
        """Show a line for a run that ended, if progress is asked for."""
        if not self.options.progress or self.runs.view is not None:
            return
        points = self.asking.points
        shown = point_text(points[index], self.asking.base)
        took = duration_text(run.duration_s)
        _show(f"{index + 1}/{len(points)}  {shown}: {run.state} in {took}")

    def _explain(self, error: BaseException) -> None:
        """Note on the exception how far the sweep came, and how to go on."""
        done = sum(row.state in ("ok", *FAILED) for row in self.runs.rows)
        said = (
            f"the sweep ended early: {done} of {len(self.asking.points)} runs are done, see"
            " pipeline.last_runs"
        )
        if self.options.workspace is not None:
            how = "" if self.options.cache in LOOKS else ' with cache="cached"'
            said += f"; to go on, call map_runs again{how}"
        add_note(error, said)


def _show(line: str) -> None:
    """Write a line to the console, beneath what captures it."""
    from pypedream.log.console import present_stream
    from pypedream.log.terminal import Screen, visible

    stream = present_stream("stderr")
    if stream is not None:
        with suppress(OSError, ValueError):  # nobody can see it, and the runs go on
            Screen(stream).write(f"{visible(line)}\n")
