"""What is different where a pipeline runs elsewhere, although it can."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pypedream.export.elsewhere import differences_there
from pypedream.export.travel import Circumstances

from .conftest import HEAD


@pytest.fixture
def different(importable):
    """Return what is said of the pipeline of a module."""
    numbers = iter(range(100))

    def of(text: str, **how) -> list[str]:
        module = importable(f"travel_differs_{next(numbers)}.py", HEAD + dedent(text))
        there = Circumstances(**{"store": "s3://bucket/co2", **how})
        return [str(each) for each in differences_there(module.flow, {}, {}, there)]

    return of


def test_without_a_store_what_needs_one_is_named(different):
    """By the annotation; where none says so, the limits are."""
    text = """
        from pathlib import Path
        flow = Pipeline("co2")
        @flow.stage
        def load(){}:
            return Path("a")
        @flow.stage
        def total(load):
            return load
        """

    named = different(text.format(" -> Path"), store="")
    unnamed = different(text.format(""), store="")

    assert named[0].startswith(
        'stage "load" gives a value of type Path, which only a store can hand over: give --store'
    )
    assert unnamed[0].startswith(
        "there is no store, so what stages give each other must be JSON of at most 32 kB: give"
    )


@pytest.mark.parametrize("store", ["/data/store", "~/store", "file:///data/store"])
def test_a_store_that_is_a_folder_is_warned_of(different, store):
    """Tasks may run on several machines."""
    found = different("flow = Pipeline('co2')\nflow.stage(lambda: 1, name='a')", store=store)

    assert found[0].startswith(
        f"the store {store} is a folder, so all tasks have to run on machines that share it"
    )


@pytest.mark.parametrize("store", ["store", "./store", "file://store"])
def test_a_store_in_the_current_folder_is_warned_of(different, store):
    """A task has another one."""
    found = different("flow = Pipeline('co2')\nflow.stage(lambda: 1, name='a')", store=store)

    assert found[0].startswith(f"the store {store} is found from the current folder, and that of")


def test_items_whose_failures_are_collected_are_the_same_there(different):
    """Nothing is to be said of them."""
    text = """
        flow = Pipeline("co2", Parameters.define(ns=[0, 1]), on_error="collect")
        @flow.stage(over={"n": "ns"}, on_error="collect")
        def each(n):
            return 1 / n
        """

    assert different(text) == []


ENDING = """
    from pypedream.errors import ExitPipeline
    flow = Pipeline("co2")
    def enough():
        raise ExitPipeline("enough")
    @flow.stage
    def load():
        enough()
    @flow.stage
    def total(load):
        return load
    """
OTHER = """
    @flow.stage
    def report():
        return 1
    """


@pytest.mark.parametrize("more, named", [("", []), (OTHER, ['"report"'])], ids=["", "other"])
def test_a_stage_that_may_end_the_run_is_warned_of(different, more, named):
    """If there are stages that do not need it, which would be called there."""
    found = different(dedent(ENDING) + dedent(more))

    assert [each.partition("skipped: ")[2].partition(" would")[0] for each in found] == named


def test_options_that_are_not_used_there_are_named(different, tmp_path):
    """With what holds instead."""
    found = different(
        f"""
        flow = Pipeline("co2", workspace={str(tmp_path / "runs")!r}, cache="cached", workers=2,
                        limits={{"db": 2}}, executor="threads", on_error="continue")
        @flow.stage(cache="cached", on_error="continue", uses="db")
        def load():
            return 1
        """
    )

    assert [str(each).partition(":")[0] for each in found] == [
        "executor= is not used there",
        "workers= is not used there",
        "cache= is not used there",
        "workspace= is not used there",
        "limits= is not used there",
        'stage "load"',
        'on_error="continue"',
        'stage "load"',
    ]


def test_more_items_than_there_can_be_tasks_are_warned_of(different):
    """Unless it is said how many share one."""
    text = """
        flow = Pipeline("co2", Parameters.define(ns=list(range(2000))))
        @flow.stage(over={"n": "ns"})
        def each(n):
            return n
        """

    (warning,) = different(text)

    assert warning.startswith('stage "each" has 2,000 items, and Airflow makes at most 1,024 tasks')
    assert different(text, map_chunk=10) == []


def test_a_file_of_the_current_folder_is_warned_of(different, tmp_path, monkeypatch):
    """What is no file here, or is found by the module, is not."""
    (tmp_path / "rows.csv").touch()
    monkeypatch.chdir(tmp_path)

    found = different(
        """
        from pathlib import Path
        here = Path(__file__).parent
        paths = dict(a=Path("rows.csv"), b="rows.csv", c="other.csv", d=here / "rows.csv", e="")
        flow = Pipeline("co2", Parameters.define(**paths))
        flow.stage(lambda: 1, name="one")
        """
    )

    assert [each.partition(",")[0] for each in found] == [
        "parameter \"a\" is 'rows.csv'",
        "parameter \"b\" is 'rows.csv'",
    ]
    assert "find it by Path(__file__).parent" in found[0]


def test_files_of_the_project_are_warned_of(different):
    """As they are where they are written."""
    found = different(
        """
        from typing import Annotated
        from pypedream.files import Dep, Out
        from pypedream.formats import JSON
        def count(rows: Annotated[list[int], Dep("in.json", JSON())]) -> Annotated[
            int, Out("out.json", JSON())
        ]:
            return len(rows)
        flow = Pipeline("co2")
        flow.register(count)
        """
    )

    assert found[0].startswith(
        'stage "count" has files of the project: in.json, out.json: all tasks have to run where'
    )
