"""Choices and bounds: whether a value obeys them, and how they read."""

from __future__ import annotations

from operator import gt, lt
from typing import TYPE_CHECKING, Any, get_origin

from pypedream.errors import ParameterError
from pypedream.parameters.accepting import listed, not_among
from pypedream.parameters.annotations import mentions_secret, name_of
from pypedream.parameters.secret import Secret
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pypedream.parameters.definition import Parameter


def obey(value: Any, definition: Parameter, *, is_hidden: bool) -> None:
    """Refuse a value, or one member of a value, that breaks a rule of *definition*.

    Raises
    ------
    ParameterError
        With the rest of a sentence that begins with the value: "is over the maximum 20".
    """
    choices = definition.choices
    if choices is not None and not is_among(value, choices):
        refusal = ParameterError("is not one of its choices")  # which may be secrets, too
        raise refusal if is_hidden else not_among(value, choices)
    _keep_off(value, definition.min, lt, "under the minimum")
    _keep_off(value, definition.max, gt, "over the maximum")


def is_among(value: Any, choices: Collection[Any] | None) -> bool:
    """Say whether *value* equals a choice; None is no choices."""
    try:
        return value in (choices or ())
    except (TypeError, ValueError):  # an array has no single truth value
        return False


def words(definition: Parameter, kind: Any) -> Iterator[str]:
    """Say what *definition*, whose values are of type *kind*, accepts: "int", "1 to 20"."""
    is_hidden = definition.secret or mentions_secret(kind)
    if definition.choices is not None and not is_hidden:
        yield f"one of {listed(definition.choices)}"
    else:
        yield name_of(object if kind is None else kind)
    if definition.secret and Secret not in (kind, get_origin(kind)):
        yield "secret"
    low, high = definition.min, definition.max
    if low is not None and high is not None:
        yield f"{short(low)} to {short(high)}"
    elif low is not None:
        yield f"at least {short(low)}"
    elif high is not None:
        yield f"at most {short(high)}"
    if definition.note:
        yield definition.note


def _keep_off(value: Any, limit: Any, beyond: Callable[[Any, Any], Any], where: str) -> None:
    if limit is None:
        return
    try:
        if beyond(value, limit):
            raise ParameterError(f"is {where} {short(limit)}")
        is_inside = value == limit or beyond(limit, value)  # a NaN is on neither side
    except TypeError:
        is_inside = False
    if not is_inside:
        raise ParameterError(f"cannot be compared with the limit {short(limit)}")
