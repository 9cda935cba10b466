"""Diff: what two runs do not have in common, and where they began to give something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from pypedream._lazy import shown_as
from pypedream.engine.divergence import (
    NOT_DETERMINISTIC,
    Divergence,
    comparable_calls,
    divergences,
    not_comparable,
    other_python,
    same,
)
from pypedream.engine.explain import input_differences
from pypedream.store.identity import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pypedream.engine.account import Account, RunHead, StageAccount

_SLOWER = 2
_LEAST_S = 0.1
_OUTSIDE = ("file ", "environment ")


@frozen
class Change:
    """Something that has another value in the second run.

    Attributes
    ----------
    before, after
        The values; None where there is none. They may look alike: of long or secret values it is
        only known that they are not the same.
    """

    name: str
    before: Any
    after: Any


@frozen
class StageChange:
    """Something that is not the same for some stages.

    Attributes
    ----------
    what
        In words: "helper clean_dates (etl.py:41) changed".
    stages
        The stages that it concerns, in the order of the run.
    """

    what: str
    stages: tuple[str, ...]


@frozen
class LogChange:
    """A stage that printed or warned more or less.

    Attributes
    ----------
    what
        "lines printed" or "warnings".
    """

    stage: str
    what: str
    before: int
    after: int


@frozen
class RunDiff:
    """What differs between two runs; its text is a page that says it.

    Attributes
    ----------
    before, after
        The runs: id, pipeline, state, started, duration_s.
    divergences
        The stages that gave something else by themselves, the first of the run first.
    same
        Stages that gave the same.
    not_comparable
        Stages that gave what cannot be compared, as its type does not say what is in it.
    results
        Numbers that stages gave, and in their small dicts, of which the values differ.
    parameters, options, environment
        By name, those of which the values differ.
    code
        What changed in the functions of stages and all that they refer to.
    inputs
        Files, variables of the environment and bindings that changed. Results of other stages
        are not among them: these are what diverges.
    states
        Stages that ended in another way and did not diverge: one had no turn, or is not there.
    durations
        Seconds, of stages whose function took more than twice or less than half as long.
    log
        Stages that printed or warned more or less.
    notes
        What is not known.
    """

    before: RunHead
    after: RunHead
    divergences: tuple[Divergence, ...]
    same: tuple[str, ...]
    not_comparable: tuple[str, ...]
    results: tuple[Change, ...]
    parameters: tuple[Change, ...]
    options: tuple[Change, ...]
    code: tuple[StageChange, ...]
    inputs: tuple[StageChange, ...]
    environment: tuple[Change, ...]
    states: tuple[Change, ...]
    durations: tuple[Change, ...]
    log: tuple[LogChange, ...]
    notes: tuple[str, ...]

    @property
    def first(self) -> Divergence | None:
        """The first stage of the run that gave something else."""
        return self.divergences[0] if self.divergences else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing that is known differs but the time."""
        found = (self.divergences, self.results, self.parameters, self.options, self.code)
        rest = (self.inputs, self.environment, self.states, self.durations, self.log)
        return not any((*found, *rest)) and self.before.state == self.after.state

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def __str__(self) -> str:
        from pypedream.engine.diff_text import diff_text

        return diff_text(self)


def run_diff(
    before: Account, after: Account, blind_spots: Callable[[str], list[str]] | None = None
) -> RunDiff:
    """Compare two runs, of the same pipeline or not.

    Parameters
    ----------
    blind_spots
        Names what a stage uses that a record cannot see, for stages that diverge without a reason.
    """
    order = list(dict.fromkeys((*after.stages, *before.stages)))
    diverged = tuple(divergences(before, after, order))
    if blind_spots is not None:
        diverged = tuple(_with_suspects(one, blind_spots) for one in diverged)
    code = _code(before, after, order)
    return RunDiff(
        before.head,
        after.head,
        diverged,
        tuple(same(before, after, order)),
        tuple(not_comparable(before, after, order)),
        _results(before, after),
        _parameters(before, after, order),
        _changes(before.options, after.options),
        tuple(each for each in code if not each.what.startswith(_OUTSIDE)),
        (
            *(each for each in code if each.what.startswith(_OUTSIDE)),
            *_inputs(before, after, order),
        ),
        _environment(before, after),
        _states(before, after, diverged),
        _durations(before, after, order),
        tuple(_log(before, after, order)),
        tuple(_notes(before, after)),
    )


def _with_suspects(one: Divergence, blind_spots: Callable[[str], list[str]]) -> Divergence:
    if NOT_DETERMINISTIC not in one.why:
        return one
    return evolve(one, why=(*one.why, *(f"it {spot}" for spot in blind_spots(one.stage))))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = dict.fromkeys((*after, *before))
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(
        Change(name, old, new)
        for name, old, new in pairs
        if _text(old) != _text(new) or (name in before) != (name in after)
    )


