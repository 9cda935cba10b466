"""What is under way: a step that asks for its own result must not wait for itself.

Threads take it over with the context that they begin in, worker processes with the task.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Keys = frozenset[tuple[str, str]]

__all__ = ["keys_underway", "stream_within", "within"]

_NOTHING = object()
_UNDERWAY: ContextVar[Keys] = ContextVar("pypedream.steps.underway", default=frozenset())


def keys_underway() -> Keys:
    """Return the folders and keys of the results that the code which runs now is a part of."""
    return _UNDERWAY.get()


def within(keys: Keys, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call something as a part of the results under keys."""
    token = _UNDERWAY.set(_UNDERWAY.get() | keys)
    try:
        return call(*arguments)
    finally:
        _UNDERWAY.reset(token)


def stream_within(keys: Keys, values: Iterable[Any]) -> Iterator[Any]:
    """Yield values each of which is made as a part of the results under keys."""
    source = iter(values)
    while (value := within(keys, next, source, _NOTHING)) is not _NOTHING:
        yield value
