"""Parameters for people and for records: a text table, and plain data without what is secret."""

from __future__ import annotations

from collections.abc import Mapping, Set
from enum import Enum
from typing import TYPE_CHECKING, Any

from pypedream.parameters.annotations import is_config_class, is_model, text_form
from pypedream.parameters.copying import has_leaves_only
from pypedream.parameters.groups import Group
from pypedream.parameters.secret import MASK, Secret
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream.parameters.definition import Parameter

_VALUE_WIDTH = 40


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text in columns; the first row is the heading.

    Examples
    --------
    >>> print(table([("name", "value"), ("depth", "3")]))
    name   value
    depth  3
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def overview(
    definitions: Mapping[str, Parameter], values: Mapping[str, Any], source: Callable[[str], str]
) -> str:
    """Return a table of parameters with what they are set to, their rules and who set them."""
    rows = [("name", "value", "accepts", "source", "help")]
    for name, definition in definitions.items():
        shown = "(required)" if definition.is_required else "(computed)"
        if name in values:
            shown = definition.masked(values[name], _VALUE_WIDTH)
        rows.append((name, shown, definition.rules, source(name), definition.help))
    return table(rows)


def plain_data(value: Any) -> Any:
    """Return *value* as what JSON can hold, with ``***`` for a secret; the rest in short."""
    if isinstance(value, Secret):
        return MASK
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain_data(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, Set)):
        return list(value) if has_leaves_only(value) else [plain_data(one) for one in value]
    if isinstance(value, Enum):
        return value.name
    return str(value) if text_form(type(value)) is not None else short(value, 200)


def plain_group(group: Group, values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of a group as plain data, level by level; what is not set is left out."""
    data: dict[str, Any] = {}
    for name, child in group.children.items():
        dotted = prefix + name
        if isinstance(child, Group):
            data[name] = plain_group(child, values, f"{dotted}.")
        elif dotted in values:
            # a class may have taken the secret out of its wrapping
            is_bare = child.secret and values[dotted] is not None
            data[name] = MASK if is_bare else plain_data(values[dotted])
    return data


def secret_texts(value: Any) -> Iterator[str]:
    """Find the texts of all secrets in *value*: what must not appear in a log."""
    if isinstance(value, Secret):
        bare = value.reveal()
        yield str(bare)
        yield from _leaf_texts(bare)
    else:
        for member in _members(value):
            yield from secret_texts(member)


def _leaf_texts(bare: Any) -> Iterator[str]:
    is_list = isinstance(bare, (list, tuple, Set))
    for member in bare if is_list else _members(bare):
        yield str(member)
        yield from _leaf_texts(member)


def _members(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, (list, tuple, Set)):
        return [] if has_leaves_only(value) else list(value)
    if is_config_class(type(value)):
        return [getattr(value, name, None) for name in _field_names(type(value))]
    return []


def _field_names(cls: Any) -> list[str]:
    if hasattr(cls, "__attrs_attrs__"):
        return [each.name for each in cls.__attrs_attrs__]
    if is_model(cls):
        return list(cls.model_fields)
    return list(cls.__dataclass_fields__)
