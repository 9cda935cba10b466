"""What a class declares of a field, whatever made the class: attrs, dataclasses or pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@frozen(eq=False, repr=False)
class Field:
    """One field that its class takes.

    Attributes
    ----------
    name
        Its parameter's.
    attribute, argument
        What an instance and the class call it.
    annotation
        Its type, as declared.
    default
        Makes the default; None if there is none, or if others values decide on it.
    is_computed
        Whether the class computes the default from other values.
    has_converter
        Whether the class makes the value from what is given, so that no type is checked before.
    is_opened
        Whether the class takes a secret as it is and wraps it itself.
    metadata
        What else a `Parameter` can say.
    """

    name: str
    attribute: str
    annotation: Any
    default: Callable[[], Any] | None
    is_computed: bool
    has_converter: bool
    metadata: Mapping[str, Any]
    argument: str = ""
    is_opened: bool = False
