"""Modules that are edited and not reloaded: who types is told that the old code counts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pypedream import Pipeline

NOTE = (
    "edited_helpers.py was edited since it was imported, and the old code runs: restart, or"
    " importlib.reload(edited_helpers)"
)


@pytest.fixture
def helpers(tmp_path, monkeypatch) -> ModuleType:
    """A module of the user's, imported by who types."""
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    (tmp_path / "edited_helpers.py").write_text("def scaled(row):\n    return 2 * row\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("edited_helpers")
    del sys.modules["edited_helpers"]


@pytest.fixture
def flow(helpers, tmp_path) -> Pipeline:
    """A pipeline that has run, of which a stage calls a function of the module."""
    flow = Pipeline("edited", workspace=tmp_path / "ws", cache="cached", progress=False)
    flow.stage(lambda: helpers.scaled(3), name="scale")
    flow.run()
    return flow


def edit(helpers: ModuleType) -> None:
    """Save the file with another factor."""
    Path(helpers.__file__).write_text("def scaled(row):\n    return 10 * row\n")


def test_a_module_that_was_edited_is_noted_until_it_is_reloaded(flow, helpers):
    """The loaded code is what runs, so the plan is right and says why it is as it is."""
    assert flow.plan().notes == []

    edit(helpers)

    assert flow.plan().stages["scale"].decision == "reuse"
    assert flow.plan().notes == [NOTE]
    importlib.reload(helpers)
    assert flow.plan().stages["scale"].decision == "run"
    assert flow.plan().notes == []


def test_a_script_is_told_nothing_of_modules_that_were_edited(flow, helpers, monkeypatch):
    """Nobody could reload them there."""
    edit(helpers)
    monkeypatch.delattr("sys.ps1")

    assert flow.plan().notes == []


def test_a_module_that_reloads_by_itself_is_not_noted(flow, helpers, monkeypatch):
    """IPython's autoreload looks before each cell, and may mend functions in place."""
    edit(helpers)
    monkeypatch.setitem(sys.modules, "IPython.extensions.autoreload", ModuleType("autoreload"))

    assert flow.plan().notes == []
