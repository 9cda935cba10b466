"""JSON: strict in both directions, so that what is read is what was written.

Three things that Python's json writes without a word are refused: keys that are not text (they
would come back as text, and two of them may become one), NaN and infinity (which are not JSON),
and text that UTF-8 cannot hold. A tuple is written as a list.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.formats.faults import IN_MEMORY, fault, reading, writing
from pypedream.formats.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike

_MOST_MEMBERS = 10_000
_MOST_LETTERS = 1_000_000
_DEEPEST = 50
_MOST_BITS = 4096  # Python refuses to read numbers of more than 4300 digits

_WAYS = {
    **dict.fromkeys("biufU", ".tolist()"),
    **dict.fromkeys("Mm", ".astype(str).tolist()"),
    "c": ".real.tolist() and .imag.tolist()",
}
"""How what arrays hold can be written, by the kind of it as numpy has it."""


@frozen
class JSON(Loader[Any, Any]):
    """One JSON document, in UTF-8.

    Parameters
    ----------
    indent
        Blanks a level; None writes one line.
    empty_factory
        What makes the empty value: dict or list.
    allow_nan
        Whether NaN and infinity are written and read, as Python and JavaScript spell them; other
        programs may refuse such a file.

    Raises
    ------
    FormatError
        When saving what JSON cannot hold, or loading what is not JSON; it says where.

    Examples
    --------
    >>> JSON(indent=None)
    JSON(indent=None, empty_factory=<class 'dict'>, allow_nan=False)
    """

    indent: int | None = 2
    empty_factory: Callable[[], Any] = dict
    allow_nan: bool = False

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the document."""
        with reading(path, "JSON"), open(path, "rb", buffering=0) as file:
            return parsed(file.read(), path, "JSON", allow_nan=self.allow_nan)

    def loads(self, data: bytes) -> Any:
        """Return the document that *data* is."""
        return parsed(data, IN_MEMORY, "JSON", allow_nan=self.allow_nan)

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write *value* as one document."""
        from pypedream.formats.replacement import replace

        with writing(path, "JSON"):
            replace(path, self._encoded(value))

    def dumps(self, value: Any) -> bytes:
        """Return *value* as one document."""
        with writing(IN_MEMORY, "JSON"):
            return self._encoded(value)

    def _encoded(self, value: Any) -> bytes:
        return f"{written(value, allow_nan=self.allow_nan, indent=self.indent)}\n".encode()

    def empty(self) -> Any:
        """Return what *empty_factory* makes."""
        return self.empty_factory()


def is_exact(value: object) -> bool:
    """Say whether JSON gives back the very same *value*, types included, at a small cost.

    Examples
    --------
    >>> is_exact({"rate": 0.5, "sizes": [1, None]}), is_exact((1, 2)), is_exact({1: "one"})
    (True, False, False)
    """
    layer: list[Any] = [value]
    members = letters = 0
    for _ in range(_DEEPEST):
        if not layer:
            return True
        members += len(layer)
        letters += sum(len(one) for one in layer if type(one) is str)
        if members > _MOST_MEMBERS or letters > _MOST_LETTERS or not all(map(_is_exact_one, layer)):
            return False
        layer = [inner for one in layer for inner in _inside(one)]
    return False


def _inside(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return [*value, *value.values()]
    return value if type(value) is list else ()


def _is_exact_one(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return all(type(key) is str for key in value)
    if kind is str:
        return not _has_surrogate(value)
    if kind is float:
        return bool(value - value == 0)  # neither NaN nor infinite
    return kind in (list, bool, type(None)) or (kind is int and value.bit_length() <= _MOST_BITS)


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def parsed(
    data: bytes, path: str | PathLike[str], kind: str, *, allow_nan: bool, line: int | None = None
) -> Any:
    """Return the document that *data* is.

    Raises
    ------
    FormatError
        If it is none; of the path and, if it is of one line of a file, of the line.
    """
    try:
        # the codec with the mark at the beginning is written in Python, and slow
        encoding = "utf-8-sig" if data.startswith(BOM_UTF8) else "utf-8"
        return _decoder(allow_nan).decode(data.decode(encoding))
    except json.JSONDecodeError as error:
        if line is None:
            what = f"{error.msg}, column {error.colno}"
            raise fault(f"is not {kind}", path, kind, what, error.lineno) from error
        raise fault(f"is not {kind}", path, kind, str(error.msg), line) from error
    except (ValueError, RecursionError) as error:
        raise fault(f"is not {kind}", path, kind, error, line) from error


@cache  # to make one takes longer than to read a small value
def _decoder(allow_nan: bool) -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=None if allow_nan else _refused)


@cache
def _encoder(allow_nan: bool, indent: int | None) -> json.JSONEncoder:
    separators = (",", ": ") if indent is not None else (", ", ": ")
    return json.JSONEncoder(
        indent=indent, ensure_ascii=False, allow_nan=allow_nan, separators=separators
    )


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no JSON; JSON(allow_nan=True) reads it")


def written(value: Any, *, allow_nan: bool, indent: int | None, place: str = "") -> str:
    """Return *value* as one document.

    Raises
    ------
    TypeError, ValueError
        If JSON does not have it: of where that is, as seen from *place*.
    """
    if not allow_nan or not is_exact(value):
        _check(value, place or "the value", allow_nan=allow_nan, above=())
    # Only without indentation does json's fast code do it, and a single value needs none.
    is_single = not isinstance(value, (dict, list, tuple))
    return _encoder(allow_nan, None if is_single else indent).encode(value)


def _check(value: Any, place: str, *, allow_nan: bool, above: tuple[int, ...]) -> None:
    """Raise at the first thing that would not come back; *above* are the ids of containers."""
    if isinstance(value, (str, float)):
        _check_one(value, place, allow_nan=allow_nan)
    elif isinstance(value, (dict, list, tuple)):
        if id(value) in above:
            raise ValueError(f"{place} contains itself")
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict):
                _check_key(key, place)
            inner = f"{place}[{key!r}]" if place != "the value" else f"[{key!r}]"
            _check(member, inner, allow_nan=allow_nan, above=(*above, id(value)))
    elif value is not None and not isinstance(value, int):
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        way = _way(value)
        fix = f": its {way} can be written" if way else ""
        raise TypeError(f"{place} is of type {kind}, which JSON lacks{fix}")


def _way(value: Any) -> str:
    """Return what can be written of a value that cannot; "" if that is not known."""
    if hasattr(value, "tolist"):
        kind = getattr(getattr(value, "dtype", None), "kind", "O")
        is_plain = kind == "O" and is_exact(value.tolist())
        way = ".tolist()" if is_plain else _WAYS.get(kind, "")
        return way if kind != "c" or hasattr(value, "real") else ""
    if isinstance(value, complex):
        return ".real and .imag"
    return ".isoformat()" if hasattr(value, "isoformat") else ""


def _check_one(value: str | float, place: str, *, allow_nan: bool) -> None:
    if isinstance(value, str):
        if _has_surrogate(value):
            raise ValueError(f"{place} is text that UTF-8 cannot hold: {value!r}")
    elif not allow_nan and value - value != 0:
        raise ValueError(f"{place} is {value}, which is no JSON; JSON(allow_nan=True) writes it")


def _check_key(key: object, place: str) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{place} has the key {key!r}: JSON has only text as keys")
    _check_one(key, f"a key of {place}", allow_nan=True)
