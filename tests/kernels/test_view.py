"""The view of a run under its cell: one output, small while it goes on, and nothing beside it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pypedream.view.live import MOST_BYTES
from tests.kernels.conftest import SETUP
from tests.kernels.kernel import Cell, Kernel

SLOW = """
    import time
    flow = flow_of(progress=None)

    @flow.stage
    def load():
        number = 0
        output = flow.last_run.view.output
        while number < 6 or (output.is_live and not output.is_there):
            print("row", number)
            time.sleep(0.1)
            number += 1
        return 2

    @flow.stage
    def half(load):
        return load / flow.last_run.parameters["by"]

    flow.parameters = Parameters.define(by=2)
"""


def only_view(cell: Cell) -> list[dict[str, str]]:
    """Return what the cell's only output showed, one after the other."""
    assert cell.text == ""
    assert len(cell.displays) == 1
    assert len(cell.views) == 1
    return next(iter(cell.views.values()))


def test_a_run_has_one_output(kernel: Kernel):
    """Live first, with what runs and what waits; foldable at the end; nothing else."""
    kernel.run(SLOW)
    shown = only_view(kernel.run("flow.run()"))

    frames, last = [each["text/html"] for each in shown[:-1]], shown[-1]["text/html"]
    assert any("load: running" in frame and "half: pending" in frame for frame in frames)
    assert not any("<details" in frame for frame in frames)
    assert all(len(each["text/html"]) <= MOST_BYTES for each in shown[:-1])
    assert "<details" in last
    assert ">2/2 stages" in last
    assert "row 5" in last
    assert shown[-1]["text/plain"].startswith("cells: ok")


def test_views_come_seldom(kernel: Kernel):
    """However much happens: four a second at most, and one at each end."""
    kernel.run("""
        flow = flow_of(progress=None)
        @flow.stage
        def busy():
            end = time.monotonic() + 1
            while time.monotonic() < end:
                print("one more line")
    """)
    shown = only_view(kernel.run("import time; began = time.time(); flow.run()"))
    took_s = kernel.value("flow.last_run.duration_s")

    assert 2 <= len(shown) <= 2 + 4 * (took_s + 1)
    assert len(shown[-1]["text/html"]) < 100_000


def test_a_failing_run_shows_a_card_and_a_short_error(kernel: Kernel):
    """What pypedream itself did is not part of it."""
    kernel.run(SLOW)
    cell = kernel.run("flow.run(by=0)")

    last = only_view(cell)[-1]["text/html"]
    assert "ZeroDivisionError" in last
    assert "half" in last
    assert len(cell.error.splitlines()) <= 15
    assert "pypedream/" not in cell.error
    assert cell.error.startswith("half failed: ZeroDivisionError")


def test_a_view_goes_on_under_its_own_cell(kernel: Kernel):
    """A run in the background replaces what the cell showed that started it."""
    kernel.run(SLOW)
    began = kernel.run("going = flow.start()\ngoing")
    after = kernel.run("print('meanwhile')")
    kernel.run("run = going.wait()")
    kernel.wait_for(
        lambda: any("cells: ok" in each["text/plain"] for each in only_view(began)), "the end"
    )

    assert after.text == "meanwhile\n"
    assert not after.views


