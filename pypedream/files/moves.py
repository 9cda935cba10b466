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

from attrs import frozen

from pypedream.formats.replacement import UNFINISHED, ending_of
from pypedream.store.disk import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Output",
    "clear_after",
    "complete",
    "finish",
    "is_for_all",
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
    made: Sequence[str]
    is_alone: bool
    target: str
    beside: str
    path: str
    old: str

    @classmethod
    def of(
        cls, root: str, name: str, journal: str, number: int, made: Sequence[str], *, is_alone: bool
    ) -> Output:
        """Return the output that a journal tells of after *number* others."""
        target = f"{root}{os.sep}{name}"
        folder, last = os.path.split(target)
        free = f"{folder}{os.sep}{UNFINISHED}{journal}-{number}"
        beside = f"{free}{ending_of(last)}" if is_alone else free
        path = beside if is_alone else f"{beside}{os.sep}{last}"
        return cls(root, name, made, is_alone, target, beside, path, f"{free}-old")


def put_in_place(output: Output, *, is_swap: bool) -> None:
    """Move an output to its target, where a folder has to be moved away first for a *swap*."""
    if is_swap:
        if os.path.lexists(output.old):  # what is there now came after a crash
            remove_tree(Path(output.target))
        else:
            os.rename(output.target, output.old)
    os.replace(output.path, output.target)


def complete(output: Output) -> None:
    """Do what is left to do for an output to be in place, after a crash."""
    if os.path.lexists(output.path):
        put_in_place(output, is_swap=_is_swap(output))
    clear(output)


def _is_swap(output: Output) -> bool:
    if not os.path.lexists(output.target):
        return False
    return os.path.isdir(output.target) or os.path.isdir(output.path)


def clear(output: Output) -> None:
    """Remove what is beside the target."""
    _remove_if_there(output.old)
    _remove_if_there(output.beside)


def clear_after(output: Output, *, is_swap: bool) -> None:
    """Remove what is beside the target after the output was put in place."""
    if is_swap:
        _remove_if_there(output.old)
    if not output.is_alone:
        _remove_if_there(output.beside)


def remove(outputs: list[Output]) -> list[str]:
    """Remove outputs that are not to be, and the folders that were made for them."""
    written = [output.name for output in outputs if os.path.lexists(output.path)]
    for output in outputs:
        clear(output)
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


def finish(output: Output, *, is_durable: bool) -> bool:
    """Have an output reach the disk, and give it the mode of what it replaces.

    Returns
    -------
    Whether what is at the target has to be moved away first: only a file replaces a file.
    """
    ours = os.stat(output.path).st_mode
    if is_durable:
        for path in _files_in(output.path) if stat.S_ISDIR(ours) else [output.path]:
            _flush(path)
    try:
        there = os.stat(output.target).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(there) == stat.S_ISDIR(ours) and there != ours:
        os.chmod(output.path, with_x(there, ours) & 0o777)
    return stat.S_ISDIR(there) or stat.S_ISDIR(ours)


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
