"""Missing files: what stages would read that is not there, and that no stage writes before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pypedream.engine.problem import Problem
from pypedream.files.globs import expanded
from pypedream.files.paths import is_glob, seen_from
from pypedream.files.templates import texts_of
from pypedream.names import did_you_mean_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pypedream.engine.links import Link
    from pypedream.engine.wiring import Wire

_MOST_NAMES = 1000


def missing_files(
    wires: Mapping[str, Wire], chosen: Collection[str], provided: Collection[str]
) -> list[Problem]:
    """Return a problem for each file that a stage would not find.

    Parameters
    ----------
    chosen
        The stages that will be called.
    provided
        These, those whose outputs are kept, and those whose values are given.
    """
    return [
        Problem(what, wires[key].place, hint)
        for key in wires
        if key in chosen and wires[key].files is not None
        for link in wires[key].links
        for what, hint in _missing(key, link, wires, provided)
    ]


def unmatched(wires: Mapping[str, Wire], chosen: Collection[str]) -> list[str]:
    """Return a note for each pattern that matches no file, and in which no stage writes any."""
    return [
        f'stage "{key}": no file matches "{path}" for "{link.argument}"'
        for key in wires
        if key in chosen and wires[key].files is not None
        for link in wires[key].links
        if link.kind == "file" and link.input is not None and not link.reads
        for path in texts_of(link.input.bind.source.dep.paths)
        if is_glob(path) and not expanded(Path(link.input.bind.source.root), path)
    ]


def _missing(
    key: str, link: Link, wires: Mapping[str, Wire], provided: Collection[str]
) -> Iterator[tuple[str, str]]:
    if link.kind != "file" or link.input is None or link.input.bind.source.dep.is_incremental:
        return
    ref = link.input.bind.source
    for path in texts_of(ref.dep.paths):
        if is_glob(path) or os.path.exists(f"{ref.root}/{path}"):
            continue
        makers = [each for each in link.reads if _writes(wires[each], path, ref.root)]
        if not makers:
            outputs = [each for wired in wires.values() for each in _outputs(wired, ref.root)]
            near = _leading_nowhere(ref.root, path) or _near(ref.root, path, outputs)
            yield f'stage "{key}": there is no file "{path}" for "{link.argument}"{near}', ""
        elif not any(each in provided for each in makers):
            what = f'stage "{key}" reads "{path}", which is not there'
            yield what, f'select stage "{makers[0]}" too, which writes it'


def _outputs(wired: Wire, root: str) -> Iterator[str]:
    """Yield the outputs of a stage by their paths in the project *root*."""
    files = wired.files
    if files is not None:
        seen = (seen_from(root, files.root, path) for path in files.outputs)
        yield from (path for path in seen if path is not None)


def _writes(wired: Wire, path: str, root: str) -> bool:
    """Say whether a stage writes a path, or something around it or inside it."""
    path = path.rstrip("/")
    outputs = [each.rstrip("/") for each in _outputs(wired, root)]
    return any(
        path == each or path.startswith(f"{each}/") or each.startswith(f"{path}/")
        for each in outputs
    )


def _leading_nowhere(root: str, path: str) -> str:
    place = f"{root}/{path}"
    if not os.path.islink(place):
        return ""
    return f"; it is a symbolic link to {os.readlink(place)}, which is not there"


def _near(root: str, path: str, outputs: list[str]) -> str:
    folder, _, name = path.rstrip("/").rpartition("/")
    before = f"{folder}/" if folder else ""
    try:
        names = os.listdir(f"{root}/{folder}")[:_MOST_NAMES]
    except OSError:
        names = []
    names += [each.removeprefix(before) for each in outputs if each.startswith(before)]
    near = did_you_mean_file(name, names)
    if near or names or not folder:
        return near.replace('"', f'"{before}', 1) if near else ""
    is_file = os.path.isfile(f"{root}/{folder}")
    return f'; "{folder}" is a file' if is_file else f'; there is no folder "{folder}"'
