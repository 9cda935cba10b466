"""Misplaced: a folder where a stage reads or writes a file, and the other way round.

What is at the place of an output is replaced. A folder there is none that the stage wrote, so what
is in it would be lost; and so would be the code of the stage.
"""

from __future__ import annotations

import os
from functools import cache
from stat import S_ISDIR
from typing import TYPE_CHECKING

from pypedream.engine.problem import Problem
from pypedream.files.paths import is_glob
from pypedream.files.templates import texts_of
from pypedream.formats.loader import may_be_of_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pypedream.engine.links import Link
    from pypedream.engine.wiring import Wire
    from pypedream.files.spec import FileOut

    _Look = Callable[[str, str], bool | None]

__all__ = ["misplaced"]

_OTHER = "give the output another path"
_MOVE = f"move that away, or {_OTHER}"


def misplaced(wires: Mapping[str, Wire], selected: Collection[str]) -> list[Problem]:
    """Return a problem for each file or folder that is the other one of these two."""
    is_folder = cache(_is_folder)  # stages write into the same folders, and read what others write
    return [
        Problem(f'stage "{key}": {what}', wired.place, hint)
        for key, wired in wires.items()
        if key in selected and wired.files is not None
        for what, hint in _of_stage(wired, is_folder)
    ]


def _of_stage(wired: Wire, is_folder: _Look) -> Iterator[tuple[str, str]]:
    assert wired.files is not None
    for link in wired.links:
        if link.kind == "file" and link.input is not None:
            yield from _read(link, is_folder)
    for out in wired.files.spec.outs.values():
        for path in texts_of(out.path):
            yield from _written(wired.files.root, path, out, is_folder)
            if path[-3:] == ".py" and _is_own(f"{wired.files.root}/{path}", wired):
                yield f'its output "{path}" is the file that defines it', _OTHER


def _read(link: Link, is_folder: _Look) -> Iterator[tuple[str, str]]:
    assert link.input is not None
    ref = link.input.bind.source
    if ref.dep.is_incremental or may_be_of_folders(ref.dep.loader):
        return
    for path in texts_of(ref.dep.paths):
        if not is_glob(path) and is_folder(ref.root, path):
            loader = type(ref.dep.loader).__name__
            what = f'"{path}" for "{link.argument}" is a folder, and {loader} reads a file'
            yield what, f'["{path}/*"] is a list of what is in it'


def _written(root: str, path: str, out: FileOut, is_folder: _Look) -> Iterator[tuple[str, str]]:
    there = is_folder(root, path.rstrip("/"))
    around = "" if there is not None else _file_around(root, path, is_folder)
    if around:
        yield f'its output "{path}" is inside of "{around}", which is a file', _OTHER
    elif path.endswith("/"):
        if there is False:
            yield f'its output "{path}" is a folder, and there is a file', _MOVE
    elif there:
        fix = f'write "{path}/" if it is one, ' if may_be_of_folders(out.loader) else ""
        yield f'its output "{path}" is a file, and there is a folder', f"{fix}{_MOVE}"


def _file_around(root: str, path: str, is_folder: _Look) -> str:
    """Return a file that is where a folder has to be for a path; "" if there is none."""
    while path := os.path.dirname(path.rstrip("/")):
        there = is_folder(root, path)
        if there is not None:
            return "" if there else path
    return ""


def _is_own(path: str, wired: Wire) -> bool:
    place = wired.place
    return place is not None and os.path.realpath(path) == os.path.realpath(place.file)


def _is_folder(root: str, path: str) -> bool | None:
    """Say whether there is a folder; None if there is nothing."""
    try:
        return S_ISDIR(os.stat(f"{root}/{path}").st_mode)
    except OSError:
        return None
