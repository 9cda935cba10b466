"""The view of a run under the cell that started it: small while it goes on, foldable at its end.

The run knows nothing of it. A thread looks at the run a few times a second, so a run with a view
costs what one without costs.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import copy_context
from threading import Event as Signal
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, evolve

from pypedream.log.encode import FAILURES
from pypedream.places import running_kernel
from pypedream.view.bundle import HTML, PLAIN, mimebundle
from pypedream.view.cells import PLACE, CellOutput, Output, present_cell
from pypedream.view.live import live_frame, run_state
from pypedream.view.tags import tag

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pypedream.engine.run import Run
    from pypedream.engine.runs import Runs

__all__ = ["LiveView", "begin", "begin_sweep", "is_shown_here"]

PERIOD_S = 0.25
IDLE_S = 1.0
FIRST_S = 0.1
LONGEST_WAIT_S = 2.0
PATIENCE = 10
"""A frame is composed no more often than takes one in so many parts of the time."""
MOST_IN_CELL = 3


class Subject(Protocol):
    """What a view shows."""

    def frame(self) -> tuple[Hashable, dict[str, str]]:
        """Return what is shown while it goes on, and what is equal if nothing in it is new."""

    def last(self) -> dict[str, str]:
        """Return what is shown at the end."""


class LiveView:
    """What is shown of one subject in one output of a cell, from its start to its end."""

    def __init__(self, subject: Subject, output: Output) -> None:
        self.output = output
        self._subject = subject
        self._closing, self._lock = Signal(), Lock()
        self._is_over = False
        self._last: dict[str, str] = {}
        # Under a copy of the context: the kernel then knows which cell it belongs to.
        self._thread = Thread(
            target=copy_context().run, args=(self._show_on,), name="pypedream-view", daemon=True
        )

    def begin(self, *, at_once: bool) -> LiveView:
        """Begin to show; return the view.

        Parameters
        ----------
        at_once
            Whether a frame is shown before this returns: the cell may be over soon. Otherwise
            what is over within a tenth of a second shows its end only.
        """
        if at_once:
            self._show(self._composed()[1])
        if self.output.is_live:
            with suppress(RuntimeError):  # no more threads, or none at all: only the end is shown
                self._thread.start()
        return self

    def end(self) -> None:
        """Show the end in place of all that was shown."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(LONGEST_WAIT_S)
        try:
            self._last = self._subject.last()
        except FAILURES as error:
            self._last = _excuse(error)
        self._show(self._last, is_last=True)

    def repeat(self) -> None:
        """Show the end again from the cell that waited for it.

        Who saves a notebook that runs without a page, as nbconvert does, hears a cell only as long
        as that is run: the end of what goes on in the background would be lost.
        """
        cell = self.output.cell  # a form has a place of its own and no cell
        if self._last and cell and cell != present_cell(running_kernel()):
            self.output.show(self._last)

    def _show_on(self) -> None:
        shown, shown_s, wait_s = None, 0.0, FIRST_S
        while not self._closing.wait(wait_s):
            begun_s = monotonic()
            key, bundle = self._composed()
            if key != shown or begun_s - shown_s >= IDLE_S:
                self._show(bundle)
                shown, shown_s = key, begun_s
            wait_s = min(max(PERIOD_S, PATIENCE * (monotonic() - begun_s)), LONGEST_WAIT_S)

    def _composed(self) -> tuple[Hashable, dict[str, str]]:
        try:
            return self._subject.frame()
        except FAILURES as error:
            return None, _excuse(error)

    def _show(self, bundle: dict[str, str], *, is_last: bool = False) -> None:
        with self._lock:
            if self._is_over:
                return  # the thread was late
            self._is_over = is_last
            self.output.show(bundle)


def _excuse(error: BaseException) -> dict[str, str]:
    """Return what is shown where nothing can be: the run goes on, and the reason is to be seen."""
    return {PLAIN: f"the view could not be drawn: {type(error).__name__}: {error}"}


@define
class _RunSubject:
    """A run, as it is shown under its cell; *note* says what is not shown."""

    run: Run
    note: str = ""

    def frame(self) -> tuple[Hashable, dict[str, str]]:
        run = self.run
        state = run_state(run)
        ended, total = run.count_ended(), len(run.plan.blueprint.order)
        text = f"{run.pipeline}: {run.state}, {ended} of {total} stages ended"
        return evolve(state, elapsed_s=None), {PLAIN: text, HTML: live_frame(state)}

    def last(self) -> dict[str, str]:
        bundle = mimebundle(self.run)
        if self.note:
            bundle[HTML] += tag("div", self.note)
        return bundle


@define
class _RunsSubject:
    """The runs of a sweep, as they are shown under its cell."""

    runs: Runs

    def frame(self) -> tuple[Hashable, dict[str, str]]:
        return tuple(row.state for row in self.runs.rows), self.last()

    def last(self) -> dict[str, str]:
        return mimebundle(self.runs)


def begin(run: Run, *, at_once: bool) -> LiveView | None:
    """Show a run under the present cell; None if there is no cell.

    Of many runs in one cell the first few have views of their own, and all others one together,
    which shows the last of them.
    """
    shell = running_kernel()
    if shell is None:
        return None
    subject = _RunSubject(run)
    output = PLACE.get()
    if output is None:
        output = CellOutput(shell) if at_once else _output_for(shell, subject)
    return LiveView(subject, output).begin(at_once=at_once)


def begin_sweep(runs: Runs) -> LiveView | None:
    """Show the runs of a sweep under the present cell; None if there is no cell."""
    shell = running_kernel()
    if shell is None:
        return None
    return LiveView(_RunsSubject(runs), CellOutput(shell)).begin(at_once=False)


def is_shown_here(view: LiveView | None) -> bool:
    """Say whether a view is shown under the present cell."""
    shell = running_kernel()
    if view is None or shell is None or not view.output.is_there:
        return False
    return bool(view.output.cell) and view.output.cell == present_cell(shell)


_of_cell: list[CellOutput] = []
"""The outputs of the present cell."""


def _output_for(shell: Any, subject: _RunSubject) -> CellOutput:
    """Return a new output, or the last one of the cell when it has enough of them."""
    output = CellOutput(shell)
    if not output.cell or any(one.cell != output.cell for one in _of_cell):
        _of_cell.clear()
    if len(_of_cell) < MOST_IN_CELL:
        _of_cell.append(output)
        return output
    last = _of_cell[-1]
    last.shared += 1
    count = MOST_IN_CELL + last.shared
    subject.note = f"run {count} of this cell; from run {MOST_IN_CELL} on they share this view"
    return last
