"""What a pipeline is, in one line that another process and another machine can compare."""

from __future__ import annotations

import os
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

FLOW = """
import json
import os
from datetime import date
from pathlib import Path

import attrs
import helpers
from helpers import FACTOR
from pypedream import Input, InputBinding, KeyedInputMapper, Parameter, Parameters, Pipeline
from pypedream import Variables, context, dependency, immediate, param

RATE = 0.5
DATA = Path(__file__).parent / "data"
NAMES = {"a", "b", "c", "d"}
FOLDER = os.environ.get("DATA_DIR", "data")
TOKEN = os.environ.get("CO2_MODE")
try:
    import co2_fast as fast
except ImportError:
    fast = None
CALLS = []
count = 0


@attrs.frozen
class Row:
    n: int = 1

    def doubled(self):
        return 2 * self.n


flow = Pipeline(
    "co2",
    Parameters.define(n=Parameter(int, 3, min=1), folder=DATA, kinds={"x", "y"}),
    variables=Variables.define(seen=0),
)


@flow.stage(retries=2)
def load(n, folder):
    global count
    count += 1
    CALLS.append((FOLDER, TOKEN, fast))
    return Row(n).doubled(), RATE, sorted(NAMES)


@flow.stage(inputs=[
    immediate(4, "by"),
    Input("n", InputBinding.deferred(context.PARAMETERS, mapper=lambda values: values["n"])),
])
def total(load, by, n, start=1):
    from helpers import late
    return helpers.clean(load), by, late(n), start, FACTOR
"""

HELPERS = """
FACTOR = 2

def clean(rows):
    return used(rows)

def used(rows):
    return rows

def late(n):
    return n

def not_used(n):
    return n
"""

PRINT = """
import sys
sys.path.insert(0, sys.argv[1])
import {module}
from pypedream.export.fingerprint import fingerprint_of, mismatch
if len(sys.argv) > 3:
    {module}.flow.run(progress=False, capture=False)
if len(sys.argv) > 2:
    print(mismatch(sys.argv[2], {module}.flow))
else:
    print(fingerprint_of({module}.flow))
"""


