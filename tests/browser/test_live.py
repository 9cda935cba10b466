"""A run under its cell in JupyterLab, while it goes on and at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.cells import FAILING, HELD
from tests.browser.lab import Notebook, Server, wait_for
from tests.browser.looking import image_of, open_stages, size_of

pytestmark = pytest.mark.browser


@pytest.fixture
def gate(server: Server) -> Iterator[Path]:
    """The file that the stage `wait` waits for; not there at first."""
    path = server.folder / "go"
    yield path
    path.unlink(missing_ok=True)


def state_of(notebook: Notebook, place: int) -> str:
    """Return the state that the view of a cell shows; empty where there is no view yet."""
    script = """
        const cell = panel.content.widgets[arguments[0]].node;
        return cell.querySelector('.pd-run .pd-state')?.textContent ?? '';
    """
    return str(notebook.ask_panel(script, place))


def wait_for_state(notebook: Notebook, place: int, state: str) -> None:
    wait_for(lambda: state in state_of(notebook, place), f"the state {state}")


def words_of(notebook: Notebook, place: int) -> str:
    """Return what the picture says to those who cannot see it."""
    script = "return panel.content.widgets[arguments[0]].node.querySelector('.pd-dag').alt;"
    return str(notebook.ask_panel(script, place))


def test_a_run_is_seen_while_it_goes_on(
    make_notebook: Any, open_notebook: Any, gate: Path, pictures: Path
):
    """What is done, what runs and what waits; at its end the same output has all of it, folded."""
    with open_notebook(make_notebook("held", HELD, "run = flow.run()")) as notebook:
        notebook.start()
        wait_for_state(notebook, 1, "running")
        wait_for(lambda: "wait: running" in words_of(notebook, 1), "the stage that waits")

        words = words_of(notebook, 1)
        assert "load: ok" in words
        assert "total: pending" in words
        notebook.driver.save_screenshot(str(pictures / "live.png"))
        view = notebook.view(1)
        assert "waiting for a file" in view.text
        assert min(size_of(notebook, image_of(notebook, view))) > 20
        assert notebook.find("details", view) == []

        gate.touch()
        wait_for_state(notebook, 1, "ok")
        notebook.wait_until_idle()
        view = notebook.view(1)
        assert "3/3 stages" in view.text
        assert open_stages(notebook, view) == []
        assert len(notebook.outputs(1)) == 1
        assert "pending" not in words_of(notebook, 1)


def test_what_a_reader_opened_stays_open(make_notebook: Any, open_notebook: Any, gate: Path):
    """A view that goes on leaves those of other cells alone, and other cells can be run."""
    cells = (HELD.replace("not Path", "False and not Path"), "flow.run()", HELD, "flow.start()")
    with open_notebook(make_notebook("beside", *cells, "print('meanwhile')")) as notebook:
        notebook.start()
        wait_for_state(notebook, 3, "running")
        wait_for(lambda: notebook.outputs(4), "the next cell")
        fold = notebook.find("details", notebook.view(1))[0]
        notebook.find("summary", fold)[0].click()

        gate.touch()
        wait_for_state(notebook, 3, "ok")

        assert notebook.outputs(4)[0].text == "meanwhile"
        assert fold.get_property("open")
        assert open_stages(notebook, notebook.view(1)) == ["load"]


def test_the_stop_button(make_notebook: Any, open_notebook: Any, gate: Path):
    """The view says what was stopped, and the error how to go on; the next cell works."""
    path = make_notebook("stopped", HELD, "flow.run()", may_fail=(1,))
    with open_notebook(path) as notebook:
        notebook.start()
        wait_for(lambda: "running" in state_of(notebook, 1), "the run")
        wait_for(lambda: "wait: running" in words_of(notebook, 1), "the stage that waits")
        notebook.interrupt()
        wait_for_state(notebook, 1, "interrupted")
        notebook.wait_until_idle()

        view, error = notebook.outputs(1)
        assert "interrupted" in view.text
        assert "KeyboardInterrupt" in error.text
        assert "pipeline.resume()" in error.text
        assert len(error.text.splitlines()) <= 15


def test_a_failure_is_seen_in_full(make_notebook: Any, open_notebook: Any, pictures: Path):
    """The card first, then the picture with what was not called; below it a short error."""
    after = """
        @flow.stage
        def report(mean):
            return f"{mean:.1f}"
    """
    path = make_notebook("failing", FAILING, after, "flow.run()", may_fail=(2,))
    with open_notebook(path) as notebook:
        notebook.run()
        notebook.driver.save_screenshot(str(pictures / "failing.png"))

        view, error = notebook.outputs(2)
        [card] = notebook.find(".e", view)
        assert "mean failed" in card.text
        assert "return sum(clean) / count" in card.text
        assert open_stages(notebook, notebook.view(2)) == ["mean"]
        words = words_of(notebook, 2)
        assert "mean: failed" in words
        assert "report: blocked" in words or "report: skipped" in words
        assert len(error.text.splitlines()) <= 15
        assert "/pypedream/" not in error.text


def test_a_run_is_not_shown_twice(make_notebook: Any, open_notebook: Any):
    """The run as the last value of its own cell is one line besides its view."""
    quick = HELD.replace("not Path", "False and not Path")
    with open_notebook(make_notebook("twice", quick, "flow.run()")) as notebook:
        notebook.run()

        assert len(notebook.find(".pd-run", notebook.cell(1))) == 1
        assert sum(len(one.text.splitlines()) for one in notebook.outputs(1)[1:]) <= 1


CHARTS = """
    import matplotlib.pyplot as plt
    from IPython.display import HTML, display

    flow = Pipeline("charts")

    @flow.stage
    def chart():
        plt.plot([1, 3, 2])
        plt.show()
        display(HTML("<table><tr><td>shown by hand</td></tr></table>"))

    flow.run()
