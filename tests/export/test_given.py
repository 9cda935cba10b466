"""What an exporter is given from Python is of the right kind, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pypedream import Pipeline
from pypedream.errors import ExportError
from pypedream.export.given import given_rightly

WRONG = {
    "schedule": 5,
    "map_chunk": "3",
    "store": 5,
    "dag_id": 7,
    "project_root": 5,
    "group_as_task": [5],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_of_another_kind_is_refused(name, tmp_path):
    """The message says what it has to be; nothing is written."""
    with pytest.raises(ExportError, match=rf"{name}=.*: it has to be "):
        Pipeline("co2").to_airflow(tmp_path / "flow.py", **{name: WRONG[name]})

    assert list(tmp_path.iterdir()) == []


def test_all_that_is_of_another_kind_is_refused_at_once(tmp_path):
    """With a line for each."""
    with pytest.raises(ExportError, match=r"(?s)2 reasons.*store=5.*map_chunk=True"):
        Pipeline("co2").to_prefect(tmp_path / "flow.py", map_chunk=True, store=5)


def test_no_path_is_none():
    """Everything else may be left out."""
    given = given_rightly(path=None, store=None, group_as_task=())

    assert given.values == {"store": None, "group_as_task": ()}
    assert [each.partition(":")[0] for each in given.mistakes] == ["path=None"]


def test_paths_and_a_single_prefix_are_taken():
    """As texts, as they come from a command line."""
    given = given_rightly(store=Path("kept"), project_root=Path(), group_as_task="silver")

    assert given.values == {"store": "kept", "project_root": ".", "group_as_task": ("silver",)}
