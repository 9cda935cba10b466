"""StepItems: what a step gives for many inputs, one after the other, as somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.errors import BatchProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.steps.step import Step

__all__ = ["BatchProtocolError", "StepItems"]


class StepItems:
    """The results of `Step.run_many`, in the order of the inputs.

    Nothing is computed before somebody asks for the first one, and then as far as he asks. It can
    be gone through several times: what is kept is read again, the rest is computed again.
    """

    def __init__(self, step: Step, values: Sequence[Any]) -> None:
        self._step = step
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        from pypedream.steps.evaluation import run_all

        return run_all(self._step, self._values)

    def __repr__(self) -> str:
        return f"<StepItems: {len(self._values)} of {type(self._step).__name__}>"
