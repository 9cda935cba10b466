"""The table of a pipeline's stages: what may be added under which name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, evolve

from pypedream.errors import DefinitionError, PipelineConfigError
from pypedream.names import did_you_mean
from pypedream.places import calling_place, is_in_ipython, is_interactive
from pypedream.stage import place_of
from pypedream.values import said, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.stage import Stage


@define(eq=False, repr=False)
class StageTable:
    """The stages of one pipeline, in order of definition; lives as long as the pipeline.

    Attributes
    ----------
    pipeline
        Name of the pipeline.
    stages
        From key to stage.
    scopes
        From the key of an included stage to the prefix under which it was included.
    has_files
        Whether any stage reads or writes files.
    """

    pipeline: str
    stages: dict[str, Stage] = Factory(dict)
    scopes: dict[str, str] = Factory(dict)
    has_files: bool = False

    def add(self, key: Any, stage: Stage) -> None:
        """Take in a stage, also in place of an earlier version of it.

        Raises
        ------
        DefinitionError
            If *key* is no name.
        PipelineConfigError
            If there is another stage of that name.
        """
        if not (isinstance(key, str) and key.strip()):
            raise DefinitionError(f"a stage's name is a text, not {said(key)} ({calling_place()})")
        if key == "<lambda>":
            raise DefinitionError(
                f'a lambda has no name that others can use: add name="..." ({calling_place()})'
            )
        before = self.stages.get(key)
        if before is not None and not _redefines(stage, before):
            raise PipelineConfigError(
                f'pipeline "{self.pipeline}": stage "{key}" already exists ({place_of(before)}):'
                f" give this one another name ({calling_place()})"
            )
        if stage.files is not None:
            self.has_files = True
            stage = stage if stage.files.pipeline else _own(stage, self.pipeline)
        self.stages[key] = stage
        if stage.files is None and self.has_files:
            self._count()

    def remove(self, key: str) -> None:
        """Take a stage out.

        Raises
        ------
        PipelineConfigError
            If there is no such stage; the nearest is named.
        """
        if key not in self.stages:
            near = did_you_mean(key, self.stages)
            raise PipelineConfigError(f'pipeline "{self.pipeline}" has no stage "{key}"{near}')
        del self.stages[key]
        self.scopes.pop(key, None)
        if self.has_files:
            self._count()

    def _count(self) -> None:
        self.has_files = any(stage.files is not None for stage in self.stages.values())

    def include(self, other: StageTable, prefix: str) -> None:
        """Take in all stages of another table, under *prefix* and a dot unless it is empty."""
        before = f"{prefix}." if prefix else ""
        self.has_files = self.has_files or other.has_files
        for key, stage in other.stages.items():
            name = self.pipeline if prefix else ""
            self.stages[before + key] = stage if stage.files is None else _own(stage, name)
            inner = other.scopes.get(key, "")
            self.scopes[before + key] = ".".join(part for part in (prefix, inner) if part)

    def clash_with(self, other: StageTable, prefix: str) -> str | None:
        """Return the first key that `include` would overwrite, if there is one."""
        before = f"{prefix}." if prefix else ""
        keys = (before + key for key in other.stages)
        return next((key for key in keys if key in self.stages), None)


def named_stages(
    stages: Mapping[str, Stage | Callable[..., Any]] | None,
) -> Mapping[str, Stage | Callable[..., Any]]:
    """Return *stages* if it is a mapping, or an empty one for None.

    Raises
    ------
    DefinitionError
        If it is something else.
    """
    if stages is None or isinstance(stages, Mapping):
        return stages or {}
    raise DefinitionError(
        f"stages={written(stages)} is no mapping from name to stage: write stages={{...}}"
        f" ({calling_place()})"
    )


def has_params(stage: Stage | None) -> bool:
    """Say whether a stage has parameters of its own, which are a group of the pipeline's."""
    files = None if stage is None else stage.files
    return files is not None and files.spec.params_value is not None


def _own(stage: Stage, pipeline: str = "") -> Stage:
    """Return a copy of a stage with files, which nobody else can change, as one of a pipeline."""
    assert stage.files is not None
    files = stage.files.copy()
    return stage.with_files(evolve(files, pipeline=pipeline) if pipeline else files)


def _redefines(stage: Stage, before: Stage) -> bool:
    """Say whether *stage* is a new version of *before*: a cell run again, or a module reloaded.

    In a notebook the last definition of a name counts, as it does for any name in Python.
    """
    if is_interactive(calling_place()):
        return True
    name = _full_name(stage.function)
    if name is None or name != _full_name(before.function):
        return False
    # a script that has the same text twice adds one function twice, or makes one in a loop
    is_new_text = _code(stage.function) is not _code(before.function) or is_in_ipython()
    return is_new_text and place_of(stage) == place_of(before)


def _full_name(function: object) -> tuple[str, str] | None:
    name = getattr(function, "__qualname__", None)
    return None if name is None else (getattr(function, "__module__", ""), name)


def _code(function: object) -> object:
    return getattr(function, "__code__", function)
