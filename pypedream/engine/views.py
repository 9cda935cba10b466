"""What mappers see of a run: outputs by stage, and the names of an included pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from pypedream.deferred import Deferred
from pypedream.outputs import RETURN
from pypedream.values import short


class Values(dict[str, Any]):
    """Return values by stage; what is kept elsewhere is loaded when it is first read.

    Attributes
    ----------
    kept
        The stages whose return values are kept.
    load
        Returns the value that is kept for one of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: Mapping[str, object] = {}
        self.load: Callable[[str], Any] | None = None

    def __missing__(self, key: str) -> Any:
        if self.load is None or key not in self.kept:
            raise KeyError(key)
        value = self[key] = self.load(key)
        return value


@frozen(eq=False, repr=False)
class Outputs(Mapping[str, Mapping[str, Any]]):
    """From stage to its outputs by name; "return" is the return value."""

    values_: Mapping[str, Any]
    mapped: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, key: str) -> dict[str, Any]:
        value = self.values_[key]  # first: to load it may name its outputs
        if isinstance(value, Deferred):
            value = value.present()
            fields = value if isinstance(value, dict) else {}
            return {**fields, RETURN: value}
        return {RETURN: value, **self.mapped.get(key, {})}

    def __contains__(self, key: object) -> bool:
        return key in self.values_ or key in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter({**self.values_, **self._kept})

    def __len__(self) -> int:
        return len({**self.values_, **self._kept})

    @property
    def _kept(self) -> Mapping[str, object]:
        return self.values_.kept if isinstance(self.values_, Values) else {}

    def __repr__(self) -> str:
        return short(dict(self), 500)


@frozen(eq=False, repr=False)
class KeptOutputs(Mapping[str, Any]):
    """The outputs of a stage whose result is loaded when one of them is read."""

    outputs: Mapping[str, Mapping[str, Any]]
    key: str

    def __getitem__(self, name: str) -> Any:
        return self.outputs[self.key][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs[self.key])

    def __len__(self) -> int:
        return len(self.outputs[self.key])


class Scoped:
    """A mapping as stages of an included pipeline see it.

    A name means the innermost entry of that name: in the stage's own pipeline, else in the one
    that includes it, and so on. Everything else is passed on to the mapping.
    """

    def __init__(self, names: Any, scope: str) -> None:
        self._names = names
        self._scope = scope

    def _full(self, name: str) -> str:
        scope = self._scope
        while scope:
            full = f"{scope}.{name}"
            if full in self._names:
                return full
            scope = scope.rpartition(".")[0]
        return name

    def __getitem__(self, name: str) -> Any:
        return self._names[self._full(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        self._names[self._full(name)] = value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._full(name) in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def keys(self) -> Any:
        """Return the names of the whole mapping."""
        return self._names.keys()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the entry that *name* means, or *default*."""
        try:
            return self[name]
        except KeyError:
            return default

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name] if name in self else getattr(self._names, name)
