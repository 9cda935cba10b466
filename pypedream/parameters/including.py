"""One table of names taken into another, when a pipeline includes another pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
