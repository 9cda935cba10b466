"""Which of the objects in a module is the pipeline that is meant."""

from __future__ import annotations

import ast
from inspect import Parameter, signature
from typing import TYPE_CHECKING

from pypedream.cli.mistakes import Refused
from pypedream.names import did_you_mean, there_are
from pypedream.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from pypedream.cli.locate import Target


def chosen(module: ModuleType, target: Target) -> Pipeline:
    """Return the pipeline of *module* that *target* names, or the only one.

    Raises
    ------
    Refused
        If there is none, or more than one and no name.
    """
    found = {name: each for name, each in vars(module).items() if isinstance(each, Pipeline)}
    if target.name:
        return _named(module, target, found)
    names = _distinct(found)
    if len(names) > 1:
        imported = _imported_names(module)
        names = [name for name in names if name not in imported] or names
    if len(names) == 1:
        return found[names[0]]
    if not names:
        raise Refused(
            f"{target.shown} defines no pipeline: it needs a line such as"
            ' flow = pypedream.Pipeline("flow")'
        )
    choices = ", ".join(f"{target.shown}:{name}" for name in names)
    raise Refused(f"{target.shown} defines {len(names)} pipelines, name one of them: {choices}")


def _named(module: ModuleType, target: Target, found: dict[str, Pipeline]) -> Pipeline:
    if target.name.endswith("()"):
        return _made(module, target)
    if target.name in found:
        return found[target.name]
    others = f"; {there_are(found)}"
    if hasattr(module, target.name):
        kind = type(getattr(module, target.name)).__name__
        if kind == "function":
            others = f': write "{target.shown}:{target.name}()" if it makes one'
        raise Refused(f"{target.shown}:{target.name} is no Pipeline but of type {kind}{others}")
    near = did_you_mean(target.name, found) or others
    raise Refused(f'{target.shown} has no pipeline "{target.name}"{near}')


def _made(module: ModuleType, target: Target) -> Pipeline:
    """Return what a function makes that the user named."""
    name = target.name.removesuffix("()")
    maker = getattr(module, name, None)
    if not callable(maker):
        known = [each for each, value in vars(module).items() if callable(value)]
        near = did_you_mean(name, known) or "; it has to be at the top of the file"
        raise Refused(f'{target.shown} has no function "{name}"{near}')
    needed = _needed(maker)
    if needed:
        raise Refused(
            f'{target.shown}:{name}() needs "{needed}", and it is called without arguments: give'
            " that a default"
        )
    made = maker()
    if not isinstance(made, Pipeline):
        kind = type(made).__name__
        raise Refused(f"{target.shown}:{name}() returns no Pipeline but a value of type {kind}")
    return made


def _needed(maker: Callable[..., object]) -> str:
    """Return an argument without which a function cannot be called; "" if there is none."""
    try:
        arguments = signature(maker).parameters.values()
    except (TypeError, ValueError):  # it is none of Python's
        return ""
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    needed = (each for each in arguments if each.default is Parameter.empty)
    return next((each.name for each in needed if each.kind not in variadic), "")


def _distinct(found: dict[str, Pipeline]) -> list[str]:
    """Return one name for each pipeline, the first that it was given."""
    first = {id(each): name for name, each in reversed(found.items())}
    return [name for name in found if name in first.values()]


def _imported_names(module: ModuleType) -> set[str]:
    """Return what the module imports by name: pipelines from elsewhere are there to be included."""
    from pathlib import Path

    try:
        tree = ast.parse(Path(module.__file__ or "").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    imports = [each for each in tree.body if isinstance(each, ast.ImportFrom)]
    return {alias.asname or alias.name for each in imports for alias in each.names}
