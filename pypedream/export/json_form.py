"""A value as what JSON has for it, and what a parameter makes of that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime, time
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any

from attrs import NOTHING

from pypedream.errors import ParameterError
from pypedream.parameters.accepting import accept
from pypedream.parameters.annotations import (
    arms,
    container_of,
    has_text_form,
    home_of,
    is_config_class,
    is_model,
    member_types,
    plain,
    text_form,
    unboxed,
)

if TYPE_CHECKING:
    from pypedream.parameters import Parameter


class NotJson(TypeError):
    """A value that JSON has nothing for; the text says what it is or has in it."""


def json_form(value: Any) -> Any:
    """Return a value as JSON has it: a date as its text, a member of an Enum as its name.

    Sets become lists in an order that is the same in every process.

    Raises
    ------
    NotJson
        If JSON has nothing for it.

    Examples
    --------
    >>> from datetime import date
    >>> json_form({"since": date(2026, 1, 31), "years": (1990, 1991)})
    {'since': '2026-01-31', 'years': [1990, 1991]}
    """
    value = unboxed(value)
    if isinstance(value, Enum):
        return value.name
    if type(value) is float and not isfinite(value):
        raise NotJson(f"it has {value}")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {_key(key): json_form(each) for key, each in value.items()}
    if isinstance(value, Set):
        return sorted(map(json_form, value), key=lambda each: json.dumps(each, sort_keys=True))
    if type(value) in (list, tuple):
        return [json_form(each) for each in value]
    return _text(value)


def loaded(definition: Parameter, value: Any) -> Any:
    """Return what a parameter makes of a value of JSON, checked.

    JSON does not tell 2 from 2.0, and the forms of other systems give every moment a zone: a whole
    number is taken for a float, a float without a fraction for an int, and a moment with a zone is
    made one of UTC without where the default has none.

    Raises
    ------
    ParameterError
        If the value does not fit; one line that names parameter, value and rule.
    """
    kind = definition.read_as
    if kind is not None:
        value = _as_numbers(value, kind)
    found = definition.load(value)
    if definition.type is None and kind is not None and not has_text_form(kind):
        found = definition.check(_like_default(definition, found))
    return _without_zone(found, definition.default)


def _like_default(definition: Parameter, value: Any) -> Any:
    """Return a value as the type that the default stands for, where nobody declared one."""
    if definition.text_type is not None or value is None:
        return value
    try:
        return accept(value, definition.read_as)
    except ParameterError as error:
        shown = definition.masked(value, 60)
        like = "" if definition.default is NOTHING else f", like its default {definition.default!r}"
        raise ParameterError(f'parameter "{definition.name}": {shown} {error}{like}') from None


def _as_numbers(value: Any, annotation: Any) -> Any:
    """Return a value with floats in place of whole numbers where floats are wanted, and so on."""
    kinds = [plain(arm) for arm in arms(annotation)]
    if type(value) is float and int in kinds and float not in kinds and value.is_integer():
        return int(value)
    if type(value) is int and float in kinds and int not in kinds:
        return float(value)
    if type(value) is list:
        kind = next((each for each in kinds if container_of(each) not in (None, dict)), None)
        if kind is not None:
            members = member_types(kind, len(value))
            pairs = zip(value, members, strict=False)
            if len(members) == len(value):
                return [_as_numbers(*pair) for pair in pairs]
    return value


def _without_zone(value: Any, default: Any) -> Any:
    is_moment = isinstance(value, datetime) and isinstance(default, datetime)
    if is_moment and value.tzinfo is not None and default.tzinfo is None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _key(key: Any) -> str:
    if type(key) is not str:
        raise NotJson(f"it has the key {key!r}")
    return key


def _text(value: Any) -> Any:
    kind = type(value)
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if text_form(kind) is not None:
        return value.as_posix() if home_of(kind) == "pathlib" else str(value)
    if is_model(kind):
        return value.model_dump(mode="json", by_alias=True)
    if is_config_class(kind):
        return _fields(value)
    raise NotJson(f"it is or has a {kind.__module__}.{kind.__qualname__}")


def _fields(value: Any) -> dict[str, Any]:
    own = getattr(value, "__attrs_attrs__", None)
    if own is not None:
        named = {each.alias: getattr(value, each.name) for each in own if each.init}
    else:
        known = value.__dataclass_fields__.values()
        named = {each.name: getattr(value, each.name) for each in known if each.init}
    return {name: json_form(each) for name, each in named.items()}