def test_a_notebook_that_is_only_executed_has_the_end(tmp_path: Path):
    """Whoever waits in a later cell sees to it: nobody hears the first one any more."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    start = SETUP + SLOW + "    going = flow.start()"
    cells = [nbformat.v4.new_code_cell(dedent(each)) for each in (start, "going.wait();")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    where = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, timeout=120, resources=where)
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute()

    [shown] = notebook.cells[0].outputs
    assert ">2/2 stages" in shown["data"]["text/html"]
    assert not notebook.cells[1].outputs


def test_an_awaited_run(kernel: Kernel):
    """The same with ``await``."""
    kernel.run(SLOW)

    assert only_view(kernel.run("await flow.arun()"))[-1]["text/plain"].startswith("cells: ok")


def test_a_run_is_shown_again_in_another_cell(kernel: Kernel):
    """Where it has no view it shows itself."""
    kernel.run(SLOW + "    run = flow.run()")
    cell = kernel.run("run")

    assert len(cell.displays) == 1
    assert not cell.views


def test_many_runs_in_a_cell_share_a_view(kernel: Kernel):
    """The first ones have their own, the last of all is to be seen."""
    cell = kernel.run("""
        flow = flow_of(progress=None)
        @flow.stage
        def none(): pass
        for _ in range(6):
            run = flow.run()
    """)

    assert len(cell.views) == 3
    last = [*cell.views.values()][-1][-1]["text/html"]
    assert kernel.value("run.id") in last
    assert "run 6 of this cell" in last


def test_a_run_within_a_stage_speaks_as_that_stage(kernel: Kernel):
    """There is one view, and the inner lines are in it."""
    cell = kernel.run("""
        def inner():
            print("from within")
        def outer():
            flow_of(inner, progress=None).run()
        run = flow_of(outer, progress=None).run()
    """)

    only_view(cell)
    assert kernel.value("said(run)") == [("outer", "inner | from within")]


def test_without_progress_there_is_no_view(kernel: Kernel):
    """The run as the last value of the cell still shows itself."""
    kernel.run("def quiet():\n    print('quiet')")
    cell = kernel.run("flow_of(quiet, progress=False).run()")

    assert cell.text == ""
    assert not cell.views
    assert len(cell.displays) == 1


def test_capture_magic_takes_the_end_of_the_view(kernel: Kernel):
    """What only collects gets one output, not one for each moment."""
    kernel.run(SLOW)
    cell = kernel.run("%%capture caught\nflow.run()")

    assert not cell.displays
    assert kernel.value("len([one for one in caught.outputs if one.data])") == 1


def test_a_view_that_cannot_be_drawn_says_why(kernel: Kernel):
    """The run goes on, and nothing is swallowed."""
    cell = kernel.run("""
        class Odd:
            def __repr__(self):
                raise RuntimeError("no words")
            @property
            def __class__(self):
                raise RuntimeError("no class")
        flow = flow_of(progress=None)
        flow.stage(lambda: Odd(), name="odd")
        run = flow.run()
    """)

    assert cell.error == ""
    assert kernel.value("run.state") == "ok"
    assert only_view(cell)


SHOWN = """
    flow = flow_of(progress=None)
    @flow.stage
    def show():
        from IPython.display import HTML, Markdown, SVG, clear_output
        table = "<table onclick='x()'><tr><td>cell &lt;b&gt;</td></tr></table>"
        display(HTML(table + "<script>bad()</script>"))
        display(Markdown("*said*"))
        display({"text/plain": "\x1b[31mwarm\x1b[0m"}, raw=True)
        clear_output()
"""


def test_what_a_stage_displays_is_with_the_stage(kernel: Kernel):
    """As HTML without what could do anything, and as text in the log."""
    kernel.run(SHOWN)
    last = only_view(kernel.run("run = flow.run()"))[-1]["text/html"]

    assert "<table class=u><tr><td>cell &lt;b&gt;</td></tr></table>" in last
    assert "bad()" not in last
    assert "onclick" not in last
    assert "*said*" in last
    events = kernel.value("[(one.stage, one.event) for one in run.events if one.kind == 'display']")
    assert events[1:] == [("show", "*said*"), ("show", "warm")]


def test_figures_are_with_their_stage(kernel: Kernel):
    """Whether they are shown or left open, and from threads; none is left for the cell."""
    pytest.importorskip("matplotlib")
    if not kernel.value("__import__('importlib').util.find_spec('matplotlib') is not None"):
        pytest.skip("matplotlib is not in this kernel's environment")
    kernel.run("""
        import matplotlib.pyplot as plt
        from matplotlib._pylab_helpers import Gcf
        before = vars(Gcf)["_set_new_active_manager"]
        flow = flow_of(progress=None)
        @flow.stage
        def opened():
            plt.plot([1, 2, 3])
        @flow.stage
        def shown(opened):
            plt.plot([3, 2, 1])
            plt.show()
    """)
    last = only_view(kernel.run("run = flow.run()"))[-1]["text/html"]

    assert last.count("data:image/png;base64") == 2
    assert kernel.value("[one.stage for one in run.events if one.kind == 'display']") == [
        "opened",
        "shown",
    ]
    assert kernel.value("vars(Gcf)['_set_new_active_manager'] is before")
    assert kernel.run("plt.plot([1]);").displays == ["<Figure size 640x480 with 1 Axes>"]


def test_figures_are_with_the_stage_that_loads_pyplot(kernel: Kernel):
    """As a chart of pandas does, and a stage that imports what it needs itself."""
    pytest.importorskip("matplotlib")
    if kernel.value("__import__('importlib').util.find_spec('matplotlib') is None"):
        pytest.skip("matplotlib is not in this kernel's environment")
    kernel.run("""
        def unload():
            for name in [name for name in sys.modules if name.startswith("matplotlib")]:
                del sys.modules[name]
        unload()
        finders = [*sys.meta_path]
        flow = flow_of(progress=None)
        @flow.stage
        def drawn():
            import matplotlib.pyplot as plt
            plt.plot([1, 2, 3])
    """)
    last = only_view(kernel.run("run = flow.run()"))[-1]["text/html"]

    assert last.count("data:image/png;base64") == 1
    assert kernel.value("sys.meta_path == finders")
    loader = "sys.modules['matplotlib._pylab_helpers'].__loader__"
    assert kernel.value(f"'exec_module' not in vars({loader})")


WORKERS = """
    import pandas as pd
    import matplotlib.pyplot as plt
    from IPython.display import HTML, display as shown
    flow = flow_of(progress=None, executor="processes", workers=2)
    @flow.stage
    def table():
        display(pd.DataFrame({"rows": [11, 22]}))
        print("printed")
    @flow.stage
    def opened():
        plt.plot([1, 2, 3])
    @flow.stage
    def drawn(opened):
        from IPython.display import Markdown, display
        plt.plot([3, 2, 1])
        plt.show()
        display(Markdown("*said*"))
        shown(HTML("<p>by another name</p>"))
