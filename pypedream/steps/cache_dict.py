"""CacheDict: the results in a folder as a mapping that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypedream.steps.cache import Cache

__all__ = ["CacheDict"]


class CacheDict(Mapping[str, Any]):
    """The results of one step, by the `LookupHandle.uid` of each; an error that is kept is raised.

    Parameters
    ----------
    cache
        Where they are.
    start
        What their keys begin with there.
    """

    def __init__(self, cache: Cache, start: str) -> None:
        self._cache = cache
        self._start = start

    def __getitem__(self, uid: str) -> Any:
        key = self._start + uid
        entry = self._cache.find([key]).get(key)
        if entry is None:
            raise KeyError(uid)
        return self._cache.value(entry)

    def __contains__(self, uid: object) -> bool:
        return isinstance(uid, str) and bool(self._cache.find([self._start + uid]))

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(self._start) for key in self._cache.keys(self._start))

    def __len__(self) -> int:
        return len(self._cache.keys(self._start))

    def __repr__(self) -> str:
        return f"<CacheDict {self._start} in {self._cache.location}>"  # to count takes long
