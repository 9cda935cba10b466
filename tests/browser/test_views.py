"""Pipeline, plan and run in JupyterLab: what is seen, what can be done, and in which colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.cells import FAILING, WEATHER
from tests.browser.lab import DARK, LIGHT, Notebook
from tests.browser.looking import (
    choose,
    drawing_of,
    faint_texts,
    image_of,
    open_stages,
    shown_lines,
    size_of,
)

pytestmark = pytest.mark.browser

PIPELINE, PLAN, RUN, AGAIN, FAILED, FAILURE = 1, 2, 4, 5, 8, 9
CELLS = (
    WEATHER,
    "flow",
    "flow.plan()",
    "run = flow.run(progress=False)",
    "run",
    "run",
    FAILING,
    "flow.run(progress=False)",
    "flow.last_run",
    "flow.last_run.failure",
)


@pytest.fixture(scope="module")
def notebook(
    make_notebook: Callable[..., Path], open_notebook: Callable[[Path], Any]
) -> Iterator[Notebook]:
    """A notebook with one view of each kind, which has been run."""
    with open_notebook(make_notebook("views", *CELLS, may_fail=(7,))) as notebook:
        notebook.run()
        yield notebook


@pytest.mark.parametrize("place", [PIPELINE, PLAN, RUN, FAILED])
def test_the_picture_shows_all_stages(notebook: Notebook, place: int):
    """The drawing is decoded and has a box for each."""
    image = image_of(notebook, notebook.view(place))

    assert min(size_of(notebook, image)) > 20
    assert {"load", "clean", "count", "mean"} <= set(drawing_of(image).split())


def test_a_run_that_ended_well_is_folded(notebook: Notebook):
    """The header says how it went, and no stage is open."""
    view = notebook.view(RUN)

    assert "ok" in view.text
    assert "4/4 stages" in view.text
    assert open_stages(notebook, view) == []


def test_a_failure_shows_what_is_needed_to_mend_it(notebook: Notebook):
    """Stage, error, the user's line, each argument, and the stage's fold open."""
    view = notebook.view(FAILED)

    [card] = notebook.find(".e", view)
    for text in ("mean failed", "ZeroDivisionError", "Cell In[7], line", "clean", "count"):
        assert text in card.text
    assert "return sum(clean) / count" in card.text
    assert "[12.5, 14.0]" in card.text
    assert open_stages(notebook, view) == ["mean"]


def test_a_failure_is_shown_by_itself(notebook: Notebook):
    """Its own cell has the same card."""
    assert "mean failed" in notebook.view(FAILURE).text


def test_an_error_ends_in_a_few_lines(notebook: Notebook):
    """What JupyterLab shows of the exception has no frame of pypedream."""
    [output] = notebook.outputs(7)

    lines = output.text.splitlines()
    assert len(lines) <= 15
    assert "mean failed: ZeroDivisionError: float division by zero" in lines[0]
    assert "/pypedream/" not in output.text


def test_the_filter_leaves_only_lines_of_a_kind(notebook: Notebook):
    """Errors alone, then warnings with errors, then all."""
    view = notebook.view(RUN)

    choose(notebook, view, "error")
    assert shown_lines(notebook, view) == ["error: one row is lost"]
    choose(notebook, view, "warning")
    assert len(shown_lines(notebook, view)) == 2
    choose(notebook, view, "all")


def test_two_views_do_not_disturb_each_other(notebook: Notebook):
    """The filter of one leaves the other as it was."""
    one, other = notebook.view(RUN), notebook.view(AGAIN)

    choose(notebook, one, "error")
    choose(notebook, other, "warning")

    assert len(shown_lines(notebook, one)) == 1
    assert len(shown_lines(notebook, other)) == 2
    choose(notebook, one, "all")
    choose(notebook, other, "all")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_all_texts_can_be_read(notebook: Notebook, pictures: Path, theme: str):
    """Contrast is 4.5 to 1 or more in both themes, folds open."""
    notebook.set_theme(theme)
    for fold in notebook.find(".jp-OutputArea details"):
        notebook.ask("arguments[0].open = true;", fold)

    for place in (PIPELINE, PLAN, RUN, FAILED, FAILURE):
        view = notebook.view(place)
        view.screenshot(str(pictures / f"{theme}-{place}.png"))
        assert faint_texts(notebook, view) == []


def test_each_output_has_a_text(notebook: Notebook):
    """Where no HTML is shown, as in a terminal or a diff, the text says the same."""
    saved = notebook.save()

    outputs = [output for cell in saved.cells for output in cell.outputs]
    texts = [output.data["text/plain"] for output in outputs if "data" in output]
    assert len(texts) == len(outputs) - 1  # the other is the error
    assert all("weather" in text or "mean failed" in text for text in texts)


def test_no_secret_is_in_the_page(notebook: Notebook):
    """Neither seen nor hidden."""
    assert "abcd-1234" not in notebook.ask(
        "return [...document.querySelectorAll('.jp-OutputArea')].map(e => e.innerHTML).join();"
    )
