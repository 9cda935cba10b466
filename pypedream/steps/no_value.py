"""NoValue: stands for the input of a step that gets none, as None is an input like any other."""

from __future__ import annotations

from typing import Final

__all__ = ["NO_VALUE", "NoValue"]


class NoValue:
    """What a step gets when it gets no input; there is one object of it, in every process.

    Examples
    --------
    >>> NoValue() is NoValue()
    True
    """

    _only: NoValue | None = None

    def __new__(cls) -> NoValue:
        """Return the only object that there is."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __reduce__(self) -> tuple[type[NoValue], tuple[()]]:
        return NoValue, ()

    def __repr__(self) -> str:
        return "NoValue()"

    def __bool__(self) -> bool:
        return False


NO_VALUE: Final = NoValue()
