"""From names and defaults, as `Parameters.define` takes them, to a tree of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from attrs import NOTHING

from pypedream.errors import DefinitionError
from pypedream.parameters.annotations import is_config_class, plain
from pypedream.parameters.definition import Parameter
from pypedream.parameters.groups import Child, Group

if TYPE_CHECKING:
    from collections.abc import Iterable


def root_of(required: Iterable[str | Mapping[str, Any]], defaults: Mapping[str, Any]) -> Group:
    """Return the outermost group of what is defined.

    Parameters
    ----------
    required
        Names without a default, or mappings like *defaults*.
    defaults
        By name or dotted name: a default, a `Parameter`, or a dict for a group.

    Raises
    ------
    DefinitionError
        If a name is no name or is defined twice, or a default breaks its own rule.
    """
    root = Group({})
    for each in required:
        table = each if isinstance(each, Mapping) else {each: Parameter()}
        for name, default in table.items():
            _define(root, name, default)
    for name, default in defaults.items():
        _define(root, name, default)
    return root


def _define(root: Group, name: str, default: Any) -> None:
    _make_sure(name)
    if _is_group(default):
        for inner, value in default.items():
            _define(root, f"{name}.{inner}", value)
        return
    *outer, last = name.split(".")
    group = _group_at(root, outer, name)
    if last in group.children:
        raise DefinitionError(f'parameter "{name}" is defined twice')
    group.children[last] = _child(name, default)


def _child(name: str, default: Any) -> Child:
    definition = default if isinstance(default, Parameter) else Parameter(default=default)
    kind = plain(definition.type)
    if is_config_class(kind) and (
        definition.default is NOTHING or isinstance(definition.default, kind)
    ):
        from pypedream.parameters.typed import group_of

        return group_of(kind, f"{name}.", definition.default)
    return definition.named(name)


def _group_at(root: Group, path: list[str], name: str) -> Group:
    group = root
    for part in path:
        child = group.children.setdefault(part, Group({}))
        if not isinstance(child, Group) or child.cls is not None:
            raise DefinitionError(f'parameter "{name}" is within "{part}", which has a value')
        group = child
    return group


def _make_sure(name: object) -> None:
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        raise DefinitionError(
            f"{name!r} is no name of a parameter: use letters, digits and _, and dots for groups"
        )


def _is_group(default: object) -> TypeGuard[dict[str, Any]]:
    """Say whether a default is names with defaults; a dict with other keys is one value."""
    return (
        type(default) is dict
        and bool(default)
        and all(isinstance(key, str) and key.isidentifier() for key in default)
    )
