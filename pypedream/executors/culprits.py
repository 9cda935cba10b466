"""Which part of a value it is that cannot be pickled, in one line."""

from __future__ import annotations

from contextlib import suppress
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pypedream.errors import UnpicklableValue
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["RESULT", "explained"]

RESULT = "its result"
DEEPEST = 6


def explained(
    value: Any, error: BaseException, can_go: Callable[[Any], bool], *, of: str, part: str
) -> UnpicklableValue:
    """Return one line that says what of *value* cannot be pickled.

    Parameters
    ----------
    error
        What the pickler said.
    can_go
        Says of a part of the value whether it can be pickled.
    of, part
        Whose it is, and what of it.
    """
    path, culprit = _culprit(value, can_go)
    kind = f"{type(culprit).__module__}.{type(culprit).__qualname__}".removeprefix("builtins.")
    reason = " ".join(str(error).split()) or type(error).__name__
    if of.startswith("step "):
        what, threads = "it inside the step", 'say infra={"backend": "ThreadPool"}'
    else:
        what, threads = "it inside the stage", 'give the stage executor="threads"'
    fix = f"{'return data instead' if part == RESULT else f'make {what}'}, or {threads}"
    return UnpicklableValue(
        f"{of}: {part}{path} is of type {kind}, which cannot be sent to another process"
        f" ({reason}): {fix}",
        kind=type(culprit),
    )


def _culprit(value: Any, can_go: Callable[[Any], bool]) -> tuple[str, Any]:
    """Return the innermost part of *value* that cannot be pickled, and how to get there."""
    path = ""
    for _ in range(DEEPEST):
        for key, inner in _inside(value):
            if not can_go(inner):
                path, value = f"{path}{key}", inner
                break
        else:
            return path, value
    return path, value


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"[{short(key)}]", inner
    elif isinstance(value, (list, tuple, set, frozenset)):
        for number, inner in enumerate(value):
            yield f"[{number}]", inner
    elif isinstance(value, FunctionType):
        yield from _used(value)
    else:
        for name, inner in (getattr(value, "__dict__", None) or {}).items():
            if not isinstance(value, (type, ModuleType)):
                yield f".{name}", inner


def _used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function that goes as a whole takes along: what it refers to by name."""
    code = function.__code__
    known = {name: function.__globals__.get(name) for name in code.co_names}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # it has no value yet
            known[name] = cell.cell_contents
    known.pop(function.__name__, None)
    yield from ((f'\'s "{name}"', inner) for name, inner in known.items())
