"""Names in annotations that are text, looked up where they were written.

What is imported for type checkers only is no reason to refuse a stage: `Missing` stands for it, so
that the file beside it in ``Annotated[pd.DataFrame, Dep("a.csv", CSV())]`` is read all the same.
"""

from __future__ import annotations

import builtins
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Missing:
    """A name that is not there at run time; whatever is asked of it is missing, too."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, part: str) -> Missing:
        if part.startswith("__"):  # asked by typing and copy, not by what is written
            raise AttributeError(part)
        return Missing(f"{self.name}.{part}")

    def __getitem__(self, _: object) -> Missing:
        return self

    def __call__(self, *_: object, **__: object) -> Missing:
        """Return what is not there, either."""
        return self

    def __or__(self, _: object) -> Missing:
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return self.name


class Scope:
    """Where the names of one function's or one class's annotations are found, inner ones first."""

    def __init__(self, *spaces: Mapping[str, Any]) -> None:
        self._spaces = (*spaces, vars(builtins))

    @classmethod
    def of_function(cls, function: FunctionType) -> Scope:
        """Return the scope of what is written in the head of *function*."""
        generic = {each.__name__: each for each in getattr(function, "__type_params__", ())}
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
        return cls(generic, {name: _content(cell) for name, cell in cells}, function.__globals__)

    @classmethod
    def of_module(cls, name: Any) -> Scope:
        """Return the scope of what is written at the top of a module."""
        module = name if isinstance(name, ModuleType) else sys.modules.get(str(name))
        return cls(vars(module) if module is not None else {})

    def find(self, dotted: str) -> Any:
        """Return what a name stands for, without running anything; else `Missing`."""
        first, *parts = dotted.split(".")
        value = next((space[first] for space in self._spaces if first in space), Missing(first))
        for part in parts:
            value = _part(value, part)
        return value

    def value_of(self, text: str) -> Any:
        """Return the value of an annotation that is text.

        Raises
        ------
        Exception
            Whatever the code in it raises.
        """
        code = compile(f"({text})", "<annotation>", "eval")
        names = {name: self.find(name) for name in code.co_names}
        # What Python itself does with such a text, but with something for each missing name.
        return eval(code, names)  # noqa: S307


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return Missing("?")


def _part(value: Any, name: str) -> Any:
    if isinstance(value, Missing):
        return getattr(value, name)
    if isinstance(value, ModuleType):
        submodule = sys.modules.get(f"{value.__name__}.{name}", Missing(name))
        return vars(value).get(name, submodule)
    spaces = map(vars, value.__mro__) if isinstance(value, type) else ()
    return next((space[name] for space in spaces if name in space), Missing(name))
