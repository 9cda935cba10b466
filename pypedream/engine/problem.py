"""One mistake in a pipeline, in one line: what is wrong, the fix, and where the user wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.values import with_what_is_set

if TYPE_CHECKING:
    from pypedream.places import Place


@frozen(repr=False)
class Problem:
    """One mistake.

    Attributes
    ----------
    what
        What is wrong, with the names involved and the nearest right one.
    where
        The line of the user's code, or the notebook cell; None when it came from outside.
    hint
        The shortest fix; "" when *what* says it.

    Examples
    --------
    >>> from pypedream.places import Place
    >>> print(Problem('no stage "lod"', Place("flow.py", 3), 'write "load"'))
    no stage "lod": write "load" (flow.py:3)
    """

    what: str
    where: Place | None = None
    hint: str = ""

    __repr__ = with_what_is_set

    def __str__(self) -> str:
        sign = "" if self.what.endswith("?") else ":"
        hint = f"{sign} {self.hint}" if self.hint else ""
        where = f" ({self.where})" if self.where is not None else ""
        return f"{self.what}{hint}{where}"
