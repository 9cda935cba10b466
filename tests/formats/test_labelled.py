"""NetCDF and Zarr give back datasets and arrays of xarray."""

from __future__ import annotations

import json
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError, MissingExtra
from pypedream.formats import NetCDF, Zarr, get, pick_serializer
from pypedream.formats.labelled import _has_time_coders

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")
xarray = pytest.importorskip("xarray")

has_netcdf = find_spec("h5py") is not None and find_spec("h5netcdf") is not None
needs_netcdf = pytest.mark.skipif(not has_netcdf, reason="h5netcdf or h5py is not installed")
needs_zarr = pytest.mark.skipif(find_spec("zarr") is None, reason="zarr is not installed")
FORMATS = pytest.mark.parametrize(
    "loader",
    [
        pytest.param(NetCDF(), marks=needs_netcdf, id="netcdf"),
        pytest.param(Zarr(), marks=needs_zarr, id="zarr"),
    ],
)
VALUES = {
    "int8": numpy.array([1, -2], dtype="int8"),
    "float32": numpy.array([0.1, numpy.nan], dtype="float32"),
    "float64": numpy.array([0.1, -0.0]),
    "bool": numpy.array([True, False]),
    "complex": numpy.array([1j, 2]),
    "text": numpy.array(["p", "qqü"]),
    "ns": numpy.array(["2020-01-01T00:00:00.000000001", "NaT"], dtype="M8[ns]"),
    "us": numpy.array(["1500-01-01", "2020-01-01"], dtype="M8[us]"),
    "s": numpy.array(["1969-12-31", "2020-01-01"], dtype="M8[s]"),
    "duration": numpy.array([1, -(10**15)], dtype="m8[ns]"),
}
if not _has_time_coders(xarray):  # older versions of xarray have only times of ns
    VALUES = {name: VALUES[name] for name in VALUES if name in ("int8", "float64", "bool", "ns")}


@pytest.mark.skipif(_has_time_coders(xarray), reason="this xarray keeps durations")
def test_durations_are_refused_where_they_would_become_numbers(tmp_path: Path) -> None:
    """An old xarray does not tell durations from numbers, so a file would lose them."""
    value = xarray.DataArray(numpy.array([1], dtype="m8[ns]"))

    assert pick_serializer(value) == "pickle"


def dtypes(value: Any) -> dict[str, str]:
    named = value.to_dataset(name="array") if isinstance(value, xarray.DataArray) else value
    return {str(name): str(one.dtype) for name, one in named.variables.items()}


def same(left: Any, right: Any) -> bool:
    return bool(
        type(left) is type(right) and left.identical(right) and dtypes(left) == dtypes(right)
    )


def dataset(values: Any) -> Any:
    """A dataset with coordinates of several kinds and attributes."""
    return xarray.Dataset(
        {"v": ("x", values, {"long_name": "what"}), "days": (("t", "x"), numpy.ones((3, 2)))},
        coords={
            "t": pandas.date_range("2020-02-28", periods=3),
            "label": ("x", ["a", "b"]),
            "height": 2.0,
        },
        attrs={"title": "all", "count": 3},
    )


@FORMATS
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_datasets_and_arrays_come_back_as_they_were(
    tmp_path: Path, loader: Any, values: Any
) -> None:
    """load(save(x)) is identical to x, with its dtypes; an array stays an array."""
    whole = dataset(values)
    whole["days"].attrs["units"] = "days"

    for value in (whole, whole["v"], whole["days"].rename(None), whole["t"]):
        loader.save(value, tmp_path / "x")
        assert same(loader.load(tmp_path / "x"), value)


@needs_netcdf
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_what_is_picked_gives_back_the_value(tmp_path: Path, values: Any) -> None:
    """NetCDF is picked for what it keeps."""
    value = dataset(values)
    name = pick_serializer(value)
    get(name).dump(value, tmp_path / "x")

    assert name == "netcdf"
    assert same(get(name).load(tmp_path / "x"), value)


