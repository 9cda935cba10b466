"""The widgets of a form: in this process one by one, then in a real kernel all together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from textwrap import dedent
from threading import Event
from typing import Any, Literal

import pytest

from pypedream import Parameter, Parameters, Pipeline, Secret
from pypedream.view.form_panel import Panel

widgets = pytest.importorskip("ipywidgets", reason="forms need ipywidgets")
ipykernel = pytest.importorskip("ipykernel")
jupyter_client = pytest.importorskip("jupyter_client")


def panel_of(**definitions: Any) -> Panel:
    flow = Pipeline("widgets", Parameters.define(**definitions))
    flow.stage(lambda: None, name="only")
    return Panel(flow.form())


def entry_of(definition: Any) -> Any:
    return panel_of(x=definition).rows[0].entry


@pytest.mark.parametrize(
    "definition, kind, value",
    [
        (True, "Checkbox", True),
        (Parameter(int, 3, min=1, max=20), "Text", "3"),
        (0.1, "Text", "0.1"),
        (Parameter(Literal["a", "b"], "b"), "Dropdown", 1),
        (Parameter(Literal["a", "b"]), "Dropdown", None),
        (date(2026, 1, 31), "DatePicker", date(2026, 1, 31)),
        ("abc", "Text", "abc"),
        ([1, 2], "Textarea", "1, 2"),
        (Secret("hunter2"), "Password", ""),
        (len, "Text", "<built-in function len>"),
    ],
)
def test_each_field_has_its_widget(definition, kind, value):
    """The name is its label, so that whoever cannot see the screen hears it."""
    entry = entry_of(definition)

    assert type(entry).__name__ == kind
    assert (entry.value, entry.description) == (value, "x")


def test_a_date_is_picked_within_its_bounds():
    """The calendar of the browser shows no others."""
    entry = entry_of(Parameter(date, date(2026, 1, 31), min="2026-01-01"))

    assert (entry.min, entry.max) == (date(2026, 1, 1), None)


def test_all_mistakes_stand_under_their_fields():
    """None waits for another to be mended, and nothing can be run meanwhile."""
    panel = panel_of(rate=Parameter(float, 0.1, max=1), years=[1990], depth=3)
    rate, years, depth = panel.rows

    rate.entry.value, years.entry.value = "2.0", "x"

    assert rate.message == "2.0 is over the maximum 1"
    assert "'x' is not an int" in years.message
    assert depth.message == ""
    assert [len(row.box.children) for row in panel.rows] == [2, 2, 1]
    assert panel.run_button.disabled
    assert panel.plan_button.disabled


def test_a_mended_field_can_be_run():
    """The message goes, and the code for the same is shown."""
    panel = panel_of(rate=Parameter(float, 0.1, max=1))
    (rate,) = panel.rows

    rate.entry.value = "2.0"
    rate.entry.value = "0.5"

    assert rate.message == ""
    assert len(rate.box.children) == 1
    assert not panel.run_button.disabled
    assert "pipeline.run(rate=0.5)" in panel._said.value


def test_what_is_missing_is_named():
    """A required parameter is no mistake yet, but there is no run without it."""
    panel = panel_of(source=Parameter(str), rate=0.1)

    assert "to be filled in: source" in panel._said.value
    assert panel.run_button.disabled


def test_help_and_names_are_only_text():
    """They may come from somebody else's pipeline."""
    panel = panel_of(x=Parameter(int, 3, help="<script>alert(1)</script>"))

    texts = [one.value for one in _all(panel.box) if isinstance(one, widgets.HTML)]

    assert any("&lt;script&gt;" in text for text in texts)
    assert not any("<script" in text for text in texts)


def _all(box: Any) -> list[Any]:
    return [box, *(inner for child in getattr(box, "children", ()) for inner in _all(child))]


def test_while_it_runs_only_stop_can_be_used():
    """And it cancels the run: what had not begun does not begin."""
    begun, may_end = Event(), Event()
    flow = Pipeline("long")

    @flow.stage
    def first():
        begun.set()
        may_end.wait(60)

    @flow.stage
    def second(first): ...

    panel = Panel(flow.form())
    panel.run_button.click()
    assert begun.wait(60)
    buttons = (panel.run_button, panel.plan_button, panel.stop_button)
    meanwhile = [button.disabled for button in buttons]
    how_far = panel._title.value

    panel.stop_button.click()
    stopping = panel._title.value
    may_end.set()
    waiter = panel.results.waiter
    assert waiter is not None
    waiter.join(60)

    assert meanwhile == [True, True, False]
    assert "running: 0 of 2 stages ended" in how_far
    assert "stopping: what runs comes to its end" in stopping
    assert "cancelled in " in panel._title.value
    assert panel.form.run is not None
    assert panel.form.run.state == "cancelled"
    assert [stage.state for stage in panel.form.run.stages.values()] == ["ok", "pending"]
    assert [button.disabled for button in buttons] == [False, False, True]


def test_a_second_click_begins_no_second_run():
    """A browser may send two before it hears that the button cannot be clicked any more."""
    begun, may_end = Event(), Event()
    calls = []
    flow = Pipeline("twice")
    flow.stage(lambda: (calls.append(1), begun.set(), may_end.wait(60)), name="only")
    panel = Panel(flow.form())

    panel.run_button.click()
    assert begun.wait(60)
    panel.run_button.click()
    may_end.set()
    assert panel.results.waiter is not None
    panel.results.waiter.join(60)

    assert len(calls) == 1


def test_a_workspace_that_cannot_be_written_is_said_below(tmp_path):
    """Whatever goes wrong, no cell would show it."""
    (tmp_path / "file").touch()
    flow = Pipeline("kept", workspace=tmp_path / "file")
    flow.stage(lambda: None, name="only")
    panel = Panel(flow.form())

    panel.run_button.click()

    assert str(tmp_path / "file") in panel.results.shown["text/plain"]
    assert not panel.run_button.disabled


