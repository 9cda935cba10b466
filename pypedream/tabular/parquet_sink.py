"""Frames, one after the other, become one file of Parquet, and are not held in memory together.

polars writes such a file only from a source that it asks for frames itself. So it does that in a
thread of its own and gets them through a queue, and whoever makes the frames stays in his thread.
That thread of polars waits most of the time; where it has only one, or others wait as well, the
frames wait in memory while they are few, and go through files else.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream.errors import StoreError
from pypedream.formats.replacement import UNFINISHED
from pypedream.tabular.parquet_files import group_rows
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

__all__ = ["ParquetSink"]

_LOOK_S = 0.1
_MOST_HELD_BYTES = 1 << 23
_lock = Lock()
_waiting: list[BoundedSemaphore] = []


@define
class ParquetSink:
    """A file of Parquet that is being written; a ``with`` block ends when it is whole.

    When the block raises, what was written stays where it is: the path is one that nobody reads
    before.
    """

    path: Path
    schema: Mapping[str, Any]
    options: Mapping[str, Any] = field(factory=dict)
    """Of ``sink_parquet``: how small the file is to be, and what is said of its columns."""
    _way: _Queued | _Parts | None = field(default=None, init=False)

    def __enter__(self) -> ParquetSink:
        return self

    def put(self, frame: pl.DataFrame) -> None:
        """Write the rows of a frame, which has the schema, behind those that are there.

        Raises
        ------
        OSError
            If the disk is full, or another thing keeps it from being written.
        """
        if frame.height:
            with _writing(self.path):
                self._way = self._way or self._begun(frame)
                # polars borrows the object that it gets, and whoever put it may be using it
                self._way.put(frame.clone())

    def _begun(self, frame: pl.DataFrame) -> _Queued | _Parts:
        """Return the way that rows like the first ones go."""
        may_wait = _can_be_asked_for(self.schema) and _may_wait().acquire(blocking=False)
        options = {"row_group_size": group_rows(frame), **self.options}
        return (_Queued if may_wait else _Parts)(self.path, self.schema, options)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with _writing(self.path):
                if self._way is None and error is None:
                    self._way = self._begun(pl.DataFrame(schema=dict(self.schema)))
                if self._way is not None:
                    self._way.end(is_whole=error is None)
        finally:
            if isinstance(self._way, _Queued):
                _may_wait().release()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise as an error of the disk what polars says of one in other ways."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        reason = str(error).rpartition("error: ")[2]
        raise StoreError(f"cannot write a file of Parquet to {path.parent}: {reason}") from error


def _can_be_asked_for(schema: Mapping[str, Any]) -> bool:
    """Say whether polars takes these dtypes from a source in Python; before 2 not categories."""
    has_categories = any(isinstance(each, (pl.Categorical, pl.Enum)) for each in schema.values())
    return not (has_categories and pl.__version__.startswith("1."))


def _may_wait() -> BoundedSemaphore:
    """Return how many threads of polars may wait at the same time: all but one."""
    with _lock:
        if not _waiting:
            _waiting.append(BoundedSemaphore(max(pl.thread_pool_size() - 1, 1)))
            if pl.thread_pool_size() == 1:
                _waiting[0].acquire()
        return _waiting[0]


class _Abandoned(Exception):
    """The frames end here because something else has failed."""


class _Queued:
    """Frames go to a thread that writes."""

    def __init__(self, path: Path, schema: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._path, self._schema, self._options = path, schema, options
        self._frames: queue.Queue[pl.DataFrame | type[_Abandoned] | None] = queue.Queue(1)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._write, name="parquet-sink", daemon=True)
        self._thread.start()

    def put(self, frame: pl.DataFrame | type[_Abandoned] | None) -> None:
        while self._error is None:
            try:
                self._frames.put(frame, timeout=_LOOK_S)
            except queue.Full:
                continue
            return
        raise self._error

    def end(self, *, is_whole: bool) -> None:
        if is_whole:
            self.put(None)
        elif self._error is None:
            self._frames.queue.clear()
            self._frames.put(_Abandoned)
        self._thread.join()
        if is_whole and self._error is not None:
            raise self._error

    def _write(self) -> None:
        from polars.io.plugins import register_io_source

        try:
            source = register_io_source(self._asked, schema=dict(self._schema))
            source.sink_parquet(self._path, **self._options)
        except BaseException as error:  # noqa: BLE001 - raised where the frames come from
            self._error = error

    def _asked(self, *_: object) -> Iterator[pl.DataFrame]:
        """Yield the frames; what polars says of columns and rows is of no use here."""
        while (frame := self._frames.get()) is not None:
            if isinstance(frame, type):
                raise frame
            yield frame


class _Parts:
    """Frames wait in memory, or in files when they are many, and are put together at the end."""

    def __init__(self, path: Path, schema: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._path, self._schema, self._options = path, schema, options
        self._folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=path.parent))
        self._held: list[pl.DataFrame] = []
        self._held_bytes, self._parts = 0, list[Path]()

    def put(self, frame: pl.DataFrame) -> None:
        self._held.append(frame)
        self._held_bytes += int(frame.estimated_size())
        if self._held_bytes > _MOST_HELD_BYTES:
            self._spill()

    def end(self, *, is_whole: bool) -> None:
        try:
            if is_whole and self._parts:
                self._spill()
                parts = [escape(str(part)) for part in self._parts]
                pl.scan_ipc(parts).sink_parquet(self._path, **self._options)
            elif is_whole:
                self._taken().write_parquet(self._path, **self._options)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _spill(self) -> None:
        self._parts.append(self._folder / f"{len(self._parts)}.arrow")
        self._taken().write_ipc(self._parts[-1])

    def _taken(self) -> pl.DataFrame:
        """Return the frames that wait in memory as one, and have none wait any more."""
        held, self._held, self._held_bytes = self._held, [], 0
        return pl.concat([pl.DataFrame(schema=dict(self._schema)), *held], rechunk=False)
