from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from pypedream import Parameters, Pipeline, view


def same_flow() -> Pipeline:
    flow = Pipeline("sums", Parameters.define(a=1, b=2))

    @flow.stage
    def load(a): ...

    @flow.stage(tags=("late",))
    def total(load, b): ...

    return flow


def test_the_tree_is_that_of_the_library(invoke, flow):
    """The command adds nothing to view.tree_text."""
    assert invoke("show").stdout == view.tree_text(same_flow()) + "\n"


def test_the_tree_fits_an_old_encoding(shell, flow):
    """Without signs beyond ASCII it is drawn with ASCII."""
    code, stdout, _ = shell("show", PYTHONIOENCODING="cp1252")

    assert code == 0
    assert stdout == view.tree_text(same_flow(), ascii=True) + "\n"


def test_mermaid_is_printed(invoke, flow):
    """The text can be piped into a file."""
    assert invoke("show", "--mermaid").stdout.strip() == view.to_mermaid(same_flow()).strip()


def test_a_picture_is_printed_as_ascii(invoke, flow):
    """It is well-formed whatever the encoding of the pipe."""
    text = flow.read_text(encoding="utf-8").replace("total", "größe")
    flow.write_text(text, encoding="utf-8")

    stdout = invoke("show", "--svg").stdout

    assert stdout.isascii()
    assert "größe" in "".join(ElementTree.fromstring(stdout).itertext())


def test_a_picture_is_written_to_a_file(invoke, flow):
    """The name of the file follows the option."""
    result = invoke("show", "--svg", "flow.svg")

    assert result.stdout == "wrote flow.svg\n"
    assert ElementTree.parse(Path("flow.svg")).getroot().tag.endswith("svg")


def test_json_has_stages_inputs_and_edges(result_of, flow):
    """The document is enough to draw the picture elsewhere."""
    document = result_of("show")

    assert [stage["stage"] for stage in document["stages"]] == ["load", "total"]
    assert document["stages"][1]["inputs"] == [
        {"argument": "load", "kind": "stage", "source": "load"},
        {"argument": "b", "kind": "parameter", "source": "b"},
    ]
    assert document["edges"] == [{"from": "load", "to": "total", "kind": "value"}]


def test_a_pipeline_with_mistakes_is_shown_with_them(invoke, flow):
    """Looking at it is how one finds them."""
    text = flow.read_text(encoding="utf-8").replace("total(load", "total(laod")
    flow.write_text(text, encoding="utf-8")

    result = invoke("show")

    assert result.exit_code == 0
    assert 'did you mean "load"?' in result.stdout


@pytest.fixture
def failed(invoke, broken) -> str:
    """The id of a recorded run whose second stage failed."""
    invoke("run", "-q")
    return next(Path(".pypedream/runs").iterdir()).name


def test_a_recorded_run_is_shown(invoke, failed):
    """How it went, what each stage was called with, what failed and how to go on."""
    result = invoke("show", failed)

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0].startswith("broken: failed after ")
    assert lines[1:5] == ["parameters", "a 1", "b 0", "stages"]
    assert lines[5] == "stage state took called with note"
    assert lines[6].startswith("load ok ")
    assert lines[6].endswith(" a=1")
    assert lines[7].startswith("ratio failed ")
    assert lines[7].endswith(" load, b=0")
    assert lines[8] == 'plot blocked needs "ratio", which failed'
    assert lines[9] == "ratio failed: ZeroDivisionError: division by zero"
    assert lines[11] == "return load / b"
    assert lines[-2] == f"to go on: fix it, then python -m pypedream resume {failed}"
    assert lines[-1] == f"its log: python -m pypedream log {failed}"


def test_a_run_that_is_ok_has_nothing_to_go_on_with(invoke, flow):
    """Where results came from is said, and how often a stage warned."""
    text = flow.read_text(encoding="utf-8").replace("import Para", "import logger, Para")
    loud = text.replace("return load + b", 'logger.warning("few"); return load + b')
    flow.write_text(loud, encoding="utf-8")
    invoke("run", "-q")
    invoke("run", "-q", "--given", "load=5")

    shown = invoke("show", "last~1").stdout
    given = invoke("show", "last").stdout

    assert "to go on" not in shown
    assert "1 warning" in shown
    assert "reused" in given
    assert "given" in given


def test_a_file_wins_over_a_run(invoke, failed, write):
    """Whoever has a file of that name means it."""
    write("last.py", 'from pypedream import Pipeline\nflow = Pipeline("mine")\n')

    assert invoke("show", "last").stdout.startswith("mine")
    assert invoke("show", failed).stdout.startswith("broken: failed")


def test_json_of_a_run_has_its_stages(result_of, failed):
    """With inputs, states and what failed."""
    document = result_of("show", "last")

    assert (document["run"], document["state"]) == (failed, "failed")
    assert document["parameters"] == {"a": 1, "b": 0}
    assert document["stages"]["ratio"]["error"]["type"] == "ZeroDivisionError"
    assert document["stages"]["ratio"]["inputs"]["b"]["shown"] == "0"
    assert document["environment"]["python"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("last", "--svg", "x.svg"), "error: --mermaid and --svg draw a pipeline, and last is"),
        (("0zz",), 'error: no run "0zz" in .pypedream; the last are '),
        (("last~5",), 'error: no run "last~5": there are only 1 in .pypedream'),
        (("last", "--workspace", "none"), "error: no run is recorded in none"),
        (("nowhere",), "error: no file and no module nowhere"),
    ],
    ids=["picture", "unknown", "too far back", "no workspace", "module"],
)
def test_what_is_no_run_is_refused_in_a_line(invoke, failed, arguments, said):
    """What looks like a run is looked for among the runs."""
    result = invoke("show", *arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 1
