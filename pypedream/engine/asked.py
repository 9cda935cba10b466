"""Asked: what a run is asked to do, and what is wrong with that.

A mistake in what is asked is of the line that asks: the call of ``run`` or ``plan``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from pypedream.engine.options import NAMES
from pypedream.engine.problem import Problem
from pypedream.engine.selection import SELECTION
from pypedream.names import did_you_mean, there_are
from pypedream.places import calling_place, is_library

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pypedream.engine.links import Link
    from pypedream.engine.options import Options
    from pypedream.engine.selection import Selection
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters


@frozen(eq=False, repr=False)
class Asked:
    """What a run is asked to do, with every value settled.

    Attributes
    ----------
    problems
        What is wrong with it; those without a place are of the line that asks.
    outside
        What is wrong in the environment.
    refused
        Names of the parameters that were given a value which they do not accept.
    """

    parameters: Parameters
    options: Options
    selection: Selection
    problems: tuple[Problem, ...] = ()
    outside: tuple[Problem, ...] = ()
    refused: frozenset[str] = frozenset()


def placed(problems: list[Problem]) -> list[Problem]:
    """Put those without a place to the line that asks, unless the user did not write that."""
    place = calling_place()
    if place is None or is_library(place.file):
        return problems
    return [one if one.where is not None else evolve(one, where=place) for one in problems]


def selection_mistakes(
    asked: Asked, wires: Mapping[str, Wire], selected: set[str]
) -> list[Problem]:
    """Return a problem for each name that the pipeline does not have, or if nothing is left."""
    found = [*_unknown_names(asked.selection, wires), *_keep_mistakes(asked.options, wires)]
    if wires and not selected and not found and not asked.problems:
        hint = "a stage has to meet each of them"
        found.append(Problem(f"no stage is selected by {asked.selection}", None, hint))
    return found


def _unknown_names(selection: Selection, wires: Mapping[str, Wire]) -> list[Problem]:
    found = []
    for option in ("only", "until", "from_", "given"):
        for name in getattr(selection, option):
            if name not in wires:
                near = did_you_mean(name, wires)
                hint = "" if near else there_are(wires)
                found.append(Problem(f'{option}=: no stage "{name}"{near}', None, hint))
    if selection.tags:
        found += _unknown_tags(selection, wires)
    return found


def _unknown_tags(selection: Selection, wires: Mapping[str, Wire]) -> Iterator[Problem]:
    tags = {tag for wire in wires.values() for tag in wire.stage.policy.tags if _is_text(tag)}
    for name in selection.tags:
        if name not in tags:
            near = did_you_mean(name, tags)
            hint = "" if near else there_are(sorted(tags))
            yield Problem(f'tags=: no stage is tagged "{name}"{near}', None, hint)


def _is_text(tag: object) -> bool:
    return isinstance(tag, str)


def _keep_mistakes(options: Options, wires: Mapping[str, Wire]) -> list[Problem]:
    if isinstance(options.keep, str):
        return []
    return [
        Problem(f'keep=: no stage "{name}"{did_you_mean(name, wires)}')
        for name in options.keep
        if name not in wires
    ]


def unreachable(
    chosen: set[str], available: Iterable[str], wires: Mapping[str, Wire]
) -> list[Problem]:
    """Return a problem for each stage that a chosen one needs and that nothing will provide."""
    have = chosen.union(available)
    found: dict[tuple[str, str], Problem] = {}
    for key, wired in wires.items():
        for link in (*wired.links, *wired.condition) if key in chosen else ():
            if link.kind == "stage" and link.is_required and link.name not in have:
                what = f'stage "{key}" needs stage "{link.name}", which is not selected'
                hint = f'select it too, or give its value: given={{"{link.name}": ...}}'
                found[key, link.name] = Problem(what, None, hint)
    return list(found.values())


def unset(asked: Asked, wires: Mapping[str, Wire], chosen: set[str]) -> list[Problem]:
    """Find the required parameters without a value that a chosen stage reads."""
    missing = [name for name in asked.parameters.missing if not _is_within(name, asked.refused)]
    readers: dict[str, str] = {}
    for key in wires:
        if key in chosen:
            for link in (*wires[key].links, *wires[key].condition):
                for name in _read_by(link, missing):
                    readers.setdefault(name, key)
    return [
        Problem(
            f'parameter "{name}" has no value and stage "{key}" needs it',
            wires[key].place,
            f"{_setting(name)} or -p {name}=...",
        )
        for name, key in readers.items()
    ]


def _is_within(name: str, groups: Collection[str]) -> bool:
    return name in groups or any(name.startswith(f"{group}.") for group in groups)


def _read_by(link: Link, missing: list[str]) -> list[str]:
    if link.kind != "parameter" or not link.is_required:
        return []
    return [name for name in missing if _is_within(name, (link.name,))]


def _setting(name: str) -> str:
    """Say how a call sets a parameter: not every name can be a keyword of its own."""
    is_keyword = name.isidentifier() and name not in NAMES and name not in SELECTION
    return f"run({name}=...)" if is_keyword else f'run({{"{name}": ...}})'
