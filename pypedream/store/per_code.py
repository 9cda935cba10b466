"""What was found out of a code object, kept as long as the code object lives.

By identity and not by equality: code objects of different files and lines may be equal, and
comparing them takes as long as reading them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

T = TypeVar("T")


class PerCode(Generic[T]):
    """Answers for code objects; an answer must not hold on to its code object.

    Examples
    --------
    >>> counted = PerCode(lambda code: len(code.co_code))
    >>> counted.of(compile("1", "", "eval")) > 0
    True
    """

    def __init__(self, find_out: Callable[[CodeType], T]) -> None:
        self._find_out = find_out
        self._known: dict[int, tuple[object, T]] = {}

    def of(self, code: CodeType) -> T:
        """Return what was found out of *code*; it is found out once."""
        number, known = id(code), self._known
        kept = known.get(number)
        if kept is None:
            kept = known[number] = (
                ref(code, lambda _: known.pop(number, None)),
                self._find_out(code),
            )
        return kept[1]
