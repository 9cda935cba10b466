"""The command `import-dvc`: a pipeline file that does what a dvc.yaml did."""

from __future__ import annotations

import json
import os
import shutil

import pytest

pytest.importorskip("yaml")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands are of a POSIX shell")

DVC = """
stages:
  prepare:
    cmd:
      - mkdir -p parts
      - sort in.txt > parts/a.txt
    desc: Sort "it".
    deps: [in.txt]
    outs:
      - parts/
  count-lines:
    wdir: sub
    cmd: wc -l < ../parts/a.txt | tr -d ' ' > n.json
    deps: [../parts/]
    params: [most]
    metrics:
      - n.json:
          cache: false
"""


@pytest.fixture
def dvc(project, write):
    """A project with a dvc.yaml."""
    (project / "pipeline.py").unlink()
    write("dvc.yaml", DVC)
    write("sub/params.yaml", "most: 3\n")
    write("in.txt", "b\na\n")
    return project


def states(result) -> dict[str, str]:
    return {key: one["state"] for key, one in json.loads(result.stdout)["stages"].items()}


@pytest.mark.skipif(shutil.which("sort") is None, reason="there is no sort")
def test_the_stages_give_the_same_commands(dvc, invoke):
    """In their order and folder, and not again while nothing has changed."""
    result = invoke("import-dvc")

    assert result.exit_code == 0, result.stderr
    assert 'note: stage "count-lines": any change in params.yaml counts' in result.stdout
    assert states(invoke("repro", "--json")) == {"prepare": "ok", "count-lines": "ok"}
    assert (dvc / "parts" / "a.txt").read_text() == "a\nb\n"
    assert invoke("metrics").stdout.split()[-1] == "2"
    assert states(invoke("repro", "--json")) == {"prepare": "reused", "count-lines": "reused"}
    (dvc / "in.txt").write_text("c\n")
    assert states(invoke("repro", "--json")) == {"prepare": "ok", "count-lines": "ok"}


def test_a_file_that_is_there_stays(dvc, write, invoke):
    """Unless it is asked to go."""
    write("pipeline.py", "x = 1")

    assert "pipeline.py is there" in invoke("import-dvc").stderr
    assert invoke("import-dvc", "--out", "other.py").exit_code == 0
    assert invoke("import-dvc", "--overwrite").exit_code == 0
    assert "flow.register(prepare" in (dvc / "pipeline.py").read_text()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("stages: {a: {foreach: [1], do: {cmd: x}}}", 'stage "a": it is a template'),
        ("stages: {a: {cmd: 'x ${y}'}}", 'stage "a": it is a template'),
        ("stages: {a: {cmd: x, deps: [../../x]}}", 'stage "a": "../../x" is outside'),
        ("stages: {a: {cmd: x, outs: [/x]}}", 'stage "a": "/x" is outside of the project'),
        ("stages: {}", "no stages"),
        ("a: [", "cannot read dvc.yaml"),
        ("text", "has no stages"),
    ],
)
def test_what_cannot_be_imported_is_said(dvc, write, invoke, text, expected):
    """Every stage at once, and nothing is written."""
    write("dvc.yaml", text)

    result = invoke("import-dvc")

    assert result.exit_code == 2
    assert expected in result.stderr
    assert not (dvc / "pipeline.py").exists()


@pytest.mark.parametrize(
    "source, why",
    [("none.yaml", "No such file or directory"), (".", "Is a directory")],
)
def test_where_there_is_no_dvc_yaml_it_is_said_how_to_name_it(dvc, invoke, source, why):
    """In the words of the system, without its number."""
    result = invoke("import-dvc", source)

    fix = "name the file: import-dvc FOLDER/dvc.yaml"
    assert result.stderr == f"error: cannot read {source}: {why}; {fix}\n"


def test_names_that_are_no_names_of_python_do_no_harm(dvc, write, invoke):
    """What stands in a dvc.yaml is only text in the module."""
    write(
        "dvc.yaml",
        'stages: {"1 class": {cmd: "true", desc: "a \\"\\"\\" \\\\ b"}, flow: {cmd: "true"}}',
    )

    assert invoke("import-dvc").exit_code == 0

    assert [each["stage"] for each in json.loads(invoke("list", "--json").stdout)["stages"]] == [
        "1 class",
        "flow",
    ]
