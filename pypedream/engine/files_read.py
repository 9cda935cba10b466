"""Files read: what is in the files of an argument, as they will be when its stage is called."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pypedream.files.globs import matches
from pypedream.files.hashes import Digest, Member, manifest_of
from pypedream.files.paths import is_glob
from pypedream.files.templates import texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pypedream.files.hashes import FileHashes
    from pypedream.files.presumed import Presumed
    from pypedream.files.stage_files import FileRef
    from pypedream.files.written import WrittenFile


def files_read(
    ref: FileRef,
    made: Mapping[str, WrittenFile],
    hashes: FileHashes | Presumed,
    owned: Sequence[str] = (),
) -> dict[str, Digest | None]:
    """Return from each path that an argument is read from to what is in it; None if nothing is.

    Parameters
    ----------
    made
        The files that other stages wrote, or have written when this one is called: they count as
        these left them, also where they are not back in their places yet.
    owned
        Folders, with "/" at the end, in which nothing else is then.
    """
    paths = {path: None for path in ref.paths if path in made or not path.startswith(tuple(owned))}
    if not isinstance(ref.dep.paths, list):
        paths = dict.fromkeys(ref.paths)
    if made and isinstance(ref.dep.paths, list):
        for pattern in filter(is_glob, texts_of(ref.dep.paths)):
            paths.update(dict.fromkeys(path for path in made if matches(pattern, path)))
    return {path: _content(path, made, hashes, owned) for path in _in_order(paths, ref)}


def _in_order(paths: Mapping[str, None], ref: FileRef) -> list[str]:
    """Return the paths as they are found once all of them are in place."""
    if not isinstance(ref.dep.paths, list) or not any(map(is_glob, ref.dep.paths)):
        return list(paths)
    found: dict[str, None] = {}
    for text in ref.dep.paths:
        if is_glob(text):
            found.update(dict.fromkeys(sorted(each for each in paths if matches(text, each))))
        else:
            found[text] = None
    return list(found)


def _content(
    path: str, made: Mapping[str, WrittenFile], hashes: FileHashes | Presumed, owned: Sequence[str]
) -> Digest | None:
    one = made.get(path)
    if one is not None:
        return Digest(one.sha256, one.size, is_folder=path.endswith("/"))
    folder = f"{path.rstrip('/')}/"
    inside = {each.removeprefix(folder): made[each] for each in made if each.startswith(folder)}
    there = hashes.digest(path)
    if not inside or any(name.endswith("/") or not name for name in inside):
        return there
    listed = hashes.members(path) if there is not None else []
    members = {
        each.name: each for each in listed if not f"{folder}{each.name}".startswith(tuple(owned))
    }
    members.update({name: Member(name, each.sha256, each.size) for name, each in inside.items()})
    size = sum(member.size for member in members.values())
    manifest = manifest_of([*members.values()])
    return Digest(sha256(manifest).hexdigest(), size, is_folder=True)
