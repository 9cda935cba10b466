"""How much of a log is kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.log.events import KINDS, STATE_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.log.rows import Rows
    from pypedream.protocols import Record

__all__ = ["Memory"]

MOST_BYTES = 24 * 1024 * 1024
RECORD_BYTES = 256  # a record and its numbers, without its text
KIND, TEXT, DATA = 3, 5, 7
SPOKEN = KINDS - STATE_KINDS


class Memory:
    """Counts what a log's records take, and lets the oldest go when it is too much.

    Records of states are few and are what a run is remembered by: they always stay.

    Attributes
    ----------
    dropped
        How many records were let go.
    """

    __slots__ = ("_bytes", "_count", "_limit", "dropped")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = self._bytes = self.dropped = 0

    def add(self, records: Rows[Record], start: int, end: int) -> bool:
        """Count the records from index *start* to *end*; say whether something should go."""
        kinds = records.column(KIND, start, end)
        if kinds.count("print") == end - start:  # as when a stage prints a lot
            self._count += end - start
            self._bytes += RECORD_BYTES * (end - start)
            self._bytes += sum(map(len, filter(None, records.column(TEXT, start, end))))
            self._bytes += sum(map(_data_bytes, filter(None, records.column(DATA, start, end))))
        elif SPOKEN.isdisjoint(kinds):
            return False
        else:
            sizes = [size for size in _sizes(records, start, end) if size]
            self._count += len(sizes)
            self._bytes += sum(sizes)
        return self._count > self._limit or self._bytes > MOST_BYTES

    def trim(self, records: Rows[Record], end: int) -> int:
        """Remove the oldest records before index *end* until a quarter is free; return how many.

        So much at once that in the end each record was looked at a few times only.
        """
        most, most_bytes = self._limit * 3 // 4, MOST_BYTES * 3 // 4
        wanted = []
        for size in _sizes(records, 0, end):
            is_wanted = not size or (self._count <= most and self._bytes <= most_bytes)
            wanted.append(is_wanted)
            if not is_wanted:
                self._count -= 1
                self._bytes -= size
        records.keep(wanted)  # in one step: other threads append meanwhile
        gone = end - sum(wanted)
        self.dropped += gone
        return gone


def _sizes(records: Rows[Record], start: int, end: int) -> Iterator[int]:
    """Yield what each record counts for, 0 for one of a state."""
    columns = [records.column(place, start, end) for place in (KIND, TEXT, DATA)]
    for kind, text, data in zip(*columns, strict=True):
        if kind in SPOKEN:
            yield RECORD_BYTES + len(text or "") + (_data_bytes(data) if data else 0)
        else:
            yield 0


def _data_bytes(data: dict[str, Any]) -> int:
    return 64 * len(data)
