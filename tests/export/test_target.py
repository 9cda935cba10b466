"""Where another interpreter finds a pipeline, and what a fresh one finds there."""

from __future__ import annotations

import os
import sys

import pytest

from pypedream.errors import ExportError
from pypedream.export.own_code import Neighbourhood, OwnCode
from pypedream.export.target import fingerprint_of, fresh, mismatch, target_of

from .conftest import ROOT, in_cells, python

FLOW = """
from pypedream import Parameters, Pipeline

flow = Pipeline("co2", Parameters.define(n=3))

@flow.stage
def load(n):
    return n
"""


def test_a_pipeline_is_called_by_the_module_that_made_it(importable):
    """Another module that imports it is not its home."""
    made = importable("travel_made.py", FLOW)
    importable("a_user_of_it.py", "from travel_made import flow as other\n")

    assert target_of(made.flow) == "travel_made:flow"


def test_a_module_is_called_by_its_place_in_the_folder_that_is_imported_from(importable, tmp_path):
    """The shortest name counts where several folders have it."""
    (tmp_path / "deep").mkdir()
    module = importable("deep/travel_inner.py", FLOW)

    assert target_of(module.flow) == "deep.travel_inner:flow"
    assert target_of(module.flow, [tmp_path]) == "deep.travel_inner:flow"
    assert target_of(module.flow, [tmp_path, tmp_path / "deep"]) == "travel_inner:flow"


def test_a_name_that_is_the_users_comes_before_a_private_one(importable):
    """And aliases do not count."""
    module = importable("travel_named.py", FLOW + "\n_first = flow\n")

    assert target_of(module.flow) == "travel_named:flow"


def test_a_pipeline_that_a_function_makes_is_called_by_the_function(importable):
    """It has no name itself."""
    text = "from pypedream import Pipeline\ndef build():\n    return Pipeline('made')\n"
    module = importable("travel_built.py", text)
    made = module.build()

    with pytest.raises(ExportError, match="no name at the top of a module"):
        target_of(made)
    assert target_of(made, maker="build()") == "travel_built:build()"


def test_a_script_is_called_by_its_file(tmp_path):
    """Nobody else imports __main__."""
    text = FLOW + "\nfrom pypedream.export.target import target_of\nprint(target_of(flow))\n"
    (tmp_path / "script.py").write_text(text, encoding="utf-8")

    assert python(tmp_path, "script.py").stdout == "script:flow\n"
    assert python(tmp_path, "-m", "script").stdout == "script:flow\n"


def test_what_is_in_a_notebook_has_no_target(tmp_path):
    """The message has both ways out."""
    pytest.importorskip("IPython")

    said = in_cells(
        tmp_path, [FLOW, "from pypedream.export.target import target_of\ntarget_of(flow)"]
    )

    assert 'pipeline "co2" is defined in a notebook or at a prompt' in said
    assert 'flow.to_module("flow.py")' in said
    assert "#| export" in said


def test_a_file_that_no_name_imports_is_refused(tmp_path):
    """The message has a name that does."""
    text = FLOW + "\nfrom pypedream.export.target import target_of\nprint(target_of(flow))\n"
    (tmp_path / "my-flow.py").write_text(text, encoding="utf-8")

    assert "call it my_flow.py" in python(tmp_path, "my-flow.py").stderr


def test_a_fresh_interpreter_finds_the_same_pipeline(importable, tmp_path):
    """Its fingerprint is that of the live one."""
    module = importable("travel_same.py", FLOW)

    found = fresh("travel_same:flow", [tmp_path])

    assert (found.error, found.varies) == ("", {})
    assert found.fingerprint() == fingerprint_of(module.flow)
    assert mismatch(found.fingerprint(), module.flow) == ""
    assert found.file == str(tmp_path / "travel_same.py")


