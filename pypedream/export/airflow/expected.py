"""What Airflow should read in the DAG file of an outline, in the form of `seen`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pypedream.export.airflow.asking import asked_for
from pypedream.export.airflow.dag_file import dag_id
from pypedream.export.airflow.naming import ITEMS, names_in
from pypedream.export.airflow.tasks import EACH, LIST, SHAPE, tasks_of
from pypedream.export.outline import NO_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.export.airflow.asking import Asked
    from pypedream.export.airflow.tasks import AirflowTask
    from pypedream.export.outline import Outline

USUAL: Final = {
    "execution_timeout": None,
    "max_active_tis_per_dagrun": None,
    "pool": "default_pool",
    "priority_weight": 1,
    "retries": 0,
    "retry_delay": 300,
    "retry_exponential_backoff": False,
    "trigger_rule": "all_success",
}
"""What Airflow has where neither a file nor the site says anything."""


def expected(outline: Outline) -> dict[str, Any]:
    """Return what is to be found, by the id of the DAG."""
    names = names_in(outline)
    tasks = tasks_of(outline, names)
    by_variable = {_variable(each): each for each in tasks}
    found = {
        "schedule": outline.options.get("schedule"),
        "catchup": False,
        "shown": outline.name or dag_id(outline),
        "description": outline.about.strip().partition("\n")[0],
        "tags": ["pypedream"],
        "params": {name: _param(each) for name, each in asked_for(outline).items()},
        "tasks": {each.full_id: _task(each, by_variable) for each in tasks},
    }
    return {dag_id(outline): found}


def _variable(each: AirflowTask) -> str:
    """Return the key of its variable."""
    return each.key + ITEMS if each.kind == LIST else each.key


def _param(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {"schema": dict(asked.schema), "help": asked.help}
    # Airflow does not tell a default of None from none at all.
    if asked.default is NO_DEFAULT or asked.default is None:
        return found
    return found | {"default": asked.default}


def _task(each: AirflowTask, by_variable: Mapping[str, AirflowTask]) -> dict[str, Any]:
    return {
        "function": each.kind,
        "is_mapped": each.kind == EACH,
        "called with": _called(each, by_variable),
        "upstream": sorted(by_variable[key].full_id for key in each.needs),
        "shown": each.shown or each.full_id,
        "about": each.about,
        "settings": USUAL | dict(each.settings),
    }


def _called(each: AirflowTask, by_variable: Mapping[str, AirflowTask]) -> Any:
    upstream = {
        key: _result([by_variable[source] for source in sources])
        for key, sources in each.upstream.items()
    }
    if each.kind == EACH:
        items = by_variable[each.key + ITEMS]
        return {"name": each.key, "upstream": upstream, "item": f"{items.full_id}[]"}
    stages = [list(each.stages)] if each.stages else []
    return [each.key, *stages, upstream]


def _result(sources: list[AirflowTask]) -> Any:
    *listed, source = sources
    result = f"{source.full_id}[]"
    return [f"{listed[0].full_id}[{SHAPE}]", result] if listed else result
