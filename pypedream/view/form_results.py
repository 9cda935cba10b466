"""What became of a form's buttons, in one output of a notebook that is replaced in its place.

What a button prints has no cell to appear in: JupyterLab shows it in its log. So the output is
made when the form is shown, and all that comes later is put into it.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import Context, copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from pypedream._extras import need
from pypedream.view.html import to_html
from pypedream.view.live import live_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.engine.handle import RunHandle

T = TypeVar("T")

EVERY_S = 0.25
"""Between two frames: a browser takes far longer to show one than it takes to make."""


class Results:
    """One output of a notebook.

    Attributes
    ----------
    context
        That of the cell in which the output was made: ipykernel sends there what is displayed.
    shown
        What it shows, by type.
    """

    def __init__(self) -> None:
        display = need("IPython.display", extra="notebook", for_="a form")
        self.context: Context = copy_context()
        self._handle: Any = display.DisplayHandle()
        self.shown = {"text/plain": "", "text/html": ""}

    def place(self) -> None:
        """Make the output here, with what it shows now."""
        self.context = copy_context()
        self._handle.display(self.shown, raw=True)

    def show(self, html: str, text: str) -> None:
        """Replace what is shown."""
        self.shown = {"text/plain": text, "text/html": html}
        self._handle.update(self.shown, raw=True)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function as if it was called in the cell of the output."""
        return self.context.copy().run(function, *arguments)


def follow(handle: RunHandle, results: Results, ended: Callable[[], None]) -> Thread:
    """Show how far a run is until it is over, then all of it; returns at once.

    Parameters
    ----------
    ended
        Called when the run is over, from another thread.

    Returns
    -------
    That thread, which has been started.
    """

    def work() -> None:
        try:
            while not _is_over(handle):
                results.show(live_frame(handle.run), repr(handle))
            results.show(to_html(handle.run), repr(handle.run))
        finally:
            ended()

    # in a thread of its own context, or what it shows would appear under a later cell
    thread = Thread(target=results.call, args=(work,), name="pypedream-form", daemon=True)
    thread.start()
    return thread


def _is_over(handle: RunHandle) -> bool:
    """Wait a moment for the end of a run; how it ended is shown and not raised."""
    with suppress(BaseException):
        handle.wait(EVERY_S)
    return handle.done
