"""The files of one stage of a pipeline: what its arguments are read from, and its results go to."""

from __future__ import annotations

import os
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream.errors import FormatError, MissingFile
from pypedream.files.paths import place_within, within
from pypedream.files.saving import save
from pypedream.files.templates import texts_of
from pypedream.formats import Reader
from pypedream.formats.faults import drop_lines
from pypedream.formats.loader import is_built_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from pypedream.files.spec import FileDep, FileOut, FileSpec
    from pypedream.files.written import Written, WrittenFile


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
            drop_lines(error, self.dep.loader)
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
