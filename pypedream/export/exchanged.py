"""What stages of one process share: variables, and results that they look up by themselves.

Between tasks nothing carries variables that one stage sets and another reads.

What a function does with them is read from its text. Where that cannot tell, it is said so.
"""

from __future__ import annotations

import ast
import inspect
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream import context
from pypedream.engine.problem import Problem
from pypedream.export.own_code import Neighbourhood, OwnCode
from pypedream.places import Place
from pypedream.store.bytecode import names_in
from pypedream.store.functions import innermost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import FunctionType

    from pypedream.engine.plan import Blueprint
    from pypedream.engine.wiring import Wire

ALL: Final = "*"
"""Stands for a variable of which it is not known which one it is."""

_CHANGING: Final = frozenset(
    {"add", "append", "change", "clear", "discard", "extend", "insert", "pop", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)


@define
class Use:
    """What one stage does with variables, each with the line where it is done.

    Attributes
    ----------
    sets, reads
        From the name of a variable to a line. `ALL` stands for any.
    passes_on
        A line where the variables are given to something else, that may set them.
    """

    sets: dict[str, Place | None] = Factory(dict)
    reads: dict[str, Place | None] = Factory(dict)
    passes_on: Place | None = None


def exchanged(
    base: Blueprint, module: str, task_of: Callable[[str], str]
) -> tuple[list[Problem], list[Problem]]:
    """Return the variables that cross tasks, and what may do so.

    Parameters
    ----------
    module
        The module that has the pipeline.
    task_of
        From a stage to the task that calls it.
    """
    uses = {key: use_of(wired, module) for key, wired in base.wiring.wires.items()}
    reasons, warnings = [], []
    for key, use in uses.items():
        for name, place in use.sets.items():
            readers = [other for other in _readers(uses, name) if task_of(other) != task_of(key)]
            mapped = base.wiring.wires[key].over is not None and _is_among(name, use.reads)
            if readers or mapped:
                reasons.append(_crossing(key, name, place, readers))
        if use.passes_on is not None and not use.sets and len(base.definition.variables):
            warnings.append(
                Problem(
                    f'stage "{key}" gives the variables to something that may set them, and no'
                    " other task would see that",
                    use.passes_on,
                    "return what others need",
                )
            )
    warnings += [
        _looking(key, base) for key, wired in base.wiring.wires.items() if _looks(wired, module)
    ]
    return reasons, warnings


def _looks(wired: Wire, module: str) -> bool:
    """Say whether the code of a stage looks up results by itself, beside its inputs."""
    return any(_mentions(function, "STAGES") for function in own_functions(wired, module))


def _looking(key: str, base: Blueprint) -> Problem:
    return Problem(
        f'stage "{key}" reads context.STAGES itself, and its task is handed the results of its'
        " inputs only",
        base.wiring.wires[key].place,
        "name as inputs what it needs",
    )


def _crossing(key: str, name: str, place: Place | None, readers: list[str]) -> Problem:
    what = "variables" if name == ALL else f'variable "{name}"'
    if readers:
        others = " and ".join(f'"{each}"' for each in readers)
        return Problem(
            f'stage "{key}" sets {what}, and stage {others} reads it in another task, which never'
            " sees that",
            place,
            f'return it from "{key}" and take that as an input',
        )
    return Problem(
        f'stage "{key}" sets and reads {what}, and its items are called in tasks of their own',
        place,
        "return a value for each item, and add them up in a stage after it",
    )


def _readers(uses: Mapping[str, Use], name: str) -> Iterator[str]:
    return (key for key, use in uses.items() if _is_among(name, use.reads))


def _is_among(name: str, names: Iterable[str]) -> bool:
    known = set(names)
    return bool(known) and (name in known or ALL in known or name == ALL)


def use_of(wired: Wire, module: str) -> Use:
    """Return what a stage does with variables, by its inputs and by the text of its code."""
    use = Use()
    aliases: dict[str, str] = {}
    for link in (*wired.links, *wired.condition):
        is_whole = link.kind == "context" and link.name == "context.VARIABLES"
        if link.kind == "variable" or is_whole:
            aliases[link.argument] = link.name if link.kind == "variable" else ALL
        if link.kind == "variable":
            use.reads.setdefault(link.name, wired.place)
    for function in own_functions(wired, module):
        known = aliases if function is innermost(wired.function) else {}
        if known or _mentions(function, "VARIABLES"):
            _Reader(function, known, use).read()
    return use


def own_functions(wired: Wire, module: str) -> Iterable[FunctionType]:
    """Return the function of a stage, and all of the user's own that it may call."""
    walk = OwnCode(Neighbourhood(module))
    walk.walk(wired.function)
    return walk.functions


def _mentions(function: FunctionType, name: str) -> bool:
    """Say whether a function uses the context variable, and not something else of that name."""
    if name not in names_in(function.__code__):
        return False
    meant = getattr(context, name)
    return function.__globals__.get(name, meant) is meant


class _Reader(ast.NodeVisitor):
    """Reads what one function does with what stands for variables."""

    def __init__(self, function: FunctionType, aliases: Mapping[str, str], use: Use) -> None:
        self.function = function
        self.aliases = dict(aliases)
        self.use = use
        self.first = 1

    def read(self) -> None:
        try:
            lines, self.first = inspect.getsourcelines(self.function)
            tree = ast.parse(dedent("".join(lines)))
        except (OSError, TypeError, SyntaxError, IndentationError):
            place = Place.of_function(self.function)
            self.use.reads.setdefault(ALL, place)
            self.use.passes_on = self.use.passes_on or place
            return
        self.visit(tree)

    def visit_Assign(self, node: ast.Assign) -> None:
        name = self._named(node.value)
        targets = [each.id for each in node.targets if isinstance(each, ast.Name)]
        for each in targets:
            self.aliases.pop(each, None)
        if name is not None:
            self.aliases.update(dict.fromkeys(targets, name))
        for target in node.targets:
            self._set(target)
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        name = self._named(node.value)
        if name is not None and isinstance(node.target, ast.Name):
            self.aliases[node.target.id] = name
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        name = self._set(node.target)
        if name is not None:
            self.use.reads.setdefault(name, self._place(node))
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for each in node.targets:
            self._set(each)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in _CHANGING:
            self._changed(node, called)
        found = self._named(node)
        if found not in (None, ALL):
            self.use.reads.setdefault(found, self._place(node))
        for each in [*node.args, *(one.value for one in node.keywords)]:
            if self._named(each) == ALL:
                self.use.passes_on = self.use.passes_on or self._place(node)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        is_read = isinstance(node.ctx, ast.Load) and node.attr not in (*_CHANGING, "get", "lock")
        if is_read and self._named(node.value) == ALL:
            self.use.reads.setdefault(node.attr, self._place(node))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Load) and self._named(node.value) == ALL:
            self.use.reads.setdefault(_constant(node.slice), self._place(node))
        self.generic_visit(node)

    def _changed(self, node: ast.Call, called: ast.Attribute) -> None:
        """Note a call that changes variables, or what one of them holds."""
        name = self._named(called.value)
        if name is None:
            return
        names = [name]
        if name == ALL and called.attr == "update":
            names = [each.arg or ALL for each in node.keywords] or [ALL]
        elif name == ALL:
            names = [_constant(node.args[0])] if node.args else [ALL]
        for each in names:
            self.use.sets.setdefault(each, self._place(node))
            if called.attr != "update":
                self.use.reads.setdefault(each, self._place(node))

    def _set(self, target: ast.AST) -> str | None:
        """Note that an attribute or item of variables is set; return the name of it."""
        if isinstance(target, (ast.Tuple, ast.List)):
            for each in target.elts:
                self._set(each)
        if not isinstance(target, (ast.Attribute, ast.Subscript)):
            return None
        base = self._named(target.value)
        if base is None:
            return None
        name = _part(target) if base == ALL else base
        self.use.sets.setdefault(name, self._place(target))
        return name

    def _named(self, node: ast.AST) -> str | None:
        """Return which variable an expression stands for; `ALL` for all of them, None for none."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_got = node.func.attr == "get" and _is_variables(node.func.value)
            if is_got:
                return ALL
            is_item = node.func.attr == "get" and self._named(node.func.value) == ALL
            return _constant(node.args[0]) if is_item and node.args else None
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            base = self._named(node.value)
            if base == ALL:
                return _part(node)
            return base
        return None

    def _place(self, node: Any) -> Place:
        return Place(self.function.__code__.co_filename, self.first + node.lineno - 1)


def _is_variables(node: ast.AST) -> bool:
    return "VARIABLES" in (getattr(node, "id", ""), getattr(node, "attr", ""))


def _constant(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ALL


def _part(node: ast.Attribute | ast.Subscript) -> str:
    return node.attr if isinstance(node, ast.Attribute) else _constant(node.slice)
