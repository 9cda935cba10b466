"""What the proof finds: equal, varying, other results; and what it leaves alone."""

from __future__ import annotations

import os

import pytest

from .conftest import in_cells, in_script, python

pytest.importorskip("IPython")

HEAD = "from pypedream import Parameters, Pipeline, Secret\n"
WRITE = "print(flow.to_module('written.py'))"


def test_a_stage_that_varies_by_itself_is_named(tmp_path):
    """A second run of the session finds out that it is not the module that differs."""
    cells = [
        f"import random\n{HEAD}flow = Pipeline('drawn')",
        "@flow.stage\ndef fixed():\n    return 1",
        "@flow.stage\ndef drawn():\n    return random.random()",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert "1 of 2 stages gave equal results in fresh interpreters" in said
    assert "other results in each run: drawn" in said


def test_state_that_only_the_session_has_is_found(tmp_path):
    """A stage that gives something else in the module is named, and nothing is written."""
    cells = [
        f"import sys\n{HEAD}flow = Pipeline('state')\nsys.state = 3",
        "@flow.stage\ndef seen():\n    return getattr(sys, 'state')",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert "the module fails where the session does not: AttributeError" in said
    assert list(tmp_path.iterdir()) == []


def test_a_default_that_was_taken_before_is_found(tmp_path):
    """A function keeps the default of its definition, though the name has another value by now."""
    cells = [
        f"{HEAD}n = 3\nflow = Pipeline('defaults')",
        "@flow.stage\ndef a(*, size=n):\n    return size",
        "n = 5",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert 'stage "a" is another one: default of size in a 3 -> 5' in said
    assert list(tmp_path.iterdir()) == []


def test_options_are_compared(tmp_path):
    """A stage whose name for a number of retries means another number by now is another one."""
    cells = [
        f"{HEAD}tries = 3\nflow = Pipeline('options', workers=tries)",
        "@flow.stage(retries=tries)\ndef a():\n    return 1",
        "tries = 5",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert 'stage "a" has another retries in the module' in said
    assert "workers of the pipeline is another one in the module" in said


def test_a_pipeline_that_fails_is_said_to(tmp_path):
    """With the user's own lines, and the ways to go on."""
    cells = [
        f"{HEAD}flow = Pipeline('fails', Parameters.define('n'))",
        "@flow.stage\ndef a(n):\n    return 1 / n",
        "flow.to_module('written.py', n=0)",
        "flow.to_module('written.py')",
        "flow.to_module('written.py', n=1)",
    ]

    said = in_cells(tmp_path, cells)

    assert "the pipeline itself fails: ZeroDivisionError: division by zero" in said
    assert 'PlanError: pipeline "fails" cannot run: 1 mistake' in said
    assert "1 of 1 stage gave equal results" in said


def test_without_a_check_nothing_is_called(tmp_path):
    """And what is returned says that nothing was proved."""
    cells = [
        f"{HEAD}flow = Pipeline('unchecked', Parameters.define('n'))",
        "@flow.stage\ndef a(n):\n    open('called', 'w').close()",
        "print(flow.to_module('written.py', check=False))",
    ]

    said = in_cells(tmp_path, cells)

    assert "\n  not checked\n" in said
    assert [each.name for each in tmp_path.iterdir()] == ["written.py"]


def test_a_long_stage_need_not_be_called(tmp_path):
    """What a run can be given, the proof can."""
    cells = [
        f"{HEAD}flow = Pipeline('given')",
        "@flow.stage\ndef load():\n    raise RuntimeError",
        "@flow.stage\ndef total(load):\n    return sum(load)",
        "print(flow.to_module('written.py', given={'load': [1, 2]}))",
    ]

    said = in_cells(tmp_path, cells)

    assert "2 of 2 stages gave equal results" in said


def test_the_session_stays_as_it_is(tmp_path):
    """Neither its last run nor its workspace knows of the proof."""
    cells = [
        f"{HEAD}flow = Pipeline('quiet', workspace='kept')",
        "@flow.stage\ndef a():\n    print('said')\n    return 1",
        "import os, sys\npath, modules = list(sys.path), set(sys.modules)",
        WRITE,
        "print(flow.last_run, sys.path == path, os.listdir())",
    ]

    said = in_cells(tmp_path, cells)

    assert said.splitlines()[-1] == "None True ['written.py']"
    assert "said" not in said


def test_no_secret_is_written(tmp_path):
    """A default that is one becomes a parameter that has to be set; the proof has the value."""
    cells = [
        (
            f"{HEAD}from pypedream import Parameter\n"
            "parameters = Parameters.define(\n    n=1,\n    key=Secret('hunter-2-hunter'),\n"
            "    token=Parameter(Secret, 'abcd-efgh', help='of the service'),\n"
            "    password='open-sesame',\n)"
        ),
        "flow = Pipeline('secrets', parameters)",
        (
            "@flow.stage\ndef a(key, token, password):\n"
            "    return key.reveal(), token.reveal(), len(password)"
        ),
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    text = (tmp_path / "written.py").read_text(encoding="utf-8")
    assert "key=Parameter(secret=True)," in text
    assert "token=Parameter(secret=True, help='of the service')," in text
    assert "password=Parameter(str)," in text
    assert not any(each in text + said for each in ("hunter", "abcd", "sesame"))
    assert "1 of 1 stage gave equal results" in said
    assert "set PYPEDREAM_PARAM_TOKEN or -p token=..." in said


def test_what_the_environment_says_is_not_written(tmp_path):
    """It is asked again where the module runs, in whatever way it was asked."""
    cells = [
        f"import os\n{HEAD}os.environ['SERVICE'] = 'hunter-2-hunter'",
        "A = os.environ['SERVICE']\nB = os.getenv('SERVICE')",
        "C = os.environ.get('SERVICE', '')\nD = os.path.join(A, 'x')",
        "flow = Pipeline('asked')\n@flow.stage\ndef a():\n    return len(A + B + C + D)",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    text = (tmp_path / "written.py").read_text(encoding="utf-8")
    assert "1 of 1 stage gave equal results" in said
    assert "B = os.getenv('SERVICE')" in text
    assert "hunter" not in text


def test_a_secret_of_a_pipeline_within_is_not_written(tmp_path):
    """It has another name in the whole."""
    cells = [
        f"{HEAD}inner = Pipeline('inner', Parameters.define(key=Secret('hunter-2-hunter')))",
        "@inner.stage\ndef a(key):\n    return len(key.reveal())",
        "flow = Pipeline('whole')\nflow.include(inner, prefix='in')",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert "1 of 1 stage gave equal results" in said
    assert "or -p in.key=..." in said
    assert "hunter" not in (tmp_path / "written.py").read_text(encoding="utf-8")


def test_an_error_shows_no_secret(tmp_path):
    """Not even one that the user's own exception has in its text."""
    cells = [
        f"{HEAD}flow = Pipeline('hidden', Parameters.define(key=Secret('hunter-2-hunter')))",
        "@flow.stage\ndef a(key):\n    raise ValueError(key.reveal())",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert "the pipeline itself fails: ValueError: ***" in said
    assert "hunter" not in said


def test_a_secret_within_something_else_is_a_reason(tmp_path):
    """What cannot be taken out is not written at all."""
    cells = [
        f"{HEAD}URL = 'https://me:hunter-2@example.org'",
        "flow = Pipeline('url', Parameters.define(key=Secret('hunter-2')))",
        "@flow.stage\ndef a(key):\n    return URL",
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert "this holds the value of a secret, and a module would show it" in said
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_until_somebody_changes_it(tmp_path):
    """The last line tells what was written from what somebody has worked on."""
    cells = [
        f"{HEAD}flow = Pipeline('again')\n@flow.stage\ndef a():\n    return 1",
        "flow.to_module('written.py', check=False)",
        "@flow.stage\ndef a():\n    return 2",
        "flow.to_module('written.py', check=False)",
        "from pathlib import Path\nfile = Path('written.py')",
        "print('return 2' in file.read_text())",
        "file.write_text(file.read_text().replace('return 2', 'return 3'))",
        "flow.to_module('written.py', check=False)",
        "print('return 3' in file.read_text())",
        "flow.to_module('written.py', check=False, overwrite=True)",
        "print('return 2' in file.read_text())",
    ]

    said = in_cells(tmp_path, cells)

    assert "written.py was not written by to_module, or was changed since" in said
    assert said.splitlines().count("True") == 3


def test_a_module_of_the_users_is_found_beside_it(tmp_path):
    """Elsewhere the message says where it is."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "rates.py").write_text("def rate(n):\n    return 2 * n\n", encoding="utf-8")
    cells = [
        (
            f"from rates import rate\n{HEAD}flow = Pipeline('own')\n@flow.stage\ndef a():\n"
            "    return rate(3)"
        ),
        WRITE,
        "flow.to_module('elsewhere/written.py')",
    ]

    said = in_cells(tmp_path, cells)

    assert "1 of 1 stage gave equal results in fresh interpreters" in said
    assert "ModuleNotFoundError: No module named 'rates'" in said
    assert f"write the module to {tmp_path}, where rates is" in said
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_proof_needs_no_cloudpickle(tmp_path):
    """Then the functions of the session run in the session."""
    cells = [
        f"import sys\n{HEAD}flow = Pipeline('here')\n@flow.stage\ndef a():\n    return 1",
        (
            "sys.modules['cloudpickle'] = None\nimport importlib.util\n"
            "del sys.modules['cloudpickle']\n"
            "importlib.util.find_spec = lambda name, find=importlib.util.find_spec: "
            "None if name == 'cloudpickle' else find(name)"
        ),
        WRITE,
    ]

    said = in_cells(tmp_path, cells)

    assert "1 of 1 stage gave equal results in a fresh interpreter and here" in said


def test_the_written_module_is_written_again_from_itself(tmp_path):
    """A module is a source like any other, and nothing is lost or added."""
    in_script(
        tmp_path,
        [
            (
                f"{HEAD}RATE = 2\n# about a\nflow = Pipeline('again')\n@flow.stage\ndef a():\n"
                "    return RATE"
            ),
            "flow.to_module('first.py')",
        ],
    )

    done = python(tmp_path, "-c", "from first import flow; flow.to_module('second.py')")

    assert done.stderr == ""
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    assert second.read_text(encoding="utf-8") == first.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix", reason="a signal to one process, as Jupyter sends it")
def test_a_proof_can_be_stopped(tmp_path):
    """Ctrl-C ends both interpreters and leaves nothing."""
    cells = [
        f"import os, signal, time\n{HEAD}flow = Pipeline('long')",
        "@flow.stage\ndef a():\n    os.kill(os.getppid(), signal.SIGINT)\n    time.sleep(600)",
        "try:\n    flow.to_module('written.py')\nexcept KeyboardInterrupt:\n    print('stopped')",
        "print(os.listdir())",
    ]

    said = in_script(tmp_path, cells)

    assert said.splitlines()[-2:] == ["stopped", "['script.py']"]
