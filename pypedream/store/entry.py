"""Entry: what a store knows of one value, apart from its content."""

from __future__ import annotations

import json
from binascii import crc32
from typing import Any

from attrs import field, frozen

from pypedream.errors import CorruptEntry

__all__ = ["INLINE_BYTES", "NO_METADATA", "Entry", "from_json", "seal_of", "to_json"]

INLINE_BYTES = 8 * 1024
"""Content up to this size is kept in the entry itself."""
NO_METADATA = json.dumps(
    {"additional_metadata": {}, "dump_kwargs": {}, "load_kwargs": {}}, sort_keys=True
)
"""What is recorded of a value for which nobody said anything."""


@frozen(repr=False)
class Entry:
    """One value of a store.

    Attributes
    ----------
    digest
        SHA-256 of the content, in hex.
    size
        Bytes of content.
    metadata_json
        What else is recorded, as the text of a JSON object. Parsed only where it is needed: most
        readers want the value alone.
    created, used
        Unix time in seconds; `used` is at most an hour behind.
    duration_s
        How long it took to compute the value; None if that is not known.
    signature
        HMAC of key, serializer and digest; "" if there was no key to sign with.
    inline
        The content, if it is small.
    """

    key: str
    digest: str
    size: int
    serializer: str
    metadata_json: str
    created: float
    used: float
    duration_s: float | None = None
    signature: str = ""
    inline: bytes | None = field(default=None, repr=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """What else is recorded."""
        if self.metadata_json == NO_METADATA:
            return {}
        found: dict[str, Any] = json.loads(self.metadata_json)
        return found

    @property
    def seal(self) -> int:
        """A checksum over everything that does not change and that the digest does not cover."""
        return seal_of(
            self.key,
            self.digest,
            self.size,
            self.serializer,
            self.metadata_json,
            self.created,
            self.duration_s,
            self.signature,
        )


def seal_of(*parts: object) -> int:
    """Return the seal for parts that were read, which may be of any type."""
    return crc32(repr(parts).encode("utf-8", "surrogatepass"))


def to_json(entry: Entry) -> bytes:
    """Return an entry as a JSON document."""
    from base64 import b64encode

    document = {
        "key": entry.key,
        "digest": entry.digest,
        "size": entry.size,
        "serializer": entry.serializer,
        "metadata_json": entry.metadata_json,
        "created": entry.created,
        "duration_s": entry.duration_s,
        "signature": entry.signature,
        "inline": None if entry.inline is None else b64encode(entry.inline).decode("ascii"),
        "seal": entry.seal,
    }
    return json.dumps(document, indent=1).encode("ascii")


def from_json(text: bytes, *, key: str, file: str) -> Entry:
    """Return the entry of a JSON document.

    Raises
    ------
    CorruptEntry
        If it is damaged; names *key* and *file*.
    """
    import re
    from base64 import b64decode

    try:
        document = json.loads(text)
        seal = document.pop("seal")
        inline = document.pop("inline")
        content = None if inline is None else b64decode(inline, validate=True)
        entry = Entry(**document, used=document["created"], inline=content)
        is_whole = entry.seal == seal and re.fullmatch("[0-9a-f]{64}", entry.digest) is not None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptEntry(key, file) from error
    if not is_whole:
        raise CorruptEntry(key, file)
    return entry
