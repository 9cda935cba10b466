"""Saving: what a stage gave goes into its files, into all of them or into none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pypedream.errors import FormatError, StoreError
from pypedream.files.paths import WORKSPACE, is_folder
from pypedream.formats.faults import IN_MEMORY, drop_lines
from pypedream.formats.loader import is_built_in
from pypedream.places import Place, users_traceback
from pypedream.store.entry import INLINE_BYTES
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pypedream.files.hashes import Digest
    from pypedream.files.spec import FileOut, FileSpec
    from pypedream.files.stage_files import StageFiles
    from pypedream.files.staging import Staged
    from pypedream.files.written import Written, WrittenFile

__all__ = ["save"]


def save(files: StageFiles, value: Any, function: Callable[..., Any] | None = None) -> Written:
    """Write all outputs of a stage, or none of them.

    Parameters
    ----------
    function
        What gave the value; errors say where it is.

    Raises
    ------
    TypeError, ValueError
        If *value* is not what the annotations say.
    Exception
        What a loader raised. Nothing was replaced then.
    """
    from pypedream.files.directory import files_of
    from pypedream.files.staging import Staged
    from pypedream.files.written import Written

    spec = files.spec
    try:
        values = {"return": value} if spec.is_single else _fields(spec, value)
        made = {name: files_of(each, spec.outs[name]) for name, each in values.items()}
        if function is not None and any(each is None for each in values.values()):
            from pypedream.files.absent import refuse_absent

            refuse_absent(values, function)
    except (TypeError, ValueError) as error:
        _say_where(error, function)
        raise
    written: dict[str, tuple[WrittenFile, ...]] = {}
    contents: dict[str, bytes] = {}
    with Staged(files.root, f"{files.root}{os.sep}{WORKSPACE}") as staged:
        for name, out in spec.outs.items():
            if name in made:
                written[name] = _write(staged, out, made[name], function, contents)
        staged.publish()
    return Written(written, files, contents=contents)


def _where(function: Callable[..., Any] | None) -> str:
    from pypedream.store.functions import innermost

    place = None if function is None else Place.of_function(innermost(function))
    return "" if place is None else f" ({place})"


def _say_where(error: Exception, function: Callable[..., Any] | None) -> None:
    """Say in an error where the function is: in its text if that is ours, else in a note."""
    where = _where(function)
    if users_traceback(error.__traceback__) is None:
        error.args = (f"{error}{where}",)
    elif where:  # what was returned is of a class of the user's, and raised it when it was read
        _add_note(error, f"while the outputs were taken from what was returned{where}")


def _write(
    staged: Staged,
    out: FileOut,
    made: Mapping[str, Any],
    function: Callable[..., Any] | None,
    contents: dict[str, bytes],
) -> tuple[WrittenFile, ...]:
    """Write the files of one output beside their places; return what is in each.

    That is told before they are in place: there, another run may write its own at any time.

    Parameters
    ----------
    contents
        Gets what is in small files by their paths, where the loader gives it.
    """
    from pypedream.files.written import WrittenFile

    if out.kind != "directory" and is_built_in(out.loader) and hasattr(out.loader, "dumps"):
        digests = [_in_bytes(staged, out, *each, function, contents) for each in made.items()]
    else:
        digests = _in_files(staged, out, made, function)
    return tuple(
        WrittenFile(path, digest.sha256, digest.size, out.is_cached)
        for path, digest in zip(made, digests, strict=True)
    )


def _in_bytes(
    staged: Staged,
    out: FileOut,
    path: str,
    value: Any,
    function: Callable[..., Any] | None,
    contents: dict[str, bytes],
) -> Digest:
    """Write a file of which the loader gives the bytes: nothing has to be read again."""
    try:
        data = out.loader.dumps(value)  # type: ignore[attr-defined]
    except Exception as error:
        text = f"{path}{str(error).removeprefix(IN_MEMORY)}"
        _say_output(error, out, text, path, _where(function))
        raise
    if len(data) <= INLINE_BYTES:
        contents[path] = data
    return staged.write(path, data)


def _in_files(
    staged: Staged, out: FileOut, made: Mapping[str, Any], function: Callable[..., Any] | None
) -> list[Digest]:
    """Let the loader write files, and read what they are."""
    if out.kind != "directory":
        is_alone = is_built_in(out.loader)
        places = {path: staged.path_for(path, is_alone=is_alone) for path in made}
    else:
        folder = staged.path_for(str(out.path))
        places = {path: folder / path.removeprefix(str(out.path)) for path in made}
    for path, value in made.items():
        place = places[path]
        if out.kind == "directory":
            place.parent.mkdir(parents=True, exist_ok=True)
        try:
            out.loader.save(value, place)
        except Exception as error:
            _say_output(error, out, str(error).replace(str(place), path), path, _where(function))
            raise
    return [_read_again(staged, path, place, out) for path, place in places.items()]


def _say_output(error: Exception, out: FileOut, text: str, path: str, where: str) -> None:
    """Say in an error which output it is about; it stays what the loader raised."""
    if not isinstance(error, FormatError):
        _add_note(error, f'while the output "{path}" was written{where}')
        return
    error.args = (f"{text}{where}", *error.args[1:])
    error.path = path
    drop_lines(error, out.loader)


def _add_note(error: Exception, note: str) -> None:
    from pypedream.log.ended import add_note  # it is wanted where something is wrong

    add_note(error, note)


def _read_again(staged: Staged, path: str, place: Path, out: FileOut) -> Digest:
    digest = staged.digest(place)
    if digest is None:
        raise StoreError(f"nothing was written for the output {path}")
    if digest.is_folder != is_folder(path):
        loader, what = type(out.loader).__name__, "folder" if digest.is_folder else "file"
        right = f"{path}/" if digest.is_folder else path.rstrip("/")
        raise StoreError(f'{loader} wrote a {what} for the output {path}: write "{right}" there')
    return digest


def _fields(spec: FileSpec, value: Any) -> Mapping[str, Any]:
    """Return what a function returned by field.

    Raises
    ------
    TypeError
        If it is no dict.
    ValueError
        If a field is missing, or there is one without a file; with all of them.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"it returned {said(value)}, and its annotations say a dict of outputs")
    missing = [name for name, out in spec.outs.items() if out.is_required and name not in value]
    unknown = [str(name) for name in value if name not in spec.outs]
    wrong = [f'it returned no "{name}"' for name in missing]
    wrong += [f'it returned "{name}", which has no file' for name in unknown]
    if wrong:
        raise ValueError("; ".join(wrong))
    return value
