"""What a declared type says: its members, its choices, its name, and how its values read as text.

Nothing here looks at a value, except `inferred`, which finds the type that a default stands for.
"""

from __future__ import annotations

from collections import abc
from enum import Enum, EnumMeta
from types import GenericAlias, NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pypedream.parameters.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

UNIONS: Final = (Union, UnionType)
_CONTAINERS: Final[dict[Any, type]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    dict: dict,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Collection: list,
    abc.Iterable: list,
    abc.Set: set,
    abc.MutableSet: set,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
}
SIMPLE: Final = (bool, int, float, complex, str)


def plain(annotation: Any) -> Any:
    """Return *annotation* without what is written around a type: Annotated, Final, aliases."""
    while True:
        if get_origin(annotation) in (Annotated, Final):
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):  # typing.NewType
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif annotation is Any:
            return object
        else:
            return NoneType if annotation is None else annotation


def arms(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one type that *annotation* is.

    Examples
    --------
    >>> arms(int | None)
    (<class 'int'>, <class 'NoneType'>)
    """
    kind = plain(annotation)
    if get_origin(kind) not in UNIONS:
        return (kind,)
    return tuple(arm for member in get_args(kind) for arm in arms(member))


def container_of(annotation: Any) -> type | None:
    """Return the builtin container that values of a container type are made as, or None."""
    kind = get_origin(annotation) or annotation
    return _CONTAINERS.get(kind) if isinstance(kind, type) else None


def member_types(annotation: Any, count: int) -> tuple[Any, ...]:
    """Return the types of the members of a list, set or tuple type that has *count* of them.

    Examples
    --------
    >>> member_types(list[int], 2), member_types(tuple[int, str], 3)
    ((<class 'int'>, <class 'int'>), (<class 'int'>, <class 'str'>))
    """
    arguments = get_args(annotation)
    if container_of(annotation) is tuple and arguments and arguments[-1] is not ...:
        return arguments
    return (arguments[0] if arguments else object,) * count


def text_form(kind: Any) -> Callable[[str], Any] | None:
    """Return what makes a value of *kind* from its usual text, if *kind* has one.

    Examples
    --------
    >>> from datetime import date
    >>> text_form(date)("2026-01-31")
    datetime.date(2026, 1, 31)
    """
    home = home_of(kind)
    if home == "datetime":
        form: Callable[[str], Any] | None = getattr(kind, "fromisoformat", None)
        return form
    return kind if home in ("decimal", "fractions", "pathlib", "uuid") else None


def has_text_form(annotation: Any) -> bool:
    """Say whether files write values of this type as a text or a list that it is made from."""
    kind = plain(annotation)
    is_other = container_of(kind) in (tuple, set, frozenset)
    return is_other or isinstance(kind, EnumMeta) or text_form(kind) is not None


def is_config_class(kind: Any) -> bool:
    """Say whether *kind* is an attrs class, a dataclass or a pydantic model."""
    return isinstance(kind, type) and (
        hasattr(kind, "__attrs_attrs__") or hasattr(kind, "__dataclass_fields__") or is_model(kind)
    )


def is_model(kind: type) -> bool:
    """Say whether *kind* is a pydantic model."""
    return hasattr(kind, "__pydantic_decorators__") and hasattr(kind, "model_fields")


def mentions_secret(annotation: Any) -> bool:
    """Say whether a value of this type holds a secret somewhere."""
    kind = plain(annotation)
    return Secret in (kind, get_origin(kind)) or any(map(mentions_secret, get_args(kind)))


def choices_of(annotation: Any) -> tuple[Any, ...] | None:
    """Return the values that a Literal or an Enum allows; None for any other type."""
    kinds = [kind for kind in arms(annotation) if kind is not NoneType]
    if len(kinds) == 1 and get_origin(kinds[0]) is Literal:
        return get_args(kinds[0])
    if len(kinds) == 1 and isinstance(kinds[0], EnumMeta):
        return tuple(kinds[0])
    return None


def inferred(default: Any) -> Any:
    """Return the type that text is read as when all that is known is a default; None: any.

    Examples
    --------
    >>> inferred([1, 2])
    list[int]
    """
    default = unboxed(default)
    kind = type(default)
    if container_of(kind) is not None:
        members = default.values() if kind is dict else default
        kinds = {type(member) for member in members}
        if kind is dict or len(kinds) != 1 or not kinds <= set(SIMPLE):
            return kind
        return GenericAlias(kind, (*kinds, ...) if kind is tuple else (*kinds,))
    if text_form(kind) is not None:
        # a path is declared as Path, whatever the system makes of it
        return kind.__base__ if kind.__name__.startswith(("Posix", "Windows")) else kind
    return kind if kind in SIMPLE or isinstance(default, Enum) else None


def name_of(annotation: Any) -> str:
    """Return a type as a user would write it.

    Examples
    --------
    >>> name_of(dict[str, int | None])
    'dict[str, int | None]'
    """
    kind = plain(annotation)
    if kind in (NoneType, object):
        return "None" if kind is NoneType else "any"
    if get_origin(kind) in UNIONS:
        return " | ".join(map(name_of, get_args(kind)))
    if get_origin(kind) is Literal:
        return f"Literal[{', '.join(map(repr, get_args(kind)))}]"
    if get_args(kind):
        arguments = ", ".join("..." if each is ... else name_of(each) for each in get_args(kind))
        return f"{name_of(get_origin(kind))}[{arguments}]"
    return getattr(kind, "__name__", None) or str(kind).replace("typing.", "")


def home_of(kind: Any) -> str:
    """Return the module that a class is from, without loading it: pathlib moves about."""
    return str(getattr(kind, "__module__", "")).partition(".")[0]


def unboxed(value: Any) -> Any:
    """Return a numpy scalar as the number, text or truth value that it stands for."""
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if is_scalar else value
