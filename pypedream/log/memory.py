"""How much of a log is kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.log.events import STATE_KINDS

if TYPE_CHECKING:
    from pypedream.protocols import Record

__all__ = ["Memory"]

MOST_BYTES = 24 * 1024 * 1024
RECORD_BYTES = 256  # a record and its numbers, without its text


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

    def add(self, records: list[Record], start: int, end: int) -> bool:
        """Count the records from index *start* to *end*; say whether something should go."""
        for record in records[start:end]:
            if record[3] not in STATE_KINDS:
                self._count += 1
                self._bytes += _size(record)
        return self._count > self._limit or self._bytes > MOST_BYTES

    def trim(self, records: list[Record], end: int) -> int:
        """Remove the oldest records before index *end* until a quarter is free; return how many.

        So much at once that in the end each record was looked at a few times only.
        """
        most, most_bytes = self._limit * 3 // 4, MOST_BYTES * 3 // 4
        kept = []
        for record in records[:end]:
            if record[3] in STATE_KINDS or (self._count <= most and self._bytes <= most_bytes):
                kept.append(record)
            else:
                self._count -= 1
                self._bytes -= _size(record)
        gone = end - len(kept)
        records[:end] = kept  # in one step: other threads append meanwhile
        self.dropped += gone
        return gone


def _size(record: Record) -> int:
    text, data = record[5], record[7]
    return RECORD_BYTES + (len(text) if text is not None else 0) + (64 * len(data) if data else 0)
