"""``export airflow`` writes a DAG file or all reasons against it; ``--check`` finds any change."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .conftest import PACKAGE

FLOW = """
    '''Air of the city.'''

    from pypedream import Parameters, Pipeline

    part = Pipeline("part")

    @part.stage
    def rows(n: int) -> list[int]:
        return list(range(n))

    @part.stage(over="rows")
    def square(rows: int) -> int:
        return rows**2

    flow = Pipeline("co2 in air", Parameters.define(n=3, unit="ppm"))

    @flow.stage(retries=2, retry_delay_s=1, timeout_s=60, priority=2, uses="db")
    def load(n: int) -> list[int]:
        '''Load the record.'''
        return list(range(n))

    flow.include(part, prefix="bronze")

    @flow.stage(when="n")
    def total(load: list[int], unit: str) -> int:
        return sum(load)

    @flow.stage(after="total")
    def report() -> int:
        return 1
"""


@pytest.fixture
def dags(write, folder):
    """A folder with a pipeline, and one for DAG files."""
    write("co2.py", FLOW)
    (folder / "dags").mkdir()
    return folder / "dags"


def exported(invoke, *more):
    return invoke("export", "airflow", "co2.py:flow", "--project-root", ".", *more)


def test_a_dag_file_is_written(invoke, dags):
    """What it says is what there is in Airflow, and what has to be there."""
    result = exported(invoke, "--out", "dags/air.py", "--schedule", "@daily")

    assert result.exit_code == 0, result.output
    first, *notes, last = result.stdout.splitlines()
    assert first == 'dags/air.py: DAG "co2_in_air" with 5 tasks, schedule "@daily"'
    assert '  note: Airflow must have a pool "db", for the stages that use it' in notes
    assert last == "  to check it later: python -m pypedream export airflow --check dags/air.py"
    text = (dags / "air.py").read_text(encoding="utf-8")
    assert '    "target": "co2:flow",\n' in text
    assert 'os.path.join(os.path.dirname(__file__), "..")' in text
    assert "\n    python -m pypedream export airflow co2.py:flow --schedule @daily" in text
    assert str(dags) not in text
    assert list(dags.iterdir()) == [dags / "air.py"]


def test_the_library_writes_the_same(invoke, dags):
    """`Pipeline.to_airflow` is what the command calls."""
    exported(invoke, "--out", "dags/one.py")

    code = "import co2; print(co2.flow.to_airflow('dags/two.py', project_root='.'))"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.startswith('dags/two.py: DAG "co2_in_air" with 5 tasks'), done.stderr
    one, two = ((dags / name).read_text(encoding="utf-8") for name in ("one.py", "two.py"))
    without_command = [
        [line for line in text.splitlines() if "--out" not in line and "digest" not in line]
        for text in (one, two)
    ]
    assert without_command[0] == without_command[1]


def test_it_is_replaced_unless_somebody_changed_it(invoke, dags):
    """Written again with other options it is another file; changed by hand it stays."""
    exported(invoke, "--out", "dags/air.py")
    again = exported(invoke, "--out", "dags/air.py", "--dag-id", "air", "--json")
    file = dags / "air.py"
    file.write_text(file.read_text(encoding="utf-8").replace("ppm", "ppb"), encoding="utf-8")
    refused = exported(invoke, "--out", "dags/air.py")
    kept = file.read_text(encoding="utf-8")
    forced = exported(invoke, "--out", "dags/air.py", "--overwrite")

    assert json.loads(again.stdout)["dag_id"] == "air"
    assert refused.exit_code == 2
    assert "was changed since: give another path, or --overwrite" in refused.stderr
    assert "ppb" in kept
    assert forced.exit_code == 0
    assert "ppb" not in file.read_text(encoding="utf-8")


def test_all_reasons_are_named_and_nothing_is_written(invoke, dags, write):
    """Those of the names, the options and the pipeline, in one message."""
    write(
        "co2.py",
        """
        from pypedream import Parameters, Pipeline

        flow = Pipeline("co2", Parameters.define("n"))

        @flow.stage(name="a b")
        def one(n):
            return n

        @flow.stage(name="a_b")
        def two():
            return 1
        """,
    )

    result = exported(
        invoke, "--out", "dags/air.py", "--schedule", "daily", "--map-chunk", "0",
        "--group-as-task", "bronze", "--dag-id", "a b",
    )  # fmt: skip

    assert result.exit_code == 2
    for said in (
        "map_chunk=0: a task calls 1 item or more",
        'no group "bronze": no pipeline was included under a prefix',
        'parameter "n" has to be set',
        'stage "a b" and stage "a_b" would both be "a_b" in Airflow: rename one of them (co2.py:',
        'dag_id="a b" is no id for Airflow',
        'schedule="daily" is no schedule',
    ):
        assert said in result.stderr
    assert list(dags.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "name the file to write: --out dags/flow.py"),
        (["--out", "dags/air.txt"], "is no name for a DAG file: it ends with .py"),
        (["--out", "nowhere/air.py"], "there is no folder nowhere: make it first"),
        (["--out", "dags/air.py", "--check", "dags/air.py"], "exclude each other"),
        (["--check", "dags/air.py"], "cannot read dags/air.py"),
        (["--check", "co2.py"], "co2.py does not say how it was exported"),
        (["--out", "dags/co2.py"], "would hide the module co2"),
    ],
    ids=["no file", "no Python", "no folder", "both", "nothing to check", "no DAG", "same name"],
)
def test_wrong_use_is_one_line(invoke, dags, arguments, said):
    """What is wrong and the way out."""
    target = [] if "--check" in arguments and "--out" not in arguments else ["co2.py:flow"]
    root = [] if "--check" in arguments else ["--project-root", "."]

    result = invoke("export", "airflow", *target, *root, *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert list(dags.iterdir()) == []


def test_a_file_is_up_to_date_until_the_pipeline_changes(invoke, dags, folder):
    """Checked with nothing but its name; what differs is shown as a diff."""
    exported(invoke, "--out", "dags/air.py", "--schedule", "@daily", "--map-chunk", "5")
    before = (dags / "air.py").read_bytes()

    good = invoke("export", "airflow", "--check", "dags/air.py")
    flow = folder / "co2.py"
    flow.write_text(flow.read_text(encoding="utf-8").replace("retries=2", "retries=3"))
    bad = invoke("export", "airflow", "--check", "dags/air.py", "--json")

    assert good.exit_code == 0, good.output
    assert good.stdout.splitlines()[0] == "dags/air.py is up to date"
    assert bad.exit_code == 1
    document = json.loads(bad.stdout)
    assert "-        retries=2," in document["difference"]
    assert "+        retries=3," in document["difference"]
    assert document["is_good"] is False
    assert (dags / "air.py").read_bytes() == before


def test_a_command_that_somebody_changed_is_told(invoke, dags):
    """What is wrong in it, and in which file."""
    exported(invoke, "--out", "dags/air.py", "--schedule", "@daily")
    file = dags / "air.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("--schedule", "--shedule"), encoding="utf-8")

    result = invoke("export", "airflow", "--check", "dags/air.py")

    assert result.exit_code == 2
    assert "error: the command in dags/air.py is none: No such option" in result.stderr


def test_other_options_are_checked_if_they_are_given(invoke, dags):
    """They win over those that the file names."""
    exported(invoke, "--out", "dags/air.py", "--schedule", "@daily")

    same = invoke("export", "airflow", "co2.py:flow", "--check", "dags/air.py")
    other = invoke("export", "airflow", "--check", "dags/air.py", "--schedule", "@hourly")

    assert same.exit_code == 0, same.output
    assert other.exit_code == 1
    assert '+    schedule="@hourly",' in other.stdout


def test_a_pipeline_that_a_function_makes_is_named_by_it(invoke, dags, write):
    """The tasks call it as well."""
    write(
        "made.py",
        """
        from pypedream import Pipeline

        def build():
            flow = Pipeline("made")
            flow.stage(lambda: 1, name="load")
            return flow
        """,
    )

    result = invoke(
        "export", "airflow", "made.py:build()", "--project-root", ".", "--out", "dags/x.py"
    )
    check = invoke("export", "airflow", "--check", "dags/x.py")

    assert result.exit_code == 0, result.output
    assert '"target": "made:build()"' in (dags / "x.py").read_text(encoding="utf-8")
    assert check.exit_code == 0, check.output


@pytest.mark.parametrize("target", ["air.flows:flow", "src/air/flows.py"])
def test_a_module_of_the_project_root_is_found(invoke, dags, folder, target):
    """As the tasks will find it: a package in ``src`` need not be installed here."""
    package = folder / "src" / "air"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "rows.py").write_text("def rows():\n    return [1]\n")
    (package / "flows.py").write_text(
        "from air.rows import rows\nfrom pypedream import Pipeline\n"
        "flow = Pipeline('air')\nflow.stage(rows)\n"
    )

    result = invoke("export", "airflow", target, "--project-root", "src", "--out", "dags/x.py")
    check = invoke("export", "airflow", "--check", "dags/x.py")

    assert result.exit_code == 0, result.output
    assert '"target": "air.flows:flow"' in (dags / "x.py").read_text(encoding="utf-8")
    assert check.exit_code == 0, check.output
    assert not [name for name in sys.modules if name.partition(".")[0] == "air"]


def test_marked_cells_of_a_notebook_are_written_beside_it(invoke, dags, folder):
    """As one module, checked with the DAG file; nothing is written if either is refused."""
    cells = [
        "#| export\nfrom pypedream import Pipeline\nflow = Pipeline('co2')",
        "#| export\n@flow.stage\ndef load():\n    return 1",
        "flow.run()",
    ]
    rest = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1}
    book = {"cells": [{"source": each, **rest} for each in cells]}
    notebook = folder / "co2.ipynb"
    notebook.write_text(json.dumps({**book, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))

    result = invoke("export", "airflow", "co2.ipynb:flow", "--out", "dags/air.py")
    good = invoke("export", "airflow", "--check", "dags/air.py")
    notebook.write_text(notebook.read_text(encoding="utf-8").replace("return 1", "return 2"))
    bad = invoke("export", "airflow", "--check", "dags/air.py")
    (dags / "air_stages.py").write_text("work = 1\n", encoding="utf-8")
    before = (dags / "air.py").read_bytes()
    refused = invoke("export", "airflow", "co2.ipynb:flow", "--out", "dags/air.py")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        'dags/air.py: DAG "co2" with 1 task',
        "dags/air_stages.py: the marked cells",
    ]
    assert good.exit_code == 0, good.output
    assert bad.exit_code == 1
    assert "air_stages.py is not what the marked cells of the notebook are now" in bad.stdout
    assert refused.exit_code == 2
    assert "air_stages.py was not written by" in refused.stderr
    assert (dags / "air.py").read_bytes() == before


def test_the_page_shows_what_is_written(invoke, folder, write):
    """Its module, its command, the DAG of the file, and what a check says."""
    docs = Path(__file__).parents[2] / "_docs"
    page = (docs / "how-to" / "airflow.md").read_text(encoding="utf-8")
    module, dag = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (command, _), (check, said) = re.findall(
        r"```console\n\$ python -m pypedream (.*?)\n(.*?)```", page, re.DOTALL
    )
    (folder / "co2.py").write_text(module, encoding="utf-8")
    (folder / "dags").mkdir()

    result = invoke(*command.split())
    text = (folder / "dags" / "co2_dag.py").read_text(encoding="utf-8")
    checked = invoke(*check.split())

    assert result.exit_code == 0, result.output
    assert text.partition("\n\n\nwith DAG")[2].partition("\n\n\n")[0] + "\n" == dag.removeprefix(
        "with DAG"
    )
    assert checked.exit_code == 0, checked.output
    if find_spec("airflow") is None:
        assert checked.stdout == said
