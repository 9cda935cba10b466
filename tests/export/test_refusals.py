"""What cannot be written is named, all of it at once, and nothing is written."""

from __future__ import annotations

import pytest

from .conftest import in_cells, in_script, python

pytest.importorskip("IPython")

HEAD = "from pypedream import Parameters, Pipeline, Secret\nflow = Pipeline('refused')\n"
WRITE = "flow.to_module('written.py')"

REASONS = {
    "an open file": (
        ["file = open(__import__('os').devnull)", "@flow.stage\ndef a():\n    return file.read()"],
        '"file" is an open file: open it in the stage that reads it (Cell In[2], line 1)',
    ),
    "a frame": (
        [
            "import pandas, io\ntable = pandas.read_csv(io.StringIO('a,b'))",
            "@flow.stage\ndef a():\n    return len(table)",
        ],
        (
            '"table" is DataFrame 0 x 2 (pandas.DataFrame): make it the result of a stage, or a'
            " parameter (Cell In[2], line 2)"
        ),
    ),
    "a fitted model": (
        [
            "class Mean:\n    def fit(self, rows):\n        self.mean = 2\n        return self",
            "model = Mean().fit([1, 2])",
            "@flow.stage\ndef a():\n    return model.mean",
        ],
        (
            '"model" is a model (__main__.Mean): make it the result of a stage, or a parameter'
            " (Cell In[3], line 1)"
        ),
    ),
    "what was computed": (
        [
            "def many():\n    return list(range(500))\nrows = many()",
            "@flow.stage\ndef a():\n    return rows",
        ],
        (
            '"rows" is a list of 500 that was computed: make it the result of a stage'
            " (Cell In[2], line 3)"
        ),
    ),
    "a secret of the module": (
        ["API_TOKEN = 'abcdef'", "@flow.stage\ndef a():\n    return API_TOKEN"],
        (
            '"API_TOKEN" sounds like a secret, and a module would show it: make it a Secret'
            " parameter (Cell In[2], line 1)"
        ),
    ),
    "a shell command": (
        ["@flow.stage\ndef a():\n    files = !ls\n    return files"],
        "the shell command !ls works only in IPython: use subprocess.run (Cell In[2], line 3)",
    ),
    "a magic": (
        ["def helper():\n    %precision 3\n\n@flow.stage\ndef a():\n    return helper()"],
        "the magic %precision 3 works only in IPython: write it in Python (Cell In[2], line 2)",
    ),
    "the shell itself": (
        ["@flow.stage\ndef a():\n    return get_ipython().user_ns"],
        "get_ipython() is there only in IPython: do without it (Cell In[2], line 2)",
    ),
    "a helper under a magic": (
        ["%%time\ndef helper():\n    return 1", "@flow.stage\ndef a():\n    return helper()"],
        (
            '"helper" is defined under %%time, which hides its source: take the magic off and run'
            " the cell again (Cell In[2], line 1)"
        ),
    ),
    "a stage under a magic": (
        ["%%time\n@flow.stage\ndef a():\n    return 1"],
        (
            'stage "a" is defined under %%time, which hides its source: take the magic off and run'
            " the cell again (Cell In[2], line 1)"
        ),
    ),
    "a function without source": (
        ["exec('def helper(): return 1')", "@flow.stage\ndef a():\n    return helper()"],
        'the source of "helper" is not known: write it in a cell or in a module (<string>:1)',
    ),
    "an await outside": (
        [
            "import asyncio\nthing = await asyncio.sleep(0, object())",
            "@flow.stage\ndef a():\n    return thing",
        ],
        (
            '"thing" is a value of type object: make it in a stage, or make it a parameter'
            " (Cell In[2], line 2)"
        ),
    ),
    "a name that nothing sets": (
        ["@flow.stage\ndef a():\n    return nowhere"],
        '"nowhere" has no value: run the cell that gives it one (Cell In[2], line 2)',
    ),
    "a name of two meanings": (
        [
            "def load():\n    return 1\nflow.stage(load, name='a', retries=1)",
            "def load():\n    return 2\n@flow.stage\ndef b():\n    return load()",
        ],
        (
            '"load" means two things in the module: Cell In[2], line 1 and Cell In[3], line 1:'
            " rename one"
        ),
    ),
    "a pipeline that changed after it was included": (
        [
            "inner = Pipeline('inner')\n@inner.stage\ndef a():\n    return 1",
            "flow.include(inner, prefix='in')",
            "@inner.stage\ndef a():\n    return 2",
        ],
        (
            'stage "in.a" is not what the included pipeline has by now: run its cells again, from'
            " the pipeline on (Cell In[3], line 1)"
        ),
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_says_what_where_and_the_way_out(tmp_path, name):
    """One line, which names the cell; the file is not there."""
    cells, reason = REASONS[name]
    if name == "a frame":
        pytest.importorskip("pandas")

    said = in_cells(tmp_path, [HEAD, *cells, WRITE])

    shown = said[said.index("ExportError") :].splitlines()
    assert shown == [
        'ExportError: no module is written for pipeline "refused": 1 reason',
        f"  {reason}",
    ]
    assert list(tmp_path.iterdir()) == []


def test_all_reasons_are_named_at_once(tmp_path):
    """Nobody has to come back for the next one."""
    cells = [cell for name in ("an open file", "what was computed") for cell in REASONS[name][0]]
    cells[3] = cells[3].replace("def a", "def b")

    said = in_cells(tmp_path, [HEAD, *cells, WRITE])

    assert "2 reasons" in said
    assert '  "file" is an open file' in said
    assert '  "rows" is a list of 500' in said


def test_a_script_that_was_edited_since_is_refused(tmp_path):
    """The text of a function must be what the function does."""
    cells = [
        HEAD,
        "@flow.stage\ndef a():\n    return 1",
        (
            "import pathlib\nfile = pathlib.Path(__file__)\n"
            "file.write_text(file.read_text().replace('return 1', 'return 2'))"
        ),
        WRITE,
    ]

    said = in_script(tmp_path, cells)

    assert 'the text of "a" was changed after it was loaded: load it again (script.py:6)' in said


PATHS = {
    "flow.txt": 'flow.txt is no name for a module: call it "flow.py"',
    "my-flow.py": 'my-flow.py cannot be imported by its name: call it "my_flow.py"',
    "nowhere/flow.py": "there is no folder nowhere: make it first",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_none_of_a_module_is_refused(tmp_path, path):
    """Before anything else is looked at."""
    said = in_cells(tmp_path, [HEAD, f"flow.to_module({path!r})"])

    assert PATHS[path] in said
    assert list(tmp_path.iterdir()) == []


def test_what_was_typed_has_no_text(tmp_path):
    """A console without IPython keeps none."""
    text = f"{HEAD}flow.to_module('written.py')\n"

    done = python(tmp_path, "-c", text)

    assert "the text of what was typed is not known: write it in a notebook or a file" in (
        done.stderr
    )


def test_a_pipeline_without_a_name_is_refused(tmp_path):
    """The module needs one."""
    said = in_cells(
        tmp_path, [HEAD, "flows = [flow]\ndel flow", "flows[0].to_module('written.py')"]
    )

    assert "no name at the top of a notebook, script or module stands for it" in said
