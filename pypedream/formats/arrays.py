"""NPY, numpy's own format for one array: exact, fast, and never a pickle."""

from __future__ import annotations

from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from attrs import field, frozen
from attrs.validators import in_

from pypedream._extras import need
from pypedream.formats.faults import IN_MEMORY, reading, writing
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

    def loads(self, data: bytes) -> Any:
        """Return the array; with *mmap_mode* "r" nobody can write to it either."""
        numpy = need("numpy", extra="arrays", for_="NPY")
        with reading(IN_MEMORY, "NPY"):
            array = numpy.lib.format.read_array(BytesIO(data), allow_pickle=False)
            array.flags.writeable = self.mmap_mode != "r"
            return array

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the array, or what numpy makes an array of.

        Raises
        ------
        FormatError
            If it holds objects, or masks some of its values.
        """
        numpy = need("numpy", extra="arrays", for_="NPY")
        with writing(path, "NPY"), replacing(path) as beside, open(beside, "wb") as file:
            _write(_checked(value, numpy), file, numpy)

    def dump_to(self, value: Any, file: IO[bytes]) -> None:
        """Write the array to a file that is open; it is not copied.

        Raises
        ------
        FormatError
            As with `save`.
        """
        numpy = need("numpy", extra="arrays", for_="NPY")
        with writing(IN_MEMORY, "NPY"):
            array = _checked(value, numpy)
            content = _bytes_of(array, numpy)
            if content is None:
                _write(array, file, numpy)
                return
            header = numpy.lib.format.header_data_from_array_1_0(array)
            numpy.lib.format.write_array_header_1_0(file, header)
            file.write(content)

    def empty(self) -> Any:
        """Return an array of shape (0,)."""
        return need("numpy", extra="arrays", for_="NPY").array([])


def _checked(value: Any, numpy: Any) -> Any:
    if isinstance(value, numpy.ma.MaskedArray):
        raise TypeError("the mask of an array would be lost; use Pickle()")
    array = numpy.asanyarray(value)
    if array.dtype.hasobject:
        raise TypeError(f"an array of dtype {array.dtype} holds objects; use Pickle()")
    return array


def _write(array: Any, file: IO[bytes], numpy: Any) -> None:
    # numpy warns of the versions that names in Unicode need, unless they are asked for
    version = None if array.dtype.names is None else (3, 0)
    numpy.lib.format.write_array(file, array, version=version, allow_pickle=False)


def _bytes_of(array: Any, numpy: Any) -> memoryview | None:
    """Return the memory of an array as it goes into a file; None if that is not so simple."""
    flags = array.flags
    is_plain = array.dtype.names is None and array.nbytes > 0
    if not is_plain or not (flags.c_contiguous or flags.f_contiguous):
        return None
    plain = numpy.asarray(array)
    in_order = plain if flags.c_contiguous else plain.T
    return memoryview(in_order.reshape(-1).view(numpy.uint8))


def pick(value: Any) -> str:
    """Return the serializer that gives back the very same array."""
    numpy = need("numpy", extra="arrays", for_="NPY")
    dtype = value.dtype
    is_exact = type(value) is numpy.ndarray and not dtype.hasobject and dtype.metadata is None
    return "npy" if is_exact else "pickle"
