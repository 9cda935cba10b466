"""Every mistake is one line that says what, where and the fix; none is a traceback of ours."""

from __future__ import annotations

import json
import re
import sys

import pytest

from pypedream.cli import main

FILES = {
    "syntax.py": "import pypedream\nx = (\n",
    "missing_module.py": "import pypedream\nimport pandsa\n",
    "no_pipeline.py": "import pypedream\nnumber = 3\n",
    "two.py": 'import pypedream\na = pypedream.Pipeline("a")\nb = pypedream.Pipeline("b")\n',
    "opens.py": 'import pypedream\ndef read():\n    open("gone.txt")\nread()\n',
    "exits.py": 'import sys\nsys.exit("no licence")\n',
    "notes.ipynb": "{}",
}

# From a name to the arguments and the only line on stderr (a regular expression).
CASES = {
    "unknown command": (["rnu"], r'no command "rnu"; did you mean "run"\?.*--help'),
    "unknown option": (["run", "--onyl", "a"], r"No such option.*--onyl.*--only.*run --help"),
    "unknown parameter": (["run", "-p", "aa=1"], r'no parameter "aa"; did you mean "a"\? \(-p\)'),
    "wrong value": (["run", "-p", "a=x"], r"parameter \"a\": 'x' is not an int.* \(-p\)"),
    "no value": (["run", "-p", "a"], r'"a" is no name=value: write -p a=value'),
    "wrong value in the environment": (
        ["run"],
        r"parameter \"a\": 'x' is not an int.* \(environment PYPEDREAM_PARAM_A\)",
    ),
    "no parameter file": (["run", "--params", "no.toml"], r"no.toml: cannot be read: No such file"),
    "file of no known kind": (["run", "--params", "p.ini"], r"p.ini: .*\.toml, \.json, \.yaml"),
    "unknown stage": (["run", "--only", "laod"], r'--only: no stage "laod"; did you mean "load"\?'),
    "empty selection": (["run", "--only", ""], r"'--only': it is empty: name a stage"),
    "unknown tag": (["run", "--tag", "lat"], r'--tag: no stage is tagged "lat".*"late"'),
    "stage without its input": (
        ["run", "--only", "total"],
        r'stage "total" needs stage "load".*select it too, .*--given load=JSON',
    ),
    "given no stage": (["run", "--given", "laod=1"], r'--given: no stage "laod"; .*"load"\?'),
    "given no JSON": (["run", "--given", "load=[1"], r'value of stage "load" is not JSON.*quotes'),
    "given no value": (["run", "--given", "load"], r'"load" is no name=value: write --given load='),
    "unknown executor": (
        ["run", "--executor", "thread"],
        r"--executor 'thread' .*; did you mean \"threads\"\?",
    ),
    "unknown mode": (
        ["run", "--on-error", "go"],
        r"--on-error 'go' is not \"stop\", \"continue\" or \"collect\"",
    ),
    "limit no count": (["run", "--limit", "db"], r'"db" is no name=count .*: write --limit db=4'),
    "limit too low": (["run", "--limit", "db=0"], r'"db=0" is no name=count with a count from 1'),
    "workers no number": (["run", "--workers", "two"], r"'--workers': 'two' is not a valid int"),
    "both workspaces": (["run", "--workspace", "a", "--no-workspace"], r"exclude each other"),
    "workspace under a file": (
        ["run", "--workspace", "pipeline.py/x"],
        r"cannot write the workspace pipeline.py/x: .*--workspace DIR.*--no-workspace",
    ),
    "workspace under a file for repro": (
        ["repro", "--workspace", "pipeline.py/x"],
        r"cannot write the workspace pipeline.py/x: .*; record elsewhere with --workspace DIR$",
    ),
    "workspace as a shell completes it": (
        ["repro", "--workspace", "./pipeline.py/x/"],
        r"cannot write the workspace pipeline.py/x: .*; record elsewhere with --workspace DIR$",
    ),
    "no such file": (["run", "pipelin.py"], r'no file pipelin.py; did you mean "pipeline.py"\?'),
    "no such folder": (["run", "sub/flow.py"], r"no file sub/flow.py: there is no folder sub"),
    "no such module": (["run", "no.module"], r"no file and no module no.module"),
    "no Python file": (
        ["run", "full/notes.txt"],
        r"notes.txt is no Python file: name the FILE",
    ),
    "folder without a pipeline": (["run", "full/"], r"no pipeline in full: name its file"),
    "folder around without one": (["run", ".."], r"no pipeline in \.\.: name its file"),
    "file without its ending": (
        ["repro", "pipeline"],
        r'no stage "pipeline"; did you mean "pipeline.py',
    ),
    "notebook": (["run", "notes.ipynb"], r"notes.ipynb is a notebook: open it in Jupyter"),
    "notebook to repro": (["repro", "notes.ipynb"], r"is a notebook: .* by to_module"),
    "syntax error": (["run", "syntax.py"], r"cannot load syntax.py: syntax.py:2: SyntaxError: "),
    "import error": (
        ["run", "missing_module.py"],
        r"missing_module.py:2: ModuleNotFoundError: No module named 'pandsa'; install it",
    ),
    "error on import": (["run", "opens.py"], r"cannot load opens.py: opens.py:3: FileNotFoundErr"),
    "exit on import": (["run", "exits.py"], r"cannot load exits.py: exits.py:2: SystemExit: no l"),
    "no pipeline in it": (["run", "no_pipeline.py"], r"defines no pipeline: it needs a line such"),
    "two pipelines in it": (["run", "two.py"], r"defines 2 pipelines, name one.*two.py:a, two.py"),
    "no such name": (["run", "pipeline.py:flwo"], r'no pipeline "flwo"; did you mean "flow"\?'),
    "no name like it": (["run", "pipeline.py:x"], r'no pipeline "x"; there is only flow$'),
    "no stage like it": (["run", "--only", "x"], r'--only: no stage "x": there are load, total$'),
    "stage without a name": (["repro", ""], '"" is no stage: without any word it would be all'),
    "not a pipeline": (["run", "pipeline.py:load"], r"load is no Pipeline but of type function"),
    "no run": (["log"], r"no run is recorded in \.pypedream"),
    "unknown level": (["log", "--level", "warn"], r"'warn' is not one of 'debug', 'info'"),
    "no pattern": (["log", "--grep", "("], r'"\(" is no regular expression: missing \)'),
    "limit no number": (["runs", "--limit", "0"], r"'--limit': 0 is not in the range"),
    "new without a name": (["new"], r"name the folder: python -m pypedream new NAME"),
    "new over a file": (["new", "pipeline.py"], r"pipeline.py is a file: choose another name"),
    "new over a folder": (["new", "full"], r"full is there and not empty: choose another name"),
    "new with a Windows name": (["new", "con"], r'"con" is no name for a folder on every system'),
    "unknown template": (["new", "x", "--template", "cvs"], r"'cvs' is not one of 'csv', 'plain'"),
    "two forms": (["show", "--mermaid", "--json"], r"exclude each other: choose one"),
    "picture over a pipeline": (["show", "--svg", "pipeline.py"], r"a picture .* to a FILE\.svg"),
    "two forms of parameters": (["params", "--json", "--toml"], r"exclude each other: choose one"),
    "unknown shell": (["completion", "tcsh"], r"'tcsh' is not one of 'bash', 'zsh', 'fish'"),
}


