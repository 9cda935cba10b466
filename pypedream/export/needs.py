"""Which names a statement needs: those at once, when it is carried out, and those later.

What is in the body of a function is needed when that is called. All else of a statement is needed
when the module is imported: decorators, defaults, bases, annotations that are evaluated.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.store.references import about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.export.cells import Statement
    from pypedream.store.scan import Reference

FUTURE: Final = 0x1000000  # the flag of code under `from __future__ import annotations`
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@define(eq=False)
class Needs:
    """The names that one statement needs.

    Attributes
    ----------
    references
        From each name to how it is used.
    at_once
        Those that are needed when the statement is carried out.
    hints
        Names that only stand in annotations which are not evaluated.
    """

    references: dict[str, list[Reference]] = Factory(dict)
    at_once: set[str] = Factory(set)
    hints: set[str] = Factory(set)


def needs_of(statement: Statement, *, has_future: bool) -> Needs:
    """Return what a statement needs.

    Raises
    ------
    SyntaxError
        If it cannot stand in a module, as ``await`` at the top cannot.
    """
    code = compiled(statement, has_future=has_future)
    needs = Needs()
    for each in about(code).references:
        if each.kind == "global" and each.name[:2] != "__":
            needs.references.setdefault(each.name, []).append(each)
    needs.at_once = set(_at_once(statement.node, has_future=has_future))
    needs.at_once &= set(needs.references)
    needs.hints = set(_hints(statement.node)) - set(needs.references)
    return needs


def compiled(statement: Statement, *, has_future: bool) -> Any:
    """Compile a statement as a module would have it."""
    flags = FUTURE if has_future else 0
    tree = ast.Module([statement.node], [])
    return compile(tree, statement.file, "exec", flags=flags, dont_inherit=True)


def _at_once(node: ast.AST, *, has_future: bool) -> Iterator[str]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Name):
            yield each.id
        if isinstance(each, _FUNCTION):
            waiting += [*each.decorator_list, *_defaults(each.args)]
            if not has_future:
                waiting += _annotations(each)
        elif isinstance(each, ast.Lambda):
            waiting += _defaults(each.args)
        else:
            waiting += ast.iter_child_nodes(each)


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]


def _annotations(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST | None] = []
    if isinstance(node, _FUNCTION):
        given = node.args
        everything = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        found = [node.returns, *(each.annotation for each in everything if each is not None)]
    elif isinstance(node, ast.AnnAssign):
        found = [node.annotation]
    return [each for each in found if each is not None]


def _hints(node: ast.AST) -> Iterator[str]:
    """Give the names in all annotations, also in those that are texts."""
    for each in ast.walk(node):
        waiting = _annotations(each)
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, ast.Name):
                yield inner.id
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                try:
                    waiting.append(ast.parse(inner.value, mode="eval"))
                except SyntaxError:
                    continue
            waiting += ast.iter_child_nodes(inner)
