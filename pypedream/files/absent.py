"""Absent: None in the place of a value, given by a function whose annotations say something else.

Mostly a ``return`` is missing. JSON and YAML can write None, so no loader would say so.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

from pypedream.files.checks import can_be
from pypedream.files.reading import subject_of
from pypedream.files.report import Report
from pypedream.files.sides import RETURN, writes
from pypedream.parameters.annotations import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["refuse_absent"]


def refuse_absent(values: Mapping[str, Any], function: Callable[..., Any]) -> None:
    """Raise for outputs that are None and whose types cannot be.

    Raises
    ------
    TypeError
        With all of them.
    """
    subject = subject_of(function)
    if subject is None:
        return
    kinds = {side.name: side.kind for side in writes(subject, Report("", None), has_deps=True)}
    wrong = [
        _mistake(name, kinds[name])
        for name, value in values.items()
        if value is None and name in kinds and not can_be(NoneType, kinds[name])
    ]
    if wrong:
        raise TypeError("; ".join(wrong))


def _mistake(name: str, kind: Any) -> str:
    if name == RETURN:
        return f"it returned None, and its annotation says {name_of(kind)}"
    return f'it returned None for "{name}", and its annotation says {name_of(kind)}'
