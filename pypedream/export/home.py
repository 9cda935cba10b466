"""Where a pipeline is at home: the namespace that has it, and the source that filled that."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream.errors import ExportError
from pypedream.export.cells import Cells, is_main_guard
from pypedream.export.imports import IMPORTS
from pypedream.places import calling_place, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.export.cells import Statement
    from pypedream.pipeline import Pipeline


@frozen(eq=False)
class Home:
    """A namespace and the source that filled it."""

    namespace: Mapping[str, Any] = field(repr=False)
    cells: Cells = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the module: ``__main__`` for a notebook or script."""
        return str(self.namespace.get("__name__", "__main__"))

    def names_of(self, pipeline: Pipeline) -> list[str]:
        """Return the names that a pipeline has; the first is the one that it was made under."""
        names = [name for name, each in self.namespace.items() if each is pipeline]
        made = self.cells.at(pipeline.blueprint.definition.place)
        return sorted(
            names, key=lambda name: (made is None or name not in made.binds, name[0] == "_")
        )

    def statement_of(self, pipeline: Pipeline, name: str) -> Statement | None:
        """Return the statement that gave a pipeline its name."""
        made = self.cells.at(pipeline.blueprint.definition.place)
        if made is not None and name in made.binds and not is_main_guard(made.node):
            return made
        return self.cells.binders.get(name)


def home_of(pipeline: Pipeline) -> Home:
    """Find the home of a pipeline.

    Raises
    ------
    ExportError
        If no name stands for it.
    """
    calling = calling_place()
    found, is_named = None, False
    for namespace in _namespaces(pipeline):
        if not any(each is pipeline for each in namespace.values()):
            continue
        is_named = True
        home = Home(namespace, Cells.of(namespace, calling))
        if home.cells.has(pipeline.blueprint.definition.place):
            return home
        statement = home.cells.binders.get(home.names_of(pipeline)[0])
        is_made = statement is not None and not isinstance(statement.node, (*IMPORTS, ast.If))
        found = found or (home if is_made else None)
    if found is None:
        raise ExportError(_why_homeless(is_named))
    return found


def _why_homeless(is_named: bool) -> str:
    if is_named:
        return "the text of what was typed is not known: write it in a notebook or a file"
    return (
        "no name at the top of a notebook, script or module stands for it: write"
        " flow = Pipeline(...) at the top of a cell"
    )


def _namespaces(pipeline: Pipeline) -> Iterator[Mapping[str, Any]]:
    """Give the namespaces that may have a pipeline, those of callers first."""
    seen: set[int] = set()
    for namespace in _all_namespaces(pipeline):
        if id(namespace) not in seen:
            seen.add(id(namespace))
            yield namespace


def _all_namespaces(pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            yield frame.f_globals
        frame = frame.f_back
    for stage in pipeline.blueprint.definition.stages.values():
        found = getattr(stage.function, "__globals__", None)
        if isinstance(found, dict):
            yield found
    file = (
        None
        if pipeline.blueprint.definition.place is None
        else pipeline.blueprint.definition.place.file
    )
    for module in list(sys.modules.values()):
        if file is not None and getattr(module, "__file__", None) == file:
            yield vars(module)
    yield vars(sys.modules["__main__"])