"""


def test_what_workers_display_is_with_their_stages(kernel: Kernel):
    """Tables, figures shown or left open, and what has a form of its own."""
    pytest.importorskip("matplotlib")
    if kernel.value("__import__('importlib').util.find_spec('matplotlib') is None"):
        pytest.skip("matplotlib is not in this kernel's environment")
    kernel.run(WORKERS)
    cell = kernel.run("run = flow.run()")

    assert cell.error == ""
    last = only_view(cell)[-1]["text/html"]
    assert last.count("data:image/png;base64") == 2
    assert "<table class=u>" in last
    assert "<p>by another name</p>" in last
    told = kernel.value("[(one.stage, one.event) for one in run.events if one.kind == 'display']")
    assert ("drawn", "*said*") in told
    assert sorted(stage for stage, _ in told) == ["drawn", "drawn", "drawn", "opened", "table"]
    assert kernel.value("said(run)") == [("table", "printed")]


def test_what_a_worker_displays_can_be_updated(kernel: Kernel):
    """As in the notebook itself: it is shown once, as it was in the end."""
    cell = kernel.run("""
        from IPython.display import HTML
        flow = flow_of(progress=None, executor="processes")
        @flow.stage
        def show():
            handle = display(HTML("<p>first</p>"), display_id=True)
            words = display("in words", display_id="words")
            for number in range(20):
                handle.update(HTML(f"<p>number {number}</p>"))
                words.update(f"word {number}")
            handle.display(HTML("<p>once more</p>"))
        run = flow.run()
    """)

    assert cell.error == ""
    last = only_view(cell)[-1]["text/html"]
    assert "number 19" in last
    assert "once more" in last
    assert "first" not in last
    assert kernel.value("[one.event for one in run.events if one.kind == 'display']") == [
        "<IPython.core.display.HTML object>",
        "'in words'",
        "<IPython.core.display.HTML object>",
    ]
    assert kernel.value("set().union(*[one.data or {} for one in run.events])").isdisjoint(
        {"name", "update", "content"}
    )


def test_a_widget_goes_to_the_cell(kernel: Kernel):
    """It is of no use where nothing lives."""
    cell = kernel.run("""
        flow = flow_of(progress=None)
        @flow.stage
        def show():
            form = "application/vnd.jupyter.widget-view+json"
            display({form: {"model_id": "1"}, "text/plain": "a widget"}, raw=True)
        run = flow.run()
    """)

    assert "a widget" in cell.displays
    assert len(cell.displays) == 2


def test_an_updated_display_is_shown_once(kernel: Kernel):
    """As it was in the end."""
    cell = kernel.run("""
        from IPython.display import HTML
        flow = flow_of(progress=None)
        @flow.stage
        def show():
            handle = display(HTML("<p>first</p>"), display_id=True)
            for number in range(100):
                handle.update(HTML(f"<p>number {number}</p>"))
        run = flow.run()
    """)

    last = only_view(cell)[-1]["text/html"]
    assert "number 99" in last
    assert "first" not in last


def test_only_the_first_displays_of_a_stage_are_kept(kernel: Kernel):
    """The others are counted."""
    cell = kernel.run("""
        from IPython.display import HTML
        flow = flow_of(progress=None)
        @flow.stage
        def show():
            for number in range(50):
                display(HTML(f"<p>number {number}.</p>"))
        run = flow.run()
    """)

    last = only_view(cell)[-1]["text/html"]
    assert re.findall(r"number (\d+)\.", last) == ["0", "1", "2", "3", "4"]
    assert "45 more were displayed" in last


def test_what_is_cleared_gives_its_place_to_what_is_displayed_next(kernel: Kernel):
    """As a curve is drawn anew in a loop: the last one is shown, and the words of each."""
    cell = kernel.run("""
        from IPython.display import HTML, clear_output
        flow = flow_of(progress=None)
        @flow.stage
        def items():
            return [1, 2]
        @flow.stage(over="items")
        def fit(items):
            for number in range(20):
                clear_output(wait=True)
                display(HTML(f"<p>curve {number} of {items}.</p>"))
                display(HTML(f"<p>table {number} of {items}.</p>"))
                print("epoch", number)
        run = flow.run()
    """)

    last = only_view(cell)[-1]["text/html"]
    assert sorted(re.findall(r"(?:curve|table) \d+ of \d", last)) == [
        "curve 19 of 1",
        "curve 19 of 2",
        "table 19 of 1",
        "table 19 of 2",
    ]
    assert "more were displayed" not in last
    assert len(kernel.value("said(run)")) == 40


def test_displays_are_in_the_record(kernel: Kernel):
    """The report of a run that is only recorded shows them too, without its secrets."""
    kernel.run("""
        from pathlib import Path
        from IPython.display import HTML
        from pypedream import Secret, view
        from pypedream.engine.history import recorded_run
        flow = Pipeline("kept", Parameters.define(key=Secret("abcd-1234")), workspace="kept")
        @flow.stage
        def show(key):
            display(HTML(f"<p>the key is {key.reveal()}!</p>"))
        run = flow.run()
    """)

    report = kernel.value("view.to_html(recorded_run('kept'))")
    assert "the key is ***!" in report
    assert kernel.value("[*Path('kept').rglob('displays/1.html')] != []")
    kept = "[one.read_bytes() for one in Path('kept').rglob('*') if one.is_file()]"
    assert kernel.value(f"not any(b'abcd-1234' in each for each in {kept})")


def test_children_speak_as_their_stage(kernel: Kernel):
    """In order with what the stage prints itself, also from threads; and no more after the run."""
    kernel.run("""
        import os
        names = subprocess.Popen.__init__, subprocess.Popen.wait, os.system
        flow = flow_of(progress=None, executor="threads")
        for name in ("left", "right"):
            @flow.stage(name=name)
            def speak(name=name):
                for number in range(3):
                    subprocess.run(["echo", name, str(number)])
                    print("after", number)
                assert os.system("echo odd >&2; exit 3") >> 8 == 3
        @flow.stage
        def own(left, right):
            return subprocess.run(["echo", "kept"], capture_output=True).stdout
    """)
    only_view(kernel.run("run = flow.run()"))

    for name in ("left", "right"):
        told = kernel.value(f"[text for stage, text in said(run) if stage == '{name}']")
        lines = [text for number in range(3) for text in (f"{name} {number}", f"after {number}")]
        assert told == [*lines, "odd"]
    assert kernel.value("run['own']") == b"kept\n"
    assert kernel.value("(subprocess.Popen.__init__, subprocess.Popen.wait, os.system) == names")


def test_what_a_child_leaves_unsaid_is_not_waited_for_forever(kernel: Kernel):
    """A child of the child may hold the pipe; the stage ends, and the words still come."""
    cell = kernel.run("""
        import time
        flow = flow_of(progress=None)
        @flow.stage
        def start():
            subprocess.run("sleep 3 & echo begun", shell=True)
        run = flow.run()
    """)

    only_view(cell)
    assert kernel.value("said(run)") == [("start", "begun")]
    assert kernel.value("run.duration_s < 2.5")


def test_a_sweep_has_one_view(kernel: Kernel):
    """The table of its runs."""
    cell = kernel.run("""
        flow = Pipeline("swept", Parameters.define(by=1))
        @flow.stage
        def twice(by):
            print("by", by)
            return 2 * by
        flow.map_runs([{"by": 1}, {"by": 2}, {"by": 3}])
    """)

    assert "6" in only_view(cell)[-1]["text/plain"]
