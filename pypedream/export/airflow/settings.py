"""Settings: what a stage's policy is in Airflow, and what has no counterpart there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pypedream.engine.problem import Problem
from pypedream.export.airflow.naming import id_of
from pypedream.stage import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.export.outline import Outline, Task
    from pypedream.stage import Policy

NONE_FAILED: Final = "none_failed"
"""A task that waits for what may be skipped starts all the same: the worker knows whether to."""

SECONDS: Final = ("retry_delay", "execution_timeout")
"""Settings that are `timedelta`s; here they are seconds."""

_WITHOUT_COUNTERPART: Final = ("cpus", "mem_gb", "gpus", "timeout_min")


def settings_of(outline: Outline, task: Task) -> dict[str, Any]:
    """Return the keyword arguments of the operator that calls a task's stages.

    What is not said here is as the site has it.
    """
    policy = task.policy
    found = _repeats_of(policy)
    if policy.timeout_s is not None:
        found["execution_timeout"] = _seconds(outline, task)
    if policy.uses:
        found["pool"] = id_of(str(policy.uses[0]))
    if policy.priority:
        found["priority_weight"] = round(policy.priority)
    if task.is_mapped and policy.workers is not None:
        found["max_active_tis_per_dagrun"] = policy.workers
    return found | waiting_of(outline, task)


def settings_of_items(outline: Outline, task: Task) -> dict[str, Any]:
    """Return those of the task that lists the items of a mapped stage; it calls nothing."""
    return _repeats_of(task.policy) | waiting_of(outline, task)


def _repeats_of(policy: Policy) -> dict[str, Any]:
    if not policy.retries:
        return {}
    found: dict[str, Any] = {"retries": policy.retries, "retry_delay": policy.retry_delay_s}
    if policy.retries > 1 and policy.retry_delay_s > 0 and policy.backoff != 1:
        found["retry_exponential_backoff"] = True  # 2.x takes no factor
    return found


def waiting_of(outline: Outline, task: Task) -> dict[str, Any]:
    """Return the trigger rule if it is not the usual one."""
    may_wait_for_skipped = any(outline.tasks[key].may_be_skipped for key in outline.needs(task))
    return {"trigger_rule": NONE_FAILED} if may_wait_for_skipped else {}


def notes_on(outline: Outline) -> Iterator[str]:
    """Yield what a user has to know of policies, each as a line."""
    for pool in _pools(outline):
        yield f'Airflow must have a pool "{pool}", for the stages that use it'
    for key, task in outline.tasks.items():
        _, *more = task.policy.uses or ("",)
        if more:
            others = " and ".join(f'"{each}"' for each in more)
            yield (
                f'stage "{key}" takes its turn at "{task.policy.uses[0]}" only, not at {others}:'
                " a task in Airflow has one pool"
            )
        left = [name for name in _WITHOUT_COUNTERPART if _is_said(task, name)]
        if left:
            yield f'stage "{key}": {", ".join(left)} is left to how Airflow runs its tasks'


def problems_of_schedule(outline: Outline) -> Iterator[Problem]:
    """Yield what keeps a schedule from being one."""
    schedule = outline.options.get("schedule")
    if schedule is not None and schedule not in PRESETS and not _is_cron(schedule):
        hint = f'"0 6 * * *", or one of {", ".join(PRESETS)}'
        yield Problem(f'schedule="{schedule}" is no schedule', None, hint)


PRESETS: Final = ("@once", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_MOST: Final = (59, 23, 31, 12, 7, 59)
"""The highest number in each field of a cron expression; a sixth one is for seconds."""
_DAYS: Final = frozenset(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
_MONTHS: Final = frozenset(
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
)
_WORDS: Final[tuple[frozenset[str], ...]] = (*[frozenset()] * 3, _MONTHS, _DAYS, frozenset())


def _is_cron(text: str) -> bool:
    fields = text.split()
    return len(fields) in (5, 6) and all(map(_is_field, fields, _MOST, _WORDS))


def _is_field(text: str, most: int, words: frozenset[str]) -> bool:
    numbers = map(int, re.findall(r"(?<![/#\d])\d+", text))
    said = re.findall(r"[a-z]{2,}", text.lower())  # single letters are signs, as L for the last
    return (
        re.fullmatch(r"[\dA-Za-z*,/#?-]+", text) is not None
        and all(each <= most for each in numbers)
        and words.issuperset(said)
    )


def _pools(outline: Outline) -> list[str]:
    found = (settings_of(outline, task).get("pool") for task in outline.tasks.values())
    return list(dict.fromkeys(pool for pool in found if pool))


def _is_said(task: Task, name: str) -> bool:
    return bool(getattr(task.policy, name) != getattr(USUAL, name))


def _seconds(outline: Outline, task: Task) -> float:
    """Return how long a task may take; one for several items repeats each of them itself."""
    policy, calls = task.policy, int(outline.options.get("map_chunk") or 1)
    assert policy.timeout_s is not None
    if not task.is_mapped or calls == 1:
        return policy.timeout_s
    waits = sum(policy.retry_delay_s * policy.backoff**times for times in range(policy.retries))
    return calls * (policy.timeout_s * (policy.retries + 1) + waits)
