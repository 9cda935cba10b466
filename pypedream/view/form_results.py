"""What became of a form's buttons, in one output of a notebook that is replaced in its place.

What a button prints has no cell to appear in: JupyterLab shows it in its log. So the output is
made when the form is shown, and all that comes later is put into it, the view of a run as well.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import Context, copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any

from pypedream._extras import need
from pypedream.view.cells import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.engine.handle import RunHandle

EMPTY = {"text/plain": "", "text/html": "<div></div>"}


class Results:
    """One output of a notebook; what `pypedream.view.cells.CellOutput` is to a cell.

    Parameters
    ----------
    moved
        Called when something else is shown, from any thread.

    Attributes
    ----------
    shown
        What it shows, by type.
    waiter
        The thread that waits for the end of the last run.
    """

    cell = ""
    is_live = True
    is_there = False

    def __init__(self, moved: Callable[[], object]) -> None:
        display = need("IPython.display", extra="notebook", for_="a form")
        self._handle: Any = display.DisplayHandle()
        self._context: Context = copy_context()
        self._moved = moved
        self.shown: Mapping[str, str] = EMPTY
        self.waiter: Thread | None = None

    def place(self) -> None:
        """Make the output here, with what it shows now."""
        self._context = copy_context()  # ipykernel sends there what is displayed
        self._handle.display(dict(self.shown), raw=True)

    def show(self, bundle: Mapping[str, str]) -> None:
        """Replace what is shown."""
        self.shown = bundle
        self._handle.update(dict(bundle), raw=True)
        self._moved()

    def started(self, start: Callable[[], RunHandle], ended: Callable[[], object]) -> RunHandle:
        """Start a run that is shown here.

        Parameters
        ----------
        ended
            Called when the run is over, from another thread.
        """
        return self._context.copy().run(self._started, start, ended)

    def _started(self, start: Callable[[], RunHandle], ended: Callable[[], object]) -> RunHandle:
        PLACE.set(self)
        handle = start()

        def wait() -> None:
            with suppress(BaseException):  # how it ended is shown
                handle.wait()
            ended()

        self.waiter = Thread(target=wait, name="pypedream-form", daemon=True)
        self.waiter.start()
        return handle
