"""What a name that stands for a value is written as: as the user wrote it, or as the value itself.

The user's own line is kept if it gives the value again when it is carried out now. It is not tried
if it does more than to make something of what it says: reading a file, asking the network, fitting
a model. What is neither is a reason not to write the module.
"""

from __future__ import annotations

import ast
import builtins
import os
import warnings
from collections.abc import Sized
from io import IOBase
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Final

from pypedream.errors import UnhashableInput
from pypedream.log.redaction import is_secret_name
from pypedream.store.values import hash_value
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.export.cells import Statement

_IMPURE: Final = frozenset(
    (
        *("__import__", "breakpoint", "compile", "eval", "exec", "exit", "globals", "help"),
        *("input", "locals", "next", "open", "print", "quit", "vars"),
    )
)
_READING: Final = frozenset(("fromfile", "fromregex", "genfromtxt", "load", "loadtxt", "memmap"))
_SETTING: Final = (ast.Assign, ast.AnnAssign, ast.If, ast.Pass)
_MADE: Final = "_pypedream_made"
_DOING: Final = frozenset(("fit", "open", "read"))
_MAKING: Final = frozenset(
    (
        *("_operator", "_thread", "abc", "attr", "attrs", "builtins", "collections", "copy"),
        *("dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "itertools"),
        *("genericpath", "logging", "math", "ntpath", "numpy", "operator", "pathlib"),
        *("posixpath", "pypedream", "re", "statistics", "string", "textwrap", "threading"),
        *("toolz", "types", "typing", "zoneinfo"),
    )
)
_REACHING_OUT: Final = frozenset(
    (
        *("_io", "asyncio", "concurrent", "ftplib", "http", "imaplib", "io", "mmap"),
        *("multiprocessing", "os", "paramiko", "shelve", "smtplib", "socket", "sqlite3", "ssl"),
        *("subprocess", "tempfile", "telnetlib", "urllib"),
    )
)
_PLAIN: Final = (bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset)


def assigned_expression(statement: Statement | None, name: str) -> ast.expr | None:
    """Return what a statement sets a name to, if it does that and nothing else."""
    node = None if statement is None else statement.node
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    is_only = len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name
    value: ast.expr | None = node.value if is_only else None  # type: ignore[union-attr]
    return value


def gives(expression: ast.expr, value: Any, namespace: Mapping[str, Any]) -> bool:
    """Say whether an expression makes a value again, without doing anything else."""
    if hasattr(value, "__next__") or not _only_makes(expression, namespace):
        return False
    if _is_of_pypedream(value):
        return True
    target = ast.Assign([ast.Name(_MADE, ast.Store())], expression)
    made = _carried_out(ast.fix_missing_locations(target), namespace).get(_MADE)
    return _is_same(made, value)


def sets(node: ast.stmt, values: Mapping[str, Any], namespace: Mapping[str, Any]) -> bool:
    """Say whether a statement gives names their values again: ``a, b = 1, 2``, or an ``if``."""
    if not isinstance(node, (ast.Assign, ast.If)) or not _only_makes(node, namespace):
        return False
    if not all(isinstance(each, _SETTING) for each in ast.walk(node) if isinstance(each, ast.stmt)):
        return False
    made = _carried_out(node, namespace)
    return all(name in made and _is_same(made[name], each) for name, each in values.items())


def sounds_secret(name: str, value: Any) -> bool:
    """Say whether a value under this name must not be shown."""
    return is_secret_name(name) and value is not None and type(value) not in (bool, int, float)


def why_not(value: Any) -> tuple[str, str]:
    """Return what a value is that cannot be written, and the way out."""
    kind = type(value)
    home = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    if isinstance(value, IOBase):
        return "is an open file", "open it in the stage that reads it"
    if isinstance(value, GeneratorType):
        return "is a generator, which is read only once", "make it in the stage that reads it"
    if home.startswith(("pandas.", "polars.", "pyarrow.", "xarray.")) or home == "numpy.ndarray":
        return f"is {said(value)} ({home})", "make it the result of a stage, or a parameter"
    if hasattr(value, "fit") or hasattr(value, "predict"):
        return f"is a model ({home})", "make it the result of a stage, or a parameter"
    if isinstance(value, _PLAIN):
        count = f" of {len(value)}" if isinstance(value, Sized) else ""
        return f"is a {kind.__name__}{count} that was computed", "make it the result of a stage"
    return f"is a value of type {home}", "make it in a stage, or make it a parameter"


def _carried_out(node: ast.stmt, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a line of the user's once more, beside the names of the session."""
    names = dict(namespace)
    try:
        code = compile(ast.Module([node], []), "<constant>", "exec", dont_inherit=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, names)  # noqa: S102
    except Exception:  # noqa: BLE001 - whatever it is, it does not give the value
        return {}
    return names


def _is_same(made: Any, value: Any) -> bool:
    return type(made) is type(value) and _mark(made) == _mark(value)


def _is_of_pypedream(value: Any) -> bool:
    """Say whether something describes a pipeline: its parameters, a stage, a table of stages."""
    members = value.values() if isinstance(value, dict) else value
    inside = members if isinstance(value, (dict, list, tuple)) else ()
    is_own = type(value).__module__.startswith("pypedream.")
    return is_own or any(type(each).__module__.startswith("pypedream.") for each in inside)


def _mark(value: Any) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return hash_value(value)
    except (UnhashableInput, RecursionError):
        return type(value)


def _only_makes(expression: ast.AST, namespace: Mapping[str, Any]) -> bool:
    for node in ast.walk(expression):
        if isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if isinstance(node, ast.Call) and not _is_making(node.func, namespace):
            return False
    return True


def _is_making(called: ast.expr, namespace: Mapping[str, Any]) -> bool:
    """Say whether to call this makes something and does nothing else."""
    if isinstance(called, ast.Attribute):
        before = called.value
        if isinstance(before, (ast.Constant, ast.JoinedStr)):  # "a b".split()
            return True
        if isinstance(before, ast.Call):
            return called.attr not in _DOING and _is_making(before.func, namespace)
    found = _looked_up(called, namespace)
    if isinstance(found, type):
        return found.__module__.partition(".")[0] not in _REACHING_OUT
    owner = getattr(found, "__self__", None)
    if isinstance(owner, _PLAIN) or owner is os.environ or found is os.getenv:
        return True  # what the environment says is not to be written down
    return callable(found) and _is_of_making_module(found)


def _is_of_making_module(function: Any) -> bool:
    name, owner = getattr(function, "__name__", ""), getattr(function, "__self__", None)
    if getattr(builtins, name, None) is function:
        return name not in _IMPURE
    holder = owner if isinstance(owner, type) else function
    home = str(getattr(holder, "__module__", None) or type(function).__module__)
    is_other = ".random" in home or name in _READING
    return not is_other and home.partition(".")[0] in _MAKING


def _looked_up(expression: ast.expr, namespace: Mapping[str, Any]) -> Any:
    chain = list(_chain(expression))
    if not chain:
        return None
    found = namespace.get(chain[0], getattr(builtins, chain[0], None))
    for name in chain[1:]:
        try:
            found = getattr(found, name)
        except Exception:  # noqa: BLE001 - a property may raise anything
            return None
    return found


def _chain(expression: ast.expr) -> Iterator[str]:
    """Give the names of ``a.b.c``, in this order; nothing for what is no such chain."""
    names: list[str] = []
    while isinstance(expression, ast.Attribute):
        names.insert(0, expression.attr)
        expression = expression.value
    if isinstance(expression, ast.Name):
        yield from (expression.id, *names)
