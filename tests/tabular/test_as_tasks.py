"""A pipeline of tables that is carried out task by task leaves what a run in one process leaves."""

from __future__ import annotations

import linecache
import re
import subprocess
import sys
from datetime import date
from importlib import import_module, invalidate_caches
from itertools import pairwise
from pathlib import Path

import pytest

from pypedream import Input, InputBinding, KeyedInputMapper
from pypedream.errors import DefinitionError, TableRunError
from pypedream.export.fingerprint import fingerprint_of
from pypedream.tabular import FILES
from tests.export.hosted import TestHost

from .tables import adding, pa, pipeline_of, pl

CODE = """
import os
from pathlib import Path

import pandera.polars as pa
import polars as pl

from pypedream.tabular import CanonicalIdResolver, IngestFileSpec, Pipeline

SCHEMA = pa.DataFrameSchema({"id": pa.Column(str), "n": pa.Column(int, pa.Check.ge(0))})


class Register(Pipeline):
    name = "register"
    ingest_files = [
        IngestFileSpec("a", "a.csv", SCHEMA, on_error="quarantine"),
        IngestFileSpec("b", "b.csv", pa.DataFrameSchema({"id": pa.Column(str)}), optional=True),
    ]

    def configure_steps(self):
        self.add_filter("Large", pl.col("n") > 100, ["a"])
        self.add_step("Double", double)
        self.add_step("Merge", merge)
        self.add_step("Check", check)
        self.add_step("Identify", identify, depends_on=["check"])


def double(a):
    print("doubling", a.row_count())
    a.save_in_place_lazy(a.scan().with_columns(pl.col("n") * 2))


def merge(a, b):
    a.save_in_place(pl.concat([a.load(), b.load()], how="diagonal"))


def check(a, ctx):
    odd = a.load().filter(pl.col("id").str.starts_with("?"))
    if odd.height and not Path(ctx.pipeline_dir, "lenient").exists():
        ctx.quarantine.quarantine_rows(a, odd, reason="what is this?")


def identify(a, ctx):
    ids = CanonicalIdResolver(ctx.pipeline_dir, "ids", {"any": "*all"})
    found = ids.resolve(
        a.load(), source_key_column="id", namespace="r", run_date=ctx.run_date
    )
    a.save_in_place(found)


pipeline = Register()
"""
ROWS = {"week1": "id,n\n007,1\n8,20\n9,-3\n10,500\n", "week2": "id,n\n007,1\n8,21\n11,4\n"}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two projects of the same module, and deliveries."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"register_{name}.py").write_text(CODE)
        monkeypatch.syspath_prepend(tmp_path / name)
    for week, text in ROWS.items():
        (tmp_path / week).mkdir()
        (tmp_path / week / "a.csv").write_text(text)
    (tmp_path / "week2" / "b.csv").write_text("id\n12\n")
    yield [import_module(f"register_{name}").pipeline for name in ("one", "other")]
    for name in ("one", "other"):
        sys.modules.pop(f"register_{name}", None)


def hosted(tables, source: Path, run: str = "2026-01-05", **others):
    """Have a host that knows nothing but texts carry it out."""
    values = {"source": str(source), "run_date": run, **others}
    return TestHost(tables.as_tasks(), values=values, run_id=f"scheduled__{run}")


def left_by(tables) -> dict[str, object]:
    """Return what the last run of a pipeline has left, without what is made up anew each time."""
    manifest = tables.manifest()
    steps = {key: (each.status, each.files) for key, each in manifest.steps.items()}
    frames = {name: tables.file(name).load() for name in manifest.files}
    rows = {
        name: frame.drop("canonical_id", strict=False).rows(named=True)
        for name, frame in frames.items()
    }
    noted = {
        (one.scope, one.subject, one.action): one.value
        for one in tables.statistics()
        if one.scope == "file" and one.action != "source_size_bytes"
    }
    kept = sorted(
        path.relative_to(tables.pipeline_dir / ".working" / manifest.run_id).as_posix()
        for kind in ("ingested", "filtered", "snapshots", "rejects", "quarantine")
        for path in (tables.pipeline_dir / ".working" / manifest.run_id / kind).rglob("*.*")
    )
    facts = (manifest.status, manifest.run_date)
    return {"facts": facts, "steps": steps, "rows": rows, "noted": noted, "kept": kept}


