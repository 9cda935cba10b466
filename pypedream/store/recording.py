"""Recording: a value becomes an entry of a store."""

from __future__ import annotations

import json
from contextlib import ExitStack
from time import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import CorruptEntry
from pypedream.store import payload, trust
from pypedream.store.contents import know
from pypedream.store.entry import NO_METADATA, Entry
from pypedream.store.recalling import noted, options_for_loading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.store.backend import Backend

__all__ = ["Manner", "offer", "record"]


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
        with noted(f'"{key}", written as {name}'):
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


def _metadata(serializer: str, manner: Manner, *, is_packed: bool) -> str:
    if not (manner.options or manner.metadata or is_packed):
        return NO_METADATA
    dumped, loaded = manner.options, manner.options
    if dumped:
        dumped = json.loads(json.dumps(dumped, default=repr))
        loaded = options_for_loading(serializer, dumped)
    recorded = {
        "dump_kwargs": dumped,
        "load_kwargs": loaded,
        "additional_metadata": manner.metadata,
    }
    return json.dumps({**recorded, "is_packed": True} if is_packed else recorded, sort_keys=True)