"""


def test_charts_are_with_their_stage(make_notebook: Any, open_notebook: Any, pictures: Path):
    """A figure and a table are in the fold of the stage, nowhere else, also when reopened."""
    pytest.importorskip("matplotlib")
    path = make_notebook("charts", HELD, CHARTS)

    def look(notebook: Notebook) -> None:
        [output] = notebook.outputs(1)
        [fold] = [one for one in notebook.find("details", output) if "chart" in one.text]
        notebook.find("summary", fold)[0].click()
        chart, *_ = notebook.find("img", fold)
        assert min(size_of(notebook, chart)) > 100
        assert "shown by hand" in fold.text

    with open_notebook(path) as notebook:
        notebook.run()
        look(notebook)
        notebook.view(1).screenshot(str(pictures / "charts.png"))
    with open_notebook(path) as notebook:
        look(notebook)


def test_many_prints_keep_the_notebook_small(make_notebook: Any, open_notebook: Any):
    """Twenty thousand lines add less than 100 kB to the file."""
    talk = """
        flow = Pipeline("talk")

        @flow.stage
        def talk():
            for number in range(20_000):
                print("line", number)

        flow.run()
    """
    path = make_notebook("many", HELD, talk)
    size = path.stat().st_size
    with open_notebook(path) as notebook:
        notebook.run()

        assert "line 19999" in notebook.ask("return arguments[0].textContent;", notebook.view(1))
        notebook.save()
    assert path.stat().st_size - size < 100_000


def test_a_sweep_is_one_table(make_notebook: Any, open_notebook: Any, pictures: Path):
    """Its rows are the runs; no view for each of them."""
    sweep = """
        from pypedream import Parameters, sweep
        flow = Pipeline("sweep", Parameters.define(rate=1))

        @flow.stage
        def double(rate):
            return 2 * rate

        flow.map_runs(sweep.grid(rate=range(12)))
    """
    with open_notebook(make_notebook("sweep", HELD, sweep)) as notebook:
        notebook.run()
        notebook.driver.save_screenshot(str(pictures / "sweep.png"))

        shown = [one for one in notebook.outputs(1) if one.text.count("\n") > 1]
        assert len(shown) == 1
        assert "22" in shown[0].text
        assert notebook.find(".pd-run", notebook.cell(1)) == []
