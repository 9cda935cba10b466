"""Paths of one stage that cannot stand together, each pair as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.files.paths import folded, is_glob
from pypedream.files.sides import output
from pypedream.files.templates import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.files.producers import Producers
    from pypedream.files.spec import FileDep, FileOut


def clashing(deps: Mapping[str, FileDep], outs: Mapping[str, FileOut]) -> Iterator[str]:
    """Say which outputs are one file or inside each other, and which are also read.

    An `IncrementalOut` is read and written; everything else is one of both.
    """
    written = [(name, path) for name, out in outs.items() for path in texts_of(out.path)]
    if _are_all_apart(deps, written):
        return
    from pypedream.files.producers import Producers, clashes

    for clash in clashes(written):
        (one, other), (path, second) = clash.stages, clash.paths
        both = f"{output(one)} and {output(other)} both write {_both(path, second)}"
        yield f"{both}: give one another path"
    producers = Producers(written)
    for argument, dep in deps.items():
        for path in texts_of(dep.paths):
            yield from _read_and_written(argument, path, dep, outs, producers)


def _are_all_apart(deps: Mapping[str, FileDep], written: list[tuple[str, str]]) -> bool:
    """Say whether one file is written, and others are read, as by most functions."""
    if len(written) != 1 or written[0][1].endswith("/"):
        return False
    out = folded(written[0][1])
    read = [path for dep in deps.values() for path in texts_of(dep.paths)]
    if any(map(is_glob, read)):
        return False
    others = [folded(path).rstrip("/") for path in read]
    return not any(out.startswith(other) or other.startswith(out) for other in others)


def _both(path: str, second: str) -> str:
    if path == second:
        return f'"{path}"'
    is_inside = folded(second).startswith(f"{folded(path).rstrip('/')}/")
    how = "which is inside" if is_inside else "which on some systems is the same file as"
    return f'"{second}", {how} "{path}"'


def _read_and_written(
    argument: str, path: str, dep: FileDep, outs: Mapping[str, FileOut], producers: Producers
) -> Iterator[str]:
    alike = producers.alike(path)
    if alike is not None:
        yield f'argument "{argument}" reads "{path}", which is "{alike}" on some systems'
    for name in producers.who(path):
        if dep.is_incremental and outs[name].path == path:
            continue
        yield (
            f'argument "{argument}" reads "{path}", which {output(name)} writes: if the function'
            " goes on from what it wrote before, annotate both with IncrementalOut"
        )
