"""At rest: that nothing is to be done is seen quickly, and never where a plan says otherwise."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextvars import copy_context
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pypedream.cli.load import loaded
from pypedream.files.journals import used_again
from pypedream.files.staging import Staged

if TYPE_CHECKING:
    from collections.abc import Callable

PIPELINE = """
import json
import math
from typing import Annotated, TypedDict
from attrs import frozen
from pypedream import Parameters, Pipeline
from pypedream.files import Dep, DirectoryOut, Metric, Out
from pypedream.formats import JSON, Text
from helper import scaled

FACTOR = 2
TABLE = {"a": 1}

@frozen
class Rates:
    rate: float = 0.5

class Summary(TypedDict):
    text: Annotated[str, Out("summary.txt", Text())]
    metrics: Annotated[dict, Metric("metrics.json")]

def clean(
    rows: Annotated[list, Dep("in.json", JSON())]
) -> Annotated[list, Out("clean.json", JSON())]:
    return [row for row in rows if row is not None]

def scale(
    rows: Annotated[list, Dep("clean.json", JSON())]
) -> Annotated[list, Out("scaled.json", JSON())]:
    return [scaled(row) * FACTOR + TABLE["a"] for row in rows]

def fit(
    params: Rates, rows: Annotated[list, Dep("scaled.json", JSON())]
) -> Annotated[dict, DirectoryOut("models/", JSON())]:
    return {"all.json": {"rate": params.rate, "n": math.floor(len(rows))}}

def summarise(
    rows: Annotated[list, Dep("scaled.json", JSON())],
    parts: Annotated[list, Dep(["parts/*.json"], JSON())],
) -> Summary:
    return {"text": f"{len(rows)} {json.dumps(parts)}", "metrics": {"n": len(rows)}}

flow = Pipeline("rest", progress=False)
flow.register(clean)
flow.register(scale, env="REST_SALT")
flow.register(fit, params=Rates())
flow.register(summarise)
"""
HELPER = """
OFFSET = 1
def inner(row):
    return row + OFFSET
def scaled(row):
    return inner(row)
"""


class Seen(NamedTuple):
    """What was seen of a pipeline before a run, and what the run called."""

    is_at_rest: bool
    planned: set[str]
    called: set[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stages have a helper, constants, parameters, a folder and a pattern."""
    return new_project(tmp_path, monkeypatch)


def new_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REST_SALT", "1")
    # what is compiled is told from old by whole seconds only
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    (tmp_path / "helper.py").write_text(dedent(HELPER))
    (tmp_path / "in.json").write_text("[1, null, 2]")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.json").write_text("1")
    return tmp_path


def brought_up_to_date(file: str | None = None) -> Seen:
    """Do what the command does, with the pipeline as it is loaded anew."""
    with loaded(file, debug=False) as found:
        rest = found.pipeline.rest
        is_at_rest = rest.holds()
        plan = found.pipeline.plan(cache="cached")
        planned = {key for key, one in plan.stages.items() if one.decision == "run"}
        run = found.pipeline.run(cache="cached")
        rest.remember(run)
    called = {key for key, stage in run.stages.items() if stage.state == "ok"}
    return Seen(is_at_rest, planned, called)


