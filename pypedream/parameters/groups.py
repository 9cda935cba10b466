"""Names that belong together, and how the value of the whole is made from its parts.

A group is a nested dict of `Parameters.define`, or an attrs class, a dataclass or a pydantic model.
Its value is made when all its parts have one. A class then has the last word: its converters may
change a part, and its validators or its ``__post_init__`` may refuse the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from attrs import NOTHING, Factory, frozen

from pypedream.errors import InvalidParameterException
from pypedream.names import did_you_mean
from pypedream.parameters.refusals import refusals
from pypedream.parameters.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.parameters.definition import Parameter

Child: TypeAlias = "Parameter | Group"


@frozen(eq=False, repr=False)
class Group:
    """One level of names.

    Attributes
    ----------
    children
        A `Parameter` or another group for each name, in order.
    cls
        The class whose fields these are; None for the entries of a dict.
    attributes
        Attributes of an instance that have another name than their parameter.
    arguments
        Arguments of the class that have another name than their parameter.
    opened
        Names of secrets that the class takes as they are.
    """

    children: dict[str, Child]
    cls: type | None = None
    attributes: dict[str, str] = Factory(dict)
    arguments: dict[str, str] = Factory(dict)
    opened: frozenset[str] = frozenset()

    def parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Walk over all parameters with their dotted names."""
        for name, child in self.children.items():
            if isinstance(child, Group):
                yield from child.parameters(f"{prefix}{name}.")
            else:
                yield prefix + name, child

    def groups(self, prefix: str = "") -> Iterator[tuple[str, Group]]:
        """Walk over all groups below this one with their dotted names."""
        for name, child in self.children.items():
            if isinstance(child, Group):
                yield prefix + name, child
                yield from child.groups(f"{prefix}{name}.")

    def parts_of(self, instance: Any) -> dict[str, Any]:
        """Return what an instance of the class holds, by name of the parameter."""
        return {name: getattr(instance, self.attributes.get(name, name)) for name in self.children}

    def settings_of(self, instance: Any) -> dict[str, Any]:
        """Return what an instance would be made from, by name of the parameter."""
        return {name: self._setting(name, each) for name, each in self.parts_of(instance).items()}

    def _setting(self, name: str, value: Any) -> Any:
        is_wrapped = name in self.opened and hasattr(value, "get_secret_value")
        return value.get_secret_value() if is_wrapped else value

    def arguments_of(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the class is called with."""
        return {
            self.arguments.get(name, name): _opened(value) if name in self.opened else value
            for name, value in parts.items()
        }


class Nested(dict[str, Any]):
    """The value of a group that is no class: a dict that cannot be changed, with attributes.

    Examples
    --------
    >>> model = Nested(depth=3)
    >>> model.depth, model == {"depth": 3}
    (3, True)
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            near = did_you_mean(name, self)
            raise InvalidParameterException(f'no parameter "{name}" here{near}') from None

    def __reduce__(self) -> tuple[type[Nested], tuple[dict[str, Any]]]:
        return type(self), (dict(self),)

    def _fixed(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("parameters are fixed while a run lasts: copy them with dict(...)")

    __setitem__ = __delitem__ = __setattr__ = __delattr__ = __ior__ = _fixed
    clear = pop = popitem = setdefault = update = _fixed


class Whole:
    """What is made of values: those of the parts, of the groups, and what was refused.

    Parameters
    ----------
    root
        The group of the outermost names.
    given
        What is known, by dotted name of the parameter, before a class sees it.

    Attributes
    ----------
    values
        Values by dotted name: of parameters, and of those groups that could be made.
    value
        The value of the root; NOTHING when a part is missing or refused.
    mistakes
        One line for each group whose class refused it.
    """

    __slots__ = ("_given", "mistakes", "value", "values")

    def __init__(self, root: Group, given: Mapping[str, Any]) -> None:
        self._given = given
        self.values: dict[str, Any] = {}
        self.mistakes: list[str] = []
        self.value = self._make(root, "")

    def _make(self, group: Group, path: str) -> Any:
        prefix = f"{path}." if path else ""
        parts: dict[str, Any] = {}
        is_complete = True
        for name, child in group.children.items():
            if isinstance(child, Group):
                value, is_optional = self._make(child, prefix + name), False
            else:
                value, is_optional = self._given.get(prefix + name, NOTHING), child.is_computed
            if value is not NOTHING:
                parts[name] = self.values[prefix + name] = value
            elif not is_optional:
                is_complete = False
        if not is_complete:
            return NOTHING
        return Nested(parts) if group.cls is None else self._instance(group, path, parts)

    def _instance(self, group: Group, path: str, parts: dict[str, Any]) -> Any:
        assert group.cls is not None
        try:
            instance = group.cls(**group.arguments_of(parts))
        except (ValueError, TypeError) as error:
            self.mistakes.extend(_refused(group, path, error))
            return NOTHING
        prefix = f"{path}." if path else ""
        for name, value in group.parts_of(instance).items():
            self.values[prefix + name] = value
        return instance


def _opened(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _refused(group: Group, path: str, error: Exception) -> Iterator[str]:
    """Say what a class refused, a line for each field that it names."""
    for way, shown, said in refusals(error):
        name, text = _field(group, way, said)
        child = group.children.get(name)
        is_hidden = child is None or isinstance(child, Group) or child.is_hidden
        where = ".".join(filter(None, (path, name)))
        inside = "".join(f"{_step(step)} " for step in way[1:])
        line = f"{inside}{f'{shown} ' if shown and not is_hidden else ''}{text}"
        assert group.cls is not None
        yield f'parameter "{where}": {line}' if where else f"{group.cls.__name__}: {line}"


def _field(group: Group, way: tuple[Any, ...], text: str) -> tuple[str, str]:
    """Return the name of the parameter that a refusal is about, or "", and the text without it.

    attrs puts the name of the field first: 'depth' must be ...
    """
    for name in group.children:
        if way[:1] == (group.arguments.get(name, name),):
            return name, text
        first = f"'{group.attributes.get(name, name)}' "
        if not way and text.startswith(first):
            return name, text.removeprefix(first)
    return ".".join(map(str, way)), text


def _step(step: Any) -> str:
    return f"item {step + 1}:" if isinstance(step, int) else f"{step}:"