def test_what_cannot_be_run_is_said_below():
    """The mistakes of the pipeline itself, as its form was right."""
    flow = Pipeline("broken", Parameters.define(rate=0.1))
    flow.stage(lambda laod: laod, name="fit")
    panel = Panel(flow.form())

    panel.plan_button.click()

    assert 'nothing gives its argument "laod" a value' in panel.results.shown["text/plain"]


CELLS = [
    """
    import asyncio
    from pypedream import Parameters, Pipeline, Secret
    flow = Pipeline(
        "scores", Parameters.define(rate=0.1, token=Secret("hunter2")), progress=False
    )

    @flow.stage
    def load():
        print("loading")
        return 2

    @flow.stage
    def score(load, rate):
        from IPython.display import display
        display("shown by a stage")
        return load / rate

    async def ended():
        while form._panel.run_button.disabled:
            await asyncio.sleep(0)
    """,
    "form = flow.form()\nform",
    """
    rate, token = form._panel.rows
    rate.entry.value, token.entry.value = "0.5", "swordfish"
    form._panel.run_button.click()
    await ended()
    """,
    "print(form.run['score'], repr(token.entry.value), token.entry.placeholder)\nprint(form.code)",
    "form._panel.plan_button.click()\nawait ended()",
    """
    rate.entry.value = "0"
    form._panel.run_button.click()
    await ended()
    """,
    "form",
    """
    before, flow = flow, Pipeline("scores")
    del before
    form._panel.run_button.click()
    await ended()
    print(form.run.state, form.code.splitlines()[-1].split("(")[0])
    """,
]


class Kernel:
    """A real kernel, and all that it publishes."""

    def __init__(self, folder: Path) -> None:
        manager = jupyter_client.KernelManager(kernel_name="python3")
        manager.kernel_spec.argv[0] = sys.executable
        manager.start_kernel(cwd=str(folder))
        self.manager, self.client = manager, manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.cells: list[str] = []
        self.published: list[Any] = []

    def run(self, code: str) -> None:
        self.cells.append(self.client.execute(dedent(code).strip()))
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            self.published.append(message)
            is_of_cell = message["parent_header"].get("msg_id") == self.cells[-1]
            if is_of_cell and message["content"].get("execution_state") == "idle":
                return

    def outputs(self, cell: int, *kinds: str) -> list[Any]:
        """What a cell published of some kinds, also after it ended."""
        return [
            message["content"]
            for message in self.published
            if message["parent_header"].get("msg_id") == self.cells[cell]
            and message["msg_type"] in kinds
        ]

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[Kernel]:
    """A kernel that has run all cells."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    for cell in CELLS:
        kernel.run(cell)
    yield kernel
    kernel.stop()


def test_a_form_has_two_outputs(kernel):
    """The widgets and, below them, one that holds the results of all buttons."""
    form, results = kernel.outputs(1, "display_data", "execute_result")[:2]

    assert "application/vnd.jupyter.widget-view+json" in form["data"]
    assert results["data"] == {"text/plain": "", "text/html": "<div></div>"}


def test_results_come_into_the_output_of_the_form(kernel):
    """Frames while it runs, then the whole; nothing comes into the cells of the clicks."""
    results = kernel.outputs(1, "display_data")[1]["transient"]["display_id"]
    updates = [
        message["content"]
        for message in kernel.published
        if message["msg_type"] == "update_display_data"
    ]
    texts = [update["data"]["text/plain"] for update in updates]

    assert {update["transient"]["display_id"] for update in updates} == {results}
    wholes = [text.partition("\n")[0].partition(" in ")[0] for text in texts if "\n" in text]
    assert wholes == ["scores: ok", "scores: 2 of 2 stages will run", "scores: failed"]
    assert "score failed" in updates[-2]["data"]["text/html"]
    for cell in (2, 4, 5):
        assert kernel.outputs(cell, "stream", "error") == []


def test_a_form_that_is_shown_again_shows_its_results(kernel):
    """They are the same output in two places, which are replaced together."""
    _, first = kernel.outputs(1, "display_data")[:2]
    widgets, again = kernel.outputs(6, "display_data")

    assert "application/vnd.jupyter.widget-view+json" in widgets["data"]
    assert "score failed" in again["data"]["text/html"]
    assert again["transient"] == first["transient"]


def test_a_pipeline_that_was_defined_anew_is_not_run_as_it_was(kernel):
    """Its old functions are not what is meant; the form says what to do."""
    updates = [one for one in kernel.published if one["msg_type"] == "update_display_data"]
    (said,) = kernel.outputs(7, "stream")

    assert updates[-1]["content"]["data"]["text/plain"] == (
        "the pipeline was defined anew: run this cell again"
    )
    assert said["text"] == "failed flow.run\n"


def test_the_next_cell_has_the_run(kernel):
    """Its results, the code for the same, and no trace of the secret in the field."""
    said = "".join(one["text"] for one in kernel.outputs(3, "stream"))

    assert said.splitlines() == [
        "4.0 '' set; type to change it",
        "from getpass import getpass",
        'flow.run(rate=0.5, token=getpass("token"))',
    ]


@pytest.mark.skipif(ipykernel.version_info < (7,), reason="it knows only the latest cell")
def test_what_a_stage_displays_comes_to_the_form(kernel):
    """Not to the log of JupyterLab, where what buttons show goes otherwise."""
    shown = [str(one["data"]) for one in kernel.outputs(1, "display_data", "update_display_data")]

    assert sum("shown by a stage" in each for each in shown) >= 2
    assert all(kernel.outputs(cell, "display_data") == [] for cell in (2, 4, 5))
