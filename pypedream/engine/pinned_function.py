"""Where a test gets a function from: the module or script that it is written in, and its name."""

from __future__ import annotations

import ast
import sys
from functools import partial
from keyword import iskeyword
from pathlib import Path
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field, frozen

from pypedream.errors import ExportError
from pypedream.places import Place, cell_of, is_library
from pypedream.stage import Stage
from pypedream.store.functions import CALLABLES, innermost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RUNS: Final = ("run", "arun", "resume")
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@frozen
class Origin:
    """How a function or class is imported.

    Attributes
    ----------
    module
        Name of the module.
    path
        Where in the module it is: ``growth``, ``Model.fit``.
    file
        The user's file; None for a library.
    root
        The folder from which Python imports the module. None for a library, and when the file
        can only be loaded by its path.
    namespace
        What the module holds.
    """

    module: str
    path: str
    file: Path | None = None
    root: Path | None = None
    namespace: Mapping[str, Any] = field(factory=dict, repr=False, eq=False)


@define(eq=False)
class Call:
    """A function that has an origin, or none, with what it is called with beside its inputs.

    Attributes
    ----------
    first
        Values to be given by position, before all others, and what each is called.
    keywords
        Values to be given by name, unless an input has the name.
    """

    function: Any
    origin: Origin | None
    first: list[tuple[str, Any]] = Factory(list)
    keywords: dict[str, Any] = Factory(dict)


def call_of(function: Any) -> Call:
    """Take partials and bound methods apart until something is left that can be imported."""
    call = Call(function, origin_of(function))
    while call.origin is None:
        inner = call.function
        if isinstance(inner, partial):
            given = [(f"argument_{at}", one) for at, one in enumerate(inner.args, 1)]
            call.first[:0] = given
            call.keywords = {**inner.keywords, **call.keywords}
            call.function = inner.func
        elif isinstance(inner, MethodType) and not isinstance(inner.__self__, type):
            call.first.insert(0, (type(inner.__self__).__name__.lower(), inner.__self__))
            call.function = inner.__func__
        elif not isinstance(inner, CALLABLES):
            call.first.insert(0, (type(inner).__name__.lower(), inner))
            call.function = type(inner).__call__
        else:
            break
        call.origin = origin_of(call.function)
    return call


def origin_of(value: Any) -> Origin | None:
    """Find where *value* is imported from; None for what is written in a notebook or function."""
    name = getattr(value, "__module__", None)
    if not isinstance(name, str):
        name = getattr(getattr(value, "__self__", None), "__name__", None)
    inner = innermost(value)
    if name == "__main__":
        return _of_main(value, inner)
    module = sys.modules.get(str(name))
    path = None if module is None else _path_in(vars(module), value)
    if module is None or path is None:
        return None
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        is_built_in = str(name) in sys.builtin_module_names
        return Origin(str(name), path) if is_built_in else None
    if is_library(file):
        return Origin(str(name), path)
    return _in_file(str(name), path, Path(file), vars(module))


def _of_main(value: Any, inner: Any) -> Origin | None:
    main = vars(sys.modules["__main__"])
    is_function = isinstance(inner, FunctionType)
    file = inner.__code__.co_filename if is_function else main.get("__file__")
    namespace = inner.__globals__ if is_function else main
    path = _path_in(namespace, value)
    if path is None or not isinstance(file, str) or cell_of(file) is not None:
        return None
    if not Path(file).is_file():
        return None
    spec = namespace.get("__spec__")  # of a module that was started by its name
    name = spec.name if spec is not None else Path(file).stem
    return _in_file(name, path, Path(file).absolute(), namespace)


def _in_file(name: str, path: str, file: Path, namespace: Mapping[str, Any]) -> Origin:
    parts = name.split(".")
    if file.name == "__init__.py":
        parts.append("__init__")
    root = file.parents[len(parts) - 1] if len(parts) <= len(file.parents) else file.parent
    fits = root.joinpath(*parts).with_suffix(".py") == file if parts[-1] == file.stem else False
    is_name = all(part.isidentifier() and not iskeyword(part) for part in parts)
    is_free = parts[0] not in sys.stdlib_module_names
    is_found = fits and is_name and is_free
    return Origin(name, path, file, root if is_found else None, namespace)


def _path_in(namespace: Mapping[str, Any], value: Any) -> str | None:
    """Return the names that lead to *value*, first the one that it was defined under."""
    qualified = getattr(value, "__qualname__", None)
    if isinstance(qualified, str) and "<" not in qualified:
        for tail in ("", "function", "__wrapped__"):
            found = _found(namespace, qualified, tail)
            if found is not None and _is_same(found, value):
                return f"{qualified}.{tail}".rstrip(".")
    names = (name for name, each in namespace.items() if each is value and name[:1] != "_")
    return next(names, None)


def _found(namespace: Mapping[str, Any], qualified: str, tail: str) -> Any:
    first, *others = qualified.split(".")
    found = namespace.get(first)
    for name in others:
        found = getattr(found, name, None) if isinstance(found, type) else None
    if tail == "function":
        return found.function if isinstance(found, Stage) else None
    if tail and not isinstance(found, CALLABLES):
        return None
    return getattr(found, tail, None) if tail else found


def _is_same(found: Any, value: Any) -> bool:
    """Say whether a name leads to a function, or to what its file has in place of it by now."""
    if found is value or (isinstance(value, MethodType) and found == value):
        return True
    if not isinstance(found, FunctionType) or not isinstance(value, FunctionType):
        return False
    file = value.__code__.co_filename
    same_place = found.__code__.co_filename == file and found.__qualname__ == value.__qualname__
    return same_place and Path(file).is_file()


def check_imports(origins: Iterable[Origin]) -> None:
    """See that importing the files of the user does not run a pipeline.

    Raises
    ------
    ExportError
        If it does; the message names the line.
    """
    for origin in origins:
        if origin.file is not None:
            _check_import(origin, origin.file)


def _check_import(origin: Origin, file: Path) -> None:
    tree = ast.parse(file.read_bytes())
    name = origin.path.partition(".")[0]
    is_defined = False
    here = {frame.f_lineno for frame in _frames() if _is_module(frame, file)}
    for statement in tree.body:
        if isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test):
            if _defines(statement, name) and not is_defined:
                raise ExportError(
                    f'"{name}" is defined under if __name__ == "__main__": where a test cannot'
                    f" import it from: move it up ({Place(str(file), statement.lineno)})"
                )
            continue
        is_defined = is_defined or _defines(statement, name)
        lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        reached = next((line for line in here if line in lines), None)
        line = reached or _line_that_runs(statement, origin.namespace)
        if line is not None:
            place = Place(str(file), line)
            raise ExportError(
                f"{place} runs the pipeline when its file is imported, as a test does: put that"
                ' under if __name__ == "__main__":'
            )


def _defines(statement: ast.stmt, name: str) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, _DEFINITIONS) and node.name == name:
            return True
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
    return False


def _frames() -> Iterator[Any]:
    frame: Any = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_module(frame: Any, file: Path) -> bool:
    is_top = frame.f_code.co_name == "<module>"
    return is_top and Path(frame.f_code.co_filename).absolute() == file


def _line_that_runs(statement: ast.stmt, namespace: Mapping[str, Any]) -> int | None:
    """Return the line of a statement that runs a pipeline, and not only defines what does."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            held = namespace.get(owner.id) if isinstance(owner, ast.Name) else None
            if node.func.attr in _RUNS and type(held).__module__ == "pypedream.pipeline":
                return node.lineno
        waiting.extend(ast.iter_child_nodes(node))
    return None
