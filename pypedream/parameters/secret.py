"""A value that never shows itself: not in a log, a report, a failure screen or a notebook."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")

MASK: Final = "***"


class Secret(Generic[T]):
    """Hold one value that only `reveal` gives back; text made of it reads ``***``.

    Two secrets are equal when their values are. A secret never equals the bare value, so a
    comparison cannot be used to show what is inside. It travels to other processes by pickle,
    where the value is readable: do not write one to a file.

    Parameters
    ----------
    value
        What to hide. A secret in a secret is the inner one.

    Examples
    --------
    >>> token = Secret("hunter2")
    >>> print(f"token is {token}", [token])
    token is *** [***]
    >>> token.reveal()
    'hunter2'
    """

    __slots__ = ("_value",)

    def __init__(self, value: T | Secret[T]) -> None:
        self._value: T = value.reveal() if isinstance(value, Secret) else value

    def reveal(self) -> T:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return bool(self._value == other.reveal())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> tuple[type[Secret[T]], tuple[T]]:
        return type(self), (self._value,)