def _text(value: Any) -> str:
    """Return what is equal for equal values; nan is not equal to itself, and 1 is to True."""
    return json.dumps(value, sort_keys=True, default=repr)


def _results(before: Account, after: Account) -> tuple[Change, ...]:
    """Return numbers that both runs gave, and that differ."""
    old, new = before.find_numbers(), after.find_numbers()
    both = {name: old[name] for name in new if name in old}
    return _changes(both, {name: new[name] for name in both})


def _parameters(before: Account, after: Account, order: list[str]) -> tuple[Change, ...]:
    """Return the parameters that differ, also those of which that is known from calls only."""
    found = {one.name: one for one in _changes(before.parameters, after.parameters)}
    for key in order:
        old, new = comparable_calls(before, after, key) or (None, None)
        if old is None or new is None:
            continue
        for name, _ in input_differences(old, new):
            told = new.inputs.get(name)
            if told is None or not _is_same_source(old.inputs.get(name), told, "parameter "):
                continue
            parameter = told.source.removeprefix("parameter ").strip('"')
            if not any(each == parameter or each.startswith(f"{parameter}.") for each in found):
                shown = (old.inputs[name].shown, told.shown)
                found[parameter] = Change(parameter, *shown)
    return tuple(found.values())


def _is_same_source(old: Any, new: Any, kinds: str | tuple[str, ...]) -> bool:
    return old is not None and old.source == new.source and new.source.startswith(kinds)


def _code(before: Account, after: Account, order: list[str]) -> list[StageChange]:
    """Return each change of code once; versions of packages belong to the environment."""
    concerned: dict[str, list[str]] = {}
    for key in order:
        for words in _code_changes(before, after, key):
            concerned.setdefault(words, []).append(key)
    return [StageChange(words, tuple(keys)) for words, keys in concerned.items()]


def _code_changes(before: Account, after: Account, key: str) -> list[str]:
    calls = comparable_calls(before, after, key)
    if calls is None:
        return []
    if other := other_python(before, after):
        return [other]
    found = changes(calls[0].code, calls[1].code)
    return [words for words in found if not words.startswith("package ")]


def _inputs(before: Account, after: Account, order: list[str]) -> Iterator[StageChange]:
    for key in order:
        old, new = comparable_calls(before, after, key) or (None, None)
        if old is None or new is None:
            continue
        for name, words in input_differences(old, new):
            told = new.inputs.get(name)
            kinds = ("parameter ", "stage ", 'output "')
            if told is None or not _is_same_source(old.inputs.get(name), told, kinds):
                yield StageChange(words, (key,))


def _environment(before: Account, after: Account) -> tuple[Change, ...]:
    """Return what both name and differs: what only one names was not recorded, or not used."""
    both = before.environment.keys() & after.environment.keys()
    return tuple(one for one in _changes(before.environment, after.environment) if one.name in both)


def _states(before: Account, after: Account, diverged: Iterable[Divergence]) -> tuple[Change, ...]:
    said = {key for one in diverged for key in (one.stage, *one.downstream)}
    if not (before.stages and after.stages):
        return ()
    old = {key: _state(stage) for key, stage in before.stages.items() if key not in said}
    new = {key: _state(stage) for key, stage in after.stages.items() if key not in said}
    return _changes(old, new)


def _state(stage: StageAccount) -> str:
    return "ok" if stage.has_result else stage.state


def _durations(before: Account, after: Account, order: list[str]) -> tuple[Change, ...]:
    found = []
    for key in order:
        old, new = before.stages.get(key), after.stages.get(key)
        if old is None or new is None or not (old.has_result and new.has_result):
            continue
        if old.function_s is not None and new.function_s is not None:
            short, long = sorted((old.function_s, new.function_s))
            if long > _SLOWER * short and long - short > _LEAST_S:
                found.append(Change(key, old.function_s, new.function_s))
    return tuple(found)


def _log(before: Account, after: Account, order: list[str]) -> Iterator[LogChange]:
    """Yield stages that were called in both runs and did not say as much."""
    for key in order:
        old, new = before.stages.get(key), after.stages.get(key)
        if old is None or new is None or None in (old.duration_s, new.duration_s):
            continue
        if old.printed != new.printed:
            yield LogChange(key, "lines printed", old.printed, new.printed)
        if old.warned != new.warned:
            yield LogChange(key, "warnings", old.warned, new.warned)


def _notes(before: Account, after: Account) -> Iterator[str]:
    yield from dict.fromkeys((*before.unreadable, *after.unreadable))
    for account in (before, after):
        if not account.is_recorded:
            yield f"run {account.head.id} recorded no results: its code is taken as it is now"
        is_done = any(stage.has_result for stage in account.stages.values())
        if not account.has_results and is_done:
            yield (
                f"run {account.head.id}: results were not recorded, so neither code nor results"
                " can be compared"
            )
