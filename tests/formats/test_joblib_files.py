"""Joblib gives back any value."""

from __future__ import annotations

from pathlib import Path

import pytest

from pypedream.errors import FormatError
from pypedream.formats import Joblib

pytest.importorskip("joblib")


@pytest.mark.parametrize("loader", [Joblib(), Joblib(compress=3)], ids=repr)
def test_values_come_back(tmp_path: Path, loader: Joblib) -> None:
    """load(save(x)) == x, with and without compression; it is one file."""
    value = {"a": (1, 2), 3: {b"x"}}
    loader.save(value, tmp_path / "x.joblib")

    assert loader.load(tmp_path / "x.joblib") == value
    assert [path.name for path in tmp_path.iterdir()] == ["x.joblib"]


def test_arrays_come_back(tmp_path: Path) -> None:
    """Arrays in a value are written beside the pickle, in the same file."""
    numpy = pytest.importorskip("numpy")
    Joblib().save({"a": numpy.arange(1000)}, tmp_path / "x")

    assert Joblib().load(tmp_path / "x")["a"].tolist() == list(range(1000))
    assert isinstance(Joblib(mmap_mode="r").load(tmp_path / "x")["a"], numpy.memmap)


def test_what_cannot_be_pickled_is_refused(tmp_path: Path) -> None:
    """The old file stays."""
    Joblib().save(1, tmp_path / "x")

    with pytest.raises(FormatError, match="cannot be written as Joblib"):
        Joblib().save(lambda: 1, tmp_path / "x")
    assert Joblib().load(tmp_path / "x") == 1
