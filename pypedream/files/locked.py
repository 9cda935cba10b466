"""From what a stage wrote to its lock, and from a lock back to what it says of the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.files.locks import DepLock, Lock, OutLock
from pypedream.files.templates import texts_of
from pypedream.files.written import Written, WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.files.hashes import Digest
    from pypedream.files.locks import ParamLock
    from pypedream.files.spec import FileOut
    from pypedream.files.stage_files import StageFiles

__all__ = [
    "dep_locks",
    "differences",
    "digests_in",
    "file_differences",
    "out_locks",
    "shown_differences",
    "written_in",
]

SHORT = 8
"""So many digits of a digest are shown."""


def dep_locks(read: Mapping[str, Digest | None]) -> dict[str, DepLock]:
    """Return what a lock says of files that were read; nothing of those that were not there."""
    return {
        path.rstrip("/"): DepLock(digest.sha256, digest.size, digest.is_folder)
        for path, digest in read.items()
        if digest is not None
    }


def out_locks(written: Written, files: StageFiles) -> dict[str, OutLock]:
    """Return what a lock says of the files that a stage wrote."""
    return {
        one.path.rstrip("/"): _out_lock(one, files.spec.outs[name])
        for name, members in written.fields.items()
        for one in members
    }


def _out_lock(one: WrittenFile, out: FileOut) -> OutLock:
    drawn = [text or "" for text in (out.x, out.y, out.template)]
    is_folder, folder = one.path.endswith("/"), str(out.path) if out.kind == "directory" else ""
    return OutLock(one.sha256, one.size, out.kind, one.is_cached, is_folder, folder, *drawn)


def written_in(lock: Lock, files: StageFiles) -> Written | None:
    """Return the outputs that a lock names, by field; None if one of the stage's is not there."""
    fields = {name: tuple(_of_field(lock, out)) for name, out in files.spec.outs.items()}
    for name, out in files.spec.outs.items():
        expected = 1 if out.kind == "directory" else len(texts_of(out.path))
        if not fields[name] and not out.is_required:
            del fields[name]
        elif len(fields[name]) < expected:
            return None
    return Written(fields, files)


def _of_field(lock: Lock, out: FileOut) -> Iterator[WrittenFile]:
    if out.kind == "directory":
        inside = [path for path in lock.outs if path.startswith(str(out.path))]
    else:
        inside = [path for path in texts_of(out.path) if path.rstrip("/") in lock.outs]
    for path in inside:
        one = lock.outs[path.rstrip("/")]
        yield WrittenFile(path, one.sha256, one.size, one.cached)


def digests_in(lock: Lock, paths: Iterable[str]) -> dict[str, Digest]:
    """Return what a lock says of those outputs of which copies are kept."""
    from pypedream.files.hashes import Digest

    outs = {path: lock.outs.get(path.rstrip("/")) for path in paths}
    return {
        path: Digest(out.sha256, out.size, out.is_folder)
        for path, out in outs.items()
        if out is not None and out.cached
    }


def differences(before: Lock, after: Lock) -> Iterator[str]:
    """Yield in words what a stage would be called with that is not what its lock says.

    The code is left out: of that more is known than a lock says.
    """
    old, new = before.params, after.params
    yield from shown_differences(_shown(old), _shown(new))
    for name in old.keys() & new.keys():
        if old[name].shown == new[name].shown and old[name].digest != new[name].digest:
            yield f'parameter "{name}" changed'
    yield from file_differences(
        {path: each.sha256 for path, each in before.deps.items()},
        {path: each.sha256 for path, each in after.deps.items()},
    )
    for name, digest in after.loaders.items():
        if before.loaders.get(name, digest) != digest:
            yield f'loader of "{name}" changed'


def _shown(params: Mapping[str, ParamLock]) -> dict[str, str]:
    return {name: each.shown for name, each in params.items()}


def shown_differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield in words which parameters are not as they were, given as they are shown."""
    for name, now in after.items():
        old = before.get(name)
        if old is None:
            yield f'parameter "{name}" is new'
        elif old != now:
            yield f'parameter "{name}" {old} -> {now}'
    yield from (f'parameter "{name}" is gone' for name in before if name not in after)


def file_differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield in words which files are not as they were, given their digests by path; "" is none."""
    for path, digest in after.items():
        old = before.get(path, "")
        if digest == old:
            continue
        if old and digest:
            yield f'file "{path}" {old[:SHORT]} -> {digest[:SHORT]}'
        else:
            yield f'file "{path}" is {"new" if digest else "not there any more"}'
    for path, old in before.items():
        if old and path not in after:
            yield f'file "{path}" is read no more'
