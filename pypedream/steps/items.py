"""StepItems: what a step gives for many inputs, one after the other, as somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.errors import BatchProtocolError
from pypedream.places import users_traceback
from pypedream.steps.failures import is_of_step

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

        try:
            yield from run_all(self._step, self._values)
        except Exception as error:
            if is_of_step(error):
                # Between who asks and the line that failed there is nothing that he has written.
                error.__traceback__ = users_traceback(error.__traceback__)
            raise

    def __repr__(self) -> str:
        return f"<StepItems: {len(self._values)} of {type(self._step).__name__}>"
