"""Artifact: what a store tells of one value, without the value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import asdict, define, field
from attrs.validators import deep_mapping, instance_of

if TYPE_CHECKING:
    from pypedream.store.entry import Entry

__all__ = ["Artifact"]

_options = deep_mapping(
    key_validator=instance_of(str),
    value_validator=lambda *_: None,
    mapping_validator=instance_of(dict),
)


def _in_utc(moment: datetime | str) -> datetime:
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@define
class Artifact:
    """What is recorded of a value in a store; each attribute is checked when it is set.

    Attributes
    ----------
    load_kwargs
        What reading it needs besides the serializer; `CacheStore.get` passes it on by itself.
    dump_kwargs
        What it was written with.
    additional_metadata
        What the user wants to know later.
    created_at
        When it was stored, with a time zone.

    Examples
    --------
    >>> artifact = Artifact("rates", "json", additional_metadata={"year": 2024})
    >>> Artifact.from_json(artifact.json()) == artifact
    True
    """

    key: str = field(validator=instance_of(str))
    serializer: str = field(validator=instance_of(str))
    load_kwargs: dict[str, Any] = field(factory=dict, validator=_options)
    dump_kwargs: dict[str, Any] = field(factory=dict, validator=_options)
    additional_metadata: dict[str, Any] = field(factory=dict, validator=_options)
    created_at: datetime = field(factory=lambda: datetime.now(UTC), converter=_in_utc)

    def json(self) -> str:
        """Return the attributes as one JSON document."""
        return json.dumps({**asdict(self), "created_at": self.created_at.isoformat()})

    @classmethod
    def from_json(cls, text: str | bytes) -> Artifact:
        """Return the artifact of a document that `json` wrote."""
        return cls(**json.loads(text))

    @classmethod
    def of(cls, entry: Entry) -> Artifact:
        """Return what an entry of a store records."""
        recorded = entry.metadata
        return cls(
            key=entry.key,
            serializer=entry.serializer,
            load_kwargs=recorded.get("load_kwargs", {}),
            dump_kwargs=recorded.get("dump_kwargs", {}),
            additional_metadata=recorded.get("additional_metadata", {}),
            created_at=datetime.fromtimestamp(entry.created, UTC),
        )
