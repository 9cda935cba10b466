"""Modules that are only a text yet: imported as if their files were there."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.util import spec_from_loader
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.machinery import ModuleSpec


@frozen
class TextModule:
    """A text and the file that it is to be."""

    file: str
    text: str


class _Loader(InspectLoader):
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
        spec = spec_from_loader(fullname, _Loader(one), origin=one.file)
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