def edited(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Return what replaces a text in a file by another."""

    def edit(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new))

    return edit


def written(file: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / file).write_text(text)


def lock(root: Path, stage: str) -> Path:
    return root / ".pypedream" / "locks" / f"{stage}.json"


def change_lock(root: Path) -> None:
    document = json.loads(lock(root, "clean").read_text())
    document["outs"]["clean.json"]["sha256"] = "0" * 64
    lock(root, "clean").write_text(json.dumps(document))


def put_back(root: Path) -> None:
    """Write an input as it is, after another time."""
    (root / "in.json").write_bytes((root / "in.json").read_bytes())
    os.utime(root / "in.json", ns=(1, 1))


def linked(root: Path) -> None:
    """Leave an input where it was, as a link."""
    (root / "in.json").rename(root / "real.json")
    (root / "in.json").symlink_to("real.json")


def set_salt(_: Path) -> None:
    os.environ["REST_SALT"] = "2"


def drop_results(root: Path) -> None:
    shutil.rmtree(root / ".pypedream" / "store")


REST = {
    "nothing": lambda _: None,
    "a file that was touched": lambda root: os.utime(root / "in.json"),
    "an output that was touched": lambda root: os.utime(root / "clean.json"),
    "a file that was written as it is": put_back,
    "a link to the same": linked,
    "a file that nobody reads": written("notes.txt", "new"),
    "a lock of another stage": written(".pypedream/locks/other.json", "{}"),
    "hashes that are lost": lambda root: (root / ".pypedream" / "hashes").unlink(),
    "records that are lost": lambda root: shutil.rmtree(root / ".pypedream" / "runs"),
}


@pytest.mark.parametrize("edit", REST.values(), ids=REST)
def test_it_is_at_rest_where_nothing_has_changed(
    project: Path, edit: Callable[[Path], object]
) -> None:
    """Also if files were written as they are; a plan would take over every result."""
    assert brought_up_to_date().called == {"clean", "scale", "fit", "summarise"}
    edit(project)

    assert brought_up_to_date() == Seen(True, set(), set())


CHANGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "an input": (written("in.json", "[1, 2, 3]"), {"clean", "scale", "fit", "summarise"}),
    "a new file of a pattern": (written("parts/b.json", "2"), {"summarise"}),
    "a file of a pattern that is gone": (
        lambda root: (root / "parts" / "a.json").rename(root / "parts" / "c.json"),
        {"summarise"},
    ),
    "code": (edited("pipeline.py", "is not None", "if row"), {"clean"}),
    "a helper": (edited("helper.py", "return inner(row)", "return inner(row) + 1"), {"scale"}),
    "a helper of a helper": (edited("helper.py", "row + OFFSET", "row - OFFSET"), {"scale"}),
    "a constant of a helper": (edited("helper.py", "OFFSET = 1", "OFFSET = 7"), {"scale"}),
    "a constant": (edited("pipeline.py", "FACTOR = 2", "FACTOR = 3"), {"scale"}),
    "a constant dict": (edited("pipeline.py", '{"a": 1}', '{"a": 2}'), {"scale"}),
    "a default of parameters": (edited("pipeline.py", "0.5", "0.6"), {"fit"}),
    "parameters that are given": (edited("pipeline.py", "Rates()", "Rates(0.7)"), {"fit"}),
    "an environment variable": (set_salt, {"scale"}),
    "the parameters file": (written("params.json", '{"fit": {"rate": 0.9}}'), {"fit"}),
    "a loader": (
        edited("pipeline.py", '"clean.json", JSON())]:', '"clean.json", JSON(indent=4))]:'),
        {"clean"},
    ),
    "another path": (edited("pipeline.py", '"summary.txt"', '"other.txt"'), {"summarise"}),
    "no cache": (
        edited("pipeline.py", "flow.register(clean)", 'flow.register(clean, cache="force")'),
        {"clean"},
    ),
}


@pytest.mark.parametrize("edit, called", CHANGES.values(), ids=CHANGES)
def test_it_is_not_at_rest_after_a_change(
    project: Path, edit: Callable[[Path], object], called: set[str]
) -> None:
    """Of anything that a result depends on; the plan and the run say what is to be done."""
    brought_up_to_date()
    assert brought_up_to_date().is_at_rest
    edit(project)

    seen = brought_up_to_date()

    assert not seen.is_at_rest
    assert called <= seen.called <= seen.planned


def noted(text: str) -> Callable[[Path], object]:
    """Return what writes a text into the note of what was seen, or some of its fields."""

    def write(root: Path) -> None:
        (note,) = (root / ".pypedream" / "rest").iterdir()
        is_field = text.startswith('{"')
        new = json.dumps(json.loads(note.read_text()) | json.loads(text)) if is_field else text
        note.write_text(new)

    return write


DAMAGED = ("", "{", "{}", "[]", "5", "null", '"text"')
DAMAGED += ('{"paths": 5}', '{"paths": [5]}', '{"globs": [[]]}', '{"state": null}', '{"more": 1}')

REPAIRED: dict[str, Callable[[Path], object]] = {
    "an output that is gone": lambda root: (root / "clean.json").unlink(),
    "an output that was written over": written("clean.json", "[]"),
    "a metric that was written over": written("metrics.json", "{}"),
    "a file of a folder that is gone": lambda root: (root / "models" / "all.json").unlink(),
    "a file in a folder of a stage": written("models/more.json", "1"),
    "a lock that is gone": lambda root: lock(root, "clean").unlink(),
    "a lock that says something else": change_lock,
    "a lock with a conflict": lambda root: lock(root, "clean").write_text("<<<<<<< ours"),
    "a lock of another stage in its place": lambda root: shutil.copy(
        lock(root, "scale"), lock(root, "clean")
    ),
    "results that are lost": drop_results,
    "a stage of another name": edited("pipeline.py", "(clean)", '(clean, name="cleaned")'),
    "outputs of a crash": lambda root: (root / ".pypedream" / "pending" / "a.jsonl").touch(),
    **{f"the note is damaged: {text}": noted(text) for text in DAMAGED},
}


@pytest.mark.parametrize("edit", REPAIRED.values(), ids=REPAIRED)
def test_it_is_not_at_rest_where_something_is_to_be_repaired(
    project: Path, edit: Callable[[Path], object]
) -> None:
    """Whether or not that needs a call; afterwards it is."""
    brought_up_to_date()
    edit(project)

    assert not brought_up_to_date().is_at_rest
    assert brought_up_to_date() == Seen(True, set(), set())


def test_another_run_matters_while_it_writes(project: Path) -> None:
    """It holds its journal while its stages compute, and nobody has to wait or look for that."""
    brought_up_to_date()
    state, context = project / ".pypedream", copy_context()

    def written() -> tuple[Seen, Seen]:
        with Staged(project, state) as staged:
            staged.write("other.json", b"1")
            while_it_writes = brought_up_to_date()
            staged.publish()
        return while_it_writes, brought_up_to_date()

    with used_again(context):
        seen = [*context.run(written), *context.run(written)]
        (journal,) = (state / "pending").glob("*.jsonl")

    assert [each.is_at_rest for each in seen] == [False, True, False, True]
    assert not journal.exists()


@pytest.mark.parametrize("end", ['{"done": 1', '{"done": 1}\n{"number": 0}\n', "\n"])
def test_a_journal_that_does_not_say_that_all_is_done_matters(project: Path, end: str) -> None:
    """Also if its last line is torn."""
    brought_up_to_date()
    pending = project / ".pypedream" / "pending"
    (pending / "a.jsonl").write_text(f'{{"version": 2}}\n{end}')

    with loaded(None, debug=False) as found:
        assert not found.pipeline.rest.holds()
    (pending / "a.jsonl").write_text('{"version": 2}\n{"done": 1}\n')
    with loaded(None, debug=False) as found:
        assert found.pipeline.rest.holds()


def test_a_copy_that_is_gone_matters_when_it_is_needed(project: Path) -> None:
    """While the output is there nothing is to be done; without both its stage is called."""
    brought_up_to_date()
    blobs = project / ".pypedream" / "store" / "blobs"
    shutil.rmtree(blobs, ignore_errors=True)

    assert brought_up_to_date() == Seen(True, set(), set())
    (project / "clean.json").unlink()
    assert not brought_up_to_date().is_at_rest


def test_another_python_is_not_what_it_was(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code may do something else there."""
    brought_up_to_date()
    monkeypatch.setattr(sys, "version", "3.99")

    assert not brought_up_to_date().is_at_rest


def test_an_environment_variable_of_ours_may_change_anything(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be an option or a parameter."""
    brought_up_to_date()
    monkeypatch.setenv("PYPEDREAM_PARAM_FIT__RATE", "0.8")

    assert brought_up_to_date() == Seen(False, {"fit"}, {"fit"})


def test_what_was_left_and_come_back_to_is_put_back_first(project: Path) -> None:
    """The outputs are of the other code then."""
    brought_up_to_date()
    edited("pipeline.py", "FACTOR = 2", "FACTOR = 3")(project)
    assert brought_up_to_date().called >= {"scale"}
    edited("pipeline.py", "FACTOR = 3", "FACTOR = 2")(project)

    assert brought_up_to_date() == Seen(False, set(), set())
    assert brought_up_to_date().is_at_rest


COUNTING = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import Dep, Out
from pypedream.formats import JSON

START = 0

def counted(x: Annotated[int, Dep("in.json", JSON())]) -> Annotated[int, Out("a.json", JSON())]:
    globals().update(START=START + 1)
    return x + START

flow = Pipeline("counting", progress=False)
flow.register(counted)
"""


def test_what_a_run_changes_of_its_own_code_is_not_taken_for_how_it_was(project: Path) -> None:
    """A stage that counts its calls in a global is as it was loaded, not as it became."""
    (project / "pipeline.py").write_text(COUNTING)
    (project / "in.json").write_text("1")
    assert brought_up_to_date().called == {"counted"}
    edited("pipeline.py", "START = 0", "START = 1")(project)

    assert brought_up_to_date() == Seen(False, {"counted"}, {"counted"})


def test_what_cannot_be_told_quickly_is_planned(project: Path) -> None:
    """A pipeline with a sink of its own has to have its events, also if nothing is called."""
    edited("pipeline.py", '("rest", ', '("rest", sinks=[print], ')(project)
    brought_up_to_date()

    assert not brought_up_to_date().is_at_rest


ODD = """
class Odd(type):
    def __repr__(cls):
        raise ValueError("odd")

class Value(metaclass=Odd):
    pass

def scale(
    rows: Annotated[list, Dep("clean.json", JSON())], unused: Value = None
)"""


def test_what_is_the_users_may_raise_anything_when_it_is_looked_at(project: Path) -> None:
    """A plan decides then, and says what there is to be said."""
    edited(
        "pipeline.py", '\ndef scale(\n    rows: Annotated[list, Dep("clean.json", JSON())]\n)', ODD
    )(project)
    assert "scale" in brought_up_to_date().called

    assert brought_up_to_date() == Seen(False, set(), set())


OTHER = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import Dep, Out
from pypedream.formats import JSON

def count(rows: Annotated[list, Dep("in.json", JSON())]) -> Annotated[int, Out("n.json", JSON())]:
    return len(rows)

flow = Pipeline("rest", progress=False)
flow.register(count)
"""


def test_pipelines_of_one_name_in_two_files_are_both_at_rest(project: Path) -> None:
    """None writes over what is remembered of the other."""
    (project / "other.py").write_text(OTHER)
    files = ("pipeline.py", "other.py")
    for file in files:
        brought_up_to_date(file)

    assert [brought_up_to_date(file).is_at_rest for file in files] == [True, True]


def test_a_run_of_some_stages_says_nothing_of_the_others(project: Path) -> None:
    """So nothing is remembered of it."""
    with loaded(None, debug=False) as found:
        rest: Any = found.pipeline.rest
        rest.holds()
        rest.remember(found.pipeline.run(cache="cached", only="clean"))

    assert not (project / ".pypedream" / "rest").exists()


def toggled(file: str, old: str, new: str) -> Callable[[Path], object]:
    """Return what replaces a text by another, or that by the first again."""

    def edit(root: Path) -> None:
        text = (root / file).read_text()
        (root / file).write_text(text.replace(*((old, new) if old in text else (new, old))))

    return edit


def gone(file: str) -> Callable[[Path], object]:
    return lambda root: (root / file).unlink(missing_ok=True)


EDITS: dict[str, Callable[[Path], object]] = {
    "touch": lambda root: os.utime(root / "in.json"),
    "comment": toggled("pipeline.py", "FACTOR = 2", "# more\nFACTOR = 2"),
    "input": toggled("in.json", "[1, null, 2]", "[3]"),
    "pattern": toggled("parts/a.json", "1", "2"),
    "code": toggled("pipeline.py", "if row is not None]", "if row]"),
    "helper": toggled("helper.py", "return inner(row)", "return inner(row) + 1"),
    "constant": toggled("helper.py", "OFFSET = 1", "OFFSET = 7"),
    "parameter": toggled("pipeline.py", "0.5", "0.6"),
    "loader": toggled("pipeline.py", '"clean.json", JSON())]:', '"clean.json", JSON(indent=4))]:'),
    "variable": lambda _: os.environ.update(REST_SALT=str(1 + int(os.environ["REST_SALT"]) % 2)),
    "file of parameters": written("params.json", '{"fit": {"rate": 0.9}}'),
    "no file of parameters": gone("params.json"),
    "output gone": gone("clean.json"),
    "output spoiled": written("scaled.json", "[]"),
    "stray": written("models/more.json", "1"),
    "lock gone": gone(".pypedream/locks/scale.json"),
    "results lost": lambda root: shutil.rmtree(root / ".pypedream" / "store", ignore_errors=True),
    "hashes lost": gone(".pypedream/hashes"),
    "name": toggled("pipeline.py", "flow.register(clean)", 'flow.register(clean, name="first")'),
}


def contents(root: Path) -> dict[str, bytes]:
    """Return what is in all files of a project, and in its locks."""
    paths = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    kept = [path for path in paths if ".pypedream" not in path.parts or "locks" in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.lists(st.sampled_from([*EDITS]), max_size=3), min_size=1, max_size=4))
def test_it_is_at_rest_only_where_a_run_would_do_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[str]]
) -> None:
    """Whatever was done: no call, nothing put back, no lock written; and after a run it is."""
    with pytest.MonkeyPatch.context() as patch:
        root = new_project(tmp_path_factory.mktemp("rest"), patch)
        for step in [[], *steps]:
            for name in step:
                EDITS[name](root)
            before = contents(root)

            seen = brought_up_to_date()

            if seen.is_at_rest:
                assert (seen.planned, seen.called, contents(root)) == (set(), set(), before)
            assert seen.called <= seen.planned
            assert brought_up_to_date() == Seen(True, set(), set())
