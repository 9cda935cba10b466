"""Records on their way to several sinks: their lines are made once, whoever wants them."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from pypedream.log.events import STEP_KINDS
from pypedream.log.json_lines import lines_of
from pypedream.log.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from pypedream.log.event_log import EventLog
    from pypedream.protocols import Record

__all__ = ["Batch"]


class Batch:
    """Records that follow each other in one log, with their lines.

    Attributes
    ----------
    records
        The records.
    """

    __slots__ = ("_kinds", "_lines", "_text", "records")

    def __init__(self, records: Sequence[Record], log: EventLog) -> None:
        self.records = records
        self._lines = lines_of(records, log)
        self._kinds: set[str] | None = None
        self._text: bytes | None = None

    def text(self, kinds: AbstractSet[str] | None = None) -> bytes:
        """Return the lines of all records that are of *kinds*; None takes every kind."""
        if kinds is not None and not (own := self._own_kinds()) <= kinds:
            return self._text_of(kinds) if kinds & own else b""
        if self._text is None:
            self._text = "".join(self._lines).encode("ascii")
        return self._text

    def _own_kinds(self) -> set[str]:
        """Return the kinds of all events; they are looked at for a sink that picks some."""
        # Kept by hand: until Python 3.12 a cached property has a lock, which a fork may leave held.
        if self._kinds is None:
            records = self.records
            kinds = set(
                records.column(3) if isinstance(records, Rows) else map(itemgetter(3), records)
            )
            self._kinds = kinds - {"step"} | STEP_KINDS if "step" in kinds else kinds
        return self._kinds

    def _text_of(self, kinds: AbstractSet[str]) -> bytes:
        pairs = zip(self.records, self._lines, strict=True)
        wanted = kinds | {"step"} if kinds >= STEP_KINDS else kinds
        return "".join([line for record, line in pairs if record[3] in wanted]).encode("ascii")