def test_a_fresh_interpreter_has_neither_the_current_folder_nor_the_path(tmp_path, monkeypatch):
    """What is found only by them would not be found elsewhere."""
    (tmp_path / "travel_here.py").write_text(FLOW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")

    found = fresh("travel_here:flow")

    assert found.missing == "travel_here"
    assert found.error == "ModuleNotFoundError: No module named 'travel_here'"


def test_a_file_is_not_found_from_the_current_folder(tmp_path, monkeypatch):
    """Elsewhere that is another one; the line is told."""
    (tmp_path / "rows.csv").touch()
    text = FLOW + "\nrows = open('rows.csv').read()\n"
    (tmp_path / "travel_rows.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    found = fresh("travel_rows:flow", [tmp_path])

    assert found.error.startswith("FileNotFoundError: ")
    assert found.place == (str(tmp_path / "travel_rows.py"), 10)


def test_a_script_that_exports_when_it_is_imported_is_refused(tmp_path):
    """It would ask an interpreter that asks another one, and so on."""
    asks = "from pypedream.export.travel import check\nprint(check(flow, paths=['.']).reasons[0])"
    text = f"{FLOW}\n{asks}\n"
    (tmp_path / "asks.py").write_text(text, encoding="utf-8")

    said = python(tmp_path, "asks.py").stdout

    assert said.startswith("asks:flow cannot be imported in a fresh interpreter: ExportError: the")
    assert 'put that under if __name__ == "__main__"' in said
    assert said.endswith("(asks.py:11)\n")


def test_an_interpreter_that_ends_is_told(tmp_path):
    """Whatever the module does, there is an answer."""
    (tmp_path / "travel_ends.py").write_text("import os\nos._exit(3)\n", encoding="utf-8")

    assert fresh("travel_ends:flow", [tmp_path]).error == "the interpreter ended with code 3"


VARYING = """
import random
from datetime import date, datetime
from pypedream import Input, InputBinding, Parameters, Pipeline, immediate

TODAY = date.today()
STAMP = datetime.now().strftime("%Y-%m-%d")
FIXED = date(2020, 1, 1)

flow = Pipeline("varying", Parameters.define(day=date.today(), n=3, folder="out/%s" % STAMP))

@flow.stage(inputs=[immediate(date.today(), "day"), Input("by", InputBinding.now(4))])
def get(day, by, n):
    return day, TODAY, FIXED, n

@flow.stage
def late(get, seed=random.random(), to=5):
    return STAMP
"""


def test_what_is_another_value_in_each_import_is_found(tmp_path):
    """By an import 40 days later, and by what says today; what stays the same is not among it."""
    (tmp_path / "travel_varying.py").write_text(VARYING, encoding="utf-8")

    found = fresh("travel_varying:flow", [tmp_path])

    assert found.error == ""
    assert set(found.varies) == {
        "get.day",
        "day",
        "folder",
        "constant TODAY",
        "constant STAMP",
        "default of seed in late",
    }


ELSEWHERE = """
import os
from pypedream import Parameters, Pipeline

FOLDER = os.environ.get("CO2_DATA", "data")
flow = Pipeline("co2", Parameters.define(folder=os.getenv("CO2_DATA", "data"), n=3))

@flow.stage
def load(folder, n, jobs=os.cpu_count(), key=os.environ.get("CO2_KEY")):
    return folder, n, jobs, FOLDER
"""


def test_what_another_machine_says_otherwise_is_found(tmp_path):
    """By an import with other variables; a constant counts by its text, so it is not among it."""
    (tmp_path / "travel_machine.py").write_text(ELSEWHERE, encoding="utf-8")

    found = fresh("travel_machine:flow", [tmp_path])

    assert found.varies == {
        "folder": "where",
        "default of jobs in load": "where",
        "default of key in load": "where",
    }


def test_a_module_that_needs_its_own_environment_is_found_all_the_same(tmp_path, monkeypatch):
    """What fails with other variables says nothing."""
    text = ELSEWHERE + "\nassert os.environ['CO2_MODE'] == 'fast'\n"
    (tmp_path / "travel_strict.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("CO2_MODE", "fast")

    found = fresh("travel_strict:flow", [tmp_path])

    assert (found.error, found.varies) == ("", {})


def test_what_varies_does_not_count(importable, tmp_path):
    """The same file matches at any time, and another one does not."""
    module = importable("travel_times.py", VARYING)
    found = fresh("travel_times:flow", [tmp_path])

    expected = found.fingerprint(found.varies)
    assert fingerprint_of(module.flow, found.varies) == expected
    assert mismatch(expected, module.flow, found.varies) == ""
    assert mismatch(expected, module.flow) != ""

    module.flow.stage(lambda get: get, name="more")
    assert mismatch(expected, module.flow, found.varies) != ""


def test_asking_leaves_no_trace(importable, tmp_path):
    """No file is written, and this process imports nothing more from the folder."""
    importable("travel_traceless.py", FLOW)
    before = {*tmp_path.rglob("*")}, list(sys.path)

    fresh("travel_traceless:flow", [tmp_path])

    assert ({*tmp_path.rglob("*")}, sys.path) == before


def test_a_function_is_read_once_whoever_uses_it():
    """So a pipeline of many stages is compared with little work."""
    walk = OwnCode(Neighbourhood(__name__))

    for stage in (_first, _second, _first):
        walk.walk(stage)

    assert walk.functions == [_first, _helper, _second]


def _first():
    return _helper()


def _second():
    return _helper()


def _helper():
    return 1
