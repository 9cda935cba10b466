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
        self._kinds = set(
            records.column(3) if isinstance(records, Rows) else map(itemgetter(3), records)
        )
        if "step" in self._kinds:
            self._kinds |= STEP_KINDS
            self._kinds.remove("step")
        self._text: bytes | None = None

    def text(self, kinds: AbstractSet[str] | None = None) -> bytes:
        """Return the lines of all records that are of *kinds*; None takes every kind."""
        if kinds is not None and not self._kinds <= kinds:
            return self._text_of(kinds) if kinds & self._kinds else b""
        if self._text is None:
            self._text = "".join(self._lines).encode("ascii")
        return self._text

    def _text_of(self, kinds: AbstractSet[str]) -> bytes:
        pairs = zip(self.records, self._lines, strict=True)
        wanted = kinds | {"step"} if kinds >= STEP_KINDS else kinds
        return "".join([line for record, line in pairs if record[3] in wanted]).encode("ascii")
