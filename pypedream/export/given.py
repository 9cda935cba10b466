"""What an exporter is given from Python: each argument in its one form, or why it is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, frozen

from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATHS: Final = ("path", "store", "project_root")
_WANTED: Final = {
    "path": 'a path, "dags/flow.py"',
    "store": 'a folder or a URL, "s3://bucket/co2"',
    "project_root": 'a folder, "."',
    "schedule": 'a text, "@daily" or "0 6 * * *"',
    "dag_id": 'a text, "co2"',
    "map_chunk": "a whole number, 10",
    "group_as_task": 'a prefix, "silver", or a list of them',
}


@frozen
class Given:
    """Arguments by name.

    Attributes
    ----------
    values
        Each in its one form; those that are wrong are left out.
    mistakes
        A line for each that is wrong.
    """

    values: Mapping[str, Any] = Factory(dict)
    mistakes: tuple[str, ...] = ()


def given_rightly(**arguments: Any) -> Given:
    """Return arguments as exporters have them; None is one that was not given.

    Examples
    --------
    >>> from pathlib import Path
    >>> given_rightly(store=Path("results"), map_chunk=2).values
    {'store': 'results', 'map_chunk': 2}
    >>> given_rightly(map_chunk="2").mistakes
    ("map_chunk='2': it has to be a whole number, 10",)
    """
    values: dict[str, Any] = {}
    mistakes = []
    for name, value in arguments.items():
        try:
            values[name] = _form(name, value)
        except TypeError:
            mistakes.append(f"{name}={said(value)}: it has to be {_WANTED[name]}")
    return Given(values, tuple(mistakes))


def _form(name: str, value: Any) -> Any:
    if value is None and name != "path":
        return None
    if name in _PATHS:
        return os.fsdecode(value)
    if name == "group_as_task":
        return _texts((value,) if isinstance(value, str) else tuple(value))
    kind = int if name == "map_chunk" else str
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError
    return value


def _texts(values: tuple[Any, ...]) -> tuple[str, ...]:
    if not all(isinstance(each, str) for each in values):
        raise TypeError
    return values
