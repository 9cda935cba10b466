"""Handing over: how a value comes from one task to the next, in another process or on another host.

Hosts carry small texts between tasks and change what is more than that: tuples, dates, keys that
are no text. So a task gives a handle, a dict of texts and numbers. Either the value is in it, as
JSON and only if JSON has exactly that value, or it is in a store, and the handle says under which
key and with which digest.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from pypedream.errors import HandOverError, StoreError, UnsafePayload
from pypedream.formats.json_files import is_exact
from pypedream.values import said, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.store import CacheStore
    from pypedream.store.entry import Entry

FORMAT: Final = 1
MOST_INLINE: Final = 32 * 1024
"""So many bytes of JSON go with the handle; hosts keep it in their database."""

STORE: Final = "PYPEDREAM_STORE"
_SIGN: Final = "set PYPEDREAM_CACHE_KEY to the same secret text wherever tasks run"
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9_.-]+")

Handle = dict[str, Any]


@define
class Carrier:
    """Hands over values by a store, which is opened when it is needed.

    Attributes
    ----------
    store
        Folder or URL; "" takes what the environment variable ``PYPEDREAM_STORE`` says.
    """

    store: str = ""
    _opened: CacheStore | None = field(default=None, init=False, repr=False)

    def give(self, value: Any, where: Place) -> Handle:
        """Return a handle for a value that a stage gave.

        Raises
        ------
        HandOverError
            If it is too large or too peculiar to go inline, and there is no store or none of its
            formats can hold it.
        """
        text = _inline(value)
        if text is not None:
            return {"pypedream": FORMAT, "json": text}
        if not self._location:
            what = _described(value)
            raise HandOverError(
                f"{where} gives {what}, which only a store can hand over: export with --store URL,"
                f" or set {STORE} where the tasks run"
            )
        return self._stored(value, where)

    def take(self, handle: Any, what: str) -> Any:
        """Return the value that a handle stands for.

        Parameters
        ----------
        what
            What it is of, in words.

        Raises
        ------
        HandOverError
            If it is no handle, was not handed over, or the store has another value or none.
        """
        if not isinstance(handle, dict) or handle.get("pypedream") != FORMAT:
            raise HandOverError(
                f"what came for {what} is no handle of this version: {said(handle)}"
            )
        if "json" in handle:
            return json.loads(handle["json"])
        if "key" not in handle:
            raise HandOverError(f"{what} was not handed over: {handle.get('why', 'no reason')}")
        return self._loaded(handle, what)

    @property
    def _location(self) -> str:
        return self.store or os.environ.get(STORE, "")

    def _open(self) -> CacheStore:
        if self._opened is None:
            from pypedream.store import CacheStore

            self._opened = CacheStore(self._location, on_duplicate_key="overwrite")
        return self._opened

    def close(self) -> None:
        """Close the store, if it was opened."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _stored(self, value: Any, where: Place) -> Handle:
        from pypedream.store.recording import Manner, record

        manner = Manner("auto", {}, {"stage": where.stage, "run": where.run})
        try:
            entry = record(self._open().backend, where.key, value, manner, replace=True)
        except OSError:
            raise
        except Exception as error:
            if isinstance(error.__cause__, OSError):
                raise
            raise HandOverError(
                f"{where} gives {_described(value)}, which no format can hold: {error}"
            ) from error
        self._refuse_unsigned(entry, value, where)
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        return {
            "pypedream": FORMAT,
            "key": where.key,
            "sha256": entry.digest,
            "bytes": entry.size,
            "type": kind,
        }

    def _refuse_unsigned(self, entry: Entry, value: Any, where: Place) -> None:
        """Refuse a pickle that no other task would read, rather than let those fail."""
        from pypedream.store import trust

        store = self._open()
        try:
            trust.check(entry, store.backend, allow_pickle=False, serializer=None)
        except UnsafePayload as error:
            raise HandOverError(
                f"{where} gives {_described(value)}, kept as a pickle, and others may write"
                f" to {store.location}: {_SIGN}"
            ) from error

    def _loaded(self, handle: Handle, what: str) -> Any:
        key = handle["key"]
        if not self._location:
            raise HandOverError(
                f'{what} is in a store under "{key}", and no store is known here: set {STORE}'
            )
        store = self._open()
        try:
            found = store.look(key, None, None)
        except UnsafePayload as error:
            raise HandOverError(
                f"{what} is a pickle in {store.location}, and not signed with the key of this"
                f" task: {_SIGN}"
            ) from error
        except StoreError as error:
            raise HandOverError(f"{what} cannot be read from {store.location}: {error}") from error
        if found is None:
            raise HandOverError(
                f'{what} is not in {store.location} under "{key}" (any more), or is damaged: run'
                " the task that gives it again"
            )
        entry = store.backend.find(key)
        if entry is None or entry.digest != handle["sha256"]:
            raise HandOverError(
                f'what {store.location} has under "{key}" is another value than {what}: run the'
                " task that gives it again"
            )
        return found.value


@frozen
class Place:
    """What a value is kept under: nothing else is called the same, retries neither."""

    owner: str
    run: str
    stage: str
    attempt: int = 1
    part: str = ""

    @property
    def key(self) -> str:
        """The key in a store."""
        attempt = f"{self.attempt}-{self.part}" if self.part else str(self.attempt)
        parts = (self.owner, self.run, self.stage, attempt)
        return "/".join(map(_plain, parts))

    def __str__(self) -> str:
        return f'stage "{self.stage}"'


def not_given(why: str) -> Handle:
    """Return a handle for a value that nobody can have, and why."""
    return {"pypedream": FORMAT, "why": why}


def not_made(why: str) -> Handle:
    """Return a handle that says that there is no value as the stage was passed over."""
    return {"pypedream": FORMAT, "skipped": why}


def several(handles: Mapping[str, Handle | None]) -> Handle:
    """Return a handle for what several stages gave; None stands for one that was skipped."""
    return {"pypedream": FORMAT, "stages": dict(handles)}


def _inline(value: Any) -> str | None:
    """Return a value as JSON if it is small and JSON has exactly this value."""
    if not is_exact(value):
        return None
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text if len(text) <= MOST_INLINE else None


def _described(value: Any) -> str:
    size = getattr(value, "nbytes", None)
    of = f" of {size_text(size)}" if isinstance(size, int) else ""
    return f"a value of type {type(value).__qualname__}{of}"


def _plain(part: str) -> str:
    """Return a part of a key; what differs still differs where letters had to go."""
    plain = _UNUSUAL.sub("-", part).strip("-.") or "-"
    if plain == part and len(part) <= _LONGEST:
        return part
    from hashlib import sha256

    return f"{plain[:_LONGEST]}-{sha256(part.encode()).hexdigest()[:8]}"


_LONGEST: Final = 48
"""So long a part of a key may be: all together have to be a file name in some stores."""
