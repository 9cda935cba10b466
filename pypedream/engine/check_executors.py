"""Checks of where stages are to be called: what is not installed, and what cannot travel there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pypedream._extras import why_missing
from pypedream.engine.options import HERE
from pypedream.engine.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.engine.options import Options
    from pypedream.engine.wiring import Wire

MODULES: Final = {"dask": "distributed", "ray": "ray", "slurm": "submitit"}
"""What an executor is made of; each is an extra of the executor's name."""


def executor_mistakes(
    options: Options, wires: Mapping[str, Wire], chosen: set[str]
) -> list[Problem]:
    """Return a problem for what is not installed, and for each stage that cannot go there."""
    names: dict[str, None] = {}
    found: list[Problem] = []
    for key, wired in wires.items():
        executor = wired.stage.policy.executor or options.executor
        if key in chosen and isinstance(executor, str) and executor not in HERE:
            names[executor] = None
            if not wired.is_async:
                found.extend(_cannot_travel(wired))
    return [*_not_installed(names), *found]


def _not_installed(names: Mapping[str, None]) -> Iterator[Problem]:
    for name in names:
        module = MODULES.get(name)
        text = module and why_missing(module, extra=name, for_=f'executor="{name}"')
        if text:
            yield Problem(text)


def _cannot_travel(wired: Wire) -> Iterator[Problem]:
    """Find a function that goes as a whole, where what does that is missing."""
    from pypedream.executors.wholes import why_not_by_name  # where anything goes elsewhere

    why = why_not_by_name(wired.stage.function)
    if why:
        for_ = f'stage "{wired.key}" {why}: to call it in another process'
        text = why_missing("cloudpickle", extra="cluster", for_=for_)
        if text:
            yield Problem(text, wired.place)
