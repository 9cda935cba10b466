"""Whether one annotation can be what it says: its path, its loader, and the type beside it.

What is wrong is the end of a line that begins with where it is written.
"""

from __future__ import annotations

import sys
from posixpath import splitext
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from pypedream.errors import DefinitionError
from pypedream.files.annotations import Output
from pypedream.files.paths import checked_path, is_glob
from pypedream.files.reading import as_missing
from pypedream.files.scope import Missing
from pypedream.files.templates import names_in, texts_of
from pypedream.formats import Loader, Reader, Writer, has_empty
from pypedream.formats.loader import is_built_in, may_be_of_folders
from pypedream.parameters.annotations import arms, name_of
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADERS: Final = {
    ".csv": "CSV()",
    ".json": "JSON()",
    ".jsonl": "JSONL()",
    ".md": "Text()",
    ".parquet": "Parquet()",
    ".pickle": "Pickle()",
    ".pkl": "Pickle()",
    ".png": "MatplotlibFigure()",
    ".svg": "MatplotlibFigure()",
    ".tsv": 'CSV(sep="\\t")',
    ".txt": "Text()",
    ".yaml": "YAML()",
    ".yml": "YAML()",
}
_ENDINGS: Final = {
    "CSV": ".csv",
    "JSON": ".json",
    "JSONL": ".jsonl",
    "Parquet": ".parquet",
    "Pickle": ".pkl",
    "YAML": ".yaml",
}
"""How the files of a format end that nobody takes for those of another."""


def word(annotation: Any) -> str:
    """Return what an annotation is called."""
    return type(annotation).__name__


def checked(path: Any, annotation: Any) -> Any:
    """Return the path of an annotation, or what overrides it, as it is written everywhere.

    Raises
    ------
    DefinitionError
        If it cannot be such a path.
    """
    if isinstance(path, Missing):
        raise DefinitionError(missing(path))
    if isinstance(path, str):
        normal = _checked_text(path)
        _check_single(normal, annotation)
        return normal
    if type(path) not in (list, tuple) or not all(isinstance(each, str) for each in path):
        raise DefinitionError(f"{word(annotation)} takes a path, not {short(path, 40)}")
    return type(path)(_checked_several(path, annotation))


def _checked_several(paths: Any, annotation: Any) -> list[str]:
    name = word(annotation)
    if isinstance(annotation, Output) and annotation.kind != "out":
        raise DefinitionError(f"{name} takes one path, not {len(paths)}: {short(paths, 60)}")
    if not paths:
        raise DefinitionError(f"{name} takes at least one path")
    normal = [_checked_text(path) for path in paths]
    for path in normal:
        if normal.count(path) > 1:
            raise DefinitionError(f'{name} has the path "{path}" twice')
        if is_glob(path) and (isinstance(paths, tuple) or isinstance(annotation, Output)):
            raise DefinitionError(f'{name}: the pattern "{path}" can only stand in a list of Dep')
    return normal


def _checked_text(path: str) -> str:
    normal = checked_path(path)
    names_in(normal)
    return normal


def _check_single(path: str, annotation: Any) -> None:
    name, kind, is_folder = word(annotation), annotation.kind, path.endswith("/")
    if kind == "directory" and not is_folder:
        raise DefinitionError(f"DirectoryOut path must end with '/': write \"{path}/\"")
    if is_folder and kind != "directory" and not _takes_folder(annotation):
        hint = "write DirectoryOut" if isinstance(annotation, Output) else f'write ["{path}*"]'
        raise DefinitionError(f'{name} is one file, and "{path}" is a folder: {hint}')
    if kind == "metric" and splitext(path)[1] != ".json":
        written = f"{splitext(path)[0]}.json"
        raise DefinitionError(f"Metric path must end with '.json': write \"{written}\"")
    if is_glob(path) and not isinstance(annotation, Output):
        raise DefinitionError(
            f'{name}: the pattern "{path}" stands for several files: write it in a list, ["{path}"]'
        )
    if is_glob(path):
        hint = "write DirectoryOut, or a name without *, ? and ["
        raise DefinitionError(f'{name} is one file, and "{path}" is a pattern: {hint}')


def _takes_folder(annotation: Any) -> bool:
    return annotation.kind in ("dep", "placeholder", "out") and may_be_of_folders(annotation.loader)


def loader_mistakes(annotation: Any) -> Iterator[str]:
    """Say why the loader of an annotation cannot be its loader."""
    loader, name = as_missing(annotation.loader), word(annotation)
    if loader is None:
        yield f"loader is required: write {_with_loader(annotation)}"
    elif isinstance(loader, Missing):
        yield missing(loader)
    elif isinstance(loader, type):
        yield f"{name} takes a loader, not a class: write {loader.__name__}()"
    elif not isinstance(loader, (Reader, Writer)):
        yield f"{name} takes a loader, not {short(loader, 40)}: write one such as JSON()"
    else:
        yield from _side_mistakes(annotation, loader, name)
        if not is_built_in(loader):
            yield from _class_mistakes(loader)


