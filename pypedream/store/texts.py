"""Names that a library looks up where it is called, because they stand in a text.

``frame.query("x > @limit")`` and ``frame.eval`` of pandas look up what stands after an "@", and
formulas such as ``"y ~ scaled(x)"`` look up what they call. All texts of a function are taken
together, as they may be pieces of one: only what its module has under such a name is a dependency.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_CHAIN: Final = r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)"
_AFTER_AT: Final = f"@{_CHAIN}"
_CALLED: Final = rf"(?<![\w.]){_CHAIN}\("
_METHODS: Final = frozenset({"query", "eval"})


def may_name(constant: object) -> bool:
    """Say whether a text, or one in a tuple, may name something that a library looks up.

    Examples
    --------
    >>> may_name("x > @limit"), may_name(("y ~ x", 1)), may_name("x > 1")
    (True, True, False)
    """
    if isinstance(constant, tuple):
        return any(map(may_name, constant))
    return isinstance(constant, str) and ("~" in constant or "@" in constant)


def texts_in(constant: object) -> Iterator[str]:
    """Give a constant if it is a text, and the texts of a tuple."""
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, tuple):
        for each in constant:
            yield from texts_in(each)


def looked_up(texts: Collection[str], used: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give each chain of names that a library may look up, with the text that has it.

    Parameters
    ----------
    texts
        The texts of a function.
    used
        The names of what the function uses, of methods among others.

    Examples
    --------
    >>> list(looked_up(["x > @limits.low"], ["query"]))
    [('limits.low', 'x > @limits.low')]
    >>> [name for name, _ in looked_up(["y ~ ", "scaled(x) + z"], [])]
    ['scaled']
    """
    is_formula = any("~" in each for each in texts)
    is_query = not _METHODS.isdisjoint(used)
    for each in texts:
        found = re.findall(_CALLED, each) if is_formula else []
        found += re.findall(_AFTER_AT, each) if is_query else []
        for name in found:
            yield name, each