def test_tasks_leave_what_a_run_leaves(made, tmp_path):
    """Files, manifest, numbers and ids of two weeks are as after runs in one process."""
    here, there = made
    for number, week in enumerate(ROWS):
        day = date(2026, 1, 5 + 7 * number)
        here.ingest(tmp_path / week, run_date=day, progress=False)
        here.run(progress=False)

        outcome = hosted(there, tmp_path / week, f"{day}").carry_out()

        assert left_by(there) == left_by(here)
        assert outcome.values["ingest"] == there.manifest().run_id
        assert ("merge" in outcome.skipped) == (week == "week1")
    statuses = {row["id"]: row["status"] for row in left_by(there)["rows"]["a"]}
    assert statuses == {"007": "UNCHANGED", "8": "CHANGED", "11": "NEW", "12": "NEW"}


def test_what_is_left_to_do_fails_the_last_task(made, tmp_path):
    """Rows in quarantine block what depends on them; after a repair the tasks are repeated."""
    tables, _ = made
    (tmp_path / "week1" / "a.csv").write_text("id,n\n?,1\n8,2\n")
    host = hosted(tables, tmp_path / "week1")

    with pytest.raises(TableRunError, match=r"quarantine: check \(1\); blocked by these: identify"):
        host.carry_out()

    assert host.skipped["identify"] == "its condition does not hold"
    (tables.pipeline_dir / "lenient").touch()
    host.carry_out()
    assert len(tables.runs()) == 1
    assert tables.manifest().status == "completed"
    assert {row["n"] for row in left_by(tables)["rows"]["a"]} == {2, 4}  # doubled once


def test_a_run_of_tasks_is_gone_on_with_here(made, tmp_path):
    """A run that tasks left unfinished is one like any other."""
    tables, _ = made
    (tmp_path / "week1" / "a.csv").write_text("id,n\n?,1\n8,2\n")
    with pytest.raises(TableRunError, match="quarantine"):
        hosted(tables, tmp_path / "week1").carry_out()
    (tables.pipeline_dir / "lenient").touch()

    tables.run(progress=False)

    assert tables.manifest().status == "completed"


def test_what_a_step_raises_is_raised_in_its_task(tmp_path):
    """The run is failed then, and says which step it was."""

    def wrong(a):
        raise KeyError("no such district")

    tables = pipeline_of(tmp_path, lambda self: self.add_step("Wrong", wrong))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("n\n1\n")

    with pytest.raises(KeyError, match="no such district"):
        hosted(tables, tmp_path / "in").carry_out()

    manifest = tables.manifest()
    assert (manifest.status, manifest.step("wrong").status) == ("failed", "failed")


def test_other_stages_read_files_of_the_run_in_their_tasks(tmp_path):
    """A stage that is no step and binds a file of the run gets it, in its turn."""
    schema = pa.DataFrameSchema({"n": pa.Column(int)})
    tables = pipeline_of(tmp_path, lambda self: self.add_step("Add", adding(1), ["a"]))
    object.__setattr__(tables.ingest_files[0], "schema", schema)
    binding = InputBinding.contextual(FILES, KeyedInputMapper("a"))

    @tables.stage(inputs=[Input("file", binding)], after="add")
    def total(file):
        return file.load()["n"].sum()

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("n\n1\n2\n")

    outcome = hosted(tables, tmp_path / "in").carry_out()

    assert outcome.values["total"] == 5


