"""NetCDF and Zarr: arrays of xarray with their names, coordinates and attributes."""

from __future__ import annotations

import json
import os
from inspect import signature
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from attrs.validators import in_

from pypedream._extras import need
from pypedream.formats.faults import reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replacing, replacing_folder

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

_ARRAY = "pypedream_array"  # an attribute of a file with one array: what it is called here, there
_VALUES = "pypedream_values"
_TIMES = "pypedream_times"  # and this one says which dtypes times had: {name: dtype}
_UNITS = ("ns", "us", "ms", "s")
_METADATA = frozenset((".zarray", "zarr.json"))
_SAMPLE = 2


@frozen
class NetCDF(Loader[Any, Any]):
    """A dataset or data array of xarray, in one file.

    The encoding that a variable has from the file it was read from is left out, because packing
    into few bits would change values.

    Parameters
    ----------
    engine
        "h5netcdf" (which needs h5py), "netcdf4" or "scipy".
    """

    engine: str = field(default="h5netcdf", validator=in_(("h5netcdf", "netcdf4", "scipy")))

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the dataset or array, all of it in memory."""
        xarray = self._libraries()
        with reading(path, "NetCDF"):
            opened = xarray.open_dataset(path, engine=self.engine, decode_cf=False)
            return _in_memory(opened, xarray)

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the dataset or array."""
        xarray = self._libraries()
        with writing(path, "NetCDF"), replacing(path) as beside:
            _as_dataset(value, xarray).to_netcdf(beside, engine=self.engine)

    def _libraries(self) -> Any:
        library = {"h5netcdf": "h5py", "netcdf4": "netCDF4"}.get(self.engine, self.engine)
        need(library, extra="arrays", for_=f'NetCDF(engine="{self.engine}")')
        if self.engine == "h5netcdf":
            need("h5netcdf", extra="arrays", for_="NetCDF")
        return need("xarray", extra="arrays", for_="NetCDF")


@frozen
class Zarr(Loader[Any, Any]):
    """A dataset or data array of xarray, as a folder of compressed chunks.

    The encoding of variables is left out, as with `NetCDF`.

    Parameters
    ----------
    zarr_format
        Version of the format on disk: all readers know 2, and text in it is as stable as numbers.
    """

    zarr_format: int = field(default=2, validator=in_((2, 3)))

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the dataset or array, all of it in memory."""
        xarray = self._libraries()
        with reading(path, "Zarr"):
            _refuse_pickles(path)
            opened = xarray.open_dataset(
                path, engine="zarr", consolidated=False, decode_cf=False, chunks=None
            )
            return _in_memory(opened, xarray)

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the dataset or array; the folder that was there goes when the new one is ready."""
        xarray = self._libraries()
        with writing(path, "Zarr"), replacing_folder(path) as beside:
            dataset = _as_dataset(value, xarray)
            known = signature(dataset.to_zarr).parameters
            version = "zarr_format" if "zarr_format" in known else "zarr_version"
            dataset.to_zarr(beside, mode="w", consolidated=False, **{version: self.zarr_format})

    def _libraries(self) -> Any:
        need("zarr", extra="arrays", for_="Zarr")
        return need("xarray", extra="arrays", for_="Zarr")


def _refuse_pickles(folder: str | PathLike[str]) -> None:
    """Raise if an array in *folder* says that its chunks are pickles: zarr would load them."""
    for place, _, names in os.walk(folder):
        for name in _METADATA.intersection(names):
            with open(os.path.join(place, name), encoding="utf-8") as file:
                if _names_pickle(json.load(file)):
                    raise ValueError(f"{place} holds pickles, which could run code")


def _names_pickle(metadata: Any) -> bool:
    if isinstance(metadata, dict):
        codec = str(metadata.get("id", metadata.get("name")))
        is_pickle = codec.rpartition(".")[2] == "pickle"
        inner = [metadata[key] for key in metadata if key != "attributes"]  # those are the user's
        return is_pickle or any(map(_names_pickle, inner))
    return isinstance(metadata, list) and any(map(_names_pickle, metadata))


