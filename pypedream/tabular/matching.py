"""Matching: which file of a folder is the one that each spec means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pypedream.names import did_you_mean
from pypedream.tabular.models import IngestFileSpec
from pypedream.tabular.problems import Problem, error_of
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["match_files"]

_OF_THE_SYSTEM = frozenset({"thumbs.db", "desktop.ini"})
_MOST_LISTED = 5


def match_files(folder: str | os.PathLike[str], specs: Sequence[IngestFileSpec]) -> dict[str, Path]:
    """Return from the name of each spec to the one file of a flat folder that it means.

    Specs choose in their order, and a file is chosen once. Hidden files are passed over, and so
    are those that Windows and macOS put into folders. Nothing is opened.

    Parameters
    ----------
    folder
        Where the files are.
    specs
        What is expected. One that is optional may have no file, and is then not in the result.

    Raises
    ------
    IngestError
        If the folder is none or has folders in it, if a spec means no file or several, or if a
        file is left over; it names every mistake.
    TypeError
        If *specs* is not a sequence of specs.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from pypedream.tabular.models import IngestFileSpec
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / "schools_2024.csv").write_text("id")
    >>> match_files(folder, [IngestFileSpec("schools", "schools_*.csv", None)])["schools"].name
    'schools_2024.csv'
    """
    _check_specs(specs)
    if not os.fspath(folder):  # it would be the one that Python was started in
        raise error_of('folder ""', [Problem("no-folder", "has no name: say which folder")])
    names, problems = _names_in(Path(folder))
    free, unclear, found = list(names), set[str](), dict[str, Path]()
    for at, spec in enumerate(specs):
        matches = [name for name in free if fnmatchcase(name, spec.source_pattern)]
        if len(matches) == 1:
            found[spec.name] = Path(folder, matches[0])
            free.remove(matches[0])
        elif matches:
            problems.append(_many(spec, matches, specs[at + 1 :]))
            unclear.update(matches)
        elif not spec.optional and not (unclear and _could_be(spec, unclear)):
            problems.append(_no_match(spec, names))
    problems += [_left_over(name, specs) for name in free if name not in unclear]
    if not problems and not found:
        problems.append(Problem("no-match", "no file is there, though every one is optional"))
    if problems:
        raise error_of(f'folder "{folder}"', problems)
    return found


def _check_specs(specs: object) -> None:
    if isinstance(specs, IngestFileSpec):
        raise TypeError(
            f'specs is a list: match_files(folder, [spec]), also for "{specs.name}" alone'
        )
    if isinstance(specs, str) or not isinstance(specs, Sequence):
        raise TypeError(f"specs is a list of IngestFileSpec, not {said(specs)}")
    for each in specs:
        if not isinstance(each, IngestFileSpec):
            raise TypeError(f"specs holds {said(each)}, which is no IngestFileSpec")


def _names_in(folder: Path) -> tuple[list[str], list[Problem]]:
    """Return the names of the files of a folder in order, and what should not be there."""
    if not folder.is_dir():
        reason = "is a file: give its folder" if folder.exists() else "is not there"
        problem = Problem("no-folder", reason)
        raise error_of(f'folder "{folder}"', [problem])
    with os.scandir(folder) as entries:
        listed = sorted((each for each in entries if _counts(each.name)), key=lambda one: one.name)
    files = [each.name for each in listed if each.is_file()]
    problems = list(_not_files(listed))
    return files, problems


def _not_files(entries: Sequence[os.DirEntry[str]]) -> Iterator[Problem]:
    for each in entries:
        if each.is_dir():
            reason = "is a folder: all files have to be in one folder"
            yield Problem("folder", reason, file=each.name, value=each.name)
        elif not each.is_file():
            reason = "is no file: it may be a link that leads nowhere"
            yield Problem("folder", reason, file=each.name, value=each.name)


def _could_be(spec: IngestFileSpec, names: Iterable[str]) -> bool:
    return any(fnmatchcase(name, spec.source_pattern) for name in names)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _OF_THE_SYSTEM


def _no_match(spec: IngestFileSpec, names: Sequence[str]) -> Problem:
    near = did_you_mean(spec.source_pattern.replace("*", ""), names)
    text = f'no file matches "{spec.source_pattern}" of "{spec.name}"{near}'
    return Problem("no-match", text)


def _many(spec: IngestFileSpec, matches: Sequence[str], later: Sequence[IngestFileSpec]) -> Problem:
    listed = ", ".join(matches[:_MOST_LISTED]) + ", ..." * (len(matches) > _MOST_LISTED)
    reason = f'{len(matches)} files match "{spec.source_pattern}" of "{spec.name}": {listed}'
    narrower = [other.name for other in later if _could_be(other, matches)]
    if narrower:
        reason += f'; specs choose in their order: put "{narrower[0]}" before "{spec.name}"'
    return Problem("many-matches", reason)


def _left_over(name: str, specs: Sequence[IngestFileSpec]) -> Problem:
    taken = [spec.name for spec in specs if fnmatchcase(name, spec.source_pattern)]
    more = f'; "{taken[0]}" has its file already' if taken else ""
    reason = f"is expected by no spec{more}: take it out of the folder"
    return Problem("extra-file", reason, file=name, value=name)
