"""XpersistResult: the result of a task under its location in a `CacheStore`.

Prefect 1 asked a result class to read and write; this one has its interface and needs no Prefect.
For Prefect 3, which keeps results in storage blocks, there is `storage`.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.store import CacheStore


class XpersistResult:
    """The result of a task, kept in a store.

    Parameters
    ----------
    cache_store
        The store.
    serializer
        The name of a format; "auto" chooses one by the type of the value.
    serializer_dump_kwargs
        More arguments for that format when a value is written.
    serializer_load_kwargs
        More arguments for that format when a value is read.
    kwargs
        What else the result has: its *location*, a template as "{flow_name}/{task_name}" or a
        function that makes a location, and its *value*. They can be given by name as well.

    Attributes
    ----------
    value
        The value; None before it is read or written.
    location
        Where it is: a key of the store, or a template of one. None takes a new one for each value.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from pypedream.store import CacheStore
    >>> result = XpersistResult(CacheStore(mkdtemp()), location="{task_name}/rows")
    >>> result.exists("clean/rows"), result.write([1, 2], task_name="clean").location
    (False, 'clean/rows')
    >>> result.exists("{task_name}/rows", task_name="clean"), result.read("clean/rows").value
    (True, [1, 2])
    """

    value: Any
    location: str | Callable[..., str] | None

    def __init__(
        self,
        cache_store: CacheStore,
        serializer: str = "auto",
        serializer_dump_kwargs: Mapping[str, Any] | None = None,
        serializer_load_kwargs: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        self.cache_store = cache_store
        self.serializer = serializer
        self.serializer_dump_kwargs = dict(serializer_dump_kwargs or {})
        self.serializer_load_kwargs = dict(serializer_load_kwargs or {})
        self.value = self.location = None
        given = {**(kwargs or {}), **more}
        for name in ("value", "location"):
            setattr(self, name, given.pop(name, None))
        if given:
            raise TypeError(
                f"XpersistResult has no {', '.join(given)}: a result has a value and a location"
            )

    def exists(self, location: str, **kwargs: Any) -> bool:
        """Say whether the store has something at a location.

        Whether it can be read is not looked at.

        Parameters
        ----------
        location
            A key, or a template of one.
        kwargs
            What the template is filled in with.
        """
        return location.format(**kwargs) in self.cache_store

    def read(self, location: str) -> XpersistResult:
        """Read a value; return a result that has it.

        Raises
        ------
        MissingEntry
            If there is none (a KeyError), or it is damaged.
        """
        found = copy(self)
        found.location = location
        found.value = self.cache_store.get(location, self.serializer, self.serializer_load_kwargs)
        return found

    def write(self, value_: Any, **kwargs: Any) -> XpersistResult:
        """Write a value; return a result that has it, and its location.

        What is there already stays or goes as the store's *on_duplicate_key* says.

        Parameters
        ----------
        kwargs
            What the template of the location is filled in with.
        """
        found = copy(self)
        found.location = key = self._location(kwargs)
        found.value = value_
        self.cache_store.put(key, value_, self.serializer, self.serializer_dump_kwargs)
        return found

    def _location(self, facts: Mapping[str, Any]) -> str:
        if self.location is None:
            return uuid4().hex
        if callable(self.location):
            return self.location(**facts)
        return self.location.format(**facts)

    def __repr__(self) -> str:
        return f"XpersistResult({self.cache_store!r}, location={self.location!r})"
