"""Where values come from besides Python code: the environment and files."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pypedream.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pypedream.parameters.definition import Parameter

PREFIX = "PYPEDREAM_PARAM_"


def in_environment(
    environ: Mapping[str, str], definitions: Mapping[str, Parameter], names: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    """Find what the environment sets: dotted name, text and variable.

    A variable of a parameter's own comes before ``PYPEDREAM_PARAM_<NAME>``, which then wins. A
    variable with that prefix and no known name gives the name that it seems to mean.
    """
    for name, definition in definitions.items():
        if definition.env is not None and definition.env in environ:
            yield name, environ[definition.env], definition.env
    found = [variable for variable in environ if variable[: len(PREFIX)].upper() == PREFIX]
    if not found:
        return
    by_variable = {name.upper().replace(".", "__"): name for name in names}
    for variable in found:
        key = variable[len(PREFIX) :].upper()
        name = by_variable.get(key, key.lower().replace("__", "."))
        yield name, environ[variable], variable


def read_file(path: str | os.PathLike[str]) -> Mapping[Any, Any]:
    """Read a file of values: .toml, .json, .yaml or .yml, in UTF-8.

    Raises
    ------
    ParameterError
        If it cannot be read, with the line where its parser stopped.
    MissingExtra
        If it is YAML and PyYAML is not installed.
    """
    shown = os.fspath(path)
    suffix = os.path.splitext(shown)[1].lower()
    if suffix not in _READERS:
        raise ParameterError(f"{shown}: parameters are read from .toml, .json, .yaml and .yml")
    try:
        with open(path, encoding="utf-8-sig") as file:  # editors on Windows write a mark first
            text = file.read()
    except OSError as error:
        raise ParameterError(f"{shown}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ParameterError(f"{shown}: is not UTF-8 text") from error
    values = _READERS[suffix](text, shown)
    if not isinstance(values, dict):
        raise ParameterError(f"{shown}: holds no names with values")
    return values


def _toml(text: str, path: str) -> Any:
    from tomllib import TOMLDecodeError, loads

    try:
        return loads(text)
    except TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", where)
        raise _broken(path, line and line[1], what) from None


def _json(text: str, path: str) -> Any:
    from json import JSONDecodeError, loads

    try:
        return loads(text)
    except JSONDecodeError as error:
        raise _broken(path, error.lineno, error.msg) from None


def _yaml(text: str, path: str) -> Any:
    from pypedream._extras import need

    yaml = need("yaml", extra="yaml", for_=path)
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise _broken(path, mark and mark.line + 1, what) from None


def _broken(path: str, line: object, what: str) -> ParameterError:
    return ParameterError(f"{path}{f':{line}' if line else ''}: {' '.join(what.split())}")


_READERS: dict[str, Callable[[str, str], Any]] = {
    ".json": _json,
    ".toml": _toml,
    ".yaml": _yaml,
    ".yml": _yaml,
}
