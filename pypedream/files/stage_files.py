"""The files of one stage of a pipeline: what its arguments are read from, and its results go to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream.errors import FormatError, MissingFile, StoreError
from pypedream.files.paths import is_folder, place_within, within
from pypedream.files.templates import texts_of
from pypedream.formats import Reader
from pypedream.formats.faults import IN_MEMORY
from pypedream.formats.loader import is_built_in
from pypedream.places import Place, users_traceback
from pypedream.store.entry import INLINE_BYTES
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from pypedream.files.hashes import Digest
    from pypedream.files.spec import FileDep, FileOut, FileSpec
    from pypedream.files.staging import Staged
    from pypedream.files.written import Written, WrittenFile

STATE = ".pypedream"
"""The folder of a project where locks and what is not finished are."""


@frozen(eq=False)
class FileRef:
    """One argument that is a file: which, and how it is read. A function gets what is in it."""

    root: str = field(repr=False)
    dep: FileDep

    @property
    def paths(self) -> list[str]:
        """The paths, each pattern as what it matches now."""
        paths = self.dep.paths
        if not isinstance(paths, list):
            return [*texts_of(paths)]
        from pathlib import Path

        return self.dep.files(Path(self.root))

    def __str__(self) -> str:
        texts = texts_of(self.dep.paths)
        return f'file "{texts[0]}"' if len(texts) == 1 else f"{len(texts)} files"

    def __repr__(self) -> str:
        return f"{self}, read by {type(self.dep.loader).__name__}"

    def load(self) -> Any:
        """Return the value for the argument.

        Raises
        ------
        MissingFile
            If a file is not there.
        DefinitionError
            If a symbolic link on the way leads out of the project.
        """
        dep = self.dep
        if isinstance(dep.paths, str):
            return self._one(dep.paths)
        return type(dep.paths)(map(self._one, self.paths))

    def _one(self, path: str) -> Any:
        place = place_within(self.root, path)
        if not os.path.exists(place):
            if self.dep.is_incremental:
                return self.dep.loader.empty()  # type: ignore[attr-defined]
            raise MissingFile(path)
        try:
            return self.dep.loader.load(_as_wanted(place, self.dep.loader))
        except FormatError as error:
            _drop_lines(error, self.dep.loader)
            raise


@frozen(eq=False, repr=False)
class StageFiles:
    """What one stage reads and writes, and in which project.

    Attributes
    ----------
    root
        The folder of the project: all paths are relative to it.
    pipeline
        Name of the pipeline that the stage was added to first, or was included in under a prefix.
    """

    spec: FileSpec
    root: str
    pipeline: str = ""

    @property
    def outputs(self) -> list[str]:
        """The paths of all outputs."""
        return [path for out in self.spec.outs.values() for path in texts_of(out.path)]

    def copy(self) -> StageFiles:
        """Return the same with nothing in it that can be changed elsewhere."""
        spec, params = self.spec, deepcopy(self.spec.params_value)
        spec = evolve(spec, deps=dict(spec.deps), outs=dict(spec.outs), params_value=params)
        return evolve(self, spec=spec)

    def writes(self, path: str) -> bool:
        """Say whether a path is that of an output, or is inside of one."""
        outputs = self.outputs
        return path in outputs or path.startswith(
            tuple(each for each in outputs if each[-1] == "/")
        )

    @property
    def folders(self) -> list[str]:
        """The folders that it writes as a whole: what else is in one goes when it is written."""
        return [str(out.path) for out in self.spec.outs.values() if out.kind == "directory"]

    @property
    def goes_on_from(self) -> tuple[str, ...]:
        """The paths that it both reads and writes: what it wrote the last time."""
        deps = [dep.paths for dep in self.spec.deps.values() if dep.is_incremental]
        return tuple(path for paths in deps for path in texts_of(paths))

    def gives_place(self, path: str) -> bool:
        """Say whether a reader gets the path of an output, and not what is in it."""
        outs = [out for out in self.spec.outs.values() if path in texts_of(out.path)]
        return any(not isinstance(out.loader, Reader) or _is_place(out.loader) for out in outs)

    @property
    def has_templates(self) -> bool:
        """Whether there are braces in paths, mostly around parameters."""
        sides = [dep.paths for dep in self.spec.deps.values()]
        sides += [out.path for out in self.spec.outs.values()]
        return any("{" in path or "}" in path for paths in sides for path in texts_of(paths))

    def ref(self, argument: str) -> FileRef:
        """Return what an argument is read from."""
        return FileRef(self.root, self.spec.deps[argument])

    def filled(self, values: Mapping[str, Any], own: Any = None) -> StageFiles:
        """Return the same with parameters in paths replaced by their values.

        Parameters
        ----------
        own
            The parameters of the stage itself; None for those that it was registered with.

        Raises
        ------
        DefinitionError
            With all paths that cannot be made.
        """
        if not self.has_templates:
            return self
        spec = self.spec if own is None else evolve(self.spec, params_value=own)
        return evolve(self, spec=spec.filled(values))

    def call(self, function: Callable[..., Any]) -> FileCall:
        """Return the function that loads what *function* gets and saves what it gives."""
        return FileCall(function, self)

    def load(self, written: Written, places: Mapping[str, Path] | None = None) -> Any:
        """Return what a stage gave, as its readers get it: loaded from the files that it wrote.

        Parameters
        ----------
        places
            Where files are that are not at their paths.
        """
        found = {
            name: self._loaded(name, files, places or {}) for name, files in written.fields.items()
        }
        return found["return"] if self.spec.is_single else found

    def _loaded(self, name: str, files: tuple[WrittenFile, ...], places: Mapping[str, Path]) -> Any:
        out = self.spec.outs[name]
        values = [self._read(one.path, out, places) for one in files]
        if out.kind == "directory":
            # with a parameter in it the path of the folder is not known, but how deep it is
            depth = str(out.path).count("/")
            keys = ["/".join(one.path.split("/")[depth:]) for one in files]
            return dict(zip(keys, values, strict=True))
        return values[0] if isinstance(out.path, str) else type(out.path)(values)

    def _read(self, path: str, out: FileOut, places: Mapping[str, Path]) -> Any:
        from pathlib import Path

        place = places.get(path) or within(Path(self.root), path)
        return out.loader.load(place) if isinstance(out.loader, Reader) else place


@frozen(eq=False, repr=False)
class FileCall:
    """A function with files instead of values, as the engine calls it."""

    function: Callable[..., Any]
    files: StageFiles

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function: what is called with what, and which module it is of, is told by it."""
        return self.function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Load the files among the arguments, call the function and save what it gives.

        What a generator yields is a list.
        """
        from inspect import isasyncgen, isawaitable, isgenerator

        named = {name: present(value) for name, value in kwargs.items()}
        value = self.function(*map(present, args), **named)
        if isasyncgen(value):
            value = _collected(value)
        if isawaitable(value):
            return self._awaited(value)
        return self._saved(list(value) if isgenerator(value) else value)

    async def _awaited(self, value: Any) -> Any:
        return self._saved(await value)

    def _saved(self, value: Any) -> Any:
        return save(self.files, value, self.function) if self.files.spec.outs else value


def _as_wanted(place: str, loader: Any) -> Any:
    """Return a place as a loader gets it: the built-in ones take a text, which is made sooner."""
    if is_built_in(loader):
        return place
    from pathlib import Path

    return Path(place)


def _is_place(loader: Any) -> bool:
    from pypedream.formats import PathOnly

    return isinstance(loader, PathOnly)


async def _collected(values: AsyncIterator[Any]) -> list[Any]:
    return [value async for value in values]


def present(value: Any) -> Any:
    """Return what an argument is: what is in its files, if it is read from some."""
    return value.load() if isinstance(value, FileRef) else value


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
    with Staged(files.root, f"{files.root}{os.sep}{STATE}") as staged:
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
    _drop_lines(error, out.loader)


def _add_note(error: Exception, note: str) -> None:
    from pypedream.log.ended import add_note  # it is wanted where something is wrong

    add_note(error, note)


def _drop_lines(error: FormatError, loader: Any) -> None:
    """Take away where in our code an error was raised: that helps nobody."""
    if is_built_in(loader):
        error.__traceback__ = None


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
