"""Over: which arguments a stage is mapped over, and how their items go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from pypedream.errors import MapError
from pypedream.values import said

ZIP: Final = "zip"
CROSS: Final = "cross"
NEST: Final = "nest"
_VERBS: Final = {CROSS: "cross", NEST: "nest"}


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

    def __str__(self) -> str:
        verb = "zip" if self.how == ZIP and len(self.names) > 1 else _VERBS.get(self.how, "map")
        return f"{verb} over {', '.join(str(self.source(name)) for name in self.names)}"

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes of the results, outermost first."""
        if self.how == CROSS:
            return tuple(map(self.source, self.names))
        name = self.source(self.names[0])
        return (name, *(f"{name}_{level}" for level in range(1, self.depth)))


def over_of(given: Any) -> Any:
    """Return what *given* says: a name, from argument to name, several of both, or an `Over`.

    What is none of these is for the plan to find.
    """
    if given is None or isinstance(given, Over):
        return given
    parts = (given,) if isinstance(given, (str, Mapping)) else given
    if not isinstance(parts, Iterable):
        return given
    names: list[str] = []
    sources: dict[str, str] = {}
    for part in parts:
        names += part if isinstance(part, Mapping) else [part]
        sources |= part if isinstance(part, Mapping) else {}
    are_names = all(isinstance(name, str) for name in names)
    return Over(tuple(names), sources=sources) if are_names else given


def refuse_what_has_no_items(name: str, value: Any, where: str = "") -> None:
    """Refuse a value whose items nobody means to go through one by one.

    Parameters
    ----------
    where
        Which part of what bears the name it is, in words.

    Raises
    ------
    MapError
        If it has no items, or its items are the letters of a text or the columns of a table.
    """
    if isinstance(value, (str, bytes)):
        hint = ": to call the stage with one text, give a list of it"
    elif hasattr(type(value), "columns") and hasattr(type(value), "dtypes"):
        hint = f": {_rows_of(name, value)}"
    elif not isinstance(value, Iterable) or getattr(value, "ndim", None) == 0:
        hint = ": give a list"
    else:
        return
    raise MapError(f'{where}"{name}" is {said(value)}, which has no items to map over{hint}')


def _rows_of(name: str, table: Any) -> str:
    """Say how to get the rows of a table, whose items would be its columns."""
    if hasattr(table, "itertuples"):
        return f'map over its rows, {name}.to_dict("records"), or over its groups'
    if hasattr(table, "iter_rows"):
        return f"map over its rows, {name}.iter_rows(named=True), or over its groups"
    return "read it into rows first"
