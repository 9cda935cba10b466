"""Overwritten: files in the places of outputs that nobody could get back after a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pypedream.engine.calls import Calls
    from pypedream.engine.wiring import Wire
    from pypedream.files.hashes import FileHashes
    from pypedream.store import CacheStore


def overwritten(
    wires: Mapping[str, Wire],
    called: Collection[str],
    kept: Collection[str],
    calls: Calls,
    store: Callable[[], CacheStore],
) -> list[str]:
    """Return in words the files that a run will replace, and that are neither kept nor known.

    Parameters
    ----------
    called, kept
        The stages that will be called, and those whose outputs will be put back.
    """
    found: list[tuple[str, Digest, str]] = []
    concerned = {*called, *kept}
    for key, wired in wires.items():
        if wired.files is not None and wired.files.spec.outs and key in concerned:
            found += _others(wired, calls, key in kept)
    if not found:
        return []
    have = FileBlobs(store()).has_many(digest for _, digest, _ in found)
    return [f'"{path}", {what}' for path, digest, what in found if digest not in have]


def _others(wired: Wire, calls: Calls, is_kept: bool) -> Iterator[tuple[str, Digest, str]]:
    """Yield what is at the places of outputs, and is not what the stage wrote the last time.

    The words say what it is instead, and what becomes of it.
    """
    assert wired.files is not None
    assert calls.files is not None
    assert calls.locks is not None
    lock, hashes = calls.locks.of(wired), calls.files.hashes(wired.files.root)
    known = {path: out.sha256 for path, out in lock.outs.items()} if lock is not None else {}
    written = calls.written.get(wired.key) if is_kept else None
    stays = written.digests if written is not None else {}
    for path in wired.files.outputs:
        for name, digest in _there(path, hashes, wired):
            if digest.sha256 not in (known.get(name), stays.get(name), stays.get(path)):
                if name in known or name in stays:
                    how = "put back" if is_kept else "written"
                    yield name, digest, f"which was changed by hand (it will be {how})"
                else:
                    how = "replaced" if name == path else "removed"
                    yield name, digest, f'which "{wired.key}" did not write (it will be {how})'


def _there(path: str, hashes: FileHashes, wired: Wire) -> Iterator[tuple[str, Digest]]:
    digest = hashes.digest(path)
    if digest is None:
        return
    assert wired.files is not None
    outs = wired.files.spec.outs.values()
    if not any(out.kind == "directory" and out.path == path for out in outs):
        yield path.rstrip("/"), digest
        return
    for member in hashes.members(path):
        yield f"{path}{member.name}", Digest(member.sha256, member.size)
