"""From text to a value, by type: what the command line and the environment can say.

What cannot be read is refused like in `accepting`, by the rest of a sentence: "is not an int".
"""

from __future__ import annotations

from enum import EnumMeta
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, get_args, get_origin

from pypedream.errors import ParameterError
from pypedream.parameters.accepting import accept, make, not_a, not_among
from pypedream.parameters.annotations import (
    SIMPLE,
    UNIONS,
    arms,
    container_of,
    is_config_class,
    member_types,
    plain,
    text_form,
)
from pypedream.parameters.secret import Secret
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
_NONE: Final = ("none", "null", "")
_OPENINGS: Final = ("[", "{")


def read(text: str, annotation: Any = None) -> Any:
    """Return the value of type *annotation* that *text* stands for.

    Parameters
    ----------
    text
        As it was typed. Containers are JSON, or their members with commas between them.
    annotation
        None when nothing is known of the type: JSON if it can be read as such, else the text.

    Raises
    ------
    ParameterError
        If the text is nothing of this type.

    Examples
    --------
    >>> read("1, 2", list[int]), read("off", bool), read("none", int | None), read("[1, 2]")
    ([1, 2], False, None, [1, 2])
    """
    kind = plain(object if annotation is None else annotation)
    origin = get_origin(kind)
    if Secret in (kind, origin):
        return Secret(read(text, (*get_args(kind), str)[0]))
    if origin in UNIONS:
        return _read_arm(text, kind)
    if origin is Literal:
        return _read_choice(text, {str(choice): choice for choice in get_args(kind)})
    if container_of(kind) is not None:
        return _read_container(text, kind)
    is_class = origin is None and isinstance(kind, type)
    return _read_class(text, kind) if is_class else accept(_guessed(text), kind)


def _guessed(text: str) -> Any:
    """Return what *text* is as JSON, or the text itself: a word needs no quotes."""
    try:
        return _json(text)
    except ValueError:
        return text


def _json(text: str) -> Any:
    from json import loads  # 2 ms that only a run with text from outside needs

    return loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # so that a word such as NaN stays a word


def _read_arm(text: str, union: Any) -> Any:
    """Try the members in order, but str at last: it takes any text."""
    kinds = arms(union)
    if NoneType in kinds and text.strip().lower() in _NONE:
        return None
    refusals = []
    for kind in sorted((kind for kind in kinds if kind is not NoneType), key=_is_str):
        try:
            return read(text, kind)
        except ParameterError as error:
            refusals.append(error)
    raise refusals[0] if len(refusals) == 1 else not_a(union)


def _is_str(kind: Any) -> bool:
    return kind is str


def _read_choice(text: str, choices: dict[str, Any]) -> Any:
    if text in choices:
        return choices[text]
    raise not_among(text, list(dict.fromkeys(choices.values())))


def _read_container(text: str, kind: Any) -> Any:
    if text.lstrip().startswith(_OPENINGS):
        try:
            value = _json(text)
        except ValueError as error:
            raise ParameterError(f"is not JSON: {error}") from None
        return accept(value, kind)
    members = [member.strip() for member in text.split(",")] if text.strip() else []
    if container_of(kind) is dict:
        return accept(dict(_read_pair(member, kind) for member in members), kind)
    arguments = member_types(kind, len(members))
    if len(arguments) != len(members):
        raise ParameterError(f"has {len(members)} items in place of {len(arguments)}")
    pairs = zip(members, arguments, strict=True)
    return accept([_read_member(*pair) for pair in pairs], kind)


def _read_pair(text: str, kind: Any) -> tuple[Any, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise ParameterError("is not JSON and not of the form key=value,key=value")
    for_key, for_value = get_args(kind) or (str, None)
    return _read_member(key.strip(), for_key), _read_member(value.strip(), for_value)


def _read_member(text: str, annotation: Any) -> Any:
    try:
        return read(text, annotation)
    except ParameterError as error:
        raise ParameterError(f"does not fit: {short(text, 40)} {error}") from None


def _read_class(text: str, kind: type) -> Any:
    if kind in SIMPLE:
        return _read_simple(text, kind)
    if isinstance(kind, EnumMeta):
        return _read_enum(text, kind)
    if kind is object or is_config_class(kind):
        return accept(_guessed(text), kind)
    form: Callable[[str], Any] = text_form(kind) or kind
    return accept(make(form, text, kind), kind)


def _read_simple(text: str, kind: type) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.strip().lower() not in _WORDS:
            raise ParameterError("is not true or false (nor yes, no, on, off, 1, 0)")
        return _WORDS[text.strip().lower()]
    return make(kind, text, kind)


def _read_enum(text: str, kind: EnumMeta) -> Any:
    members: Iterable[Any] = kind
    by_value = {str(member.value): member for member in members}
    return _read_choice(text, {**by_value, **kind.__members__})
