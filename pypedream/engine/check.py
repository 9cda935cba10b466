"""Checks of a whole definition: every mistake that can be seen before anything runs."""

from __future__ import annotations

import re
from collections import Counter
from math import isfinite
from os import PathLike
from os.path import exists
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attrs import fields

from pypedream import graph
from pypedream.engine.options import CACHE, EXECUTOR_RULE, ON_ERROR, is_count, is_executor
from pypedream.engine.problem import Problem
from pypedream.inputs import InputBinding
from pypedream.names import did_you_mean
from pypedream.outputs import RETURN
from pypedream.parameters import Secret
from pypedream.stage import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    USUAL,
    Policy,
    code_flags,
    place_of,
)
from pypedream.values import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pypedream.engine.links import Definition, Link
    from pypedream.engine.wiring import Wire, Wiring


def mistakes(definition: Definition, wiring: Wiring, order: list[str]) -> list[Problem]:
    """Return every mistake of the definition, those of the wiring first.

    *order* holds the stages that can be put in one; any others are on a loop or need one.
    """
    found = list(wiring.problems)
    if not definition.stages:
        hint = "add one with @pipeline.stage"
        found.append(Problem("the pipeline has no stages", definition.place, hint))
    for wired in wiring.wires.values():
        if wired.is_plain:
            continue
        if wired.arguments.positional:
            found.extend(_position_mistakes(wired))
        if wired.stage.output_mapper is not None:
            found.extend(_output_mistakes(wired))
        if wired.stage.policy is not USUAL:
            from pypedream.engine.check_over import over_mistakes

            found.extend(_policy_mistakes(wired))
            found.extend(over_mistakes(wired))
    found.extend(_type_mistakes(definition, wiring.wires))
    if len(order) < len(wiring.wires):
        found.extend(_cycle_mistakes(wiring))
    return found


def _position_mistakes(wired: Wire) -> Iterator[Problem]:
    """Find an argument that goes by position after one that nothing gives."""
    left_out = {link.argument for link in wired.links if link.kind == "default"}
    before = ""
    for name in wired.arguments.positional:
        if name in left_out:
            before = before or name
        elif before:
            what = f'stage "{wired.key}": argument "{name}" can only follow "{before}" by position'
            yield Problem(what, wired.place, f'bind "{before}" too, or neither')


def _output_mistakes(wired: Wire) -> Iterator[Problem]:
    from pypedream.mappers import names_of

    mapper = wired.stage.output_mapper
    if not callable(mapper):
        what = f'stage "{wired.key}": output_mapper={written(mapper)} cannot be called'
        yield Problem(what, wired.place, _mapper_hint(mapper))
    for name, count in Counter(names_of(mapper)).items():
        if count > 1:
            what = f'stage "{wired.key}": output "{name}" is produced twice'
            yield Problem(what, wired.place, "name each output once")
        if name == RETURN:
            what = f'stage "{wired.key}": output "{name}" is what the stage returns'
            yield Problem(what, wired.place, "name it otherwise")


def _mapper_hint(mapper: object) -> str:
    if isinstance(mapper, dict):
        return "write KeyedOutputMapper({...})"
    if isinstance(mapper, (list, tuple)):
        return "write SequentialOutputMapper([...])"
    return "give a function from return value to a mapping"


def _policy_mistakes(wired: Wire) -> Iterator[Problem]:
    policy = wired.stage.policy
    for name, is_right, rule in _POLICY_RULES:
        value = getattr(policy, name)
        if not is_right(value):
            near = did_you_mean(value, re.findall(_WORD, rule)) if isinstance(value, str) else ""
            what = f'stage "{wired.key}": {name}={written(value)} is not {rule}{near}'
            yield Problem(what, wired.place)


_WORD = '"([^"]+)"'


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_some(value: Any) -> bool:
    return value is None or (_is_number(value) and value > 0)


def _is_retry_on(value: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, BaseException)
    if isinstance(value, tuple):
        return all(isinstance(one, type) and _is_retry_on(one) for one in value)
    return callable(value)


