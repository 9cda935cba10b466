"""A value in one short line, whatever it is: for messages, tables and failure screens.

The cost is bounded by the length of the line and not by the size of the value: a list of a
million rows is looked at for a few members, a frame says its shape. A value's own ``repr`` is
called only when nothing cheaper is known, and it may fail.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from enum import Enum
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES: Final = frozenset(
    ("cupy", "dask", "jax", "jaxlib", "numpy", "pandas", "polars", "pyarrow", "torch", "xarray")
)
_BRACKETS: Final[dict[type, str]] = {
    list: "[]",
    tuple: "()",
    set: "{}",
    frozenset: "{}",
    deque: "[]",
    dict: "{}",
    MappingProxyType: "{}",
}
_CONTAINERS: Final = tuple(_BRACKETS)
_ADDRESS: Final = r" at 0x[0-9a-fA-F]+"
_MEMBERS = 8
_LEAST_LETTERS = 20  # of a text whose middle is left out
_THOUSAND = 1000
_DEPTH = 3
_INT_BITS = 400  # 120 digits; making the digits of a huge number is slow and may be forbidden


def short(value: object, limit: int = 80) -> str:
    """Return one line that says what *value* is.

    Parameters
    ----------
    value
        Anything. Arrays and frames say their shape, long text and containers are cut.
    limit
        The most characters that the line may have.

    Examples
    --------
    >>> short({"rate": 0.1, "sizes": list(range(100))})
    "{'rate': 0.1, 'sizes': [0, 1, 2, 3, 4, 5, 6, 7, ... 92 more]}"
    >>> short("a" * 1000, limit=20)
    "'aaaaaaa...aaaaaaa'"
    """
    with suppress(Exception):  # attributes, too, may be the user's code; a thread may change a dict
        return _cut(_on_one_line(_describe(value, limit, _DEPTH)), limit)
    return _cut(f"<{type(value).__name__} object (its repr failed)>", limit)


def one_line(text: str, limit: int = 200) -> str:
    r"""Return *text* as one line without quotes, cut to *limit* letters.

    Examples
    --------
    >>> one_line("no such file:\n  data.csv")
    'no such file: data.csv'
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def said(value: object) -> str:
    """Return what *value* is within a sentence: what has a name of its own is called by that.

    Examples
    --------
    >>> said(len), said(3)
    ('the function len', '3')
    """
    if _name(value) is None:
        return written(value)
    kind = "class" if isinstance(value, type) else "function" if callable(value) else "module"
    return f"the {kind} {written(value)}"


def written(value: object) -> str:
    """Return *value* in short, as its user would write it: a function by its name.

    Examples
    --------
    >>> written(len), written([ValueError]), written("x")
    ('len', '[ValueError]', "'x'")
    """
    if type(value) in (list, tuple):
        names = [_name(member) for member in cast("list[object]", value)[: _MEMBERS + 1]]
        if names and None not in names:
            more = ["..."] if len(names) > _MEMBERS else []
            return f"[{', '.join([*map(str, names[:_MEMBERS]), *more])}]"
    return _name(value) or short(value, 60)


def _name(value: Any) -> str | None:
    with suppress(Exception):  # an object may answer to every name, or break
        name = getattr(value, "__name__", None)
        return name if isinstance(name, str) else None
    return None


def _describe(value: Any, room: int, depth: int) -> str:
    kind = type(value)
    if kind is str or kind is bytes:
        return _text(value, room)
    if kind is int and value.bit_length() > _INT_BITS:
        return f"<int of {value.bit_length()} bits>"
    if kind.__module__ in ("builtins", "collections") and isinstance(value, _CONTAINERS):
        return _container(value, room, depth)
    array = _array(value)
    if array is not None:
        return array
    fields = _fields(value)
    if fields is not None:
        return _record(value, fields, room, depth)
    return _own(value, room)


