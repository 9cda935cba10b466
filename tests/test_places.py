"""Places: the line of the user's code that a message points at."""

from __future__ import annotations

import os
import sys
from functools import partial, wraps
from pathlib import Path
from unittest.mock import Mock

import pytest

from pypedream.places import Place, calling_place, is_interactive, is_library, is_ours


def through(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def here(): ...


def test_a_place_is_shown_from_the_working_folder(monkeypatch, tmp_path):
    """Below the working folder a path is relative, elsewhere it is whole."""
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "flows" / "flow.py", tmp_path.parent / "flow.py"

    assert str(Place(str(inside), 3)) == f"{Path('flows', 'flow.py')}:3"
    assert str(Place(str(outside), 3)) == f"{outside}:3"


@pytest.mark.parametrize(
    "function",
    [here, through(here), through(through(here)), partial(here), partial(through(partial(here)))],
    ids=["plain", "wrapped", "twice", "partial", "all"],
)
def test_layers_around_a_function_are_seen_through(function):
    """The place of a decorated function is where it is written."""
    place = Place.of_function(function)

    assert place is not None
    assert (Path(place.file).name, place.line) == ("test_places.py", here.__code__.co_firstlineno)


@pytest.mark.parametrize("function", [len, dict, Mock()], ids=["builtin", "class", "mock"])
def test_what_is_not_written_in_python_has_no_place(function):
    """Builtins have no line, and an object that answers to every name makes none up."""
    assert Place.of_function(function) is None


def test_wrappers_in_a_circle_come_to_an_end():
    """A function that says it wraps itself still has its place."""

    def odd(): ...

    odd.__wrapped__ = odd

    assert Place.of_function(odd) is not None


def test_the_calling_place_is_the_line_that_calls():
    """The innermost line that is not pypedream's own."""
    place = calling_place()

    assert place is not None
    assert Path(place.file).name == "test_places.py"
    assert is_ours(sys.modules["pypedream.places"].__file__)
    assert not is_ours(place.file)


def test_python_and_installed_packages_are_libraries():
    """A line in them is not one that the user wrote."""
    assert is_library(os.__file__)
    assert is_library(pytest.__file__)
    assert is_library("<frozen runpy>")
    assert is_library("pandas/_libs/parsers.pyx")
    assert not is_library(__file__)


def test_cells_and_typed_lines_are_interactive(tmp_path):
    """What stands in no file can be defined again."""
    assert is_interactive(Place("<stdin>", 1))
    assert is_interactive(Place(str(tmp_path / "ipykernel_1" / "2.py"), 1))
    assert not is_interactive(Place(__file__, 1))
    assert not is_interactive(None)
