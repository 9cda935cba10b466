"""The parameters of a pipeline: what there is to set, what it is set to, and who set it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import NOTHING

from pypedream._lazy import shown_as
from pypedream.errors import (
    DefinitionError,
    InvalidParameterException,
    ParameterError,
    UndefinedParameterException,
)
from pypedream.parameters.changes import Changes, checked, how_to_set, loaded, parsed, unknown
from pypedream.parameters.copying import copied
from pypedream.parameters.groups import Group, Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pypedream.parameters.definition import Parameter

_DEFAULT = "default"
_NOT_SET = "not set"


class Parameters(Mapping[str, Any]):
    """Named values that a user sets before a run; fixed while it runs.

    A mapping from name to value; names are attributes too. A dotted name reaches into a group:
    ``parameters["model.depth"]``; a name that a method has too ("source") is reached as an item
    only. Nothing changes an instance: what sets values returns another one, and what is set last
    wins.

    Examples
    --------
    >>> parameters = Parameters.define(last_year=1990, model={"depth": 3, "rate": 0.1})
    >>> changed = parameters.with_values({"model.depth": 5}, source="run(...)")
    >>> changed.model.depth, changed["model.rate"], parameters.model
    (5, 0.1, {'depth': 3, 'rate': 0.1})
    """

    __slots__ = ("_definitions", "_given", "_groups", "_root", "_sources", "_whole")

    def __init__(
        self,
        root: Group,
        given: Mapping[str, Any] | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        self._root = root
        self._definitions = dict(root.parameters())
        self._groups = dict(root.groups())
        self._given = _defaults(self._definitions) if given is None else given
        self._sources = sources or {}
        self._whole = Whole(root, self._given)

    @classmethod
    def define(cls, /, *required: str | Mapping[str, Any], **defaults: Any) -> Parameters:
        """Define parameters by name.

        Parameters
        ----------
        required
            Names that must be set before a run. A mapping is a table of defaults, for dotted
            names: ``define({"model.depth": 3})``.
        defaults
            For each name its default, or a `Parameter` that says more. A dict with names as keys
            defines a group; a dict that is one value is ``Parameter(dict, {...})``.

        Raises
        ------
        DefinitionError
            If a name is no name or is defined twice, or a default breaks its own rule.

        Examples
        --------
        >>> from pypedream import Parameter
        >>> Parameters.define("source", rate=Parameter(float, 0.1, min=0)).missing
        ('source',)
        """
        from pypedream.parameters.naming import root_of

        return cls(root_of(required, defaults))

    @classmethod
    def from_class(cls, settings: Any) -> Parameters:
        """Define parameters by the fields of an attrs class, a dataclass or a pydantic model.

        A field without default is required; a field whose type is such a class is a group. A
        Literal or an Enum gives the choices; ``Annotated[int, Parameter(min=1)]`` or the field's
        metadata (*help*, *choices*, *min*, *max*, *secret*, *env*) the rest. A factory is called
        once, here. The class's converters and validators run when values are set.
        An instance stands for its class with these values as the defaults.

        Raises
        ------
        DefinitionError
            If it is no such class, or an annotation or a default is wrong.
        """
        from pypedream.parameters.typed import group_of

        if isinstance(settings, type):
            return cls(group_of(settings))
        return cls(group_of(type(settings), default=settings))

    @property
    def definitions(self) -> Mapping[str, Parameter]:
        """The definition of each parameter, by dotted name."""
        return MappingProxyType(self._definitions)

    @property
    def missing(self) -> tuple[str, ...]:
        """Dotted names of the required parameters that have no value."""
        return tuple(
            name
            for name, definition in self._definitions.items()
            if definition.is_required and name not in self._given
        )

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What a class refuses of its defaults as a whole, before anybody set another value."""
        return tuple(self._whole.mistakes)

    @property
    def root(self) -> Group:
        """The definitions as they are nested."""
        return self._root

    @property
    def given(self) -> Mapping[str, Any]:
        """The value of each parameter that has one, by dotted name."""
        return self._given

    @property
    def sources(self) -> Mapping[str, str]:
        """Who set each parameter that somebody set, by dotted name."""
        return self._sources

    @property
    def settings(self) -> dict[str, Any]:
        """What somebody set, by dotted name: to set it again for another run."""
        return {name: self._given[name] for name in self._sources}

    def source(self, name: str) -> str:
        """Return who set a parameter: "default", "-p", a file, an environment variable.

        Raises
        ------
        InvalidParameterException
            If there is no such parameter.
        """
        if name in self._definitions:
            is_set = name in self._given or self._definitions[name].is_computed
            return self._sources.get(name, _DEFAULT if is_set else _NOT_SET)
        if name not in self._groups:
            raise InvalidParameterException(unknown(name, self._definitions, self._groups))
        inner = (each for each in self._definitions if each.startswith(f"{name}."))
        return ", ".join(dict.fromkeys(map(self.source, inner)))

    def with_values(self, values: Mapping[str, Any], *, source: str) -> Parameters:
        """Set values from Python code.

        Parameters
        ----------
        values
            By name or dotted name; for a group, a mapping of some of its names or an instance.
        source
            Who sets them; messages and `source` say so.

        Raises
        ------
        ParameterError
            With one line for each mistake. Nothing is set then.
        """
        settings = ((name, value, source) for name, value in values.items())
        return self._with(settings, checked)

    def with_text(self, values: Mapping[str, str], *, source: str) -> Parameters:
        """Set values from text, which is read by the declared type or that of the default.

        Raises
        ------
        ParameterError
            With one line for each mistake. Nothing is set then.

        Examples
        --------
        >>> Parameters.define(years=[1990]).with_text({"years": "1990, 1991"}, source="-p").years
        [1990, 1991]
        """
        settings = ((name, text, source) for name, text in values.items())
        return self._with(settings, parsed)

    def with_file(self, path: str | os.PathLike[str]) -> Parameters:
        """Set the values that a TOML, JSON or YAML file holds.

        Raises
        ------
        ParameterError
            If the file cannot be read; or with one line for each mistake in its values.
        MissingExtra
            If it is YAML and PyYAML is not installed.
        """
        from pypedream.parameters.sources import read_file

        return self.with_data(read_file(path), source=os.fspath(path))

    def with_data(self, values: Mapping[Any, Any], *, source: str) -> Parameters:
        """Set values as files hold them: a date is its text, a set a list.

        Raises
        ------
        ParameterError
            With one line for each mistake. Nothing is set then.
        """
        settings = ((name, value, source) for name, value in values.items())
        return self._with(settings, loaded)

    def with_environment(self, environ: Mapping[str, str] | None = None) -> Parameters:
        """Set the values that environment variables hold.

        Parameters
        ----------
        environ
            ``PYPEDREAM_PARAM_<NAME>``, in any case and with ``__`` for a dot, sets a name; so
            does the variable that the parameter itself names. None: those of the process.

        Raises
        ------
        ParameterError
            With one line for each mistake, also for a variable that names no parameter.
        """
        from pypedream.parameters.sources import in_environment

        found = in_environment(
            os.environ if environ is None else environ,
            self._definitions,
            (*self._definitions, *self._groups),
        )
        settings = ((name, text, f"environment {variable}") for name, text, variable in found)
        return self._with(settings, parsed)

    def fresh(self) -> Parameters:
        """Return the same values for one run: no list, dict or set is shared with another."""
        given = {name: copied(value) for name, value in self._given.items()}
        return Parameters(self._root, given, self._sources)

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name, without the parameters that have none."""
        values = self._whole.values
        return {name: values[name] for name in self if name in values}

    def instance(self) -> Any:
        """Return an instance of the class that these parameters were made from.

        Raises
        ------
        DefinitionError
            If they were not made from a class.
        UndefinedParameterException
            If a required parameter has no value.
        ParameterError
            If the class refuses the values as a whole.
        """
        if self._root.cls is None:
            raise DefinitionError("only Parameters.from_class(...) has an instance of a class")
        if self._whole.value is NOTHING:
            raise self._not_made("")
        return self._whole.value

    def secrets(self) -> list[str]:
        """Return the texts that nobody may see: those of all secret values."""
        from pypedream.parameters.display import secret_texts

        values = [*self._given.values(), *self._whole.values.values()]
        # What was given is mostly the value itself, and a list may be long: it is looked at once.
        texts = secret_texts([*{id(value): value for value in values}.values()])
        return list(dict.fromkeys(text for text in texts if text))

    def redacted(self) -> dict[str, Any]:
        """Return the values as plain data for JSON, group by group, with secrets as ``***``.

        What JSON does not know is a short text. A parameter without a value is left out.
        """
        from pypedream.parameters.display import plain_group

        return plain_group(self._root, self._whole.values)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._whole.values[name]
        except KeyError:
            raise self._no_value(name) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked by copy, pickle and notebooks, also before __init__
            raise AttributeError(name)
        return self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._definitions or name in self._groups

    def __iter__(self) -> Iterator[str]:
        return iter(self._root.children)

    def __len__(self) -> int:
        return len(self._root.children)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.as_dict() == (other.as_dict() if isinstance(other, Parameters) else other)

    __hash__ = None  # type: ignore[assignment]

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(
                f"parameters are fixed: set one with run({name}=...) or"
                f' with_values({{"{name}": ...}}, source="me"), which returns new ones'
            )
        object.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        if not self._definitions:
            return "Parameters()"
        from pypedream.parameters.display import overview

        return overview(self._definitions, self._whole.values, self.source)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def _ipython_key_completions_(self) -> list[str]:
        return [*self._definitions, *self._groups]

    def _with(
        self, settings: Iterable[tuple[Any, Any, str]], read: Callable[..., Any]
    ) -> Parameters:
        changes = Changes(self._definitions, self._groups)
        # a part that is set by its own name wins over the whole that is set beside it
        for name, value, source in sorted(settings, key=_depth):
            changes.put(name, value, source, read)
        if changes.mistakes:
            raise ParameterError("\n".join(changes.mistakes))
        if not changes.values:
            return self
        changed = Parameters(
            self._root,
            {**self._given, **changes.values},
            {**self._sources, **changes.sources},
        )
        # what a class refused before is not the mistake of those who set this now
        new = [mistake for mistake in changed.mistakes if mistake not in self.mistakes]
        if new:
            source = ", ".join(dict.fromkeys(changes.sources.values()))
            raise ParameterError("\n".join(f"{mistake} ({source})" for mistake in new))
        return changed

    def _no_value(self, name: str) -> Exception:
        """Return the error that says why there is nothing under *name*."""
        if name not in self:
            return InvalidParameterException(unknown(name, self._definitions, self._groups))
        if name in self.missing:
            return UndefinedParameterException(how_to_set(self._definitions[name]))
        is_computed = name in self._definitions
        return self._not_made(name.rpartition(".")[0] if is_computed else name)

    def _not_made(self, group: str) -> Exception:
        """Return the error that says why the value of a group could not be made."""
        prefix = f"{group}." if group else ""
        missing = [name for name in self.missing if name.startswith(prefix)]
        if missing:
            lines = (how_to_set(self._definitions[name]) for name in missing)
            return UndefinedParameterException("\n".join(lines))
        return ParameterError("\n".join(self.mistakes))


def _defaults(definitions: Mapping[str, Parameter]) -> dict[str, Any]:
    return {
        name: definition.default
        for name, definition in definitions.items()
        if definition.default is not NOTHING
    }


def _depth(setting: tuple[Any, Any, str]) -> int:
    return str(setting[0]).count(".")