def test_parameters_that_are_there_stay_as_they_are(tmp_path):
    """So a source with a default needs nobody who sets it, as a schedule wants it."""
    from pypedream import Parameters

    parameters = Parameters.define(source="inbox", factor=3)
    steps = {"configure": lambda self: self.add_step("Add", adding(1), ["a"])}
    tables = pipeline_of(tmp_path, steps["configure"], parameters=parameters)

    names = tables.as_tasks().parameters

    assert dict(names) == {"source": "inbox", "factor": 3, "run_date": ""}


def test_a_stage_with_the_name_of_a_task_that_is_added_is_refused(tmp_path):
    """It is said which name that is."""
    tables = pipeline_of(tmp_path, lambda self: self.add_step("Finish", adding(1), ["a"]))

    with pytest.raises(DefinitionError, match=re.escape('has a stage "finish"')):
        tables.as_tasks()


STUB = """
import sys
sys.modules.update(dict.fromkeys(["polars", "pandera", "pypedream"]))  # none can be imported

import __future__, datetime, math  # as any program has them
class DAG:
    def __init__(self, **named): names.extend(named["params"])
    def __enter__(self): return self
    def __exit__(self, *_): pass
class Task:
    def __init__(self, name=""): self.name = name
    def override(self, task_id, **_): return lambda *given: tasks.append(task_id) or Task(task_id)
    def __rshift__(self, other): edges.append((self.name, other.name))
names, tasks, edges = [], [], []
def task(**_): return lambda function: Task()
def Param(*_, **__): pass
sdk = type(sys)("airflow.sdk")
sdk.DAG, sdk.Param, sdk.task = DAG, Param, task
sys.modules["airflow"] = type(sys)("airflow")
sys.modules["airflow.sdk"] = sdk
before = set(sys.modules)
exec(compile(open("dag.py").read(), "dag.py", "exec"), {"__doc__": "", "__file__": "dag.py"})
print(names, tasks, edges, sorted(set(sys.modules) - before))
"""


def test_its_dag_file_imports_nothing_but_airflow(made, tmp_path):
    """It is parsed where there is neither polars nor pypedream; steps are in their order."""
    tables, _ = made
    said = tables.to_airflow(tmp_path / "one" / "dag.py")

    ended = subprocess.run(
        [sys.executable, "-c", STUB],
        cwd=tmp_path / "one",
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.tasks == 7
    assert [note for note in said.notes if "store" in note] == []
    assert "all tasks have to see that folder" in str(said)
    order = ["ingest", "large", "double", "merge", "check", "identify", "finish"]
    edges = list(pairwise(order[1:]))
    assert ended.stdout.strip() == f"['source', 'run_date'] {order} {edges} []", ended.stderr


@pytest.mark.parametrize(
    "old,new",
    [("> 100", "> 99"), ("ge(0)", "ge(1)"), ('"a.csv"', '"A.csv"'), ("* 2", "* 3")],
    ids=["expression", "schema", "pattern", "step"],
)
def test_a_change_of_what_is_taken_in_or_done_is_told_to_the_host(made, tmp_path, old, new):
    """The file says what the pipeline was: its steps, expressions, schemas and patterns."""
    tables, _ = made
    before = fingerprint_of(tables.as_tasks())
    assert fingerprint_of(tables.as_tasks()) == before
    file = tmp_path / "one" / "register_one.py"
    file.write_text(f"{CODE.replace(old, new)}\n")
    del sys.modules["register_one"]
    invalidate_caches()
    linecache.checkcache()

    changed = import_module("register_one").pipeline

    assert fingerprint_of(changed.as_tasks()) != before


def test_polars_frames_of_a_run_are_read_by_any_task(made, tmp_path):
    """Nothing but the id of the run goes from task to task: no store is needed."""
    tables, _ = made
    host = hosted(tables, tmp_path / "week1")

    host.carry_out()

    assert all(len(str(handle)) < 300 for handle in host.handles.values())
    assert isinstance(tables.file("a").load(), pl.DataFrame)
