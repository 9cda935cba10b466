"""What code makes and does not read: it is no input, and its contents do not count.

That is a variable that the code itself assigns, and a container that it only fills: nothing that
is done to it gives another result, or another error, when something else is in it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

from pypedream.store.scan import CALLED
from pypedream.store.subscripts import ENTRY, UPDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_SETS: Final = (
    "add update discard clear difference_update intersection_update symmetric_difference_update"
)
# The methods that return None and raise nothing, whatever is in the container.
_FILLING: Final[dict[type, frozenset[str]]] = {
    kind: frozenset(names.split())
    for kind, names in {
        list: "append extend insert clear reverse",
        bytearray: "append extend insert clear reverse",
        deque: "append appendleft extend extendleft clear reverse rotate",
        set: _OF_SETS,
        dict: "update clear",
        OrderedDict: "update clear",
        defaultdict: "update clear",
        Counter: "update subtract clear",
    }.items()
}
_SIZED: Final = (list, deque, bytearray)


def is_only_filled(value: Any, attributes: Sequence[str], use: str) -> bool:
    """Say whether code only fills a container.

    Parameters
    ----------
    value
        What a chain of names leads to.
    attributes
        What of the chain is left: the name of a method.
    use
        How the code uses the end of the chain.
    """
    kind = type(value)
    if kind not in _FILLING:
        return False
    if use == CALLED:
        return len(attributes) == 1 and attributes[0] in _FILLING[kind]
    # A byte that is added to may become too large.
    return not attributes and (use == ENTRY or (use == UPDATE and kind is not bytearray))


def what_counts(value: Any, use: str) -> object:
    """Return what counts of a container that is only filled.

    An entry of a list can only be stored where there is one, one of a dict can only be changed if
    it is there, and a defaultdict makes those that are missing.
    """
    kind = type(value)
    if use != CALLED and kind in _SIZED:
        return len(value)
    if use != UPDATE or kind is Counter:
        return None
    factory = getattr(value, "default_factory", None)
    return frozenset(value) if factory is None else factory
