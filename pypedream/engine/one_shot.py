"""One shot: iterators among what a run is given; each can be read once, and then it is silent.

So whoever reads one is noted, and whoever would get what is left of it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from pypedream.errors import MapError

if TYPE_CHECKING:
    from pypedream.context import Attempt
    from pypedream.engine.execution import Execution
    from pypedream.engine.run import Run
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters

MOST_KNOWN = 20
"""So many iterators are held that were read; one that somebody uses still was read of late."""


def has_iterators(parameters: Parameters) -> bool:
    """Say whether a parameter is an iterator."""
    return any(isinstance(value, Iterator) for value in parameters.given.values())


def read_up_to(run: Run | None) -> list[Any]:
    """Return the iterators that a run and those before it have read."""
    if run is None:
        return []
    given = [value for fan in run.fans.values() for value in fan.given.values()]
    read = [value for value in given if isinstance(value, Iterator)]
    return [*run.plan.reuse.read, *read][-MOST_KNOWN:]


def refuse_what_is_read(execution: Execution, name: str, value: Any) -> None:
    """Refuse an iterator whose items went to another stage, or to an earlier run.

    Raises
    ------
    MapError
        If it is one.
    """
    if isinstance(value, Iterator) and _is_read(execution, value):
        raise MapError(f'"{name}" is an iterator that was read already: give a list, or a new one')


def note_what_is_read(execution: Execution, wired: Wire, attempt: Attempt) -> None:
    """Note which parameters a stage reads that are iterators; warn of what was read already."""
    mapped = () if wired.over is None else wired.over.names
    read = execution.plan.reuse.read
    for link in wired.links:
        if link.kind != "parameter" or link.argument in mapped:
            continue
        value = execution.parameters.given.get(link.name)
        if not isinstance(value, Iterator):
            continue
        if _is_read(execution, value):
            text = (
                f'stage "{wired.key}": the parameter "{link.name}" is an iterator that was read'
                " already, and gives what is left, if anything: give a list, or a new one"
            )
            execution.log.add("warning", text, attempt=attempt, level="warning")
        else:
            read.append(value)


def _is_read(execution: Execution, value: Iterator[Any]) -> bool:
    if isinstance(value, GeneratorType) and value.gi_frame is None:
        return True
    if is_at_its_start(value):
        return False
    others = [one for fan in execution.fans.values() for one in fan.given.values()]
    return any(value is one for one in (*others, *execution.plan.reuse.read))


def is_at_its_start(value: Any) -> bool:
    """Say whether *value* is a file that nobody has read, or that was rewound."""
    try:
        return bool(value.tell() == 0)
    except (AttributeError, OSError, ValueError):  # it is no file, or closed
        return False
