"""Checks of what stages are mapped over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pypedream.engine.problem import Problem
from pypedream.names import did_you_mean
from pypedream.over import Over
from pypedream.values import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.wiring import Wire


def over_mistakes(wired: Wire) -> Iterator[Problem]:
    """Find what cannot be mapped over, and settings that only a mapped stage has."""
    over: Any = wired.stage.policy.over
    if over is None:
        yield from _settings_of_a_map(wired)
    elif not isinstance(over, Over):
        rule = "the name of an argument, a list of names, or from argument to name"
        yield _problem(wired, f"over={written(over)} is not {rule}")
    elif odd := [name for name in over.names if not isinstance(over.source(name), str)]:
        given = written(over.source(odd[0]))
        hint = f'give values by inputs=[immediate({given}, "{odd[0]}")], over="{odd[0]}"'
        yield _problem(wired, f"over=: {given} is no name of a source", hint)
    elif not over.names:
        yield _problem(wired, "over= names no argument", 'write over="files"')
    else:
        yield from _names(wired, over)
        yield from _bound_twice(wired, over)
        if wired.files is not None and wired.files.spec.outs:
            path = wired.files.outputs[0]
            hint = (
                "return the value of each item, and write all of them in a stage that takes the"
                ' list, as by DirectoryOut("results/", ...)'
            )
            yield _problem(wired, f'over=: each item would write "{path}" anew', hint)


def _settings_of_a_map(wired: Wire) -> Iterator[Problem]:
    policy = wired.stage.policy
    chosen = {
        "item_key": policy.item_key is not None,
        "chunk": policy.chunk is not None,
        "collect": policy.collect != "list",
    }
    for name, is_set in chosen.items():
        if is_set:
            yield _problem(wired, f"{name}= is for a mapped stage", "say by over= what it maps")


def _names(wired: Wire, over: Over) -> Iterator[Problem]:
    known = wired.arguments.names
    for name, count in Counter(over.names).items():
        if count > 1:
            yield _problem(wired, f'over= names "{name}" twice')
        elif name not in known and not wired.arguments.takes_any:
            near = did_you_mean(name, known)
            hint = "" if near else f"it takes {', '.join(known) or 'none'}"
            yield _problem(wired, f'over=: its function has no argument "{name}"{near}', hint)


def _bound_twice(wired: Wire, over: Over) -> Iterator[Problem]:
    """Find arguments that ``over=`` binds to one source and ``inputs=`` to another."""
    explicit = {one.as_arg: one for one in wired.stage.inputs}
    for name in over.names:
        if name in over.sources and name in explicit:
            what = f'argument "{name}" is bound by over= and by inputs='
            yield Problem(
                f'stage "{wired.key}": {what}',
                explicit[name].place or wired.place,
                f'remove one: over="{name}" maps over what inputs= gives it',
            )


def _problem(wired: Wire, what: str, hint: str = "") -> Problem:
    return Problem(f'stage "{wired.key}": {what}', wired.place, hint)
