"""Whether a value fits a declared type: as it is, or converted where that loses nothing.

What does not fit is refused by a ParameterError whose text is the rest of a sentence that begins
with the value: "is not an int". Files know no dates, paths or sets, so the text of a date is
accepted as a date and a list as a set. What cannot be checked (a TypeVar, a Protocol, the
arguments of a Callable) is accepted.
"""

from __future__ import annotations

from collections import abc
from enum import Enum, EnumMeta
from os import PathLike
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pypedream.errors import ParameterError
from pypedream.names import did_you_mean
from pypedream.parameters.annotations import (
    SIMPLE,
    UNIONS,
    arms,
    container_of,
    home_of,
    is_config_class,
    member_types,
    name_of,
    plain,
    text_form,
    unboxed,
)
from pypedream.parameters.refusals import in_short
from pypedream.parameters.secret import Secret
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

_SHOWN_CHOICES = 8
_LONGEST_WORD = 80  # looking for the nearest choice takes time with the square of this


def accept(value: Any, annotation: Any) -> Any:
    """Return *value* as *annotation* has it.

    Raises
    ------
    ParameterError
        If it does not fit; the text is the rest of a sentence: "is not an int".

    Examples
    --------
    >>> accept(3, float)
    3.0
    >>> accept([1, 2, 2], set[int])
    {1, 2}
    """
    kind = plain(annotation)
    origin = get_origin(kind)
    if kind is Secret or origin is Secret:
        return Secret(accept(_revealed(value), (*get_args(kind), Any)[0]))
    if origin in UNIONS:
        return _accept_arm(value, kind)
    if origin is Literal:
        return _accept_literal(unboxed(value), get_args(kind))
    if container_of(kind) is not None:
        return _accept_container(value, kind)
    expected = kind if isinstance(kind, type) else origin
    return _accept_class(value, expected) if isinstance(expected, type) else value


def not_a(annotation: Any) -> ParameterError:
    """Return the refusal that says which type was wanted."""
    name = name_of(annotation)
    article = "an" if name[0].lower() in "aeiou" else "a"
    example = {"date": " such as 2026-01-31", "datetime": " such as 2026-01-31T12:00"}
    return ParameterError(f"is not {article} {name}{example.get(name, '')}")


def not_among(value: Any, choices: Collection[Any]) -> ParameterError:
    """Return the refusal that lists the choices and names the nearest one."""
    is_word = isinstance(value, str) and len(value) <= _LONGEST_WORD
    near = did_you_mean(value, map(_choice_text, choices)) if is_word else ""
    return ParameterError(f"is not one of {listed(choices)}{near}")


def listed(choices: Collection[Any]) -> str:
    """Return choices as a user would type them, at most eight."""
    texts = [_choice_text(choice) for choice in choices]
    more = len(texts) - _SHOWN_CHOICES
    return ", ".join(texts[:_SHOWN_CHOICES]) + (f", ... {more} more" if more > 0 else "")


def _choice_text(choice: Any) -> str:
    if isinstance(choice, Enum):
        return choice.name
    return choice if isinstance(choice, str) else short(choice)


def _accept_arm(value: Any, union: Any) -> Any:
    """Prefer the member that takes the value as it is to one that has to convert it."""
    converted, refusals = [], []
    for arm in arms(union):
        try:
            accepted = accept(value, arm)
        except ParameterError as error:
            refusals += [error] if arm is not NoneType else []
            continue
        if accepted is value:
            return value
        converted.append(accepted)
    if converted:
        return converted[0]
    raise refusals[0] if len(refusals) == 1 else not_a(union)


