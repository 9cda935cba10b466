from __future__ import annotations

import os

import pytest
from click.shell_completion import ShellComplete

from pypedream.cli import app


@pytest.fixture
def suggested(folder, monkeypatch):
    """Return what a shell offers after the words of a command line, the last still being typed."""
    monkeypatch.setattr("sys.argv", ["pypedream"])

    def suggest(*words):
        *before, last = words
        found = ShellComplete(app, {}, "pypedream", "_PYPEDREAM_COMPLETE")
        return [item.value for item in found.get_completions(before, last)]

    return suggest


def test_files_are_suggested_that_define_a_pipeline(suggested, flow, write):
    """Other Python files are not; folders lead on."""
    write("notes.py", "x = 1")
    write("sub/pipeline.py", "")

    assert suggested("run", "") == ["pipeline.py", "sub/"]


def test_files_in_a_folder_are_suggested(suggested, flow, write):
    """With the folder before them, as they have to be typed."""
    write("sub/flow.py", flow.read_text())

    assert suggested("plan", "sub/f") == ["sub/flow.py"]


@pytest.mark.parametrize("option", ["--only", "--until", "--from"])
def test_stages_are_suggested(suggested, flow, option):
    """Those of the file that is named, or that is the only one."""
    assert suggested("run", option, "") == ["load", "total"]
    assert suggested("run", "pipeline.py", option, "to") == ["total"]
    assert suggested("run", option, "load,t") == ["load,total"]


def test_parameters_are_suggested_with_their_sign(suggested, flow):
    """What is missing is the value."""
    assert suggested("run", "-p", "") == ["a=", "b="]
    assert suggested("run", "--given", "t") == ["total="]
    assert suggested("run", "--tag", "") == ["late"]


def test_items_of_a_recorded_run_are_suggested(suggested, folder, invoke):
    """Those that have lines of their own: of the stage that is named, or of any."""
    (folder / "mapped.py").write_text(
        "from pypedream import Parameters, Pipeline\n"
        "flow = Pipeline('mapped', Parameters.define(files={'north': 1, 'south': 2}))\n"
        "flow.stage(lambda n: print(n), name='load', over={'n': 'files'})\n"
        "flow.stage(lambda: 1, name='other')\n"
    )
    invoke("run", "mapped.py", "-q")

    assert suggested("log", "--item", "") == ["north", "south"]
    assert suggested("log", "--item", "s") == ["south"]
    assert suggested("log", "--stage", "load[n") == ["load[north]"]
    assert suggested("log", "--stage", "other", "--item", "") == []


def test_runs_are_suggested_newest_first(suggested, flow, invoke):
    """Their ids, and the stages that they have; nothing of the user's is imported for that."""
    for _ in range(2):
        invoke("run", "-q")
    runs = sorted(os.listdir(".pypedream/runs"), reverse=True)
    flow.unlink()

    assert suggested("log", "") == ["last", *runs]
    assert suggested("log", "--stage", "") == ["load", "total"]
    assert suggested("log", runs[0], "--stage", "lo") == ["load"]
    assert suggested("diff", runs[1], "") == ["last", *runs]
    assert suggested("show", "") == ["last", *runs]


@pytest.mark.parametrize(
    "text",
    ["1 / 0", "import nowhere", "def", "exit()", ""],
    ids=["raises", "import", "syntax", "exit", "empty"],
)
def test_nothing_is_suggested_when_there_is_nothing_to_load(suggested, write, capfd, text):
    """Whoever presses the tab key does not want to see a traceback."""
    write("pipeline.py", text)

    assert suggested("run", "--only", "") == []
    assert suggested("log", "") == ["last"]
    assert capfd.readouterr() == ("", "")


def test_what_a_file_prints_is_not_suggested(suggested, flow, capfd):
    """The shell would take it for words."""
    flow.write_text("print('hello')\n" + flow.read_text())

    assert suggested("run", "--only", "") == ["load", "total"]
    assert capfd.readouterr() == ("", "")
