"""Location: which folder or which objects a path or a URL means."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pypedream.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.store.backend import Backend

__all__ = ["FOLDER", "backend_at", "folder_of"]

FOLDER = "store"
"""Where the results of a workspace are, within its folder."""

_LOCAL = ("file://", "local://")


def backend_at(
    path: str | os.PathLike[str],
    *,
    readonly: bool,
    is_shared: bool,
    storage_options: Mapping[str, Any] | None,
) -> Backend:
    """Return the place for entries that *path* means; a local one is made unless *readonly*."""
    folder = folder_of(path)
    if folder is None:
        from pypedream.store.objects import Objects

        return Objects(os.fspath(path), storage_options)
    from pypedream.store.folder import Folder

    return Folder(folder, readonly=readonly, is_shared=is_shared)


def folder_of(path: str | os.PathLike[str]) -> Path | None:
    """Return the folder that *path* means, or None if it is somewhere else.

    In a folder for everybody's temporary files the store gets one that is its owner's.

    Examples
    --------
    >>> folder_of("s3://bucket/results") is None
    True
    """
    text = os.fspath(path)
    for protocol in _LOCAL:
        if text.startswith(protocol):
            text = unquote(text.removeprefix(protocol))
    if "://" in text or "::" in text:
        return None
    folder = Path(_everybodys_folder() if text == "/tmp" else text).expanduser()  # noqa: S108
    return _own_folder(folder) if _is_everybodys(folder) else folder


def _own_folder(folder: Path) -> Path:
    own = folder / f"pypedream-{_user()}"
    try:
        owner = own.lstat().st_uid
    except FileNotFoundError:
        return own
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise StoreError(f"{own} belongs to another user: choose another folder for the store")
    return own


def _everybodys_folder() -> str:
    from tempfile import gettempdir  # it takes long to load and is seldom needed

    return gettempdir()


def _is_everybodys(folder: Path) -> bool:
    if os.name == "nt":
        return folder == Path(_everybodys_folder())
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
