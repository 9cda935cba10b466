"""NPY, numpy's own format for one array: exact, fast, and never a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from attrs.validators import in_

from pypedream._extras import need
from pypedream.formats.faults import reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from os import PathLike


@frozen
class NPY(Loader[Any, Any]):
    """One numpy array of any dtype but object.

    Parameters
    ----------
    mmap_mode
        Leave the array in the file and map it: "r" to read, "c" to change a copy in memory.
    """

    mmap_mode: str | None = field(default=None, validator=in_((None, "r", "c")))

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the array."""
        numpy = need("numpy", extra="arrays", for_="NPY")
        with reading(path, "NPY"):
            if self.mmap_mode is not None:
                return numpy.lib.format.open_memmap(path, mode=self.mmap_mode)
            with open(path, "rb") as file:
                return numpy.lib.format.read_array(file, allow_pickle=False)

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the array, or what numpy makes an array of.

        Raises
        ------
        FormatError
            If it holds objects, or masks some of its values.
        """
        numpy = need("numpy", extra="arrays", for_="NPY")
        with writing(path, "NPY"), replacing(path) as beside, open(beside, "wb") as file:
            if isinstance(value, numpy.ma.MaskedArray):
                raise TypeError("the mask of an array would be lost; use Pickle()")
            array = numpy.asanyarray(value)
            if array.dtype.hasobject:
                raise TypeError(f"an array of dtype {array.dtype} holds objects; use Pickle()")
            # numpy warns of the versions that names in Unicode need, unless they are asked for
            version = None if array.dtype.names is None else (3, 0)
            numpy.lib.format.write_array(file, array, version=version, allow_pickle=False)

    def empty(self) -> Any:
        """Return an array of shape (0,)."""
        return need("numpy", extra="arrays", for_="NPY").array([])


def pick(value: Any) -> str:
    """Return the serializer that gives back the very same array."""
    numpy = need("numpy", extra="arrays", for_="NPY")
    dtype = value.dtype
    is_exact = type(value) is numpy.ndarray and not dtype.hasobject and dtype.metadata is None
    return "npy" if is_exact else "pickle"
