"""The imports of a module, each as the user wrote it."""

from __future__ import annotations

import ast
from importlib.util import resolve_name
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.engine.literals import WIDTH
from pypedream.engine.pinned_module import sections
from pypedream.export.cells import bound_by
from pypedream.store.packages import is_users_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from pypedream.export.cells import Cells, Statement
    from pypedream.store.scan import Reference

IMPORTS: Final = (ast.Import, ast.ImportFrom)


@define(eq=False)
class Imports:
    """Import lines: of Python and what is installed, and of the user's own modules."""

    lines: set[str] = Factory(set)
    own: set[str] = Factory(set)

    def add(self, line: str) -> None:
        """Take in a line."""
        module = line.split()[1]
        (self.own if is_users_module(module) else self.lines).add(line)

    def add_as_written(self, statement: Statement, name: str, namespace: Mapping[str, Any]) -> None:
        """Take in what gives a name its value in an import statement."""
        node: Any = statement.node
        alias = next(each for each in node.names if bound_by(each) == name)
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.Import):
            self.add(f"import {alias.name}{renamed}")
            return
        package = str(namespace.get("__package__") or "")
        module = resolve_name("." * node.level + (node.module or ""), package)
        self.add(f"from {module} import {alias.name}{renamed}")

    def add_module(
        self, name: str, module: ModuleType, references: Iterable[Reference], cells: Cells
    ) -> None:
        """Take in a module, with those parts of it that were imported by name and are used."""
        full = module.__name__
        if name != full:
            self.add(f"import {full} as {name}")
            return
        chains = [".".join([name, *each.attributes]) + "." for each in references]
        written = [
            alias.name
            for statement in cells.statements
            if isinstance(statement.node, ast.Import)
            for alias in statement.node.names
            if not alias.asname and bound_by(alias) == name
        ]
        used = [each for each in written if any(one.startswith(f"{each}.") for one in chains)]
        for each in used or written or [full]:
            self.add(f"import {each}")

    def keep(self, used: set[str]) -> None:
        """Leave out what gives a value to none of the names that are used."""
        for lines in (self.lines, self.own):
            lines -= {line for line in lines if _bound_by_line(line) not in used}

    def blocks(self) -> tuple[list[str], list[str]]:
        """Return the lines in the order in which formatters want them, the user's own apart."""
        own = "\n".join(filter(None, sections(self.own)))
        return _blocks(sections(self.lines)), _blocks([own])


def _bound_by_line(line: str) -> str:
    node: Any = ast.parse(line).body[0]
    return bound_by(node.names[0])


def _blocks(blocks: list[str]) -> list[str]:
    return ["\n".join(map(_wrapped, each.splitlines())) for each in blocks if each]


def _wrapped(line: str) -> str:
    start, _, names = line.partition(" import ")
    if len(line) <= WIDTH or not names:
        return line
    return "\n".join([f"{start} import (", *(f"    {one}," for one in names.split(", ")), ")"])
