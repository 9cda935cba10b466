"""The source that a session was given: statements of cells, or of one file, in their order.

Cells count in the order in which they were run last, so that of two definitions of a name the last
one is the one that holds.
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field

from pypedream.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TYPED: Final = re.compile(r"(<.*?)(\d+)(\]?>)")  # <python-input-3>, <doctest page[3]>
_MARKER: Final = re.compile(r"#\s*(%%|In\s*\[|<codecell>|\+|region|endregion)")
_NEW_SCOPE: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSION: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@define(eq=False)
class Statement:
    """One statement at the top of a cell or file.

    Attributes
    ----------
    file
        The file, or what stands for the cell.
    node
        The statement, parsed.
    lines
        All lines of the file.
    number
        Its place in the order in which statements were carried out.
    """

    file: str
    node: ast.stmt
    lines: list[str] = field(repr=False)
    number: int

    @property
    def first(self) -> int:
        """The first line, of a decorator if it has one."""
        decorators: list[ast.expr] = getattr(self.node, "decorator_list", [])
        return min([self.node.lineno, *(each.lineno for each in decorators)])

    @property
    def last(self) -> int:
        """The last line."""
        return self.node.end_lineno or self.node.lineno

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.file, self.node.lineno)

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it gives a value."""
        return frozenset(names_bound([self.node]))

    @property
    def source(self) -> str:
        """The text without the comments around it."""
        if self._is_alone():
            return "".join(self.lines[self.first - 1 : self.last]).rstrip()
        return ast.get_source_segment("".join(self.lines), self.node) or ""

    @property
    def text(self) -> str:
        """The text with the comments right above it."""
        return "".join(self.comments) + self.source

    @property
    def comments(self) -> list[str]:
        """The lines of comments right above it."""
        found: list[str] = []
        for line in reversed(self.lines[: self.first - 1] if self._is_alone() else []):
            if not line.startswith("#") or _MARKER.match(line):
                break
            found.insert(0, line)
        return [] if found and len(found) == self.first - 1 and found[0][:2] == "#!" else found

    def _is_alone(self) -> bool:
        """Say whether no other statement stands on its lines."""
        if self.node.col_offset and not hasattr(self.node, "decorator_list"):
            return False
        last = self.lines[self.last - 1].encode()[self.node.end_col_offset or 0 :].strip()
        return not last or last.startswith(b"#")


@define(eq=False)
class Cells:
    """The statements of one notebook, console or file.

    Attributes
    ----------
    statements
        In order.
    docstring
        Of the file; "" where there is none.
    """

    statements: list[Statement] = Factory(list)
    docstring: str = ""

    @classmethod
    def of(cls, namespace: Mapping[str, Any], calling: Place | None) -> Cells:
        """Read what filled a namespace; *calling* is where it is read from."""
        cells, number = cls(), 0
        for file in _files(namespace, calling):
            lines = _lines(file)
            try:
                tree = ast.parse("".join(lines))
            except (SyntaxError, ValueError):  # a cell that could not be run either
                continue
            if file == namespace.get("__file__"):
                cells.docstring = ast.get_docstring(tree, clean=False) or ""
            for node in tree.body:
                cells.statements.append(Statement(file, node, lines, number))
                number += 1
        return cells

    @cached_property
    def binders(self) -> dict[str, Statement]:
        """From each name to the statement that gave it its value last."""
        found: dict[str, Statement] = {}
        for statement in self.statements:
            if not is_main_guard(statement.node):
                found.update(dict.fromkeys(statement.binds, statement))
        return found

    @cached_property
    def by_line(self) -> dict[tuple[str, int], Statement]:
        """From each file and line to the statement that stands there, the first of several."""
        found: dict[tuple[str, int], Statement] = {}
        for each in self.statements:
            for line in range(each.first, each.last + 1):
                found.setdefault((each.file, line), each)
        return found

    def at(self, place: Place | None) -> Statement | None:
        """Return the statement that a line belongs to."""
        return None if place is None else self.by_line.get((place.file, place.line))

    def has(self, place: Place | None) -> bool:
        """Say whether a place lies in these cells."""
        return place is not None and any(each.file == place.file for each in self.statements)

    @cached_property
    def has_future(self) -> bool:
        """Whether annotations are not evaluated."""
        return any(
            isinstance(each.node, ast.ImportFrom)
            and each.node.module == "__future__"
            and any(alias.name == "annotations" for alias in each.node.names)
            for each in self.statements
        )

    @cached_property
    def stars(self) -> list[str]:
        """The modules of which all names were imported, the last first."""
        imports = [each.node for each in reversed(self.statements)]
        return [
            node.module or ""
            for node in imports
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        ]

    def under_magic(self, name: str) -> tuple[str, Place] | None:
        """Return the cell magic under which a name was defined, and where."""
        for each in reversed(self.statements):
            call = getattr(each.node, "value", None)
            if isinstance(call, ast.Call) and _called(call) == "run_cell_magic":
                magic, _, body = (getattr(one, "value", "") for one in call.args)
                try:
                    names = names_bound(ast.parse(body).body)
                except SyntaxError:
                    continue
                if name in set(names):
                    return f"%%{magic}", each.place
        return None


def is_main_guard(node: ast.stmt) -> bool:
    """Say whether a statement is what a file does only when it is started."""
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def names_bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Give the names that statements give a value in their own scope."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (bound_by(alias) for alias in node.names)
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        if not isinstance(node, (*_NEW_SCOPE, *_COMPREHENSION)):
            waiting.extend(ast.iter_child_nodes(node))


def bound_by(alias: ast.alias) -> str:
    """Return the name that an import gives a value."""
    return alias.asname or alias.name.partition(".")[0]


def _files(namespace: Mapping[str, Any], calling: Place | None) -> list[str]:
    map_of_cells = _cells_of_shell(namespace)
    if map_of_cells:
        return sorted(map_of_cells, key=lambda file: map_of_cells[file])
    typed = None if calling is None else _TYPED.fullmatch(calling.file)
    if typed is not None and "__file__" not in namespace:
        before, number, after = typed.groups()
        return [f"{before}{each}{after}" for each in range(int(number) + 1)]
    file = namespace.get("__file__")
    return [file] if isinstance(file, str) else []


def _cells_of_shell(namespace: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of each cell of IPython by its file, if the names are those of its user."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or namespace.get("get_ipython") is not shell.user_ns.get("get_ipython"):
        return {}
    if namespace is not shell.user_ns and "__file__" in namespace:
        return {}
    return dict(getattr(shell.compile, "_filename_map", {}))


def _lines(file: str) -> list[str]:
    lines = linecache.getlines(file)
    if not lines and Path(file).is_file():
        lines = Path(file).read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines = [*lines[:-1], lines[-1] + "\n"]
    return lines
