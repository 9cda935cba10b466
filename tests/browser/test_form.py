"""The form of a pipeline in JupyterLab, filled in and clicked as a person does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.cells import WEATHER
from tests.browser.lab import DARK, LIGHT, Notebook, wait_for
from tests.browser.looking import faint_texts, image_of, size_of

pytestmark = pytest.mark.browser

FORM = """
    form = flow.form()
    form
"""
BUTTONS = """
    return Object.fromEntries([...panel.content.widgets[1].node.querySelectorAll('button')]
        .map(button => [button.textContent.trim(), !button.disabled]));
"""
TEXT = "return panel.content.widgets[1].node.querySelector('.jp-OutputArea').innerText;"
LOGGED = "return !document.querySelector('.jp-LogConsoleStatusItem').matches('.lm-mod-hidden');"


@pytest.fixture(scope="module")
def notebook(
    make_notebook: Callable[..., Path], open_notebook: Callable[[Path], Any]
) -> Iterator[Notebook]:
    """A notebook with a form."""
    with open_notebook(make_notebook("form", WEATHER, FORM, "form.run['count']")) as notebook:
        notebook.run_cells(0, 1)
        wait_for(lambda: "Run" in notebook.ask_panel(BUTTONS), "the buttons")
        yield notebook


def click(notebook: Notebook, name: str) -> None:
    """Click on a button as soon as it can be clicked."""
    wait_for(lambda: notebook.ask_panel(BUTTONS)[name], f"the button {name}")
    [button] = [one for one in notebook.find("button", notebook.cell(1)) if one.text == name]
    button.click()


def fill_in(notebook: Notebook, text: str) -> None:
    """Type into the field of the first parameter, and leave it."""
    field = notebook.find("input[type=text]", notebook.cell(1))[0]
    field.clear()
    field.send_keys(text, "\t")


def wait_for_text(notebook: Notebook, text: str) -> None:
    wait_for(lambda: text in notebook.ask_panel(TEXT), f"the text {text!r}")


def test_a_plan_is_shown_below_the_form(notebook: Notebook):
    """Nothing is called for it."""
    click(notebook, "Plan")

    wait_for_text(notebook, "4 of 4 stages will run")


def test_what_is_wrong_is_said_at_once(notebook: Notebook):
    """The field says why, and the buttons cannot be clicked until it is mended."""
    fill_in(notebook, "cold")

    wait_for_text(notebook, "is not a float")
    wait_for(lambda: not notebook.ask_panel(BUTTONS)["Run"], "the button to be off")
    assert faint_texts(notebook, notebook.find(".jp-OutputArea", notebook.cell(1))[0]) == []
    fill_in(notebook, "-50")
    wait_for(lambda: notebook.ask_panel(BUTTONS)["Run"], "the button to be on")


def test_a_click_runs_with_what_is_filled_in(notebook: Notebook, pictures: Path):
    """The view is in the form's own output, the next cell has the run, the log console nothing."""
    fill_in(notebook, "13")
    click(notebook, "Run")
    wait_for_text(notebook, "4/4 stages")
    notebook.driver.save_screenshot(str(pictures / "form.png"))

    assert min(size_of(notebook, image_of(notebook, notebook.view(1)))) > 20
    notebook.run_cells(2)
    assert notebook.outputs(2)[0].text == "1"
    assert not notebook.ask(LOGGED)


def test_a_second_click_replaces_the_view(notebook: Notebook):
    """There is one view however often it is clicked."""
    fill_in(notebook, "-100")
    click(notebook, "Run")
    wait_for(lambda: notebook.run_cells(2) or notebook.outputs(2)[0].text == "3", "the run")

    assert len(notebook.find("div.pd-run", notebook.cell(1))) == 1
    assert not notebook.ask(LOGGED)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_form_can_be_read(notebook: Notebook, pictures: Path, theme: str):
    """Labels, help and fields have contrast in both themes."""
    notebook.set_theme(theme)

    [output, *_] = notebook.find(".jp-OutputArea", notebook.cell(1))
    output.screenshot(str(pictures / f"form-{theme}.png"))
    assert faint_texts(notebook, output) == []
