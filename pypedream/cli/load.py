"""From a file or module of the user's to its Pipeline, as ``python FILE`` would import it.

The folder of the file comes first in ``sys.path``, and the file becomes a module of its own name,
so that what it defines can be pickled and found again by another process. For callers in the same
process all of it is undone afterwards.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.cli.choose import chosen
from pypedream.cli.locate import target_of
from pypedream.cli.mistakes import Refused
from pypedream.cli.pycache import forget_doubtful
from pypedream.errors import PypedreamError
from pypedream.names import did_you_mean
from pypedream.places import Place, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import CodeType, ModuleType

    from pypedream.cli.locate import Target
    from pypedream.pipeline import Pipeline


@frozen(eq=False, repr=False)
class Loaded:
    """A pipeline, and the folder of the file that defines it.

    Attributes
    ----------
    place
        The folder.
    source
        What loaded the file, if it is one.
    """

    pipeline: Pipeline
    place: str
    source: Source | None = None

    @property
    def folder(self) -> Path:
        """The folder as a path."""
        from pathlib import Path

        return Path(self.place)

    def keep(self) -> None:
        """Keep the code of the file for the next time, if it was compiled for that."""
        if self.source is not None:
            self.source.keep()


@contextmanager
def loaded(
    text: str | None, *, debug: bool, paths: Iterable[str] = (), is_kept: bool = False
) -> Iterator[Loaded]:
    """Load the pipeline that *text* names; its modules stay as long as this lasts.

    Parameters
    ----------
    paths
        Folders that it may import from, besides its own.
    is_kept
        Whether the file need not be compiled again if it is as it was when its code was kept.

    Raises
    ------
    Refused
        If there is no such pipeline, or its file cannot be imported; one line says where.
    """
    target = target_of(text)
    folder = os.path.dirname(target.place) or os.getcwd()
    with _importing_from(folder, *map(os.path.abspath, paths)):
        module = _imported(target, folder, debug=debug, is_kept=is_kept)
        pipeline = _chosen(module, target, folder, debug=debug)
        if pipeline.last_run is not None:
            from pypedream.cli.terminal import say

            say(
                f"note: {target.shown} runs its pipeline when it is imported; put that"
                ' under if __name__ == "__main__":',
                err=True,
            )
        home = getattr(module, "__file__", None)
        source = getattr(module, "__loader__", None)
        own = source if isinstance(source, Source) else None
        yield Loaded(pipeline, os.path.dirname(home) if home else folder, own)


class Source(SourceFileLoader):
    """Loads a file without reading or writing ``__pycache__``, as for ``python FILE``."""

    is_kept = False
    _compiled: tuple[bytes, CodeType] | None = None

    def keep(self) -> None:
        """Keep the code if it was compiled."""
        if self._compiled is not None:
            from pypedream.cli.compiled import keep_code

            keep_code(self.path, *self._compiled)

    def source_to_code(self, data: Any, path: Any, **options: Any) -> CodeType:  # type: ignore[override]
        """Compile the file, or take its code from where it was kept."""
        if not self.is_kept:
            return super().source_to_code(data, path, **options)
        from pypedream.cli.compiled import kept_code

        code = kept_code(self.path, data)
        if code is None:
            code = super().source_to_code(data, path, **options)
            self._compiled = data, code
        return code

    def path_stats(self, path: Any) -> Any:
        """Say that the file has no time, which keeps the import system from caching it."""
        raise OSError(path)


@contextmanager
def _importing_from(*folders: str) -> Iterator[None]:
    paths, modules = list(sys.path), set(sys.modules)
    sys.path[:0] = folders
    try:
        yield
    finally:
        sys.path[:] = paths
        loaded_here = sys.modules.keys() - modules
        forget_doubtful(loaded_here)
        for name in loaded_here:
            if any(_lies_in(folder, name) for folder in folders):
                del sys.modules[name]


def _lies_in(folder: str, name: str) -> bool:
    """Say whether a module was found in *folder* itself, and not in some library below it."""
    module = sys.modules[name]
    if isinstance(getattr(module, "__loader__", None), Source):
        return True
    base = os.path.join(folder, *name.split("."))
    return getattr(module, "__file__", None) in (base + ".py", os.path.join(base, "__init__.py"))


def _imported(target: Target, folder: str, *, debug: bool, is_kept: bool) -> ModuleType:
    try:
        if not target.place:
            return import_module(target.module)
        return _imported_file(target.place, is_kept=is_kept)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, the file cannot be loaded
        if not target.place and _is_not_there(error, target.module):
            raise Refused(f"no file and no module {target.module}{_near(target.module)}") from None
        raise _refusal(error, target, folder, debug=debug) from None


def _chosen(module: ModuleType, target: Target, folder: str, *, debug: bool) -> Pipeline:
    try:
        return chosen(module, target)
    except (KeyboardInterrupt, Refused):
        raise
    except BaseException as error:  # noqa: BLE001 - the function that makes it raised it
        raise _refusal(error, target, folder, debug=debug) from None


def _refusal(error: BaseException, target: Target, folder: str, *, debug: bool) -> Refused:
    if debug:
        from traceback import format_exception  # it takes long to load

        from pypedream.cli.terminal import say

        say(*"".join(format_exception(error)).splitlines(), err=True)
    lines = str(error).splitlines() if isinstance(error, PypedreamError) else []
    if len(lines) > 1:  # a mistake each, with its place
        head = f"cannot load {target.shown}: {len(lines)} mistakes"
        return Refused(head, *(f"  {line}" for line in lines))
    return Refused(f"cannot load {target.shown}: {_said(error, folder)}")


def _imported_file(file: str, *, is_kept: bool) -> ModuleType:
    name = os.path.splitext(os.path.basename(file))[0].replace(".", "_")
    if name in sys.modules:  # of the same name, but somebody else's
        name = f"pypedream_file_{name}"
    source = Source(name, file)
    source.is_kept = is_kept
    spec = spec_from_file_location(name, file, loader=source)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _is_not_there(error: BaseException, module: str) -> bool:
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return False
    return module == error.name or module.startswith(f"{error.name}.")


def _near(module: str) -> str:
    from pathlib import Path

    files = [path.stem for path in Path().glob("*.py")]
    return did_you_mean(module, files) or ": name a FILE.py, or a module that Python can import"


def _said(error: BaseException, folder: str) -> str:
    """Return where in the user's code and what, on one line."""
    message = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        message = error.msg
        place: Place | None = Place(error.filename, error.lineno)
    else:
        place = _users_place(error, folder)
    where = f"{place}: " if place is not None else ""
    fix = ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        fix = "; install it, or correct the name"
    elif isinstance(error, (NameError, AttributeError, ImportError)):
        from pypedream.cli.near_names import meant_by

        fix = meant_by(error)
    return f"{where}{type(error).__name__}: {message}{fix}".rstrip(": ")


def _users_place(error: BaseException, folder: str) -> Place | None:
    """Return the innermost line within the user's own folder, else the innermost not ours."""
    places = []
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not is_ours(file) and not file.startswith("<frozen "):
            places.append(Place(file, step.tb_lineno))
        step = step.tb_next
    own = [place for place in places if _is_own(place.file, folder)]
    return next(reversed(own or places), None)


def _is_own(file: str, folder: str) -> bool:
    return file.startswith(os.path.join(folder, "")) and "site-packages" not in file
