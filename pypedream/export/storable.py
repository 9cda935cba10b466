"""What becomes of the values of stages between tasks, as far as their annotations tell."""

from __future__ import annotations

import io
from collections import abc
from types import NoneType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, TextIO, get_args, get_origin

from pypedream.engine.annotations import UNKNOWN, annotations_of
from pypedream.engine.problem import Problem
from pypedream.parameters.annotations import arms, container_of, name_of
from pypedream.stage import ASYNC_GENERATOR, GENERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.plan import Blueprint
    from pypedream.engine.wiring import Wire

INLINE, BY_STORE, NEVER, UNCLEAR = "inline", "by store", "never", "unclear"

_JSON: Final = (int, float, str, bool, NoneType)
_ONE_SHOT: Final = (abc.Iterator, abc.AsyncIterator)
_FILES: Final = (IO, TextIO, BinaryIO)
_IN_MEMORY: Final = (io.BytesIO, io.StringIO)
# What lives in one process only, by module and name: nothing is imported for the sake of asking.
_OF_A_PROCESS: Final = {
    "sqlite3": ("Connection", "Cursor"),
    "threading": ("Thread", "Lock", "RLock", "Event", "Condition", "Semaphore"),
    "_thread": ("lock", "RLock", "allocate_lock"),
    "types": ("ModuleType", "GeneratorType", "CoroutineType", "FrameType", "TracebackType"),
    "builtins": ("module", "generator", "coroutine"),
    "subprocess": ("Popen",),
    "socket": ("socket",),
    "concurrent": ("Executor", "ThreadPoolExecutor", "ProcessPoolExecutor", "Future"),
    "asyncio": ("Task", "Future", "Lock", "Queue", "Event"),
    "queue": ("Queue", "SimpleQueue"),
    "sqlalchemy": ("Engine", "Connection", "Session"),
    "duckdb": ("DuckDBPyConnection",),
    "_duckdb": ("DuckDBPyConnection",),
    "psycopg": ("Connection", "Cursor"),
}


def values_that_stay(base: Blueprint) -> Iterator[Problem]:
    """Give each stage that another reads, and whose value cannot leave its process."""
    for key, wired in base.wiring.wires.items():
        readers = [each for each in base.children.get(key, []) if _reads(base, each, key)]
        kind = _returned(wired)
        if kind is UNKNOWN or not readers or fate_of(kind) != NEVER:
            continue
        hint = "return a list" if _is_one_shot(kind) else "return what it is made of, or its path"
        others = " and ".join(f'"{each}"' for each in readers)
        yield Problem(
            f'stage "{key}" gives a value of type {name_of(kind)}, which cannot leave its process,'
            f" and stage {others} in another task takes it",
            wired.place,
            hint,
        )


def values_for_a_store(base: Blueprint) -> Iterator[Wire]:
    """Give each stage that another reads, and whose value only a store can hand over."""
    for key, wired in base.wiring.wires.items():
        if base.children.get(key) and fate_of(_returned(wired)) == BY_STORE:
            yield wired


def values_of_any_size(base: Blueprint) -> Iterator[Wire]:
    """Give each stage whose value another reads, unless it says that it is a single one."""
    for key, wired in base.wiring.wires.items():
        is_read = any(_reads(base, each, key) for each in base.children.get(key, []))
        if is_read and _returned(wired) not in _JSON:
            yield wired


def type_of(wired: Wire) -> str:
    """Return what a stage says that it returns, in words."""
    return name_of(_returned(wired))


def fate_of(annotation: Any) -> str:
    """Return how values of a type get from one task to another.

    Examples
    --------
    >>> from pathlib import Path
    >>> fate_of(list[int]), fate_of(Path), fate_of(abc.Iterator[int])
    ('inline', 'by store', 'never')
    """
    if annotation is UNKNOWN or annotation is Any:
        return UNCLEAR
    fates = [_fate(arm) for arm in arms(annotation) if arm is not NoneType]
    if fates and all(each == NEVER for each in fates):
        return NEVER
    return next((each for each in (BY_STORE, UNCLEAR) if each in fates), INLINE)


def _fate(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if origin in _JSON:
        return INLINE
    if origin in (list, dict):
        inner = [fate_of(each) for each in get_args(kind)] or [UNCLEAR]
        if origin is dict and get_args(kind)[:1] not in ((str,), ()):
            return BY_STORE
        return next((each for each in (NEVER, BY_STORE, UNCLEAR) if each in inner), INLINE)
    if origin in _FILES or _stays(origin):
        return NEVER
    is_class = isinstance(origin, type)
    abstract = is_class and (origin is object or container_of(origin) in (list, dict))
    return UNCLEAR if abstract or not is_class else BY_STORE


def _stays(kind: Any) -> bool:
    """Say whether values of a class live in one process only."""
    if not isinstance(kind, type):  # threading.Lock was a function once
        return _is_of_a_process(kind)
    if issubclass(kind, _ONE_SHOT) or issubclass(kind, _IN_MEMORY):
        return not issubclass(kind, _IN_MEMORY)
    is_nested = "<locals>" in kind.__qualname__
    return is_nested or issubclass(kind, io.IOBase) or any(map(_is_of_a_process, kind.__mro__))


def _is_of_a_process(kind: Any) -> bool:
    top = str(getattr(kind, "__module__", "")).partition(".")[0]
    return getattr(kind, "__name__", "") in _OF_A_PROCESS.get(top, ())


def _is_one_shot(kind: Any) -> bool:
    return all(
        isinstance(get_origin(arm) or arm, type) and issubclass(get_origin(arm) or arm, _ONE_SHOT)
        for arm in arms(kind)
    )


def _returned(wired: Wire) -> Any:
    """Return what a stage says that it returns; what a generator yields is collected in a list."""
    if wired.flags & (GENERATOR | ASYNC_GENERATOR) or wired.over is not None:
        return UNKNOWN
    return annotations_of(wired.function).get("return", UNKNOWN)


def _reads(base: Blueprint, reader: str, key: str) -> bool:
    """Say whether a stage gets a value as it is, and not item by item."""
    wired = base.wiring.wires[reader]
    mapped = () if wired.over is None else wired.over.names
    links = [link for link in wired.links if key in link.reads]
    return any(link.argument not in mapped or not _is_one_shot_of(base, key) for link in links)


def _is_one_shot_of(base: Blueprint, key: str) -> bool:
    return _is_one_shot(_returned(base.wiring.wires[key]))
