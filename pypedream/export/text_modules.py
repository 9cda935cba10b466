"""Modules that are only a text yet: imported as if their files were there."""

from __future__ import annotations

import linecache
import sys
from contextlib import contextmanager
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.util import spec_from_loader
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

from pypedream.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.machinery import ModuleSpec


@frozen
class TextModule:
    """A text and the file that it is to be.

    Attributes
    ----------
    spans
        What parts of the text come from, each with the line before its first one, in order.
    """

    file: str
    text: str
    spans: tuple[tuple[str, int], ...] = ()

    def place(self, place: Place | None) -> Place | None:
        """Return where a line of the text comes from; any other place as it is."""
        if place is None or place.file != self.file:
            return place
        for origin, before in reversed(self.spans):
            if place.line > before:
                return Place(origin, place.line - before)
        return place


def texts_loaded() -> dict[str, TextModule]:
    """Return the modules of this process that are only a text yet, by name."""
    loaders = ((name, _loader(module)) for name, module in list(sys.modules.items()))
    return {name: loader.one for name, loader in loaders if isinstance(loader, TextLoader)}


def _loader(module: Any) -> Any:
    return getattr(getattr(module, "__spec__", None), "loader", None)


class TextLoader(InspectLoader):
    """Gives the text to whoever runs it, and to who shows lines of it."""

    def __init__(self, one: TextModule) -> None:
        self.one = one

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - importlib calls it so
        """Return the text."""
        return self.one.text

    def get_code(self, fullname: str) -> Any:  # noqa: ARG002
        """Return the text, compiled."""
        return compile(self.one.text, self.one.file, "exec", dont_inherit=True)


@define(eq=False)
class TextFinder(MetaPathFinder):
    """Finds modules that are only a text, before any file of the same name."""

    texts: Mapping[str, TextModule]

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Return how to load one of them."""
        one = self.texts.get(fullname)
        if one is None:
            return None
        spec = spec_from_loader(fullname, TextLoader(one), origin=one.file)
        if spec is not None:
            spec.has_location = True
        return spec


@contextmanager
def importable(texts: Mapping[str, TextModule]) -> Iterator[None]:
    """Let these modules be imported as long as this lasts."""
    finder = TextFinder(texts)
    before = {name: sys.modules.pop(name) for name in texts if name in sys.modules}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in texts:
            sys.modules.pop(name, None)
        sys.modules.update(before)
        for one in texts.values():
            linecache.cache.pop(one.file, None)
