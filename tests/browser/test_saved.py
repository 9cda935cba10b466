"""What is left of a view when its kernel is gone: reopened, not trusted, or as a web page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.cells import FAILING, WEATHER
from tests.browser.lab import Notebook, Server
from tests.browser.looking import (
    choose,
    drawing_of,
    image_of,
    open_stages,
    shown_lines,
    size_of,
)

pytestmark = [pytest.mark.browser, pytest.mark.smoke]

RUN, FAILED = 1, 3
CELLS = (
    WEATHER,
    "run = flow.run()",
    FAILING,
    "flow.run()",
)
OUTPUT = """
    return [...document.querySelectorAll('.jp-OutputArea div[class^=pd-]')].map(v => v.outerHTML);
"""
SHOWN = "return [...document.querySelectorAll('.jp-OutputArea')].map(e => e.innerText).join('\\n');"


@pytest.fixture(scope="module")
def saved(
    make_notebook: Callable[..., Path], open_notebook: Callable[[Path], Any], pictures: Path
) -> tuple[Path, list[str]]:
    """A notebook that has been run and saved, and the HTML of its views as they were then."""
    path = make_notebook("saved", *CELLS, may_fail=(FAILED,))
    with open_notebook(path) as notebook:
        notebook.run()
        views = notebook.ask(OUTPUT)
        notebook.driver.save_screenshot(str(pictures / "saved.png"))
    assert len(views) == 2
    return path, views


def check_run(page: Any, view: Any) -> None:
    """The picture is there, and the filter works."""
    assert min(size_of(page, image_of(page, view))) > 20
    choose(page, view, "error")
    assert shown_lines(page, view) == ["error: one row is lost"]
    choose(page, view, "all")


def test_a_reopened_notebook_shows_the_same(saved: Any, open_notebook: Any, pictures: Path):
    """With a new kernel, in which nothing has been run."""
    path, views = saved

    with open_notebook(path) as notebook:
        notebook.driver.save_screenshot(str(pictures / "reopened.png"))
        assert notebook.ask(OUTPUT) == views
        assert "model not found" not in notebook.ask(SHOWN)
        check_run(notebook, notebook.view(RUN))
        assert open_stages(notebook, notebook.view(FAILED)) == ["mean"]


def test_a_notebook_that_is_not_trusted_can_be_read(saved: Any, open_notebook: Any, pictures: Path):
    """Styles are dropped; the picture, the stages and the failure are still there."""
    path, _ = saved
    strange = path.with_name("strange.ipynb")
    text = path.read_text(encoding="utf-8")
    strange.write_text(text.replace("three", "four"), encoding="utf-8")

    with open_notebook(strange) as notebook:
        notebook.driver.save_screenshot(str(pictures / "strange.png"))
        assert_is_not_trusted(notebook)
        check_without_style(notebook)


def assert_is_not_trusted(notebook: Notebook) -> None:
    """The sanitizer has been at it; without that the test would show nothing."""
    assert notebook.find(".jp-OutputArea style") == []
    assert notebook.find(".jp-OutputArea div[class^=pd-]")


def check_without_style(notebook: Notebook) -> None:
    for place in (RUN, FAILED):
        view = notebook.view(place)
        image = image_of(notebook, view)
        assert min(size_of(notebook, image)) > 20
        assert "mean" in drawing_of(image)
        for stage in ("load", "clean", "count", "mean"):
            assert stage in view.text
        assert notebook.find("svg", view) == []
    failed = notebook.view(FAILED)
    assert "ZeroDivisionError" in failed.text
    assert "return sum(clean) / count" in failed.text


@pytest.mark.parametrize("template", ["lab", "basic"])
def test_a_page_shows_the_same_without_network(
    saved: Any, server: Server, open_file: Any, pictures: Path, template: str
):
    """What nbconvert makes has the picture and a filter that works, and asks nobody for more."""
    path, _ = saved
    page = convert(path, server, template)

    with open_file(page) as file:
        file.driver.save_screenshot(str(pictures / f"page-{template}.png"))
        run, failed = file.find("div[class^=pd-]")
        check_run(file, run)
        assert "ZeroDivisionError" in failed.text
        for view in (run, failed):
            html = file.ask("return arguments[0].outerHTML;", view)
            assert re.findall(r"https?://|<script", html) == []


def convert(path: Path, server: Server, template: str) -> Path:
    """Make a page of a notebook."""
    name = f"{path.stem}-{template}"
    command = ["-m", "nbconvert", "--to", "html", "--template", template, "--output", name]
    subprocess.run(
        [sys.executable, *command, str(path)],
        env=server.environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return path.with_name(f"{name}.html")