ENVIRONMENT = {"PATH": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "project"
    found.mkdir()
    (found / "co2.py").write_text(FLOW, encoding="utf-8")
    (found / "helpers.py").write_text(HELPERS, encoding="utf-8")
    return found


def asked(folder: Path, *given: str, seed: str = "0", module: str = "co2") -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", PRINT.format(module=module), str(folder), *given],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **ENVIRONMENT, "PYTHONHASHSEED": seed},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def edited(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def test_it_says_of_what_it_is_and_of_which_python(folder):
    """One digest is of the structure, one of the code, which is another in each minor version."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    found = asked(folder)

    assert re.fullmatch(rf"plan [0-9a-f]{{16}}, code [0-9a-f]{{16}} \(Python {version}\)", found)


def test_it_is_the_same_in_every_process_and_every_folder(folder, tmp_path):
    """No hash, no address and no path of the machine counts."""
    elsewhere = tmp_path / "opt" / "dags"
    shutil.copytree(folder, elsewhere)

    found = {asked(folder, seed=seed) for seed in ("0", "1", "2")} | {asked(elsewhere)}

    assert len(found) == 1


def test_a_package_that_is_installed_is_the_same_as_its_folder(tmp_path):
    """Whose code it is does not depend on where it lies."""
    project, site = tmp_path / "src", tmp_path / "lib" / "site-packages"
    for root in (project, site):
        package = root / "flows"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "helpers.py").write_text(HELPERS, encoding="utf-8")
        text = FLOW.replace("import helpers", "from flows import helpers")
        text = text.replace("from helpers import FACTOR", "from .helpers import FACTOR")
        text = text.replace("from helpers import late", "from .helpers import late")
        (package / "co2.py").write_text(text, encoding="utf-8")

    found = asked(project, module="flows.co2")
    edited(site / "flows", "helpers.py", "return used(rows)", "return used(rows[:])")

    assert asked(site, found, module="flows.co2") == (
        "the code of its stages, or what that uses, is another"
    )
    edited(site / "flows", "helpers.py", "return used(rows[:])", "return used(rows)")
    assert asked(site, module="flows.co2") == found


def test_modules_that_were_installed_together_belong_together(folder, tmp_path):
    """As they do where they lie beside each other; what else is installed does not."""
    site = tmp_path / "lib" / "site-packages"
    info = site / "co2_flow-1.0.dist-info"
    info.mkdir(parents=True)
    for name in ("co2.py", "helpers.py"):
        shutil.copy(folder / name, site)
    before = asked(folder)

    assert asked(site, before) == "the code of its stages, or what that uses, is another"
    (info / "RECORD").write_text("co2.py,,\nhelpers.py,,\nco2_flow-1.0.dist-info/RECORD,,\n")
    assert asked(site, before) == ""


UNCHANGED: dict[str, tuple[str, str, str]] = {
    "a comment": ("co2.py", "RATE = 0.5", "# per year\nRATE = 0.5"),
    "a docstring": ("co2.py", "return Row(n)", '"""Load."""\n    return Row(n)'),
    "a helper that nothing uses": ("helpers.py", "def not_used(n):", "def neither_used(n):"),
    "where a stage is called": ("co2.py", "retries=2", 'retries=2, executor="threads", tags="a"'),
    "what a parameter is for": ("co2.py", "min=1", 'min=1, help="how many"'),
}

CHANGED: dict[str, tuple[str, str, str]] = {
    "a stage": ("co2.py", "Row(n).doubled()", "Row(n + 1).doubled()"),
    "a helper of a helper": ("helpers.py", "    return rows\n", "    return rows[:]\n"),
    "an import inside a stage": ("helpers.py", "late(n):\n    return n", "late(n):\n    return 2"),
    "a constant": ("co2.py", "RATE = 0.5", "RATE = 0.6"),
    "a constant of another module": ("helpers.py", "FACTOR = 2", "FACTOR = 3"),
    "what makes a constant": ("co2.py", '"DATA_DIR", "data"', '"DATA_DIR", "rows"'),
    "a method": ("co2.py", "2 * self.n", "3 * self.n"),
    "a field": ("co2.py", "n: int = 1", "n: int = 2"),
    "a default": ("co2.py", "start=1", "start=2"),
    "a mapper": ("co2.py", 'values["n"]', 'values["n"] + 1'),
}

STRUCTURES: dict[str, tuple[str, str, str]] = {
    "an immediate": ("co2.py", "immediate(4", "immediate(5"),
    "a policy": ("co2.py", "retries=2", "retries=3"),
    "a parameter": ("co2.py", "int, 3", "int, 4"),
    "a rule": ("co2.py", "min=1", "min=2"),
    "a variable": ("co2.py", "seen=0", "seen=1"),
    "a name": ("co2.py", "def total(", "def sums("),
}


@pytest.mark.parametrize("edit", UNCHANGED.values(), ids=UNCHANGED)
def test_what_changes_no_result_does_not_count(folder, edit):
    """So nobody has to export again for it."""
    before = asked(folder)

    edited(folder, *edit)

    assert asked(folder, before) == ""


@pytest.mark.parametrize("edit", CHANGED.values(), ids=CHANGED)
def test_all_code_of_the_user_counts(folder, edit):
    """The message says that it is the code, and the structure is as it was."""
    before = asked(folder)

    edited(folder, *edit)

    assert asked(folder, before) == "the code of its stages, or what that uses, is another"


@pytest.mark.parametrize("edit", STRUCTURES.values(), ids=STRUCTURES)
def test_the_structure_counts(folder, edit):
    """The message says that it is the structure."""
    before = asked(folder)

    edited(folder, *edit)

    assert asked(folder, before).startswith(
        "its stages, inputs, parameters or variables are others"
    )


def test_code_is_not_compared_with_that_of_another_python(folder):
    """Byte code is another one there, but stages and parameters are not."""
    before = re.sub(r"Python \d+\.\d+", "Python 3.99", asked(folder))

    edited(folder, "co2.py", "RATE = 0.5", "RATE = 0.6")
    assert asked(folder, before) == ""
    edited(folder, "co2.py", "retries=2", "retries=3")
    assert asked(folder, before) == "its stages, inputs, parameters or variables are others"


FILES = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import Dep, Out
from pypedream.formats import JSON

def count(rows: Annotated[list[int], Dep("in.json", JSON())]) -> Annotated[
    int, Out("out.json", JSON())
]:
    return len(rows)

flow = Pipeline("files")
flow.register(count)
"""


@pytest.mark.parametrize("path", ["in.json", "out.json"])
def test_files_of_the_project_count_by_their_paths_in_it(folder, tmp_path, path):
    """Not by the folder that the project is in."""
    (folder / "co2.py").write_text(FILES, encoding="utf-8")
    elsewhere = tmp_path / "dags"
    shutil.copytree(folder, elsewhere)
    before = asked(folder)

    assert asked(elsewhere) == before
    edited(folder, "co2.py", path, f"other_{path}")
    assert asked(folder, before).startswith("its stages, inputs, parameters or variables are oth")


def test_what_the_machine_says_does_not_count(folder, monkeypatch):
    """A constant counts by the statement that makes it: elsewhere its value is another one."""
    before = asked(folder)

    monkeypatch.setitem(ENVIRONMENT, "DATA_DIR", "/mnt/data")
    monkeypatch.setitem(ENVIRONMENT, "CO2_MODE", "fast")

    assert asked(folder, before) == ""


def test_what_is_installed_does_not_count(folder, tmp_path, monkeypatch):
    """Nor its version: a module may be there on one machine only."""
    before = asked(folder)
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "co2_fast.py").touch()

    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}/site-packages")

    assert asked(folder, before) == ""


def test_what_a_run_leaves_in_a_module_does_not_count(folder):
    """Tasks may share a process, and a stage may fill what lives in its module."""
    before = asked(folder)

    assert asked(folder, before, "run") == ""


def test_code_is_not_compared_where_there_is_no_text(folder, tmp_path):
    """As where only compiled files are installed: constants count by their text."""
    before = asked(folder)
    bare = tmp_path / "compiled"
    bare.mkdir()
    for name in ("co2", "helpers"):
        py_compile.compile(str(folder / f"{name}.py"), cfile=str(bare / f"{name}.pyc"))

    assert asked(bare, before) == ""


def test_what_was_made_by_other_rules_is_not_compared(folder):
    """A file and the tasks that read it may be of different versions of pypedream."""
    before = asked(folder)
    edited(folder, "co2.py", "RATE = 0.5", "RATE = 0.6")

    assert before.startswith("plan 1")
    assert asked(folder, before) != ""
    assert asked(folder, before.replace("plan 1", "plan 2")) == ""


def test_what_is_no_fingerprint_matches_nothing(folder):
    """Nobody takes a torn file for an old one."""
    assert "is no fingerprint" in asked(folder, "97506efd")
