"""Parquet and Feather: frames by columns, with their dtypes and, for pandas, their index."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Literal

from attrs import field, frozen
from attrs.validators import in_

from pypedream._extras import need
from pypedream.formats.faults import IN_MEMORY, reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.polars_frames import is_polars, read, write, write_to
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from os import PathLike

LIBRARIES = ("pandas", "polars")


@frozen
class Parquet(Loader[Any, Any]):
    """A frame of pandas or polars; small files that many programs read.

    Of pandas it keeps values, dtypes and index, a series stays a series. Columns of objects other
    than str come back as Arrow sees them (a list as an array); duplicate names are refused.

    Parameters
    ----------
    compression
        "zstd", "snappy", "gzip", "lz4"; "zstd" is the smallest.
    library
        Which library makes the frame when it is loaded. Frames of both can be saved.
    """

    compression: str = "zstd"
    library: Literal["pandas", "polars"] = field(default="pandas", validator=in_(LIBRARIES))

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the frame or series."""
        with reading(path, "Parquet"):
            if self.library == "polars":
                return read(path, "parquet")
            from pypedream.formats.pandas_frames import from_table

            parquet = need("pyarrow.parquet", extra="frames", for_="Parquet")
            with open(path, "rb") as file:
                return from_table(parquet.read_table(file))

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the frame or series."""
        with writing(path, "Parquet"), replacing(path) as beside:
            if is_polars(value):
                write(value, beside, "parquet", compression=self.compression)
                return
            from pypedream.formats.pandas_frames import to_table

            table = to_table(value, "Parquet")
            parquet = need("pyarrow.parquet", extra="frames", for_="Parquet")
            parquet.write_table(table, beside, compression=self.compression)

    def empty(self) -> Any:
        """Return a frame without columns."""
        return empty_frame(self.library, "Parquet")


@frozen
class Feather(Loader[Any, Any]):
    """A frame of pandas or polars as an Arrow IPC file: the fastest, and exact.

    What it keeps is the same as with `Parquet`.

    Parameters
    ----------
    compression
        "uncompressed", "lz4" or "zstd".
    library
        Which library makes the frame when it is loaded. Frames of both can be saved.
    """

    compression: Literal["uncompressed", "lz4", "zstd"] = field(
        default="uncompressed", validator=in_(("uncompressed", "lz4", "zstd"))
    )
    library: Literal["pandas", "polars"] = field(default="pandas", validator=in_(LIBRARIES))

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the frame or series."""
        with reading(path, "Feather"):
            if self.library == "polars":
                return read(path, "ipc")
            from pypedream.formats.pandas_frames import from_table

            feather = need("pyarrow.feather", extra="frames", for_="Feather")
            with open(path, "rb") as file:
                return from_table(feather.read_table(file))

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the frame or series."""
        with writing(path, "Feather"), replacing(path) as beside:
            if is_polars(value):
                write(value, beside, "ipc", compression=self.compression)
                return
            from pypedream.formats.pandas_frames import to_table

            with open(beside, "wb") as file:
                _write_ipc(to_table(value, "Feather"), file, self.compression)

    def dump_to(self, value: Any, file: IO[bytes]) -> None:
        """Write the frame or series to a file that is open."""
        with writing(IN_MEMORY, "Feather"):
            if is_polars(value):
                write_to(value, file, "ipc", compression=self.compression)
                return
            from pypedream.formats.pandas_frames import to_table

            _write_ipc(to_table(value, "Feather"), file, self.compression)

    def empty(self) -> Any:
        """Return a frame without columns."""
        return empty_frame(self.library, "Feather")


@frozen
class PolarsSeries(Loader[Any, Any]):
    """One series of polars, as the only column of an Arrow IPC file."""

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the series."""
        with reading(path, "PolarsSeries"):
            return read(path, "ipc").to_series()

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the series."""
        polars = need("polars", extra=None, for_="PolarsSeries")
        with writing(path, "PolarsSeries"), replacing(path) as beside:
            if not isinstance(value, polars.Series):
                raise TypeError(f"a series of polars is needed, not {type(value).__name__}")
            write(value.to_frame(), beside, "ipc", compression="uncompressed")


def _write_ipc(table: Any, file: IO[bytes], compression: str) -> None:
    pyarrow = need("pyarrow", extra="frames", for_="Feather")
    ipc = need("pyarrow.ipc", extra="frames", for_="Feather")
    batches = table.combine_chunks().to_batches()
    if not table.num_rows and table.num_columns:  # a file without a batch has no categories
        columns = [column.chunk(0) for column in table.columns]
        batches = [pyarrow.RecordBatch.from_arrays(columns, schema=table.schema)]
    chosen = None if compression == "uncompressed" else compression
    options = ipc.IpcWriteOptions(compression=chosen)
    with ipc.new_file(file, table.schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)


def empty_frame(library: str, for_: str) -> Any:
    """Return a frame without rows and columns."""
    extra = "frames" if library == "pandas" else None
    return need(library, extra=extra, for_=for_).DataFrame()
