"""What will be different when a pipeline runs elsewhere, although it can."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from pypedream import graph
from pypedream.engine.problem import Problem
from pypedream.export.exchanged import own_functions
from pypedream.export.freshly import PLACE, WHERE
from pypedream.export.storable import type_of, values_for_a_store, values_of_any_size
from pypedream.export.store_named import warnings_of_store
from pypedream.export.target import module_of
from pypedream.store.bytecode import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.export.outline import Param
    from pypedream.export.travel import Circumstances
    from pypedream.pipeline import Pipeline

MOST_TASKS: Final = 1024
"""So many tasks a host makes of a mapped stage, unless its site says otherwise."""

_FROM_RUN: Final = "read context.RUN.get().started_at or .logical_date, which all tasks share"
_THERE: Final = "set the same environment variables wherever tasks run"
_ITS_OWN: Final = "each task takes its own, so what is there has to be there, too"
_UNUSED: Final = {
    "executor": "{host} decides where tasks run",
    "workers": "{host} decides how many tasks run at the same time",
    "cache": "each run calls every stage",
    "workspace": "{host} keeps the record of its runs",
    "keep": "{host} keeps all results",
    "sinks": "events go to the log of the task",
    "limits": "make pools of {host} for what stages use",
}


def differences_there(
    pipeline: Pipeline, params: Mapping[str, Param], varies: Mapping[str, str], how: Circumstances
) -> Iterator[Problem]:
    """Give what is different, each with its place."""
    yield from _of_the_store(pipeline, how)
    yield from _of_each_import(pipeline, params, varies)
    yield from _of_options(pipeline, how)
    yield from _of_failures(pipeline, how)
    yield from _of_ends(pipeline, how)
    yield from _of_many_items(pipeline, how)
    yield from _of_the_current_folder(pipeline)
    yield from _of_files(pipeline)
    yield from map(Problem, getattr(pipeline, "notes_for_hosts", ()))
    for name, param in params.items():
        if param.is_secret:
            yield Problem(
                f'parameter "{name}" is secret and in no file: set {param.read_by} where the tasks'
                " run"
            )


def _of_the_store(pipeline: Pipeline, how: Circumstances) -> Iterator[Problem]:
    if how.store:
        yield from warnings_of_store(how.store)
        return
    if how.host == "prefect":
        return  # it hands over what tasks return, whatever that is
    hint = "give --store URL, or set PYPEDREAM_STORE where the tasks run"
    named = [*values_for_a_store(pipeline.blueprint)]
    for wired in named:
        what = f'stage "{wired.key}" gives a value of type {type_of(wired)}'
        yield Problem(f"{what}, which only a store can hand over", wired.place, hint)
    if not named and any(values_of_any_size(pipeline.blueprint)):
        yield Problem(
            "there is no store, so what stages give each other must be JSON of at most 32 kB",
            None,
            hint,
        )


def _of_each_import(
    pipeline: Pipeline, params: Mapping[str, Param], varies: Mapping[str, str]
) -> Iterator[Problem]:
    base = pipeline.blueprint
    for name, why in varies.items():
        if name in params:
            what, place = f'the default of parameter "{name}"', base.definition.place
        else:
            key = next((key for key in base.wiring.wires if name.startswith(f"{key}.")), None)
            argument = "" if key is None else name.removeprefix(f"{key}.")
            what = name if key is None else f'argument "{argument}" of stage "{key}"'
            place = base.definition.place if key is None else base.wiring.wires[key].place
        if why == WHERE:
            yield Problem(f"{what} is what the machine of each task says", place, _THERE)
        elif why == PLACE:
            yield Problem(f"{what} is a place on this machine", place, _ITS_OWN)
        else:
            how_so = "is another value in each task, as each imports the module anew"
            yield Problem(f"{what} {how_so}", place, _FROM_RUN)


def _of_options(pipeline: Pipeline, how: Circumstances) -> Iterator[Problem]:
    place = pipeline.blueprint.definition.place
    for name, why in _UNUSED.items():
        value = pipeline.options.get(name)
        is_said = value not in (None, (), "off", "serial", "all") and not _is_object(name, value)
        if is_said:
            yield Problem(f"{name}= is not used there: {why.format(host=how.host_name)}", place)
    for key, wired in pipeline.blueprint.wiring.wires.items():
        if wired.stage.policy.cache not in (None, "off"):
            yield Problem(f'stage "{key}": cache= is not used there', wired.place)


def _is_object(name: str, value: Any) -> bool:
    return name == "executor" and not isinstance(value, str)


def _of_failures(pipeline: Pipeline, how: Circumstances) -> Iterator[Problem]:
    base = pipeline.blueprint
    own = pipeline.options.get("on_error", "")
    told = "a failed task fails the run there, after all that does not need it"
    if own == "continue":
        yield Problem(f'on_error="continue": {told}', base.definition.place)
    for key, wired in base.wiring.wires.items():
        one = wired.stage.policy.on_error
        if one == "continue":
            yield Problem(f'stage "{key}": on_error="continue": {told}', wired.place)
        elif one == "stop":
            what = f'stage "{key}": on_error="stop" stops only what needs it in {how.host_name}'
            yield Problem(what, wired.place)


def _of_ends(pipeline: Pipeline, how: Circumstances) -> Iterator[Problem]:
    """Give the stages that may end the run, of which others know nothing there."""
    base, home = pipeline.blueprint, module_of(pipeline)
    for place, key in enumerate(base.order):
        wired = base.wiring.wires[key]
        after = graph.reach([key], base.children)
        others = [f'"{each}"' for each in base.order[place:] if each not in after]
        names = (names_in(function.__code__) for function in own_functions(wired, home))
        if others and any("ExitPipeline" in each for each in names):
            listed = " and ".join([*others[:3], *(["others"] if others[3:] else [])])
            yield Problem(
                f'stage "{key}" may end the run by ExitPipeline, and in {how.host_name} only what'
                f" needs it is skipped: {listed} would be called",
                wired.place,
            )


def _of_many_items(pipeline: Pipeline, how: Circumstances) -> Iterator[Problem]:
    """Say that a mapped stage has more items than there can be tasks, if that is known by now."""
    for key, wired in pipeline.blueprint.wiring.wires.items():
        if wired.over is None or how.map_chunk is not None:
            continue
        for link in wired.links:
            value = pipeline.parameters.given.get(link.name) if link.kind == "parameter" else None
            count = len(value) if isinstance(value, (list, tuple)) else 0
            if count > MOST_TASKS and link.argument in wired.over.names:
                yield Problem(
                    f'stage "{key}" has {count:,} items, and {how.host_name} makes at most'
                    f" {MOST_TASKS:,} tasks of a stage, so several items share one",
                    wired.place,
                    "say how many by --map-chunk",
                )


def _of_the_current_folder(pipeline: Pipeline) -> Iterator[Problem]:
    """Give the parameters that are files as long as the current folder is this one."""
    place = pipeline.blueprint.definition.place
    for name, definition in pipeline.parameters.definitions.items():
        default = definition.default
        is_path = isinstance(default, PurePath) or (isinstance(default, str) and default)
        if is_path and not os.path.isabs(default) and os.path.exists(default):
            yield Problem(
                f'parameter "{name}" is {str(default)!r}, which is found from the current folder;'
                " that of a task is another one",
                place,
                "give a URL, or find it by Path(__file__).parent",
            )


def _of_files(pipeline: Pipeline) -> Iterator[Problem]:
    """Give the stages that read and write files of the project, as their annotations say."""
    for key, wired in pipeline.blueprint.wiring.wires.items():
        if wired.files is not None:
            spec = wired.files.spec
            paths = [*(each.paths for each in spec.deps.values())]
            paths += [each.path for each in spec.outs.values()]
            yield Problem(
                f'stage "{key}" has files of the project: {", ".join(map(str, paths))}',
                wired.place,
                "all tasks have to run where that folder is",
            )