def _are_dependencies(value: tuple[Any, ...]) -> bool:
    paths = [one for one in value if isinstance(one, (str, PathLike))]
    others = [one for one in value if not isinstance(one, (str, PathLike))]
    return all(callable(one) or isinstance(one, ModuleType) for one in others) and all(
        map(exists, paths)
    )


def _is_condition(value: Any) -> bool:
    if callable(value) and code_flags(value) & (COROUTINE | GENERATOR | ASYNC_GENERATOR):
        return False  # what it returns would always count as true
    return value is None or isinstance(value, (str, InputBinding)) or callable(value)


_MOST_DRAWN = 12
_SETTINGS = fields(Policy)
_POLICY_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (_SETTINGS.retries.name, _is_count, "a whole number from 0 up"),
    (
        _SETTINGS.retry_delay_s.name,
        lambda value: _is_number(value) and value >= 0,
        "a number of seconds from 0 up",
    ),
    (
        _SETTINGS.backoff.name,
        lambda value: _is_number(value) and value >= 1,
        "a factor from 1 up",
    ),
    (_SETTINGS.jitter.name, lambda value: isinstance(value, bool), "True or False"),
    (
        _SETTINGS.timeout_s.name,
        lambda value: value is None or (_is_number(value) and value > 0),
        "a number of seconds above 0",
    ),
    (
        _SETTINGS.retry_on.name,
        _is_retry_on,
        "an exception class, a tuple of them, or a function of the exception",
    ),
    (
        _SETTINGS.when.name,
        _is_condition,
        "the name of a parameter, variable or stage, a plain function or an InputBinding",
    ),
    (
        _SETTINGS.tags.name,
        lambda value: all(isinstance(one, str) for one in value),
        "a word or a list of words",
    ),
    (
        _SETTINGS.cache.name,
        lambda value: value is None or (isinstance(value, str) and value in CACHE),
        " or ".join(f'"{word}"' for word in CACHE),
    ),
    (
        _SETTINGS.version.name,
        lambda value: value is None or isinstance(value, str),
        'a text such as "v2"',
    ),
    (_SETTINGS.depends_on.name, _are_dependencies, "functions, modules, or paths that are there"),
    (
        _SETTINGS.executor.name,
        lambda value: value is None or is_executor(value),
        EXECUTOR_RULE,
    ),
    (_SETTINGS.workers.name, is_count, "a whole number from 1 up"),
    (
        _SETTINGS.item_key.name,
        lambda value: value is None or callable(value),
        "a function of an item",
    ),
    (
        _SETTINGS.collect.name,
        lambda value: value in ("list", "numpy", "xarray"),
        '"list", "numpy" or "xarray"',
    ),
    (_SETTINGS.chunk.name, is_count, "a number of items from 1 up"),
    (
        _SETTINGS.on_error.name,
        lambda value: value is None or value in ON_ERROR,
        '"stop", "continue" or "collect"',
    ),
    (
        _SETTINGS.uses.name,
        lambda value: all(isinstance(one, str) and one for one in value),
        "the name of a resource or a list of names",
    ),
    (_SETTINGS.priority.name, _is_number, "a number"),
    (_SETTINGS.cpus.name, _is_some, "a number above 0"),
    (_SETTINGS.mem_gb.name, _is_some, "a number of gigabytes above 0"),
    (_SETTINGS.gpus.name, _is_some, "a number above 0"),
    (_SETTINGS.timeout_min.name, _is_some, "a number of minutes above 0"),
    (
        _SETTINGS.env.name,
        lambda value: all(isinstance(one, str) for one in value),
        "the name of an environment variable or a list of names",
    ),
)


