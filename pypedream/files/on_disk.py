"""On disk: the outputs of a stage as they are now, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.files.templates import texts_of
from pypedream.files.written import Written, WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.files.hashes import FileHashes
    from pypedream.files.spec import FileOut
    from pypedream.files.stage_files import StageFiles

__all__ = ["written_now"]


def written_now(files: StageFiles, hashes: FileHashes) -> tuple[Written, list[str]]:
    """Return what a stage would have written if its outputs were as they are now.

    Returns
    -------
    The outputs, and the paths of those that are not there.

    Raises
    ------
    StoreError
        If a file cannot be read.
    """
    fields, missing = {}, []
    for name, out in files.spec.outs.items():
        found = tuple(_found(out, hashes))
        if found or out.is_required:
            fields[name] = found
        gone = _expected(out) - {one.path for one in found}
        missing += sorted(gone) if found or out.is_required else []
        if out.kind == "directory" and not found and out.is_required:
            missing.append(str(out.path))
    return Written(fields, files), missing


def _expected(out: FileOut) -> set[str]:
    return set() if out.kind == "directory" else set(texts_of(out.path))


def _found(out: FileOut, hashes: FileHashes) -> Iterator[WrittenFile]:
    for path in texts_of(out.path):
        digest = hashes.digest(path)
        if digest is None or digest.is_folder != path.endswith("/"):
            continue
        if out.kind != "directory":
            yield WrittenFile(path, digest.sha256, digest.size, out.is_cached)
            continue
        for member in hashes.members(path):
            yield WrittenFile(f"{path}{member.name}", member.sha256, member.size, out.is_cached)
