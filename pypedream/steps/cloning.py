"""Cloning: a new step of the same configuration, with other values for some fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from pypedream.steps.step import Step

__all__ = ["cloned"]

S = TypeVar("S", bound="Step")


def cloned(step: S, given: tuple[Mapping[str, Any], ...], keywords: Mapping[str, Any]) -> S:
    """Return a step like *step* with other values.

    Raises
    ------
    TypeError
        If there is more than one mapping, or a mapping and keywords.
    ValueError
        If a path leads nowhere, or the values do not fit.
    """
    if len(given) > 1 or (given and keywords):
        raise TypeError("clone takes one mapping of fields to values, or keywords")
    changes = given[0] if given else keywords
    if not isinstance(changes, Mapping):
        raise TypeError(f"clone takes a mapping of fields to values, not {changes!r}")
    configuration = step.model_dump()
    for path, value in changes.items():
        _put(configuration, path.split("."), value, path)
    return type(step).model_validate(configuration)


def _put(within: Any, names: list[str], value: Any, path: str) -> None:
    name, *rest = names
    if not rest:
        within[_place(within, name, path, is_new=True)] = value
        return
    place = _place(within, name, path, is_new=False)
    if within[place] is None:
        within[place] = {}
    _put(within[place], rest, value, path)


def _place(within: Any, name: str, path: str, *, is_new: bool) -> Any:
    """Return the key or number by which a part of a configuration is found."""
    if isinstance(within, dict) and (is_new or name in within):
        return name
    if isinstance(within, (list, tuple)) and name.lstrip("-").isdigit() and int(name) < len(within):
        return int(name)
    known = list(within) if isinstance(within, dict) else []
    near = did_you_mean(name, known) or (f"; {there_are(known)}" if known else "")
    raise ValueError(f'clone: there is no "{name}" on the way to "{path}"{near}')
