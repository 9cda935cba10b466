"""Recording: a value becomes an entry of a store, and an entry a value again."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from time import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import CorruptEntry, FormatError
from pypedream.formats.faults import IN_MEMORY
from pypedream.store import payload, trust
from pypedream.store.contents import know
from pypedream.store.entry import NO_METADATA, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.store.backend import Backend
    from pypedream.store.contents import Contents

__all__ = ["Manner", "offer", "recall", "record"]


@frozen(eq=False, repr=False)
class Manner:
    """How a value is to be written, and what else to record.

    Attributes
    ----------
    serializer
        The name of a format, or "auto".
    options
        What the format is to be given.
    metadata
        What the user wants to know later; anything that JSON can hold.
    """

    serializer: str
    options: dict[str, Any]
    metadata: dict[str, Any]

    @classmethod
    def of(
        cls,
        serializer: str,
        dump_kwargs: Mapping[str, Any] | None,
        additional_metadata: Mapping[str, Any] | None,
    ) -> Manner:
        """Return what the arguments say.

        Raises
        ------
        TypeError
            If JSON cannot hold the metadata.
        """
        if not additional_metadata:
            return cls(serializer, dict(dump_kwargs or {}), {})
        try:
            metadata = json.loads(json.dumps(dict(additional_metadata)))
        except (TypeError, ValueError) as error:
            raise TypeError(f"additional_metadata must be what JSON can hold: {error}") from error
        return cls(serializer, dict(dump_kwargs or {}), metadata)


def record(
    backend: Backend,
    key: str,
    value: Any,
    manner: Manner,
    *,
    replace: bool,
    duration_s: float | None = None,
) -> Entry:
    """Store a value; return the entry that is stored now, which `offer` says more of."""
    return offer(backend, key, value, manner, replace=replace, duration_s=duration_s)[0]


def offer(
    backend: Backend,
    key: str,
    value: Any,
    manner: Manner,
    *,
    replace: bool,
    duration_s: float | None = None,
) -> tuple[Entry, bool]:
    """Store a value; return the entry that is stored now, and whether it is of this value.

    Parameters
    ----------
    replace
        Whether it takes the place of one that is there.
    duration_s
        How long it took to compute it.
    """
    name = payload.serializer_for(value, manner.serializer)
    with ExitStack() as stack:
        with _noted(f'"{key}", written as {name}'):
            content = payload.dump(
                value, name, lambda: stack.enter_context(backend.staged()), manner.options
            )
        now = time()
        entry = Entry(
            key=key,
            digest=content.digest,
            size=content.size,
            serializer=name,
            metadata_json=_metadata(name, manner, is_packed=content.is_packed),
            created=now,
            used=now,
            duration_s=duration_s,
            signature=trust.signature_of(key, name, content.digest),
            inline=content.inline,
        )
        try:
            stored = backend.add(entry, content.path, replace=replace)
        except CorruptEntry:  # what is there cannot be read, so it is no loss
            stored = backend.add(entry, content.path, replace=True)
    if stored is entry and content.state is not None:
        know(content.digest, content.state)
    return stored, stored is entry


def recall(
    contents: Contents,
    entry: Entry,
    *,
    serializer: str | None = None,
    load_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Return the value of an entry; who calls has asked `trust` before.

    Raises
    ------
    Damaged
        If the content is not what was stored.
    """
    name = serializer or entry.serializer
    options, is_packed = _recorded(entry, name)
    options.update(load_kwargs or {})
    data = None if is_packed else contents.data(entry)
    if data is not None:
        try:
            value = payload.loads(data, name, options)
        except Exception:
            with _noted(f'"{entry.key}", read as {name}'):
                raise
        if value is not payload.NEEDS_FILE:
            return value
    with contents.file(entry) as path, _noted(f'"{entry.key}", read as {name}'):
        return payload.load(path, name, options, is_packed=is_packed)


def _recorded(entry: Entry, serializer: str) -> tuple[dict[str, Any], bool]:
    """Return which options reading needs, and whether the content is a folder."""
    recorded = entry.metadata
    if not recorded:
        return {}, False
    options = payload.options_for_loading(serializer, recorded.get("dump_kwargs", {}))
    return options, bool(recorded.get("is_packed"))


def _metadata(serializer: str, manner: Manner, *, is_packed: bool) -> str:
    if not (manner.options or manner.metadata or is_packed):
        return NO_METADATA
    dump_kwargs = json.loads(json.dumps(manner.options, default=repr))
    recorded = {
        "dump_kwargs": dump_kwargs,
        "load_kwargs": payload.options_for_loading(serializer, dump_kwargs),
        "additional_metadata": manner.metadata,
    }
    return json.dumps({**recorded, "is_packed": True} if is_packed else recorded, sort_keys=True)


@contextmanager
def _noted(what: str) -> Iterator[None]:
    """Say in a serializer's error what it was about: it knows only the path of a copy."""
    try:
        yield
    except FormatError as error:
        text = str(error)
        if error.path:  # it comes first; "the value" may come again in what is wrong with it
            times = 1 if error.path == IN_MEMORY else -1
            text = text.replace(error.path, f"the value for {what}", times)
        raise FormatError(
            text, path=error.path, format_name=error.format, line=error.line
        ) from error
    except Exception as error:
        error.add_note(f"this is the value for {what}")
        raise