def _text(value: str | bytes, room: int) -> str:
    """Show both ends of a long text: paths and messages differ at either of them."""
    if len(value) <= room:
        return repr(value)
    half = max((room - 5) // 2, 1)
    if isinstance(value, str):
        return repr(f"{value[:half]}...{value[-half:]}")
    return repr(value[:half] + b"..." + value[-half:])


def _container(value: Any, room: int, depth: int) -> str:
    kind = type(value)
    brackets = next(_BRACKETS[base] for base in _BRACKETS if isinstance(value, base))
    if kind is set and not value:
        return "set()"
    before, after = brackets[0], brackets[1]
    if kind not in (list, tuple, set, dict):
        before, after = f"{kind.__name__}({before}", f"{after})"
    elif kind is tuple and len(value) == 1:
        after = f",{after}"
    room -= len(before) + len(after)
    return f"{before}{_members(value, room, depth) if depth else '...' * bool(value)}{after}"


def _members(value: Any, room: int, depth: int) -> str:
    """Describe the first few members, and say how many more there are.

    One that does not fit is left out as a whole, if it is not the first one; a text also if only
    a few letters of it would.
    """
    parts: list[str] = []
    has_keys = hasattr(value, "items")
    for member in value.items() if has_keys else value:
        left = len(value) - len(parts)
        key = f"{_describe(member[0], room, depth - 1)}: " if has_keys else ""
        content = member[1] if has_keys else member
        free = room - len(key) - (left > 1) * len(f", ... {left - 1} more")
        part = _describe(content, free, depth - 1) if len(parts) < _MEMBERS else ""
        is_torn = isinstance(content, (str, bytes)) and len(content) > free < _LEAST_LETTERS
        if len(parts) == _MEMBERS or (parts and (len(part) > free or is_torn)):
            parts.append(f"... {left} more")
            break
        parts.append(key + part)
        room -= len(parts[-1]) + 2
    return ", ".join(parts)


def _array(value: Any) -> str | None:
    """Describe an array, a frame or a series of a known library without importing it."""
    kind = type(value)
    if not any(base.__module__.partition(".")[0] in _LIBRARIES for base in kind.__mro__):
        return None
    if kind.__name__ == "LazyFrame":
        return "<LazyFrame>"
    # a frame's columns are attributes too, so the class is asked whether it has these
    shape = value.shape if hasattr(kind, "shape") else None
    if not shape or not isinstance(shape, tuple):
        return None
    if not all(isinstance(size, int) for size in shape):  # what is computed later says no size
        return f"<{kind.__name__}>"
    if hasattr(kind, "dtype"):
        return f"{kind.__name__} {value.dtype} {shape}"
    return f"{kind.__name__} {' x '.join(map(str, shape))}"


def _fields(value: Any) -> Iterator[str] | None:
    """Return the names that a generated repr would show; None if the repr is not generated."""
    method = type(value).__repr__
    code = getattr(getattr(method, "__wrapped__", method), "__code__", None)
    if code is None or code.co_name != "__repr__":
        return None
    if isinstance(value, tuple) and getattr(method, "__module__", "") == "collections":
        return iter(getattr(value, "_fields", ()))
    if hasattr(type(value), "__dataclass_fields__"):
        if code.co_filename != "<string>" or not hasattr(method, "__wrapped__"):
            return None
        return (name for name, each in value.__dataclass_fields__.items() if each.repr)
    if hasattr(type(value), "__attrs_attrs__") and code.co_filename.startswith("<attrs generated"):
        return (each.name for each in value.__attrs_attrs__ if each.repr is True)
    return None


def _record(value: Any, fields: Iterator[str], room: int, depth: int) -> str:
    parts: list[str] = []
    for name in fields:
        if room < 0 or not depth:
            parts.append("...")
            break
        part = f"{name}={_describe(getattr(value, name), room - len(name), depth - 1)}"
        parts.append(part)
        room -= len(part) + 2
    return f"{type(value).__qualname__.rpartition('.')[2]}({', '.join(parts)})"


def _own(value: Any, room: int) -> str:
    kind: Any = type(value)
    if kind.__repr__ is object.__repr__:
        return f"<{kind.__name__} object>"
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if kind.__module__ == "datetime" and hasattr(kind, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, PathLike) and kind.__module__.startswith("pathlib"):
        return f"Path({str(value)!r})"  # whatever the system makes of it
    with suppress(Exception):  # a repr is the user's code: it may raise anything
        # the address of an object tells nobody anything, and differs from run to run
        return re.sub(_ADDRESS, "", _cut(repr(value), 4 * max(room, 0) + 40))
    return f"<{kind.__name__} object (its repr failed)>"


def _on_one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = max((limit - 3) // 2, 0)
    return f"{text[:half]}...{text[len(text) - half :]}"


def size_text(size: int) -> str:
    """Return a size as a person would say it.

    Examples
    --------
    >>> size_text(812), size_text(81_234), size_text(8_123_456_789)
    ('812 B', '81.2 kB', '8.1 GB')
    """
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while amount >= _THOUSAND and len(units) > 1:
        amount, units = amount / _THOUSAND, units[1:]
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def with_what_is_set(thing: Any) -> str:
    """Return the repr of what is of an attrs class, with those of its fields that are not as usual.

    Examples
    --------
    >>> from pypedream.stage import Policy
    >>> with_what_is_set(Policy(retries=2, tags="slow"))
    "Policy(retries=2, tags=('slow',))"
    """
    kind = type(thing)
    values = {each.name: (getattr(thing, each.name), each.default) for each in kind.__attrs_attrs__}
    said = [f"{name}={one!r}" for name, (one, usual) in values.items() if _differs(one, usual)]
    return f"{kind.__name__}({', '.join(said)})"


def _differs(value: Any, usual: Any) -> bool:
    # What is of another type may have its own idea of equality.
    return type(value) is not type(usual) or bool(value != usual)
