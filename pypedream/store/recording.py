"""Recording: a value becomes an entry of a store, and an entry a value again."""

from __future__ import annotations

import json
from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import CorruptEntry, FormatError
from pypedream.store import payload, trust
from pypedream.store.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.store.backend import Backend
    from pypedream.store.contents import Contents

__all__ = ["Manner", "recall", "record"]


@frozen
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
        try:
            metadata = json.loads(json.dumps(dict(additional_metadata or {})))
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
) -> bool:
    """Store a value; say whether it is the one that is stored now.

    Parameters
    ----------
    replace
        Whether it takes the place of one that is there.
    duration_s
        How long it took to compute it.
    """
    name = payload.serializer_for(value, manner.serializer)
    with backend.staged() as path:
        with _noted(f'"{key}", written as {name}'):
            content = payload.dump(value, name, path, manner.options)
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
            return backend.add(entry, content.path, replace=replace) is entry
        except CorruptEntry:  # what is there cannot be read, so it is no loss
            return backend.add(entry, content.path, replace=True) is entry


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
    recorded = entry.metadata
    name = serializer or entry.serializer
    options = payload.options_for_loading(name, recorded.get("dump_kwargs", {}))
    is_packed = bool(recorded.get("is_packed"))
    with contents.file(entry) as path, _noted(f'"{entry.key}", read as {name}'):
        return payload.load(path, name, {**options, **(load_kwargs or {})}, is_packed=is_packed)


def _metadata(serializer: str, manner: Manner, *, is_packed: bool) -> str:
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
        text = str(error).replace(error.path, f"the value for {what}") if error.path else str(error)
        raise FormatError(
            text, path=error.path, format_name=error.format, line=error.line
        ) from error
    except Exception as error:
        error.add_note(f"this is the value for {what}")
        raise
