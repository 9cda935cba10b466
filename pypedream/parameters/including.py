"""One table of names taken into another, when a pipeline includes another pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from pypedream.errors import PipelineConfigError
from pypedream.parameters.groups import Group
from pypedream.parameters.table import Parameters
from pypedream.parameters.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.parameters.groups import Child


def with_parameters_of(own: Parameters, other: Parameters, prefix: str) -> Parameters:
    """Return *own* with all parameters of *other*, as a group called *prefix* if that is given.

    Without a prefix a name that both define is one parameter; it must be the same in both.

    Raises
    ------
    PipelineConfigError
        If a name means different things in both.
    """
    from toolz import keymap, merge

    theirs = other.root
    for part in reversed(prefix.split(".") if prefix else []):
        theirs = Group({part: theirs})
    full = _prefixed(prefix)
    return Parameters(
        _merged(own.root, theirs, ""),
        merge(keymap(full, other.given), own.given),
        merge(keymap(full, other.sources), own.sources),
    )


def with_group(own: Parameters, name: str, group: Group) -> Parameters:
    """Return *own* with a group of parameters under a dotted name.

    Raises
    ------
    PipelineConfigError
        If there is something of that name.
    """
    if name in own:
        raise PipelineConfigError(f'there is a parameter "{name}"')
    theirs: Group = group
    for part in reversed(name.split(".")):
        theirs = Group({part: theirs})
    defaults = Parameters(theirs).given
    return Parameters(_merged(own.root, theirs, ""), {**defaults, **own.given}, own.sources)


def without_group(own: Parameters, name: str) -> Parameters:
    """Return *own* without a group, and without the groups around it that are empty then."""
    from toolz import keyfilter

    def is_left(each: str) -> bool:
        return not each.startswith(f"{name}.")

    root = _without(own.root, name.split("."))
    return Parameters(root, keyfilter(is_left, own.given), keyfilter(is_left, own.sources))


def _without(group: Group, path: list[str]) -> Group:
    children, first = dict(group.children), path[0]
    child = children.pop(first)
    if path[1:] and isinstance(child, Group):
        inner = _without(child, path[1:])
        if inner.children:
            children[first] = inner
    return evolve(group, children=children)


def with_variables_of(own: Variables, other: Variables, prefix: str) -> Variables:
    """Return *own* with all variables of *other*, each with *prefix* and a dot before its name.

    Raises
    ------
    PipelineConfigError
        If a name is there already.
    """
    from toolz import keymap, merge

    theirs = keymap(_prefixed(prefix), other)
    _make_sure_apart("variable", own, theirs)
    return Variables(merge(own, theirs))


def _prefixed(prefix: str) -> Callable[[str], str]:
    """Return the function that gives a name its prefix."""
    return f"{prefix}.{{}}".format if prefix else str


def _merged(own: Group, other: Group, path: str) -> Group:
    children: dict[str, Child] = dict(own.children)
    for name, theirs in other.children.items():
        ours = children.get(name)
        if ours is None:
            children[name] = theirs
        elif isinstance(ours, Group) and isinstance(theirs, Group):
            children[name] = _merged(ours, theirs, f"{path}{name}.")
        elif ours != theirs:
            raise PipelineConfigError(
                f'parameter "{path}{name}" is defined differently in both pipelines:'
                " include the other one with a prefix"
            )
    return Group(children)


def _make_sure_apart(kind: str, own: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    for name in theirs:
        if name in own:
            raise PipelineConfigError(
                f'{kind} "{name}" is defined in both pipelines: include the other one with a prefix'
            )
