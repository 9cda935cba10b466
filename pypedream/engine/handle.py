"""RunHandle: a run that goes on in a thread while the caller does something else."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

from pypedream import context
from pypedream.engine.run import GRACE_S

if TYPE_CHECKING:
    from pypedream.engine.carry_out import Launch
    from pypedream.engine.run import Run

__all__ = ["RunHandle"]


class RunHandle:
    """A run that was started and goes on by itself; `wait` for it, or do without.

    The process waits at its end for runs that go on. A stage that makes a pool of threads fails
    then, as Python makes none any more: a script should `wait` itself.

    Attributes
    ----------
    run
        The run, with what there is of its results.
    """

    def __init__(self, launch: Launch) -> None:
        self.run: Run = launch.run
        self._launch = launch
        self._error: BaseException | None = None
        self._is_done = Event()

    def __repr__(self) -> str:
        run = self.run
        state = "paused" if run.is_paused else run.state
        ended, total = run.count_ended(), len(run.plan.blueprint.order)
        stages = "stage has" if total == 1 else "stages have"
        return f"<run {run.id} of {run.pipeline!r}: {state}, {ended} of {total} {stages} ended>"

    def _ipython_display_(self) -> None:
        """Show nothing under the cell where the run is shown already."""
        self.run._ipython_display_()

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self._is_done.is_set()

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until the run is over; return it, or raise what `Pipeline.run` would raise.

        Ctrl-C, or a notebook's stop button, ends the wait and not the run.

        Parameters
        ----------
        timeout
            Seconds; None waits as long as it takes.

        Raises
        ------
        TimeoutError
            If the run is not over by then. It goes on.
        """
        __tracebackhide__ = True
        try:
            is_over = self._is_done.wait(timeout)
        except KeyboardInterrupt as stop:
            from pypedream.engine.failure import explain_stop

            explain_stop(self.run, stop.with_traceback(None))  # where it waited is of no use
            raise
        if not is_over:
            raise TimeoutError(f"run {self.run.id} is not over after {timeout:g} s; it goes on")
        if self.run.view is not None:
            self.run.view.repeat()
        error = self._error
        if error is None and self.run.state != "ok":
            from pypedream.engine.failure import raised_by

            error = raised_by(self.run)
        if error is not None:
            raise error
        return self.run

    def cancel(self, *, grace_s: float | None = GRACE_S) -> None:
        """Begin no further stage or item; see `Run.cancel`."""
        self.run.cancel(grace_s=grace_s)

    def pause(self) -> None:
        """Begin no further stage or item until `unpause`; see `Run.pause`."""
        self.run.pause()

    def unpause(self) -> None:
        """Let the run go on after a pause."""
        self.run.unpause()

    def start(self) -> None:
        """Start the thread of the run."""
        import concurrent.futures.thread  # noqa: F401 - cannot be loaded when the process ends

        run = context.copy().run
        Thread(target=run, args=(self._work,), name="pypedream-run").start()

    def _work(self) -> None:
        try:
            self._launch.carry_out()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            self._error = error
        finally:
            self._is_done.set()
