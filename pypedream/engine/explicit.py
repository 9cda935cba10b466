"""Explicit: the stages of a pipeline in the explicit form that their short form stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from pypedream.engine.links import SHORTHANDS, Link, Linker
from pypedream.engine.wiring import names_and_edges
from pypedream.names import did_you_mean
from pypedream.stage import Stage, arguments_of, place_of

if TYPE_CHECKING:
    from pypedream.engine.links import Definition
    from pypedream.inputs import Input


class ExplicitStages(Mapping[str, Stage]):
    """From key to stage, each with an Input for every argument that is bound.

    A stage is put into this form when it is asked for; the table is that of one moment.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._names, self._edges = names_and_edges(definition, [])

    def __getitem__(self, key: str) -> Stage:
        stage = self._definition.stages.get(key)
        if stage is None:
            raise KeyError(f'no stage "{key}"{did_you_mean(str(key), self)}')
        scope = self._definition.scopes.get(key, "")
        linker = Linker(key, stage, scope, self._names, [], self._edges)
        found = (_input_of(link, stage) for link in linker.links(arguments_of(stage.function)))
        return stage.with_inputs([one for one in found if one is not None])

    def __setitem__(self, key: str, stage: object) -> None:
        raise TypeError('stages are added by pipeline.stage(function, name="...")')

    def __delitem__(self, key: str) -> None:
        raise TypeError(f'a stage is taken out by pipeline.remove("{key}")')

    def __contains__(self, key: object) -> bool:
        return key in self._definition.stages

    def __iter__(self) -> Iterator[str]:
        return iter(self._definition.stages)

    def __len__(self) -> int:
        return len(self._definition.stages)

    def __repr__(self) -> str:
        return f"<stages {', '.join(self) or 'none'}>"


def _input_of(link: Link, stage: Stage) -> Input | None:
    if link.input is not None or link.kind == "default":
        return link.input
    required = None if link.is_required or link.kind == "stage" else False
    short_form = SHORTHANDS[link.kind](link.name, link.argument, required=required)
    return evolve(short_form, place=place_of(stage))
