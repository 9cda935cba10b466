"""What a value is, as 64 hex digits that are the same in every process and on every host.

A value is written down as bytes from which it could be told apart from any other: each thing has
a tag for its type and a length before its content, so that 1, 1.0, True and "1" differ, and so do
``[1, [2]]`` and ``[1, 2]``. The digest is the sha256 of that. Nothing that differs from process to
process comes in: no address, no hash, no order of a set.

The same values are equal here whose users would call them equal: the order of a dict or a set does
not count, one nan is another. -0.0 is not 0.0, because dividing by it does not give the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.store.encoding import Encoding, digest_of

if TYPE_CHECKING:
    from os import PathLike


def hash_value(value: Any, *, strict: bool = False) -> str:
    """Return what *value* is, as 64 hex digits.

    Two values get the same digest if they are of the same type and equal. A class may say what
    counts of its instances by a method ``__pypedream_hash__`` that returns any other value.

    Parameters
    ----------
    value
        Any value. Functions and classes count by their code.
    strict
        Whether a type that is not known is an error. Otherwise it is written down as pickle
        takes it apart, and a warning says so, once for each type.

    Raises
    ------
    UnhashableInput
        If the value contains itself, or is of a type that says nothing of what is in it.

    Examples
    --------
    >>> hash_value({"a": 1, "b": [2.5]}) == hash_value({"b": [2.5], "a": 1})
    True
    >>> len({hash_value(value) for value in (1, 1.0, True, "1", b"1", [1], (1,), {1})})
    8
    """
    return digest_of(Encoding(strict=strict).encode(value))


def hash_file(path: str | PathLike[str]) -> str:
    """Return the sha256 of what is in a file.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    from hashlib import file_digest

    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
