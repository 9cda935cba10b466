"""Reuse: what a run takes over instead of computing it, and who may ask for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.engine.problem import Problem

if TYPE_CHECKING:
    from pypedream.engine.calls import Calls
    from pypedream.engine.items_before import ItemsBefore
    from pypedream.engine.options import Options
    from pypedream.engine.plan import Blueprint
    from pypedream.engine.replaced import Replaced
    from pypedream.engine.wiring import Wire
    from pypedream.store.results import Result

READ_ONLY = "read-only"
LOOKS = ("cached", READ_ONLY, "retry")
"""The modes in which a kept result is looked for."""


@define(eq=False, repr=False)
class Reuse:
    """Results that a run takes over instead of computing them.

    Attributes
    ----------
    values
        From stage to its return value.
    digests
        From stage to the digest of that, where it is known, of when the stage gave it.
    kept
        From stage to the result that is kept for it and not loaded yet.
    spare
        Kept results that are needed only if one of the others cannot be read.
    mapped
        From stage to its named outputs, where it has an output mapper.
    items
        From a mapped stage that has to run to what its items gave before.
    read
        The iterators that earlier runs have read, and stages of this one.
    reasons
        From stage to why its result still holds.
    rerun
        From a stage that has to run to the reason why.
    expected
        From stage to how many seconds it took the last time.
    calls
        What is known of the calls; None where nothing is kept.
    notes
        What the reader of the plan should know.
    overwrites
        What will be replaced, in words.
    replaced
        The files among that.
    lost
        An output of each stage that has to run because it is gone, and no copy is kept.
    resumes
        The id of the run that is gone on from, if it is.
    """

    values: dict[str, Any] = Factory(dict)
    digests: dict[str, object] = Factory(dict)
    kept: dict[str, Result] = Factory(dict)
    spare: dict[str, Result] = Factory(dict)
    mapped: dict[str, dict[str, Any]] = Factory(dict)
    items: dict[str, ItemsBefore] = Factory(dict)
    read: list[Any] = Factory(list)
    reasons: dict[str, str] = Factory(dict)
    rerun: dict[str, str] = Factory(dict)
    expected: dict[str, float] = Factory(dict)
    calls: Calls | None = None
    overwrites: list[str] = Factory(list)
    replaced: list[Replaced] = Factory(list)
    notes: list[str] = Factory(list)
    lost: list[str] = Factory(list)
    resumes: str = ""


class Taken:
    """A kept result that was found when the turn of its stage came."""

    __slots__ = ("reason", "value")

    def __init__(self, value: Any, reason: str) -> None:
        self.value = value
        self.reason = reason


def mode_of(wired: Wire, options: Options) -> str:
    """Return the cache mode of a stage: its own, else that of the run."""
    return wired.stage.policy.cache or options.cache


def is_cached(base: Blueprint, options: Options) -> bool:
    """Say whether any stage may take over a kept result or replaces one."""
    if options.cache != "off":
        return True
    return base.has_policies and any(
        wired.stage.policy.cache not in (None, "off") for wired in base.wiring.wires.values()
    )


def without_workspace(base: Blueprint, options: Options) -> list[Problem]:
    """Return a problem for each place that asks for kept results where there can be none."""
    hint = 'say where: Pipeline(workspace=".pypedream") or run(workspace=...)'
    found = [
        Problem(f'cache="{policy.cache}" of stage "{key}" needs a workspace', wired.place, hint)
        for key, wired in base.wiring.wires.items()
        if (policy := wired.stage.policy).cache not in (None, "off")
    ]
    if options.cache != "off":
        found.insert(0, Problem(f'cache="{options.cache}" needs a workspace', None, hint))
    return found