def _cycle_mistakes(wiring: Wiring) -> Iterator[Problem]:
    for loop in graph.loops(wiring.needs):
        first = wiring.wires[loop[0]]
        drawn = " -> ".join(_shortened([*loop, loop[0]], "..."))
        if len(loop) == 1:
            what = f'stage "{first.key}" waits for itself: {drawn}'
            yield Problem(what, first.place, _own_reading(first))
            continue
        steps = zip([loop[-1], *loop], loop, strict=False)
        readings = [_reading(wiring.wires[key], before) for before, key in steps]
        what = f"stages wait for each other in a loop: {drawn}"
        listed = ", ".join(_shortened(readings, f"... {len(readings)} in all ..."))
        yield Problem(what, first.place, f"do without one of: {listed}")


def _shortened(texts: list[str], gap: str) -> list[str]:
    return texts if len(texts) <= _MOST_DRAWN else [*texts[:3], gap, *texts[-2:]]


def _own_reading(wired: Wire) -> str:
    for link in wired.links:
        if wired.key in link.reads and link.input is None:
            return f'rename its argument "{link.argument}", or bind that by inputs=[...]'
        if wired.key in link.reads:
            return f'bind its argument "{link.argument}" to another stage'
    return f"leave it out of its {_waiting(wired, wired.key)}"


def _reading(wired: Wire, before: str) -> str:
    for link in wired.links:
        if before in link.reads:
            by = "" if link.argument == before else f' by "{link.argument}"'
            ref = None if link.input is None else link.input.bind.source
            file = f"{ref} of " if link.kind == "file" else ""
            return f'"{wired.key}" reads {file}"{before}"{by}'
    return f'"{wired.key}" waits for "{before}" by {_waiting(wired, before)}'


def _waiting(wired: Wire, before: str) -> str:
    return "when=" if any(before in link.reads for link in wired.condition) else "after="


def _type_mistakes(definition: Definition, wires: Mapping[str, Wire]) -> Iterator[Problem]:
    annotated = [key for key, wired in wires.items() if _has_annotations(wired.function)]
    if not annotated:
        return
    from pypedream.engine.annotations import annotations_of  # types are compared if there are any

    annotations = {key: annotations_of(wires[key].function) for key in annotated}
    for key, consumed in annotations.items():
        over = wires[key].over
        for link in wires[key].links:
            if over is not None and link.argument in over.names:
                continue  # it gets an item of what the link gives
            if link.argument in consumed:
                problem = _misfit(definition, wires, annotations, key, link)
                if problem is not None:
                    yield problem


def _has_annotations(function: Any) -> bool:
    return bool(getattr(function, "__annotations__", True))


def _misfit(
    definition: Definition,
    wires: Mapping[str, Wire],
    annotations: Mapping[str, Mapping[str, object]],
    key: str,
    link: Link,
) -> Problem | None:
    wanted = annotations[key][link.argument]
    produced = _produced(definition, wires, annotations, link)
    if produced is None or produced is wanted:
        return None
    from pypedream.engine.types import can_fit, shown

    if can_fit(produced, wanted):
        return None
    what = (
        f'stage "{key}": argument "{link.argument}" takes {shown(wanted)},'
        f" but {link} gives {shown(produced)}"
    )
    other = place_of(wires[link.name].stage) if link.kind == "stage" else definition.place
    hint = f"change one of the two; the other is at {other}"
    return Problem(what, wires[key].place, hint)


def _produced(
    definition: Definition,
    wires: Mapping[str, Wire],
    annotations: Mapping[str, Mapping[str, object]],
    link: Link,
) -> object | None:
    """Return the annotation of what *link* gives; None when it has none."""
    if link.kind == "parameter":
        parameter = definition.parameters.definitions.get(link.name)
        kind: object | None = None if parameter is None else parameter.type
        return Secret if parameter is not None and parameter.secret else kind
    if link.kind != "stage" or link.output != RETURN:
        return None
    if wires[link.name].over is not None:
        return None  # what it gives for each item is collected in a list
    if wires[link.name].flags & (GENERATOR | ASYNC_GENERATOR) & ~COROUTINE:
        return None  # what a generator yields is collected in a list
    return annotations.get(link.name, {}).get("return")
