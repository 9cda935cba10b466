"""What an object keeps: the contents of its attributes and slots, read without running its code.

What was only computed once and kept is left out: cached properties, attributes with "cache" in
their name, and those that a library is known to fill in. Reading an object fills them in, and
nobody would call that a change.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from types import MemberDescriptorType
from typing import Any, Final

from attrs import frozen

# What methods of a library keep in their object while they only tell something of it.
_FILLED_IN: Final = {
    "statsmodels": frozenset(
        {
            "_nobs_int",
            "_tmp_like_exog",
            "_wexog_xprod",
            "diagn",
            "het_scale",
            "n_groups",
            "predict_dates",
            "predict_end",
            "predict_start",
        }
    )
}


@frozen(eq=False, repr=False)
class Layout:
    """Where instances of a class keep their fields: beside ``__dict__`` there may be slots."""

    slots: dict[str, Any]
    skipped: frozenset[str]


def layout_of(kind: type) -> Layout:
    """Find out where instances of a class keep their fields."""
    declared = [each.name for each in getattr(kind, "__attrs_attrs__", ())]

    def is_slot(name: str, attribute: object) -> bool:
        is_wanted = not declared or name in declared  # attrs keeps cached properties in slots, too
        return is_wanted and isinstance(attribute, MemberDescriptorType)

    slots: dict[str, Any] = {}
    skipped: set[str] = set()
    for base in kind.__mro__:
        home = str(base.__module__).partition(".")[0]
        is_builtin = home in sys.stdlib_module_names
        skipped |= _FILLED_IN.get(home, frozenset())
        for name, attribute in vars(base).items():
            if type(attribute).__name__ == "cached_property":
                skipped.add(name)
            elif is_slot(name, attribute) and not is_builtin:
                slots.setdefault(name, attribute)
    return Layout(slots, frozenset(skipped))


def fields_of(value: Any, layout: Layout | None = None) -> dict[str, Any]:
    """Return what an object keeps, by name.

    Parameters
    ----------
    value
        Any object.
    layout
        The layout of its class, if it is known already.
    """
    layout = layout_of(type(value)) if layout is None else layout
    found: dict[str, Any] = {}
    for name, slot in layout.slots.items():
        with suppress(AttributeError):  # a slot that was never set
            found[name] = slot.__get__(value)
    with suppress(AttributeError):  # not every object has one
        found.update(object.__getattribute__(value, "__dict__"))
    return {
        name: content
        for name, content in found.items()
        if name not in layout.skipped and "cache" not in name.lower()
    }


def fields_of_class(kind: Any) -> list[str] | None:
    """Return the fields that a class declares, whatever declared them; None if it has none."""
    if hasattr(kind, "__attrs_attrs__"):
        return [each.name for each in kind.__attrs_attrs__]
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields

        return [each.name for each in fields(kind)]
    if hasattr(kind, "__pydantic_fields__"):
        return list(kind.__pydantic_fields__)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return list(kind._fields)
    return None
