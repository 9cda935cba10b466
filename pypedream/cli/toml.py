"""Parameters as a TOML file to start from: what ``--params`` reads, with a comment for each."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import Enum
from os import PathLike
from typing import TYPE_CHECKING, Any

from toolz import groupby

from pypedream.parameters.secret import Secret
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.parameters import Parameter, Parameters


def toml_lines(parameters: Parameters) -> Iterator[str]:
    """Return the lines of a file that sets all parameters to what they are.

    What has no value, is secret or cannot be written as TOML stands there as a comment.
    """
    tables = groupby(lambda one: one.name.rpartition(".")[0], parameters.definitions.values())
    is_first = True
    for table, definitions in sorted(tables.items(), key=lambda item: item[0] != ""):
        if table:
            yield from ([] if is_first else [""])
            yield f"[{'.'.join(map(_key, table.split('.')))}]"
        for definition in definitions:
            yield from ([] if is_first or table else [""])
            yield from _entry(parameters, definition)
            is_first = False


def _entry(parameters: Parameters, definition: Parameter) -> Iterator[str]:
    yield "# " + "; ".join(part for part in (definition.help, definition.rules) if part)
    key = _key(definition.name.rpartition(".")[2])
    value = parameters.get(definition.name)
    if definition.secret or isinstance(value, Secret):
        yield f"# {key} = ...  a secret is better set by the environment"
        yield f"#   {definition.environment_name}"
    elif definition.name in parameters.missing:
        yield f"# {key} = ...  has to be set"
    else:
        text = _written(value)
        yield f"{key} = {text}" if text is not None else f"# {key} = ...  now {short(value)}"


def _written(value: Any) -> str | None:
    """Return *value* as TOML; None when TOML has no form for it."""
    if isinstance(value, (Enum, str, PathLike)):
        return _text(value.name if isinstance(value, Enum) else str(value))
    if isinstance(value, (bool, int, float)):
        return repr(value).lower()
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, dict):
        pairs = {_key(str(name)): _written(member) for name, member in value.items()}
        return _joined("{}", [text and f"{name} = {text}" for name, text in pairs.items()])
    if isinstance(value, (list, tuple, set, frozenset)):
        return _joined("[]", [_written(member) for member in value])
    return None


def _joined(brackets: str, parts: list[str | None]) -> str | None:
    whole = [part for part in parts if part is not None]
    return f"{brackets[0]}{', '.join(whole)}{brackets[1]}" if len(whole) == len(parts) else None


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("-", "_").isidentifier()
    return name if is_bare else _text(name)


def _text(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
