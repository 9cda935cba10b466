"""Trust: whether a pickle may be read, which runs whatever code is in it.

One of three must hold: the store is a local folder of ours that nobody else can write to; the entry
is signed with our key; or the user says so.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pypedream import formats
from pypedream.errors import StoreError, UnsafePayload

if TYPE_CHECKING:
    from pypedream.store.backend import Backend
    from pypedream.store.entry import Entry

__all__ = ["check", "is_signed", "signature_of"]

VARIABLE = "PYPEDREAM_CACHE_KEY"
KEY_FILE = "~/.config/pypedream/key"
_OTHERS_WRITE = 0o022
_OTHERS_USE = 0o077


def check(entry: Entry, backend: Backend, *, allow_pickle: bool, serializer: str | None) -> None:
    """Do nothing if the content of *entry* may be read.

    Parameters
    ----------
    serializer
        What it is to be read with; None for what it was written with.

    Raises
    ------
    UnsafePayload
        If not; the text says what would help.
    """
    name = entry.serializer if serializer is None else serializer
    if allow_pickle or not formats.is_unsafe(name):
        return
    reason = _why_not_ours(entry, backend)
    if reason is not None and not is_signed(entry):
        raise UnsafePayload(entry.key, backend.location, reason)


def is_signed(entry: Entry) -> bool:
    """Say whether an entry bears the signature of our key."""
    import hmac

    wanted = signature_of(entry.key, entry.serializer, entry.digest)
    return bool(wanted) and hmac.compare_digest(wanted, entry.signature)


def signature_of(key: str, serializer: str, digest: str) -> str:
    """Return the signature for an entry; "" if there is no key to sign with."""
    secret = _secret()
    if not secret:
        return ""
    import hmac  # few have a key

    # No part has a NUL in it, so two entries cannot run into one text.
    text = "\0".join(("pypedream/entry/1", key, serializer, digest))
    return hmac.new(secret, text.encode("utf-8"), sha256).hexdigest()


def _secret() -> bytes:
    text = os.environ.get(VARIABLE)
    if text:
        return text.encode("utf-8", "surrogateescape")
    path = os.path.expanduser(KEY_FILE)
    try:
        if os.name != "nt" and os.stat(path).st_mode & _OTHERS_USE:
            raise StoreError(f"others may read the key {path}: chmod 600 {path}")
        return Path(path).read_bytes().strip()
    except (FileNotFoundError, NotADirectoryError):
        return b""


def _why_not_ours(entry: Entry, backend: Backend) -> str | None:
    """Return why somebody else may have written an entry, and the fix; None if nobody can."""
    otherwise = f"sign entries with a key in {VARIABLE}, or open the store with allow_pickle=True"
    blob = backend.blob(entry)
    if not backend.is_local or blob is None:
        return f"{backend.location} is not a folder of this machine; {otherwise}"
    root = backend.location
    index = os.path.join(root, "index.db")
    places = [root, index, f"{index}-wal", f"{index}-shm"]
    if entry.inline is None:
        places += map(str, (blob.parent.parent, blob.parent, blob))
    for place in places:
        try:
            stat = os.stat(place)
        except FileNotFoundError:
            continue
        if os.name != "nt" and stat.st_uid != os.geteuid():
            return f"{place} belongs to another user; {otherwise}"
        if os.name != "nt" and stat.st_mode & _OTHERS_WRITE:
            mode = "700" if os.path.isdir(place) else "600"
            return f"others may write to {place}; chmod {mode} {place}, or {otherwise}"
    return None
