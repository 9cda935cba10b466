"""Ram: results that are kept in memory as well, of which every reader gets an object of his own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.store.entry import Entry

__all__ = ["UNCHANGING", "Ram"]

UNCHANGING: Final = frozenset({bool, int, float, str, type(None)})


class Ram:
    """Copies of values, each for the content of an entry: another content is another value."""

    def __init__(self) -> None:
        self._copies: dict[str, tuple[str, Callable[[], Any]]] = {}

    def __getstate__(self) -> None:
        return None  # another process has a memory of its own

    def __setstate__(self, state: object) -> None:
        self._copies = {}

    def value(self, entry: Entry, load: Callable[[Entry], Any]) -> Any:
        """Return the value of an entry, read by *load* if it is not here."""
        known = self._copies.get(entry.key)
        if known is not None and known[0] == entry.digest:
            return known[1]()
        value = load(entry)
        self._copies[entry.key] = entry.digest, _copier(value)
        return value


def _copier(value: Any) -> Callable[[], Any]:
    if type(value) in UNCHANGING:
        return lambda: value
    import pickle

    try:
        return partial(pickle.loads, pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
    except Exception:  # noqa: BLE001 - whatever pickle has against it: there is another way
        from copy import deepcopy

        return partial(deepcopy, deepcopy(value))
