"""What counts of a class beside its methods: its names, its constants, its fields."""

from __future__ import annotations

from typing import Any, Final

from pypedream.store.encoding import name_of
from pypedream.store.fields import fields_of_class
from pypedream.store.functions import BUILTIN

_PRIVATE: Final = (
    "_abc_",
    "_member_",
    "_value2member",
    "_unhashable_",
    "_hashable_",
    "__pydantic_",
)
_DESCRIPTORS: Final = ("member_descriptor", "getset_descriptor", "wrapper_descriptor")


def is_data(owner: type, name: str, content: Any) -> bool:
    """Say whether an attribute of a class is a constant that a person wrote."""
    if name[:2] == "__" == name[-2:] or name.startswith(_PRIVATE) or isinstance(content, owner):
        return False
    return type(content).__name__ not in _DESCRIPTORS and not isinstance(content, BUILTIN)


def names_of(value: Any) -> list[str]:
    """Return the names in a class, without those that Python or a decorator adds."""
    return sorted(name for name in vars(value) if name[:2] != "__" and not name.startswith("_abc_"))


def declared(value: Any) -> Any:
    """Return what a class says of its fields, whatever declared them."""
    if "__attrs_attrs__" in vars(value):
        return [
            (each.name, each.default, each.init, each.kw_only, each.converter, each.validator)
            for each in value.__attrs_attrs__
        ]
    if "__dataclass_fields__" in vars(value):
        from dataclasses import MISSING, fields

        kept = [(each.name, each.default, each.default_factory) for each in fields(value)]
        plain = [tuple("" if part is MISSING else part for part in each) for each in kept]
        return plain, str(value.__dataclass_params__)
    if "__pydantic_fields__" in vars(value):
        return {
            name: (_annotation(each.annotation), each.default, each.default_factory)
            for name, each in value.__pydantic_fields__.items()
        }
    if "_member_map_" in vars(value):
        return {name: member._value_ for name, member in value._member_map_.items()}
    if "_field_defaults" in vars(value):
        return fields_of_class(value), value._field_defaults
    return None


def _annotation(annotation: Any) -> str:
    return name_of(annotation) if isinstance(annotation, type) else str(annotation)
