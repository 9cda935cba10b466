"""Payload: a value as one file, made by a format.

A format that makes a folder, as zarr does, has it packed into one uncompressed zip file.
"""

from __future__ import annotations

import os
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream import formats
from pypedream.errors import StoreError
from pypedream.store.disk import FileState, digest_of, flush, remove_tree
from pypedream.store.entry import INLINE_BYTES
from pypedream.store.recalling import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pypedream.formats import Serializer

__all__ = ["Payload", "dump", "serializer_for"]

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name


@frozen(eq=False, repr=False)
class Payload:
    """The content of an entry that is to be.

    Attributes
    ----------
    path
        The file; None if *inline* holds the content.
    is_packed
        Whether the file stands for a folder.
    state
        By what one can tell that the file has not changed since it was written, if it was hashed
        as it was written.
    """

    digest: str
    size: int
    path: Path | None
    inline: bytes | None
    is_packed: bool = False
    state: FileState | None = None


def serializer_for(value: Any, name: str) -> str:
    """Return the name of the format for a value; "auto" asks its type."""
    return formats.pick_serializer(value) if name == "auto" else formats.get(name).name


def dump(
    value: Any, serializer: str, staged: Callable[[], Path], options: Mapping[str, Any]
) -> Payload:
    """Write a value down and return what is to be stored.

    Parameters
    ----------
    staged
        Gives the path for a file, if there has to be one.
    """
    found = formats.get(serializer)
    if found.dump_to is not None and not refused(found.dump_to, options):
        return _spooled(partial(found.dump_to, value), staged, options)
    if found.dumps is not None and not refused(found.dumps, options):
        data = found.dumps(value, **options)
        if type(data) is bytes and len(data) <= INLINE_BYTES:
            return _inline(data)
        return _spooled(lambda spool: spool.write(data), staged, {})
    return _dump_to_path(value, found, staged(), options)


def _spooled(
    write: Callable[..., Any], staged: Callable[[], Path], options: Mapping[str, Any]
) -> Payload:
    from pypedream.store.spool import Spool

    spool = Spool(staged)
    try:
        write(spool, **options)
        data = spool.inline()
        if data is not None:
            return _inline(data)
        stat = spool.flushed()
        return Payload(spool.hexdigest(), spool.tell(), spool.path, None, state=FileState.of(stat))
    finally:
        spool.release()


def _dump_to_path(
    value: Any, serializer: Serializer, path: Path, options: Mapping[str, Any]
) -> Payload:
    serializer.dump(value, path, **options)
    if not path.exists():
        name = serializer.name
        raise StoreError(f'serializer "{name}" wrote nothing to the path that it was given')
    is_packed = path.is_dir()
    whole = _packed(path) if is_packed else path
    size = whole.stat().st_size
    if size <= INLINE_BYTES:
        return _inline(whole.read_bytes(), is_packed=is_packed)
    flush(whole)
    return Payload(digest_of(whole), size, whole, None, is_packed)


def _inline(data: bytes, *, is_packed: bool = False) -> Payload:
    return Payload(sha256(data).hexdigest(), len(data), None, data, is_packed)


def _packed(folder: Path) -> Path:
    """Put a folder into one file, the same for the same content, and remove the folder."""
    import zipfile

    target = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = path.relative_to(folder).as_posix()
            with (
                path.open("rb") as source,
                archive.open(zipfile.ZipInfo(name, _LONG_AGO), "w", force_zip64=True) as file,
            ):
                while block := source.read(1 << 20):
                    file.write(block)
    remove_tree(folder)
    os.replace(target, folder)
    return folder
