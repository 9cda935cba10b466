"""A function that cannot be imported, as source: with the helpers, constants and imports it needs.

What a cell of a notebook or a function inside another one defines is copied. What its names stand
for is followed: what can be imported is imported, what is defined in a cell too is copied as well,
and other values are pinned like inputs.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import sys
from functools import partial
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field

from pypedream.engine.pinned_function import origin_of
from pypedream.errors import ExportError
from pypedream.store.functions import captured, innermost
from pypedream.store.packages import is_users_module
from pypedream.store.references import about
from pypedream.store.scan import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.engine.pinned_function import Origin

_FUTURE: Final = 0x1000000  # the flag of code under `from __future__ import annotations`
_STEP: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ADVICE: Final = "move the function to the top of a module"


@define(eq=False)
class Source:
    """The source that one test needs; it lives until the test is written.

    Attributes
    ----------
    blocks
        The copied definitions, each after those that it needs.
    constants
        From the name of each value that the source refers to, to the value.
    imports
        From each name to its import line, for what is of a library.
    modules
        From each import line of a module of the user to the name of the module.
    origins
        From each name to where it is imported from, for what is the user's own.
    meanings
        From each name to what it stands for.
    has_future
        Whether annotations are not evaluated.
    """

    blocks: list[str] = Factory(list)
    constants: dict[str, Any] = Factory(dict)
    imports: dict[str, str] = Factory(dict)
    modules: dict[str, str] = Factory(dict)
    origins: dict[str, Origin] = Factory(dict)
    meanings: dict[str, Any] = Factory(dict)
    has_future: bool = field(default=False)

    def add(self, function: Any) -> str:
        """Copy a function or class; return its name.

        Raises
        ------
        ExportError
            If its source is not known, or something that it refers to cannot be had in a test.
        """
        inner = innermost(function)
        node, text = _definition(inner)
        name = str(node.name)
        if self._is_known(name, function):
            return name
        self.meanings[name] = function
        namespace = _namespace(inner)
        code = _compiled(text, name)
        if isinstance(inner, FunctionType):
            self.has_future = self.has_future or bool(inner.__code__.co_flags & _FUTURE)
        for reference in _needed(code, text):
            value = namespace.get(reference.name, vars(builtins).get(reference.name, namespace))
            if value is not namespace and reference.name != name:
                self._follow(name, reference, value)
        self.blocks.append(text)
        return name

    def hide(self, name: str) -> str:
        """Give a copy that pytest would take for a test another name; return the name."""
        if not name.startswith("test"):
            return name
        self.blocks.append(f"stage_{name} = {name}\ndel {name}")
        return f"stage_{name}"

    def _follow(self, user: str, reference: Reference, value: Any) -> None:
        """See that a name means in the test what it means in the source of *user*."""
        name = reference.name
        if isinstance(value, ModuleType):
            self._module(name, reference, value)
            return
        if is_builtin(name, value) or self._is_known(name, value):
            return
        if type(value).__module__ == "pypedream.pipeline":
            raise ExportError(f'"{user}" uses the pipeline "{name}" itself: {_ADVICE}')
        origin = origin_of(value) if _has_name(value) else None
        if origin is None and _has_name(value) and not isinstance(value, partial):
            known = self.add(value)
            if known != name:
                self.blocks.append(f"{name} = {known}")
        elif origin is not None and origin.file is None and "." not in origin.path:
            self.imports[name] = import_line(origin, name)
        elif origin is not None:
            self.origins[name] = origin
        else:
            self.constants[name] = value
        self.meanings[name] = value

    def _module(self, name: str, reference: Reference, module: ModuleType) -> None:
        full = module.__name__
        if not self._is_known(name, module):
            self.meanings[name] = module
            line = f"import {full}" if name == full else f"import {full} as {name}"
            self._import(name, full, line)
        for attribute in reference.attributes if name == full.partition(".")[0] else ():
            full = f"{full}.{attribute}"
            if full not in sys.modules:
                break
            self._import(full, full, f"import {full}")

    def _import(self, name: str, module: str, line: str) -> None:
        if is_users_module(module):
            self.modules[line] = module
        else:
            self.imports[name] = line

    def _is_known(self, name: str, value: Any) -> bool:
        if self.meanings.get(name, value) is not value:
            raise ExportError(f'"{name}" means two things in what the test needs: {_ADVICE}')
        return name in self.meanings


def is_builtin(name: str, value: Any) -> bool:
    """Say whether every Python has this name; IPython adds ``display`` and others."""
    home = getattr(value, "__module__", None) or "builtins"
    return getattr(builtins, name, _FUTURE) is value and home in ("builtins", "io", "_sitebuiltins")


def _has_name(value: Any) -> bool:
    return callable(value) and isinstance(getattr(value, "__qualname__", None), str)


def import_line(origin: Origin, name: str) -> str:
    """Return the line that imports something under a name."""
    renamed = "" if origin.path == name else f" as {name}"
    return f"from {origin.module} import {origin.path}{renamed}"


def _namespace(inner: Any) -> Mapping[str, Any]:
    if isinstance(inner, FunctionType):
        return {**inner.__globals__, **dict(captured(inner))}
    found: dict[str, Any] = {}
    for method in _methods(inner):
        found.update(_namespace(method))
    return found or vars(sys.modules.get(inner.__module__, builtins))


def _methods(kind: Any) -> Iterator[FunctionType]:
    for each in vars(kind).values():
        method = innermost(getattr(each, "__func__", each))
        if isinstance(method, FunctionType) and method.__module__ == kind.__module__:
            yield method


def _definition(inner: Any) -> tuple[Any, str]:
    """Return the definition of a function or class, without the decorators of a pipeline."""
    name = str(getattr(inner, "__name__", type(inner).__name__))
    if name == "<lambda>":
        raise ExportError("a lambda has no name by which a test could import it: write a def")
    if not isinstance(inner, (FunctionType, type)):
        raise ExportError(f'"{name}" is of type {type(inner).__name__}, not a function: {_ADVICE}')
    functions = _methods(inner) if isinstance(inner, type) else [inner]
    for code in [each.__code__ for each in functions]:
        lines = linecache.getlines(code.co_filename)
        found = _node_at(lines, name, code.co_firstlineno)
        if found is not None:
            return found, _text(lines, found, _namespace(inner))
    raise ExportError(f'the source of "{name}" is not known: {_ADVICE}')


def _node_at(lines: list[str], name: str, line: int) -> Any:
    """Return the definition of this name that begins at a line, or the class around the line."""
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, _STEP) and node.name == name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            is_class = isinstance(node, ast.ClassDef)
            if first == line or (is_class and first <= line <= (node.end_lineno or 0)):
                return node
    return None


def _text(lines: list[str], node: Any, namespace: Mapping[str, Any]) -> str:
    kept = [
        lines[each.lineno - 1 : each.end_lineno]
        for each in node.decorator_list
        if not _is_of_pipeline(each, namespace)
    ]
    body = lines[node.lineno - 1 : node.end_lineno]
    return dedent("".join([*(line for each in kept for line in each), *body])).strip("\n")


def _is_of_pipeline(decorator: ast.expr, namespace: Mapping[str, Any]) -> bool:
    """Say whether a decorator registers a stage, as ``@flow.stage(retries=2)`` does."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return False
    owner = namespace.get(called.value.id)
    return called.attr == "stage" and type(owner).__module__.startswith("pypedream.")


def _compiled(text: str, name: str) -> Any:
    try:
        return compile(text, f"<{name}>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise ExportError(f'"{name}" cannot stand alone ({error.msg}): {_ADVICE}') from error


def _needed(code: Any, text: str) -> list[Reference]:
    """Return what the source refers to outside itself, also what it assigns globally."""
    found = [each for each in about(code).references if each.kind == "global"]
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Global)]
    assigned = [Reference("global", name, 0) for node in nodes for name in node.names]
    return [each for each in found + assigned if each.name[:2] != "__"]
