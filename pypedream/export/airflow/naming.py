"""Naming: which ids Airflow knows the tasks of a pipeline by, and their variables in the file."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, count
from keyword import iskeyword
from typing import TYPE_CHECKING, Final

from attrs import frozen

from pypedream.engine.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.export.outline import Outline, Task

ITEMS: Final = "__items"
"""What the id of the task that lists the items of a mapped stage ends with."""

_LONGEST: Final = 250  # of an id in Airflow's database
_TEMPLATES: Final = ("{{", "{%", "{#")
_TAKEN: Final = frozenset(
    [
        "DAG",
        "PIPELINE",
        "Param",
        "ROOT",
        "TaskGroup",
        "annotations",
        "dag",
        "datetime",
        "each",
        "items",
        "os",
        "stage",
        "sys",
        "task",
        "timedelta",
        "together",
    ]
)


@frozen
class Names:
    """What tasks and groups are called in Airflow.

    Attributes
    ----------
    ids
        From the key of a task to its id without those of the groups around it.
    variables
        From the key of a task, of a task's items (with `ITEMS`) or of a group to its variable.
    groups
        From a group to its id with those of the groups around it.
    problems
        Names that Airflow cannot have, or not beside others.
    """

    ids: dict[str, str]
    variables: dict[str, str]
    groups: dict[str, str]
    problems: tuple[Problem, ...] = ()

    def full_id(self, task: Task) -> str:
        """Return the id of a task with those of the groups around it."""
        return _full_id(task, self.groups)


def names_in(outline: Outline) -> Names:
    """Return the names of everything in a pipeline."""
    variables = _Variables()
    groups = _ids_of_groups(outline.groups)
    names = Names({}, {}, groups, tuple(_problems(outline, groups)))
    for group in outline.groups:
        names.variables[group] = variables.new(f"{group}__group")
    for key, task in outline.tasks.items():
        names.ids[key] = id_of(inner_name(task))
        names.variables[key] = variables.new(key)
        if task.is_mapped:
            names.variables[key + ITEMS] = variables.new(key + ITEMS)
    return names


def inner_name(task: Task) -> str:
    """Return the name of a task within its group."""
    return task.key.removeprefix(f"{task.group}.") if task.group else task.key


def id_of(name: str, also: str = ".") -> str:
    """Return a name in the letters that Airflow allows, with "_" for others within it.

    Parameters
    ----------
    also
        What is allowed besides letters, digits, "-" and "_".

    Examples
    --------
    >>> id_of("fill gaps"), id_of("größe"), id_of("мир")
    ('fill_gaps', 'grosse', 'u043cu0438u0440')
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    parts = "".join(_plain(letter, also) for letter in plain).split(" ")
    return "_".join(part for part in parts if part) or "_"


def _full_id(task: Task, groups: Mapping[str, str]) -> str:
    around = [groups[task.group]] if task.group else []
    return ".".join([*around, id_of(inner_name(task))])


def _ids_of_groups(groups: Iterable[str]) -> dict[str, str]:
    """Return the id of each group; those around others come first.

    Airflow 2 compares the last part of an id with whole ones: no inner group may be called like one
    that is in none, not even in another group. So it gets a "_" then.
    """
    labels = {group: id_of(group.rpartition(".")[2], "") for group in groups}
    outer = {label for group, label in labels.items() if "." not in group}
    taken = {*labels.values()}
    found: dict[str, str] = {}
    for group, label in labels.items():
        around = group.rpartition(".")[0]
        if around and label in outer:
            ways = (label + "_" * times for times in count(1))
            label = next(each for each in ways if each not in taken)  # noqa: PLW2901
        found[group] = f"{found[around]}.{label}" if around else label
    return found


def _plain(letter: str, also: str) -> str:
    if letter.isascii():
        return letter if letter.isalnum() or letter in f"_-{also}" else " "
    if unicodedata.combining(letter):
        return ""
    return f"u{ord(letter):04x}" if letter.isalpha() else " "


def _problems(outline: Outline, groups: Mapping[str, str]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for shown, full, task in _everything(outline, groups):
        where = task.place if task else None
        if any(sign in shown for sign in _TEMPLATES):
            hint = "Airflow would read it as a template; rename it"
            yield Problem(f"{shown} has braces in its name", where, hint)
        if len(full) > _LONGEST:
            hint = f"Airflow takes {_LONGEST}; shorten it"
            yield Problem(f"the name of {shown} has {len(full)} letters", where, hint)
        if full in owners:
            what = f'{owners[full]} and {shown} would both be "{full}" in Airflow'
            yield Problem(what, where, "rename one of them")
        owners.setdefault(full, shown)


def _everything(
    outline: Outline, groups: Mapping[str, str]
) -> Iterator[tuple[str, str, Task | None]]:
    """Yield all that has an id: what the user calls it, the id, and the task if it is one."""
    for group in outline.groups:
        yield f'group "{group}"', groups[group], None
    for key, task in outline.tasks.items():
        kind = "group" if task.is_several else "stage"
        yield f'{kind} "{key}"', _full_id(task, groups), task
        if task.is_mapped:
            yield f'the items of stage "{key}"', _full_id(task, groups) + ITEMS, task


class _Variables:
    """Gives each thing a variable of its own, like its name."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, name: str) -> str:
        plain = re.sub(r"\W", "_", id_of(name.replace(".", "__"), ""))
        if plain[0].isdigit():
            plain = f"_{plain}"
        ways = chain([plain, f"{plain}_"], (f"{plain}_{number}" for number in count(2)))
        found = next(each for each in ways if each not in self._given and _is_free(each))
        self._given.add(found)
        return found


def _is_free(name: str) -> bool:
    return name not in _TAKEN and not iskeyword(name)


def dag_id_of(name: str) -> str:
    """Return the id of the DAG of a pipeline of this name."""
    return id_of(name or "pipeline")


def problems_of_id(given: str) -> Iterable[Problem]:
    """Yield what keeps a text from being the id of a DAG."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,250}", given):
        hint = f'"{dag_id_of(given)[:_LONGEST]}" would be one'
        yield Problem(f'dag_id="{given}" is no id for Airflow', None, hint)