def _accept_literal(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if type(choice) is type(value) and choice == value:  # True is not 1 here
            return choice
    raise not_among(value, choices)


def _accept_container(value: Any, kind: Any) -> Any:
    origin, target = get_origin(kind) or kind, container_of(kind)
    assert target is not None
    if not _is_like(value, origin, target):
        raise not_a(kind)
    if not isinstance(value, abc.Collection):
        return value  # looking into an iterator would use it up
    members: Collection[Any] | None
    if isinstance(value, abc.Mapping):
        members = _accept_items(value, kind)
    else:
        members = _accept_members(value, kind)
    if members is None and isinstance(value, origin):
        return value
    return make(target, value if members is None else members, kind)


def _is_like(value: Any, origin: type, target: type) -> bool:
    if target is dict:
        return isinstance(value, abc.Mapping)
    if isinstance(value, (str, bytes, bytearray, abc.Mapping)):
        return False
    if issubclass(target, (set, frozenset)) and isinstance(value, abc.Set):
        return True
    return isinstance(value, (origin, list, tuple))


def _accept_members(value: Collection[Any], kind: Any) -> list[Any] | None:
    """Return the members as accepted, or None if each of them stays as it is."""
    kinds = member_types(kind, len(value))
    if len(kinds) != len(value):
        raise ParameterError(f"has {len(value)} items in place of {len(kinds)}")
    pairs = list(zip(value, kinds, strict=True))
    if all(each is object or type(member) is each for member, each in pairs):
        return None
    accepted = [_accept_member(*pair, f"item {n}") for n, pair in enumerate(pairs, 1)]
    is_same = all(new is old for new, old in zip(accepted, value, strict=True))
    return None if is_same else accepted


def _accept_items(value: abc.Mapping[Any, Any], kind: Any) -> dict[Any, Any] | None:
    if not get_args(kind):
        return None
    for_key, for_value = get_args(kind)
    accepted = {}
    for key, member in value.items():
        new_key = _accept_member(key, for_key, "key")
        accepted[new_key] = _accept_member(member, for_value, f"item {short(key, 40)}")
    is_same = all(accepted.get(key) is member for key, member in value.items())
    return None if is_same else accepted


def _accept_member(member: Any, annotation: Any, what: str) -> Any:
    try:
        return accept(member, annotation)
    except ParameterError as error:
        raise ParameterError(f"does not fit: {what} ({short(member, 40)}) {error}") from None


def _accept_class(value: Any, kind: type) -> Any:
    if kind in SIMPLE:
        return _accept_simple(unboxed(value), kind)
    try:
        if isinstance(value, kind):
            return value
    except TypeError:  # a Protocol or a TypedDict
        return value
    if isinstance(kind, EnumMeta):
        return _accept_enum(value, kind)
    form = text_form(kind)
    if form is not None and _has_text(value, kind):
        return make(form, str(value), kind)
    if is_config_class(kind) and isinstance(value, abc.Mapping):
        return _accept_fields(value, kind)
    raise not_a(kind)


def make(form: Callable[[Any], Any], source: Any, kind: Any) -> Any:
    """Return what *form* makes of *source*; a refusal that names *kind* if it cannot."""
    try:
        return form(source)
    except (ValueError, TypeError, ArithmeticError):  # decimal raises an ArithmeticError
        raise not_a(kind) from None


def _accept_simple(value: Any, kind: type) -> Any:
    is_bool = isinstance(value, bool)
    if isinstance(value, kind) and is_bool == (kind is bool):
        return value
    wider: tuple[type, ...] = {float: (int,), complex: (int, float)}.get(kind, ())
    if isinstance(value, wider) and not is_bool:
        return make(kind, value, kind)
    raise not_a(kind)


def _accept_enum(value: Any, kind: EnumMeta) -> Any:
    """Take a member by its name or its value; a name wins."""
    if isinstance(value, str) and value in kind.__members__:
        return kind.__members__[value]
    members: Iterable[Any] = kind
    for member in members:
        if type(member.value) is type(value) and member.value == value:
            return member
    raise not_among(value, list(members))


def _accept_fields(value: abc.Mapping[str, Any], kind: type) -> Any:
    try:
        return kind(**value)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"makes no {kind.__name__}: {in_short(error)}") from error


def _has_text(value: Any, kind: type) -> bool:
    """Say whether the text of *value* is exact enough to make a *kind* of it."""
    home = home_of(kind)
    if home in ("decimal", "fractions"):
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if home == "pathlib":
        return isinstance(value, (str, PathLike))
    return isinstance(value, str) or (home == "datetime" == type(value).__module__)


def _revealed(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value
