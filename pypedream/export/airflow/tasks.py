"""Tasks: what Airflow is to start, as data: one or two tasks for each of an outline's.

The text of the DAG file and the check of what Airflow reads in it both begin here.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, frozen

from pypedream.export.airflow.naming import ITEMS, inner_name
from pypedream.export.airflow.settings import settings_of, settings_of_items

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.export.airflow.naming import Names
    from pypedream.export.outline import Outline, Task

STAGE: Final = "stage"
LIST: Final = "items"
EACH: Final = "each"
TOGETHER: Final = "together"

SHAPE: Final = "shape"
"""Under this key of XCom is what the items of a mapped stage are like."""


@frozen
class AirflowTask:
    """One task in Airflow.

    Attributes
    ----------
    kind
        The function of the file that it calls: "stage", "items", "each" or "together".
    key
        What that function is told: the key of the stage, or the name of several.
    variable
        Its variable in the file.
    task_id
        Its id within its group.
    full_id
        Its id in the DAG.
    group
        The group that it is in; "" if it is in none.
    shown
        What a user sees instead of the id; "" if that is the same.
    upstream
        From each stage that the function reads to the key of the variable with its result; of a
        mapped one that of its items before it.
    after
        Keys of the variables of what must have ended before, and is not read.
    stages
        Of several stages their keys, in order.
    settings
        Keyword arguments of the operator; times in seconds.
    about
        One line of documentation.
    """

    kind: str
    key: str
    variable: str
    task_id: str
    full_id: str
    group: str = ""
    shown: str = ""
    upstream: Mapping[str, tuple[str, ...]] = Factory(dict)
    after: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    settings: Mapping[str, Any] = Factory(dict)
    about: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the variables of all that it waits for, each once."""
        own = (self.key + ITEMS,) if self.kind == EACH else ()
        return tuple(dict.fromkeys([*chain(*self.upstream.values()), *self.after, *own]))


def tasks_of(outline: Outline, names: Names) -> list[AirflowTask]:
    """Return the tasks, each behind all that it waits for; those of a group near each other."""
    return [each for task in _in_groups(outline) for each in _tasks(outline, task, names)]


def _tasks(outline: Outline, task: Task, names: Names) -> Iterator[AirflowTask]:
    upstream = dict(_upstream(outline, task))
    after = _after(outline, task)
    if task.is_mapped:
        yield _items(outline, task, names, upstream, after)
        after = ()  # its items wait
    task_id, shown = names.ids[task.key], inner_name(task)
    yield AirflowTask(
        _kind(task),
        task.key,
        names.variables[task.key],
        task_id,
        names.full_id(task),
        task.group,
        shown if shown != task_id else "",
        upstream,
        after,
        task.stages if task.is_several else (),
        settings_of(outline, task),
        task.about,
    )


def _items(
    outline: Outline,
    task: Task,
    names: Names,
    upstream: dict[str, tuple[str, ...]],
    after: tuple[str, ...],
) -> AirflowTask:
    shown = inner_name(task)
    return AirflowTask(
        LIST,
        task.key,
        names.variables[task.key + ITEMS],
        names.ids[task.key] + ITEMS,
        names.full_id(task) + ITEMS,
        task.group,
        f"{shown}: items" if shown != names.ids[task.key] else "",
        upstream,
        after,
        settings=settings_of_items(outline, task),
    )


def _kind(task: Task) -> str:
    if task.is_several:
        return TOGETHER
    return EACH if task.is_mapped else STAGE


def _upstream(outline: Outline, task: Task) -> Iterator[tuple[str, tuple[str, ...]]]:
    for key in task.reads:
        source = outline.task_of(key)
        yield key, (source.key + ITEMS, source.key) if source.is_mapped else (source.key,)


def _after(outline: Outline, task: Task) -> tuple[str, ...]:
    read = {outline.task_of(key).key for key in task.reads}
    return tuple(key for key in outline.needs(task) if key not in read)


def _in_groups(outline: Outline) -> Iterator[Task]:
    """Yield tasks in order, but go on with a group as long as one of its tasks can be next."""
    needs = {key: outline.needs(task) for key, task in outline.tasks.items()}
    needed_by: dict[str, list[str]] = {key: [] for key in needs}
    for key, all_of_it in needs.items():
        for each in all_of_it:
            needed_by[each].append(key)
    missing = {key: len(all_of_it) for key, all_of_it in needs.items()}
    ready = _Ready(outline)
    for key, count in missing.items():
        if not count:
            ready.add(key)
    while (task := ready.next()) is not None:
        yield task
        for key in needed_by[task.key]:
            missing[key] -= 1
            if not missing[key]:
                ready.add(key)


class _Ready:
    """The tasks that can be next; the one that is comes from the group of the last, or is first."""

    def __init__(self, outline: Outline) -> None:
        self._tasks = list(outline.tasks.values())
        self._places = {key: place for place, key in enumerate(outline.tasks)}
        self._by_group: dict[str, list[int]] = {}
        self._group = ""

    def add(self, key: str) -> None:
        place = self._places[key]
        heappush(self._by_group.setdefault(self._tasks[place].group, []), place)

    def next(self) -> Task | None:
        if not self._by_group:
            return None
        if self._group not in self._by_group:
            self._group = min(self._by_group, key=lambda group: self._by_group[group][0])
        task = self._tasks[heappop(self._by_group[self._group])]
        if not self._by_group[self._group]:
            del self._by_group[self._group]
        return task
