"""Calls: the lines of a flow that submit its tasks, each after those whose futures it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.export.code import WIDTH, Bracket, call, folded, laid_out, literal, table
from pypedream.export.code import text_literal as quoted
from pypedream.export.prefect.naming import Variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.export.code import Code
    from pypedream.export.outline import Outline, Task
    from pypedream.stage import Policy

_MOST_DELAYS: Final = 50  # Prefect takes no more; the last one holds for what follows


@frozen
class Futures:
    """The variables that hold what the tasks of one stage, or of several, will give."""

    own: str
    items: str = ""

    @property
    def code(self) -> str:
        """How another task gets it."""
        return f"[{self.items}, {self.own}]" if self.items else self.own


def kinds_of(outline: Outline) -> tuple[str, ...]:
    """Return the functions that the tasks of a flow call."""
    found = {name for task in outline.tasks.values() for name in _kinds(task)}
    return tuple(sorted(found))


def calls_of(outline: Outline) -> Iterator[str]:
    """Yield the lines of the flow's body that follow its parameters."""
    futures = _futures(outline)
    for task in _in_order(outline):
        upstream = table({key: futures[outline.task_of(key).key].code for key in task.reads})
        yield from _calls(outline, task, futures, upstream)
    gives = {
        stage: futures[task.key].code for task in outline.tasks.values() for stage in task.stages
    }
    yield ""
    yield "    from pypedream.export.prefect import outcome"
    yield ""
    yield laid_out(call("outcome", ["PIPELINE", table(gives)]), 1, "return ")


def _futures(outline: Outline) -> dict[str, Futures]:
    names = Variables()
    return {
        key: Futures(names.name(key), names.name(key, "__items") if task.is_mapped else "")
        for key, task in outline.tasks.items()
    }


def _kinds(task: Task) -> tuple[str, ...]:
    if task.is_several:
        return ("run_group",)
    return ("run_items", "run_item") if task.is_mapped else ("run_stage",)


def _after(outline: Outline, task: Task) -> list[str]:
    return list(dict.fromkeys(outline.task_of(key).key for key in task.after))


def _in_order(outline: Outline) -> list[Task]:
    """Return the tasks, and among those that wait for the same the mapped ones last.

    The flow waits for the items of a mapped task before it goes on, so what does not need them
    comes first and runs meanwhile.
    """
    ranks: dict[str, int] = {}
    for key, task in outline.tasks.items():
        ranks[key] = max(
            (ranks[each] + outline.tasks[each].is_mapped for each in outline.needs(task)),
            default=0,
        )
    order = {key: place for place, key in enumerate(outline.tasks)}
    return sorted(
        outline.tasks.values(),
        key=lambda task: (ranks[task.key], task.is_mapped, order[task.key]),
    )


def _calls(
    outline: Outline, task: Task, futures: Mapping[str, Futures], upstream: Code
) -> Iterator[str]:
    own, name = futures[task.key], quoted(task.key)
    after = tuple(("", futures[key].own) for key in _after(outline, task))
    waits = {"wait_for": Bracket("[", after, "]")} if after else {}
    settings = {"name": name, **_settings(outline, task)}
    if not task.is_mapped:
        stages = [literal(list(task.stages))] if task.is_several else []
        given = [name, *stages, "parameters", upstream]
        yield _submit(own.own, _kinds(task)[0], settings, "submit", given, waits)
        return
    listing = {"name": quoted(f"{task.key}.items"), **_repeats(task.policy)}
    given = [name, "parameters", upstream]
    yield _submit(own.items, "run_items", listing, "submit", given, waits)
    each = [call("unmapped", [one]) for one in given]
    pieces = {"item": f'{own.items}.result()["pieces"]'}
    yield _submit(own.own, "run_item", settings, "map", each, pieces)


def _submit(
    variable: str,
    function: str,
    settings: Mapping[str, Code],
    how: str,
    given: Iterable[Code],
    named: Mapping[str, Code],
) -> str:
    """Return the lines of ``variable = function.with_options(...).submit(...)``."""
    head = f"{variable} = "
    first = call(f"{function}.with_options", (), settings)
    last = call(f".{how}", given, named)
    if len(f"    {head}{first}{last}") <= WIDTH:
        return f"    {head}{first}{last}"
    if len(f"    {head}{first}.{how}(") <= WIDTH:
        return folded(call(f"{first}.{how}", given, named), 1, head)
    before, _, _ = folded(first, 1, head).rpartition("\n")
    return f"{before}\n{folded(call(f').{how}', given, named), 1)}"


def _settings(outline: Outline, task: Task) -> dict[str, Code]:
    """Return what Prefect does of what the policy asks for."""
    policy = task.policy
    found: dict[str, Code] = {}
    tags = list(dict.fromkeys([*policy.tags, *policy.uses]))
    if tags:
        found["tags"] = literal(tags)
    if policy.timeout_s is not None:
        found["timeout_seconds"] = literal(_seconds(outline, task))
    return found | _repeats(policy)


def _seconds(outline: Outline, task: Task) -> float:
    """Return how long a task may take; one for several items repeats each of them itself."""
    policy, calls = task.policy, int(outline.options.get("map_chunk") or 1)
    assert policy.timeout_s is not None
    if not task.is_mapped or calls == 1:
        return policy.timeout_s
    return calls * (policy.timeout_s * (policy.retries + 1) + sum(_delays(policy)))


def _repeats(policy: Policy) -> dict[str, Code]:
    """Return how often Prefect repeats what failed, and when."""
    if not policy.retries:
        return {}
    found: dict[str, Any] = {"retries": policy.retries}
    delays = _delays(policy)[:_MOST_DELAYS]
    if any(delays):
        found["retry_delay_seconds"] = delays if len(set(delays)) > 1 else delays[0]
        if policy.jitter:
            found["retry_jitter_factor"] = 0.5
    written = {name: literal(value) for name, value in found.items()}
    return {**written, "retry_condition_fn": "worth_repeating"}


def _delays(policy: Policy) -> list[float]:
    return [policy.retry_delay_s * policy.backoff**number for number in range(policy.retries)]
