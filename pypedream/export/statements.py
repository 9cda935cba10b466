"""What a module's text says of each name at its top, so that two machines can compare it.

A constant may be made of an environment variable, of the number of processors or of the day, and is
another value elsewhere. The statement that makes it is the same.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from copy import deepcopy
from functools import cached_property
from importlib.util import resolve_name
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.export.cells import is_main_guard, names_bound

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOCUMENTED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@define(eq=False, slots=False)
class Statements:
    """The statements at the top of one module, by the names that they give a value.

    Attributes
    ----------
    name
        Name of the module, which has to be loaded.
    """

    name: str

    @cached_property
    def tree(self) -> ast.Module | None:
        """The text, parsed; None if there is none."""
        module = sys.modules.get(self.name)
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            return None
        lines = linecache.getlines(file, vars(module))
        is_there = bool(lines) or (os.path.isfile(file) and file.endswith(".py"))  # may be empty
        try:
            return ast.parse("".join(lines)) if is_there else None
        except (SyntaxError, ValueError):
            return None

    @cached_property
    def binders(self) -> dict[str, list[ast.stmt]]:
        """From each name to the statements that give it a value."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body if self.tree is not None else ():
            if not is_main_guard(statement):
                for name in set(names_bound([statement])):
                    found.setdefault(name, []).append(statement)
        return found

    def origin(self, statement: ast.stmt, name: str) -> tuple[str, str] | None:
        """Return the module and the name that an import takes; None if it is no such import."""
        if not isinstance(statement, ast.ImportFrom):
            return None
        package = str(getattr(sys.modules.get(self.name), "__package__", "") or "")
        home = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            if (alias.asname or alias.name) == name:
                try:
                    return resolve_name(home, package), alias.name
                except ImportError:
                    return None
        return None


def said(statement: ast.stmt) -> str:
    """Return a statement without its layout, comments and docstrings."""
    bare = deepcopy(statement)
    for node in ast.walk(bare):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(bare)


def names_used(statement: ast.stmt) -> Iterator[str]:
    """Give the names and attributes that a statement reads."""
    for node in ast.walk(statement):
        found: Any = getattr(node, "id", None) or getattr(node, "attr", None)
        if isinstance(found, str) and isinstance(getattr(node, "ctx", None), ast.Load):
            yield found
