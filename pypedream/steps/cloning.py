"""Cloning: a new step of the same configuration, with other values for some fields."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, MutableMapping, MutableSequence, MutableSet
from copy import copy, deepcopy
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from pypedream.names import did_you_mean, there_are
from pypedream.steps.kinds import Kind, aliases_of, fields_of, name_of

if TYPE_CHECKING:
    from pypedream.steps.step import Step

__all__ = ["cloned"]

S = TypeVar("S", bound="Step")

_MUTABLE = (MutableMapping, MutableSequence, MutableSet)


class _Fields(dict[str, Any]):
    """The fields of a step that is made anew, by name; it knows which class that was."""

    kind: type[BaseModel]


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
    for name in changes:
        if not isinstance(name, str):
            raise TypeError(
                f'clone takes names of fields, or paths such as "infra.mode", not {name!r}'
            )
    configuration = _configuration(step)
    for path, value in changes.items():
        configuration = _with(configuration, path.split("."), value, path)
    return type(step).model_validate(configuration)


def _configuration(value: Any, around: tuple[int, ...] = ()) -> Any:
    """Return what a value is made anew from: each step within it as a mapping of its fields.

    It is not what would be written to a file: that has other names for some fields, and may lack
    some.
    """
    kind = type(value)
    if isinstance(value, Kind):
        if id(value) in around:
            raise ValueError(f"{kind.__name__} contains itself: it cannot be cloned")
        around = (*around, id(value))
        own = {name: _configuration(each, around) for name, each in fields_of(value).items()}
        opened = _Fields({value.__pypedream_key__: name_of(kind), **own})
        opened.kind = kind
        return opened
    if kind in (list, tuple):
        return kind(_configuration(each, around) for each in value)
    if kind in (dict, OrderedDict):
        return kind((name, _configuration(each, around)) for name, each in value.items())
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return deepcopy(value)
    return copy(value) if isinstance(value, _MUTABLE) else value


def _with(within: Any, names: list[str], value: Any, path: str) -> Any:
    """Return a part of a configuration with another value at a place in it."""
    name, *rest = names
    if isinstance(within, BaseModel):
        return _model_with(within, names, value, path)
    if is_dataclass(within):
        within = {each.name: getattr(within, each.name) for each in fields(within) if each.init}
    place = _place(within, name, path, is_new=not rest)
    if rest:
        inner = within[place]
        value = _with({} if inner is None else inner, rest, value, path)
    if isinstance(within, tuple):
        return (*within[:place], value, *within[place + 1 :])
    within[place] = value
    return within


def _model_with(model: BaseModel, names: list[str], value: Any, path: str) -> BaseModel:
    """Return a model that is no step with another value, made as its class wants to be made."""
    kind = type(model)
    opened = _Fields(fields_of(model))
    opened.kind = kind
    changed: dict[str, Any] = _with(opened, names, value, path)
    ways: dict[str, str] = {}
    for alias, name in aliases_of(kind).items():
        ways.setdefault(name, alias)
    return kind.model_validate({ways.get(name, name): each for name, each in changed.items()})


def _place(within: Any, name: str, path: str, *, is_new: bool) -> Any:
    """Return the key or number by which a part of a configuration is found."""
    if isinstance(within, _Fields) and name not in within:
        name = aliases_of(within.kind).get(name, name)
    if isinstance(within, dict) and (is_new or name in within):
        return name
    if isinstance(within, (list, tuple)) and name.lstrip("-").isdigit():
        place, count = int(name), len(within)
        if -count <= place < count:
            return place % count
    known = list(within) if isinstance(within, dict) else []
    near = did_you_mean(name, known) or (f"; {there_are(known)}" if known else "")
    raise ValueError(f'clone: there is no "{name}" on the way to "{path}"{near}')
