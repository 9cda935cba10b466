"""Recalling: an entry of a store becomes a value again, read by the format that wrote it.

What writes one is apart from this: who finds all that is kept loads none of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Final

from pypedream import formats
from pypedream.errors import FormatError
from pypedream.formats.faults import IN_MEMORY
from pypedream.store.disk import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pypedream.store.contents import Contents
    from pypedream.store.entry import Entry

__all__ = ["noted", "options_for_loading", "recall", "refused"]

_NEEDS_FILE: Final = object()
_SAME_BOTH_WAYS = frozenset(
    {"decimal", "delimiter", "encoding", "engine", "group", "quotechar", "sep"}
)


def recall(
    contents: Contents,
    entry: Entry,
    *,
    serializer: str | None = None,
    load_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Return the value of an entry; who calls has asked `trust` before.

    Raises
    ------
    Damaged
        If the content is not what was stored.
    """
    name = serializer or entry.serializer
    options, is_packed = _recorded(entry, name)
    options.update(load_kwargs or {})
    data = None if is_packed else contents.data(entry)
    if data is not None:
        try:
            value = _loads(data, name, options)
        except Exception:
            with noted(f'"{entry.key}", read as {name}'):
                raise
        if value is not _NEEDS_FILE:
            return value
    with contents.file(entry) as path, noted(f'"{entry.key}", read as {name}'):
        return _load(path, name, options, is_packed=is_packed)


def _recorded(entry: Entry, serializer: str) -> tuple[dict[str, Any], bool]:
    """Return which options reading needs, and whether the content is a folder."""
    recorded = entry.metadata
    if not recorded:
        return {}, False
    options = options_for_loading(serializer, recorded.get("dump_kwargs", {}))
    return options, bool(recorded.get("is_packed"))


def _loads(data: bytes, serializer: str, options: Mapping[str, Any]) -> Any:
    """Read a value from its bytes; return `_NEEDS_FILE` if that serializer cannot."""
    found = formats.get(serializer)
    if found.loads is None or refused(found.loads, options):
        return _NEEDS_FILE
    return found.loads(data, **options)


def _load(path: Path, serializer: str, options: Mapping[str, Any], *, is_packed: bool) -> Any:
    """Read a value from the file that holds it."""
    loader = formats.get(serializer)
    if not is_packed:
        return loader.load(path, **options)
    from zipfile import ZipFile

    with scratch() as folder:
        with ZipFile(path) as archive:
            archive.extractall(folder)  # it leaves out "..", drives and absolute paths
        return loader.load(folder, **options)


def options_for_loading(serializer: str, dumped_with: Mapping[str, Any]) -> dict[str, Any]:
    """Return of the options of a dump those that reading back needs as well.

    They come from the entry, which somebody else may have written; so only names that are known
    to be harmless are taken.
    """
    wanted = {name: each for name, each in dumped_with.items() if name in _SAME_BOTH_WAYS}
    left_out = refused(formats.get(serializer).load, wanted)
    return {name: each for name, each in wanted.items() if name not in left_out}


def refused(function: Callable[..., Any], options: Mapping[str, Any]) -> set[str]:
    """Return the names of options that *function* does not take."""
    if not options:
        return set()
    try:
        parameters = signature(function).parameters
    except ValueError:  # it is written in C, and nothing tells
        return set(options)
    takes_all = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    return set() if takes_all else options.keys() - parameters.keys()


@contextmanager
def noted(what: str) -> Iterator[None]:
    """Say in a serializer's error what it was about: it knows only the path of a copy."""
    try:
        yield
    except FormatError as error:
        text = str(error)
        if error.path:  # it comes first; "the value" may come again in what is wrong with it
            times = 1 if error.path == IN_MEMORY else -1
            text = text.replace(error.path, f"the value for {what}", times)
        raise FormatError(
            text, path=error.path, format_name=error.format, line=error.line
        ) from error
    except Exception as error:
        error.add_note(f"this is the value for {what}")
        raise