@pytest.mark.parametrize(
    "value",
    [
        xarray.DataArray(numpy.array([{}, 1], dtype=object)),
        xarray.DataArray([1, 2], dims="x", attrs={"set": {1, 2}}),
        xarray.DataArray(
            [1, 2],
            dims="x",
            coords=xarray.Coordinates.from_pandas_multiindex(
                pandas.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["p", "q"]), "x"
            ),
        ),
    ],
    ids=["objects", "attributes", "levels"],
)
def test_what_neither_keeps_is_picked_a_pickle(value: Any) -> None:
    """What a file would change or refuse is a pickle."""
    assert pick_serializer(value) == "pickle"


@FORMATS
def test_a_value_that_cannot_be_written_leaves_the_old_file(tmp_path: Path, loader: Any) -> None:
    """Half of a file or folder never takes the place of a whole one."""
    good = dataset(numpy.array([1, 2]))
    loader.save(good, tmp_path / "x")

    with pytest.raises(FormatError, match="cannot be written as"):
        loader.save(good.assign_attrs({"bad": object()}), tmp_path / "x")

    assert same(loader.load(tmp_path / "x"), good)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@FORMATS
def test_packing_does_not_change_values(tmp_path: Path, loader: Any) -> None:
    """What a variable was packed into where it came from does not round it again."""
    value = xarray.DataArray([0.12345, 1e9], dims="x")
    value.encoding = {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -1}
    loader.save(value, tmp_path / "x")

    assert same(loader.load(tmp_path / "x"), value)


@FORMATS
def test_other_values_are_refused(tmp_path: Path, loader: Any) -> None:
    """An array of numpy has no names."""
    with pytest.raises(FormatError, match="a Dataset or DataArray of xarray is needed, not ndarr"):
        loader.save(numpy.arange(3), tmp_path / "x")


@needs_zarr
def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    """Nothing of the old folder is left in the new one."""
    Zarr().save(dataset(numpy.array([1, 2])), tmp_path / "x.zarr")
    Zarr().save(xarray.Dataset({"only": ("x", [1])}), tmp_path / "x.zarr")

    assert list(Zarr().load(tmp_path / "x.zarr")) == ["only"]
    assert not (tmp_path / "x.zarr" / "v").exists()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@needs_zarr
@pytest.mark.parametrize("place", ["filters", "compressor"])
def test_a_store_of_pickles_is_not_loaded(tmp_path: Path, place: str) -> None:
    """Old versions of zarr run what such a folder brings along, so it is refused before."""
    path = tmp_path / "x.zarr"
    Zarr().save(xarray.Dataset({"v": ("x", numpy.arange(2))}), path)
    metadata = json.loads((path / "v" / ".zarray").read_text())
    codec = {"id": "pickle", "protocol": 5}
    metadata |= {"filters": None, "compressor": None}
    metadata[place] = [codec] if place == "filters" else codec
    (path / "v" / ".zarray").write_text(json.dumps(metadata))
    (path / "v" / "0").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))

    with pytest.raises(FormatError, match=r"v holds pickles, which could run code"):
        Zarr().load(path)
    assert not (tmp_path / "ran").exists()


@needs_zarr
@pytest.mark.skipif(not _has_time_coders(xarray), reason="an old xarray knows no version 3")
def test_attributes_may_speak_of_pickles(tmp_path: Path) -> None:
    """What users write into attributes names no codec."""
    value = xarray.Dataset({"v": ("x", [1], {"name": "pickle"})}, attrs={"id": "pickle"})
    Zarr(zarr_format=3).save(value, tmp_path / "x.zarr")

    assert same(Zarr().load(tmp_path / "x.zarr"), value)


@pytest.mark.skipif(has_netcdf, reason="all that is needed is installed")
def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """NetCDF names the library to install."""
    with pytest.raises(MissingExtra, match="needs h5"):
        NetCDF().save(dataset(numpy.array([1, 2])), tmp_path / "x.nc")
