"""The files of a run, as its steps see them: read whole, lazily or in batches, saved as a version.

Nothing is written into a file that is there. What is saved is a new file that takes the place of
the old one in one step, so a lazy frame may read the very file that it is saved to.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import define, field

from pypedream.errors import MissingRows, PathOutsideRun
from pypedream.formats.replacement import UNFINISHED
from pypedream.tabular import parquet_files
from pypedream.tabular.polars_library import pl
from pypedream.tabular.versions import keep_version, new_version, unlink_version
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pypedream.tabular.models import IngestedFileRecord

__all__ = ["INGESTED", "AstroFile", "AstroFileSpec"]

INGESTED = "ingested"
_OURS = frozenset(
    (
        *("astro.log", "lock", "manifest.json", "report.html"),
        *("filtered", "identities", "quarantine", "rejects", "snapshots"),
    )
)


class AstroFileSpec:
    """What a step says of one of its files; derive a class from it for each ingested file.

    Attributes
    ----------
    ingest_name
        The name of one of the pipeline's `ingest_files`.

    Examples
    --------
    >>> class Schools(AstroFileSpec):
    ...     ingest_name = "schools"
    """

    ingest_name: ClassVar[str]


@define(eq=False, repr=False)
class AstroFile:
    """One ingested file while a step runs; what it saves counts when the step has ended well.

    Parameters
    ----------
    spec
        The class by which the step names the file.
    ingest_record
        What is known of its ingest.
    run_directory
        The folder of the run.
    large_file_threshold_bytes
        From more bytes on a file is a large one.
    run_batch_size
        How many rows a batch has.
    """

    spec: AstroFileSpec | type[AstroFileSpec]
    ingest_record: IngestedFileRecord
    run_directory: Path
    _active_path: Path = field(alias="_active_path")
    large_file_threshold_bytes: int = 104_857_600
    run_batch_size: int = 100_000
    is_ours: bool = field(default=True, init=False)
    """Whether only this class writes to the active path."""
    has_saved: bool = field(default=False, init=False)
    """Whether the step has saved anything."""
    saved_by: str | None = field(default=None, init=False)
    """The step of the run that had the file last; None if none had."""
    others: Mapping[Path, str] = field(factory=dict, init=False)
    """Where the rows of other files of the run are, each with the name of its file."""
    _given: set[Path] = field(factory=set, init=False)
    """What was asked for to be written by others."""

    @classmethod
    def hydrate(
        cls,
        *,
        spec: AstroFileSpec | type[AstroFileSpec],
        ingest_record: IngestedFileRecord,
        run_directory: Path,
        large_file_threshold_bytes: int = 104_857_600,
        run_batch_size: int = 100_000,
    ) -> AstroFile:
        """Return a file as it is after ingest: its rows are in the ingested Parquet file.

        Raises
        ------
        TypeError
            If *spec* has no name of a file.
        """
        if not isinstance(getattr(spec, "ingest_name", None), str):
            what = 'ingest_name = "schools" in a class that is derived from AstroFileSpec'
            raise TypeError(f"spec= names a file, by {what}; {said(spec)} names none")
        folder = Path(run_directory)
        path = _ingested_path(folder, spec.ingest_name)
        return cls(spec, ingest_record, folder, path, large_file_threshold_bytes, run_batch_size)

    def __repr__(self) -> str:
        path = self._active_path
        shown = path.relative_to(self.run_directory) if self._is_inside(path) else path
        return f"<AstroFile {self.name!r}: {self.row_count():,} rows in {shown.as_posix()}>"

    @property
    def name(self) -> str:
        """The name under which the file was ingested."""
        return self.spec.ingest_name

    @property
    def active_path(self) -> Path:
        """The Parquet file that has the rows now; to be read, and never written into."""
        return self._active_path

    def is_large_file(self) -> bool:
        """Say whether the active file has more bytes than `large_file_threshold_bytes`."""
        return self._there().stat().st_size > self.large_file_threshold_bytes

    def load(self) -> pl.DataFrame:
        """Read all rows into memory.

        Raises
        ------
        MissingRows
            If somebody has removed the file.
        """
        return parquet_files.read(self._there())

    def scan(self) -> pl.LazyFrame:
        """Return a lazy frame of all rows; nothing is read yet. Raises as `load`."""
        return parquet_files.scan(self._there())

    def row_count(self) -> int:
        """Return how many rows there are, without reading them; 0 if there is no file."""
        if not self._active_path.is_file():
            return 0
        return parquet_files.row_count(self._active_path)

    def iter_batches(self, batch_size: int | None = None) -> Iterator[pl.DataFrame]:
        """Yield all rows in order, in frames of *batch_size* rows; the last may have fewer.

        What is saved meanwhile does not change what is yielded. A file without rows yields
        nothing.

        Parameters
        ----------
        batch_size
            Rows of a frame, from 1 up; None takes `run_batch_size`.

        Raises
        ------
        ValueError
            If it is no whole number, or less than 1.
        """
        size = self.run_batch_size if batch_size is None else batch_size
        if not _is_count(size):
            raise ValueError(f"batch_size={size!r}: a batch has 1 row or more")
        return self._batches(size)

    def _batches(self, size: int) -> Iterator[pl.DataFrame]:
        own = self.run_directory / f"{UNFINISHED}{token_hex(8)}"
        self.keep(own)
        try:
            rest = None
            for slab in parquet_files.slabs(own):
                rows = slab if rest is None else pl.concat([rest, slab])
                whole = rows.height // size * size
                yield from (rows.slice(start, size) for start in range(0, whole, size))
                rest = rows.slice(whole)
            if rest is not None and rest.height:
                yield rest
        finally:
            own.unlink(missing_ok=True)

    def keep(self, path: Path) -> None:
        """Have the rows as they are now at another path as well, whatever is saved from now on.

        Raises
        ------
        MissingRows
            As `load`.
        """
        keep_version(self._there(), path, is_ours=self.is_ours)

    def sink(self, lazy_frame: pl.LazyFrame, *, row_group_size: int | None = None) -> None:
        """Save a lazy frame to the active path, a part at a time; it may read that very file.

        Parameters
        ----------
        row_group_size
            Rows of each group of the Parquet file; None means 131,072.
        """
        self._save(self._active_path, _sinking(lazy_frame, row_group_size))

    def save_in_place(self, dataframe: pl.DataFrame) -> None:
        """Save a frame as the rows of the ingested Parquet file, which is active then."""
        self._save(self._ingested_path, _writing(dataframe))

    def save_in_place_lazy(self, lazy_frame: pl.LazyFrame) -> None:
        """Do the same for a lazy frame, a part at a time; it may read that very file."""
        self._save(self._ingested_path, _sinking(lazy_frame, None))

    def save_in_place_by(self, write: Callable[[Path], object]) -> None:
        """Do the same with a function that writes a Parquet file to the path that it gets.

        When the function raises, the rows are what they were.
        """
        self._save(self._ingested_path, write)

    def save_to(
        self, subfolder: str | PathLike[str], filename: str, dataframe: pl.DataFrame
    ) -> None:
        """Save a frame to a file in the folder of the run, which is active then.

        Raises
        ------
        PathOutsideRun
            As for `output_path`.
        """
        self._save(self._place(subfolder, filename), _writing(dataframe))

    def save_to_lazy(
        self, subfolder: str | PathLike[str], filename: str, lazy_frame: pl.LazyFrame
    ) -> None:
        """Do the same for a lazy frame, a part at a time; it may read that very file."""
        self._save(self._place(subfolder, filename), _sinking(lazy_frame, None))

    def output_path(self, subfolder: str | PathLike[str], filename: str) -> Path:
        """Return the path of a file in the folder of the run, for you to write; it is not written.

        Raises
        ------
        PathOutsideRun
            If the path is absolute, has ``..`` in it, leads out of the folder of the run, or is
            where pypedream keeps its own or another file has its rows.
        """
        path = self._place(subfolder, filename)
        self._given.add(path)
        self.is_ours = self.is_ours and path != self._active_path
        if path.is_file():
            unlink_version(path)  # whoever writes into it changes no version that is kept of it
        return path

    def _place(self, subfolder: str | PathLike[str], filename: str) -> Path:
        for given in (subfolder, filename):
            if not isinstance(given, (str, PathLike)):
                raise TypeError(f"a folder and a name come first, as texts, not {_kind(given)}")
        inner = Path(subfolder, filename)
        path = self.run_directory / inner
        if inner.is_absolute() or ".." in inner.parts or not filename:
            why = "write a folder and a name within the run, without .."
        elif not self._is_inside(path.resolve()):
            why = f"a link leads to {path.resolve()}"
        elif any(part.startswith(UNFINISHED) for part in inner.parts):
            why = f'what begins with "{UNFINISHED}" is removed as unfinished: choose another name'
        elif self._is_for_pypedream(inner):
            why = "pypedream keeps its own there: choose another folder"
        elif path in self.others:
            why = f'the rows of "{self.others[path]}" are there: choose another name'
        else:
            return path
        raise PathOutsideRun(f'"{inner.as_posix()}" is no place for a file of a step: {why}')

    def set_active_path(self, path: str | PathLike[str]) -> None:
        """Say that the rows are in another Parquet file from now on, which you have written.

        Such a file is copied before another step begins with it, as it may be written into.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no file of Parquet.
        PathOutsideRun
            If another file has its rows there.
        """
        there = Path(path).absolute()
        if not there.is_file():
            raise FileNotFoundError(f"no file {there}: write it before it is made active")
        if there in self.others:
            raise PathOutsideRun(
                f'"{self.others[there]}" has its rows in {there}: "{self.name}" needs a file of'
                " its own"
            )
        if not parquet_files.is_parquet(there):
            raise ValueError(f"{there} is no file of Parquet: write it with write_parquet()")
        self._active_path = there
        self.is_ours, self.has_saved = False, True

    @property
    def _ingested_path(self) -> Path:
        return _ingested_path(self.run_directory, self.name)

    def _there(self) -> Path:
        """Return the active path, at which there is a file."""
        if self._active_path.is_file():
            return self._active_path
        run = self.run_directory.name
        repeat = (
            f'repeat the step that left it, pipeline.run(run_id="{run}", from_="{self.saved_by}"),'
        )
        what = f'run "{run}": the file of "{self.name}" is gone, {self._active_path} is not there'
        raise MissingRows(f"{what}: {f'{repeat} or ' * bool(self.saved_by)}ingest again")

    def _is_for_pypedream(self, inner: Path) -> bool:
        first = inner.parts[0].casefold()  # some systems see no difference between "A" and "a"
        is_own = self.run_directory / inner == self._ingested_path
        return first in _OURS or (first == INGESTED and not is_own)

    def _is_inside(self, path: Path) -> bool:
        folder = self.run_directory
        return path.is_relative_to(folder) or path.is_relative_to(folder.resolve())

    def _save(self, path: Path, write: Callable[[Path], object]) -> None:
        with new_version(path) as beside:
            write(beside)
        self._active_path = path
        self.is_ours, self.has_saved = path not in self._given, True


def _ingested_path(folder: Path, name: str) -> Path:
    return folder / INGESTED / f"{name}.parquet"


def _writing(dataframe: Any) -> Callable[[Path], object]:
    if not isinstance(dataframe, pl.DataFrame):
        lazy = "; a lazy frame goes to the method of the same name with _lazy"
        raise TypeError(f"a polars DataFrame can be saved, not {_kind(dataframe)}{lazy}")
    rows = parquet_files.group_rows(dataframe)
    return lambda path: dataframe.write_parquet(path, row_group_size=rows)


def _sinking(lazy_frame: Any, row_group_size: int | None) -> Callable[[Path], object]:
    if not isinstance(lazy_frame, pl.LazyFrame):
        raise TypeError(f"a polars LazyFrame can be saved so, not {_kind(lazy_frame)}")
    rows = parquet_files.ROW_GROUP_ROWS if row_group_size is None else row_group_size
    return lambda path: lazy_frame.sink_parquet(path, row_group_size=rows)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def _kind(value: object) -> str:
    return f"a {type(value).__module__.partition('.')[0]} {type(value).__name__}"
