"""Setting values: each is checked by the parameter that it is for, and every mistake is kept.

A value comes from Python code, from text or from a file; which of these it is says how its
parameter reads it. What is set for a group (a nested dict, an instance) is set name by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pypedream.errors import ParameterError
from pypedream.names import did_you_mean, nearest, there_are
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.parameters.definition import Parameter
    from pypedream.parameters.groups import Group

_SHOWN_NAMES = 8


def checked(definition: Parameter, value: Any) -> Any:
    """Read a value from Python code."""
    return definition.check(value)


def parsed(definition: Parameter, text: str) -> Any:
    """Read text."""
    return definition.parse(text)


def loaded(definition: Parameter, value: Any) -> Any:
    """Read a value as a file holds it."""
    return definition.load(value)


class Changes:
    """New values for parameters, from one or several sources, not yet in force.

    Parameters
    ----------
    definitions, groups
        What there is to set, by dotted name.

    Attributes
    ----------
    values
        Checked values by dotted name.
    sources
        Who set each of them, by dotted name.
    mistakes
        One line for each value that no parameter takes.
    """

    __slots__ = ("_definitions", "_groups", "mistakes", "sources", "values")

    def __init__(self, definitions: Mapping[str, Parameter], groups: Mapping[str, Group]) -> None:
        self._definitions = definitions
        self._groups = groups
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.mistakes: list[str] = []

    def put(self, name: Any, value: Any, source: str, read: Callable[..., Any]) -> None:
        """Set one name, which may be that of a group.

        Parameters
        ----------
        name
            Dotted name.
        value
            What *read* takes.
        source
            Who sets it, as the user calls it: "-p", "params.toml".
        read
            `checked` for a Python value, `parsed` for text, `loaded` for a file's.
        """
        try:
            if name in self._definitions:
                self.values[name] = read(self._definitions[name], value)
                self.sources[name] = source
                return
            parts = self._parts(name, value, is_text=read is parsed)
        except ParameterError as error:
            self.mistakes.append(f"{error} ({source})")
            return
        # text for a group was JSON, so its parts are values of a file
        read = loaded if read is parsed else read
        for part, member in parts.items():
            self.put(f"{name}.{part}", member, source, read)

    def _parts(self, name: Any, value: Any, *, is_text: bool) -> Mapping[Any, Any]:
        group = self._groups.get(name)
        if group is None:
            raise ParameterError(unknown(name, self._definitions, self._groups))
        if is_text:
            from pypedream.parameters.reading import read

            value = read(value)
        if isinstance(value, Mapping):
            return value
        if group.cls is not None and type(value) is group.cls:
            return group.settings_of(value)
        what = "a mapping" if group.cls is None else f"a {group.cls.__name__} or a mapping"
        first = next(iter(group.children), "")
        raise ParameterError(
            f'parameter "{name}": {short(value, 60)} is not {what};'
            f' its parts can be set alone, such as "{name}.{first}"'
        )


def how_to_set(definition: Parameter) -> str:
    """Say that a parameter has no value, and the ways to give it one."""
    name = definition.name
    in_call = f'run({{"{name}": ...}})' if "." in name else f"run({name}=...)"
    return (
        f'parameter "{name}" is not set: {in_call} in Python, -p {name}=... on the command line,'
        f" or {definition.environment_name} in the environment"
    )


def unknown(name: object, definitions: Mapping[str, Parameter], groups: Mapping[str, Group]) -> str:
    """Say that there is no such name, with the nearest one or the few that there are."""
    text = f'no parameter "{name}"'
    outer, _, last = str(name).rpartition(".")
    if outer in groups:
        return text + _unknown_part(outer, last, groups[outer])
    known = [*definitions, *groups]
    inner = [each for each in known if each.endswith(f".{name}")]
    if len(inner) == 1:
        return f'{text}; did you mean "{inner[0]}"?'
    few = f"; {there_are(definitions)}" if len(definitions) <= _SHOWN_NAMES else ""
    return text + (did_you_mean(str(name), known) or few)


def _unknown_part(outer: str, last: str, group: Group) -> str:
    """Compare with the names of one group only: the same beginning makes all of them alike."""
    near = nearest(last, group.children)
    if near is not None:
        return f'; did you mean "{outer}.{near}"?'
    if group.cls is None:
        return f"; if {outer} may be any dict, define it as Parameter(dict, ...)"
    return f"; {outer} has {', '.join(group.children)}"
