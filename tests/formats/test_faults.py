"""A damaged file is one clear error, in every format."""

from __future__ import annotations

import pickle
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError, MissingExtra, PypedreamError
from pypedream.formats import (
    CSV,
    JSON,
    JSONL,
    NPY,
    YAML,
    Bytes,
    Feather,
    Joblib,
    NetCDF,
    Parquet,
    PathOnly,
    Pickle,
    Text,
    Zarr,
)

NEEDS: dict[str, tuple[Any, list[str]]] = {
    "JSON": (JSON(), []),
    "JSONL": (JSONL(), []),
    "YAML": (YAML(), ["yaml"]),
    "Text": (Text(), []),
    "CSV": (CSV(), ["pandas"]),
    "CSV of polars": (CSV(library="polars"), ["polars"]),
    "Parquet": (Parquet(), ["pandas", "pyarrow"]),
    "Parquet of polars": (Parquet(library="polars"), ["polars"]),
    "Feather": (Feather(), ["pandas", "pyarrow"]),
    "Feather of polars": (Feather(library="polars"), ["polars"]),
    "NPY": (NPY(), ["numpy"]),
    "NPY mapped": (NPY(mmap_mode="r"), ["numpy"]),
    "NetCDF": (NetCDF(), ["xarray", "h5netcdf", "h5py"]),
    "Pickle": (Pickle(), []),
    "Joblib": (Joblib(), ["joblib"]),
}


def with_libraries(names: Any) -> Any:
    return pytest.mark.parametrize(
        "loader",
        [
            pytest.param(
                loader,
                id=name,
                marks=pytest.mark.skipif(
                    any(find_spec(library) is None for library in libraries),
                    reason="a library is not installed",
                ),
            )
            for name, (loader, libraries) in NEEDS.items()
            if name in names
        ],
    )


def value_for(loader: Any) -> Any:
    if isinstance(loader, (CSV, Parquet, Feather)):
        import importlib

        return importlib.import_module(loader.library).DataFrame({"a": range(100)})
    if isinstance(loader, NPY):
        import numpy

        return numpy.arange(1000)
    if isinstance(loader, NetCDF):
        import xarray

        return xarray.DataArray(range(1000))
    return list(range(1000))


@with_libraries(NEEDS)
def test_what_is_no_such_file_is_one_clear_error(tmp_path: Path, loader: Any) -> None:
    """The error names the path and the format, is a ValueError, and has the cause."""
    path = tmp_path / "x.data"
    path.write_bytes(b'\x00\xff{"\x00\x01"\n\n,;,\xf0' * 20)

    with pytest.raises(FormatError, match=r"x\.data.* (cannot be read as|is not) \w+") as error:
        loader.load(path)

    assert error.value.path == str(path)
    assert error.value.format == type(loader).__name__
    assert isinstance(error.value, ValueError)
    assert "\n" not in str(error.value)
    assert error.value.__cause__ is not None


