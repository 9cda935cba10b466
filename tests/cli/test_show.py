from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

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