def _side_mistakes(annotation: Any, loader: Any, name: str) -> Iterator[str]:
    kind = word(loader)
    if annotation.kind == "incremental":
        if not isinstance(loader, Loader):
            yield f"{name} reads and writes, so it takes a Loader, and {kind} is none"
        elif not has_empty(loader):
            yield f"{name} takes a loader with empty(), and {kind} has none: define {kind}.empty()"
    elif isinstance(annotation, Output):
        if not isinstance(loader, Writer):
            yield f"{name} takes a Writer or a Loader, and {kind} only reads"
        elif annotation.kind == "metric" and is_built_in(loader) and kind != "JSON":
            yield f"{name} is JSON, and {kind} writes something else: leave the loader out"
        elif _is_for_figures(loader) and annotation.kind not in ("plot", "directory"):
            yield f"{name} is no figure: write Plot({short(annotation.path)}, {kind}())"
    elif not isinstance(loader, Reader):
        yield f"{name} takes a Reader or a Loader, and {kind} only writes"


def _is_for_figures(loader: Any) -> bool:
    home = sys.modules.get("pypedream.formats.figures")
    kind = getattr(home, "MatplotlibFigure", None)
    return kind is not None and isinstance(loader, kind)  # while it is not loaded, none is


def _class_mistakes(loader: Any) -> Iterator[str]:
    """Say why a loader of one's own cannot be sent, or why its options may change unseen."""
    kind = type(loader)
    if "<locals>" in kind.__qualname__:
        yield f"cannot pickle the loader {kind.__name__}: move its class to the top of its module"
    fields = getattr(kind, "__attrs_attrs__", None) or getattr(kind, "__dataclass_fields__", None)
    has_options = bool(fields or getattr(loader, "__dict__", None))
    is_frozen: bool = kind.__setattr__ is not object.__setattr__  # type: ignore[comparison-overlap]
    if has_options and not is_frozen:
        yield (
            f"the options of the loader {kind.__name__} may change: write"
            " @dataclasses.dataclass(frozen=True) above its class"
        )


def ending_doubts(path: Any, loader: Any) -> Iterator[str]:
    """Say of a path that it ends like the files of another format than it is written in."""
    kind = word(loader)
    if kind not in _ENDINGS or not is_built_in(loader):
        return
    for each in texts_of(path):
        usual = _LOADERS.get(f".{each.rpartition('.')[2]}", "")
        read = usual.partition("(")[0]
        if read in _ENDINGS and read != kind and (kind, read) != ("JSON", "YAML"):
            yield f'"{each}" is written as {kind}: write {usual}, or a path with "{_ENDINGS[kind]}"'


def type_mistakes(annotation: Any, path: Any, kind: Any) -> Iterator[str]:
    """Say why the type beside an annotation does not fit what is read or written."""
    if annotation.kind == "plot" and _is_for_figures(annotation.loader):
        for arm in arms(kind):
            is_class = isinstance(arm, type) and arm not in (object, type(None))
            if is_class and not _is_figure(arm):
                yield f"Plot must be Figure, not {arm.__name__}: write matplotlib.figure.Figure"
    if isinstance(path, (list, tuple)):
        yield from _several_mistakes(path, kind, word(annotation))
    elif annotation.kind == "directory" and not can_be(dict, kind):
        yield f"DirectoryOut writes a dict of files: write dict[str, {name_of(kind)}]"


def _several_mistakes(path: Any, kind: Any, name: str) -> Iterator[str]:
    container = type(path)
    if not can_be(container, kind):
        inside = ", ".join([name_of(kind)] * (1 if container is list else len(path)))
        yield f"{name} has a {container.__name__} of paths: write {container.__name__}[{inside}]"
        return
    members = get_args(kind)
    is_fixed = get_origin(kind) is tuple and members and members[-1] is not ...
    if is_fixed and len(members) != len(path):
        yield f"{name} has {len(path)} paths for the {len(members)} members of {name_of(kind)}"


def can_be(container: type, kind: Any) -> bool:
    """Say whether a list, say, or None may be of this type; of what is no class, it may."""
    for arm in arms(kind):
        origin = get_origin(arm) or arm
        if not isinstance(origin, type) or getattr(origin, "_is_protocol", False):
            return True
        if type(origin).__name__ == "_TypedDictMeta":
            origin = dict
        if issubclass(container, origin):
            return True
    return False


def _is_figure(kind: type) -> bool:
    return any(
        base.__name__ == "Figure" and base.__module__.startswith("matplotlib")
        for base in kind.__mro__
    )


def missing(name: Missing) -> str:
    """Say what to do about a name that is not there."""
    return (
        f"{name.name} is not there at run time: import it at the top of the module, not under"
        " TYPE_CHECKING"
    )


def _with_loader(annotation: Any) -> str:
    name = word(annotation)
    if annotation.kind == "placeholder":
        return f"{name}(JSON()), or what reads the file"
    path = annotation.path
    if isinstance(path, (Reader, Writer)):
        return f'{name}("...", {word(path)}(...))'
    first = next(iter(texts_of(path)), "") if isinstance(path, (str, list, tuple)) else ""
    suffix = ".json" if annotation.kind == "directory" else splitext(str(first))[1]
    return f"{name}({_as_code(path)}, {_LOADERS.get(suffix, 'a loader')})"


def _as_code(path: Any) -> str:
    return f'"{path}"' if isinstance(path, str) else short(path, 60)
