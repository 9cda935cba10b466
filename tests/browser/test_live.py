"""A run under its cell in JupyterLab, while it goes on and at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.cells import FAILING, HELD
from tests.browser.lab import Notebook, Server, wait_for
from tests.browser.looking import open_stages, size_of

pytestmark = pytest.mark.browser


@pytest.fixture
def gate(server: Server) -> Iterator[Path]:
    """The file that the stage `wait` waits for; not there at first."""
    path = server.folder / "go"
    yield path
    path.unlink(missing_ok=True)


# One look at all at once: what is shown may be replaced at any moment.
SEEN = """
    const view = panel.content.widgets[arguments[0]].node.querySelector('.pd-run');
    const image = view?.querySelector('.pd-dag');
    return {
        state: view?.querySelector('.pd-state')?.textContent ?? '',
        text: view?.innerText ?? '',
        words: image?.alt ?? '',
        width: image?.complete ? image.naturalWidth : 0,
        folds: view?.querySelectorAll('details').length ?? 0,
    };
"""


def seen(notebook: Notebook, place: int) -> dict[str, Any]:
    """Return what the view of a cell shows at this moment; nothing where there is none yet."""
    return dict(notebook.ask_panel(SEEN, place))


def wait_for_state(notebook: Notebook, place: int, state: str) -> None:
    wait_for(lambda: state in seen(notebook, place)["state"], f"the state {state}")


def wait_for_stage(notebook: Notebook, place: int, words: str) -> None:
    """Wait until the picture says so to those who cannot see it, and is drawn."""
    wait_for(
        lambda: words in (now := seen(notebook, place))["words"] and now["width"],
        f"a picture that says {words}",
    )


def test_a_run_is_seen_while_it_goes_on(
    make_notebook: Any, open_notebook: Any, gate: Path, pictures: Path
):
    """What is done, what runs and what waits; at its end the same output has all of it, folded."""
    with open_notebook(make_notebook("held", HELD, "run = flow.run()")) as notebook:
        notebook.start()
        wait_for_stage(notebook, 1, "wait: running")

        now = seen(notebook, 1)
        assert "running" in now["state"]
        assert "load: ok" in now["words"]
        assert "total: pending" in now["words"]
        assert "waiting for a file" in now["text"]
        assert now["folds"] == 0
        notebook.driver.save_screenshot(str(pictures / "live.png"))

        gate.touch()
        wait_for_state(notebook, 1, "ok")
        notebook.wait_until_idle()
        view = notebook.view(1)
        assert "3/3 stages" in view.text
        assert open_stages(notebook, view) == []
        assert len(notebook.outputs(1)) == 1
        assert "pending" not in seen(notebook, 1)["words"]


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
        wait_for_stage(notebook, 1, "wait: running")
        notebook.interrupt()
        wait_for_state(notebook, 1, "interrupted")
        notebook.wait_until_idle()

        view, error = notebook.outputs(1)
        assert "interrupted" in view.text
        assert "KeyboardInterrupt" in error.text
        assert "flow.resume()" in error.text
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
        words = seen(notebook, 2)["words"]
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


LONG = """
    import warnings

    import pandas as pd
    from pypedream import Pipeline

    flow = Pipeline("long")

    @flow.stage
    def nested():
        warnings.warn("odd", stacklevel=1)
        return [[place * step for step in range(50)] for place in range(50)]

    @flow.stage
    def texts(nested):
        return {"first": "z" * 5000, "second": "word " * 500}

    @flow.stage
    def frame(texts):
        return pd.DataFrame({f"column {place}": range(9) for place in range(30)})

    @flow.stage
    def a_stage_with_a_name_that_is_much_longer_than_there_is_room_for_in_a_line(frame):
        return 1
"""


def test_each_stage_has_one_line(make_notebook: Any, open_notebook: Any, pictures: Path):
    """Folded, whatever it gave; unfolded, only values that differ are marked."""
    pytest.importorskip("pandas")
    with open_notebook(make_notebook("long", LONG, "flow.run()")) as notebook:
        notebook.run()
        view = notebook.view(1)
        view.screenshot(str(pictures / "long.png"))

        heights = [one.size["height"] for one in notebook.find("summary", view)]
        assert len(heights) >= 4
        assert max(heights) < 1.5 * min(heights)
        assert notebook.find(".k", view) == []
