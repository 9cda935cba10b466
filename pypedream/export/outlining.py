"""Outlining: from a pipeline to its `Outline`."""

from __future__ import annotations

from inspect import getdoc
from typing import TYPE_CHECKING, Any

from pypedream import context
from pypedream.errors import ExportError, PlanError
from pypedream.export.outline import Outline, Task
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.engine.plan import Blueprint
    from pypedream.engine.wiring import Wire
    from pypedream.export.outline import Param
    from pypedream.parameters import Parameters
    from pypedream.pipeline import Pipeline


def outline_of(
    pipeline: Pipeline,
    target: str = "",
    *,
    params: Mapping[str, Param] | None = None,
    group_as_task: Iterable[str] = (),
    base: Blueprint | None = None,
    **facts: Any,
) -> Outline:
    """Return what an exporter needs to know of a pipeline.

    Parameters
    ----------
    target
        Where an interpreter finds it: "module:name".
    params
        Its parameters by dotted name.
    group_as_task
        Prefixes of included pipelines that are one task each.
    base
        The pipeline as it is wired with other values than its own.
    facts
        Other attributes of `Outline`.

    Raises
    ------
    PlanError
        With all mistakes in the pipeline.
    ExportError
        If there is no such group, or its stages cannot be one task.
    """
    base = pipeline.blueprint if base is None else base
    if base.problems:
        raise PlanError(pipeline.name, base.problems)
    tasks = _tasks(base)
    for group in group_as_task:
        tasks = _joined(tasks, group)
    return Outline(pipeline.name, target, tasks, dict(params or {}), **facts)


def _tasks(base: Blueprint) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for key in base.order:
        wired = base.wiring.wires[key]
        uncertain = _is_uncertain(wired) or any(tasks[each].may_be_skipped for each in wired.needs)
        reads = dict.fromkeys(_reads(wired))
        tasks[key] = Task(
            key,
            tuple(reads),
            tuple(each for each in wired.needs if each not in reads),
            wired.stage.policy,
            (key,),
            wired.over,
            wired.stage.policy.when is not None,
            uncertain,
            base.definition.scopes.get(key, ""),
            (getdoc(wired.stage.function) or "").partition("\n")[0],
            wired.place,
            tuple(dict.fromkeys(_by_value(wired))),
            tuple(dict.fromkeys(_parameters(wired, base.definition.parameters))),
            wired.files,
        )
    return tasks


def _reads(wired: Wire) -> Iterator[str]:
    """Give the stages whose results a stage may read."""
    for link in (*wired.links, *wired.condition):
        yield from link.reads
        bind = None if link.input is None else link.input.bind
        if link.kind == "context" and bind is not None and bind.source is context.STAGES:
            yield from wired.needs  # with after= a mapper says of those what it reads


def _by_value(wired: Wire) -> Iterator[str]:
    """Give the stages whose results a stage reads as values, and not as files."""
    for link in (*wired.links, *wired.condition):
        if link.kind != "file":
            yield from link.reads


def _parameters(wired: Wire, parameters: Parameters) -> Iterator[str]:
    read = [link.name for link in (*wired.links, *wired.condition) if link.kind == "parameter"]
    for name, definition in parameters.definitions.items():
        if not definition.secret and any(_is_within(name, each) for each in read):
            yield name


def _is_within(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")


def _is_uncertain(wired: Wire) -> bool:
    return wired.stage.policy.when is not None or wired.over is not None


def _joined(tasks: Mapping[str, Task], group: str) -> dict[str, Task]:
    """Return the tasks with those of one group as one, at the place of the last of them."""
    inside = [key for key, task in tasks.items() if f"{task.group}.".startswith(f"{group}.")]
    groups = {task.group for task in tasks.values() if task.group}
    if not inside:
        near = did_you_mean(group, groups) or _there_are(groups)
        raise ExportError(f'no group "{group}"{near}')
    for key in inside:
        between = _way_back(tasks, key, inside)
        if between:
            raise ExportError(
                f'group "{group}" cannot be one task: stage "{between}" needs a stage of it, and'
                f' "{key}" of it needs "{between}"'
            )
    one = _as_one(tasks, group, inside)
    found = {}
    for key, task in _in_order(tasks, inside):
        found[group if key == inside[-1] else key] = one if key == inside[-1] else task
    return found


def _in_order(tasks: Mapping[str, Task], inside: list[str]) -> Iterable[tuple[str, Task]]:
    """Yield what the group needs, then its last task for all of it, then everything else."""
    before = _ancestors(tasks, inside) - set(inside)
    yield from ((key, tasks[key]) for key in tasks if key in before)
    yield inside[-1], tasks[inside[-1]]
    yield from ((key, tasks[key]) for key in tasks if key not in before and key not in inside)


def _ancestors(tasks: Mapping[str, Task], keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    left = [*keys]
    while left:
        task = tasks[left.pop()]
        new = {*task.reads, *task.after} - found
        found |= new
        left += new
    return found


def _way_back(tasks: Mapping[str, Task], key: str, inside: list[str]) -> str:
    """Return a stage outside that *key* needs and that itself needs one inside; "" if none does."""
    for each in sorted(_ancestors(tasks, [key]) - set(inside)):
        if _ancestors(tasks, [each]).intersection(inside):
            return each
    return ""


def _as_one(tasks: Mapping[str, Task], group: str, inside: list[str]) -> Task:
    reads = dict.fromkeys(read for key in inside for read in tasks[key].reads)
    after = dict.fromkeys(each for key in inside for each in tasks[key].after)
    return Task(
        group,
        tuple(read for read in reads if read not in inside),
        tuple(each for each in after if each not in inside and each not in reads),
        stages=tuple(inside),
        may_be_skipped=any(tasks[key].may_be_skipped for key in inside),
        group=group.rpartition(".")[0],
        place=tasks[inside[0]].place,
    )


def _there_are(groups: Iterable[str]) -> str:
    listed = ", ".join(sorted(groups))
    return f"; there are {listed}" if listed else ": no pipeline was included under a prefix"
