"""Item runs: what became of each item of a mapped stage, as the user sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.engine.fan import counted
from pypedream.log.ended import items_text

if TYPE_CHECKING:
    from pypedream.engine.fan import Fan


@frozen
class ItemRun:
    """What became of one item of a mapped stage.

    Attributes
    ----------
    state
        "ok", "failed" or "pending" (it was not called).
    duration_s
        Seconds that its last attempt took.
    """

    key: Any
    state: str
    duration_s: float = 0.0
    attempts: int = 1
    error: BaseException | None = None


@frozen(eq=False, repr=False)
class ItemRuns(Sequence[ItemRun]):
    """What became of each item, in their order; of very many only the first million."""

    fan: Fan

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, place: Any) -> Any:
        return self._found[place]

    def __repr__(self) -> str:
        return f"<{', '.join(f'{count} {state}' for state, count in self.counts.items())}>"

    @property
    def counts(self) -> dict[str, int]:
        """How many of them there are of each state."""
        return counted(self.fan)

    @property
    def said(self) -> str:
        """How many there are, and how many of them failed, in words."""
        return items_text(self.counts)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return len(self.fan.failed)

    @property
    def _found(self) -> list[ItemRun]:
        found: dict[int, ItemRun] = {}
        for chunk, started_ns, ended_ns in [*self.fan.timed]:
            before = started_ns
            for place, end in enumerate(ended_ns):
                key = chunk.keys[place]
                found[chunk.first + place] = ItemRun(key, "ok", (end - before) / 1e9, chunk.number)
                before = end
        for place, one in [*self.fan.failed.items()]:  # the run may go on
            found[place] = ItemRun(one.key, "failed", 0.0, one.attempts, one.error)
        return [found[place] for place in sorted(found)]
