"""File edges: which stage writes what another one reads, found by their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.engine.problem import Problem
from pypedream.engine.table import has_params
from pypedream.errors import DefinitionError
from pypedream.files.paths import seen_from
from pypedream.files.producers import Producers, clashes
from pypedream.files.templates import texts_of
from pypedream.stage import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.links import Definition
    from pypedream.files.spec import FileDep
    from pypedream.files.stage_files import StageFiles


@define(eq=False, repr=False)
class FileEdges:
    """The files of all stages of a pipeline, with what their paths say of their order.

    Attributes
    ----------
    files
        By stage, with paths in which no parameter is left.
    groups
        The groups of parameters that belong to stages.
    """

    files: dict[str, StageFiles] = Factory(dict)
    groups: tuple[str, ...] = ()
    _producers: dict[str, Producers] = Factory(dict)

    @classmethod
    def of(cls, definition: Definition, problems: list[Problem]) -> FileEdges:
        """Return the files of a definition; mistakes go to *problems*."""
        stages = definition.stages
        edges = cls(groups=tuple(key for key, stage in stages.items() if has_params(stage)))
        for key, stage in stages.items():
            if stage.files is None:
                continue
            try:
                edges.files[key] = _filled(definition, key, stage.files)
            except DefinitionError as error:
                place = place_of(stage)
                lines = str(error).splitlines()
                problems.extend(Problem(f'stage "{key}": {line}', place) for line in lines)
        found: dict[tuple[str, str], Problem] = {}
        for root in dict.fromkeys(files.root for files in edges.files.values()):
            outputs = list(edges._outputs_in(root))
            for clash in clashes(outputs):
                where = place_of(stages[clash.stages[1]])
                found.setdefault(clash.stages, Problem(clash.what, where, clash.hint))
            edges._producers[root] = Producers(outputs)
        problems.extend(found.values())
        return edges

    def producers_of(self, key: str, dep: FileDep) -> tuple[str, ...]:
        """Return the stages that write what *key* reads, without itself."""
        producers = self._producers[self.files[key].root]
        found = (who for path in texts_of(dep.paths) for who in producers.who(path))
        return tuple(dict.fromkeys(who for who in found if who != key))

    def _outputs_in(self, root: str) -> Iterator[tuple[str, str]]:
        """Yield the stages and paths of all outputs in a project, and in others within it."""
        for key, files in self.files.items():
            for path in files.outputs:
                seen = seen_from(root, files.root, path)
                if seen is not None:
                    yield key, seen


def _filled(definition: Definition, key: str, files: StageFiles) -> StageFiles:
    """Return the files of a stage with paths that are made of the values of parameters."""
    parameters = definition.parameters
    own = parameters[key] if files.spec.params is not None and key in parameters else None
    return files.filled(parameters, own)
