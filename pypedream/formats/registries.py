"""Registries: tables of named functions that users and other packages add to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pypedream.errors import DefinitionError, NotRegistered
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

F = TypeVar("F")


class Catalogue:
    """One table of named functions; it lives as long as the process.

    Parameters
    ----------
    name
        What it holds, in the plural: "serializers".
    group
        The group of entry points in which other packages offer theirs; they are imported when
        one of them is asked for. Without it there are none.
    fixed
        Names that cannot be registered again, because results were written under them.

    Examples
    --------
    >>> greetings = Catalogue("greetings")
    >>> @greetings.register("hello")
    ... def hello():
    ...     return "hello you"
    >>> greetings.get("hello")()
    'hello you'
    >>> greetings.get("helo")
    Traceback (most recent call last):
    pypedream.errors.NotRegistered: nothing in greetings is called "helo"; did you mean "hello"?
    """

    def __init__(
        self, name: str, *, group: str | None = None, fixed: dict[str, Any] | None = None
    ) -> None:
        self.name = name
        self.group = group
        self._fixed = dict(fixed or {})
        self._entries: dict[str, Any] = {}

    def register(self, name: str, entry: Any = None) -> Any:
        """Register *entry* under *name*; without an entry, decorate one.

        A name that is registered again means the new entry, as when a cell runs twice.

        Raises
        ------
        DefinitionError
            If the name belongs to pypedream.
        """
        if not name or type(name) is not str:  # a decorator without brackets gives a function
            raise DefinitionError(f'{self.name}: write register("name"), not register({name!r})')
        if name in self._fixed:
            raise DefinitionError(f'{self.name}: "{name}" is built in; choose another name')
        if entry is None:
            return self._decorator(name)
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> Any:
        """Return the entry of this name.

        Raises
        ------
        NotRegistered
            If there is none; the text has the nearest name.
        """
        found = self._find(name)
        if found is None:
            near = did_you_mean(str(name), self) or f"; {there_are(self)}"
            raise NotRegistered(f'nothing in {self.name} is called "{name}"{near}')
        return found

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._fixed, *self._entries, *self._offered()}))

    def __repr__(self) -> str:
        return f"<{self.name}: {', '.join(self)}>"

    def _decorator(self, name: str) -> Callable[[F], F]:
        def decorate(entry: F) -> F:
            self._entries[name] = entry
            return entry

        return decorate

    def _find(self, name: str) -> Any:
        for table in (self._fixed, self._entries):
            if name in table:
                return table[name]
        offered = self._offered().get(name)
        if offered is None:
            return None
        self._entries[name] = offered.load()
        return self._entries[name]

    def _offered(self) -> dict[str, Any]:
        if self.group is None:
            return {}
        from importlib.metadata import entry_points  # some ms, and seldom wanted

        return {one.name: one for one in entry_points(group=self.group)}


class Registry:
    """All tables, each under its name and as an attribute: ``registry.serializers``.

    Examples
    --------
    >>> tables = Registry()
    >>> tables.create("greetings").register("hello", str)
    <class 'str'>
    >>> tables.has("greetings", "hello"), tables.get("greetings", "hello")
    (True, <class 'str'>)
    """

    def __init__(self) -> None:
        self._catalogues: dict[str, Catalogue] = {}

    def create(self, registry_name: str, entry_points: bool = False) -> Catalogue:
        """Make a table of this name.

        Parameters
        ----------
        registry_name
            Its name, which is also the name of the attribute.
        entry_points
            Whether packages add to it by entry points of the group ``pypedream_<name>``.

        Raises
        ------
        DefinitionError
            If there is one, or the name is no Python name.
        """
        is_taken = registry_name in self._catalogues or hasattr(type(self), registry_name)
        if is_taken or not registry_name.isidentifier():
            raise DefinitionError(f'registry "{registry_name}" exists or is no name in Python')
        group = f"pypedream_{registry_name}" if entry_points else None
        return self.add(Catalogue(registry_name, group=group))

    def add(self, catalogue: Catalogue) -> Catalogue:
        """Take in a table that was made elsewhere."""
        self._catalogues[catalogue.name] = catalogue
        return catalogue

    def get(self, registry_name: str, func_name: str) -> Any:
        """Return the function *func_name* of the table *registry_name*.

        Raises
        ------
        NotRegistered
            If there is no such table, or no such function in it.
        """
        return self._catalogue(registry_name).get(func_name)

    def has(self, registry_name: str, func_name: str) -> bool:
        """Say whether there is a function *func_name* in the table *registry_name*."""
        known = self._catalogues.get(registry_name)
        return known is not None and func_name in known

    def __getattr__(self, name: str) -> Catalogue:
        found = self.__dict__.get("_catalogues", {}).get(name)
        if found is None:
            near = did_you_mean(name, self.__dict__.get("_catalogues", ()))
            raise AttributeError(f'no registry "{name}"{near}')
        return found  # type: ignore[no-any-return]

    def _catalogue(self, name: str) -> Catalogue:
        if name not in self._catalogues:
            near = did_you_mean(name, self._catalogues) or f"; {there_are(self._catalogues)}"
            raise NotRegistered(f'no registry "{name}"{near}')
        return self._catalogues[name]