def pick(value: Any) -> str:
    """Return the serializer that gives back the very same dataset or array.

    It is a pickle where neither format can: an index of several levels, objects, values that are
    computed later. A corner of the value is tried.
    """
    from pathlib import Path
    from tempfile import TemporaryDirectory

    corner = value.isel({name: slice(_SAMPLE) for name in value.dims})
    if any(array.dtype == object for array in _arrays(value)) or _is_lazy(value):
        return "pickle"
    with TemporaryDirectory() as folder:
        for name, one in (("netcdf", NetCDF()), ("zarr", Zarr())):
            if _keeps(one, corner, Path(folder, name)):
                return name
    return "pickle"


def _keeps(loader: NetCDF | Zarr, value: Any, path: Path) -> bool:
    try:
        loader.save(value, path)
        back = loader.load(path)
    except (ImportError, ValueError):
        return False
    return type(back) is type(value) and value.identical(back) and _dtypes(value) == _dtypes(back)


def _arrays(value: Any) -> list[Any]:
    inner = value.variables.values() if hasattr(value, "variables") else [value]
    return [*inner, *value.coords.values()]


def _is_lazy(value: Any) -> bool:
    return any(array.chunks is not None for array in _arrays(value))


def _dtypes(value: Any) -> list[Any]:
    return sorted(str(array.dtype) for array in _arrays(value))


def _as_dataset(value: Any, xarray: Any) -> Any:
    """Return *value* as a dataset with notes of what the file alone does not keep."""
    dataset, notes = value, {}
    if isinstance(value, xarray.DataArray):
        # an array may have no name, or that of a coordinate, as ds["time"] has
        is_own = value.name is not None and value.name not in value.coords
        name = value.name if is_own else _VALUES
        dataset = value.rename(name).to_dataset()
        notes = {_ARRAY: json.dumps([name, value.name])}
    elif not isinstance(value, xarray.Dataset):
        raise TypeError(f"a Dataset or DataArray of xarray is needed, not {type(value).__name__}")
    times = {
        str(n): str(one.dtype) for n, one in dataset.variables.items() if one.dtype.kind in "Mm"
    }
    has_durations = any(dtype.startswith("timedelta") for dtype in times.values())
    if has_durations and not _has_time_coders(xarray):
        raise ValueError("durations need xarray 2025.4 or newer")
    if times:
        notes[_TIMES] = json.dumps(times)
    return dataset.drop_encoding().assign_attrs(notes)


def _in_memory(opened: Any, xarray: Any) -> Any:
    """Return what *opened*, which is not decoded yet, stands for."""
    with opened:
        times = json.loads(opened.attrs.pop(_TIMES, "{}"))
        dataset = xarray.decode_cf(opened, **_coders(times, xarray)).load()
    for name, dtype in times.items():
        if dataset[name].dtype.kind in "Mm" and dataset[name].dtype != dtype:
            dataset[name] = dataset[name].astype(dtype)
    noted = dataset.attrs.pop(_ARRAY, None)
    if noted is None:
        return dataset
    held, name = json.loads(noted)
    return dataset[held].rename(name)


def _coders(times: dict[str, str], xarray: Any) -> dict[str, Any]:
    """Return how times are decoded: by their finest unit; old versions of xarray have only ns.

    Numbers of days are times only where the file says so, not because of their unit.
    """
    if not _has_time_coders(xarray):
        return {"decode_timedelta": False}
    unit = min((dtype[-3:].strip("[]") for dtype in times.values()), key=_UNITS.index, default="ns")
    return {
        "decode_times": xarray.coders.CFDatetimeCoder(time_unit=unit),
        "decode_timedelta": xarray.coders.CFTimedeltaCoder(time_unit=unit, decode_via_units=False),
    }


def _has_time_coders(xarray: Any) -> bool:
    coder = getattr(getattr(xarray, "coders", None), "CFTimedeltaCoder", None)
    return coder is not None and "decode_via_dtype" in signature(coder).parameters