@with_libraries(NEEDS.keys() - {"JSONL", "YAML", "Text", "CSV", "CSV of polars"})
def test_a_file_that_was_cut_is_one_clear_error(tmp_path: Path, loader: Any) -> None:
    """Half of a file is not read as if it were whole."""
    path = tmp_path / "x"
    loader.save(value_for(loader), path)
    whole = path.read_bytes()

    for size in (0, 1, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        with pytest.raises(FormatError, match=r"cannot be read as|is not"):
            loader.load(path)


# a file that h5netcdf could not open complains once more when it is forgotten
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@with_libraries(NEEDS.keys() - {"Pickle", "Joblib"})
def test_random_damage_is_no_other_error(tmp_path: Path, loader: Any) -> None:
    """Whatever byte is wrong, a FormatError is all that can happen."""
    path = tmp_path / "x"
    value = {"a": 1} if isinstance(loader, (JSON, YAML)) else value_for(loader)
    value = "text" if isinstance(loader, Text) else value
    loader.save(value, path)
    whole = path.read_bytes()
    chance = random.Random(7)

    for _ in range(25):
        damaged = bytearray(whole)
        damaged[chance.randrange(min(len(damaged), 300))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            loader.load(path)
        except FormatError as error:
            assert str(path) in str(error)  # noqa: PT017 - most damage is no error at all


@pytest.mark.skipif(find_spec("zarr") is None, reason="zarr is not installed")
def test_a_folder_that_is_no_store_is_one_clear_error(tmp_path: Path) -> None:
    """A folder without what zarr writes is not an empty dataset."""
    pytest.importorskip("xarray")
    (tmp_path / "x.zarr").mkdir()

    with pytest.raises(FormatError, match=r"x\.zarr cannot be read as Zarr"):
        Zarr().load(tmp_path / "x.zarr")


@with_libraries(NEEDS)
def test_a_file_that_is_not_there_is_not_called_damaged(tmp_path: Path, loader: Any) -> None:
    """FileNotFoundError says what it is, in every format."""
    with pytest.raises(FileNotFoundError) as error:
        loader.load(tmp_path / "missing")

    assert error.value.filename == str(tmp_path / "missing") or isinstance(
        error.value.filename, Path
    )


@pytest.mark.parametrize("loader", [Bytes(), PathOnly()], ids=["Bytes", "PathOnly"])
def test_a_missing_file_has_no_bytes_and_no_path(tmp_path: Path, loader: Any) -> None:
    """These two cannot be damaged, but be missing."""
    with pytest.raises(FileNotFoundError):
        loader.load(tmp_path / "missing")


def test_a_class_that_is_gone_is_named(tmp_path: Path) -> None:
    """A pickle of what no longer exists says what it misses."""
    (tmp_path / "x").write_bytes(b"cpypedream.errors\nGone\n.")

    with pytest.raises(FormatError, match=r"AttributeError: .*Gone"):
        Pickle().load(tmp_path / "x")


def test_the_error_travels_between_processes() -> None:
    """Its facts are still there after pickling."""
    error = FormatError("x.json:3 is not JSON", path="x.json", format_name="JSON", line=3)

    back = pickle.loads(pickle.dumps(error))

    assert (str(back), back.path, back.format, back.line) == (str(error), "x.json", "JSON", 3)
    assert isinstance(back, PypedreamError)


@pytest.mark.parametrize(
    "loader,library,command",
    [
        (YAML(), "yaml", r'pip install "pypedream\[yaml\]"  or  conda .* pyyaml'),
        (CSV(), "pandas", r'pip install "pypedream\[frames\]"'),
        (Feather(library="polars"), "polars", "pip install polars  or  conda"),
        (NPY(), "numpy", r'pip install "pypedream\[arrays\]"  or  conda .* numpy'),
        (NetCDF(), "h5py", r'pip install "pypedream\[arrays\]"  or  conda .* h5py'),
        (Zarr(), "zarr", r'pip install "pypedream\[arrays\]"  or  conda .* zarr'),
        (Joblib(), "joblib", "pip install joblib  or  conda"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_library_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: Any, library: str, command: str
) -> None:
    """The error is no FormatError: it says what to install; the file is not to blame."""
    (tmp_path / "x").touch()
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(MissingExtra, match=f"needs {library.replace('yaml', 'pyyaml')}: {command}"):
        loader.load(tmp_path / "x")


@pytest.mark.parametrize("loader", [JSON(), JSONL(), Text(), Pickle(), PathOnly()], ids=repr)
def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path, loader: Any) -> None:
    """By its own name; it stays, and nothing is left beside it."""
    there, value = tmp_path / "x", tmp_path / "value"
    there.mkdir()
    value.touch()

    with pytest.raises(IsADirectoryError, match=r"a folder is there: remove it, .*'.*x'$"):
        loader.save(str(value) if loader != JSONL() else [], there)

    assert sorted(tmp_path.iterdir()) == [value, there]
