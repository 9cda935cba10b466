"""What is entered into a form in JupyterLab, and what becomes of it: refused, run, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Notebook, Server, wait_for

pytestmark = pytest.mark.browser

PIPELINE = """
    import time
    from pathlib import Path
    from pypedream import Parameter, Parameters, Pipeline, Secret

    flow = Pipeline("weather", Parameters.define(
        "source",
        rate=Parameter(float, 0.1, min=0, max=1, help="how fast it learns"),
        smooth=Parameter(bool, True, help="whether to smooth the curve first"),
        years=Parameter(list[int], [1990, 2000]),
        token=Parameter(Secret, "hunter2"),
    ))

    @flow.stage
    def load(source):
        print("loading", source)
        while not Path("go").exists():
            time.sleep(0.01)
        return len(source)

    @flow.stage
    def score(load, rate):
        print("the rate is", rate)
        return load / rate
"""
FORM = 1
ENTRY = """
    return [...panel.content.widgets[arguments[0]].node.querySelectorAll('label')]
        .find(label => label.textContent.trim() === arguments[1])
        ?.parentElement.querySelector('input,select,textarea');
"""
LOG = """
    const done = arguments[0];
    window.jupyterapp.commands.execute('logconsole:open').then(() => done(), done);
"""


@pytest.fixture
def gate(server: Server) -> Iterator[Path]:
    """The file that the first stage waits for; not there at first."""
    path = server.folder / "go"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


class Form:
    """The form under a cell, and what one does with it."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        wait_for(lambda: self.button("Run"), "the form")

    def button(self, word: str) -> Any:
        """Return a button, if it is there."""
        found = self.notebook.find("button", self.notebook.cell(FORM))
        return next((one for one in found if one.text.strip() == word), None)

    def enter(self, name: str, text: str) -> None:
        """Type a text in place of what stands in a field."""
        from selenium.webdriver.common.keys import Keys

        entry = self.notebook.ask_panel(ENTRY, FORM, name)
        entry.send_keys(Keys.CONTROL + "a")
        entry.send_keys(text)

    def click(self, word: str) -> None:
        """Click a button as soon as that can be done."""
        wait_for(lambda: self.button(word).is_enabled(), f"{word} to be enabled")
        self.button(word).click()

    @property
    def widgets(self) -> Any:
        """What can be filled in."""
        return self.notebook.outputs(FORM)[0]

    @property
    def results(self) -> str:
        """The text of what stands below it."""
        return str(self.notebook.outputs(FORM)[1].text)

    def wait_for(self, text: str) -> None:
        """Wait until the form says something."""
        wait_for(lambda: text in self.widgets.text, f"the form to say {text}")

    def wait_for_result(self, text: str) -> None:
        """Wait until the results say something; they are replaced meanwhile."""
        from selenium.common.exceptions import StaleElementReferenceException

        def is_there() -> bool:
            try:
                return text in self.results
            except StaleElementReferenceException:
                return False

        wait_for(is_there, f"the results to say {text}")


@pytest.fixture
def form(make_notebook: Any, open_notebook: Any, gate: Path) -> Iterator[Form]:
    """A form that is shown; the log of JupyterLab has nothing in the end."""
    with open_notebook(make_notebook("entries", PIPELINE, "form = flow.form()\nform")) as notebook:
        notebook.run()
        yield Form(notebook)
        notebook.do(LOG)
        wait_for(
            lambda: (
                "No log messages" in "".join(one.text for one in notebook.find(".jp-LogConsole"))
            ),
            "the log to be empty",
        )


def test_a_form_is_filled_in_and_run(form: Form, gate: Path):
    """All mistakes stand under their fields; what is mended runs; the results come below."""
    assert not form.button("Run").is_enabled()
    form.wait_for("to be filled in: source")
    form.enter("source", "abc")
    form.enter("rate", "0,5")
    form.enter("years", "1990, x")
    form.wait_for("'0,5' is not a float")
    form.wait_for("'x' is not an int")
    assert not form.button("Run").is_enabled()

    form.enter("rate", "0.5")
    form.enter("years", "1990, 1991")
    form.enter("token", "swordfish")
    form.click("Run")
    form.wait_for_result("loading abc")
    form.wait_for("running: 0 of 2 stages ended")
    meanwhile = [form.button(word).is_enabled() for word in ("Run", "Plan", "Stop")]
    gate.touch()
    form.wait_for_result("2/2 stages")
    form.wait_for("ok in ")

    assert meanwhile == [False, False, True]
    wait_for(lambda: form.button("Run").is_enabled(), "the end")
    assert not form.button("Stop").is_enabled()
    assert form.notebook.ask_panel(ENTRY, FORM, "token").get_attribute("value") == ""


def test_a_run_of_a_form_is_stopped(form: Form, gate: Path):
    """The stage that runs comes to its end, the next one does not begin."""
    form.enter("source", "abc")
    form.click("Run")
    form.click("Stop")
    form.wait_for("stopping: what runs comes to its end")
    gate.touch()
    form.wait_for("cancelled in ")
    form.wait_for_result("1/2 stages")


def test_what_was_typed_before_a_click_counts(
    make_notebook: Any, open_notebook: Any, server: Server, gate: Path
):
    """While another cell runs, the browser holds back what is typed but not the click."""
    busy = "while not Path('free').exists(): time.sleep(0.01)"
    gate.touch()
    cells = (PIPELINE, "form = flow.form(source='abc')\nform", busy)
    with open_notebook(make_notebook("busy", *cells)) as notebook:
        notebook.start()
        form = Form(notebook)
        form.enter("rate", "0.25")
        form.click("Run")
        (server.folder / "free").touch()
        form.wait_for_result("2/2 stages")

        said = notebook.outputs(FORM)[1].get_attribute("textContent")

    assert "the rate is 0.25" in said
