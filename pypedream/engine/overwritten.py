"""Overwritten: files in the places of outputs that are not what their stages wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pypedream.engine.calls import Calls
    from pypedream.engine.replaced import Replaced
    from pypedream.engine.wiring import Wire
    from pypedream.files.hashes import FileHashes
    from pypedream.store import CacheStore

REMOVED = "removed"


def overwritten(
    wires: Mapping[str, Wire],
    called: Collection[str],
    kept: Collection[str],
    calls: Calls,
    store: Callable[[], CacheStore],
) -> list[Replaced]:
    """Return the files that a run will remove, or will replace where there is no copy of them.

    Parameters
    ----------
    called, kept
        The stages that will be called, and those whose outputs will be put back.
    """
    found: list[tuple[str, str, str, Digest, str, str]] = []
    concerned = {*called, *kept}
    for key, wired in wires.items():
        if wired.files is not None and wired.files.spec.outs and key in concerned:
            root = wired.files.root
            found += ((key, root, *each) for each in _others(wired, calls, key in kept))
    if not found:
        return []
    from pypedream.engine.replaced import Replaced

    have = FileBlobs(store()).has_many(digest for _, _, _, digest, _, _ in found)
    wanted = (Replaced(*each) for each in found if each[3] not in have or each[-1] == REMOVED)
    return [one.of_another_time() if one.digest in have else one for one in wanted]


def _others(wired: Wire, calls: Calls, is_kept: bool) -> Iterator[tuple[str, Digest, str, str]]:
    """Yield what is at the places of outputs, and is not what the stage wrote the last time.

    The last two say what it is instead, and what becomes of it.
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
                    yield name, digest, "which was changed by hand", how
                elif name == path.rstrip("/"):
                    yield name, digest, f'which "{wired.key}" did not write', "replaced"
                else:
                    yield name, digest, f'which "{wired.key}" did not write', REMOVED


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