@pytest.mark.parametrize("arguments, pattern", CASES.values(), ids=CASES)
def test_a_mistake_is_one_line_with_its_fix(invoke, write, flow, request, arguments, pattern):
    """The exit code is 2, stdout stays empty unless it is JSON, and nothing is written."""
    for name, text in FILES.items():
        write(name, text)
    write("full/notes.txt", "mine")
    in_environment = request.node.callspec.id == "wrong value in the environment"

    result = invoke(*arguments, env={"PYPEDREAM_PARAM_A": "x"} if in_environment else {})

    assert result.exit_code == 2
    assert result.stdout == "" or json.loads(result.stdout)["error"]
    lines = result.stderr.splitlines()
    if re.fullmatch(r'pipeline "sums" cannot run: 1 mistake', lines[0]):
        lines = lines[1:]
    assert len(lines) == 1
    assert re.search(pattern, lines[0])
    assert flow.read_text(encoding="utf-8").startswith("\nfrom pypedream")


def test_a_file_of_the_project_is_near_from_a_folder_in_it(invoke, write, flow, monkeypatch):
    """Where the command would find it without a name."""
    write("pyproject.toml", "")
    write("sub/notes.txt", "")
    monkeypatch.chdir(flow.parent / "sub")

    result = invoke("run", "pipeline.py")

    assert result.stderr == 'error: no file pipeline.py; did you mean "../pipeline.py"?\n'


def test_a_pipeline_without_parameters_says_so(invoke, write):
    """There is nothing to be near to."""
    write("pipeline.py", "from pypedream import Pipeline\nflow = Pipeline('flow')\n")

    result = invoke("run", "-p", "limit=3")

    assert result.stderr == 'error: no parameter "limit"; there is none (-p)\n'


def test_all_mistakes_in_values_are_named_at_once(invoke, flow):
    """File, environment and command line are looked at together."""
    result = invoke(
        "run", "-p", "a=x", "-p", "c=1", "--params", "gone.toml", env={"PYPEDREAM_PARAM_B": "y"}
    )

    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "error: 4 mistakes in the parameters",
        "  parameter \"b\": 'y' is not an int, like its default 2 (environment PYPEDREAM_PARAM_B)",
        "  gone.toml: cannot be read: No such file or directory",
        "  parameter \"a\": 'x' is not an int, like its default 1 (-p)",
        '  no parameter "c"; there are a, b (-p)',
    ]


