"""Over: which arguments a stage is mapped over, and how their items go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

ZIP: Final = "zip"
CROSS: Final = "cross"
NEST: Final = "nest"


@frozen
class Over:
    """The arguments that get one item a call, while all others are the same for every call.

    Attributes
    ----------
    names
        The arguments.
    how
        "zip": the first items together, then the second ones, ... "cross": each item of the first
        argument with each of the second, and so on. "nest": the items of the one argument hold the
        items themselves.
    depth
        How many levels a nested argument has.
    sources
        From an argument to the name that it is bound by, where that is another one.
    """

    names: tuple[str, ...]
    how: str = ZIP
    depth: int = 1
    sources: Mapping[str, str] = field(factory=dict, eq=False)

    def source(self, name: str) -> str:
        """Return the name by which an argument is bound."""
        return self.sources.get(name, name)

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes of the results, outermost first."""
        if self.how == CROSS:
            return tuple(map(self.source, self.names))
        name = self.source(self.names[0])
        return (name, *(f"{name}_{level}" for level in range(1, self.depth)))


def over_of(given: Any) -> Any:
    """Return what *given* says: a name, several names, from argument to name, or an `Over`.

    What is none of these is for the plan to find.
    """
    if given is None or isinstance(given, Over):
        return given
    if isinstance(given, str):
        return Over((given,))
    if isinstance(given, Mapping):
        return Over(tuple(given), sources=dict(given))
    if isinstance(given, Iterable):
        return Over(tuple(given))
    return given
