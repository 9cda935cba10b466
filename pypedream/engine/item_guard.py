"""The mutation guard of items: no attempt gets in silence what the one before it has changed.

Only items of a stage that has retries are looked at, and only where it is called in this process:
what travels is a copy. Unless each gets a copy, the last attempt may do as it likes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream import context
from pypedream.engine.guard import said_of_retry
from pypedream.engine.mutation import copied, digest, is_scalar
from pypedream.errors import MutationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream.context import Attempt
    from pypedream.engine.execution import Execution
    from pypedream.engine.wiring import Wire

    Values = tuple[Any, ...]


def item_guard_of(execution: Execution, wired: Wire) -> ItemGuard | None:
    """Return what watches the items of a mapped stage; None if nothing does."""
    mode, retries = execution.plan.options.mutation, wired.stage.policy.retries
    if mode == "off" or wired.over is None:
        return None
    return ItemGuard(mode, retries, wired.over.names)


@define(eq=False)
class ItemGuard:
    """Watches the items of one stage in one run.

    Attributes
    ----------
    mode
        "warn", "error" or "copy".
    retries
        How often an item may be tried again.
    names
        The arguments that have the items.
    changed
        What an attempt that failed has changed, by the identity of an item's values: the values,
        which live as long as it is here, and the names of those that are not what they were.
    """

    mode: str
    retries: int
    names: Sequence[str]
    changed: dict[tuple[int, ...], tuple[Values, list[str]]] = Factory(dict)

    def around(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return what makes one call with its item watched."""
        if len(self.names) > 1:

            def watched(given: Any) -> Any:
                with self.watching(tuple(given)) as values:
                    return call(values)

        else:

            def watched(given: Any) -> Any:
                if is_scalar(given):  # there may be very many
                    return call(given)
                with self.watching((given,)) as values:
                    return call(values[0])

        return watched

    @contextmanager
    def watching(self, values: Values) -> Iterator[Values]:
        """Give what an attempt is called with, and say what is not as it was.

        Raises
        ------
        MutationError
            If something cannot be copied. With the mode "error" also if it was changed.
        """
        attempt = context.STAGE.get()
        assert attempt is not None
        if self.mode == "copy":
            yield tuple(map(copied, values))
            return
        self._tell(attempt, values)
        digests = [*map(digest, values)] if attempt.number <= self.retries else []
        try:
            yield values
        except BaseException:
            self._note(values, digests)
            raise

    def _tell(self, attempt: Attempt, values: Values) -> None:
        _, names = self.changed.pop(_identity(values), ((), []))
        for name in names:
            who = f'item {attempt.item} of stage "{attempt.stage}"'
            text = said_of_retry(who, attempt, f'"{name}"')
            if self.mode == "error":
                raise MutationError(text)
            attempt.log.add("warning", text, attempt=attempt, level="warning")

    def _note(self, values: Values, digests: list[object]) -> None:
        found = zip(self.names, values, digests, strict=False)
        names = [name for name, value, before in found if digest(value) != before]
        if names:
            self.changed[_identity(values)] = values, names


def _identity(values: Values) -> tuple[int, ...]:
    return tuple(map(id, values))
