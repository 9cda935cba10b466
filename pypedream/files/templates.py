"""Paths with ``{parameter}`` in them, and what they become."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from pypedream.errors import DefinitionError, InvalidParameterException
from pypedream.files.paths import checked_path, is_glob
from pypedream.names import did_you_mean, there_are
from pypedream.parameters.secret import Secret
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.files.annotations import Paths


class Known(Mapping[str, Any]):
    """Values by name, of which those of the first mapping come before those of the second."""

    def __init__(self, own: Mapping[str, Any], others: Mapping[str, Any]) -> None:
        self._own = own
        self._others = others

    def __getitem__(self, name: str) -> Any:
        return self._own[name] if name in self._own else self._others[name]

    def __contains__(self, name: object) -> bool:  # a mapping may also know dotted names
        return name in self._own or name in self._others

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._own, *self._others)))

    def __len__(self) -> int:
        return len({*self._own, *self._others})


def texts_of(path: Paths) -> tuple[str, ...]:
    """Return the paths that one path, a list or a tuple is."""
    return (path,) if isinstance(path, str) else tuple(path)


def names_in(path: Paths) -> tuple[str, ...]:
    """Return the names of the parameters in a path, or in several, each once.

    Raises
    ------
    DefinitionError
        If there are braces that hold no name.

    Examples
    --------
    >>> names_in("models/{kind}/{model.depth}.json"), names_in("{{kind}}.json")
    (('kind', 'model.depth'), ())
    """
    if isinstance(path, str) and "{" not in path and "}" not in path:
        return ()
    names = (name for text in texts_of(path) for _, name in _parts(text) if name)
    return tuple(dict.fromkeys(names))


def filled(path: Paths, values: Mapping[str, Any]) -> Any:
    """Return a path, or several in the same shape, with each ``{name}`` replaced by its value.

    Parameters
    ----------
    path
        ``{{`` and ``}}`` stand for braces.
    values
        By name; a dotted name is looked up as it is, then part by part. A number, a date and a
        member of an Enum (its value) become text.

    Raises
    ------
    DefinitionError
        If a value is missing, is nothing that a path can be made of, or makes a path that leaves
        the project, or a pattern of one file.

    Examples
    --------
    >>> filled(["{kind}/a.csv", "{kind}/b.csv"], {"kind": "raw"})
    ['raw/a.csv', 'raw/b.csv']
    """
    texts = texts_of(path)
    made = [_filled_one(each, values) for each in texts]
    for text, each in zip(texts, made, strict=True):
        if is_glob(each) and not isinstance(path, list):  # only a list may stand for several files
            raise DefinitionError(
                f'"{text}": "{each}" would be a pattern, and one file is meant: choose a value'
                " without *, ? and ["
            )
    return made[0] if isinstance(path, str) else type(path)(made)


def partly_filled(path: Paths, texts: Mapping[str, str]) -> Any:
    """Return a path, or several in the same shape, with those ``{name}`` filled that are given.

    Examples
    --------
    >>> partly_filled("{model}/{rate}/{{x}}.json", {"model": "bert"})
    'bert/{rate}/{{x}}.json'
    """
    if not isinstance(path, str):
        return type(path)([partly_filled(each, texts) for each in path])
    made = []
    for before, name in _parts(path):
        made.append(_escaped(before))
        if name:
            made.append(_escaped(texts[name]) if name in texts else f"{{{name}}}")
    return "".join(made)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _filled_one(text: str, values: Mapping[str, Any]) -> str:
    if "{" not in text and "}" not in text:
        return text
    made = "".join(
        before + (_text(name, values, text) if name else "") for before, name in _parts(text)
    )
    try:
        return checked_path(made)
    except DefinitionError as error:
        raise DefinitionError(f'"{text}": {error}') from None


@cache
def _parts(text: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of what stands before a name, and the name; "" at the end."""
    if "{" not in text and "}" not in text:
        return ((text, ""),)
    from string import Formatter

    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise DefinitionError(f'"{text}" has a lone brace: write {{{{ or }}}} for one') from None
    for _, name, how, conversion in parts:
        if name is None:
            continue
        if how or conversion or not all(part.isidentifier() for part in name.split(".")):
            raise DefinitionError(
                f'"{text}": a parameter stands in braces by its name alone, such as {{rate}};'
                " write {{ and }} for braces"
            )
    return tuple((before, name or "") for before, name, _, _ in parts)


def _text(name: str, values: Mapping[str, Any], path: str) -> str:
    try:
        value = _value(name, values, path)
    except InvalidParameterException as error:  # a parameter of the pipeline that is not set
        raise DefinitionError(f'"{path}": {error}') from None
    value = value.value if isinstance(value, Enum) else value
    text = str(getattr(value, "as_posix", value.__str__)())
    is_thing = isinstance(value, (Secret, Mapping, list, tuple, set, frozenset)) or value is None
    if is_thing or not text or " at 0x" in text:
        raise DefinitionError(f'"{path}": {name} is {short(value, 40)}, which is no part of a path')
    return text


def _value(name: str, values: Mapping[str, Any], path: str) -> Any:
    if name in values:
        return values[name]
    first, *parts = name.split(".")
    value: Any = None
    if first in values:
        value = values[first]  # not by get(): what is not set says so
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    if first not in values or value is None:
        near = did_you_mean(name, values) or f"; {there_are(values)}"
        raise DefinitionError(f'"{path}": no parameter "{name}"{near}')
    return value