def test_all_mistakes_in_selections_are_named_at_once(invoke, flow):
    """They have the names of the options, not those of Python's arguments."""
    result = invoke("run", "--until", "totl", "--from", "laod", "--tag", "x", "--given", "y=1")

    assert result.stderr.splitlines()[0] == 'pipeline "sums" cannot run: 4 mistakes'
    options = [line.split(":")[0].strip() for line in result.stderr.splitlines()[1:]]
    assert sorted(options) == ["--from", "--given", "--tag", "--until"]


def test_mistakes_of_the_pipeline_have_their_line(invoke, write):
    """What is wrong in the file is named with file and line."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline

        flow = Pipeline("wrong")

        @flow.stage
        def clean(laod):
            return laod

        @flow.stage
        def load():
            return 1
        """,
    )

    result = invoke("run")

    assert result.exit_code == 2
    assert 'did you mean "load"?' in result.stderr
    assert "(pipeline.py:6)" in result.stderr


def test_no_pipeline_in_the_folder(invoke):
    """The line says how to name one and how to make one."""
    result = invoke("run")

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "python -m pypedream run FILE.py" in result.stderr
    assert "python -m pypedream new NAME" in result.stderr


def test_two_pipelines_in_the_folder(invoke, write, flow):
    """The line lists them."""
    flow.rename("first.py")
    write("second.py", 'import pypedream\nflow = pypedream.Pipeline("second")\n')

    result = invoke("run")

    assert result.exit_code == 2
    assert result.stderr == (
        "error: 2 files with a pipeline in this folder, name one of them: first.py, second.py\n"
    )


def test_an_unknown_run_names_those_that_there_are(invoke, flow):
    """The last few ids are listed."""
    invoke("run")

    result = invoke("log", "zzz")

    assert result.exit_code == 2
    assert 'error: no run "zzz" in .pypedream; the last are 0' in result.stderr


def test_debug_shows_where_a_file_cannot_be_loaded(invoke, write):
    """The traceback comes before the line."""
    write("opens.py", FILES["opens.py"])

    result = invoke("run", "opens.py", "--debug")

    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.splitlines()[-1].startswith("error: cannot load opens.py: opens.py:3: ")


def test_what_users_write_cannot_reach_the_terminal(invoke, write):
    """Control characters in names and messages are escaped."""
    write("pipeline.py", 'raise ValueError("\\x1b[2J\\u202e gone")\n')

    result = invoke("run")

    assert "\\x1b[2J\\u202e gone" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("arguments", ["run", "repro", "status", "plots show", "new x"])
def test_a_folder_that_was_removed_meanwhile_is_told(folder, monkeypatch, capsys, arguments):
    """A shell may still be in it."""
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "argv", ["pypedream", *arguments.split()])

    with pytest.raises(SystemExit) as ended:
        main()

    said = "error: the folder that this was given in is gone: cd to one that there is\n"
    assert (ended.value.code, capsys.readouterr().err) == (2, said)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ("run", "run FILE.py"),
        ("status", "status FILE.py"),
        ("params", "params show FILE.py"),
        ("export dvc", "export dvc FILE.py"),
        ("params diff", "params diff --pipeline FILE.py"),
        ("ingest in", "ingest FOLDER FILE.py"),
        ("cache adopt a b", "cache adopt OLD NEW FILE.py"),
    ],
)
def test_without_a_pipeline_the_command_that_was_given_is_told_with_a_file(
    invoke, folder, arguments, said
):
    """So that it can be given again."""
    result = invoke(*arguments.split())

    assert f"no pipeline in this folder: name its file (python -m pypedream {said}), or" in (
        result.stderr
    )


def test_without_a_pipeline_a_notebook_is_told_with_the_way_to_one(invoke, write):
    """It may be the only place where there is one."""
    write("analysis.ipynb", "{}")

    told = invoke("run").stderr

    assert 'write that of analysis.ipynb to a file there, by to_module("flow.py"), or make' in told


def test_a_repro_without_a_pipeline_is_told_with_a_file(shell):
    """It is carried out before it is looked at as other commands are."""
    code, _, told = shell("repro")

    assert (code, "(python -m pypedream repro FILE.py)" in told) == (2, True)


@pytest.mark.parametrize(
    "arguments", ["run", "repro", "status", "plan", "show", "resume", "report", "export dvc", "new"]
)
def test_a_list_of_very_many_stages_is_no_file(invoke, flow, arguments):
    """No system has files of such names; who takes no stages says so."""
    result = invoke(*arguments.split(), ",".join(["load", "total"] * 50))

    assert result.exit_code == (0 if arguments in ("run", "repro", "status") else 2)
