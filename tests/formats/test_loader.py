"""A format is a small frozen object that says its options."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
import pytest

from pypedream import formats
from pypedream.errors import FormatError
from pypedream.formats import CSV, JSON, Loader, MatplotlibFigure, Reader, Writer, has_empty

FORMATS = [
    getattr(formats, name)
    for name in formats.__all__
    if isinstance(getattr(formats, name), type) and attrs.has(getattr(formats, name))
]
LOADERS = [one for one in FORMATS if issubclass(one, (Reader, Writer))]
OPTIONS = {
    "CSV": {"sep": ";", "dtype": {"id": "str"}, "index_col": ["a", "b"], "parse_dates": ["a"]},
    "Feather": {"compression": "lz4"},
    "JSON": {"indent": None},
    "JSONL": {"allow_nan": True},
    "Joblib": {"compress": 3},
    "MatplotlibFigure": {"dpi": 80},
    "NPY": {"mmap_mode": "r"},
    "NetCDF": {"engine": "scipy"},
    "Parquet": {"library": "polars"},
    "Pickle": {"protocol": 4},
    "Text": {"encoding": "latin-1"},
    "YAML": {"sort_keys": True},
    "Zarr": {"zarr_format": 3},
}


@dataclass(frozen=True)
class Words(Loader[list[str], list[str]]):
    """The few lines that a user writes."""

    sep: str = " "

    def load(self, path: Any) -> list[str]:
        return Path(path).read_text(encoding="utf-8").split(self.sep)

    def save(self, value: list[str], path: Any) -> None:
        Path(path).write_text(self.sep.join(value), encoding="utf-8")


@pytest.mark.parametrize("kind", LOADERS, ids=lambda kind: kind.__name__)
def test_a_format_with_equal_options_is_equal_and_can_be_hashed(kind: type) -> None:
    """Two of one class with the same options are one key; another option makes another key."""
    options = OPTIONS.get(kind.__name__, {})

    assert kind() == kind()
    assert hash(kind(**options)) == hash(kind(**options))
    assert (kind(**options) == kind()) is (not options)


@pytest.mark.parametrize("kind", LOADERS, ids=lambda kind: kind.__name__)
def test_a_format_shows_its_options(kind: type) -> None:
    """The repr makes an equal format, so nothing that matters is left out."""
    made = kind(**OPTIONS.get(kind.__name__, {}))

    assert "object at" not in repr(made)
    for name, value in OPTIONS.get(kind.__name__, {}).items():
        shown = tuple(value) if isinstance(value, list) else value
        assert f"{name}={shown!r}" in repr(made)


@pytest.mark.parametrize("kind", LOADERS, ids=lambda kind: kind.__name__)
def test_a_format_travels_to_other_processes(kind: type) -> None:
    """A format with options is the same after pickling."""
    made = kind(**OPTIONS.get(kind.__name__, {}))

    assert pickle.loads(pickle.dumps(made)) == made


@pytest.mark.parametrize("kind", LOADERS, ids=lambda kind: kind.__name__)
def test_a_format_cannot_change(kind: type) -> None:
    """Options are set once."""
    with pytest.raises((AttributeError, TypeError)):
        kind().sep = "changed"


def test_a_format_of_ones_own_is_a_few_lines(tmp_path: Path) -> None:
    """A frozen dataclass with load and save is a format like the built-in ones."""
    Words(",").save(["a", "b"], tmp_path / "words")

    assert Words(",").load(tmp_path / "words") == ["a", "b"]
    assert repr(Words(",")) == "Words(sep=',')"
    assert hash(Words()) == hash(Words(" "))


def test_a_format_without_empty_value_says_so() -> None:
    """Only formats that define empty() have a value for a file that is not there yet."""
    with pytest.raises(FormatError, match=r"Words has no empty value: define Words.empty\(\)"):
        Words().empty()


@pytest.mark.parametrize(
    "name,expected",
    [
        ("CSV", True),
        ("JSON", True),
        ("JSONL", True),
        ("YAML", True),
        ("Text", True),
        ("Pickle", False),
        ("PathOnly", False),
        ("MatplotlibFigure", False),
    ],
    ids=str,
)
def test_which_formats_have_an_empty_value(name: str, expected: bool) -> None:
    """The table of formats says which can be the first input of what builds on itself."""
    assert has_empty(getattr(formats, name)()) is expected


def test_an_image_can_only_be_written() -> None:
    """A figure is a Writer: nothing can read it back."""
    assert isinstance(MatplotlibFigure(), Writer)
    assert not isinstance(MatplotlibFigure(), Reader)


def test_the_empty_value_is_new_each_time() -> None:
    """What one stage adds to an empty value is not in the next one."""
    JSON(empty_factory=list).empty().append(1)

    assert JSON(empty_factory=list).empty() == []


def test_the_order_of_dtypes_does_not_matter() -> None:
    """A mapping among the options is compared as one."""
    left, right = CSV(dtype={"a": "str", "b": "int"}), CSV(dtype={"b": "int", "a": "str"})

    assert left == right
    assert hash(left) == hash(right)
