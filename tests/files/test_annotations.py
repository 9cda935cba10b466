"""What the annotations hold, and where they can be imported from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import NoneType
from typing import Annotated, get_args

import pytest

import pypedream.files
from pypedream.files import (
    CSV,
    JSON,
    Dep,
    DirectoryOut,
    IncrementalOut,
    Metric,
    Out,
    PlaceholderDep,
    Plot,
    Text,
    loaders,
    outputs,
)


@pytest.mark.parametrize(
    "annotation, is_cached",
    [
        (Out("a.json", JSON()), True),
        (Metric("a.json"), False),
        (Plot("a.png", Text()), True),
        (IncrementalOut("a.json", JSON()), True),
        (DirectoryOut("a/", JSON()), True),
        (Out("a.json", JSON(), cache=False), False),
        (Metric("a.json", cache=True), True),
    ],
    ids=repr,
)
def test_what_the_store_keeps(annotation, is_cached):
    """All outputs but metrics are kept by the store, unless the user says otherwise."""
    assert annotation.cache is is_cached


def test_arguments_by_position():
    """Path and loader come first; a plot then says its axes and its template."""
    plot = Plot("a.png", Text(), "day", "count", "bars")

    assert (plot.path, plot.x, plot.y, plot.template) == ("a.png", "day", "count", "bars")
    assert IncrementalOut("a.json", JSON()).loader == JSON()
    assert DirectoryOut("a/", JSON()).loader == JSON()
    assert PlaceholderDep(CSV()).loader == CSV()


def test_a_metric_is_json():
    """A metric has a loader if none is given."""
    assert Metric("a.json").loader == JSON()


def test_paths_of_pathlib_are_text():
    """A Path is written with "/", alone or in a list or a tuple."""
    assert Dep(Path("a") / "b.csv", CSV()).path == "a/b.csv"
    assert Dep([Path("a.csv"), "b.csv"], CSV()).path == ["a.csv", "b.csv"]
    assert Dep((Path("a.csv"),), CSV()).path == ("a.csv",)


def test_equality():
    """Equal if path, shape and loader are; a list of paths can be hashed, too."""
    assert Dep(["a"], CSV()) == Dep(["a"], CSV())
    assert Dep(["a"], CSV()) != Dep(("a",), CSV())
    assert Dep("a", CSV()) != Dep("a", CSV(sep=";"))
    assert Out("a", CSV()) != Plot("a", CSV())
    assert len({Dep(["a"], CSV()), Dep(["a"], CSV()), Dep(("a",), CSV())}) == 2


def test_an_optional_list_of_files_is_a_type():
    """Python hashes the members of a union, so a Dep with a list must not stand in the way."""
    frames = Annotated[list, Dep(["a.csv"], CSV())]

    assert get_args(frames | None) == (frames, NoneType)


def test_names_of_pivot():
    """Its modules of annotations and loaders have the same names here."""
    for module in (outputs, loaders):
        for name in module.__all__:
            assert getattr(pypedream.files, name) is getattr(module, name)


def test_every_name_is_there():
    """What `__all__` promises can be had, but StageParams needs pydantic."""
    for name in set(pypedream.files.__all__) - {"StageParams"}:
        assert getattr(pypedream.files, name) is vars(pypedream.files)[name]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pypedream.files.nothing


PROBE = """
import sys
import pypedream.files
assert [name for name in sys.modules if name.startswith("pypedream.files.")] == []
from pypedream.files import CSV, Dep, JSON, MatplotlibFigure, Metric, Out, spec_of
from typing import Annotated

def clean(rows: Annotated[list, Dep("a.csv", CSV())]) -> Annotated[list, Out("b.json", JSON())]:
    return rows

assert spec_of(clean) is not None
heavy = {"pandas", "pydantic", "matplotlib", "yaml", "pyarrow", "numpy", "fsspec"}
print(sorted(heavy.intersection(sys.modules)))
"""


def test_importing_and_reading_load_nothing_heavy():
    """Neither the annotations nor reading them loads an optional library."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


WITHOUT = """
import sys
sys.modules["pydantic"] = None
from pypedream.errors import MissingExtra
try:
    from pypedream.files import StageParams
except MissingExtra as error:
    print(error)
"""


def test_without_pydantic_stage_params_say_how_to_install_it():
    """The name is there, and its error names the extra."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.stdout.startswith('StageParams needs pydantic: pip install "pypedream[steps]"')
