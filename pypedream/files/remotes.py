"""Remotes: copies of the outputs that locks name, between the store of a project and another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

from pypedream.errors import DefinitionError
from pypedream.files.blobs import FileBlobs, key_of
from pypedream.files.pins import kept_by
from pypedream.names import did_you_mean, there_are
from pypedream.store.location import folder_of
from pypedream.store.transfer import copy_missing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pypedream.files.locks import Lock
    from pypedream.store import CacheStore

__all__ = ["Moved", "Remote", "copied", "opened", "remote_of"]


@frozen
class Remote:
    """Another place with copies of outputs.

    Attributes
    ----------
    url
        A folder or a URL that fsspec knows.
    options
        How it is reached.
    """

    url: str
    options: Mapping[str, Any] = Factory(dict)


@frozen
class Moved:
    """What became of copying.

    Attributes
    ----------
    copied
        How many files were copied; the others were there.
    missing
        The paths of outputs of which there was no good copy to be had.
    """

    copied: int
    missing: tuple[str, ...] = ()


def remote_of(settings: Mapping[str, Any], name: str | None, root: Path) -> Remote:
    """Return the remote that a name, a folder or a URL means.

    Parameters
    ----------
    settings
        The table ``[tool.pypedream]``: ``remote`` is the usual one, ``remotes`` has others by name,
        each a URL or a table of ``url`` and options.
    name
        What was asked for; None is the usual one.
    root
        The folder of the project, from which the settings name folders.

    Raises
    ------
    DefinitionError
        If there is none of that name, or it says no URL.
    """
    remotes = settings.get("remotes", {})
    wanted = name or settings.get("remote")
    if wanted is None and isinstance(remotes, Mapping) and len(remotes) == 1:
        wanted = next(iter(remotes))
    if not isinstance(wanted, str) or not wanted:
        raise DefinitionError(
            'no remote: name a folder or URL, or write remote = "URL" under [tool.pypedream] in'
            " pyproject.toml"
        )
    found = remotes.get(wanted) if isinstance(remotes, Mapping) else None
    if isinstance(found, str):
        return Remote(_from(root, found))
    if isinstance(found, Mapping) and isinstance(found.get("url"), str):
        options = {key: each for key, each in found.items() if key != "url"}
        return Remote(_from(root, found["url"]), options)
    if found is not None:
        raise DefinitionError(f'the remote "{wanted}" has no url: [tool.pypedream.remotes]')
    if "/" in wanted or "\\" in wanted or "::" in wanted:
        return Remote(wanted if name else _from(root, wanted))
    near = did_you_mean(wanted, remotes) or f"; {there_are(remotes)}"
    raise DefinitionError(f'no remote "{wanted}"{near}; a folder is written "./{wanted}"')


def _from(root: Path, url: str) -> str:
    """Return where a URL leads that the settings of a project have."""
    folder = folder_of(url)
    return url if folder is None or folder.is_absolute() else os.path.join(root, folder)


def opened(remote: Remote, *, readonly: bool) -> CacheStore:
    """Open the store of a remote; a folder is made if it is not to be read alone.

    Raises
    ------
    DefinitionError
        If it is to be read alone, and there is no such folder.
    StoreError
        If it cannot be opened.
    """
    from pypedream.store import CacheStore

    folder = folder_of(remote.url)
    if readonly and folder is not None and not folder.is_dir():
        raise DefinitionError(f'there is no folder {folder}: name another remote, or "push" first')
    return CacheStore(remote.url, storage_options=remote.options or None, readonly=readonly)


def copied(source: CacheStore, target: CacheStore, locks: Iterable[Lock]) -> Moved:
    """Copy what *locks* name and *target* does not have; each is compared with its digest.

    Raises
    ------
    StoreError
        If one of the stores cannot be read or written.
    """
    locks = list(locks)
    wanted = kept_by(locks)
    folders = {digest for digest in wanted if digest.is_folder}
    # the manifests first: they say which files there are
    done = copy_missing(source, target, sorted(map(key_of, folders)))
    blobs = FileBlobs(target)
    files = blobs.keys(wanted) - set(map(key_of, folders))
    done += copy_missing(source, target, sorted(files))
    gone = {digest.sha256 for digest in wanted - blobs.has_many(wanted)}
    outs = ((path, out) for lock in locks for path, out in lock.outs.items() if out.cached)
    return Moved(len(done), tuple(path for path, out in outs if out.sha256 in gone))
