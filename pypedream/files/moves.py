"""Moves: how one output of a stage comes to its place, in steps that can be done again.

Every name beside the target is made from the id of a journal, which nothing else has. So whoever
goes on after a crash does what is left to do and nothing twice.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from pypedream.formats.replacement import UNFINISHED, ending_of
from pypedream.store.disk import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Output",
    "clear",
    "finish",
    "is_for_all",
    "is_swap",
    "make_holder",
    "missing_folders",
    "put_in_place",
    "remove",
    "with_x",
]

_TRIES = 10
_ALL_READ = 0o444


@frozen(eq=False, repr=False)
class Output:
    """One output that is being written.

    Attributes
    ----------
    root
        The folder of the project, without symbolic links.
    name
        The path of the output within it.
    id, number
        The journal that tells of it, and how many outputs that names before.
    made
        Folders that were made for it.
    is_alone
        Whether its writer leaves nothing beside it.
    target
        Where it will be.
    beside
        What is made beside that: a folder in which the output is written, or the output itself.
    path
        Where it is written.
    old
        Where what is at its place goes, if it cannot be replaced in one step.
    """

    root: str
    name: str
    id: str
    number: int
    made: Sequence[str]
    is_alone: bool = False
    target: str = field(init=False)
    beside: str = field(init=False)
    path: str = field(init=False)
    old: str = field(init=False)

    @target.default
    def _target(self) -> str:
        return os.path.join(self.root, self.name)

    @beside.default
    def _beside(self) -> str:
        ending = ending_of(os.path.basename(self.target)) if self.is_alone else ""
        return f"{self._free_name()}{ending}"

    @path.default
    def _path(self) -> str:
        name = os.path.basename(self.target)
        return self.beside if self.is_alone else os.path.join(self.beside, name)

    @old.default
    def _old(self) -> str:
        return f"{self._free_name()}-old"

    def _free_name(self) -> str:
        folder = os.path.dirname(self.target)
        return os.path.join(folder, f"{UNFINISHED}{self.id}-{self.number}")


def put_in_place(output: Output) -> None:
    """Move an output to its target; do nothing if that is done."""
    if os.path.lexists(output.path):
        if is_swap(output):
            if os.path.lexists(output.old):  # what is there now came after a crash
                remove_tree(Path(output.target))
            else:
                os.rename(output.target, output.old)
        os.replace(output.path, output.target)


def is_swap(output: Output) -> bool:
    """Say whether what is at the target has to be moved away first."""
    if not os.path.lexists(output.target):
        return False
    return os.path.isdir(output.target) or os.path.isdir(output.path)


def clear(outputs: list[Output]) -> None:
    """Remove what is beside the targets when they are in place."""
    for output in outputs:
        _remove_if_there(output.old)
        _remove_if_there(output.beside)


def remove(outputs: list[Output]) -> list[str]:
    """Remove outputs that are not to be, and the folders that were made for them."""
    written = [output.name for output in outputs if os.path.lexists(output.path)]
    clear(outputs)
    for output in outputs:
        for folder in reversed(output.made):
            with suppress(OSError):  # somebody else has put something into it
                os.rmdir(os.path.join(output.root, folder))
    return written


def _remove_if_there(path: str) -> None:
    try:
        os.rmdir(path)  # as it mostly is there, and empty
    except FileNotFoundError:
        return
    except OSError:
        if os.path.lexists(path):
            remove_tree(Path(path))


def finish(output: Output, *, is_durable: bool) -> None:
    """Have an output reach the disk, and give it the mode of what it replaces."""
    ours = os.stat(output.path).st_mode
    if is_durable:
        for path in _files_in(output.path) if stat.S_ISDIR(ours) else [output.path]:
            _flush(path)
    with suppress(FileNotFoundError):
        there = os.stat(output.target).st_mode
        if stat.S_ISDIR(there) == stat.S_ISDIR(ours) and there != ours:
            os.chmod(output.path, with_x(there, ours) & 0o777)


def with_x(mode: int, like: int) -> int:
    """Return a mode in which all who may read may run as well, if that is so in another one."""
    return mode | (mode & 0o444) >> 2 if like & 0o100 else mode


def _files_in(path: str) -> Iterator[str]:
    for folder, _, names in os.walk(path):
        paths = (os.path.join(folder, name) for name in names)
        yield from (each for each in paths if not os.path.islink(each))


def _flush(path: str) -> None:
    # Windows flushes only what may be written to.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def missing_folders(root: str, folder: str) -> list[str]:
    """Return the folders between the root and *folder* that are not there, the outermost first."""
    found = []
    while folder != root and not os.path.isdir(folder):
        found.append(os.path.relpath(folder, root).replace(os.sep, "/"))
        folder = os.path.dirname(folder)
    return found[::-1]


def is_for_all(target: str) -> bool:
    """Say whether everybody may read what is at a target, if anything is."""
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) and mode & _ALL_READ == _ALL_READ


def make_holder(holder: str) -> None:
    """Make the folder that an output is written in; only who writes it may look into it."""
    for left in reversed(range(_TRIES)):
        try:
            os.mkdir(holder, 0o700)
        except FileExistsError:
            return
        except FileNotFoundError:
            # it is not there yet, or another stage that failed has just removed it, as it was empty
            if not left:
                raise
            os.makedirs(os.path.dirname(holder), exist_ok=True)
        else:
            return
