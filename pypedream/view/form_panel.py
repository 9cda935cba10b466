"""Panel: a form on the screen, with its buttons and, below it, what became of them."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from pypedream._extras import need
from pypedream.errors import PypedreamError
from pypedream.view.fields import HIDDEN
from pypedream.view.form_entries import DIM, FAINT, WRONG, Row, rows_of
from pypedream.view.form_results import Results
from pypedream.view.html import to_html
from pypedream.view.quiet import Quiet
from pypedream.view.tags import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.engine.handle import RunHandle
    from pypedream.view.filled import Filled
    from pypedream.view.form import Form

_CODE = "white-space:pre-wrap;font:12px/1.5 var(--jp-code-font-family,monospace);margin:0"


class Panel:
    """The widgets of one form; showing it twice shows the same ones.

    Parameters
    ----------
    form
        What is filled in. It is kept up to date, and asked what to do.
    """

    def __init__(self, form: Form) -> None:
        widgets = need("ipywidgets", extra="notebook", for_="a form")
        self.form = form
        self.results = Results(self.tell)
        self.rows: list[Row] = rows_of(form.fields)
        self._handle: RunHandle | None = None
        self._is_stopping = False
        self.run_button = widgets.Button(
            description="Run", icon="play", button_style="primary", tooltip="run with these values"
        )
        self.plan_button = widgets.Button(description="Plan", tooltip="say what a run would do")
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self._title, self._said = widgets.HTML(), widgets.HTML()
        self._lock, self._quiet = Lock(), Quiet()
        buttons = widgets.HBox([self.run_button, self.plan_button, self.stop_button])
        self.box = widgets.VBox([self._title, *(row.box for row in self.rows), buttons, self._said])
        self._listen()
        self.refresh()

    def _listen(self) -> None:
        for row in self.rows:
            row.listen(self._enter)
        self.run_button.on_click(lambda _: self._begin(self._run))
        self.plan_button.on_click(lambda _: self._begin(self._plan))
        self.stop_button.on_click(lambda _: self._stop())

    def display(self) -> None:
        """Show the form here, and below it the results."""
        need("IPython.display", extra="notebook", for_="a form").display(self.box)
        self.results.place()

    def refresh(self) -> None:
        """Say of each field what is wrong, and which buttons can be used."""
        with self._lock:  # somebody may enter something at the moment when a run ends
            now = self.form.filled()
            for row in self.rows:
                row.say(now.mistakes.get(row.field.name, ""))
            self._said.value = self._saying(now)
            is_busy = self._is_running or self._quiet.is_awaited
            self.run_button.disabled = self.plan_button.disabled = is_busy or not now.is_ready
            self.stop_button.disabled = not self._is_running or self._is_stopping
        self.tell()

    def tell(self) -> None:
        """Say beside the name how far the run is.

        The results say more. But once the page was reloaded, the form still works and they stay
        as they were: they were made for the page before.
        """
        name = tag("b", self.form.pipeline.name)
        self._title.value = joined(name, " ", tag("span", self._how_far(), style=FAINT))

    @property
    def _is_running(self) -> bool:
        return self._handle is not None and not self._handle.done

    def _how_far(self) -> str:
        handle = self._handle
        if handle is None:
            return ""
        if handle.done:
            return repr(handle.run).partition("\n")[0].partition(": ")[2]
        if self._is_stopping:
            return "stopping: what runs comes to its end, nothing new is begun"
        ended, total = handle.run.count_ended(), len(handle.run.plan.blueprint.order)
        return f"running: {ended} of {total} stages ended"

    def _saying(self, now: Filled) -> Html:
        """Return what keeps the buttons from being used, else the code for the same."""
        if now.refused:
            return tag("span", "\n".join(now.refused), style=WRONG)
        if now.missing:
            return tag("span", f"to be filled in: {', '.join(now.missing)}", style=DIM)
        return _in_code(self.form.code) if now.is_ready else Html()

    def _enter(self, name: str, value: Any) -> None:
        self.form.entered[name] = value
        self._quiet.disturb()
        self.refresh()

    def _begin(self, action: Callable[[], None]) -> None:
        """Begin what a button is for, when all that was entered before it has come."""
        if not (self._is_running or self._quiet.is_awaited):  # else it was clicked twice
            self._quiet.call(lambda: self._act(action))
            self.refresh()

    def _act(self, action: Callable[[], None]) -> None:
        """Do what a button is for; what goes wrong is shown with the results."""
        try:
            if self.form.is_outdated:
                self._say_below("the pipeline was defined anew: run this cell again")
            elif self.form.filled().is_ready:
                action()
        except Exception as error:  # noqa: BLE001 - there is no cell under which it would be shown
            is_ours = isinstance(error, PypedreamError)
            self._say_below(str(error) if is_ours else f"{type(error).__name__}: {error}")
        self.refresh()

    def _say_below(self, text: str) -> None:
        html = tag("pre", text, style=WRONG)
        self.results.show({"text/plain": text, "text/html": html})

    def _run(self) -> None:
        self._is_stopping = False
        # below the form a run is shown also where runs are not to be shown under their cells
        start = partial(self.form.start, progress=True)
        self._handle = self.results.started(start, self.refresh)
        for row, field in zip(self.rows, self.form.fields, strict=True):
            if field.kind == HIDDEN:  # what was entered has been taken
                row.reset(field)

    def _plan(self) -> None:
        plan = self.form.plan()
        self.results.show({"text/plain": str(plan), "text/html": to_html(plan)})

    def _stop(self) -> None:
        if self._handle is not None:
            self._is_stopping = True
            self._handle.cancel()
            self.refresh()


def _in_code(code: str) -> Html:
    """Return code to be copied, folded where it would push the results away."""
    text = tag("pre", code, style=_CODE)
    return tag("details", tag("summary", "in code"), text) if "\n" in code else text
